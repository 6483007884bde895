/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Findings in the form that somebody else reads: a person, a program, a CI system.
 *
 * One writer per format, one table of them. A writer writes data only; the summary for people goes
 * to standard error (pst_lint_summary()).
 */

#include "lint/lint.h"

#include <stdbool.h>
#include <stdio.h>

struct pst_lint_report {
	const struct pst_lint_result *result;
	bool color; /* text only */
	FILE *out;
};

struct pst_lint_format {
	const char *name;			       /* "text" */
	const char *what;			       /* one line for --help */
	int (*write)(const struct pst_lint_report *r); /* 0 or -EIO */
};

/* Ends with a row without name. */
extern const struct pst_lint_format pst_lint_formats[];

const struct pst_lint_format *pst_lint_format_find(const char *name);

int pst_lint_text(const struct pst_lint_report *r);

/* "3 errors, 1 warning in 12 policies (4 files); 2 documents of other kinds skipped" and a newline.
 */
void pst_lint_summary(const struct pst_lint_result *result, FILE *out);
