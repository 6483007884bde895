// SPDX-License-Identifier: Apache-2.0
#include "policy/tests/verdict.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void append(char *buf, size_t size, const struct pst_diag *d)
{
	const char *mark = d->severity == PST_SEVERITY_ERROR ? "" : "~";
	char word[128], padded[1200];

	snprintf(word, sizeof(word), " %s%s ", mark, d->id);
	snprintf(padded, sizeof(padded), " %s ", buf);
	if (strstr(padded, word))
		return;
	snprintf(buf + strlen(buf), size - strlen(buf), "%s%s%s", *buf ? " " : "", mark, d->id);
}

const char *t_ids_of_file(const struct t_reading *reading, const char *text)
{
	static char buf[1024];
	const struct pst_policy_options options = {
		.cilium_minor = reading->minor,
		.features = reading->features,
		.lint = reading->lint,
	};
	const struct pst_policy_source source = {"test.yaml", text, strlen(text)};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;

	cr_assert_eq(pst_policy_parse_with(&options, &source, diags, &set), 0);
	buf[0] = 0;
	for (size_t i = 0; i < pst_diags_count(diags); i++)
		append(buf, sizeof(buf), pst_diags_at(diags, i));
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
	return buf;
}

const char *t_ids(const struct t_reading *reading, const char *section, const char *rule)
{
	const char *kind =
		reading->clusterwide ? "CiliumClusterwideNetworkPolicy" : "CiliumNetworkPolicy";
	char text[16384];
	int n = snprintf(text, sizeof(text),
			 "apiVersion: cilium.io/v2\nkind: %s\nmetadata: {name: p}\n"
			 "spec: {endpointSelector: {}, %s: [%s]}\n",
			 kind, section, rule);

	cr_assert_lt((size_t)n, sizeof(text));
	return t_ids_of_file(reading, text);
}

void t_ids_are(const struct t_reading *reading, const char *section, const struct t_case *cases,
	       size_t n)
{
	for (size_t i = 0; i < n; i++)
		cr_expect_str_eq(t_ids(reading, section, cases[i].rule), cases[i].expected,
				 "%s: %s\n(1.%u%s): %s", section, cases[i].rule, reading->minor,
				 reading->lint ? ", lint" : "",
				 t_ids(reading, section, cases[i].rule));
}
