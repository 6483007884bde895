/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Parts of an array: lists of spans of its places.
 *
 * Among sorted prefixes those that lie in one prefix are a span. So whom a rule means is a union of
 * spans, less others, and costs what the spans cost, not what lies in each of them.
 */

#include "base/vec.h"

#include <stddef.h>

struct pst_span {
	size_t begin, end; /* without the place END */
};

struct pst_spans PST_VEC(struct pst_span);

/* The same places, each once: spans that ascend, apart from each other and not empty. N log N. */
void pst_spans_merge(struct pst_spans *s);

/*
 * Appends to TO what is in FROM and not in LESS, which are both merged; TO is neither of them.
 * Costs the sum of both. 0 or -ENOMEM: then TO has some of it.
 */
int pst_spans_subtract(const struct pst_spans *from, const struct pst_spans *less,
		       struct pst_spans *to);
