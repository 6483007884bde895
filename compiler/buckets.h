/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A hash table over things that are kept in an array: it holds their numbers.
 *
 * Who looks for something walks the numbers at its hash until there is none:
 *
 *	for (size_t at = hash; (number = pst_buckets_at(b, at)) != PST_BUCKETS_NONE; at++)
 */

#include <stddef.h>
#include <stdint.h>

#define PST_BUCKETS_NONE UINT32_MAX

/* Zeroed: empty. Free V. */
struct pst_buckets {
	uint32_t *v; /* 1 + number, or 0 */
	size_t n;    /* a power of two, or 0 */
};

static inline uint64_t pst_buckets_mix(uint64_t h, uint64_t x)
{
	h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static inline uint32_t pst_buckets_at(const struct pst_buckets *b, size_t at)
{
	return b->n ? b->v[at & (b->n - 1)] - 1 : PST_BUCKETS_NONE;
}

/* Room for one more than the N that are there, whose hashes HASH_OF tells. 0 or -ENOMEM. */
int pst_buckets_reserve(struct pst_buckets *b, size_t n,
			uint64_t (*hash_of)(const void *ctx, size_t number), const void *ctx);

/* There is room. */
void pst_buckets_add(struct pst_buckets *b, uint64_t hash, size_t number);

/* Nothing is there any more; the room stays. */
void pst_buckets_clear(struct pst_buckets *b);
