/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How the tree of a pattern grows. Only regex.c includes this.
 *
 * Operands wait on a stack until the operator that joins them is known. An open group remembers
 * where its finished alternatives begin and, behind them, the pieces of the current one. '|'
 * makes one operand of the pieces, ')' one of the alternatives. The whole pattern is a group that
 * is never written.
 *
 * All functions return 0; -ENOMEM; -EOVERFLOW when the tree would be higher than
 * PST_RE_MAX_HEIGHT.
 */

#include "base/vec.h"
#include "compiler/regex.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_re_group {
	size_t open;	    /* offset of the '(' */
	unsigned int flags; /* those outside, to be restored */
	bool capturing;
	size_t first_alt;   /* operands: finished alternatives */
	size_t first_piece; /* operands: pieces of the current one */
};

/* TREE and CLASSES are the caller's; the rest begins zeroed. */
struct pst_re_grower {
	struct pst_re_tree *tree;
	struct pst_classes *classes;
	struct PST_VEC(uint32_t) operands;
	struct PST_VEC(struct pst_re_group) groups;
};

/* A leaf: \C, or a place. */
int pst_re_grow_any_byte(struct pst_re_grower *g);
int pst_re_grow_assertion(struct pst_re_grower *g, enum pst_re_assert assertion);

/* A class, which is released. R is what came of reading it: when it is not 0, it is returned. */
int pst_re_grow_class(struct pst_re_grower *g, struct pst_charclass *c, int r);

/* The last piece of the current alternative, or NULL when there is none yet. */
const struct pst_re_node *pst_re_last_piece(const struct pst_re_grower *g);

/* Repeats the last piece, which must be there; its copies must stay within PST_RE_MAX_REPEAT. */
int pst_re_grow_repeat(struct pst_re_grower *g, uint32_t min, uint32_t max);

int pst_re_grow_bar(struct pst_re_grower *g);
int pst_re_grow_open(struct pst_re_grower *g, size_t open, unsigned int flags, bool capturing);

/* Ends the innermost group and tells what it was. */
int pst_re_grow_close(struct pst_re_grower *g, struct pst_re_group *ret_group);

/* The innermost group. */
const struct pst_re_group *pst_re_innermost(const struct pst_re_grower *g);

void pst_re_grower_fini(struct pst_re_grower *g);
