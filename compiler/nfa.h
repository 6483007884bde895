/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The nondeterministic automaton of all patterns together, over bytes.
 *
 * It is Thompson's, built from the end of a pattern to its beginning: build(tree, next) gives the
 * node that matches the tree and goes on at NEXT. Two reasons to prefer that to position
 * automata. Every node is then a function of (what it matches, where it goes on), so equal ones
 * can be made once: all patterns that end in "/[^/]+" with the same tag share that end, and so do
 * the sequences of UTF-8. Subset construction sees one path instead of thousands. And a node has
 * one successor, so the memory is linear in the number of nodes, where follow sets are quadratic.
 *
 * UTF-8. A class of code points becomes sequences of byte ranges. As in RE2, a range that reaches
 * from U+0080 or below to U+10FFFF (the '.', negated classes) is not spelt out exactly but as
 *
 *	[00-7F] | [C2-DF] T | [E0-EF] T T | [F0-F4] T T T	with T = [80-BF]
 *
 * which is smaller and lets some malformed sequences pass. All other ranges match their shortest
 * forms only.
 *
 * Nodes are numbered in the order in which they are made: the same patterns give the same
 * automaton.
 */

#include "base/vec.h"
#include "compiler/byteclass.h"
#include "compiler/charclass.h"
#include "compiler/regex.h"

#include <stdint.h>

#define PST_NFA_NONE UINT32_MAX

enum pst_nfa_op {
	PST_NFA_BYTES,	/* one byte of set a, go on at b */
	PST_NFA_SPLIT,	/* go on at a and at b */
	PST_NFA_ASSERT, /* if enum pst_re_assert a holds, go on at b */
	PST_NFA_ACCEPT, /* the tag a | b << 32 matches */
};

struct pst_nfa_node {
	uint32_t op; /* enum pst_nfa_op */
	uint32_t a, b;
	uint32_t pattern; /* the first one that made it: to name the culprit of an explosion */
};

/* A part of a tree that was built before, and what it became. */
struct pst_nfa_memo {
	uint32_t kind, class_id, next;
	uint32_t node;
};

/* Zeroed: empty. */
struct pst_nfa {
	struct PST_VEC(struct pst_nfa_node) nodes;
	struct PST_VEC(struct pst_byteset) sets;
	struct PST_VEC(uint32_t) roots;
	struct PST_VEC(struct pst_nfa_memo) memos;
	struct pst_intern node_index, set_index, memo_index;
	struct pst_classes classes; /* shared by the trees of all patterns */
	uint32_t assertions;	    /* bits 1 << enum pst_re_assert: which there are */
};

/*
 * Adds a pattern, number PATTERN, as one more root; TREE's classes are NFA's. 0; -E2BIG when
 * there would be more than MAX_NODES nodes; -ENOMEM. After a failure the automaton can only be
 * released.
 */
int pst_nfa_add(struct pst_nfa *nfa, const struct pst_re_tree *tree, uint64_t tag, uint32_t pattern,
		uint32_t max_nodes);

/* Bytes held. */
size_t pst_nfa_bytes(const struct pst_nfa *nfa);

void pst_nfa_fini(struct pst_nfa *nfa);
