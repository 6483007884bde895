/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * qsort() for lists that are mostly in order already: then each element is compared once.
 */

#include <stdlib.h>

/* V may be NULL when N is 0. */
static inline void pst_sort(void *v, size_t n, size_t size,
			    int (*compare)(const void *a, const void *b))
{
	const char *at = v;

	for (size_t i = 1; i < n; i++, at += size) {
		if (compare(at, at + size) > 0) {
			qsort(v, n, size, compare);
			return;
		}
	}
}
