/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Rules as Markdown: for `postern lint --explain`, and for docs/rules/, which `make rule-pages`
 * writes and a test compares.
 *
 * The texts of the table may have code in backticks; all other characters mean themselves.
 */

#include <stdio.h>

struct pst_lint_rule;

/* Prints the page of RULE, from its heading on. 0, or -EIO when OUT has had an error. */
int pst_lint_rule_page(const struct pst_lint_rule *rule, FILE *out);

/* Prints the index: all rules, group by group, with links to their pages. 0 or -EIO. */
int pst_lint_rule_page_index(FILE *out);
