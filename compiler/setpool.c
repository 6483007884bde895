// SPDX-License-Identifier: Apache-2.0
#include "compiler/setpool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_at(const void *ctx, size_t number)
{
	const struct pst_setpool *p = ctx;
	const uint64_t *set = pst_setpool_at(p, (uint32_t)number);
	uint64_t h = 0;

	/* Most words are empty. */
	for (size_t i = 0; i < p->words; i++) {
		if (set[i])
			h = pst_buckets_mix(h + i, set[i]);
	}
	return h;
}

static int append(struct pst_setpool *p, const uint64_t *set)
{
	if (p->n == UINT32_MAX - 1 || pst_vec_reserve(&p->bits, p->bits.n + p->words))
		return -ENOMEM;
	memcpy(p->bits.v + p->bits.n, set, p->words * sizeof(*set));
	return pst_buckets_reserve(&p->by_bits, p->n, hash_at, p);
}

/* The set is written behind the others, where it stays if it is new. */
int pst_setpool_add(struct pst_setpool *p, const uint64_t *set, uint32_t *ret_number)
{
	uint64_t hash;
	uint32_t i;

	if (append(p, set))
		return -ENOMEM;
	hash = hash_at(p, p->n);
	for (size_t at = hash; (i = pst_buckets_at(&p->by_bits, at)) != PST_BUCKETS_NONE; at++) {
		if (!memcmp(pst_setpool_at(p, i), set, p->words * sizeof(*set))) {
			*ret_number = i;
			return 0;
		}
	}
	pst_buckets_add(&p->by_bits, hash, p->n);
	p->bits.n += p->words;
	*ret_number = (uint32_t)p->n++;
	return 0;
}

void pst_setpool_seal(struct pst_setpool *p)
{
	free(p->by_bits.v);
	p->by_bits = (struct pst_buckets){0};
}

void pst_setpool_fini(struct pst_setpool *p)
{
	pst_setpool_seal(p);
	pst_vec_free(&p->bits);
	p->n = 0;
}
