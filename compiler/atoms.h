/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Atoms: the texts of a base language, divided by which of N patterns match them.
 *
 * Two texts that the same patterns match are alike to every rule made of these patterns. There are
 * finitely many such sets of patterns, each the tags of a reachable product state of the patterns'
 * automata with the base; so walking the product finds all of them, and a shortest text of each.
 * What holds for one text of every atom holds for all texts.
 */

#include "base/vec.h"
#include "compiler/langops.h"
#include "compiler/parts.h"
#include "compiler/product.h"

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: empty. */
struct pst_atoms {
	uint32_t n;
	uint32_t n_words;			  /* of the set of patterns of one atom */
	struct PST_VEC(uint64_t) sets;		  /* n * n_words: bit p % 64 of word p / 64 */
	struct PST_VEC(struct pst_witness) texts; /* one of each; .text NULL: no text at all */
};

struct pst_atoms_query {
	const struct pst_pattern *patterns; /* their tags do not matter */
	uint32_t n;
	const struct pst_lang_base *base;
	/*
	 * Only atoms that one of these matches are asked for; others may be left out. NULL: all.
	 * With few of them the walk stays near them, however many patterns there are.
	 */
	const struct pst_pattern *among;
	uint32_t n_among;
	/* Texts that read better than the shortest one, best first, NULL at the end; or NULL. */
	const char *const *usual;
	bool may_be_absent; /* the field can be missing, which no pattern matches */
	const struct pst_automaton_limits *automaton;
	const struct pst_product_limits *product;
	uint32_t max_atoms;
	struct pst_diags *diags;
};

/*
 * Finds the atoms, in the order of their shortest texts; one for a missing field, if it needs one
 * of its own, is last. 0; -E2BIG and -EINVAL as of pst_parts_build() (with diagnostics), -E2BIG as
 * of pst_product_walk() or for more than max_atoms (without); -ENOMEM. After a failure *RET_ATOMS
 * is empty, but for `n`, which says how many were found.
 */
int pst_atoms_find(const struct pst_atoms_query *q, struct pst_atoms *ret_atoms);

static inline bool pst_atoms_has(const struct pst_atoms *a, uint32_t atom, uint32_t pattern)
{
	return a->sets.v[(size_t)atom * a->n_words + pattern / 64] >> pattern % 64 & 1;
}

void pst_atoms_fini(struct pst_atoms *a);
