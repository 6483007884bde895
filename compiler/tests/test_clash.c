// SPDX-License-Identifier: Apache-2.0
/*
 * Conflicts that show only with an inventory: whom the compiler names, and when it says nothing.
 */
#include "compiler/clash.h"

#include "compiler/compile.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define POLICY(name, label, parser)                                                           \
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"                          \
	"metadata: {name: " name ", namespace: shop}\n"                                       \
	"spec: {endpointSelector: {matchLabels: {" label "}},\n"                              \
	"  egress: [{toPorts: [{ports: [{port: '53', protocol: TCP}, {port: '54', protocol: " \
	"TCP}],\n"                                                                            \
	"    rules: {" parser "}}]}]}\n"
#define DNS	"dns: [{matchPattern: '*'}]"
#define HTTP	"http: [{method: GET}]"
#define OVERLAP POLICY("a", "app: api", DNS) POLICY("b", "tier: web", HTTP)

#define POD(name, labels)                                            \
	"---\napiVersion: v1\nkind: Pod\nmetadata: {name: pod-" name \
	", namespace: shop, labels: {" labels "}}\n"                 \
	"status: {podIP: 10.0.0." name "}\n"

/* All that is said about POLICIES and PODS from "conflict-overlap", a line each. */
static const char *t_said(const char *policies, const char *pods)
{
	static const char *const accept[] = {"unsupported-dns", "conflict-l7",
					     "unsupported-authentication"};
	const struct pst_policy_options options = {.accept = accept, .n_accept = 3};
	const struct pst_policy_source source = {"p.yaml", policies, strlen(policies)};
	static char said[2048];
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	struct pst_inventory *inventory = NULL;
	struct pst_bundle *b = NULL;

	cr_assert_eq(pst_policy_parse_with(&options, &source, diags, &set), 0);
	cr_assert_eq(pst_inventory_parse("pods.yaml", pods, strlen(pods), diags, &inventory), 0);
	cr_assert_eq(pst_compile(set, inventory, NULL, diags, &b), 0);
	cr_expect_eq(pst_diags_errors(diags), 0);
	said[0] = '\0';
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		const struct pst_diag *d = pst_diags_at(diags, i);
		const size_t len = strlen(said);

		if (strcmp(d->id, "conflict-overlap"))
			continue;
		cr_expect_eq(d->severity, PST_SEVERITY_WARNING);
		cr_assert_not_null(d->notes);
		snprintf(said + len, sizeof(said) - len, "%u %u %s\n", d->pos.line,
			 d->notes->pos.line, d->message);
	}
	pst_bundle_free(&b);
	pst_inventory_free(&inventory);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
	return said;
}

Test(clash, an_endpoint_that_both_rules_select_is_named_once)
{
	const char *said = t_said(OVERLAP, POD("1", "app: api") POD("2", "app: api, tier: web")
						   POD("3", "app: api, tier: web, zone: z"));

	cr_expect_str_eq(
		said, "14 7 two readers of one connection for the same peers: this rule and one of "
		      "shop/a both select the endpoint shop/pod-2; what both mean is denied\n");
}

Test(clash, nothing_is_said_where_nobody_has_the_labels_of_both)
{
	cr_expect_str_eq(t_said(OVERLAP, POD("1", "app: api") POD("2", "tier: web")), "");
}

Test(clash, the_order_of_the_policies_decides_which_is_the_other_rule)
{
	const char *said = t_said(POLICY("b", "tier: web", HTTP) POLICY("a", "app: api", DNS),
				  POD("2", "app: api, tier: web"));

	cr_expect_not_null(strstr(said, "14 7 "), "%s", said);
	cr_expect_not_null(strstr(said, "shop/b both select the endpoint shop/pod-2"), "%s", said);
}

Test(clash, what_the_loader_has_told_is_not_told_again)
{
	const char *said = t_said(POLICY("a", "app: api", DNS) POLICY("b", "app: api", HTTP),
				  POD("1", "app: api"));

	cr_expect_str_eq(said, "");
}

Test(clash, a_deny_rule_that_covers_it_leaves_nothing_to_tell)
{
	const char *deny = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
			   "metadata: {name: c, namespace: shop}\n"
			   "spec: {endpointSelector: {}, egressDeny: [{toEntities: [all]}]}\n";
	char text[4096];

	snprintf(text, sizeof(text), "%s%s", OVERLAP, deny);
	cr_expect_str_eq(t_said(text, POD("2", "app: api, tier: web")), "");
}

Test(clash, a_mode_of_authentication_does_not_hide_it)
{
	const char *required = "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
			       "metadata: {name: c, namespace: shop}\n"
			       "spec: {endpointSelector: {matchLabels: {zone: z}},\n"
			       "  egress: [{authentication: {mode: required}}]}\n";
	static const char pods[] = POD("2", "app: api, tier: web, zone: z");
	char text[4096];

	snprintf(text, sizeof(text), "%s%s", OVERLAP, required);
	cr_expect_not_null(strstr(t_said(text, pods), "14 7 two readers"), "%s",
			   t_said(text, pods));
}
