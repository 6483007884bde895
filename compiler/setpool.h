/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Sets of slots, equal ones once: ten thousand rules mean perhaps a thousand sets of peers.
 */

#include "base/vec.h"
#include "compiler/buckets.h"

#include <stddef.h>
#include <stdint.h>

/* Zeroed, with its words set (at least one): empty. */
struct pst_setpool {
	size_t words; /* of each set */
	size_t n;
	struct PST_VEC(uint64_t) bits; /* set after set */
	struct pst_buckets by_bits;
};

/* The number of the set that says what SET says. 0 or -ENOMEM. */
int pst_setpool_add(struct pst_setpool *p, const uint64_t *set, uint32_t *ret_number);

/* Valid until the next one is added. */
static inline const uint64_t *pst_setpool_at(const struct pst_setpool *p, uint32_t number)
{
	return p->bits.v + number * p->words;
}

/* Nothing more will be added: gives back what only that needs. */
void pst_setpool_seal(struct pst_setpool *p);

void pst_setpool_fini(struct pst_setpool *p);
