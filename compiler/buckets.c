// SPDX-License-Identifier: Apache-2.0
#include "compiler/buckets.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

void pst_buckets_add(struct pst_buckets *b, uint64_t hash, size_t number)
{
	size_t at = hash & (b->n - 1);

	while (b->v[at])
		at = (at + 1) & (b->n - 1);
	b->v[at] = (uint32_t)number + 1;
}

int pst_buckets_reserve(struct pst_buckets *b, size_t n,
			uint64_t (*hash_of)(const void *ctx, size_t number), const void *ctx)
{
	struct pst_buckets more = {.n = b->n ? 2 * b->n : FIRST_BUCKETS};

	if (2 * (n + 1) <= b->n)
		return 0;
	more.v = pst_mem_calloc(more.n, sizeof(*more.v));
	if (!more.v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		pst_buckets_add(&more, hash_of(ctx, i), i);
	free(b->v);
	*b = more;
	return 0;
}

void pst_buckets_clear(struct pst_buckets *b)
{
	if (b->n)
		memset(b->v, 0, b->n * sizeof(*b->v));
}
