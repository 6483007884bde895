// SPDX-License-Identifier: Apache-2.0
#include "policy/conflict.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/tests/helper.h"
#include "policy/tests/verdict.h"

#define ON(port, more)	"toPorts: [{ports: [" port "], " more "}]"
#define T80		"{port: '80', protocol: TCP}"
#define TO_WEB		"toEndpoints: [{matchLabels: {app: web}}]"
#define HTTP		"rules: {http: [{}]}"
#define DNS		"rules: {dns: [{matchName: a}]}"
#define SNI		"serverNames: [a]"
#define TLS(side, name) side "TLS: {secret: {name: " name "}}"
#define LISTENER(name, priority) \
	"listener: {envoyConfig: {name: c}, name: " name ", priority: " priority "}"

#define POLICY(name)                                                 \
	"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n" \
	"metadata: {name: " name ", namespace: ns}\n"                \
	"spec: {endpointSelector: {%s}, egress: [{%s}]}\n"

/* Ids that begin with "conflict-" of two policies. */
static const char *t_two(const char *subject_a, const char *rule_a, const char *subject_b,
			 const char *rule_b)
{
	static const struct t_reading lint = {.lint = true};
	static char found[512];
	char text[8192], copy[1024], *save = NULL;

	snprintf(text, sizeof(text), POLICY("a") POLICY("b"), subject_a, rule_a, subject_b, rule_b);
	snprintf(copy, sizeof(copy), "%s", t_ids_of_file(&lint, text));
	found[0] = 0;
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (strstr(w, "conflict-"))
			snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s",
				 *found ? " " : "", w);
	}
	return found;
}

static const char *t_rules(const char *a, const char *b)
{
	return t_two("", a, "", b);
}

/* In both orders. */
static void t_expect(const char *a, const char *b, const char *expected)
{
	cr_expect_str_eq(t_rules(a, b), expected, "%s\n%s\n%s", a, b, t_rules(a, b));
	cr_expect_str_eq(t_rules(b, a), expected, "%s\n%s\n%s", b, a, t_rules(b, a));
}

Test(conflict, one_connection_has_one_reader)
{
	t_expect(ON(T80, HTTP), ON(T80, DNS), "conflict-l7");
	t_expect(ON(T80, HTTP), ON(T80, LISTENER("l", "1")), "conflict-l7");
	t_expect(ON(T80, DNS), ON(T80, LISTENER("l", "1")), "conflict-l7");
	t_expect(ON(T80, DNS), ON(T80, TLS("terminating", "a")), "conflict-l7");
	t_expect(ON(T80, SNI), ON(T80, LISTENER("l", "1")), "conflict-l7");
	t_expect(ON(T80, HTTP), ON(T80, TLS("terminating", "a")), "");
	t_expect(ON(T80, HTTP), ON(T80, HTTP), "");
	t_expect(ON(T80, HTTP), ON(T80, "rules: {}"), "");
	t_expect(ON(T80, DNS), ON(T80, "rules: {}"), "");
}

Test(conflict, tls_contexts_must_be_the_same)
{
	t_expect(ON(T80, TLS("terminating", "a")), ON(T80, TLS("terminating", "b")),
		 "conflict-terminating-tls");
	t_expect(ON(T80, TLS("originating", "a")), ON(T80, TLS("originating", "b")),
		 "conflict-originating-tls");
	t_expect(ON(T80, TLS("terminating", "a")), ON(T80, TLS("terminating", "a")), "");
	t_expect(ON(T80, TLS("terminating", "a")), ON(T80, TLS("originating", "b")), "");
	t_expect(ON(T80, "terminatingTLS: {secret: {name: a}, certificate: x}"),
		 ON(T80, TLS("terminating", "a")), "conflict-terminating-tls");
}

/* How many errors of authentication two rules with these modes give. */
static size_t t_auth(enum pst_auth_mode a, enum pst_auth_mode b)
{
	struct t_policy p = t_policy_spec("{endpointSelector: {}, ingress: [{" ON(
		T80, "rules: {}") "}, {" ON(T80, "rules: {}") "}]}");
	struct pst_rule *rules = p.set->policies[0].specs[0].rules;
	size_t n;

	rules[0].auth = a;
	rules[1].auth = b;
	cr_assert_eq(pst_conflicts_find(p.set, NULL, p.diags), 0);
	n = pst_diags_errors(p.diags);
	cr_assert_eq(t_has(p.diags, "conflict-authentication"), n > 0);
	t_policy_free(&p);
	return n;
}

Test(conflict, authentication_modes_must_be_the_same_where_both_are_written)
{
	cr_assert_eq(t_auth(PST_AUTH_REQUIRED, PST_AUTH_ALWAYS_FAIL), 1);
	cr_assert_eq(t_auth(PST_AUTH_REQUIRED, PST_AUTH_DISABLED), 1);
	cr_assert_eq(t_auth(PST_AUTH_REQUIRED, PST_AUTH_REQUIRED), 0);
	cr_assert_eq(t_auth(PST_AUTH_REQUIRED, PST_AUTH_NONE), 0);
}

Test(conflict, listeners_of_one_priority_must_be_the_same)
{
	t_expect(ON(T80, LISTENER("a", "1")), ON(T80, LISTENER("b", "1")), "conflict-listener");
	t_expect(ON(T80, LISTENER("a", "1")), ON(T80, LISTENER("b", "2")), "");
	t_expect(ON(T80, LISTENER("a", "1")), ON(T80, LISTENER("a", "1")), "");
	t_expect(ON(T80, "listener: {envoyConfig: {name: c}, name: a}"),
		 ON(T80, "listener: {envoyConfig: {name: d}, name: a}"), "conflict-listener");
	t_expect(ON(T80, "listener: {envoyConfig: {name: c}, name: a}"),
		 ON(T80, "listener: {envoyConfig: {name: c, kind: CiliumEnvoyConfig}, name: a}"),
		 "");
}

Test(conflict, server_names_and_l7_rules_need_termination_in_one_of_the_rules)
{
	t_expect(ON(T80, SNI), ON(T80, HTTP), "conflict-server-names");
	t_expect(ON(T80, SNI), ON(T80, HTTP ", " TLS("terminating", "a")), "");
	t_expect(ON(T80, SNI ", " TLS("terminating", "a")), ON(T80, HTTP), "");
	t_expect(ON(T80, SNI), ON(T80, HTTP ", " TLS("originating", "a")), "conflict-server-names");
	t_expect(ON(T80, SNI), ON(T80, SNI), "");
}

Test(conflict, the_ports_and_protocols_must_be_the_same_and_overlaps_are_warnings)
{
	t_expect(ON("{port: '80', protocol: TCP}", HTTP), ON("{port: '81', protocol: TCP}", DNS),
		 "");
	t_expect(ON("{port: '80', protocol: TCP}", HTTP), ON("{port: '80', protocol: UDP}", DNS),
		 "");
	t_expect(ON("{port: '80', protocol: TCP}", HTTP), ON("{port: '80'}", DNS), "conflict-l7");
	t_expect(ON("{port: '80', endPort: 90, protocol: TCP}", HTTP),
		 ON("{port: '80', endPort: 90, protocol: TCP}", LISTENER("l", "1")), "conflict-l7");
	t_expect(ON("{port: '80', endPort: 90, protocol: TCP}", HTTP), ON(T80, DNS),
		 "~conflict-l7");
	t_expect(ON("{port: '80', endPort: 90, protocol: TCP}", HTTP),
		 ON("{port: '90', endPort: 95, protocol: TCP}", LISTENER("l", "1")),
		 "~conflict-l7");
	t_expect(ON("{port: '80', endPort: 90, protocol: TCP}", HTTP),
		 ON("{port: '91', endPort: 95, protocol: TCP}", LISTENER("l", "1")), "");
	t_expect(ON("{port: '0', protocol: TCP}", LISTENER("l", "1")), ON(T80, HTTP),
		 "~conflict-l7");
	t_expect(ON("{port: A, protocol: TCP}", HTTP), ON("{port: a}", DNS), "conflict-l7");
	t_expect(ON("{port: a, protocol: TCP}", HTTP), ON("{port: b}", DNS), "");
}

Test(conflict, peers_are_the_same_when_they_are_written_alike_after_scoping)
{
	t_expect(TO_WEB ", " ON(T80, HTTP), TO_WEB ", " ON(T80, DNS), "conflict-l7");
	t_expect(TO_WEB ", " ON(T80, HTTP), ON(T80, DNS), "");
	t_expect(TO_WEB ", " ON(T80, HTTP),
		 "toEndpoints: [{matchLabels: {app: api}}, {matchLabels: {app: web}}], " ON(T80,
											    DNS),
		 "conflict-l7");
	t_expect(
		TO_WEB ", " ON(T80, HTTP),
		"toEndpoints: [{matchLabels: {app: web, 'k8s:io.kubernetes.pod.namespace': ns}}], " ON(
			T80, DNS),
		"conflict-l7");
	t_expect(
		TO_WEB ", " ON(T80, HTTP),
		"toEndpoints: [{matchLabels: {app: web, 'k8s:io.kubernetes.pod.namespace': far}}], " ON(
			T80, DNS),
		"");
	t_expect("toEntities: [all], " ON(T80, HTTP), ON(T80, DNS), "conflict-l7");
	t_expect("toEntities: [world], " ON(T80, HTTP), ON(T80, DNS), "");
	t_expect("toEndpoints: [], " ON(T80, HTTP), "toEndpoints: [], " ON(T80, DNS), "");
}

#define APP(v) "matchLabels: {app: " v "}"

Test(conflict, one_subject_must_imply_the_other)
{
	static const struct {
		const char *a, *b;
		bool meet;
	} cases[] = {
		{APP("a"), APP("a"), true},
		{APP("a"), "", true},
		{APP("a"), APP("b"), false},
		{APP("a"), "matchLabels: {tier: x}", false},
		{"matchLabels: {app: a, tier: x}", "matchLabels: {tier: x}", true},
		{"matchLabels: {'k8s:app': a}", APP("a"), true},
		{APP("a"), "matchExpressions: [{key: app, operator: In, values: [a, b]}]", true},
		{APP("c"), "matchExpressions: [{key: app, operator: In, values: [a, b]}]", false},
		{APP("a"), "matchExpressions: [{key: app, operator: Exists}]", true},
		{"matchExpressions: [{key: app, operator: In, values: [a]}, {key: app, operator: "
		 "NotIn, values: [a]}]",
		 "", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *expected = cases[i].meet ? "conflict-l7" : "";

		cr_expect_str_eq(t_two(cases[i].a, ON(T80, HTTP), cases[i].b, ON(T80, DNS)),
				 expected, "%s and %s", cases[i].a, cases[i].b);
		cr_expect_str_eq(t_two(cases[i].b, ON(T80, HTTP), cases[i].a, ON(T80, DNS)),
				 expected, "%s and %s", cases[i].b, cases[i].a);
	}
}

Test(conflict, two_entries_of_one_rule_can_conflict)
{
	static const struct t_reading lint = {.lint = true};
	const char *entry =
		"{toPorts: [{ports: [" T80 "], " HTTP "}, {ports: [" T80 "], " DNS "}]}";

	cr_assert_str_eq(t_ids(&lint, "egress", entry), "~unsupported-dns conflict-l7");
}

Test(conflict, the_second_rule_is_reported_with_a_note_at_the_first)
{
	const struct pst_policy_options options = {.lint = true};
	const char *text = "apiVersion: cilium.io/v2\n"
			   "kind: CiliumNetworkPolicy\n"
			   "metadata: {name: p}\n"
			   "spec:\n"
			   "  endpointSelector: {}\n"
			   "  egress:\n"
			   "  - toPorts:\n"
			   "    - ports: [" T80 "]\n"
			   "      " HTTP "\n"
			   "    - ports: [" T80 "]\n"
			   "      " DNS "\n";
	const struct pst_policy_source source = {"test.yaml", text, strlen(text)};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	const struct pst_diag *d;

	cr_assert_eq(pst_policy_parse_with(&options, &source, diags, &set), 0);
	d = pst_diags_at(diags, pst_diags_count(diags) - 1);
	cr_assert_str_eq(d->id, "conflict-l7");
	cr_assert_eq(d->pos.line, 11);
	cr_assert_eq(d->pos.col, 15);
	cr_assert_not_null(d->notes);
	cr_assert_eq(d->notes->pos.line, 9);
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
}

Test(conflict, rules_of_two_directions_do_not_conflict)
{
	const struct t_reading lint = {.lint = true};
	const char *text = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
			   "metadata: {name: p}\n"
			   "spec: {endpointSelector: {}, ingress: [{" ON(
				   T80, HTTP) "}], "
					      "egress: [{" ON(T80, DNS) "}]}\n";

	cr_assert_str_eq(t_ids_of_file(&lint, text), "~unsupported-dns");
}

/* N policies whose every pair conflicts. */
static struct pst_diags *t_many(size_t n)
{
	const struct pst_policy_options options = {.lint = true};
	struct pst_policy_source source = {.name = "test.yaml"};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	char *text = NULL;
	FILE *f = open_memstream(&text, &source.len);

	for (size_t i = 0; i < n; i++)
		fprintf(f,
			"---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
			"metadata: {name: p%zu}\nspec: {endpointSelector: {}, egress: [{" ON(
				T80, "terminatingTLS: {secret: {name: s%zu}}") "}]}\n",
			i, i);
	fclose(f);
	source.text = text;
	cr_assert_eq(pst_policy_parse_with(&options, &source, diags, &set), 0);
	pst_policy_set_free(&set);
	free(text);
	return diags;
}

Test(conflict, each_rule_is_reported_once_however_many_conflict_with_it)
{
	struct pst_diags *diags = t_many(50);

	cr_assert_eq(pst_diags_errors(diags), 49);
	cr_assert_not(t_has(diags, "conflict-limit"));
	pst_diags_free(&diags);
}

Test(conflict, a_hostile_set_is_given_up_with_a_warning)
{
	struct pst_diags *diags = t_many(6000);

	cr_assert(t_has(diags, "conflict-limit"));
	pst_diags_free(&diags);
}

/* What two rules conflict in for one who enforces, where the second is closed. */
static const char *t_enforced(const char *a, const char *b, const char *accept)
{
	const struct pst_policy_options options = {.accept = &accept, .n_accept = accept ? 1 : 0};
	struct pst_policy_source source = {.name = "test.yaml"};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;
	static char found[512];
	char text[8192];

	snprintf(text, sizeof(text), POLICY("a") POLICY("b"), "", a, "", b);
	source.text = text;
	source.len = strlen(text);
	cr_assert_eq(pst_policy_parse_with(&options, &source, diags, &set), 0);
	found[0] = 0;
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		const struct pst_diag *d = pst_diags_at(diags, i);

		if (strstr(d->id, "conflict-"))
			snprintf(found + strlen(found), sizeof(found) - strlen(found), "%s%s",
				 d->severity == PST_SEVERITY_ERROR ? "" : "~", d->id);
	}
	pst_policy_set_free(&set);
	pst_diags_free(&diags);
	return found;
}

Test(conflict, who_enforces_hears_of_it_although_the_rule_is_closed)
{
	cr_expect_str_eq(t_enforced(ON(T80, HTTP), ON(T80, DNS), NULL), "conflict-l7");
	cr_expect_str_eq(t_enforced(ON(T80, HTTP), ON(T80, DNS), "unsupported-dns"), "conflict-l7");
	cr_expect_str_eq(t_enforced(ON(T80, HTTP), ON(T80, DNS), "conflict-l7"), "~conflict-l7");
	cr_expect_str_eq(t_enforced(ON(T80, HTTP), ON(T80, SNI), "conflict-l7"),
			 "conflict-server-names");
	/* A rule with a mistake says nothing that could conflict. */
	cr_expect_str_eq(t_enforced(ON(T80, HTTP), ON(T80, DNS) ", unknown: x", NULL), "");
	cr_expect_str_eq(t_enforced(ON(T80, HTTP), ON("{port: '70000', protocol: TCP}", DNS), NULL),
			 "");
}

static struct pst_rule *t_first(struct t_policy *p, size_t i)
{
	return &p->set->policies[0].specs[0].rules[i];
}

Test(conflict, of_the_rules_of_one_flow_those_with_a_peer_in_common_are_compared)
{
	static const struct {
		const char *a, *b, *id;
	} cases[] = {
		{TO_WEB ", " ON(T80, HTTP), TO_WEB ", " ON(T80, DNS), "conflict-l7"},
		{TO_WEB ", " ON(T80, HTTP), ON(T80, DNS), NULL},
		{ON(T80, HTTP), ON("{port: '80', endPort: 90, protocol: TCP}", LISTENER("l", "1")),
		 "conflict-l7"},
		{ON(T80, HTTP), ON(T80, SNI), "conflict-server-names"},
		{ON(T80, TLS("terminating", "a")), ON(T80, TLS("terminating", "b")),
		 "conflict-terminating-tls"},
		{ON(T80, HTTP), ON(T80, HTTP), NULL},
		{ON(T80, HTTP), ON(T80, "rules: {}"), NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char spec[2048];
		struct t_policy p;
		struct pst_conflict c = {.id = NULL};
		struct pst_conflict_party parties[2];

		snprintf(spec, sizeof(spec), "{endpointSelector: {}, egress: [{%s}, {%s}]}",
			 cases[i].a, cases[i].b);
		p = t_policy_spec(spec);
		for (size_t k = 0; k < 2; k++) {
			const struct pst_rule *rule = pst_rule_as_written(t_first(&p, k));

			parties[k] = (struct pst_conflict_party){&p.set->policies[0], rule,
								 &rule->ports[0]};
		}
		cr_expect_eq(pst_conflict_among(parties, 2, &c), cases[i].id != NULL, "%s", spec);
		cr_expect(!cases[i].id == !c.id && (!c.id || !strcmp(c.id, cases[i].id)), "%s: %s",
			  spec, c.id);
		cr_expect(!c.id || (c.first == 0 && c.second == 1));
		t_policy_free(&p);
	}
}
