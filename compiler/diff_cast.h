/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who takes part in a comparison: the actors, the inventories in which they appear, and the
 * policies that concern them.
 *
 * Endpoints and nodes get addresses of their own making, so that a pod is itself on both sides
 * whatever its address was, and can be found in a bundle. Addresses outside keep what they are; a
 * real address of a pod or node stands for nobody else.
 */

#include "compiler/cohort.h"
#include "compiler/diff.h"
#include "compiler/diff_outside.h"

struct pst_diff_stage {
	struct pst_policy_set policies;		      /* those that concern a subject */
	struct pst_inventory inventory;		      /* the side's own, and the extras */
	struct pst_addr *endpoint_addrs, *node_addrs; /* one of each */
};

/* A label set that pods of the comparison have whose policies are compared. */
struct pst_diff_subject {
	struct pst_labels labels;
	bool is_cohort; /* stands for pods that need not exist */
};

/* Zeroed: empty. */
struct pst_diff_cast {
	const struct pst_diff_query *q;
	struct pst_arena *arena;
	struct PST_VEC(struct pst_diff_subject) subjects; /* all of them, sorted by labels */
	struct PST_VEC(struct pst_diff_port_name) port_names;
	size_t n_policies[PST_DIFF_SIDES]; /* that have a say about a subject */
	bool all_subjects, all_peers;

	/* The scene that is played: some of the subjects, and all their peers. */
	size_t first, n;
	struct pst_diff_stage stage[PST_DIFF_SIDES];
	struct PST_VEC(struct pst_diff_actor) actors;

	/* Private. */
	struct pst_cohorts peers;
	struct pst_prefix_list told;  /* prefixes of policies and services */
	struct pst_prefix_list taken; /* and addresses of pods and nodes, real and made up */
	struct pst_addr last;	      /* address that was made up */
};

/* Finds the subjects. 0 or -ENOMEM; to be released in both cases. */
int pst_diff_cast_init(struct pst_diff_cast *c, const struct pst_diff_query *q,
		       struct pst_arena *arena);

/*
 * Sets the stages for N subjects, the first being number FIRST. 0; -ENOMEM; -E2BIG when the peers
 * of several subjects together have too many cohorts: those of fewer subjects may not.
 */
int pst_diff_cast_set(struct pst_diff_cast *c, size_t first, size_t n);

/* Fills the actors with their identities in the bundles of both stages. 0 or -ENOMEM. */
int pst_diff_cast_find(struct pst_diff_cast *c, struct pst_bundle *const bundles[PST_DIFF_SIDES]);

void pst_diff_cast_fini(struct pst_diff_cast *c);

/* Two inventories are compared pod by pod, and all at once. */
bool pst_diff_cast_has_two(const struct pst_diff_cast *c);

/* Is a pod with LABELS one of the subjects of the scene? */
bool pst_diff_cast_is_subject(const struct pst_diff_cast *c, const struct pst_labels *labels);

/* A part of pst_diff_cast_set(): the inventory of one stage. 0 or -ENOMEM. */
int pst_diff_stage_set(struct pst_diff_cast *c, enum pst_diff_side side);
