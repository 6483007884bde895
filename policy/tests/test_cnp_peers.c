// SPDX-License-Identifier: Apache-2.0
/* Each rule about peers: a match, a near miss, the boundary, and where versions differ. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "policy/policy.h"
#include "policy/tests/helper.h"

struct t_case {
	const char *section, *rule;
	const char *verdict; /* as t_verdict() says it */
	unsigned int minor;  /* 0: the newest */
	unsigned int features;
};

static void t_run(const struct t_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct t_case *c = &cases[i];
		const struct pst_policy_options o = {
			.cilium_minor = c->minor,
			.features = c->features,
		};

		cr_expect_str_eq(t_verdict(o, c->section, c->rule), c->verdict, "1.%u %s: %s",
				 c->minor, c->section, c->rule);
	}
}

#define RUN(cases) t_run((cases), sizeof(cases) / sizeof(*(cases)))

Test(cnp_peers, a_rule_has_one_kind_of_peer_with_elements)
{
	static const struct t_case cases[] = {
		{"ingress", "{fromEndpoints: [{}], fromCIDR: [10.0.0.0/8]}", "two-peer-kinds ", 0,
		 0},
		{"ingress", "{fromCIDR: [10.0.0.0/8], fromCIDRSet: [{cidr: 10.0.0.0/8}]}",
		 "two-peer-kinds ", 0, 0},
		{"ingress", "{fromEntities: [host], fromGroups: [{aws: {region: a}}]}",
		 "two-peer-kinds ", 0, 0},
		{"egress", "{toFQDNs: [{matchName: a.b}], toEndpoints: [{}]}", "two-peer-kinds ", 0,
		 0},
		{"egress",
		 "{toServices: [{k8sService: {serviceName: a}}], toCIDRSet: [{cidr: 10.0.0.0/8}]}",
		 "two-peer-kinds ", 0, 0},
		{"egressDeny", "{toEndpoints: [{}], toEntities: [world]}", "two-peer-kinds ", 0, 0},
		{"ingress", "{fromEndpoints: [{}], fromCIDR: []}", "", 0, 0},
		{"ingress", "{fromCIDR: [], fromEndpoints: [{}]}", "", 0, 0},
		{"ingress", "{fromEndpoints: [{}], fromCIDR: null}", "", 0, 0},
		{"ingress", "{fromEndpoints: [], fromEntities: []}", "", 0, 0},
	};

	RUN(cases);
}

Test(cnp_peers, a_prefix_is_an_address_and_a_length)
{
	static const struct t_case cases[] = {
		{"ingress", "{fromCIDR: [0.0.0.0/0, 10.0.0.0/8, 192.0.2.1/32]}", "", 0, 0},
		{"ingress", "{fromCIDR: ['::/0', '2001:db8::/32', '2001:db8::1/128']}", "", 0, 0},
		{"ingress", "{fromCIDR: ['']}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [10.0.0.0/33]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: ['2001:db8::/129']}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [10.0.0.0/08]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [10.0.0.0/+8]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [10.0.0.0/]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [/8]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [10.0.0/8]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [10.0.0.256/32]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [010.0.0.0/8]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [10.0.0.0/255.0.0.0]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: ['fe80::1%eth0/64']}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [example.com]}", "cidr-invalid ", 0, 0},
		{"ingress", "{fromCIDR: [7]}", "type-mismatch ", 0, 0},
		{"ingress", "{fromCIDR: 10.0.0.0/8}", "type-mismatch ", 0, 0},
		{"ingress", "{fromCIDR: [10.0.0.1/8]}", "?cidr-host-bits ", 0, 0},
		{"ingress", "{fromCIDR: ['2001:db8::1/127']}", "?cidr-host-bits ", 0, 0},
	};

	RUN(cases);
}

Test(cnp_peers, an_address_alone_is_a_prefix_before_1_20_and_never_in_a_set)
{
	static const struct t_case cases[] = {
		{"egress", "{toCIDR: [8.8.8.8]}", "cidr-bare-ip ", 20, 0},
		{"egress", "{toCIDR: [8.8.8.8]}", "", 19, 0},
		{"egress", "{toCIDR: ['::1']}", "cidr-bare-ip ", 20, 0},
		{"egress", "{toCIDR: ['::1']}", "", 16, 0},
		{"egress", "{toCIDR: [8.8.8]}", "cidr-invalid ", 19, 0},
		{"egress", "{toCIDRSet: [{cidr: 8.8.8.8}]}", "cidr-bare-ip ", 19, 0},
		{"egress", "{toCIDRSet: [{cidr: 8.0.0.0/8, except: [8.8.8.8]}]}", "cidr-bare-ip ",
		 19, 0},
	};

	RUN(cases);
}

Test(cnp_peers, prefixes_are_in_the_model_in_one_form)
{
	const struct pst_policy_options o = {.lint = true};
	struct t_policy p = t_policy_parse_with(
		&o, "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
		    "metadata: {name: p}\nspec:\n  endpointSelector: {}\n  egress:\n"
		    "  - toCIDRSet:\n    - cidr: 10.1.2.3/16\n      except: [10.1.128.0/17]\n"
		    "    - cidrGroupRef: g\n");
	const struct pst_rule *rule = t_rule(&p);
	static const uint8_t ten[16] = {[10] = 0xff, 0xff, 10, 1};

	cr_assert_not(rule->refused);
	cr_assert_eq(rule->n_cidrs, 2);
	cr_expect_arr_eq(rule->cidrs[0].prefix->addr, ten, sizeof(ten));
	cr_expect_eq(rule->cidrs[0].prefix->len, 96 + 16);
	cr_expect(rule->cidrs[0].prefix->is_v4);
	cr_expect_eq(rule->cidrs[0].prefix->pos.line, 8);
	cr_expect_eq(rule->cidrs[0].except[0].len, 96 + 17);
	cr_expect_null(rule->cidrs[1].prefix);
	cr_expect_str_eq(rule->cidrs[1].group_name.s, "g");
	cr_expect_eq(rule->member, PST_MEMBER_CIDR_SET);
	cr_expect_eq(rule->peers_pos.line, 7);
	cr_expect_eq(rule->peers_pos.col, 5);
	t_policy_free(&p);
}

Test(cnp_peers, a_cidr_set_has_one_of_its_three_members)
{
	static const struct t_case cases[] = {
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8}]}", "", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidrGroupRef: g}]}", "", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidrGroupSelector: {matchLabels: {a: b}}}]}", "", 0,
		 0},
		{"ingress", "{fromCIDRSet: [{}]}", "cidr-set-none ", 0, 0},
		{"ingress", "{fromCIDRSet: [{except: [10.0.0.0/8]}]}", "cidr-set-none ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: null}]}", "cidr-set-none ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8, cidrGroupRef: g}]}", "cidr-set-two ",
		 0, 0},
		{"ingress", "{fromCIDRSet: [{cidrGroupSelector: {}, cidrGroupRef: g}]}",
		 "cidr-set-two ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidrGroupRef: Not_a_name}]}", "name-invalid ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8, not: []}]}", "unknown-field ", 0, 0},
		{"ingress", "{fromCIDRSet: [10.0.0.0/8]}", "type-mismatch ", 0, 0},
	};

	RUN(cases);
}

Test(cnp_peers, exceptions_lie_inside_their_prefix)
{
	static const struct t_case cases[] = {
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.96.0.0/12]}]}", "", 0,
		 0},
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.255.255.255/32]}]}", "",
		 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [11.0.0.0/32]}]}",
		 "cidr-except-outside ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: 10.1.0.0/16, except: [10.0.0.0/8]}]}",
		 "cidr-except-outside ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: '::/0', except: [10.0.0.0/8]}]}",
		 "cidr-except-outside ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: 0.0.0.0/0, except: ['::/1']}]}",
		 "cidr-except-outside ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [x]}]}", "cidr-invalid ", 0,
		 0},
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.0.0.0/8]}]}",
		 "?cidr-except-all ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.0.0.0/7]}]}",
		 "?cidr-except-all ", 0, 0},
		{"ingress", "{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.0.0.0/9]}]}", "", 0, 0},
		/* What the group holds is not known here. */
		{"ingress", "{fromCIDRSet: [{cidrGroupRef: g, except: [10.0.0.0/8]}]}", "", 0, 0},
	};

	RUN(cases);
}

Test(cnp_peers, nodes_need_their_feature)
{
	static const struct t_case cases[] = {
		{"ingress", "{fromNodes: [{}]}", "nodes-need-flag ", 0, 0},
		{"egress", "{toNodes: [{matchLabels: {a: b}}]}", "nodes-need-flag ", 0, 0},
		{"ingress", "{fromNodes: []}", "", 0, 0},
		{"ingress", "{fromNodes: [{}]}", "", 0, PST_FEATURE_NODE_SELECTOR_LABELS},
		{"ingress", "{fromNodes: [{}]}", "nodes-need-flag ", 0,
		 PST_FEATURE_EXTENDED_IP_PROTOCOLS},
		{"ingress", "{fromNodes: [{matchLabel: {}}]}", "unknown-field ", 0,
		 PST_FEATURE_NODE_SELECTOR_LABELS},
	};

	RUN(cases);
}

Test(cnp_peers, nodes_are_other_nodes_with_labels_of_the_source_node)
{
	const struct pst_policy_options o = {
		.lint = true,
		.features = PST_FEATURE_NODE_SELECTOR_LABELS,
	};
	struct t_policy p = t_policy_parse_with(
		&o,
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		"spec: {endpointSelector: {}, ingress: [{fromNodes: [{matchLabels: {r: x}}]}]}");
	const struct pst_rule *rule = t_rule(&p);

	cr_expect(t_matches(rule->peers, rule->n_peers, "node:r=x reserved:remote-node"));
	cr_expect_not(t_matches(rule->peers, rule->n_peers, "node:r=x reserved:host"));
	cr_expect_not(t_matches(rule->peers, rule->n_peers, "k8s:r=x reserved:remote-node"));
	t_policy_free(&p);
}

Test(cnp_peers, services_go_by_name_or_by_selector)
{
	static const struct t_case cases[] = {
		{"egress", "{toServices: [{k8sService: {serviceName: a, namespace: b}}]}", "", 0,
		 0},
		{"egress", "{toServices: [{k8sService: {serviceName: a}}]}", "", 0, 0},
		{"egress", "{toServices: [{k8sServiceSelector: {selector: {}}}]}", "", 0, 0},
		{"egress",
		 "{toServices: [{k8sServiceSelector: {selector: {matchLabels: {a: b}}, namespace: "
		 "c}}]}",
		 "", 0, 0},
		{"egress", "{toServices: [{}]}", "service-none ", 0, 0},
		{"egress",
		 "{toServices: [{k8sService: {serviceName: a}, k8sServiceSelector: {selector: "
		 "{}}}]}",
		 "service-both ", 0, 0},
		{"egress", "{toServices: [{k8sService: {namespace: a}}]}", "missing-field ", 0, 0},
		{"egress", "{toServices: [{k8sService: {serviceName: A}}]}", "name-invalid ", 0, 0},
		{"egress", "{toServices: [{k8sServiceSelector: {namespace: a}}]}", "missing-field ",
		 0, 0},
		{"egress", "{toServices: [{k8sService: {name: a}}]}",
		 "unknown-field missing-field ", 0, 0},
		{"ingress", "{toServices: []}", "unknown-field ", 0, 0},
	};

	RUN(cases);
}

Test(cnp_peers, services_go_with_ports_from_1_17_on)
{
	static const char rule[] = "{toServices: [{k8sService: {serviceName: a}}], toPorts: "
				   "[{ports: [{port: '80', protocol: TCP}]}]}";
	const struct t_case cases[] = {
		{"egress", rule, "services-with-ports ", 16, 0},
		{"egress", rule, "", 17, 0},
		{"egress", rule, "", 20, 0},
		{"egress", "{toServices: [{k8sService: {serviceName: a}}], toPorts: []}", "", 16,
		 0},
		{"egress", "{toServices: [], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}",
		 "", 16, 0},
	};

	RUN(cases);
}

Test(cnp_peers, groups_are_of_aws_only)
{
	static const struct t_case cases[] = {
		{"egress",
		 "{toGroups: [{aws: {labels: {a: b}, region: c, securityGroupsIds: [d], "
		 "securityGroupsNames: [e]}}]}",
		 "", 0, 0},
		{"ingress", "{fromGroups: [{aws: {securityGroupsIds: [a]}}]}", "", 0, 0},
		{"egress", "{toGroups: [{}]}", "?group-empty ", 0, 0},
		{"egress", "{toGroups: [{aws: {region: ''}}]}", "?group-empty ", 0, 0},
		{"egress", "{toGroups: [{gcp: {}}]}", "unknown-field ", 0, 0},
		{"egress", "{toGroups: [{aws: {securityGroupsIds: a}}]}", "type-mismatch ", 0, 0},
		{"egress", "{toGroups: [{aws: {labels: {a: 1}}}]}", "type-mismatch ", 0, 0},
	};

	RUN(cases);
}

Test(cnp_peers, names_are_for_allow_rules_of_egress)
{
	static const struct t_case cases[] = {
		{"egress", "{toFQDNs: [{matchName: a.b}, {matchPattern: '*.b'}]}", "", 0, 0},
		{"egress", "{toFQDNs: [{matchName: a.b, matchPattern: '*.b'}]}", "fqdn-both ", 0,
		 0},
		{"egress", "{toFQDNs: [{}]}", "fqdn-empty ", 0, 0},
		{"egressDeny", "{toFQDNs: [{matchName: a.b}]}", "not-in-deny ", 0, 0},
		{"ingress", "{toFQDNs: [{matchName: a.b}]}", "unknown-field ", 0, 0},
	};

	RUN(cases);
}

Test(cnp_peers, entities_are_those_of_the_schema)
{
	static const struct t_case cases[] = {
		{"ingress",
		 "{fromEntities: [all, world, cluster, cluster-mesh, host, remote-node, "
		 "kube-apiserver, ingress, health, init, unmanaged, none]}",
		 "", 0, 0},
		{"ingress", "{fromEntities: [internet]}", "unknown-entity ", 0, 0},
		/* The agent knows these two, the schema refuses them. */
		{"ingress", "{fromEntities: [world-ipv4]}", "unknown-entity ", 0, 0},
		{"egress", "{toEntities: [world-ipv6]}", "unknown-entity ", 0, 0},
		{"ingress", "{fromEntities: [World]}", "unknown-entity ", 0, 0},
		{"ingress", "{fromEntities: [1]}", "type-mismatch ", 0, 0},
	};

	RUN(cases);
}

Test(cnp_peers, requires_was_deprecated_in_1_17_and_removed_in_1_19)
{
	static const struct t_case cases[] = {
		{"ingress", "{fromRequires: [{}]}", "removed-field ", 19, 0},
		{"ingress", "{fromRequires: [{}]}", "?requires-deprecated ", 18, 0},
		{"egress", "{toRequires: [{}]}", "?requires-deprecated ", 17, 0},
		{"egress", "{toRequires: [{}]}", "", 16, 0},
		{"egress", "{toRequires: [{a: b}]}", "unknown-field ", 16, 0},
		{"ingress", "{fromRequires: []}", "", 20, 0},
	};

	RUN(cases);
}

struct t_unsupported {
	const char *section, *rule, *id;
};

/* Accepted by Cilium, and nothing here can tell yet what they mean. */
static const struct t_unsupported unsupported[] = {
	{"egress", "{toGroups: [{aws: {region: a}}]}", "unsupported-groups"},
	{"egress", "{toEndpoints: [{matchLabels: {'fqdn:a': ''}}]}", "unsupported-label-source"},
};

static struct t_policy t_unsupported_policy(const struct t_unsupported *u, bool lint)
{
	const struct pst_policy_options o = {
		.lint = lint,
		.features = PST_FEATURE_NODE_SELECTOR_LABELS,
	};
	char text[1024];

	snprintf(text, sizeof(text),
		 "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		 "spec: {endpointSelector: {}, %s: [%s]}\n",
		 u->section, u->rule);
	return t_policy_parse_with(&o, text);
}

Test(cnp_peers, what_cannot_be_enforced_stays_as_it_is_written_for_a_linter)
{
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(*unsupported); i++) {
		struct t_policy p = t_unsupported_policy(&unsupported[i], true);
		const struct pst_rule *rule = t_rule(&p);

		cr_expect_eq(pst_diags_errors(p.diags), 0, "%s", unsupported[i].rule);
		cr_expect(t_has(p.diags, unsupported[i].id), "%s", unsupported[i].rule);
		cr_expect_not(rule->refused, "%s", unsupported[i].rule);
		cr_expect_eq(rule->n_peers + rule->n_cidrs + rule->n_groups + rule->n_services +
				     rule->n_fqdns,
			     1, "%s", unsupported[i].rule);
		t_policy_free(&p);
	}
}

Test(cnp_peers, what_cannot_be_enforced_is_closed_for_everybody_else)
{
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(*unsupported); i++) {
		struct t_policy p = t_unsupported_policy(&unsupported[i], false);
		const struct pst_rule *rule = t_rule(&p);

		cr_expect_eq(pst_diags_errors(p.diags), 1, "%s", unsupported[i].rule);
		cr_expect(t_has(p.diags, unsupported[i].id), "%s", unsupported[i].rule);
		cr_expect(rule->refused, "%s", unsupported[i].rule);
		cr_expect_eq(rule->peer_kind, PST_PEER_SELECTORS);
		cr_expect_eq(rule->n_peers + rule->n_cidrs + rule->n_groups + rule->n_services +
				     rule->n_fqdns,
			     0, "%s", unsupported[i].rule);
		t_policy_free(&p);
	}
}

/* Who enforces has what is written, too. */
Test(cnp_peers, what_can_be_resolved_is_in_the_model_as_it_is_written)
{
	static const struct t_unsupported cases[] = {
		{"egress", "{toCIDR: [10.0.0.0/8]}", NULL},
		{"egress", "{toCIDRSet: [{cidrGroupRef: a}]}", NULL},
		{"egressDeny", "{toCIDRSet: [{cidrGroupSelector: {}, except: [10.0.0.0/8]}]}",
		 NULL},
		{"egress", "{toServices: [{k8sService: {serviceName: a}}]}", NULL},
		{"egress", "{toFQDNs: [{matchName: a.b}]}", NULL},
		{"ingress", "{fromNodes: [{matchLabels: {zone: a}}]}", NULL},
		{"ingress", "{fromEndpoints: [{}], icmps: [{fields: [{type: 8}]}]}", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct t_policy p = t_unsupported_policy(&cases[i], false);
		const struct pst_rule *rule = t_rule(&p);

		cr_expect_eq(pst_diags_count(p.diags), 0, "%s", cases[i].rule);
		cr_expect_not(rule->refused, "%s", cases[i].rule);
		cr_expect_eq(rule->n_peers + rule->n_cidrs + rule->n_services + rule->n_fqdns, 1,
			     "%s", cases[i].rule);
		t_policy_free(&p);
	}
}

Test(cnp_peers, a_linter_hears_where_the_addresses_of_a_name_come_from)
{
	static const struct t_unsupported name = {"egress", "{toFQDNs: [{matchName: a.b}]}", NULL};
	struct t_policy p = t_unsupported_policy(&name, true);

	cr_expect(t_has(p.diags, "unsupported-fqdn"));
	cr_expect_eq(pst_diags_errors(p.diags), 0);
	t_policy_free(&p);
}

/* It says whom the rule means, and a closed rule would leave these flows to the others. */
Test(cnp_peers, a_rule_that_wants_authentication_is_an_error_and_stays_as_it_is)
{
	static const struct t_unsupported rule = {
		"ingress", "{fromEndpoints: [{}], authentication: {mode: required}}", NULL};
	struct t_policy p = t_unsupported_policy(&rule, false);

	cr_expect(t_has(p.diags, "unsupported-authentication"));
	cr_expect_eq(pst_diags_errors(p.diags), 1);
	cr_expect_not(t_rule(&p)->refused);
	cr_expect_eq(t_rule(&p)->auth, PST_AUTH_REQUIRED);
	cr_expect_eq(t_rule(&p)->n_peers, 1);
	t_policy_free(&p);
}

Test(cnp_peers, an_empty_member_of_any_kind_is_nobody)
{
	static const char *const members[] = {
		"toEndpoints", "toEntities", "toCIDR",	   "toCIDRSet",
		"toNodes",     "toGroups",   "toServices", "toFQDNs",
	};
	char rule[128];

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		struct t_policy p;

		snprintf(rule, sizeof(rule),
			 "{%s: [], toPorts: [{ports: [{port: '80', protocol: TCP}]}]}", members[i]);
		p = t_policy_rule("egress", rule);
		cr_expect_eq(pst_diags_count(p.diags), 0, "%s", rule);
		cr_expect_eq(t_rule(&p)->peer_kind, PST_PEER_SELECTORS, "%s", rule);
		cr_expect_eq(t_rule(&p)->n_peers, 0, "%s", rule);
		cr_expect_neq(t_rule(&p)->member, PST_MEMBER_NONE, "%s", rule);
		cr_expect_eq(t_rule(&p)->peers_pos.line, 4, "%s", rule);
		t_policy_free(&p);
	}
}
