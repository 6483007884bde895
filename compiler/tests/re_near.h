/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Texts that match an automaton, or nearly.
 */

#include "compiler/automaton.h"
#include "compiler/tests/re_random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RE_NEAR_STATES = 2048,
	RE_NEAR_TEXT = 64,
};

/* Where each state of an automaton stands: how many bytes are missing to a match. */
struct re_near {
	const struct pst_automaton *a;
	uint32_t distance[RE_NEAR_STATES]; /* UINT32_MAX: no text matches from here on */
};

/* False when A has too many states, or matches nothing. A must outlive NEAR. */
bool re_near_init(struct re_near *near, const struct pst_automaton *a);

/* A text that matches, in every other case with one byte changed, dropped, repeated or added. */
size_t re_near_text(struct re_random *r, const struct re_near *near, char buf[RE_NEAR_TEXT]);
