// SPDX-License-Identifier: Apache-2.0
/*
 * A refusal only ever narrows. These tests read the model like somebody who has forgotten to look
 * at pst_rule.refused: even so an allow rule with a mistake allows nothing, and a deny rule with a
 * mistake denies at least what it would have denied.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/tests/helper.h"

#define WEB	 "k8s:io.kubernetes.pod.namespace=ns k8s:app=web"
#define OTHER	 "k8s:io.kubernetes.pod.namespace=ns k8s:app=other"
#define FAR	 "k8s:io.kubernetes.pod.namespace=far k8s:app=web"
#define WORLD	 "reserved:world"

#define FROM_WEB "fromEndpoints: [{matchLabels: {app: web}}]"
#define TO_80	 "toPorts: [{ports: [{port: '80', protocol: TCP}]}]"
#define ON_80	 "ports: [{port: '80', protocol: TCP}]"

/* Each of these has one mistake; without it, it would concern the web on port 80 at least. */
static const char *const mistakes[] = {
	/* of the rule */
	"{" FROM_WEB ", " TO_80 ", unknown: x}",
	"{" FROM_WEB ", " TO_80 ", icmps: {}}",
	"{" TO_80 ", fromEndpoint: [{}]}",
	"{" FROM_WEB ", " TO_80 ", fromCIDR: [10.0.0.0/8]}",
	"{fromCIDR: [10.0.0.0/8, 10.0.0.1]}",
	"{fromGroups: [{aws: {region: a}}]}",
	"{fromNodes: [{}], " TO_80 "}",
	/* of the peers */
	"{fromEndpoints: {}, " TO_80 "}",
	"{fromEndpoints: [{matchLabels: {app: web}}, null]}",
	"{fromEndpoints: [web]}",
	"{fromEndpoints: [{matchLabels: {app: 1}}]}",
	"{fromEndpoints: [{matchLabel: {app: web}}]}",
	"{fromEndpoints: [{matchExpressions: [{key: app, operator: Is, values: [web]}]}]}",
	"{fromEndpoints: [{matchExpressions: [{key: app, operator: In, values: [web, 1]}]}]}",
	"{" FROM_WEB ", fromEntities: [world]}",
	"{fromEntities: [everybody]}",
	"{fromEntities: [host, 1]}",
	"{fromEntities: all}",
	/* of the ports */
	"{" FROM_WEB ", toPorts: {}}",
	"{" FROM_WEB ", toPorts: [80]}",
	"{" FROM_WEB ", toPorts: [null]}",
	"{" FROM_WEB ", toPorts: [{ports: {}}]}",
	"{" FROM_WEB ", toPorts: [{port: []}]}",
	"{" FROM_WEB ", toPorts: [{ports: [80]}]}",
	"{" FROM_WEB ", toPorts: [{ports: [{port: 80}]}]}",
	"{" FROM_WEB ", toPorts: [{ports: [{port: '70000'}]}]}",
	"{" FROM_WEB ", toPorts: [{ports: [{port: '79', endPort: x}]}]}",
	"{" FROM_WEB ", toPorts: [{ports: [{port: '0', endPort: 90}]}]}",
	"{" FROM_WEB ", toPorts: [{ports: [{port: '80', protocol: tcp}]}]}",
	"{" FROM_WEB ", toPorts: [{ports: [{port: '80', protocol: GRE}]}]}",
	"{" FROM_WEB ", toPorts: [{ports: [{port: '80', prot: UDP}]}]}",
	"{" FROM_WEB ", toPorts: [{ports: [{protocol: TCP}]}]}",
	"{" FROM_WEB ", toPorts: [{" ON_80 ", serverNames: [a]}]}",
	"{" FROM_WEB ", toPorts: [{" ON_80 ", rule: {http: [{}]}}]}",
};

enum { N_MISTAKES = sizeof(mistakes) / sizeof(*mistakes) };

Test(refusal, an_allow_rule_with_a_mistake_allows_nothing_even_to_a_careless_reader)
{
	static const char *const peers[] = {WEB, OTHER, FAR, WORLD, "reserved:host"};

	for (size_t i = 0; i < N_MISTAKES; i++) {
		struct t_policy p = t_policy_rule("ingress", mistakes[i]);

		cr_expect(t_rule(&p)->refused, "%s", mistakes[i]);
		cr_expect_gt(pst_diags_errors(p.diags), 0, "%s", mistakes[i]);
		for (size_t k = 0; k < sizeof(peers) / sizeof(*peers); k++)
			cr_expect_not(t_concerns(t_rule(&p), peers[k], 80), "%s", mistakes[i]);
		t_policy_free(&p);
	}
}

Test(refusal, a_deny_rule_with_a_mistake_denies_what_it_could_mean)
{
	for (size_t i = 0; i < N_MISTAKES; i++) {
		struct t_policy p = t_policy_rule("ingressDeny", mistakes[i]);

		cr_expect(t_rule(&p)->refused, "%s", mistakes[i]);
		cr_expect(t_concerns(t_rule(&p), WEB, 80), "%s", mistakes[i]);
		t_policy_free(&p);
	}
}

Test(refusal, the_default_deny_of_the_subject_stays)
{
	for (size_t i = 0; i < N_MISTAKES; i++) {
		struct t_policy p = t_policy_rule("ingress", mistakes[i]);

		cr_expect(t_spec(&p)->default_deny[PST_DIRECTION_INGRESS], "%s", mistakes[i]);
		t_policy_free(&p);
	}
}

Test(refusal, the_other_rules_of_the_policy_are_untouched)
{
	char spec[1024];

	for (size_t i = 0; i < N_MISTAKES; i++) {
		struct t_policy p;

		snprintf(spec, sizeof(spec),
			 "{endpointSelector: {}, ingress: [{" FROM_WEB "}, %s, {" FROM_WEB "}]}",
			 mistakes[i]);
		p = t_policy_spec(spec);
		cr_assert_eq(t_spec(&p)->n_rules, 3);
		for (size_t k = 0; k < 3; k++)
			cr_expect_eq(t_spec(&p)->rules[k].refused, k == 1, "%s", mistakes[i]);
		cr_expect(t_concerns(&t_spec(&p)->rules[2], WEB, 80), "%s", mistakes[i]);
		t_policy_free(&p);
	}
}

/* What a deny rule with a mistake in RULE concerns. */
static bool t_denies(const char *rule, const char *peer, unsigned int port)
{
	struct t_policy p = t_policy_rule("ingressDeny", rule);
	bool yes = t_concerns(t_rule(&p), peer, port);

	cr_assert(t_rule(&p)->refused);
	t_policy_free(&p);
	return yes;
}

Test(refusal, the_readable_parts_of_a_deny_rule_still_bound_it)
{
	/* A conjunct that cannot be read is left out; the others hold. */
	cr_assert_not(t_denies("{" FROM_WEB ", icmps: {}}", OTHER, 80));
	cr_assert_not(t_denies("{" FROM_WEB ", toPorts: {}}", WORLD, 80));
	cr_assert_not(t_denies("{fromCIDR: [10.0.0.0], " TO_80 "}", WEB, 81));
	cr_assert_not(
		t_denies("{" FROM_WEB ", toPorts: [{" ON_80 ", rules: {http: [{}]}}]}", WEB, 81));
}

Test(refusal, prefixes_that_could_be_read_still_bound_a_deny_rule)
{
	struct t_policy p =
		t_policy_rule("ingressDeny", "{" FROM_WEB ", fromCIDR: [10.0.0.0/8], toPorts: {}}");
	const struct pst_rule *rule = t_rule(&p);

	/* Of two kinds that cannot be combined, either may be meant. */
	cr_assert(rule->refused);
	cr_assert(t_concerns(rule, WEB, 1));
	cr_assert_not(t_concerns(rule, WORLD, 1));
	cr_assert_eq(rule->n_cidrs, 1);
	cr_assert_eq(rule->cidrs[0].prefix->len, 96 + 8);
	t_policy_free(&p);
}

Test(refusal, peers_that_cannot_be_told_are_everybody_in_a_deny_rule)
{
	cr_assert(t_denies("{fromGroups: [{aws: {region: a}}]}", WORLD, 1));
	cr_assert(t_denies("{fromCIDR: [10.0.0.0/8, 10.0.0.0/99]}", WORLD, 1));
	cr_assert(t_denies("{fromCIDRSet: [{cidr: 10.0.0.0/8}, {except: []}]}", WEB, 1));
	cr_assert(t_denies("{" FROM_WEB ", fromGroups: [{aws: {region: a}}]}", WORLD, 1));
	cr_assert(t_denies("{fromEndpoints: [], fromEntity: [all]}", WORLD, 1));
	cr_assert(t_denies("{fromEndpoint: [{}]}", WORLD, 1));
	cr_assert(t_denies("{fromEntities: [all-of-it]}", WORLD, 1));
}

Test(refusal, a_deny_selector_that_cannot_be_read_is_not_bound_to_a_namespace)
{
	/* The unreadable requirement may have named the namespace far. */
	cr_assert(t_denies("{fromEndpoints: [{matchLabels: {app: web}, matchExpressions: "
			   "[{key: io.kubernetes.pod.namespace, operator: in, values: [far]}]}]}",
			   FAR, 80));
}

Test(refusal, l7_in_a_deny_rule_denies_the_whole_port)
{
	cr_assert(t_denies("{" FROM_WEB ", toPorts: [{" ON_80 ", rules: {http: [{path: /x}]}}]}",
			   WEB, 80));
}

static const struct pst_port_rule *t_http(struct t_policy *p, const char *http)
{
	char rule[512];

	snprintf(rule, sizeof(rule), "{" FROM_WEB ", toPorts: [{" ON_80 ", rules: {http: %s}}]}",
		 http);
	*p = t_policy_rule("ingress", rule);
	return &t_rule(p)->ports[0];
}

static const char *const http_mistakes[] = {
	"{headers: [1]}",
	"{path: /b, headers: {}}",
	"{path: /b, headerMatches: [{value: x}]}",
	"{path: 1}",
	"{method: [GET]}",
	"{host: true}",
	"{paths: /b}",
	"GET",
	"null",
	"[]",
};

enum { N_HTTP_MISTAKES = sizeof(http_mistakes) / sizeof(*http_mistakes) };

Test(refusal, a_bad_http_rule_is_left_out_and_its_neighbours_stay)
{
	char http[256];

	for (size_t i = 0; i < N_HTTP_MISTAKES; i++) {
		const struct pst_port_rule *pr;
		struct t_policy p;

		snprintf(http, sizeof(http), "[{path: /a}, %s, {path: /c}]", http_mistakes[i]);
		pr = t_http(&p, http);
		cr_assert_not(t_rule(&p)->refused, "%s", http);
		cr_assert_gt(pst_diags_errors(p.diags), 0, "%s", http);
		cr_assert_eq(pr->n_http, 2, "%s", http);
		cr_assert_str_eq(pr->http[0].path.s, "/a");
		cr_assert_str_eq(pr->http[1].path.s, "/c");
		cr_assert_eq(pr->http[1].index, 2);
		t_policy_free(&p);
	}
}

Test(refusal, an_entry_that_loses_all_its_http_rules_refuses_the_rule)
{
	char http[256];

	for (size_t i = 0; i < N_HTTP_MISTAKES; i++) {
		struct t_policy p;

		snprintf(http, sizeof(http), "[%s]", http_mistakes[i]);
		t_http(&p, http);
		cr_assert(t_rule(&p)->refused, "%s", http);
		cr_assert_not(t_concerns(t_rule(&p), WEB, 80), "%s", http);
		t_policy_free(&p);
	}
}

Test(refusal, a_mistake_around_the_http_rules_refuses_the_rule)
{
	static const char *const entries[] = {
		"{" ON_80 ", rules: [{path: /a}]}",
		"{" ON_80 ", rules: {HTTP: [{path: /a}]}}",
		"{" ON_80 ", rules: {http: [{path: /a}], dns: []}}",
		"{" ON_80 ", rules: {http: [{path: /a}], kafka: []}}",
		"{" ON_80 ", rules: {http: {path: /a}}}",
		"{ports: [{port: '80'}], rules: {http: [{path: /a}]}}",
		"{ports: [{port: '80', protocol: UDP}], rules: {http: [{path: /a}]}}",
		"{ports: [{port: '80', protocol: TCP}, {port: '81'}], rules: {http: [{path: /a}]}}",
		"{ports: [{port: '0', protocol: TCP}], rules: {http: [{path: /a}]}}",
	};
	char rule[512];

	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		struct t_policy p;

		snprintf(rule, sizeof(rule), "{" FROM_WEB ", toPorts: [%s]}", entries[i]);
		p = t_policy_rule("ingress", rule);
		cr_assert(t_rule(&p)->refused, "%s", rule);
		cr_assert_not(t_concerns(t_rule(&p), WEB, 80), "%s", rule);
		t_policy_free(&p);
	}
}

/* Specs whose mistake is around the rules: what they select or contain cannot be told. */
Test(refusal, a_mistake_around_the_rules_refuses_the_document)
{
	static const char *const specs[] = {
		"{ingress: [{}]}",
		"{endpointSelector: , ingress: [{}]}",
		"{endpointSelector: {matchLabels: {app: 1}}, ingress: [{}]}",
		"{endpointSelector: {matchLabel: {}}, ingress: [{}]}",
		"{endpointSelector: {}, ingres: [{}], egress: [{}]}",
		"{endpointSelector: {}, ingress: {}, egress: [{}]}",
		"{endpointSelector: {}, ingress: [{}], enableDefaultDeny: {ingress: x}}",
		"{endpointSelector: {}, nodeSelector: {}, ingress: [{}]}",
		"{endpointSelector: {}, ingress: []}",
		"[]",
	};

	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
		struct t_policy p = t_policy_spec(specs[i]);

		cr_expect_eq(p.set->n_policies, 0, "%s", specs[i]);
		cr_expect_gt(pst_diags_errors(p.diags), 0, "%s", specs[i]);
		t_policy_free(&p);
	}
}

Test(refusal, a_field_without_bearing_on_verdicts_is_reported_and_refuses_nothing)
{
	static const char *const fields[] = {"labels: [a]", "log: {value: 1}", "description: 5"};
	char spec[256];

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct t_policy p;

		snprintf(spec, sizeof(spec),
			 "{endpointSelector: {}, ingress: [{" FROM_WEB "}], %s}", fields[i]);
		p = t_policy_spec(spec);
		cr_assert_eq(pst_diags_errors(p.diags), 1, "%s", spec);
		cr_assert_not(t_rule(&p)->refused);
		t_policy_free(&p);
	}
}

Test(refusal, several_mistakes_are_all_reported_in_one_run)
{
	struct t_policy p =
		t_policy_spec("{endpointSelector: {}, ingress: [{a: 1, b: 2}, {c: 3}], egress: "
			      "[{toPorts: [{ports: [{port: 80, protocol: x}]}]}]}");

	cr_assert_eq(pst_diags_errors(p.diags), 5);
	t_policy_free(&p);
}

Test(refusal, an_empty_list_of_peers_beside_another_one_is_nobody_to_an_allow_rule)
{
	static const char *const rules[] = {
		"{" FROM_WEB ", fromEntities: [], " TO_80 "}",
		"{fromCIDRSet: [], " FROM_WEB ", " TO_80 "}",
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		struct t_policy allow = t_policy_rule("ingress", rules[i]);
		struct t_policy deny = t_policy_rule("ingressDeny", rules[i]);

		cr_expect_eq(pst_diags_errors(allow.diags), 0, "%s", rules[i]);
		cr_expect_not(t_concerns(t_rule(&allow), WEB, 80), "%s", rules[i]);
		cr_expect(t_concerns(t_rule(&deny), WEB, 80), "%s", rules[i]);
		t_policy_free(&allow);
		t_policy_free(&deny);
	}
}

Test(refusal, what_is_only_not_enforced_yet_is_kept_beside_the_closed_rule)
{
	static const struct {
		const char *rule;
		bool kept;
	} cases[] = {
		{"{" FROM_WEB ", toPorts: [{" ON_80 ", serverNames: [a]}]}", true},
		{"{" FROM_WEB ", toPorts: [{" ON_80 ", serverNames: [a]}], unknown: x}", false},
		{"{fromEndpoints: [web], toPorts: [{" ON_80 ", serverNames: [a]}]}", false},
		{"{" FROM_WEB ", " TO_80 "}", false},
		{"{" FROM_WEB ", toPorts: [{" ON_80 ", serverNames: [1]}]}", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct t_policy p = t_policy_rule("ingress", cases[i].rule);
		const struct pst_rule *written = t_rule(&p)->written;

		cr_expect_eq(written != NULL, cases[i].kept, "%s", cases[i].rule);
		cr_expect_not(t_concerns(t_rule(&p), WEB, 80) && t_rule(&p)->refused);
		cr_expect(!written ||
			  (written->refused && written->n_peers == 1 && t_rule(&p)->refused));
		t_policy_free(&p);
	}
}

Test(refusal, a_closed_entry_without_ports_means_no_port)
{
	struct t_policy p =
		t_policy_rule("ingress", "{" FROM_WEB ", toPorts: [{serverNames: [a]}]}");

	cr_assert(t_rule(&p)->refused);
	cr_assert_not_null(t_rule(&p)->written);
	cr_assert_eq(t_rule(&p)->written->ports[0].n_ports, 0);
	t_policy_free(&p);
}
