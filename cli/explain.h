/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The parts of `postern explain` that stand in files of their own.
 */

#include "cli/question.h"
#include "cli/usage.h"

#include <stdbool.h>

/* --cases FILE: one answer per line of FILE. An exit status. */
int pst_explain_cases(const char *path, const struct pst_cli_strings *inventories);

/* --raw FILE: one line per request in FILE. An exit status. */
int pst_explain_raw(const struct pst_answer *a, const char *path, bool json);

/* "allow", "deny", or "audit": what policies in audit would deny passes and is reported. */
const char *pst_explain_verdict(const struct pst_ruling *r);

/* "l3l4" or "l7": which layer decided. */
const char *pst_explain_layer(const struct pst_ruling *r);
