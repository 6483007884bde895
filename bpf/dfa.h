/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * One step of an automaton over the packed tables of bpf/abi.h. A state is its row, with
 * PST_CELL_LOOPS where the cell that led to it says so; row 0 is dead and leads to itself under
 * every class map.
 *
 * The loader has checked every cell (compiler/verify.c). The masks are for the verifier, which
 * knows nothing of that; a class is a byte, and behind the cells there is room for one row.
 *
 * Whether a cell belongs to the row is a branch and no selection: it is the same answer for long
 * stretches of a text, and a predicted branch keeps the comparison out of the chain of loads that
 * bounds the walk.
 */

#include "bpf/abi.h"
#include "bpf/compat.h"

PST_INLINE const __u32 *pst_dfa_cells(const struct pst_table *t, __u32 row)
{
	return &t->cells[pst_index(row & ~(__u32)PST_CELL_LOOPS, PST_CELL_MASK)];
}

PST_INLINE __u32 pst_dfa_step(const struct pst_table *t, __u32 row, __u32 classes, __u32 byte)
{
	__u32 column = t->classes[(classes + byte) & PST_CLASS_MASK];
	const __u32 *cells = pst_dfa_cells(t, row);
	__u32 cell = cells[column];

	if (cell >> PST_COLUMN_SHIFT != column) {
		cell = cells[PST_COLUMN_ELSE];
		if (cell >> PST_COLUMN_SHIFT != PST_COLUMN_ELSE)
			cell = 0;
	}
	return cell & PST_ROW_MASK;
}

/* All bits when X is negative, else 0. BPF has comparisons as branches only. */
PST_INLINE __u32 pst_mask_negative(__u32 x)
{
	pst_opaque(x);
	return (__u32)((__s32)x >> 31);
}

/* The same step without branches: slower, and one way only for the verifier. */
PST_INLINE __u32 pst_dfa_step_flat(const struct pst_table *t, __u32 row, __u32 classes, __u64 byte)
{
	__u32 column = t->classes[(classes + (__u32)(byte & 0xff)) & PST_CLASS_MASK];
	const __u32 *cells = pst_dfa_cells(t, row);
	__u32 own = cells[column], other = cells[PST_COLUMN_ELSE];
	__u32 is_own = pst_mask_negative((own >> PST_COLUMN_SHIFT ^ column) - 1);
	__u32 is_other = pst_mask_negative((other >> PST_COLUMN_SHIFT ^ PST_COLUMN_ELSE) - 1);

	return ((own & is_own) | (other & is_other & ~is_own)) & PST_ROW_MASK;
}

/* The tags of the patterns that match what led to ROW. */
PST_INLINE __u64 pst_dfa_tags(const struct pst_table *t, __u32 row)
{
	__u32 cell = pst_dfa_cells(t, row)[PST_COLUMN_TAGS];

	if (cell >> PST_COLUMN_SHIFT != PST_COLUMN_TAGS)
		return 0;
	return t->tags[cell & PST_TAG_MASK];
}
