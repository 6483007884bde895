// SPDX-License-Identifier: Apache-2.0
#include "lint/rules.h"

static const struct pst_lint_rule rows[] = {
	{
		.id = "todo-peers",
		.severity = PST_SEVERITY_ERROR,
		.group = PST_LINT_PEERS,
		.title = "placeholder",
		.why = "placeholder",
		.remedy = "placeholder",
		.since = "0.1",
	},
};

const struct pst_lint_rules pst_lint_rules_peers = PST_LINT_RULES(rows);
