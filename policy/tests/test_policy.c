// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/tests/helper.h"

#define HERE  "k8s:io.kubernetes.pod.namespace=ns"
#define THERE "k8s:io.kubernetes.pod.namespace=elsewhere"

/* The rule is accepted; returns whether it concerns the peer. */
static bool t_rule_concerns(const char *rule, const char *labels, unsigned int port)
{
	struct t_policy p = t_policy_rule("ingress", rule);
	bool yes = t_concerns(t_rule(&p), labels, port);

	cr_assert_eq(pst_diags_errors(p.diags), 0, "%s", rule);
	cr_assert_not(t_rule(&p)->refused);
	t_policy_free(&p);
	return yes;
}

Test(policy, an_empty_rule_allows_nobody)
{
	cr_assert_not(t_rule_concerns("{}", HERE, 80));
	cr_assert_not(t_rule_concerns("{}", "reserved:world", 80));
}

Test(policy, an_absent_peer_is_nobody_without_ports_and_anybody_with_ports)
{
	cr_assert_not(t_rule_concerns("{fromEndpoints: }", HERE, 80));
	cr_assert(t_rule_concerns("{toPorts: [{ports: [{port: '80'}]}]}", "reserved:world", 80));
	cr_assert(t_rule_concerns("{fromEndpoints: null, toPorts: [{ports: [{port: '80'}]}]}",
				  "reserved:host", 80));
	cr_assert_not(
		t_rule_concerns("{toPorts: [{ports: [{port: '80'}]}]}", "reserved:world", 81));
}

Test(policy, an_empty_list_of_peers_is_nobody_with_and_without_ports)
{
	cr_assert_not(t_rule_concerns("{fromEndpoints: []}", HERE, 80));
	cr_assert_not(t_rule_concerns("{fromEndpoints: [], toPorts: [{ports: [{port: '80'}]}]}",
				      HERE, 80));
	cr_assert_not(t_rule_concerns("{fromEntities: [], toPorts: [{ports: [{port: '80'}]}]}",
				      HERE, 80));
}

Test(policy, a_wildcard_selector_is_every_endpoint_of_the_own_namespace)
{
	cr_assert(t_rule_concerns("{fromEndpoints: [{}]}", HERE, 80));
	cr_assert_not(t_rule_concerns("{fromEndpoints: [{}]}", THERE, 80));
	cr_assert_not(t_rule_concerns("{fromEndpoints: [{}]}", "reserved:world", 80));
}

Test(policy, an_empty_list_of_ports_is_as_if_it_were_absent)
{
	cr_assert(t_rule_concerns("{fromEndpoints: [{}], toPorts: []}", HERE, 80));
	cr_assert_not(t_rule_concerns("{toPorts: []}", HERE, 80));
}

Test(policy, an_entry_without_ports_allows_nothing)
{
	cr_assert_not(t_rule_concerns("{fromEndpoints: [{}], toPorts: [{}]}", HERE, 80));
	cr_assert_not(t_rule_concerns("{fromEndpoints: [{}], toPorts: [{ports: []}]}", HERE, 80));
	cr_assert_not(t_rule_concerns("{fromEndpoints: [{}], toPorts: [{rules: {http: [{}]}}]}",
				      HERE, 80));
}

Test(policy, an_entry_without_ports_is_warned_of)
{
	struct t_policy p = t_policy_rule("ingress", "{toPorts: [{rules: {http: [{}]}}]}");

	cr_assert(t_has(p.diags, "ports-missing"));
	cr_assert_eq(pst_diags_errors(p.diags), 0);
	t_policy_free(&p);
}

Test(policy, a_peer_that_names_a_namespace_is_not_scoped)
{
	static const char *const keys[] = {
		"k8s:io.kubernetes.pod.namespace",
		"io.kubernetes.pod.namespace",
		"any:io.kubernetes.pod.namespace",
	};
	char rule[256];

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		snprintf(rule, sizeof(rule),
			 "{fromEndpoints: [{matchLabels: {\"%s\": elsewhere}}]}", keys[i]);
		cr_assert(t_rule_concerns(rule, THERE, 80), "%s", keys[i]);
		cr_assert_not(t_rule_concerns(rule, HERE, 80), "%s", keys[i]);
		snprintf(rule, sizeof(rule),
			 "{fromEndpoints: [{matchExpressions: [{key: \"%s\", operator: Exists}]}]}",
			 keys[i]);
		cr_assert(t_rule_concerns(rule, THERE, 80), "%s", keys[i]);
	}
}

Test(policy, a_peer_that_names_a_namespace_label_is_not_scoped)
{
	static const char rule[] =
		"{fromEndpoints: [{matchLabels: {io.cilium.k8s.namespace.labels.team: a}}]}";

	cr_assert(t_rule_concerns(rule, THERE " k8s:io.cilium.k8s.namespace.labels.team=a", 80));
	cr_assert_not(
		t_rule_concerns(rule, THERE " k8s:io.cilium.k8s.namespace.labels.team=b", 80));
}

Test(policy, a_peer_that_names_a_reserved_label_is_not_scoped)
{
	cr_assert(t_rule_concerns("{fromEndpoints: [{matchLabels: {'reserved:host': ''}}]}",
				  "reserved:host", 80));
	cr_assert_not(t_rule_concerns("{fromEndpoints: [{matchLabels: {'reserved:host': ''}}]}",
				      "reserved:world", 80));
}

Test(policy, the_namespace_key_under_another_source_does_not_lift_the_scope)
{
	static const char rule[] =
		"{fromEndpoints: [{matchLabels: {'container:io.kubernetes.pod.namespace': elsewhere}}]}";

	cr_assert_not(t_rule_concerns(
		rule, THERE " container:io.kubernetes.pod.namespace=elsewhere", 80));
}

Test(policy, the_subject_lives_in_the_policys_namespace_whatever_it_says)
{
	struct t_policy p = t_policy_spec(
		"{endpointSelector: {matchLabels: {app: web, 'k8s:io.kubernetes.pod.namespace': elsewhere}}, "
		"ingress: [{}]}");
	const struct pst_selector *subject = &t_spec(&p)->subject;

	cr_assert(t_matches(subject, 1, HERE " k8s:app=web"));
	cr_assert_not(t_matches(subject, 1, THERE " k8s:app=web"));
	cr_assert_not(t_matches(subject, 1, HERE " k8s:app=api"));
	cr_assert(t_has(p.diags, "subject-namespace"));
	cr_assert_eq(pst_diags_errors(p.diags), 0);
	t_policy_free(&p);
}

Test(policy, the_subject_cannot_leave_its_namespace_by_negation)
{
	static const char *const expressions[] = {
		"{key: 'k8s:io.kubernetes.pod.namespace', operator: NotIn, values: [ns]}",
		"{key: io.kubernetes.pod.namespace, operator: DoesNotExist}",
	};
	char spec[256];

	for (size_t i = 0; i < 2; i++) {
		struct t_policy p;

		snprintf(spec, sizeof(spec),
			 "{endpointSelector: {matchExpressions: [%s]}, ingress: [{}]}",
			 expressions[i]);
		p = t_policy_spec(spec);
		cr_assert(t_matches(&t_spec(&p)->subject, 1, HERE));
		cr_assert_not(t_matches(&t_spec(&p)->subject, 1, THERE));
		cr_assert_not(t_matches(&t_spec(&p)->subject, 1, "reserved:host"));
		t_policy_free(&p);
	}
}

Test(policy, naming_the_own_namespace_in_the_subject_is_no_reason_for_a_warning)
{
	struct t_policy p = t_policy_spec(
		"{endpointSelector: {matchLabels: {'k8s:io.kubernetes.pod.namespace': ns}}, ingress: [{}]}");

	cr_assert_eq(pst_diags_count(p.diags), 0);
	t_policy_free(&p);
}

Test(policy, a_policy_without_a_namespace_lives_in_default)
{
	struct t_policy p = t_policy_parse("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
					   "metadata: {name: p}\n"
					   "spec: {endpointSelector: {}, ingress: [{}]}\n");

	cr_assert_str_eq(p.set->policies[0].ns, "default");
	cr_assert(t_matches(&t_spec(&p)->subject, 1, "k8s:io.kubernetes.pod.namespace=default"));
	t_policy_free(&p);
}

static bool t_entity(const char *entity, const char *labels)
{
	char rule[128];

	snprintf(rule, sizeof(rule), "{fromEntities: [%s]}", entity);
	return t_rule_concerns(rule, labels, 80);
}

#define POD "k8s:io.kubernetes.pod.namespace=elsewhere k8s:io.cilium.k8s.policy.cluster=default"
#define FAR "k8s:io.kubernetes.pod.namespace=elsewhere k8s:io.cilium.k8s.policy.cluster=other"

Test(policy, entities_select_what_their_names_say)
{
	cr_assert(t_entity("all", POD));
	cr_assert(t_entity("all", "reserved:world"));
	cr_assert(t_entity("world", "reserved:world"));
	cr_assert(t_entity("world", "reserved:world-ipv4"));
	cr_assert(t_entity("world", "reserved:world-ipv6"));
	cr_assert_not(t_entity("world", POD));
	cr_assert_not(t_entity("world", "reserved:host"));
	cr_assert(t_entity("host", "reserved:host"));
	cr_assert_not(t_entity("host", "reserved:remote-node"));
	cr_assert(t_entity("remote-node", "reserved:remote-node reserved:kube-apiserver"));
	cr_assert_not(t_entity("remote-node", "reserved:host"));
	cr_assert_not(t_entity("none", POD));
	cr_assert_not(t_entity("none", "reserved:world"));
}

Test(policy, the_cluster_is_its_pods_and_its_nodes_but_not_the_world)
{
	static const char *const members[] = {
		POD,
		"reserved:host",
		"reserved:remote-node",
		"reserved:init",
		"reserved:ingress",
		"reserved:health",
		"reserved:unmanaged",
		"reserved:kube-apiserver",
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		cr_assert(t_entity("cluster", members[i]), "%s", members[i]);
		cr_assert(t_entity("cluster-mesh", members[i]), "%s", members[i]);
	}
	cr_assert_not(t_entity("cluster", "reserved:world"));
	cr_assert_not(t_entity("cluster-mesh", "reserved:world"));
	cr_assert_not(t_entity("cluster", FAR));
	cr_assert(t_entity("cluster-mesh", FAR));
}

Test(policy, entities_are_a_union_and_repeating_one_adds_nothing)
{
	struct t_policy p = t_policy_rule("ingress", "{fromEntities: [host, host, world, host]}");

	cr_assert_eq(t_rule(&p)->n_peers, 4);
	cr_assert(t_concerns(t_rule(&p), "reserved:host", 1));
	cr_assert(t_concerns(t_rule(&p), "reserved:world", 1));
	t_policy_free(&p);
}

static struct pst_port t_port(const char *port)
{
	struct t_policy p;
	struct pst_port found;
	char rule[256];

	snprintf(rule, sizeof(rule), "{toPorts: [{ports: [%s]}]}", port);
	p = t_policy_rule("ingress", rule);
	cr_assert_eq(pst_diags_errors(p.diags), 0, "%s", port);
	found = t_rule(&p)->ports[0].ports[0];
	t_policy_free(&p);
	return found;
}

Test(policy, ports_are_decimal_and_octal_behind_a_zero)
{
	cr_assert_eq(t_port("{port: '80'}").port, 80);
	cr_assert_eq(t_port("{port: '65535'}").port, 65535);
	cr_assert_eq(t_port("{port: '0'}").port, 0);
	cr_assert_eq(t_port("{port: '010'}").port, 8);
	cr_assert_eq(t_port("{port: '00'}").port, 0);
}

Test(policy, an_octal_port_is_warned_of)
{
	struct t_policy p = t_policy_rule("ingress", "{toPorts: [{ports: [{port: '010'}]}]}");

	cr_assert(t_has(p.diags, "port-octal"));
	t_policy_free(&p);
}

Test(policy, a_range_ends_at_its_end_port_and_a_lower_one_is_a_single_port)
{
	cr_assert_eq(t_port("{port: '80'}").end_port, 80);
	cr_assert_eq(t_port("{port: '80', endPort: 90}").end_port, 90);
	cr_assert_eq(t_port("{port: '80', endPort: 80}").end_port, 80);
	cr_assert_eq(t_port("{port: '80', endPort: 79}").end_port, 80);
	cr_assert_eq(t_port("{port: '80', endPort: 0}").end_port, 80);
	cr_assert_eq(t_port("{port: '0'}").end_port, 0);
}

Test(policy, a_port_without_protocol_is_any)
{
	cr_assert_eq(t_port("{port: '80'}").protocol, PST_PROTOCOL_ANY);
	cr_assert_eq(t_port("{port: '80', protocol: ANY}").protocol, PST_PROTOCOL_ANY);
	cr_assert_eq(t_port("{port: '80', protocol: TCP}").protocol, PST_PROTOCOL_TCP);
	cr_assert_eq(t_port("{port: '80', protocol: UDP}").protocol, PST_PROTOCOL_UDP);
	cr_assert_eq(t_port("{port: '80', protocol: SCTP}").protocol, PST_PROTOCOL_SCTP);
}

#define TCP80 "ports: [{port: '80', protocol: TCP}]"

Test(policy, no_http_rules_in_any_spelling_restrict_nothing)
{
	static const char *const entries[] = {
		"{" TCP80 "}",
		"{" TCP80 ", rules: {}}",
		"{" TCP80 ", rules: {http: []}}",
		"{" TCP80 ", rules: }",
	};
	char rule[256];

	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++) {
		struct t_policy p;

		snprintf(rule, sizeof(rule), "{toPorts: [%s]}", entries[i]);
		p = t_policy_rule("ingress", rule);
		cr_assert_eq(pst_diags_errors(p.diags), 0);
		cr_assert_eq(t_rule(&p)->ports[0].n_ports, 1);
		cr_assert_eq(t_rule(&p)->ports[0].n_http, 0);
		cr_assert_eq(t_has(p.diags, "http-empty"), i == 2);
		t_policy_free(&p);
	}
}

Test(policy, an_http_rule_keeps_its_texts_and_leaves_absent_ones_null)
{
	struct t_policy p =
		t_policy_rule("ingress", "{toPorts: [{" TCP80
					 ", rules: {http: [{path: '/a', method: ''}, {}]}}]}");
	const struct pst_port_rule *pr = &t_rule(&p)->ports[0];

	cr_assert_eq(pr->n_http, 2);
	cr_assert_str_eq(pr->http[0].path.s, "/a");
	cr_assert_eq(pr->http[0].path.len, 2);
	cr_assert_null(pr->http[0].method.s);
	cr_assert_null(pr->http[0].host.s);
	cr_assert_null(pr->http[1].path.s);
	cr_assert_eq(pr->http[1].index, 1);
	cr_assert(t_has(p.diags, "http-empty-field"));
	t_policy_free(&p);
}

Test(policy, the_place_of_a_text_is_its_first_character)
{
	struct t_policy p = t_policy_parse("apiVersion: cilium.io/v2\n"
					   "kind: CiliumNetworkPolicy\n"
					   "metadata: {name: p}\n"
					   "spec:\n"
					   "  endpointSelector: {}\n"
					   "  ingress:\n"
					   "  - toPorts:\n"
					   "    - ports: [{port: '80', protocol: TCP}]\n"
					   "      rules:\n"
					   "        http:\n"
					   "        - path: /plain\n"
					   "          method: 'GET'\n"
					   "          host: \"h\"\n"
					   "        - path: |-\n"
					   "            /block\n");
	const struct pst_http_rule *http = t_rule(&p)->ports[0].http;

	cr_assert_eq(http[0].path.pos.line, 11);
	cr_assert_eq(http[0].path.pos.col, 17);
	cr_assert_eq(http[0].path.pos.end_col, 23);
	cr_assert_eq(http[0].method.pos.col, 20);
	cr_assert_eq(http[0].method.pos.end_col, 23);
	cr_assert_eq(http[0].host.pos.col, 18);
	cr_assert_eq(http[1].path.pos.line, 15);
	cr_assert_eq(http[1].path.pos.col, 13);
	cr_assert_str_eq(http[1].path.s, "/block");
	t_policy_free(&p);
}

static void t_default_deny(const char *spec, bool ingress, bool egress)
{
	struct t_policy p = t_policy_spec(spec);

	cr_assert_eq(pst_diags_errors(p.diags), 0, "%s", spec);
	cr_expect_eq(t_spec(&p)->default_deny[PST_DIRECTION_INGRESS], ingress, "%s", spec);
	cr_expect_eq(t_spec(&p)->default_deny[PST_DIRECTION_EGRESS], egress, "%s", spec);
	t_policy_free(&p);
}

Test(policy, a_direction_with_a_section_is_default_deny_unless_told_otherwise)
{
	t_default_deny("{endpointSelector: {}, ingress: [{}]}", true, false);
	t_default_deny("{endpointSelector: {}, egress: [{}]}", false, true);
	t_default_deny("{endpointSelector: {}, ingressDeny: [{}]}", true, false);
	t_default_deny("{endpointSelector: {}, egressDeny: [{}], ingress: []}", false, true);
	t_default_deny("{endpointSelector: {}, ingress: [{}], enableDefaultDeny: {ingress: false}}",
		       false, false);
	t_default_deny("{endpointSelector: {}, enableDefaultDeny: {egress: true}, ingress: [{}]}",
		       true, true);
}

Test(policy, rules_stand_in_document_order_with_their_section)
{
	struct t_policy p =
		t_policy_spec("{endpointSelector: {}, egressDeny: [{}], ingress: [{}, {}], "
			      "egress: [{}], ingressDeny: [{}]}");
	static const struct {
		enum pst_direction direction;
		bool deny;
	} expected[] = {
		{PST_DIRECTION_EGRESS, true},	{PST_DIRECTION_INGRESS, false},
		{PST_DIRECTION_INGRESS, false}, {PST_DIRECTION_EGRESS, false},
		{PST_DIRECTION_INGRESS, true},
	};

	cr_assert_eq(t_spec(&p)->n_rules, 5);
	for (size_t i = 0; i < 5; i++) {
		cr_expect_eq(t_spec(&p)->rules[i].direction, expected[i].direction);
		cr_expect_eq(t_spec(&p)->rules[i].deny, expected[i].deny);
	}
	t_policy_free(&p);
}

Test(policy, spec_and_specs_add_up)
{
	struct t_policy p = t_policy_parse("apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
					   "metadata: {name: p}\n"
					   "specs: [{endpointSelector: {}, egress: [{}]}]\n"
					   "spec: {endpointSelector: {}, ingress: [{}]}\n");

	cr_assert_eq(p.set->policies[0].n_specs, 2);
	cr_assert_eq(pst_diags_count(p.diags), 0);
	t_policy_free(&p);
}

#define CNP(name)                                                                            \
	"{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: " name "}, " \
	"spec: {endpointSelector: {}, ingress: [{}]}}"

Test(policy, documents_and_lists_hold_several_policies_and_others_are_counted)
{
	struct t_policy p = t_policy_parse("---\n" CNP(
		"a") "\n---\n---\n"
		     "{apiVersion: v1, kind: ConfigMap, anything: [goes]}\n---\n"
		     "{apiVersion: v1, kind: List, items: [" CNP(
			     "b") ", "
				  "{apiVersion: v1, kind: Secret}, " CNP(
					  "c") "]}\n---\n"
					       "{apiVersion: cilium.io/v2, kind: CiliumCIDRGroup}\n");

	cr_assert_eq(p.set->n_policies, 3);
	cr_assert_str_eq(p.set->policies[2].name, "c");
	cr_assert_eq(p.set->n_skipped, 3);
	cr_assert_eq(pst_diags_count(p.diags), 0);
	t_policy_free(&p);
}

Test(policy, a_refused_document_leaves_its_neighbours_alone)
{
	struct t_policy p = t_policy_parse(
		CNP("a") "\n---\n"
			 "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy}\n---\n" CNP("b"));

	cr_assert_eq(p.set->n_policies, 2);
	cr_assert_gt(pst_diags_errors(p.diags), 0);
	t_policy_free(&p);
}

#define K8S(version, kind) "{apiVersion: " version ", kind: " kind "}\n---\n"

/* Cilium enforces these as well: nobody shall think that postern does. */
Test(policy, a_policy_of_kubernetes_own_is_passed_over_with_a_warning)
{
	struct t_policy p = t_policy_parse(
		K8S("networking.k8s.io/v1", "NetworkPolicy")
			K8S("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy")
				K8S("networking.k8s.io/v1", "Ingress")
					K8S("example.org/v1", "NetworkPolicy") CNP("a"));

	cr_assert_eq(p.set->n_policies, 1);
	cr_assert_eq(p.set->n_skipped, 4);
	cr_assert_eq(pst_diags_count(p.diags), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct pst_diag *d = pst_diags_at(p.diags, i);

		cr_assert_str_eq(d->id, "kubernetes-policy");
		cr_assert_eq(d->severity, PST_SEVERITY_WARNING);
		cr_assert_eq(d->pos.line, 1 + 2 * i);
	}
	t_policy_free(&p);
}

Test(policy, two_policies_of_one_name_are_warned_of_and_both_in_force)
{
	struct t_policy p = t_policy_parse(CNP("a") "\n---\n" CNP("b") "\n---\n" CNP("a"));

	cr_assert_eq(p.set->n_policies, 3);
	cr_assert_eq(pst_diags_count(p.diags), 1);
	cr_assert(t_has(p.diags, "same-name"));
	cr_assert_eq(pst_diags_at(p.diags, 0)->pos.line, 5);
	cr_assert_not_null(pst_diags_at(p.diags, 0)->notes);
	cr_assert_eq(pst_diags_at(p.diags, 0)->notes->pos.line, 1);
	t_policy_free(&p);
}

Test(policy, freeing_nothing_is_fine)
{
	struct pst_policy_set *set = NULL;

	pst_policy_set_free(&set);
	cr_assert_null(set);
}
