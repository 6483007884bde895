/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Two port maps, cut into spans in which each gives one answer.
 */

#include "base/vec.h"
#include "compiler/diff.h"

/* What a bundle says to one subject about one peer: the entries with the whole answer. */
struct pst_diff_map {
	const struct pst_bundle_entry *entries;
	size_t n;
	struct pst_policy_value rest; /* where no entry matches */
};

struct pst_diff_map pst_diff_map_of(const struct pst_bundle *b, uint32_t subject,
				    enum pst_dir direction, uint32_t peer);

/* The map of who is not there: nothing is allowed, and the rule set of that is
 * PST_DIFF_NO_SUBJECT. */
enum { PST_DIFF_NO_SUBJECT = UINT16_MAX };
struct pst_diff_map pst_diff_map_unknown(void);

struct pst_diff_span {
	uint32_t protocols; /* bits of pst_diff_protocols */
	uint16_t first, last;
	struct pst_policy_value value[PST_DIFF_SIDES];
};

/* What V lets through: all of it, where policies in audit only report. */
enum pst_verdict pst_diff_lets(const struct pst_policy_value *v);

struct pst_diff_spans PST_VEC(struct pst_diff_span);

/*
 * Appends the spans in which the maps may differ: not those that both let through as a whole, nor
 * those that both deny. 0 or -ENOMEM.
 */
int pst_diff_spans_find(const struct pst_diff_map maps[PST_DIFF_SIDES],
			struct pst_diff_spans *spans);
