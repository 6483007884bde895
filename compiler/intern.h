/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Interning: every distinct thing gets one number.
 *
 * The compiler's stages keep their things (character classes, byte sets, nodes, sets of nodes) in
 * plain arrays and call them by index. This table finds the index of an equal thing. It stores
 * hashes and indexes only; what "equal" means is the caller's function. The usual way to use it:
 * append the candidate to the array, ask, and drop the candidate again when an older index comes
 * back.
 *
 * Open addressing, at most half full; a lookup is one or two cache lines. Numbers depend only on
 * the order of insertion, never on the hash, so what is built on them is deterministic.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_intern_slot;

/* A zeroed table is empty. */
struct pst_intern {
	struct pst_intern_slot *slots;
	size_t cap, n;
};

/* Is the thing numbered ID the one that CTX describes? */
typedef bool (*pst_intern_equal_fn)(const void *ctx, uint32_t id);

/*
 * Gives the number of the thing equal to the one CTX describes; when there is none, CANDIDATE
 * becomes that number. 0 or -ENOMEM.
 */
int pst_intern_get(struct pst_intern *t, uint32_t hash, pst_intern_equal_fn equal, const void *ctx,
		   uint32_t candidate, uint32_t *ret_id);

void pst_intern_fini(struct pst_intern *t);

/* Bytes held. */
size_t pst_intern_bytes(const struct pst_intern *t);

/* Mixes WORD into the hash H. */
static inline uint32_t pst_intern_mix(uint32_t h, uint32_t word)
{
	h = (h ^ word) * 0x9e3779b1u;
	h ^= h >> 15;
	h *= 0x85ebca6bu;
	return h ^ (h >> 13);
}
