/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a pattern is in the dialect, without building anything: for lint, and for the catalogue.
 */

#include "compiler/automaton.h"

/*
 * 0; -EINVAL with a diagnostic "regex-syntax" or "regex-budget" (what the parser finds too big, RE2
 * refuses as well); -ENOMEM.
 */
int pst_pattern_check(const struct pst_pattern *pattern, struct pst_diags *diags);
