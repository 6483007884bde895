// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "lint/rule_index.h"
#include "lint/tests/checked.h"

static struct pst_policy_set *parse(const char *text)
{
	const struct pst_policy_options options = {.lint = true};
	const struct pst_policy_source source = {"p.yaml", text, strlen(text)};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *set = NULL;

	cr_assert_eq(pst_policy_parse_with(&options, &source, diags, &set), 0);
	cr_assert_eq(pst_diags_errors(diags), 0);
	pst_diags_free(&diags);
	return set;
}

static bool any(const struct pst_rule_ref *ref)
{
	(void)ref;
	return true;
}

/* The candidates for the first policy of TEXT, as a bit per policy. */
static unsigned int candidates(const char *text, bool by_namespace)
{
	struct pst_policy_set *set = parse(text);
	const struct pst_policy *first = &set->policies[0];
	const struct pst_rule_ref asking = {first, &first->specs[0], &first->specs[0].rules[0]};
	struct pst_rule_cursor cursor = pst_rule_cursor_init(&asking);
	const struct pst_rule_ref *ref;
	struct pst_rule_index index;
	unsigned int found = 0;

	cr_assert_eq(pst_rule_index_init(&index, set, by_namespace, any), 0);
	while ((ref = pst_rule_index_next(&index, &cursor))) {
		unsigned int bit = 1U << (ref->policy - set->policies);

		cr_expect_not(found & bit, "none twice");
		found |= bit;
	}
	pst_rule_index_fini(&index);
	pst_policy_set_free(&set);
	return found;
}

#define OF(labels) T_CNP("{endpointSelector: {matchLabels: {" labels "}}, ingress: [{}]}")
#define ALL	   T_CNP("{endpointSelector: {}, ingress: [{}]}")
#define WIDE	   T_CCNP("{endpointSelector: {}, ingress: [{}]}")
#define FAR	   T_CNP_IN("far", "{endpointSelector: {}, ingress: [{}]}")

Test(rule_index, a_subject_without_labels_is_a_candidate_for_all_of_its_namespace)
{
	cr_expect_eq(candidates(OF("app: web") ALL, false), 3);
	cr_expect_eq(candidates(OF("app: web") WIDE, false), 3);
	cr_expect_eq(candidates(OF("app: web") FAR, false), 1);
}

Test(rule_index, a_subject_with_a_label_is_a_candidate_for_those_that_ask_for_it)
{
	cr_expect_eq(
		candidates(OF("app: web, tier: front") OF("app: web") OF("tier: front"), false), 7);
	cr_expect_eq(candidates(OF("app: web") OF("app: db"), false), 1);
	cr_expect_eq(candidates(ALL OF("app: web"), false), 1);
}

Test(rule_index, a_label_asked_for_twice_gives_no_candidate_twice)
{
	cr_expect_eq(candidates(OF("app: web, k8s:app: web") OF("app: web"), false), 3);
}

Test(rule_index, by_namespace_all_of_the_namespace_are_candidates)
{
	cr_expect_eq(candidates(OF("app: web") OF("tier: front") FAR WIDE, true), 1 + 2 + 8);
	cr_expect_eq(candidates(WIDE OF("tier: front") FAR, true), 7);
}

Test(rule_index, who_wants_another_value_of_a_label_is_no_candidate)
{
	cr_expect_eq(candidates(OF("app: web") OF("app: db") OF("app: web"), true), 5);
}

#define FROM(peers) T_CNP("{endpointSelector: {}, ingress: [{" peers "}]}")

Test(rule_index, who_wants_more_of_all_peers_is_no_candidate)
{
	static const char asking[] = "fromEndpoints: [{matchLabels: {app: a}}]";
	static const struct {
		const char *peers;
		bool is_candidate;
	} cases[] = {
		{"fromEndpoints: [{matchLabels: {app: b}}]", false},
		{"fromEndpoints: [{matchLabels: {app: a, tier: front}}]", false},
		{"fromEndpoints: [{matchLabels: {app: a}}]", true},
		{"fromEndpoints: [{matchLabels: {app: b}}, {matchLabels: {app: c}}, {}]", true},
		{"fromEndpoints: [{}]", true},
		{"fromEntities: [cluster]", true},
		{"toPorts: [{ports: [{port: '80'}]}]", true},
		{"fromCIDR: [192.0.2.0/24]", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[1024];

		snprintf(text, sizeof(text), FROM("%s") FROM("%s"), asking, cases[i].peers);
		cr_expect_eq(candidates(text, false), cases[i].is_candidate ? 3 : 1, "%s",
			     cases[i].peers);
	}
}

enum { TEXT_SIZE = 1 << 22 };

/* N policies of one rule each, of LABELS kinds of subjects, in NAMESPACES namespaces; the last
 * WIDE are clusterwide. */
struct plan {
	int n, labels, namespaces, wide;
};

static char *write_set(const struct plan *plan)
{
	char *text = malloc(TEXT_SIZE);
	int len = 0;

	cr_assert(text);
	for (int i = 0; i < plan->n; i++) {
		bool is_wide = i >= plan->n - plan->wide;

		len += snprintf(text + len, (size_t)(TEXT_SIZE - len),
				"---\napiVersion: cilium.io/v2\nkind: Cilium%sNetworkPolicy\n"
				"metadata: {name: p%d%s",
				is_wide ? "Clusterwide" : "", i, is_wide ? "}\n" : ", ");
		if (!is_wide)
			len += snprintf(text + len, (size_t)(TEXT_SIZE - len), "namespace: ns%d}\n",
					i % plan->namespaces);
		/* Each asks whether it is shadowed, none is: peers differ. */
		len += snprintf(text + len, (size_t)(TEXT_SIZE - len),
				"spec: {endpointSelector: {matchLabels: {app: a%d}}, ingress: [\n"
				"{fromEndpoints: [{matchLabels: {app: b%d}}], toPorts: [{" T_ON_80
				", rules: {http: [{path: /x}]}}]},\n"
				"{fromEndpoints: [{matchLabels: {app: c%d}}]}]}\n",
				i % plan->labels, i, i);
		cr_assert_lt(len, TEXT_SIZE - 1024);
	}
	return text;
}

/* 1,000 policies as clusters have them: each namespace has some for each of its applications. */
Test(rule_index, an_ordinary_set_stays_within_the_budget)
{
	const struct plan plan = {.n = 1000, .labels = 7, .namespaces = 10, .wide = 50};
	pst_auto_free char *text = write_set(&plan);

	cr_expect_eq(t_count(text, "lint-budget"), 0);
	cr_expect_eq(t_count(text, "http-shadowed"), 0);
}

/* All select the same: each rule is a candidate for each other. */
Test(rule_index, a_set_that_would_cost_its_square_is_given_up_with_a_finding)
{
	const struct plan plan = {.n = 4000, .labels = 1, .namespaces = 1};
	pst_auto_free char *text = write_set(&plan);

	/* Once for what shadows, once for what is inside of others. */
	cr_expect_eq(t_count(text, "lint-budget"), 2);
	cr_expect_eq(t_count(text, "http-shadowed"), 0);
}

/* Long selectors cost more than short ones. */
Test(rule_index, the_length_of_selectors_counts)
{
	struct pst_policy_set *set = parse(ALL OF("a: x, b: x, c: x, d: x, e: x, f: x"));
	const struct pst_rule_ref small = {.spec = &set->policies[0].specs[0]};
	struct pst_rule_index index;
	size_t before;

	cr_assert_eq(pst_rule_index_init(&index, set, false, any), 0);
	before = index.steps;
	pst_rule_index_selects_all(&index, &small, &set->policies[1].specs[0]);
	cr_expect_lt(index.steps, before);
	cr_expect_not(pst_rule_index_spend(&index, SIZE_MAX, 2));
	cr_expect_eq(index.steps, 0);
	pst_rule_index_fini(&index);
	pst_policy_set_free(&set);
}

Test(rule_index, without_memory_there_is_no_index_and_no_leak)
{
	struct pst_policy_set *set = parse(ALL);
	struct pst_rule_index index;
	long n = 0;

	pst_mem_fail_after(n);
	while (pst_rule_index_init(&index, set, false, any)) {
		cr_assert(pst_mem_failed());
		cr_expect_null(index.v);
		pst_mem_fail_after(++n);
	}
	pst_mem_fail_after(-1);
	cr_expect_eq(n, 2, "each of its allocations failed once");
	pst_rule_index_fini(&index);
	pst_policy_set_free(&set);
}
