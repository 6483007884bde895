/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Patterns that no request can match: exactly, by the automaton. The checks of a field call this
 * for what their own look at the text finds nothing wrong with, so that nothing is told twice.
 */

#include "compiler/baselang.h"
#include "lint/check.h"
#include "lint/pattern_scan.h"

/* The part of a pattern that a branch is. 0 or -ENOMEM. */
int pst_never_check_branch(const struct pst_lint_env *env, enum pst_field field,
			   const struct pst_scan *scan, const struct pst_branch *branch);

/* A whole pattern, which cannot be taken apart. 0 or -ENOMEM. */
int pst_never_check(const struct pst_lint_env *env, enum pst_field field,
		    const struct pst_text *text);
