/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What two verdicts of L3/L4 let through of HTTP: everything, nothing, or what a rule set allows.
 *
 * One way at a time: "what does the one allow that the other does not". Of two rule sets that is a
 * comparison of both together with the other alone, so that one witness is found for each way.
 * Answers are kept: the same pair of rule sets stands behind many flows.
 */

#include "base/vec.h"
#include "compiler/baselang.h"
#include "compiler/diff.h"
#include "compiler/diff_header.h"
#include "compiler/rulediff.h"

/* An answer: what MORE allows and LESS does not. */
struct pst_diff_surplus {
	bool found;
	bool whole; /* all of it: no request is needed to show it */
	struct pst_diff_request request;
	const struct pst_bundle_rule *rule; /* MORE's first rule that allows the request, or NULL */
	const char *unknown;		    /* the limit that was hit; NULL: none */
};

/* A verdict of one side; `ruleset` is of the side's bundle. */
struct pst_diff_gate {
	enum pst_diff_side side;
	enum pst_verdict verdict;
	uint32_t ruleset;
};

struct pst_diff_http {
	const struct pst_bundle *bundles[PST_DIFF_SIDES];
	struct pst_arena *arena; /* for texts of witnesses */
	struct pst_diags *diags; /* of patterns */
	/* Private. */
	struct pst_baselang *base;
	struct pst_pattern *patterns[PST_DIFF_SIDES]; /* PST_FIELD_MAX per rule of the bundle */
	uint32_t *headers[PST_DIFF_SIDES]; /* per rule: the number of what it asks of them, or 0 */
	struct pst_diff_conditions conditions;
	struct pst_diff_http_memo PST_VEC(struct pst_diff_http_answer) memo;
};

struct pst_diff_http_answer {
	struct pst_diff_gate more, less;
	struct pst_diff_surplus surplus;
};

/* H has the public fields, and the rest zeroed. 0 or -ENOMEM; to be released in both cases. */
int pst_diff_http_init(struct pst_diff_http *h);
void pst_diff_http_fini(struct pst_diff_http *h);

/* 0 or -ENOMEM. */
int pst_diff_http_surplus(struct pst_diff_http *h, const struct pst_diff_gate *more,
			  const struct pst_diff_gate *less, struct pst_diff_surplus *ret_surplus);
