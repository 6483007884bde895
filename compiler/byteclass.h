/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Byte sets, and byte classes: bytes that no set of an automaton tells apart.
 *
 * The rows of an automaton have one cell per class instead of 256. For HTTP paths that is a
 * handful to some dozens, and everything behind (subset construction, minimization, the kernel's
 * tables) costs that much less. Classes are numbered in the order of their smallest byte.
 */

#include <stdbool.h>
#include <stdint.h>

enum { PST_BYTES = 256 };

struct pst_byteset {
	uint64_t w[4];
};

static inline void pst_byteset_add(struct pst_byteset *s, unsigned int byte)
{
	s->w[byte / 64] |= UINT64_C(1) << (byte % 64);
}

static inline void pst_byteset_add_range(struct pst_byteset *s, unsigned int lo, unsigned int hi)
{
	for (unsigned int b = lo; b <= hi; b++)
		pst_byteset_add(s, b);
}

static inline bool pst_byteset_has(const struct pst_byteset *s, unsigned int byte)
{
	return s->w[byte / 64] >> (byte % 64) & 1;
}

static inline struct pst_byteset pst_byteset_and(const struct pst_byteset *a,
						 const struct pst_byteset *b)
{
	return (struct pst_byteset){
		{a->w[0] & b->w[0], a->w[1] & b->w[1], a->w[2] & b->w[2], a->w[3] & b->w[3]}};
}

static inline struct pst_byteset pst_byteset_minus(const struct pst_byteset *a,
						   const struct pst_byteset *b)
{
	return (struct pst_byteset){
		{a->w[0] & ~b->w[0], a->w[1] & ~b->w[1], a->w[2] & ~b->w[2], a->w[3] & ~b->w[3]}};
}

static inline bool pst_byteset_is_empty(const struct pst_byteset *s)
{
	return !(s->w[0] | s->w[1] | s->w[2] | s->w[3]);
}

/* A division of all bytes into classes 0 .. n - 1. */
struct pst_byteclass {
	uint32_t n;
	uint8_t of[PST_BYTES];
};

/* One class that holds every byte. */
void pst_byteclass_init(struct pst_byteclass *c);

/* Splits classes so that each is inside or outside of SET. */
void pst_byteclass_split(struct pst_byteclass *c, const struct pst_byteset *set);

/* The classes inside SET, as a set of class numbers. SET must not cut a class. */
struct pst_byteset pst_byteclass_inside(const struct pst_byteclass *c,
					const struct pst_byteset *set);
