/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Do two lists of HTTP rules allow the same requests? A proof, or a request that tells them apart.
 *
 * A rule allows the requests whose method, path and host it matches: a box in three dimensions. A
 * list allows the union of its boxes. Both unions are compared exactly:
 *
 * 1. Methods and hosts are cut into atoms (compiler/atoms.h). For one atom of each, it is settled
 *    which rules still have a say, and what is left of them is a path: one question is whether the
 *    paths of A's remaining rules and those of B's are the same language. Equal remaining rules are
 *    equal questions.
 * 2. Up to 32 questions go into one walk over the path patterns: a pattern has two tags per
 *    question, "allows in A" and "allows in B". The lists differ exactly when a target in normal
 *    form leads to a state with one tag of a pair and not the other.
 *
 * Rules that both lists have cannot make a difference. A text at which the lists differ is matched
 * by a rule that is in one list only; so the walk is confined to the paths of those rules, and what
 * is looked at grows with the change, not with the lists.
 *
 * Header conditions are numbers: equal ones are the same condition, and the caller may tell which
 * condition implies which (a header with a value implies that it is there). A request that meets a
 * condition meets those that it implies, and need not meet any other. So what is compared is one
 * condition at a time, with what it implies; if the lists are equal there, they are equal where
 * several are met, because rules only add. A caller that does not tell what implies what gets
 * differences that may be on paper only, but "equal" is right all the same.
 */

#include "compiler/automaton.h"
#include "compiler/baselang.h"
#include "compiler/product.h"
#include "compiler/rulegroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_rulediff_limits {
	struct pst_automaton_limits automaton; /* each of the automata over many patterns */
	struct pst_product_limits product;     /* each walk */
	uint32_t max_atoms;		       /* of methods, and of hosts */
	uint32_t max_combinations;	       /* atoms of methods x of hosts x header conditions */
	uint32_t max_questions;		       /* distinct ones */
};

/*
 * 65536 states, 2^20 positions and 64 MiB an automaton; pst_product_default_limits; 65536 atoms;
 * 2^20 combinations; 32768 questions.
 */
extern const struct pst_rulediff_limits pst_rulediff_default_limits;

/* A request: what is asked for, and what is not. */
struct pst_reqwitness {
	struct pst_witness field[PST_FIELD_MAX]; /* host.text NULL: HTTP/1.0 without Host */
	uint32_t headers; /* the condition that it meets, with what that implies; 0: none */
};

struct pst_rulediff {
	bool differ;
	bool in_a; /* A allows the witness and B does not; else the reverse */
	struct pst_reqwitness witness;

	/* What it took; after -E2BIG how far it came. */
	const char *limit;	       /* static, after -E2BIG: what there was too much of */
	uint32_t atoms[PST_FIELD_MAX]; /* of methods and of hosts; [PST_FIELD_PATH] is 0 */
	uint32_t questions;
	uint32_t states; /* of products, for paths */
};

struct pst_rulediff_query {
	struct pst_reqlist a, b;
	const struct pst_baselang *base;
	const struct pst_rulediff_limits *limits; /* NULL: the default */
	struct pst_diags *diags;
	/* Does each request that meets condition A meet B? Neither is 0. NULL: only if A is B. */
	bool (*implies)(const void *ctx, uint32_t a, uint32_t b);
	const void *ctx;
};

/*
 * Compares A with B within BASE. 0 with *RET_DIFF, to be released with pst_rulediff_fini(); -E2BIG:
 * nothing is known, *RET_DIFF tells how far it came, and DIAGS has more if a pattern is to blame;
 * -EINVAL: a pattern is not in the dialect (DIAGS); -ENOMEM. Patterns that decide nothing are not
 * read.
 *
 * The witness's path is a shortest one among those of its walk; its method is a usual one if it can
 * be.
 */
int pst_rulediff(const struct pst_rulediff_query *q, struct pst_rulediff *ret_diff);

void pst_rulediff_fini(struct pst_rulediff *d);
