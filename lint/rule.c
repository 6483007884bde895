// SPDX-License-Identifier: Apache-2.0
#include "lint/rule.h"

#include <assert.h>
#include <string.h>

#include "lint/rules.h"

static const struct pst_lint_rules *const parts[] = {
	&pst_lint_rules_input,	  &pst_lint_rules_policy,  &pst_lint_rules_conflicts,
	&pst_lint_rules_peers,	  &pst_lint_rules_ports,   &pst_lint_rules_ports_l7,
	&pst_lint_rules_http,	  &pst_lint_rules_traps,   &pst_lint_rules_languages,
	&pst_lint_rules_meaning,  &pst_lint_rules_support, &pst_lint_rules_support_l7,
	&pst_lint_rules_comments,
};

enum { N_PARTS = sizeof(parts) / sizeof(*parts) };

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

	for (size_t p = 0; p < N_PARTS; p++)
		n += parts[p]->n;
	return n;
}

const struct pst_lint_rule *pst_lint_rule_at(size_t i)
{
	size_t p = 0;

	while (i >= parts[p]->n)
		i -= parts[p++]->n;
	return &parts[p]->v[i];
}

const struct pst_lint_rule *pst_lint_rule_find(const char *id)
{
	for (size_t p = 0; p < N_PARTS; p++) {
		for (size_t i = 0; i < parts[p]->n; i++) {
			if (!strcmp(parts[p]->v[i].id, id))
				return &parts[p]->v[i];
		}
	}
	return NULL;
}

size_t pst_lint_rule_index(const struct pst_lint_rule *rule)
{
	size_t index = 0;

	for (size_t p = 0; p < N_PARTS; p++) {
		for (size_t i = 0; i < parts[p]->n; i++, index++) {
			if (&parts[p]->v[i] == rule)
				return index;
		}
	}
	return index;
}

const char *pst_lint_group_str(enum pst_lint_group group)
{
	return group_names[group];
}
