/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Differences of pairs, gathered: one group for each span of ports with the same answers, with the
 * subjects that have it towards the same peers.
 */

#include "base/vec.h"
#include "compiler/diff_ports.h"

enum { PST_DIFF_MAX_PAIRS = 1 << 22 };

struct pst_diff_group {
	struct pst_diff_span span;
	enum pst_dir direction;
	uint32_t *subjects, *peers; /* in the arena; ascending */
	size_t n_subjects, n_peers;
};

struct pst_diff_pair {
	uint32_t event, subject, peer;
};

struct pst_diff_event {
	struct pst_diff_span span;
	enum pst_dir direction;
};

/* Zeroed: empty. */
struct pst_diff_groups {
	struct pst_diff_group *v; /* the result; in the arena */
	size_t n;
	/* Private. */
	struct PST_VEC(struct pst_diff_pair) pairs;
	struct PST_VEC(struct pst_diff_event) events;
};

/* 0, -ENOMEM, or -E2BIG past PST_DIFF_MAX_PAIRS. */
int pst_diff_groups_add(struct pst_diff_groups *g, const struct pst_diff_span *span,
			enum pst_dir direction, uint32_t subject, uint32_t peer);

/* After -E2BIG: says so, unless it was somebody else's. */
void pst_diff_groups_report(const struct pst_diff_groups *g, struct pst_diags *diags);

/* Forms the groups, in the order in which their spans came. 0 or -ENOMEM. */
int pst_diff_groups_form(struct pst_diff_groups *g, struct pst_arena *arena);

void pst_diff_groups_fini(struct pst_diff_groups *g);
