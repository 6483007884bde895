// SPDX-License-Identifier: Apache-2.0
/* ICMP types, authentication, what goes around rules, clusterwide policies, namespace scoping. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/tests/helper.h"

static const struct pst_policy_options newest = {0};

static void t_expect(const char *section, const char *rule, const char *verdict)
{
	cr_expect_str_eq(t_verdict(newest, section, rule), verdict, "%s: %s", section, rule);
}

#define ICMP(field) "{icmps: [{fields: [{" field "}]}]}"

Test(cnp_icmp, a_type_is_a_number_or_a_name_of_its_family)
{
	t_expect("ingress", ICMP("type: 0"), "");
	t_expect("ingress", ICMP("type: 255"), "");
	t_expect("ingress", ICMP("type: 256"), "icmp-type ");
	t_expect("ingress", ICMP("type: -1"), "icmp-type ");
	t_expect("ingress", ICMP("type: 1.5"), "icmp-type ");
	t_expect("ingress", ICMP("type: '8'"), "");
	t_expect("ingress", ICMP("type: '08'"), "icmp-type ");
	t_expect("ingress", ICMP("type: ''"), "icmp-type ");
	t_expect("ingress", ICMP("type: EchoRequest"), "");
	t_expect("ingress", ICMP("type: echorequest"), "icmp-type ");
	t_expect("ingress", ICMP("type: PacketTooBig, family: IPv6"), "");
	t_expect("ingress", ICMP("type: PacketTooBig, family: IPv4"), "icmp-type ");
	t_expect("ingress", ICMP("type: PacketTooBig"), "icmp-type ");
	t_expect("ingress", ICMP("type: Photuris, family: IPv6"), "icmp-type ");
	t_expect("ingress", ICMP("type: true"), "type-mismatch ");
	t_expect("ingress", ICMP("family: IPv4"), "missing-field ");
	t_expect("ingressDeny", ICMP("type: 8"), "");
	t_expect("egress", ICMP("type: 8, code: 0"), "unknown-field ");
}

Test(cnp_icmp, extended_echo_reply_goes_by_number_only)
{
	t_expect("ingress", ICMP("type: ExtendedEchoReply"), "icmp-type ");
	t_expect("ingress", ICMP("type: ExtendedEchoReply, family: IPv6"), "icmp-type ");
	t_expect("ingress", ICMP("type: 43"), "");
	t_expect("ingress", ICMP("type: ExtendedEchoRequest"), "");
	t_expect("ingress", ICMP("type: ExtendedEchoRequest, family: IPv6"), "");
}

Test(cnp_icmp, there_are_two_families)
{
	t_expect("ingress", ICMP("type: 8, family: IPv4"), "");
	t_expect("ingress", ICMP("type: 8, family: ipv4"), "icmp-family ");
	t_expect("ingress", ICMP("type: 8, family: ''"), "icmp-family ");
	t_expect("ingress", ICMP("type: 8, family: null"), "");
	t_expect("ingress", ICMP("type: 8, family: 4"), "type-mismatch ");
}

Test(cnp_icmp, forty_fields_are_the_limit_of_one_element)
{
	char rule[2048];

	for (int n = 40; n <= 41; n++) {
		size_t used = (size_t)snprintf(rule, sizeof(rule), "{icmps: [{fields: [");

		for (int i = 0; i < n; i++)
			used += (size_t)snprintf(rule + used, sizeof(rule) - used, "{type: %d},",
						 i);
		snprintf(rule + used, sizeof(rule) - used, "]}, {fields: [{type: 8}]}]}");
		t_expect("ingress", rule, n > 40 ? "icmp-too-many " : "");
	}
}

Test(cnp_icmp, types_and_ports_do_not_go_together)
{
	t_expect("ingress", "{icmps: [{fields: [{type: 8}]}], toPorts: [{ports: [{port: '80'}]}]}",
		 "icmp-with-ports ");
	t_expect("ingress", "{icmps: [], toPorts: [{ports: [{port: '80'}]}]}", "");
	t_expect("ingress", "{icmps: [{fields: [{type: 8}]}], toPorts: []}", "");
}

Test(cnp_icmp, types_are_in_the_model_with_their_place)
{
	const struct pst_policy_options o = {.lint = true};
	struct t_policy p = t_policy_parse_with(
		&o, "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		    "spec:\n  endpointSelector: {}\n  ingress:\n  - icmps:\n    - fields:\n"
		    "      - type: EchoRequest\n        family: IPv6\n      - type: 8\n");
	const struct pst_rule *rule = t_rule(&p);

	cr_assert_eq(rule->n_icmps, 2);
	cr_expect(rule->has_icmps);
	cr_expect(rule->icmps[0].is_v6);
	cr_expect_eq(rule->icmps[0].type, 128);
	cr_expect_eq(rule->icmps[0].pos.line, 9);
	cr_expect_not(rule->icmps[1].is_v6);
	cr_expect_eq(rule->icmps[1].type, 8);
	t_policy_free(&p);
}

Test(cnp_auth, there_are_three_modes_and_they_are_for_allow_rules)
{
	t_expect("ingress", "{authentication: {mode: required}}", "");
	t_expect("egress", "{authentication: {mode: disabled}}", "");
	t_expect("ingress", "{authentication: {mode: test-always-fail}}", "");
	t_expect("ingress", "{authentication: {mode: Required}}", "auth-mode ");
	t_expect("ingress", "{authentication: {mode: ''}}", "auth-mode ");
	t_expect("ingress", "{authentication: {}}", "missing-field ");
	t_expect("ingress", "{authentication: required}", "type-mismatch ");
	t_expect("ingressDeny", "{authentication: {mode: required}}", "not-in-deny ");
	t_expect("egressDeny", "{authentication: {mode: required}}", "not-in-deny ");
}

Test(cnp_auth, a_disabled_one_asks_for_nothing_and_can_be_enforced)
{
	struct t_policy p = t_policy_rule("ingress", "{fromEndpoints: [{}], authentication: {mode: "
						     "disabled}}");

	cr_expect_eq(pst_diags_count(p.diags), 0);
	cr_expect_eq(t_rule(&p)->auth, PST_AUTH_DISABLED);
	cr_expect_eq(t_rule(&p)->auth_pos.line, 4);
	t_policy_free(&p);
}

/* A document of kind KIND with SPEC and more METADATA. */
static const char *t_document(const char *kind, const char *metadata, const char *spec)
{
	static char text[4096];
	int n = snprintf(text, sizeof(text),
			 "apiVersion: cilium.io/v2\nkind: %s\nmetadata: {name: p%s}\nspec: %s\n",
			 kind, metadata, spec);

	cr_assert_lt((size_t)n, sizeof(text));
	return text;
}

#define CNP  "CiliumNetworkPolicy"
#define CCNP "CiliumClusterwideNetworkPolicy"

static void t_expect_spec(const char *kind, const char *spec, unsigned int minor,
			  const char *verdict)
{
	const struct pst_policy_options o = {.cilium_minor = minor};

	cr_expect_str_eq(t_text_verdict(o, t_document(kind, "", spec)), verdict, "%s 1.%u: %s",
			 kind, minor, spec);
}

Test(cnp_spec, a_clusterwide_policy_has_one_of_two_subjects)
{
	t_expect_spec(CCNP, "{endpointSelector: {}, ingress: [{}]}", 0, "");
	t_expect_spec(CCNP, "{nodeSelector: {}, ingress: [{}]}", 0, "");
	t_expect_spec(CCNP, "{ingress: [{}]}", 0, "subject-missing ");
	t_expect_spec(CCNP, "{endpointSelector: null, ingress: [{}]}", 0, "subject-missing ");
	t_expect_spec(CCNP, "{endpointSelector: {}, nodeSelector: {}, ingress: [{}]}", 0,
		      "subject-both ");
	t_expect_spec(CCNP, "{nodeSelector: {}, endpointSelector: {}, ingress: [{}]}", 0,
		      "subject-both ");
	t_expect_spec(CCNP, "{endpointSelector: {}, nodeSelector: null, ingress: [{}]}", 0, "");
}

Test(cnp_spec, a_namespaced_policy_is_for_endpoints)
{
	t_expect_spec(CNP, "{endpointSelector: {}, ingress: [{}]}", 0, "");
	t_expect_spec(CNP, "{nodeSelector: {}, ingress: [{}]}", 0, "node-selector ");
	t_expect_spec(CNP, "{endpointSelector: {}, nodeSelector: {}, ingress: [{}]}", 0,
		      "node-selector ");
	t_expect_spec(CNP, "{endpointSelector: {}, nodeSelector: null, ingress: [{}]}", 0, "");
	t_expect_spec(CNP, "{ingress: [{}]}", 0, "subject-missing ");
}

Test(cnp_spec, a_policy_without_rules_is_refused_from_1_18_on)
{
	t_expect_spec(CNP, "{endpointSelector: {}, ingress: []}", 18, "no-sections ");
	t_expect_spec(CNP, "{endpointSelector: {}, ingress: []}", 17, "");
	t_expect_spec(CNP, "{endpointSelector: {}}", 18, "no-sections ");
	t_expect_spec(CNP, "{endpointSelector: {}}", 17, "");
	t_expect_spec(CNP, "{endpointSelector: {}, ingress: [], egressDeny: [{}]}", 18, "");
}

#define WITH(field) "{endpointSelector: {}, ingress: [{}], " field "}"

Test(cnp_spec, log_values_are_thirty_two_printable_characters_from_1_18_on)
{
	t_expect_spec(CNP, WITH("log: {value: 12345678901234567890123456789ab}"), 0, "");
	t_expect_spec(CNP, WITH("log: {value: 12345678901234567890123456789abc}"), 0, "");
	t_expect_spec(CNP, WITH("log: {value: 12345678901234567890123456789abcd}"), 0,
		      "log-invalid ");
	t_expect_spec(CNP,
		      WITH("log: {value: "
			   "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
			   "1234567890123456789012ab}"),
		      0, "");
	t_expect_spec(CNP, WITH("log: {value: \"a\\tb\"}"), 0, "log-invalid ");
	t_expect_spec(CNP, WITH("log: {value: \"a\\x7fb\"}"), 0, "log-invalid ");
	t_expect_spec(CNP, WITH("log: {value: \"a\\x85b\"}"), 0, "log-invalid ");
	t_expect_spec(CNP, WITH("log: {value: \"a\\xa0b\"}"), 0, "");
	t_expect_spec(CNP, WITH("log: {value: 5}"), 0, "type-mismatch ");
	t_expect_spec(CNP, WITH("log: {values: a}"), 0, "unknown-field ");
	t_expect_spec(CNP, WITH("log: {value: a}"), 18, "");
	t_expect_spec(CNP, WITH("log: {value: a}"), 17, "field-version ");
}

Test(cnp_spec, labels_have_a_key_and_perhaps_a_value_and_a_source)
{
	t_expect_spec(CNP, WITH("labels: [{key: a, value: b, source: k8s}, {key: a}]"), 0, "");
	t_expect_spec(CNP, WITH("labels: []"), 0, "");
	t_expect_spec(CNP, WITH("labels: [{value: b}]"), 0, "missing-field ");
	t_expect_spec(CNP, WITH("labels: [{key: ''}]"), 0, "label-invalid ");
	t_expect_spec(CNP, WITH("labels: ['k8s:a=b']"), 0, "type-mismatch ");
	t_expect_spec(CNP, WITH("labels: {a: b}"), 0, "type-mismatch ");
	t_expect_spec(CNP, WITH("labels: [{key: a, name: b}]"), 0, "unknown-field ");
}

Test(cnp_spec, the_text_of_log_and_what_default_deny_says_are_in_the_model)
{
	struct t_policy p = t_policy_spec(
		WITH("log: {value: seen}, enableDefaultDeny: {ingress: false, egress: true}"));
	const struct pst_spec *spec = t_spec(&p);

	cr_expect_eq(pst_diags_count(p.diags), 0);
	cr_expect_str_eq(spec->log.s, "seen");
	cr_expect_eq(spec->default_deny_written[PST_DIRECTION_INGRESS], PST_DEFAULT_DENY_NO);
	cr_expect_eq(spec->default_deny_pos[PST_DIRECTION_INGRESS].line, 4);
	cr_expect_not(spec->default_deny[PST_DIRECTION_INGRESS]);
	cr_expect_eq(spec->default_deny_written[PST_DIRECTION_EGRESS], PST_DEFAULT_DENY_YES);
	cr_expect(spec->default_deny[PST_DIRECTION_EGRESS]);
	t_policy_free(&p);
}

static void t_expect_meta(const char *kind, const char *metadata, const char *verdict)
{
	const char *text = t_document(kind, metadata, "{endpointSelector: {}, ingress: [{}]}");

	cr_expect_str_eq(t_text_verdict(newest, text), verdict, "%s", text);
}

Test(cnp_meta, labels_and_annotations_are_strings)
{
	t_expect_meta(CNP, ", labels: {app.kubernetes.io/name: a, b: ''}", "");
	t_expect_meta(CNP, ", labels: {a: 1}", "type-mismatch ");
	t_expect_meta(CNP, ", labels: {a: yes}", "type-mismatch ");
	t_expect_meta(CNP, ", labels: {a: null}", "type-mismatch ");
	t_expect_meta(CNP, ", labels: {a: 'not a value'}", "label-invalid ");
	t_expect_meta(CNP, ", labels: {-a: b}", "label-invalid ");
	t_expect_meta(CNP, ", labels: [a]", "type-mismatch ");
	t_expect_meta(CNP, ", annotations: {example.com/why: 'any text, at all'}", "");
	t_expect_meta(CNP, ", annotations: {a: 1}", "type-mismatch ");
	t_expect_meta(CNP, ", annotations: {'a b': c}", "label-invalid ");
}

Test(cnp_meta, a_mistake_in_labels_refuses_nothing_else)
{
	struct t_policy p = t_policy_parse(
		t_document(CNP, ", labels: {a: 1}", "{endpointSelector: {}, ingress: [{}]}"));

	cr_expect_eq(pst_diags_errors(p.diags), 1);
	cr_expect_eq(p.set->n_policies, 1);
	t_policy_free(&p);
}

Test(cnp_meta, a_namespace_means_nothing_to_a_clusterwide_policy)
{
	struct t_policy p = t_policy_parse(
		t_document(CCNP, ", namespace: ns", "{endpointSelector: {}, ingress: [{}]}"));

	cr_expect_eq(pst_diags_count(p.diags), 1);
	cr_expect(t_has(p.diags, "clusterwide-namespace"));
	cr_assert_eq(p.set->n_policies, 1);
	cr_expect_str_eq(p.set->policies[0].ns, "");
	cr_expect(p.set->policies[0].clusterwide);
	cr_expect_str_eq(p.set->policies[0].name_text.s, "p");
	cr_expect_eq(p.set->policies[0].name_text.pos.line, 3);
	t_policy_free(&p);
	t_expect_meta(CNP, ", namespace: ns", "");
}

#define HTTP(section)                                                                  \
	"{nodeSelector: {}, " section ": [{toPorts: [{ports: [{port: '80', protocol: " \
	"TCP}], rules: {http: [{path: /}]}}]}]}"

Test(cnp_host, a_policy_for_nodes_has_no_http_rules)
{
	t_expect_spec(CCNP, HTTP("ingress"), 0, "host-policy-l7 ");
	t_expect_spec(CCNP, HTTP("egress"), 0, "host-policy-l7 ");
	/* Whether the subject stands before the rules or behind them. */
	t_expect_spec(CCNP,
		      "{ingress: [{toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: "
		      "[{path: /}]}}]}], nodeSelector: {}}",
		      0, "host-policy-l7 ");
	t_expect_spec(CCNP,
		      "{endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: '80', protocol: "
		      "TCP}], rules: {http: [{path: /}]}}]}]}",
		      0, "");
	t_expect_spec(CCNP,
		      "{nodeSelector: {}, egress: [{toPorts: [{ports: [{port: '53', protocol: "
		      "UDP}], rules: {dns: [{matchName: a.b}]}}]}]}",
		      0, "");
}

Test(cnp_host, it_is_in_the_model_of_a_linter_only)
{
	const char *text = t_document(CCNP, "", "{nodeSelector: {}, ingress: [{}]}");
	const struct pst_policy_options lint = {.lint = true};
	struct t_policy p = t_policy_parse_with(&lint, text);

	cr_expect_eq(pst_diags_errors(p.diags), 0);
	cr_expect(t_has(p.diags, "unsupported-host-policy"));
	cr_expect(t_spec(&p)->subject_is_node);
	t_policy_free(&p);
	p = t_policy_parse(text);
	cr_expect_eq(pst_diags_errors(p.diags), 1);
	cr_expect(t_has(p.diags, "unsupported-host-policy"));
	cr_expect_eq(p.set->n_policies, 0);
	t_policy_free(&p);
}

#define A_IN(ns) "k8s:io.kubernetes.pod.namespace=" ns " k8s:app=a"

/* Does the peer SELECTOR of a policy of KIND (in "default") with SUBJECT select LABELS? */
static bool t_selects(const char *kind, const char *subject, const char *selector,
		      const char *labels)
{
	char spec[1024];
	struct t_policy p;
	bool yes;

	snprintf(spec, sizeof(spec), "{endpointSelector: %s, ingress: [{fromEndpoints: [%s]}]}",
		 subject, selector);
	p = t_policy_parse(t_document(kind, "", spec));
	cr_assert_eq(pst_diags_count(p.diags), 0, "%s", spec);
	yes = t_matches(t_rule(&p)->peers, t_rule(&p)->n_peers, labels);
	t_policy_free(&p);
	return yes;
}

static bool t_peer(const char *kind, const char *selector, const char *labels)
{
	return t_selects(kind, "{}", selector, labels);
}

Test(cnp_scope, a_peer_lives_in_the_namespace_of_its_policy)
{
	cr_expect(t_peer(CNP, "{}", A_IN("default")));
	cr_expect_not(t_peer(CNP, "{}", A_IN("far")));
	cr_expect(t_peer(CNP, "{matchLabels: {app: a}}", A_IN("default")));
	cr_expect_not(t_peer(CNP, "{matchLabels: {app: a}}", A_IN("far")));
	cr_expect_not(t_peer(CNP, "{}", "reserved:world"));
}

#define BY_EXPRESSION \
	"{matchExpressions: [{key: io.kubernetes.pod.namespace, operator: In, values: [far]}]}"

Test(cnp_scope, a_peer_that_names_a_namespace_lives_there)
{
	static const char *const selectors[] = {
		"{matchLabels: {io.kubernetes.pod.namespace: far}}",
		"{matchLabels: {'k8s:io.kubernetes.pod.namespace': far}}",
		"{matchLabels: {'any:io.kubernetes.pod.namespace': far}}",
		BY_EXPRESSION,
		"{matchExpressions: [{key: 'k8s:io.kubernetes.pod.namespace', operator: Exists}]}",
	};

	for (size_t i = 0; i < sizeof(selectors) / sizeof(*selectors); i++)
		cr_expect(t_peer(CNP, selectors[i], A_IN("far")), "%s", selectors[i]);
	/* A dot in place of the colon makes it another key. */
	cr_expect_not(
		t_peer(CNP, "{matchLabels: {k8s.io.kubernetes.pod.namespace: far}}", A_IN("far")));
}

Test(cnp_scope, a_peer_with_a_namespace_label_or_a_reserved_one_lives_anywhere)
{
	static const char labelled[] =
		"k8s:io.kubernetes.pod.namespace=far k8s:io.cilium.k8s.namespace.labels.team=x";

	cr_expect(t_peer(CNP, "{matchLabels: {io.cilium.k8s.namespace.labels.team: x}}", labelled));
	cr_expect(t_peer(CNP, "{matchLabels: {'k8s:io.cilium.k8s.namespace.labels.team': x}}",
			 labelled));
	cr_expect_not(
		t_peer(CNP, "{matchLabels: {io.cilium.k8s.namespace.label.team: x}}", labelled));
	cr_expect(t_peer(CNP, "{matchLabels: {'reserved:host': ''}}", "reserved:host"));
	cr_expect(t_peer(CNP, "{matchExpressions: [{key: 'reserved:host', operator: Exists}]}",
			 "reserved:host"));
}

Test(cnp_scope, clusterwide_peers_are_pods_of_any_namespace)
{
	cr_expect(t_peer(CCNP, "{}", A_IN("far")));
	cr_expect_not(t_peer(CCNP, "{}", "reserved:world"));
	cr_expect_not(t_peer(CCNP, "{}", "reserved:host"));
	cr_expect(t_peer(CCNP, "{matchLabels: {app: a}}", A_IN("far")));
	cr_expect_not(t_peer(CCNP, "{matchExpressions: [{key: app, operator: DoesNotExist}]}",
			     "reserved:world"));
	cr_expect(t_peer(CCNP, "{matchLabels: {'reserved:world': ''}}", "reserved:world"));
	cr_expect_not(t_peer(CCNP, "{matchLabels: {io.kubernetes.pod.namespace: b}}", A_IN("far")));
}

Test(cnp_scope, peers_of_pods_without_labels_yet_are_not_bound_to_a_namespace)
{
	static const char init[] = "{matchLabels: {'reserved:init': ''}}";

	cr_expect(t_selects(CCNP, init, "{}", "reserved:host"));
	cr_expect(t_selects(CCNP, "{matchExpressions: [{key: 'reserved:init', operator: Exists}]}",
			    "{}", "reserved:host"));
	cr_expect_not(
		t_selects(CCNP, "{matchLabels: {'reserved:health': ''}}", "{}", "reserved:host"));
	cr_expect(t_peer(CCNP, init, "reserved:init"));
}

static bool t_is_subject(const char *kind, const char *subject, const char *labels)
{
	char spec[1024];
	struct t_policy p;
	bool yes;

	snprintf(spec, sizeof(spec), "{endpointSelector: %s, ingress: [{}]}", subject);
	p = t_policy_parse(t_document(kind, "", spec));
	yes = t_matches(&t_spec(&p)->subject, 1, labels);
	t_policy_free(&p);
	return yes;
}

Test(cnp_scope, the_subject_of_a_namespaced_policy_lives_in_it)
{
	cr_expect(t_is_subject(CNP, "{}", A_IN("default")));
	cr_expect_not(t_is_subject(CNP, "{}", A_IN("far")));
	cr_expect_not(t_is_subject(CNP, "{matchLabels: {io.kubernetes.pod.namespace: far}}",
				   A_IN("far")));
	cr_expect(t_is_subject(CCNP, "{}", A_IN("far")));
	cr_expect(t_is_subject(CCNP, "{matchLabels: {app: a}}", A_IN("far")));
	cr_expect_not(t_is_subject(CCNP, "{matchLabels: {app: b}}", A_IN("far")));
	cr_expect(t_is_subject(CCNP, "{matchLabels: {io.kubernetes.pod.namespace: far}}",
			       A_IN("far")));
}

Test(cnp_scope, a_subject_that_names_another_namespace_is_warned_of)
{
	t_expect_spec(CNP,
		      "{endpointSelector: {matchLabels: {io.kubernetes.pod.namespace: far}}, "
		      "ingress: [{}]}",
		      0, "?subject-namespace ");
	t_expect_spec(CNP,
		      "{endpointSelector: {matchExpressions: [{key: "
		      "'k8s:io.kubernetes.pod.namespace', operator: NotIn, values: [default]}]}, "
		      "ingress: [{}]}",
		      0, "?subject-namespace ");
	t_expect_spec(CNP,
		      "{endpointSelector: {matchLabels: {io.kubernetes.pod.namespace: default}}, "
		      "ingress: [{}]}",
		      0, "");
	t_expect_spec(CCNP,
		      "{endpointSelector: {matchLabels: {io.kubernetes.pod.namespace: far}}, "
		      "ingress: [{}]}",
		      0, "");
}
