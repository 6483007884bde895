// SPDX-License-Identifier: Apache-2.0
#include "compiler/spans.h"

#include <errno.h>
#include <stdlib.h>

static int compare(const void *va, const void *vb)
{
	const struct pst_span *a = va, *b = vb;

	return (a->begin > b->begin) - (a->begin < b->begin);
}

void pst_spans_merge(struct pst_spans *s)
{
	size_t n = 0;

	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), compare);
	for (size_t i = 0; i < s->n; i++) {
		const struct pst_span span = s->v[i];

		if (span.begin >= span.end)
			continue;
		if (!n || s->v[n - 1].end < span.begin)
			s->v[n++] = span;
		else if (s->v[n - 1].end < span.end)
			s->v[n - 1].end = span.end;
	}
	s->n = n;
}

static int append(struct pst_spans *to, size_t begin, size_t end)
{
	const struct pst_span span = {begin, end};

	return begin < end ? pst_vec_push(to, span) : 0;
}

int pst_spans_subtract(const struct pst_spans *from, const struct pst_spans *less,
		       struct pst_spans *to)
{
	size_t first = 0; /* of LESS, that ends behind where we are */

	for (size_t i = 0; i < from->n; i++) {
		size_t at = from->v[i].begin;

		while (first < less->n && less->v[first].end <= at)
			first++;
		for (size_t k = first; k < less->n && less->v[k].begin < from->v[i].end; k++) {
			if (append(to, at, less->v[k].begin))
				return -ENOMEM;
			if (at < less->v[k].end)
				at = less->v[k].end;
		}
		if (append(to, at, from->v[i].end))
			return -ENOMEM;
	}
	return 0;
}
