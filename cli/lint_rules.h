/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `postern lint` tells about its rules: --rules and --explain.
 */

#include "cli/usage.h"

/* The list as text or, with --format json, with all that the table knows. An exit status. */
int cli_lint_list_rules(const struct pst_cli_args *args);

/* The page of the rule behind --explain. An exit status. */
int cli_lint_explain(const struct pst_cli_args *args);

/* Is ID in the table? If not, a usage error with the nearest one. */
bool cli_lint_knows_rule(const struct pst_cli_args *args, const char *option, const char *id);
