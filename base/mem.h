/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Memory: overflow-checked growth and arenas.
 *
 * Models and compiler stages live in one arena each and are freed as a whole; single objects with a
 * life of their own use the heap. From 256 KiB on an arena has pages of its own, which the kernel
 * gets back when it is freed. Every allocation of this project goes through this file (or
 * through a library), so that a test can make the n-th one fail: pst_mem_fail_after().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_arena;

/* calloc() with overflow check. NULL when there is no memory. Free with free(). */
void *pst_mem_calloc(size_t n, size_t size);

/* SIZE bytes that are not zeroed, for what is written as a whole. As above. */
void *pst_mem_alloc(size_t size);

/* strndup(). NULL when there is no memory. */
char *pst_mem_strndup(const char *s, size_t len);

/*
 * Makes room for NEED elements of SIZE bytes in the heap array *P of capacity *CAP (at least
 * doubling it). 0, or -ENOMEM with *P and *CAP as they were.
 */
int pst_mem_grow(void *p, size_t *cap, size_t need, size_t size);

/*
 * Test hook: the N-th allocation from now on (0 = the next one) fails, once. Negative: none fails.
 * What an arena hands out counts as an allocation each, although most of it comes from a block that
 * is there already.
 */
void pst_mem_fail_after(long n);

/* True when the failure asked for by pst_mem_fail_after() has happened. */
bool pst_mem_failed(void);

/* An empty arena, or NULL when there is no memory. */
struct pst_arena *pst_arena_new(void);

/* Frees the arena and all that lives in it. NULL is fine; *A becomes NULL. */
void pst_arena_free(struct pst_arena **a);

/*
 * Forgets all that was handed out, so that a loop can use one arena for one item after the other.
 * What it held is gone; one block stays, zeroed, and the others are freed.
 */
void pst_arena_reset(struct pst_arena *a);

/* SIZE zeroed bytes, aligned for any type; NULL when there is no memory. Freed with the arena. */
void *pst_arena_alloc(struct pst_arena *a, size_t size);

/* N zeroed elements of SIZE bytes; NULL on overflow or when there is no memory. */
void *pst_arena_calloc(struct pst_arena *a, size_t n, size_t size);

/* A NUL-terminated copy of LEN bytes of S; NULL when there is no memory. */
char *pst_arena_strndup(struct pst_arena *a, const char *s, size_t len);

/* A, BETWEEN and B as one string; NULL when there is no memory. */
char *pst_arena_join(struct pst_arena *arena, const char *a, char between, const char *b);

/* A formatted string; NULL when there is no memory. */
char *pst_arena_printf(struct pst_arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Bytes handed out since the arena was made or reset: for statistics and budgets. */
size_t pst_arena_used(const struct pst_arena *a);
