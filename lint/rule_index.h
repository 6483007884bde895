/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rules of a set, found by the subjects that they select: so that comparing rules with each other
 * does not cost the square of their number.
 *
 * Two questions are answered. Which rules could select every endpoint that SPEC selects? A subject
 * that asks for app=web can only do so if SPEC asks for app=web as well; so each rule is filed
 * under the namespace and under one value that its subject demands, and few files are opened. And
 * which could select some of them? There only the namespace helps.
 *
 * The index tells candidates. Whether they really do is pst_selector_implies()'s question. And
 * because a set may be built so that all rules are candidates of each other, the work has a limit.
 */

#include "lint/walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can be told of a rule at a glance; a comparison costs more than all of these. */
struct pst_rule_sketch {
	uint64_t
		peers; /* a bit for each value that all peers demand; who covers it has no others */
	uint32_t label, value; /* a label that the subject demands and its value; 0: none */
};

struct pst_rule_entry {
	struct pst_rule_ref ref;
	struct pst_rule_sketch sketch;
	uint64_t key;  /* what it is filed under */
	uint32_t next; /* in its chain: 1 + number, 0 at the end */
};

struct pst_rule_index {
	struct pst_rule_entry *v;
	uint32_t *heads; /* chains; a power of two */
	size_t n, n_heads;
	bool by_namespace; /* the second question */
	size_t steps;	   /* of work that may still be done */
};

typedef bool (*pst_rule_wanted)(const struct pst_rule_ref *ref);

/*
 * Files the rules that WANTED wants, refused ones never. BY_NAMESPACE says which question will be
 * asked. 0 or -ENOMEM (with nothing left to free).
 */
int pst_rule_index_init(struct pst_rule_index *index, const struct pst_policy_set *set,
			bool by_namespace, pst_rule_wanted wanted);
void pst_rule_index_fini(struct pst_rule_index *index);

/* One question, about REF: its direction, the subject of its spec, its peers. */
struct pst_rule_cursor {
	const struct pst_rule_ref *ref;
	struct pst_rule_sketch sketch;
	size_t chain;
	uint32_t at;
	bool started; /* on this chain */
};

struct pst_rule_cursor pst_rule_cursor_init(const struct pst_rule_ref *ref);

/*
 * The next candidate: a rule of the same direction, perhaps REF itself. In no order that matters,
 * none twice; NULL behind the last, and when the limit is reached.
 */
const struct pst_rule_ref *pst_rule_index_next(struct pst_rule_index *index,
					       struct pst_rule_cursor *cursor);

/* A comparison that costs at most A times B looks. False when so much is not left. */
bool pst_rule_index_spend(struct pst_rule_index *index, size_t a, size_t b);

/* Does REF's subject select every endpoint that SPEC's subject selects? Costs steps. */
bool pst_rule_index_selects_all(struct pst_rule_index *index, const struct pst_rule_ref *ref,
				const struct pst_spec *spec);

/* Could both select one endpoint? Costs steps. */
bool pst_rule_index_selects_some(struct pst_rule_index *index, const struct pst_rule_ref *ref,
				 const struct pst_spec *spec);

/* Does REF's rule have all peers of RULE (lint/cover.h)? Costs steps. */
bool pst_rule_index_reaches_all(struct pst_rule_index *index, const struct pst_rule_ref *ref,
				const struct pst_rule *rule);

/* A question about each rule of a set, to an index of the rules that may be the answer. */
struct pst_rule_inquiry {
	bool by_namespace;
	pst_rule_wanted wanted;	 /* what is filed */
	pst_rule_visit question; /* its context is the index */
	const char *what;	 /* is looked for */
};

/* Makes the index, asks, reports, and frees it. 0 or -ENOMEM. */
int pst_rule_index_ask(const struct pst_lint_env *env, const struct pst_rule_inquiry *inquiry);

/* After the last question: adds "lint-budget" when the limit was reached. WHAT was looked for. */
void pst_rule_index_report(const struct pst_rule_index *index, const struct pst_lint_env *env,
			   const char *what);
