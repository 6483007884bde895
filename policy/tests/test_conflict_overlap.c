// SPDX-License-Identifier: Apache-2.0
#include "policy/conflict.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/tests/helper.h"

#define ON(port, more) "toPorts: [{ports: [" port "], " more "}]"
#define T80	       "{port: '80', protocol: TCP}"
#define HTTP	       "rules: {http: [{}]}"
#define DNS	       "rules: {dns: [{matchName: a}]}"
#define TLS	       "terminatingTLS: {secret: {name: a}}"
#define OTHER_TLS      "terminatingTLS: {secret: {name: b}}"
#define APP(v)	       "matchLabels: {app: " v "}"
#define TIER(v)	       "matchLabels: {tier: " v "}"

/* How many findings there are in TEXT, as those of one list; each is a warning with a note. */
static size_t t_count(const char *text)
{
	const struct pst_policy_options options = {.lint = true};
	struct t_policy p = t_policy_parse_with(&options, text);
	struct pst_diags *diags = pst_diags_new();
	size_t n;

	cr_assert_eq(pst_conflicts_find_overlaps(p.set, diags), 0);
	n = pst_diags_count(diags);
	for (size_t i = 0; i < n; i++) {
		const struct pst_diag *d = pst_diags_at(diags, i);

		cr_expect_str_eq(d->id, "conflict-overlap");
		cr_expect_eq(d->severity, PST_SEVERITY_WARNING);
		cr_assert_not_null(d->notes);
	}
	pst_diags_free(&diags);
	t_policy_free(&p);
	return n;
}

/* A policy NAME in NS with one rule for the endpoints SUBJECT. */
static const char *t_policy(char *buf, size_t size, const char *name, const char *ns,
			    const char *subject, const char *rule)
{
	snprintf(buf, size,
		 "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
		 "metadata: {name: %s, namespace: %s}\n"
		 "spec: {endpointSelector: {%s}, egress: [{%s}]}\n",
		 name, ns, subject, rule);
	return buf;
}

static size_t t_two(const char *subject_a, const char *rule_a, const char *subject_b,
		    const char *rule_b)
{
	char a[2048], b[2048], text[4096];

	snprintf(text, sizeof(text), "%s%s", t_policy(a, sizeof(a), "a", "ns", subject_a, rule_a),
		 t_policy(b, sizeof(b), "b", "ns", subject_b, rule_b));
	return t_count(text);
}

/* In both orders. */
static void t_expect(const char *subject_a, const char *rule_a, const char *subject_b,
		     const char *rule_b, size_t n)
{
	cr_expect_eq(t_two(subject_a, rule_a, subject_b, rule_b), n, "%s and %s", subject_a,
		     subject_b);
	cr_expect_eq(t_two(subject_b, rule_b, subject_a, rule_a), n, "%s and %s", subject_b,
		     subject_a);
}

Test(conflict_overlap, subjects_that_can_have_an_endpoint_in_common_are_reported)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{APP("a"), TIER("x"), true},
		{APP("a"), APP("b"), false},
		/* Told by the loader. */
		{APP("a"), APP("a"), false},
		{APP("a"), "", false},
		{"matchLabels: {app: a, tier: x}", TIER("x"), false},
		/* One value in common, none, all but one. */
		{"matchExpressions: [{key: app, operator: In, values: [a, b]}]",
		 "matchExpressions: [{key: app, operator: In, values: [b, c]}]", true},
		{"matchExpressions: [{key: app, operator: In, values: [a, b]}]",
		 "matchExpressions: [{key: app, operator: In, values: [c, d]}]", false},
		{"matchExpressions: [{key: app, operator: NotIn, values: [a]}]", TIER("x"), true},
		{APP("a"), "matchExpressions: [{key: app, operator: DoesNotExist}]", false},
		{"matchLabels: {app: a, tier: x}", "matchLabels: {app: a, zone: z}", true},
		{"matchLabels: {app: a, tier: x}", "matchLabels: {app: b, zone: z}", false},
		/* Nobody has what the first wants. */
		{"matchExpressions: [{key: app, operator: In, values: [a]}, {key: app, operator: "
		 "NotIn, values: [a]}]",
		 TIER("x"), false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		t_expect(cases[i].a, ON(T80, HTTP), cases[i].b, ON(T80, DNS), cases[i].overlap);
}

Test(conflict_overlap, ports_peers_and_what_is_wanted_must_meet_as_well)
{
	static const struct {
		const char *a, *b;
		size_t n;
	} cases[] = {
		{ON(T80, HTTP), ON(T80, HTTP), 0},
		{ON(T80, HTTP), ON("{port: '81', protocol: TCP}", DNS), 0},
		{ON(T80, HTTP), ON("{port: '80', protocol: UDP}", DNS), 0},
		{ON(T80, HTTP), ON("{port: '80'}", DNS), 1},
		{ON(T80, DNS), ON("{port: '79', endPort: 80, protocol: TCP}", TLS), 1},
		{ON(T80, DNS), ON("{port: '80', endPort: 90, protocol: TCP}", TLS), 1},
		{ON(T80, DNS), ON("{port: '81', endPort: 90, protocol: TCP}", TLS), 0},
		{ON(T80, DNS), ON("{port: '70', endPort: 79, protocol: TCP}", TLS), 0},
		{ON("{port: '70', endPort: 80, protocol: TCP}", TLS),
		 ON("{port: '80', endPort: 90, protocol: TCP}", OTHER_TLS), 1},
		{ON("{port: '70', endPort: 79, protocol: TCP}", TLS),
		 ON("{port: '80', endPort: 90, protocol: TCP}", OTHER_TLS), 0},
		{ON("{port: web, protocol: TCP}", HTTP), ON("{port: web, protocol: TCP}", DNS), 1},
		{ON("{port: web, protocol: TCP}", HTTP), ON("{port: dns, protocol: TCP}", DNS), 0},
		{ON("{port: web, protocol: TCP}", HTTP), ON(T80, DNS), 0},
		{"toEntities: [world], " ON(T80, HTTP), ON(T80, DNS), 0},
		{"toEntities: [world], " ON(T80, HTTP), "toEntities: [world], " ON(T80, DNS), 1},
		/* Two kinds at once. */
		{ON(T80, DNS ", " TLS), ON(T80, HTTP ", " OTHER_TLS), 2},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		cr_expect_eq(t_two(APP("a"), cases[i].a, TIER("x"), cases[i].b), cases[i].n,
			     "%s, %s", cases[i].a, cases[i].b);
		cr_expect_eq(t_two(APP("a"), cases[i].b, TIER("x"), cases[i].a), cases[i].n,
			     "%s, %s", cases[i].b, cases[i].a);
	}
}

Test(conflict_overlap, namespaces_keep_policies_apart_and_clusterwide_ones_meet_them)
{
	char a[2048], b[2048], text[8192];
	const char *everywhere =
		"---\napiVersion: cilium.io/v2\n"
		"kind: CiliumClusterwideNetworkPolicy\nmetadata: {name: c}\n"
		"spec: {endpointSelector: {" TIER("x") "}, egress: [{" ON(T80, DNS) "}]}\n";

	t_policy(a, sizeof(a), "a", "one", APP("a"), ON(T80, HTTP));
	t_policy(b, sizeof(b), "b", "two", TIER("x"), ON(T80, DNS));
	snprintf(text, sizeof(text), "%s%s", a, b);
	cr_expect_eq(t_count(text), 0);
	snprintf(text, sizeof(text), "%s%s", a, everywhere);
	cr_expect_eq(t_count(text), 1);
	snprintf(text, sizeof(text), "%s%s", everywhere, a);
	cr_expect_eq(t_count(text), 1);
}

Test(conflict_overlap, the_later_rule_is_reported_with_a_note_at_the_earlier)
{
	const struct pst_policy_options options = {.lint = true};
	char a[2048], b[2048], text[4096];
	struct pst_diags *diags = pst_diags_new();
	struct t_policy p;
	const struct pst_diag *d;

	snprintf(text, sizeof(text), "%s%s",
		 t_policy(a, sizeof(a), "a", "ns", APP("a"), ON(T80, DNS)),
		 t_policy(b, sizeof(b), "b", "ns", TIER("x"), ON(T80, HTTP)));
	p = t_policy_parse_with(&options, text);
	cr_assert_eq(pst_conflicts_find_overlaps(p.set, diags), 0);
	cr_assert_eq(pst_diags_count(diags), 1);
	d = pst_diags_at(diags, 0);
	cr_expect_eq(d->pos.line, 10);
	cr_expect_eq(d->notes->pos.line, 5);
	cr_expect_not_null(strstr(d->message, "ns/a"), "%s", d->message);
	pst_diags_free(&diags);
	t_policy_free(&p);
}

/* N policies that read requests and N that read names: each on its port, in its namespace. */
static size_t t_many(size_t n, const char *port, bool one_namespace)
{
	char *text = NULL, a[2048], ns[32];
	size_t len, found;
	FILE *f = open_memstream(&text, &len);

	for (size_t i = 0; i < n; i++) {
		snprintf(ns, sizeof(ns), "n%zu", one_namespace ? 0 : i);
		fputs(t_policy(a, sizeof(a), "a", ns, APP("a"), ON(T80, HTTP)), f);
		fputs(t_policy(a, sizeof(a), "b", ns, TIER("x"), port), f);
	}
	fclose(f);
	found = t_count(text);
	free(text);
	return found;
}

Test(conflict_overlap, many_policies_are_searched_to_the_end)
{
	cr_expect_eq(t_many(3000, ON("{port: '53', protocol: TCP}", DNS), true), 0);
	cr_expect_eq(t_many(3000, ON(T80, DNS), false), 3000);
}

Test(conflict_overlap, a_hostile_set_is_given_up_with_a_warning)
{
	const struct pst_policy_options options = {.lint = true};
	struct pst_diags *diags = pst_diags_new();
	char *text = NULL, a[2048], subject[64];
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct t_policy p;

	for (size_t i = 0; i < 3000; i++) {
		snprintf(subject, sizeof(subject), APP("a%zu"), i);
		fputs(t_policy(a, sizeof(a), "a", "ns", subject, ON(T80, HTTP)), f);
		snprintf(subject, sizeof(subject), APP("b%zu"), i);
		fputs(t_policy(a, sizeof(a), "b", "ns", subject, ON(T80, DNS)), f);
	}
	fclose(f);
	p = t_policy_parse_with(&options, text);
	cr_assert_eq(pst_conflicts_find_overlaps(p.set, diags), 0);
	cr_expect(t_has(diags, "conflict-limit"));
	t_policy_free(&p);
	pst_diags_free(&diags);
	free(text);
}
