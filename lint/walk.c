// SPDX-License-Identifier: Apache-2.0
#include "lint/walk.h"

#include <stdio.h>

void pst_lint_each_rule(const struct pst_lint_env *env, pst_rule_visit visit, void *ctx)
{
	for (size_t p = 0; p < env->set->n_policies; p++) {
		struct pst_rule_ref ref = {.policy = &env->set->policies[p]};

		for (size_t s = 0; s < ref.policy->n_specs; s++) {
			ref.spec = &ref.policy->specs[s];
			for (size_t i = 0; i < ref.spec->n_rules; i++) {
				ref.rule = &ref.spec->rules[i];
				if (!ref.rule->refused)
					visit(env, &ref, ctx);
			}
		}
	}
}

const char *pst_lint_policy_name(const struct pst_policy *policy, char *buf)
{
	snprintf(buf, PST_LINT_NAME_SIZE, "%.64s%s%.253s", policy->ns, *policy->ns ? "/" : "",
		 policy->name);
	return buf;
}

const struct pst_pos *pst_lint_pos_or(const struct pst_pos *pos, const struct pst_pos *otherwise)
{
	return pos->line ? pos : otherwise;
}
