/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A directory of the test's own, files in it, and a run of the linter over them.
 *
 * Each test is a process: the directory is its current one, with a .git in it, so that nothing
 * outside is found. Configurations are looked for as a user's are.
 */

#include "lint/lint.h"
#include "lint/report.h"

/* Makes the directory and goes there. */
void work_begin(void);

/* Leaves and removes it. */
void work_end(void);

/* Writes TEXT to NAME, whose directories are made. */
void work_write(const char *name, const char *text);

/* The text of NAME; the caller frees it. */
char *work_read(const char *name);

/* Lints; must not fail. The caller frees the result. */
struct pst_lint_result *work_lint(const struct pst_lint_options *options);

/* The same for one file with the text. */
struct pst_lint_result *work_lint_text(const char *name, const char *text);

/* How many findings have the rule. */
size_t work_count(const struct pst_lint_result *result, const char *rule);

/* The finding number WHICH (from 0) of the rule; must be there. */
const struct pst_finding *work_find(const struct pst_lint_result *result, const char *rule,
				    size_t which);

/* What a writer writes; the caller frees it. */
char *work_report(const struct pst_lint_result *result, const char *format, bool color);

/* Two findings that do not depend on the checks: "unsupported-fqdn" in lines 8 and 10. */
extern const char *const work_policy;
