/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `postern diff` writes: text for people, JSON for programs.
 */

#include "compiler/diff.h"

#include <stdbool.h>
#include <stdio.h>

struct cli_diff_report {
	const struct pst_diff *diff;
	bool only_inventory;
	size_t n_policies[PST_DIFF_SIDES]; /* that were loaded */
	size_t n_closed[PST_DIFF_SIDES];   /* rules that are closed: see --accept */
};

/* 0 or a negative errno. */
int cli_diff_write_text(const struct cli_diff_report *r, FILE *out);
int cli_diff_write_json(const struct cli_diff_report *r, FILE *out);

/* The sums, one line, for a person. */
void cli_diff_write_summary(const struct cli_diff_report *r, FILE *out);
