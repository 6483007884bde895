/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * "Did you mean ...": the known name that is closest to a misspelt one.
 *
 * The distance counts insertions, deletions, replacements and swaps of neighbours; case does not
 * count, so that HTTP finds http. A name is offered when a third of its letters or fewer are wrong.
 */

#include <stddef.h>

struct pst_nearest {
	const char *wanted;
	const char *best; /* NULL: nothing is close */
	size_t distance;
};

void pst_nearest_init(struct pst_nearest *n, const char *wanted);

/* Shows one known name to the search. */
void pst_nearest_offer(struct pst_nearest *n, const char *name);

enum { PST_NEAREST_HINT_SIZE = 96 };

/* "; did you mean \"x\"?" or "" into BUF of PST_NEAREST_HINT_SIZE bytes; returns BUF. */
const char *pst_nearest_hint(const struct pst_nearest *n, char *buf);
