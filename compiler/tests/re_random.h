/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Random patterns and texts from a seed, the same on every machine.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * So many of N rounds are run: all, or a quarter where sanitizers make each of them ten times as
 * long. What a round says of the code is the same; more of them find rarer inputs, which the others
 * do. RE_IS_ROUND: the same for rounds that have numbers.
 */
#ifdef __SANITIZE_ADDRESS__
#define RE_ROUNDS(n)   ((n) / 4)
#define RE_IS_ROUND(i) ((i) % 4 == 0)
#else
#define RE_ROUNDS(n)   (n)
#define RE_IS_ROUND(i) ((void)(i), true)
#endif

struct re_random {
	uint64_t state; /* the seed, not 0 */
};

/* 0 .. n - 1. */
uint32_t re_random_below(struct re_random *r, uint32_t n);

/* A pattern of the grammar, mostly valid; its length (< SIZE). */
size_t re_random_pattern(struct re_random *r, char *buf, size_t size);

/* Tokens in any order, mostly invalid; its length (< SIZE). */
size_t re_random_soup(struct re_random *r, char *buf, size_t size);

/* A short text over the letters of the patterns, sometimes not UTF-8; its length (< SIZE). */
size_t re_random_text(struct re_random *r, char *buf, size_t size);
