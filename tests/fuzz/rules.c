// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"

static const char inventory[] = "apiVersion: v1\n"
				"kind: Pod\n"
				"metadata: {name: web, labels: {app: web}}\n"
				"status: {podIPs: [{ip: 10.0.0.1}]}\n";

struct pst_bundle *fuzz_rules_bundle(const char *policy)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	struct pst_inventory *pods = NULL;
	struct pst_bundle *bundle = NULL;

	assert(diags);
	assert(!pst_policy_parse("policy", policy, strlen(policy), diags, &set));
	assert(!pst_inventory_parse("inventory", inventory, sizeof(inventory) - 1, diags, &pods));
	assert(!pst_compile(set, pods, NULL, diags, &bundle));
	assert(!pst_diags_errors(diags) && bundle->n_rulesets == 1);
	assert(!bundle->rulesets[0].fallback);
	pst_inventory_free(&pods);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
	return bundle;
}

struct pst_table *fuzz_rules_table(const char *policy)
{
	struct pst_table *table = calloc(1, sizeof(*table));
	struct pst_bundle *bundle = fuzz_rules_bundle(policy);

	assert(table);
	pst_bundle_fill_table(bundle, table);
	pst_bundle_free(&bundle);
	return table;
}
