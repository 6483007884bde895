/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What two rules can want of one connection that it cannot have: one row for each of the ids that
 * conflict.h lists, in that order.
 */

#include "policy/conflict_claim.h"

#include <stdbool.h>

enum { PST_CONFLICT_KINDS = 6 };

struct pst_conflict_kind {
	const char *id, *what;
	bool (*conflict)(const struct pst_wish *a, const struct pst_wish *b);
	/* Where the wish stands in its rule; of a wish that conflicts. */
	const struct pst_pos *(*pos)(const struct pst_wish *w);
};

extern const struct pst_conflict_kind pst_conflict_kinds[PST_CONFLICT_KINDS];

/* The kinds of conflict between two wishes, one bit each. */
unsigned int pst_conflict_kinds_between(const struct pst_wish *a, const struct pst_wish *b);
