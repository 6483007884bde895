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

/* Zeroed: empty. */
struct pst_diff_cast {
	const struct pst_diff_query *q;
	struct pst_arena *arena;
	struct pst_diff_stage stage[PST_DIFF_SIDES];
	struct PST_VEC(struct pst_diff_actor) actors;
	struct PST_VEC(struct pst_diff_port_name) port_names;
	bool all_subjects, all_peers;

	/* Private. */
	struct pst_cohorts subjects, peers;
	struct pst_prefix_list told;  /* prefixes of policies and services */
	struct pst_prefix_list taken; /* and addresses of pods and nodes, real and made up */
	struct pst_addr last;	      /* address that was made up */
};

/* Chooses policies and builds the stages. 0 or -ENOMEM; to be released in both cases. */
int pst_diff_cast_init(struct pst_diff_cast *c, const struct pst_diff_query *q,
		       struct pst_arena *arena);

/* Fills the actors with their identities in the bundles of both stages. 0 or -ENOMEM. */
int pst_diff_cast_find(struct pst_diff_cast *c, struct pst_bundle *const bundles[PST_DIFF_SIDES]);

/* Does a changed policy select a pod with LABELS? */
bool pst_diff_cast_is_subject(const struct pst_diff_cast *c, const struct pst_labels *labels);

/* A part of pst_diff_cast_init(): the inventory of a side's stage. 0 or -ENOMEM. */
int pst_diff_cast_set(struct pst_diff_cast *c, enum pst_diff_side side);

void pst_diff_cast_fini(struct pst_diff_cast *c);
