/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Typed growable arrays on the heap.
 *
 *	struct names PST_VEC(const char *);
 *	struct names names = { 0 };
 *	int r = pst_vec_push(&names, "a");	// 0 or -ENOMEM
 *	pst_vec_free(&names);
 *
 * A zeroed vector is empty. Elements are v[0] .. v[n - 1]. The macros hide no control flow.
 */

#include "base/mem.h"

#include <stdlib.h>

#define PST_VEC(type)                                                     \
	{                                                                 \
		type *v; /* NOLINT(bugprone-macro-parentheses): a type */ \
		size_t n, cap;                                            \
	}

/* Makes room for one more element; 0 or -ENOMEM. */
#define pst_vec_reserve(vec, need) pst_mem_grow(&(vec)->v, &(vec)->cap, (need), sizeof(*(vec)->v))

/* Appends; 0 or -ENOMEM with the vector unchanged. */
#define pst_vec_push(vec, ...)                                                                \
	({                                                                                    \
		int pushed_ = (vec)->n < (vec)->cap ? 0 : pst_vec_reserve(vec, (vec)->n + 1); \
		if (!pushed_)                                                                 \
			(vec)->v[(vec)->n++] = (__VA_ARGS__);                                 \
		pushed_;                                                                      \
	})

#define pst_vec_free(vec)                  \
	({                                 \
		free((vec)->v);            \
		(vec)->v = NULL;           \
		(vec)->n = (vec)->cap = 0; \
	})
