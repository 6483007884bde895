// SPDX-License-Identifier: Apache-2.0
/* The workloads that the daemon knows, and whether policies restrict them. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/verbs.h"

enum { WIDEST_NAME = 60 };

static void print_list(const json_t *list, FILE *out)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		fputs(i ? "," : "", out);
		pst_cli_put(out, json_string_value(item), 0);
	}
}

static const char *enforced(const json_t *e, const char *key, const char *audited_key)
{
	if (json_is_true(json_object_get(e, audited_key)))
		return "audit";
	return json_is_true(json_object_get(e, key)) ? "enforced" : "open";
}

static void print(const json_t *endpoints, FILE *out)
{
	const json_t *e;
	int width = 8;
	size_t i;

	json_array_foreach(endpoints, i, e)
	{
		int len = (int)strlen(pst_cli_text(e, "name"));

		if (len > width && len <= WIDEST_NAME)
			width = len;
	}
	fprintf(out, "%-*s  %8s  %-8s  %-8s  ADDRESSES  LABELS\n", width, "ENDPOINT", "IDENTITY",
		"INGRESS", "EGRESS");
	json_array_foreach(endpoints, i, e)
	{
		pst_cli_put(out, pst_cli_text(e, "name"), width);
		fprintf(out, "  %8" JSON_INTEGER_FORMAT "  %-8s  %-8s  ",
			pst_cli_number(e, "identity"),
			enforced(e, "ingress_enforced", "ingress_audited"),
			enforced(e, "egress_enforced", "egress_audited"));
		print_list(json_object_get(e, "addresses"), out);
		fputs("  ", out);
		print_list(json_object_get(e, "labels"), out);
		fputc('\n', out);
	}
}

int pst_cli_endpoints(int argc, char **argv)
{
	static const struct pst_cli_question question = {.request = "endpoints", .print = print};

	return pst_cli_ask("endpoints", &question, argc, argv);
}
