/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What HTTP rules ask of headers, numbered for pst_rulediff(): which condition implies which, and
 * the header lines of a request that meets one condition, what that implies, and no other.
 *
 * What a rule does to headers (ADD and so on) is no condition: it decides nothing.
 */

#include "base/vec.h"
#include "compiler/bundle.h"

#include <stdbool.h>
#include <stdint.h>

struct pst_diff_condition {
	const struct pst_bundle_header **headers; /* in the arena; sorted by name */
	size_t n;
};

/* Zeroed: empty. Number i stands at v[i - 1]; 0 is no condition. */
struct pst_diff_conditions PST_VEC(struct pst_diff_condition);

/* The number of what RULE asks; equal conditions have one. 0 or -ENOMEM. */
int pst_diff_conditions_add(struct pst_diff_conditions *c, struct pst_arena *arena,
			    const struct pst_bundle_rule *rule, uint32_t *ret_number);

/* Does each request that meets A meet B? A is not 0. */
bool pst_diff_conditions_implies(const struct pst_diff_conditions *c, uint32_t a, uint32_t b);

/* The header lines of a witness. 0 or -ENOMEM. */
struct pst_diff_header_lines {
	const struct pst_bundle_header *v; /* in the arena; each has a value */
	size_t n;
};
int pst_diff_conditions_lines(const struct pst_diff_conditions *c, struct pst_arena *arena,
			      uint32_t number, struct pst_diff_header_lines *ret_lines);

void pst_diff_conditions_fini(struct pst_diff_conditions *c);
