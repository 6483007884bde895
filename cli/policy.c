// SPDX-License-Identifier: Apache-2.0
/* The rules that are in force, with their places. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "cli/ask.h"
#include "cli/verbs.h"

static void print_field(const json_t *rule, const char *key, FILE *out)
{
	const char *value = json_string_value(json_object_get(rule, key));

	if (!value)
		return;
	fprintf(out, " %s \"", key);
	pst_cli_put(out, value, 0);
	fputc('"', out);
}

static void print_rule(const json_t *rule, FILE *out)
{
	fputs("  ", out);
	pst_cli_put(out, pst_cli_text(rule, "file"), 0);
	fprintf(out, ":%" JSON_INTEGER_FORMAT ":%" JSON_INTEGER_FORMAT " ",
		pst_cli_number(rule, "line"), pst_cli_number(rule, "column"));
	pst_cli_put(out, pst_cli_text(rule, "path"), 0);
	print_field(rule, "method", out);
	print_field(rule, "target", out);
	print_field(rule, "host", out);
	fputc('\n', out);
}

static void print(const json_t *answer, FILE *out)
{
	const json_t *policy, *rule;
	size_t i, k;

	fprintf(out, "generation %" JSON_INTEGER_FORMAT "\n", pst_cli_number(answer, "generation"));
	json_array_foreach(json_object_get(answer, "policies"), i, policy)
	{
		pst_cli_put(out, pst_cli_text(policy, "name"), 0);
		fputc('\n', out);
		json_array_foreach(json_object_get(policy, "rules"), k, rule)
		{
			print_rule(rule, out);
		}
	}
}

int pst_cli_policy(int argc, char **argv)
{
	static const struct pst_cli_question question = {
		.request = "policy", .operand = "get", .print = print};

	return pst_cli_ask("policy", &question, argc, argv);
}
