/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * One step of an automaton over the packed tables of bpf/abi.h. A state is the offset of its row;
 * row 0 is dead and leads to itself under every class map. The masks are for the verifier: the
 * loader has checked every index (compiler/verify.c), natively an assertion finds what a mask would
 * hide.
 */

#include "bpf/abi.h"
#include "bpf/compat.h"

PST_INLINE __u32 pst_dfa_step(const struct pst_table *t, __u32 row, __u32 classes, __u32 byte)
{
	__u32 column = t->classes[(classes + byte) & PST_CLASS_MASK];

	return t->cells[(row + column) & PST_CELL_MASK];
}

/* The tags of the patterns that match what led to ROW. */
PST_INLINE __u64 pst_dfa_tags(const struct pst_table *t, __u32 row)
{
	return t->tags[t->cells[row & PST_CELL_MASK] & PST_TAG_MASK];
}
