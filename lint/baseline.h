/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The baseline: findings that were there when the linter was introduced.
 *
 * A JSON file of fingerprints. A finding in it is counted and not shown; an entry that meets no
 * finding any more is reported as "baseline-unused" (info), so that the file shrinks with the work.
 *
 *	{"version":1,"findings":[
 *	{"fingerprint":"...","rule":"...","file":"...","message":"..."}
 *	]}
 *
 * Only the fingerprint counts; the rest is for people. One entry a line, sorted by file, rule and
 * fingerprint, so that two runs over the same findings write the same bytes.
 */

#include "base/diag.h"
#include "lint/lint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct pst_baseline_entry {
	struct pst_pos pos;
	const char *fingerprint, *rule, *file, *message;
	bool used;
};

struct pst_baseline {
	struct pst_baseline_entry *v; /* sorted by fingerprint */
	size_t n;
};

/*
 * Reads FILE. Strings live in A; mistakes are diagnostics "baseline-invalid", and the entries that
 * could be read count. 0 or -ENOMEM.
 */
int pst_baseline_read(struct pst_arena *a, const char *file, struct pst_diags *diags,
		      struct pst_baseline *ret_baseline);

/* Is F in it? Notes that its entry was of use. */
bool pst_baseline_take(struct pst_baseline *b, const struct pst_finding *f);

void pst_baseline_report_unused(const struct pst_baseline *b, struct pst_diags *diags);

/* Can findings of this rule be in a baseline? Not what says that the run itself went wrong. */
bool pst_baseline_may(const struct pst_lint_rule *rule);

/* Writes the findings of RESULT, those in its baseline included. 0, -ENOMEM or -EIO. */
int pst_baseline_write(const struct pst_lint_result *result, FILE *out);
