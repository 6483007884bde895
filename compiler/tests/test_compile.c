// SPDX-License-Identifier: Apache-2.0
/*
 * The facade, from policy text to bundle: what a mistake does to its neighbours, and what lack of
 * memory does. Verdicts as such are data: testdata/semantics.
 */
#include "compiler/compile.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/judge.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char pods[] = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\n"
			   "status: {podIP: 10.0.0.1}\n---\n"
			   "apiVersion: v1\nkind: Pod\nmetadata: {name: db, labels: {app: db}}\n"
			   "status: {podIP: 10.0.0.2}\n";

#define HEAD                                                                         \
	"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\n" \
	"spec:\n  endpointSelector: {matchLabels: {app: web}}\n"

static struct pst_diags *diags;
static struct pst_policy_set *set;
static struct pst_inventory *inventory;
static struct pst_bundle *b;

static void setup(void)
{
	diags = pst_diags_new();
	set = NULL;
	b = NULL;
	inventory = NULL;
	cr_assert_eq(pst_inventory_parse("pods.yaml", pods, strlen(pods), diags, &inventory), 0);
}

static void teardown(void)
{
	pst_bundle_free(&b);
	pst_policy_set_free(&set);
	pst_inventory_free(&inventory);
	pst_diags_free(&diags);
}

TestSuite(compile, .init = setup, .fini = teardown);

static void compile(const char *policies)
{
	cr_assert_eq(pst_policy_parse("p.yaml", policies, strlen(policies), diags, &set), 0);
	cr_assert_eq(pst_compile(set, inventory, NULL, diags, &b), 0);
	cr_assert_eq(pst_bundle_verify(b, diags), 0);
}

/* Ingress from the pod db to the pod web. */
static struct pst_l4_result ask(uint16_t port)
{
	struct pst_l4_query q = {.protocol = 6, .port = port};
	struct pst_addr web, db;

	pst_addr_from_str("10.0.0.1", &web);
	pst_addr_from_str("10.0.0.2", &db);
	q.subject = pst_judge_addr(b, web.b);
	q.peer = pst_judge_addr(b, db.b).identity;
	return pst_judge_l4(b, &q);
}

static bool request(const char *text)
{
	struct pst_judge *judge = NULL;
	struct pst_l7_result r;
	struct pst_l4_result l4 = ask(80);

	cr_assert_eq(l4.verdict, PST_VERDICT_JUDGE);
	cr_assert_eq(pst_judge_new(b, &judge), 0);
	pst_judge_request(judge, l4.ruleset, text, strlen(text), 0, &r);
	pst_judge_free(&judge);
	return r.allowed;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

Test(compile, one_bad_regex_disables_no_neighbour)
{
	compile(HEAD "  ingress:\n  - toPorts:\n"
		     "    - ports: [{port: \"80\", protocol: TCP}]\n"
		     "      rules: {http: [{path: \"/a(\"}, {path: /b}, {path: \"/a{1001}\"}]}\n"
		     "    - ports: [{port: \"81\"}]\n");
	cr_assert_eq(pst_diags_errors(diags), 2);
	cr_assert_eq(pst_diags_at(diags, 0)->pos.line, 9);
	cr_assert(request(GET("/b")));
	cr_assert_not(request(GET("/a(")));
	cr_assert_not(request(GET("/a")));
	cr_assert_eq(ask(81).verdict, PST_VERDICT_ALLOW);
}

Test(compile, a_list_of_bad_rules_is_never_no_l7)
{
	compile(HEAD "  ingress:\n  - toPorts:\n"
		     "    - ports: [{port: \"80\", protocol: TCP}]\n"
		     "      rules: {http: [{path: \"/a(\"}]}\n");
	cr_assert_eq(pst_diags_errors(diags), 1);
	cr_assert_not(request(GET("/")));
	cr_assert_not(request(GET("/a(")));
}

/* Mini-case 29: one rule of a policy is invalid, the rest stays as it was. */
Test(compile, one_refused_rule_leaves_the_others)
{
	compile(HEAD "  ingress:\n"
		     "  - toPorts:\n    - ports: [{port: \"99999\"}]\n"
		     "  - toPorts:\n    - ports: [{port: \"443\"}]\n");
	cr_assert_gt(pst_diags_errors(diags), 0);
	cr_assert_eq(ask(443).verdict, PST_VERDICT_ALLOW);
	cr_assert_str_eq(b->rules[ask(443).rule].path, "spec.ingress[1]");
	cr_assert_eq(ask(80).reason, PST_REASON_NO_RULE_L4);
}

Test(compile, a_refused_allow_rule_keeps_default_deny)
{
	compile(HEAD "  ingress:\n  - fromCIDR: [10.0.0.0]\n");
	cr_assert_gt(pst_diags_errors(diags), 0);
	cr_assert_eq(ask(80).reason, PST_REASON_NO_RULE_L4);
}

Test(compile, a_deny_rule_with_unreadable_peers_denies_everybody_on_its_ports)
{
	compile(HEAD "  ingress:\n  - toPorts:\n    - ports: [{port: \"80\"}, {port: \"81\"}]\n"
		     "  ingressDeny:\n  - fromCIDR: [10.0.0.0]\n"
		     "    toPorts:\n    - ports: [{port: \"80\"}]\n");
	cr_assert_eq(ask(80).reason, PST_REASON_DENY_RULE);
	cr_assert_eq(ask(81).verdict, PST_VERDICT_ALLOW);
}

Test(compile, a_deny_rule_with_an_unreadable_port_denies_every_port)
{
	compile(HEAD "  ingress:\n  - toPorts:\n    - ports: [{port: \"80\"}, {port: \"81\"}]\n"
		     "  ingressDeny:\n  - toPorts:\n    - ports: [{port: \"99999\"}]\n");
	cr_assert_eq(ask(80).reason, PST_REASON_DENY_RULE);
	cr_assert_eq(ask(81).reason, PST_REASON_DENY_RULE);
}

Test(compile, a_selector_that_cannot_be_read_in_a_deny_rule_means_everybody)
{
	compile(HEAD "  ingress:\n  - toPorts:\n    - ports: [{port: \"80\"}]\n"
		     "  ingressDeny:\n"
		     "  - fromEndpoints: [{matchExpressions: [{key: app, operator: in}]}]\n");
	cr_assert_gt(pst_diags_errors(diags), 0);
	cr_assert_eq(ask(80).reason, PST_REASON_DENY_RULE);
}

Test(compile, a_document_that_cannot_be_read_leaves_the_next_one)
{
	static const char broken[] = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
				     "metadata: {}\nspec: 3\n---\n";
	static const char good[] = HEAD "  ingress:\n  - toPorts:\n    - ports: [{port: \"80\"}]\n";
	char both[sizeof(broken) + sizeof(good)];

	snprintf(both, sizeof(both), "%s%s", broken, good);
	compile(both);
	cr_assert_gt(pst_diags_errors(diags), 0);
	cr_assert_eq(ask(80).verdict, PST_VERDICT_ALLOW);
	cr_assert_eq(ask(81).verdict, PST_VERDICT_DENY);
}

Test(compile, paths_of_rules_follow_the_document)
{
	compile("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\n"
		"specs:\n- endpointSelector: {}\n  egress: [{}]\n  ingress:\n"
		"  - toPorts:\n    - ports: [{port: \"80\", protocol: TCP}]\n"
		"      rules: {http: [{headers: [\"A: b\"]}, {path: /}]}\n");
	cr_assert_str_eq(b->rules[0].policy, "default/a");
	cr_assert_str_eq(b->rules[b->n_rules - 1].path,
			 "specs[0].ingress[0].toPorts[0].rules.http[1]");
	cr_assert_str_eq(b->rules[b->n_rules - 1].pos.file, "p.yaml");
	cr_assert_eq(b->rules[b->n_rules - 1].pos.line, 10);
}

Test(compile, rules_of_other_endpoints_do_not_matter_but_are_checked)
{
	static const char other[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: o}\n"
		"spec:\n  endpointSelector: {matchLabels: {app: nobody}}\n  ingress:\n"
		"  - toPorts:\n    - ports: [{port: \"80\", protocol: TCP}]\n"
		"      rules: {http: [{path: \"(\"}]}\n";

	compile(other);
	cr_assert_eq(pst_diags_errors(diags), 1);
	cr_assert_eq(b->n_entries, 0);
	cr_assert_eq(ask(80).reason, PST_REASON_NO_POLICY);
}

Test(compile, no_policies_and_no_workloads_are_a_valid_bundle)
{
	struct pst_policy_set empty = {0};
	struct pst_inventory nobody = {0};

	cr_assert_eq(pst_compile(&empty, &nobody, NULL, diags, &b), 0);
	cr_assert_eq(pst_bundle_verify(b, diags), 0);
	cr_assert_eq(b->n_identities, 2);
	cr_assert_eq(b->n_addrs, 0);
}

Test(compile, every_failed_allocation_is_an_error_and_no_leak, .timeout = 300)
{
	static const char text[] =
		HEAD "  ingress:\n  - fromEndpoints: [{}]\n    toPorts:\n"
		     "    - ports: [{port: \"80\", protocol: TCP}]\n"
		     "      rules: {http: [{method: GET, path: \"/a.*\"}, {host: h}]}\n"
		     "  - toPorts:\n    - ports: [{port: \"1\", endPort: 9}]\n"
		     "  - fromEndpoints: [{}]\n    toPorts:\n"
		     "    - ports: [{port: \"80\", protocol: TCP}]\n"
		     "      serverNames: [a]\n";
	int r;

	cr_assert_eq(pst_policy_parse("p.yaml", text, strlen(text), diags, &set), 0);
	for (long n = 0;; n++) {
		pst_mem_fail_after(n);
		r = pst_compile(set, inventory, NULL, diags, &b);
		pst_mem_fail_after(-1);
		if (!r)
			break;
		cr_assert_eq(r, -ENOMEM, "allocation %ld: %d", n, r);
		cr_assert_null(b);
	}
	cr_assert_eq(pst_bundle_verify(b, diags), 0);
	/* The last rule conflicts with the first. */
	cr_assert_eq(ask(80).verdict, PST_VERDICT_DENY);
	cr_assert_eq(ask(9).verdict, PST_VERDICT_ALLOW);
}

/* Equal addresses of two endpoints in a model by hand: the loader would refuse them. */
Test(compile, one_address_for_two_endpoints_is_an_error)
{
	struct pst_inventory twice = *inventory;
	struct pst_endpoint both[2] = {inventory->endpoints[0], inventory->endpoints[1]};
	struct pst_policy_set empty = {0};

	both[1].addrs = both[0].addrs;
	twice.endpoints = both;
	cr_assert_eq(pst_compile(&empty, &twice, NULL, diags, &b), 0);
	cr_assert_eq(pst_diags_errors(diags), 1);
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "address-conflict");
	cr_assert_eq(pst_bundle_verify(b, diags), 0);
}

/* With prefixes, which a loader that is to be enforced still refuses. */
static struct pst_policy_set *parse_as_written(const char *name, const char *text)
{
	const struct pst_policy_options options = {.lint = true};
	const struct pst_policy_source source = {name, text, strlen(text)};
	struct pst_policy_set *parsed = NULL;

	cr_assert_eq(pst_policy_parse_with(&options, &source, diags, &parsed), 0);
	return parsed;
}

/* Compiles POLICIES for the inventory of the fixture; ALSO tells identities apart. */
static struct pst_bundle *compile_beside(const struct pst_policy_set *policies,
					 const struct pst_policy_set *also)
{
	const struct pst_compile_opts opts = {.also = also};
	struct pst_bundle *made = NULL;

	cr_assert_eq(pst_compile(policies, inventory, &opts, diags, &made), 0);
	cr_assert_eq(pst_bundle_verify(made, diags), 0);
	return made;
}

Test(compile, two_policies_compiled_beside_each_other_have_the_same_identities)
{
	static const char cidr[] = HEAD "  ingress:\n  - fromCIDR: [192.0.2.0/24]\n";
	static const char other[] =
		HEAD "  egress:\n  - toCIDRSet: [{cidr: 198.51.100.0/24, except: "
		     "[198.51.100.128/25]}]\n";
	struct pst_policy_set *second = NULL;
	struct pst_bundle *alone, *beside;

	set = parse_as_written("p.yaml", cidr);
	second = parse_as_written("q.yaml", other);
	alone = compile_beside(set, NULL);
	b = compile_beside(set, second);
	beside = compile_beside(second, set);
	cr_assert_eq(b->n_identities, alone->n_identities + 2, "%zu and %zu", b->n_identities,
		     alone->n_identities);
	cr_assert_eq(b->n_identities, beside->n_identities);
	for (size_t i = 0; i < b->n_identities; i++) {
		cr_assert_eq(b->identities[i].id, beside->identities[i].id);
		cr_assert_eq(
			pst_labels_cmp(&b->identities[i].labels, &beside->identities[i].labels), 0);
	}
	/* It decides nothing: the other policy's default deny is not here. */
	for (size_t i = 0; i < b->n_identities; i++)
		cr_assert_not(b->identities[i].enforce[PST_DIR_EGRESS]);
	pst_bundle_free(&alone);
	pst_bundle_free(&beside);
	pst_policy_set_free(&second);
}

#define AUDITED                                                                     \
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n"     \
	"  name: b\n  annotations: {postern.io/audit: \"true\"}\nspec:\n"           \
	"  endpointSelector: {matchLabels: {app: web}}\n"                           \
	"  ingress:\n  - toPorts: [{ports: [{port: \"80\", protocol: TCP}], rules:" \
	" {http: [{path: /b}]}}]\n"

static uint32_t flags_of(const char *text)
{
	struct pst_addr addr;

	pst_addr_from_str(text, &addr);
	return pst_judge_addr(b, addr.b).flags;
}

static size_t count_audited(void)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_entries; i++)
		n += !!(b->entries[i].value.deny_rule & PST_POLICY_AUDIT);
	return n;
}

Test(compile, a_policy_in_audit_marks_all_that_it_does_not_allow)
{
	compile(AUDITED);
	cr_expect_eq(ask(80).verdict, PST_VERDICT_JUDGE);
	cr_expect_eq(ask(81).verdict, PST_VERDICT_DENY);
	cr_expect(flags_of("10.0.0.1") & PST_ADDR_AUDIT_INGRESS);
	cr_expect_not(flags_of("10.0.0.1") & PST_ADDR_AUDIT_EGRESS);
	cr_expect_not(flags_of("10.0.0.2") & PST_ADDR_AUDIT_INGRESS);
	cr_expect_gt(count_audited(), 0);
	for (size_t i = 0; i < b->n_entries; i++)
		cr_expect_eq(!(b->entries[i].value.deny_rule & PST_POLICY_AUDIT),
			     b->entries[i].value.verdict == PST_VERDICT_ALLOW);
}

/* Neither does it open anything, nor does it weaken what is in force, in whichever order. */
static void expect_strict(const char *policies)
{
	compile(policies);
	cr_expect_eq(count_audited(), 0);
	cr_expect_not(flags_of("10.0.0.1") & PST_ADDR_AUDIT_INGRESS);
	cr_expect(flags_of("10.0.0.1") & PST_ADDR_ENFORCE_INGRESS);
	cr_expect_eq(ask(80).verdict, PST_VERDICT_DENY);
	cr_expect_eq(ask(81).verdict, PST_VERDICT_ALLOW);
}

#define STRICT HEAD "  ingress:\n  - toPorts: [{ports: [{port: \"81\", protocol: TCP}]}]\n"

Test(compile, a_policy_in_audit_counts_for_nothing_beside_one_in_force)
{
	expect_strict(STRICT AUDITED);
}

Test(compile, a_policy_in_audit_counts_for_nothing_before_one_in_force)
{
	expect_strict(AUDITED "---\n" STRICT);
}

Test(compile, a_policy_in_force_in_one_direction_leaves_the_other_in_audit)
{
	compile(HEAD "  egress: [{}]\n" AUDITED);
	cr_expect(flags_of("10.0.0.1") & PST_ADDR_AUDIT_INGRESS);
	cr_expect_not(flags_of("10.0.0.1") & PST_ADDR_AUDIT_EGRESS);
	cr_expect(flags_of("10.0.0.1") & PST_ADDR_ENFORCE_EGRESS);
}

Test(compile, only_the_word_true_is_audit)
{
	compile("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n"
		"  name: b\n  annotations: {postern.io/audit: \"True\"}\nspec:\n"
		"  endpointSelector: {matchLabels: {app: web}}\n  ingress: [{}]\n");
	cr_expect_not(flags_of("10.0.0.1") & PST_ADDR_AUDIT_INGRESS);
}
