// SPDX-License-Identifier: Apache-2.0
#include "lint/rule.h"

#include <assert.h>
#include <string.h>

#include "lint/rules.h"

static const struct pst_lint_rules *const parts[] = {
	[PST_LINT_INPUT] = &pst_lint_rules_input,
	[PST_LINT_POLICY] = &pst_lint_rules_policy,
	[PST_LINT_PEERS] = &pst_lint_rules_peers,
	[PST_LINT_PORTS] = &pst_lint_rules_ports,
	[PST_LINT_HTTP] = &pst_lint_rules_http,
	[PST_LINT_TRAPS] = &pst_lint_rules_traps,
	[PST_LINT_MEANING] = &pst_lint_rules_meaning,
	[PST_LINT_SUPPORT] = &pst_lint_rules_support,
	[PST_LINT_COMMENTS] = &pst_lint_rules_comments,
};
static_assert(sizeof(parts) / sizeof(*parts) == PST_LINT_GROUP_MAX, "rows for each group");

static const char *const group_names[] = {
	[PST_LINT_INPUT] = "input",	  [PST_LINT_POLICY] = "policy",
	[PST_LINT_PEERS] = "peers",	  [PST_LINT_PORTS] = "ports",
	[PST_LINT_HTTP] = "http",	  [PST_LINT_TRAPS] = "traps",
	[PST_LINT_MEANING] = "meaning",	  [PST_LINT_SUPPORT] = "support",
	[PST_LINT_COMMENTS] = "comments",
};
static_assert(sizeof(group_names) / sizeof(*group_names) == PST_LINT_GROUP_MAX,
	      "a name for each group");

size_t pst_lint_rule_count(void)
{
	size_t n = 0;

	for (size_t g = 0; g < PST_LINT_GROUP_MAX; g++)
		n += parts[g]->n;
	return n;
}

const struct pst_lint_rule *pst_lint_rule_at(size_t i)
{
	size_t g = 0;

	while (i >= parts[g]->n)
		i -= parts[g++]->n;
	return &parts[g]->v[i];
}

const struct pst_lint_rule *pst_lint_rule_find(const char *id)
{
	for (size_t g = 0; g < PST_LINT_GROUP_MAX; g++) {
		for (size_t i = 0; i < parts[g]->n; i++) {
			if (!strcmp(parts[g]->v[i].id, id))
				return &parts[g]->v[i];
		}
	}
	return NULL;
}

size_t pst_lint_rule_index(const struct pst_lint_rule *rule)
{
	size_t before = 0;

	for (size_t g = 0; g < rule->group; g++)
		before += parts[g]->n;
	return before + (size_t)(rule - parts[rule->group]->v);
}

const char *pst_lint_group_str(enum pst_lint_group group)
{
	return group_names[group];
}
