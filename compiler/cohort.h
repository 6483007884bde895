/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Cohorts: the label sets that a pod can have, divided by which of N selectors match them.
 *
 * Pods that the same selectors match are alike to every policy made of these selectors. There are
 * finitely many such sets of selectors; the walk goes from key to key and keeps, for each set of
 * selectors that may still match, one way to get there. What holds for one pod of every cohort
 * holds for all pods, whether they exist or not.
 *
 * A pod's labels have the source k8s, each key once. It always has a namespace and a cluster; all
 * other keys are independent of each other. (Labels of a namespace are not: two pods of one
 * namespace have the same ones. Cohorts tell more pods apart than can exist, never fewer.)
 */

#include "base/vec.h"
#include "policy/selector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_arena;

struct pst_cohort_query {
	const struct pst_selector *const *selectors;
	size_t n;
	/* Only label sets that one of the first N_AMONG selectors matches; 0: all label sets. */
	size_t n_among;
	uint32_t max; /* sets of selectors at once; past it the walk is given up */
};

struct pst_cohorts PST_VEC(struct pst_labels);

/*
 * Appends one label set of each cohort to COHORTS, with labels only where they matter, in an order
 * that depends on the selectors only. Labels live in ARENA. 0; -E2BIG and -ENOMEM, with nothing
 * appended.
 */
int pst_cohorts_find(const struct pst_cohort_query *q, struct pst_arena *arena,
		     struct pst_cohorts *cohorts);
