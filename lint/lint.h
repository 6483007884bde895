/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The linter's facade: paths in, findings out.
 *
 * A finding is a diagnostic that has met its rule: of the loader (what Cilium would refuse), of the
 * checks (what policies mean), or of the linter itself (an ignore without use). The configuration
 * may give it another severity; an ignore or the baseline may take it out, and then it is counted.
 *
 * Findings are sorted by file, place and rule, so that two runs over the same files say the same.
 */

#include "base/diag.h"
#include "lint/rule.h"

#include <stddef.h>

struct pst_arena;
struct pst_lint_config;
struct pst_sources;

struct pst_finding {
	const struct pst_lint_rule *rule;
	enum pst_severity severity;
	struct pst_pos pos; /* file NULL: not about a file */
	const char *message;
	const struct pst_diag_note *notes; /* other places, NULL: none */
	/*
	 * The same for the same mistake after lines have moved: rule, file, text of the line, and
	 * which of its like it is. 16 hex digits, a colon, a number.
	 */
	const char *fingerprint;
};

struct pst_lint_options {
	const char *const *paths;
	size_t n_paths;
	unsigned int cilium_minor;	      /* 0: the configuration's, else the newest */
	unsigned int features;		      /* besides the configuration's */
	const struct pst_lint_config *config; /* NULL: none */
	const char *baseline;		      /* a file; NULL: the configuration's, if any */
};

struct pst_lint_result {
	struct pst_arena *arena;
	struct pst_diags *diags;     /* owns the texts */
	struct pst_sources *sources; /* the files' lines, for showing them */
	struct pst_finding *findings;
	size_t n;
	size_t n_severity[PST_SEVERITY_MAX];
	size_t n_ignored, n_baseline; /* taken out */
	size_t n_files, n_policies, n_skipped, n_templates;
};

/* 0; -ENOMEM; what else goes wrong is a finding. */
int pst_lint_run(const struct pst_lint_options *options, struct pst_lint_result **ret_result);

/* NULL is fine; *RESULT becomes NULL. */
void pst_lint_result_free(struct pst_lint_result **result);
