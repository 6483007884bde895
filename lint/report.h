/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Findings in the form that somebody else reads: a person, a program, a CI system.
 *
 * One writer per format, one table of them. A writer writes data only; the summary for people goes
 * to standard error (pst_lint_summary()). docs/lint.md describes the formats.
 */

#include "lint/lint.h"

#include <stdbool.h>
#include <stdio.h>

#define PST_LINT_VERSION "0.1.0"

struct pst_lint_report {
	const struct pst_lint_result *result;
	bool color; /* text only */
	FILE *out;
	size_t *n_cut; /* NULL, or: findings that the format's limits left no room for */
};

struct pst_lint_format {
	const char *name;			       /* "text" */
	const char *what;			       /* one line for --help */
	int (*write)(const struct pst_lint_report *r); /* 0, -EIO or -ENOMEM */
};

/* Ends with a row without name. */
extern const struct pst_lint_format pst_lint_formats[];

const struct pst_lint_format *pst_lint_format_find(const char *name);

int pst_lint_text(const struct pst_lint_report *r);   /* report_text.c */
int pst_lint_json(const struct pst_lint_report *r);   /* report_json.c */
int pst_lint_sarif(const struct pst_lint_report *r);  /* report_sarif.c */
int pst_lint_junit(const struct pst_lint_report *r);  /* report_junit.c */
int pst_lint_github(const struct pst_lint_report *r); /* report_github.c */
int pst_lint_gitlab(const struct pst_lint_report *r); /* report_gitlab.c */

/*
 * "3 errors, 1 warning, 0 info in 12 policies (4 files); 2 documents of other kinds skipped" and a
 * newline.
 */
void pst_lint_summary(const struct pst_lint_result *result, FILE *out);

/* "docs/rules/ID.md": where a rule's page is; NULL when there is no memory. */
const char *pst_lint_page(const struct pst_lint_result *result, const struct pst_lint_rule *rule);

/*
 * The findings, errors first, each severity in the order of places: for formats of which only the
 * beginning is read. In the result's arena; NULL when there is no memory.
 */
const struct pst_finding **pst_lint_worst_first(const struct pst_lint_result *result);
