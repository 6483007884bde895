// SPDX-License-Identifier: Apache-2.0
#include "cli/lint_rules.h"

#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "cli/verbs.h"
#include "lint/rule.h"
#include "lint/rule_page.h"
#include "policy/nearest.h"

static void list_text(void)
{
	for (size_t i = 0; i < pst_lint_rule_count(); i++) {
		const struct pst_lint_rule *rule = pst_lint_rule_at(i);

		printf("%-32s %-8s %-4s %s\n", rule->id, pst_severity_str(rule->severity),
		       rule->off ? "off" : "on", rule->title);
	}
}

static void write_rule(struct pst_json *j, const struct pst_lint_rule *rule)
{
	fputc('\n', j->out);
	pst_json_object(j, NULL);
	pst_json_str(j, "id", rule->id);
	pst_json_str(j, "severity", pst_severity_str(rule->severity));
	pst_json_str(j, "group", pst_lint_group_str(rule->group));
	pst_json_bool(j, "on", !rule->off);
	pst_json_str(j, "title", rule->title);
	pst_json_str(j, "why", rule->why);
	pst_json_str(j, "remedy", rule->remedy);
	pst_json_str(j, "cilium", rule->cilium);
	pst_json_str(j, "bad", rule->bad);
	pst_json_str(j, "good", rule->good);
	pst_json_str(j, "since", rule->since);
	pst_json_end(j);
}

static int list_json(void)
{
	struct pst_json j;

	pst_json_init(&j, stdout);
	pst_json_array(&j, NULL);
	for (size_t i = 0; i < pst_lint_rule_count(); i++)
		write_rule(&j, pst_lint_rule_at(i));
	fputc('\n', stdout);
	pst_json_end(&j);
	return pst_json_finish(&j);
}

int cli_lint_list_rules(const struct pst_cli_args *args)
{
	const struct pst_cli_strings *formats = pst_cli_all(args, "format");
	bool json = false;
	int r = 0;

	if (args->operands.n || formats->n > 1)
		return pst_cli_usage_error(args->verb,
					   "--rules takes no FILE and at most one --format");
	if (formats->n) {
		r = pst_cli_format(args, &json);
		if (r)
			return PST_EXIT_USAGE;
	}
	if (json)
		r = list_json();
	else
		list_text();
	if (r && !ferror(stdout))
		pst_log_err(r, "cannot list the rules");
	return r ? PST_EXIT_FAILED : PST_EXIT_OK;
}

bool cli_lint_knows_rule(const struct pst_cli_args *args, const char *option, const char *id)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;

	if (pst_lint_rule_find(id))
		return true;
	pst_nearest_init(&near, id);
	for (size_t i = 0; i < pst_lint_rule_count(); i++)
		pst_nearest_offer(&near, pst_lint_rule_at(i)->id);
	pst_cli_usage_error(args->verb,
			    "expected the id of a rule behind --%s, found \"%.64s\"%s; "
			    "\"postern lint --rules\" lists them",
			    option, id, pst_nearest_hint(&near, hint));
	return false;
}

int cli_lint_explain(const struct pst_cli_args *args)
{
	const char *id = pst_cli_value(args, "explain");

	if (args->operands.n)
		return pst_cli_usage_error(args->verb, "--explain takes no FILE");
	if (!cli_lint_knows_rule(args, "explain", id))
		return PST_EXIT_USAGE;
	return pst_lint_rule_page(pst_lint_rule_find(id), stdout) ? PST_EXIT_FAILED : PST_EXIT_OK;
}
