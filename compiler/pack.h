/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Automata to the tables of bpf/abi.h.
 *
 * All automata of a bundle share three arrays: cells (the rows), classes (256 bytes per distinct
 * class map) and tags (distinct tag sets). The packer appends; an automaton either goes in whole or
 * leaves the arrays as they were. Row 0, 257 zero cells, is the dead state of every automaton, and
 * tags[0] is the empty set.
 *
 * A class map holds 1 + class in one byte, because cell 0 of a row is the tag index. So an
 * automaton has at most 255 classes here; one with 256 (every byte a class of its own) does not
 * fit.
 */

#include "base/vec.h"
#include "compiler/automaton.h"
#include "compiler/bundle.h"

#include <stdint.h>

enum {
	PST_PACK_DEAD_CELLS = 257,  /* the dead row: 1 + the most classes a map could name */
	PST_PACK_MAP_BYTES = 256,   /* one class map */
	PST_PACK_MAX_CLASSES = 255, /* 1 + class fits a byte */
};

/* The table that was full: what pst_packer_add() needed and what there is. */
struct pst_pack_full {
	const char *table; /* static */
	size_t need, limit;
};

/* Where an automaton lies. */
struct pst_packed {
	uint32_t start;	  /* row offset in cells */
	uint32_t classes; /* offset in classes */
};

struct pst_packer {
	struct PST_VEC(uint32_t) cells;
	struct PST_VEC(uint8_t) classes;
	struct PST_VEC(uint64_t) tags;
	uint32_t *tag_slots; /* hash of tags: index, 0 = free */
};

/* 0 or -ENOMEM. Nothing to release on failure. */
int pst_packer_init(struct pst_packer *p);
void pst_packer_fini(struct pst_packer *p);

/* 0; -ENOMEM; -E2BIG with *RET_FULL (only then written). */
int pst_packer_add(struct pst_packer *p, const struct pst_automaton *a,
		   struct pst_packed *ret_packed, struct pst_pack_full *ret_full);

/* Copies the tables into B's arena. 0 or -ENOMEM. */
int pst_packer_seal(const struct pst_packer *p, struct pst_bundle *b);
