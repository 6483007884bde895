// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <errno.h>

#include "compiler/pattern.h"

/* Cilium compiles path and method when it reads a policy, the host only in the proxy. */
static int check_http(const struct pst_lint_env *env, const struct pst_http_rule *http)
{
	const struct pst_text *const texts[] = {&http->method, &http->path, &http->host};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const struct pst_pattern pattern = {
			.re = texts[i]->s,
			.len = texts[i]->len,
			.pos = texts[i]->pos,
			.tag = 1,
		};

		if (pattern.len && pst_pattern_check(&pattern, env->diags) == -ENOMEM)
			return -ENOMEM;
	}
	return 0;
}

static int check_rule(const struct pst_lint_env *env, const struct pst_rule *rule)
{
	int r = 0;

	for (size_t i = 0; i < rule->n_ports; i++) {
		for (size_t k = 0; !r && k < rule->ports[i].n_http; k++)
			r = check_http(env, &rule->ports[i].http[k]);
	}
	return r;
}

int pst_check_patterns(const struct pst_lint_env *env)
{
	int r = 0;

	for (size_t p = 0; p < env->set->n_policies; p++) {
		const struct pst_policy *policy = &env->set->policies[p];

		for (size_t s = 0; s < policy->n_specs; s++) {
			for (size_t i = 0; !r && i < policy->specs[s].n_rules; i++)
				r = check_rule(env, &policy->specs[s].rules[i]);
		}
	}
	return r;
}
