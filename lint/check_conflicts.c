// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"
#include "policy/conflict.h"

/* The loader has told of the rules whose subjects imply each other. */
int pst_check_conflicts(const struct pst_lint_env *env)
{
	return pst_conflicts_find_overlaps(env->set, env->diags);
}
