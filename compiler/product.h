/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Several automata read one text: a breadth-first walk over the states they can be in together.
 *
 * A product state is a vector, one state per part. Vectors are made when they are first reached,
 * never all of them; what the caller looks for ends the walk. With the tags of all parts at hand
 * the caller decides any boolean question about the languages, so this is the only loop behind
 * intersection, difference, inclusion, equality and the diff of rule sets.
 *
 * Exact. A text leads every part to one state, hence to one product state, and every product state
 * that is entered is shown to the caller with the tags that all its texts have. When the walk ends
 * by itself, what was not shown is not there (within max_len, see below).
 *
 * Shortest. The walk is breadth-first, so the text of a product state is a shortest one. Of equally
 * short ones it is the first in dictionary order, bytes in the order in which people like to read
 * them: a-z, A-Z, 0-9, '/', the other visible ASCII characters, blank, and then the rest by value.
 *
 * Pruned. State 0 of an automaton is dead: no text leads out of it. A product state in which one of
 * the first n_required parts is dead is not entered; the caller says thereby that nothing it looks
 * for lies behind it. Texts longer than max_len are not looked at.
 */

#include "base/vec.h"
#include "compiler/automaton.h"
#include "compiler/intern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* max_len when any length will do. */
#define PST_PRODUCT_ANY_LENGTH UINT32_MAX

struct pst_product_limits {
	uint32_t max_states; /* product states entered */
	size_t max_bytes;    /* memory of the walk */
};

/* 2^20 states, 256 MiB. */
extern const struct pst_product_limits pst_product_default_limits;

/*
 * Is told of product state number STATE, whose parts have the tags TAGS[0 .. n_parts - 1]. 0: go
 * on; positive: this is it, end the walk; a negative errno ends it too.
 */
typedef int (*pst_product_visit_fn)(void *ctx, uint32_t state, const uint64_t *tags);

/* How a product state was first reached. */
struct pst_product_step {
	uint32_t from;
	uint8_t byte;
};

struct pst_product {
	/* The caller's; the automata must outlive the walk and pst_product_text(). */
	const struct pst_automaton *const *parts;
	uint32_t n_parts;    /* not 0 */
	uint32_t n_required; /* <= n_parts */
	uint32_t max_len;
	const struct pst_product_limits *limits; /* NULL: the default */
	pst_product_visit_fn visit;
	void *ctx;

	/* The walk's; zeroed before it. steps.n is how many product states were entered. */
	struct PST_VEC(struct pst_product_step) steps; /* in the order of discovery */
	struct PST_VEC(uint32_t) vectors;	       /* n_parts per state */
	struct pst_intern index;
	const char *limit; /* static: the limit that was hit, after -E2BIG */
};

/*
 * Walks. 1 when VISIT ended it, 0 when nothing is left; -E2BIG when a limit is hit (P->limit and
 * P->steps.n say which and how far it came); -ENOMEM; what VISIT returned. Always followed by
 * pst_product_fini().
 */
int pst_product_walk(struct pst_product *p);

/* A text, heap-allocated and NUL-terminated behind its LEN bytes (which may hold NULs too). */
struct pst_witness {
	char *text;
	size_t len;
};

/* The text of product state STATE. 0 or -ENOMEM. */
int pst_product_text(const struct pst_product *p, uint32_t state, struct pst_witness *ret_witness);

void pst_witness_fini(struct pst_witness *w);

/* Frees what the walk holds; the caller's fields stay, so that it can be walked again. */
void pst_product_fini(struct pst_product *p);
