/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP rules of a list by what their paths begin with: so that comparing the rules of a list of
 * ten thousand with each other does not cost the square of that.
 *
 * A rule includes another one only if it matches a text of the other's path. So one such text is
 * taken (lint/sample.h), and only rules are looked at whose paths begin as it does. Where no text
 * is known, all are.
 */

#include "lint/http_box.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_box_index {
	const struct pst_http_box *v; /* the list */
	size_t n;
	uint32_t *heads, *next;	 /* 1 + number; chains by the start of the path */
	size_t n_heads, max_len; /* a power of two; the longest start */
};

/* Files the N boxes of V, which must outlive it. 0 or -ENOMEM, with nothing left to free. */
int pst_box_index_init(struct pst_box_index *index, const struct pst_http_box *v, size_t n);
void pst_box_index_fini(struct pst_box_index *index);

/* One question: which of the list might include INNER? */
struct pst_box_cursor {
	const char *text; /* NULL: all of them */
	size_t len, max;
	uint32_t hash, at;
};

struct pst_box_cursor pst_box_cursor_init(const struct pst_box_index *index,
					  const struct pst_http_box *inner);

/* The next candidate, none twice; NULL behind the last. */
const struct pst_http_box *pst_box_index_next(const struct pst_box_index *index,
					      struct pst_box_cursor *cursor);
