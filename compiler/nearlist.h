/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A short list of what is nearest, kept sorted: the two halves of compiler/nearmiss.h have one
 * each. */

#include <stdbool.h>
#include <stddef.h>

struct pst_nearlist {
	void *v; /* PST_NEARMISS_MAX elements */
	size_t size;
	size_t *n, *n_more; /* elements, and those that were left out */
	bool (*is_nearer)(const void *a, const void *b);
};

/* Copies the element M to its place; the first of equally near ones stays in front. */
void pst_nearlist_insert(const struct pst_nearlist *list, const void *m);
