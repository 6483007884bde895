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
 *
 * What becomes of a diagnostic, in this order:
 *
 *   1. its rule is switched off, in the table, by the configuration or by an option: it is dropped;
 *   2. its file is excluded: it is dropped;
 *   3. the configuration gives its rule another severity;
 *   4. an ignore matches: it is counted in n_ignored;
 *   5. the baseline has its fingerprint: it is counted in n_baseline;
 *   6. else it is a finding.
 *
 * Rules "config-..." and "baseline-invalid" pass through 1 to 5 untouched: they say that the run
 * is not the one that was asked for.
 */

#include "base/diag.h"
#include "lint/rule.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_arena;
struct pst_sources;

struct pst_finding {
	const struct pst_lint_rule *rule;
	enum pst_severity severity;
	struct pst_pos pos; /* file NULL: not about a file */
	/*
	 * The file from the top of the repository, symbolic links resolved; an absolute path when
	 * it is outside, "<stdin>" for standard input, NULL without a file.
	 */
	const char *path;
	const char *message;
	const struct pst_diag_note *notes; /* other places, NULL: none */
	/*
	 * The same for the same mistake after lines have moved: rule, file, text of the line, and
	 * which of its like it is. 16 hex digits, a colon, a number.
	 */
	const char *fingerprint;
};

struct pst_lint_words {
	const char *const *v;
	size_t n;
};

/* A zeroed object with paths is the default. Options outweigh the configuration. */
struct pst_lint_options {
	const char *const *paths;
	size_t n_paths;
	unsigned int cilium_minor;	  /* 0: the configuration's, else the newest */
	unsigned int features;		  /* besides the configuration's */
	const enum pst_severity *fail_on; /* NULL: the configuration's, else error */
	const char *config;		  /* a file; NULL: the one found upwards, if any */
	bool no_config;			  /* none at all */
	const char *baseline;		  /* a file; NULL: the configuration's, if any */
	bool no_baseline;		  /* it is not read: it is being made anew */
	struct pst_lint_words on, off;	  /* ids of the table */
	/* Pass over files in which the word "cilium" (in any case) does not stand at all. */
	bool skip_others;
	struct pst_lint_words exclude; /* lint/glob.h, from the current directory */
};

struct pst_lint_result {
	struct pst_arena *arena;
	struct pst_diags *diags;     /* owns the texts */
	struct pst_sources *sources; /* the files' lines, for showing them */
	const char *root;	     /* the top of the repository, absolute */
	struct pst_finding *findings;
	size_t n;
	size_t n_severity[PST_SEVERITY_MAX]; /* of findings */
	struct pst_finding *baselined;	     /* taken out by the baseline */
	size_t n_ignored, n_baseline;	     /* taken out */
	enum pst_severity fail_on;	     /* what the exit status goes by */
	const char *const *files;	     /* that were linted, in that order */
	size_t n_files, n_policies, n_skipped, n_templates;
};

/* 0; -ENOMEM, or the error of getcwd(); what else goes wrong is a finding. */
int pst_lint_run(const struct pst_lint_options *options, struct pst_lint_result **ret_result);

/* NULL is fine; *RESULT becomes NULL. */
void pst_lint_result_free(struct pst_lint_result **result);

/* Is there a finding at or over fail_on? */
bool pst_lint_failed(const struct pst_lint_result *result);
