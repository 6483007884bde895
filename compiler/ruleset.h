/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rule sets: the HTTP rules that one subject identity applies to one peer identity on one port and
 * direction, in the form in which a request is judged in time that depends on its length and not
 * on their number.
 *
 * Combinations. Rules are grouped by their distinct (method, host, headers) conditions; each group
 * is a combination and has one bit, its tag, at most 64 of them. Ten thousand path rules with
 * three methods between them cost three bits. Then the path automaton holds every path pattern,
 * with the tags of the combinations that use it; the method automaton every method pattern, with
 * the tags of the combinations that ask for it; the host automaton likewise; and a condition that
 * is absent is the pattern that every text matches. Running the three over a request gives three
 * tag sets:
 *
 *	allowed  <=>  method & path & host != 0
 *
 * Proof: bit c is in all three exactly when the request's method and host satisfy the conditions
 * of c and its path one of the paths of a rule in c, that is, when a rule of c matches. A request
 * without Host (HTTP/1.0) has the tags of the combinations that do not ask for a host.
 *
 * Headers. Each field that a rule of the set asks for is one condition more, of the same kind: it
 * has a slot (at most PST_HEADER_SLOTS in a set), an automaton over its lines, and the tags of its
 * absence. The automaton of names tells the recogniser the slot.
 *
 * Division. Paths whose automaton is over the budget are divided among up to PST_PATH_PARTS
 * automata (compiler/pathsplit.h). The tags of a path are the union of theirs, which is what the
 * one automaton would say: each pattern is in one of them. "why" then says what was too much.
 *
 * Sharing. Equal lists of rules are one rule set; equal lists of patterns with equal tags are one
 * automaton, built once. A rule set that does not fit (too many combinations or slots, an automaton
 * over the budget, a full table), or that changes headers, is marked fallback, with a warning
 * "ruleset-fallback" that names the rule, the limit and the size: the kernel denies its requests
 * while there is no fallback. An empty rule set is valid and allows nothing.
 */

#include "compiler/automaton.h"
#include "compiler/buckets.h"
#include "compiler/bundle.h"
#include "compiler/catalog.h"
#include "compiler/larder.h"
#include "compiler/pack.h"

#include <stddef.h>
#include <stdint.h>

enum { PST_RULESET_MAX_COMBINATIONS = 64 };

/* An automaton that is in the packer already, by what it was built from. */
struct pst_ruleset_shared {
	uint64_t hash;		      /* of the patterns */
	struct pst_pattern *patterns; /* sorted, distinct */
	size_t n;
	struct pst_packed packed;
};

struct pst_ruleset_table {
	const struct pst_catalog *catalog;
	const struct pst_automaton_limits *limits;
	struct pst_packer *packer;
	struct pst_larder *larder; /* automata of the last compilation; NULL: none */
	struct pst_arena *arena;   /* of the bundle: what is in sets lives there */
	struct pst_diags *diags;
	struct pst_packed names; /* the field names that the recogniser itself must know */
	struct PST_VEC(struct pst_bundle_ruleset) sets;
	struct PST_VEC(struct pst_ruleset_shared) shared; /* patterns are heap arrays */
	struct pst_buckets by_rules, by_patterns;	  /* of sets, of shared */
};

/* What T borrows must outlive it; nothing to release yet. */
void pst_ruleset_table_init(struct pst_ruleset_table *t, const struct pst_ruleset_table *borrowed);
void pst_ruleset_table_fini(struct pst_ruleset_table *t);

/*
 * The number of the rule set that consists of RULES (indexes into the catalogue, ascending, all
 * HTTP rules that are usable). 0; -ENOMEM; -E2BIG when there are more rule sets than a policy entry
 * can name, with a diagnostic.
 */
int pst_ruleset_intern(struct pst_ruleset_table *t, const uint32_t *rules, size_t n,
		       uint32_t *ret_index);
