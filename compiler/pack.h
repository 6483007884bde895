/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Automata to the tables of bpf/abi.h.
 *
 * All automata of a bundle share three arrays: cells (the rows, compiler/rowset.h), classes (256
 * bytes per distinct class map) and tags (distinct tag sets). An automaton either goes in whole or
 * leaves them as they were; its rows take the first places where they fit, also between those of
 * others. tags[0] is the empty set.
 *
 * A class map holds PST_COLUMN_CLASS + class in one byte, because the columns before it mean
 * something else. So an automaton has at most 254 classes here; one with more does not fit.
 */

#include "base/vec.h"
#include "compiler/automaton.h"
#include "compiler/bundle.h"
#include "compiler/rowfit.h"

#include <stdint.h>

enum {
	PST_PACK_MAP_BYTES = 256, /* one class map */
	PST_PACK_MAX_CLASSES = PST_COLUMNS - PST_COLUMN_CLASS,
};

/* The table that was full: what pst_packer_add() needed and what there is. */
struct pst_pack_full {
	const char *table; /* static */
	size_t need, limit;
};

/* Where an automaton lies. */
struct pst_packed {
	uint32_t start;	  /* row */
	uint32_t classes; /* offset in classes */
	uint32_t n_cells; /* that its rows take */
};

struct pst_packer {
	struct PST_VEC(uint32_t) cells; /* up to the last one in use */
	struct pst_rowfit *fit;
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

/* What cells[N] says of ROW in COLUMN: the row or tag set, or UINT32_MAX for no cell. */
static inline uint32_t pst_pack_cell(const uint32_t *cells, size_t n, uint32_t row, uint32_t column)
{
	uint32_t cell = (size_t)row + column < n ? cells[row + column] : 0;

	if (cell >> PST_COLUMN_SHIFT != column || (!cell && !column))
		return UINT32_MAX;
	return cell & PST_CELL_MASK;
}
