// SPDX-License-Identifier: Apache-2.0
/*
 * Rule sets: what the packed tables say about a method, a path and a host is compared with the
 * rules themselves, each matched on its own.
 */
#include "compiler/ruleset.h"

#include "bpf/dfa.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 20262, ROUNDS = 60, REQUESTS = 200 };

static struct model m;
static struct pst_diags *diags;
static struct pst_bundle *b;
static struct pst_port_rule *ports;

static void setup(void)
{
	model_init(&m);
	diags = pst_diags_new();
	b = NULL;
	ports = model_web(&m, 80);
}

static void teardown(void)
{
	pst_bundle_free(&b);
	pst_diags_free(&diags);
	model_fini(&m);
}

TestSuite(ruleset, .init = setup, .fini = teardown);

static uint64_t run(const struct pst_ruleset *set, enum pst_field field, const char *text)
{
	static struct pst_table loaded;
	uint32_t row = set->start[field];

	if (!text)
		return set->absent[field];
	pst_bundle_fill_table(b, &loaded);
	for (; *text; text++)
		row = pst_dfa_step(&loaded, row, set->classes[field], (uint8_t)*text);
	return pst_dfa_tags(&loaded, row);
}

/* What the tables of rule set NUMBER say. */
static bool allowed_by(uint32_t number, const char *method, const char *path, const char *host)
{
	const struct pst_ruleset *set;

	if (!b)
		b = model_compile(&m, diags);
	cr_assert_gt(b->n_rulesets, number);
	cr_assert_not(b->rulesets[number].fallback);
	set = &b->rulesets[number].packed;
	return run(set, PST_FIELD_METHOD, method) & run(set, PST_FIELD_PATH, path) &
	       run(set, PST_FIELD_HOST, host);
}

static bool allowed(const char *method, const char *path, const char *host)
{
	return allowed_by(0, method, path, host);
}

static bool matches(const struct pst_text *pattern, const char *text)
{
	struct pst_pattern p = {.re = pattern->s, .len = pattern->len, .tag = 1};
	struct pst_automaton *a = NULL;
	bool yes;

	if (!pattern->s)
		return true;
	if (!text)
		return false;
	cr_assert_eq(pst_automaton_build(&p, 1, &pst_automaton_default_limits, diags, &a), 0);
	yes = pst_automaton_match(a, text, strlen(text)) != 0;
	pst_automaton_free(&a);
	return yes;
}

static bool expected(const char *method, const char *path, const char *host)
{
	for (size_t i = 0; i < ports->n_http; i++) {
		const struct pst_http_rule *r = &ports->http[i];

		if (matches(&r->method, method) && matches(&r->path, path) &&
		    matches(&r->host, host))
			return true;
	}
	return false;
}

Test(ruleset, a_rule_is_a_conjunction_and_the_list_a_disjunction)
{
	model_http(&m, ports, "GET", "/a", NULL);
	model_http(&m, ports, "POST", "/b", NULL);
	cr_assert(allowed("GET", "/a", "h"));
	cr_assert(allowed("POST", "/b", "h"));
	cr_assert_not(allowed("GET", "/b", "h"), "no cross product");
	cr_assert_not(allowed("POST", "/a", "h"));
	cr_assert_not(allowed("GET", "/", "h"));
}

Test(ruleset, an_empty_rule_matches_every_request_also_bytes_that_are_not_utf8)
{
	model_http(&m, ports, NULL, NULL, NULL);
	cr_assert(allowed("GET", "/", "h"));
	cr_assert(allowed("X", "/\xff\xfe\x80", "\xc3"));
	cr_assert(allowed("GET", "/\n", NULL));
}

Test(ruleset, without_a_host_only_rules_without_a_host_condition_match)
{
	model_http(&m, ports, NULL, "/a", ".*");
	model_http(&m, ports, NULL, "/b", NULL);
	cr_assert(allowed("GET", "/a", "h"));
	cr_assert_not(allowed("GET", "/a", NULL));
	cr_assert(allowed("GET", "/b", NULL));
}

Test(ruleset, an_invalid_rule_is_left_out_and_its_neighbours_stay)
{
	model_http(&m, ports, "GET", "/a(", NULL);
	model_http(&m, ports, "GET", "/b", NULL);
	cr_assert(allowed("GET", "/b", "h"));
	cr_assert_not(allowed("GET", "/a(", "h"));
	cr_assert_eq(pst_diags_errors(diags), 1);
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "regex-syntax");
	cr_assert_eq(b->rulesets[0].n_rules, 1);
}

Test(ruleset, a_list_of_invalid_rules_allows_nothing_and_is_still_a_list)
{
	model_http(&m, ports, "(", NULL, NULL);
	b = model_compile(&m, diags);
	cr_assert_eq(b->n_rulesets, 1);
	cr_assert_eq(b->rulesets[0].n_rules, 0);
	cr_assert_not(allowed("GET", "/", "h"));
	cr_assert_not(allowed("", "", NULL));
}

Test(ruleset, equal_conditions_share_one_combination)
{
	for (int i = 0; i < 100; i++)
		model_http(&m, ports, i % 2 ? "GET" : "POST", pst_arena_printf(m.arena, "/p%d", i),
			   NULL);
	cr_assert(allowed("GET", "/p99", "h"));
	cr_assert_not(allowed("GET", "/p98", "h"));
	for (size_t i = 0; i < 100; i++)
		cr_assert_leq(b->rulesets[0].rule_tags[i], 2);
}

/* Duplicates, and patterns that are part of others. */
Test(ruleset, rules_that_add_nothing_take_nothing)
{
	struct pst_bundle *alone;

	model_http(&m, ports, "GET", "/api/.*", "h");
	alone = model_compile(&m, diags);
	for (int i = 0; i < 100; i++)
		model_http(&m, ports, "GET", "/api/.*", "h");
	model_http(&m, ports, "GET", "/api/users", "h");
	model_http(&m, ports, "GET", "/api/[a-z]+/[0-9]+", "h");
	model_http(&m, ports, "GET", "/ap[i]/(.*)", "h");
	b = model_compile(&m, diags);
	cr_assert_eq(b->rulesets[0].n_rules, 104);
	cr_assert_eq(b->n_cells, alone->n_cells);
	cr_assert_eq(b->n_class_bytes, alone->n_class_bytes);
	cr_assert_eq(b->n_tags, alone->n_tags);
	cr_assert(!memcmp(b->cells, alone->cells, b->n_cells * sizeof(*b->cells)));
	pst_bundle_free(&alone);
}

Test(ruleset, ten_thousand_paths_on_one_port_fit_the_kernel)
{
	char path[64];

	ports->http = pst_arena_calloc(m.arena, 10000, sizeof(*ports->http));
	for (uint32_t i = 0; i < 10000; i++) {
		struct pst_http_rule *rule = &ports->http[ports->n_http++];

		rule->index = i;
		rule->pos.line = rule->pos.col = 1;
		rule->method.s = i % 2 ? "GET" : "POST";
		rule->method.len = strlen(rule->method.s);
		rule->path.s = pst_arena_printf(m.arena, "/api/v1/%x-%u/item%s", i * 40503 % 65536,
						i, i % 10 ? "" : "/[^/]+");
		rule->path.len = strlen(rule->path.s);
	}
	b = model_compile(&m, diags);
	cr_assert_not(b->rulesets[0].fallback, "%s", b->rulesets[0].why);
	for (int i = 0; i < 10000; i += 997) {
		snprintf(path, sizeof(path), "/api/v1/%x-%d/item%s", i * 40503 % 65536, i,
			 i % 10 ? "" : "/x");
		cr_assert(allowed(i % 2 ? "GET" : "POST", path, "h"), "%s", path);
		cr_assert_not(allowed(i % 2 ? "POST" : "GET", path, "h"), "%s", path);
		path[strlen(path) - 1] = '/';
		cr_assert_not(allowed(i % 2 ? "GET" : "POST", path, "h"), "%s", path);
	}
	/* Less than 40 bytes of cells for a rule. */
	cr_assert_lt(b->n_cells, 100000);
}

static void add_combinations(int n)
{
	for (int i = 0; i < n; i++)
		model_http(&m, ports, pst_arena_printf(m.arena, "M%d", i), "/", NULL);
}

static bool has_verdict(enum pst_verdict verdict)
{
	for (size_t i = 0; i < b->n_entries; i++) {
		if (b->entries[i].value.verdict == verdict)
			return true;
	}
	return false;
}

Test(ruleset, sixty_four_combinations_fit)
{
	add_combinations(64);
	cr_assert(allowed("M63", "/", "h"));
	cr_assert_not(allowed("M64", "/", "h"));
}

Test(ruleset, sixty_five_combinations_go_to_the_fallback_with_a_warning)
{
	add_combinations(65);
	b = model_compile(&m, diags);
	cr_assert(b->rulesets[0].fallback);
	cr_assert_not_null(strstr(b->rulesets[0].why, "64"));
	cr_assert_eq(pst_diags_errors(diags), 0);
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "ruleset-fallback");
	cr_assert(has_verdict(PST_VERDICT_FALLBACK));
	cr_assert_not(has_verdict(PST_VERDICT_JUDGE));
}

Test(ruleset, an_automaton_over_the_budget_sends_only_its_own_rule_set_to_the_fallback)
{
	struct pst_rule *other =
		model_rule(&m, model_policy(&m, "q", "k8s:app=web"), PST_DIRECTION_INGRESS, false);

	model_http(&m, ports, NULL, "/(a|b)*a(a|b){20}", NULL);
	model_http(&m, model_port(&m, other, PST_PROTOCOL_TCP, 81, 0), "GET", "/ok", NULL);
	b = model_compile(&m, diags);
	cr_assert_eq(b->n_rulesets, 2);
	cr_assert(b->rulesets[0].fallback != b->rulesets[1].fallback);
	cr_assert_eq(pst_diags_count(diags), 1);
	cr_assert_eq(pst_diags_at(diags, 0)->severity, PST_SEVERITY_WARNING);
	cr_assert_eq(pst_diags_at(diags, 0)->pos.line, ports->http[0].path.pos.line);
}

Test(ruleset, equal_lists_of_patterns_are_built_once)
{
	struct pst_rule *other =
		model_rule(&m, model_policy(&m, "q", "k8s:app=web"), PST_DIRECTION_INGRESS, false);
	struct pst_port_rule *more = model_port(&m, other, PST_PROTOCOL_TCP, 81, 0);
	const struct pst_ruleset *one, *two;

	model_http(&m, ports, "GET", "/a", NULL);
	model_http(&m, ports, "GET", "/b", NULL);
	model_http(&m, more, "GET", "/b", NULL);
	model_http(&m, more, "GET", "/a", NULL);
	b = model_compile(&m, diags);
	cr_assert_eq(b->n_rulesets, 2, "other rules are to be named");
	one = &b->rulesets[0].packed;
	two = &b->rulesets[1].packed;
	cr_assert_eq(memcmp(one, two, sizeof(*one)), 0);
}

Test(ruleset, equal_patterns_with_other_tags_are_not_shared)
{
	struct pst_rule *other =
		model_rule(&m, model_policy(&m, "q", "k8s:app=web"), PST_DIRECTION_INGRESS, false);
	struct pst_port_rule *more = model_port(&m, other, PST_PROTOCOL_TCP, 81, 0);

	model_http(&m, ports, "GET", "/a", NULL);
	model_http(&m, ports, "POST", "/b", NULL);
	model_http(&m, more, "GET", "/b", NULL);
	model_http(&m, more, "POST", "/a", NULL);
	for (uint32_t set = 0; set < 2; set++) {
		const char *get = set ? "/b" : "/a", *post = set ? "/a" : "/b";

		cr_assert(allowed_by(set, "GET", get, "h"));
		cr_assert(allowed_by(set, "POST", post, "h"));
		cr_assert_not(allowed_by(set, "GET", post, "h"));
		cr_assert_not(allowed_by(set, "POST", get, "h"));
	}
}

static const char *pick(const char *const *list, int n)
{
	return list[rand() % n];
}

Test(ruleset, random_rule_sets_decide_as_their_rules_do)
{
	static const char *const methods[] = {NULL, "GET", "POST", "GET|HEAD", "P.*", ""};
	static const char *const paths[] = {NULL,     "/",	  "/a",	 "/a.*",
					    "/[ab]+", "/(a|b)?c", ".*b", "(?i)/A"};
	static const char *const hosts[] = {NULL, NULL, "h", "h.*", "(?i)H", ".*"};
	static const char *const m_in[] = {"GET", "POST", "HEAD", "PUT", "get"};
	static const char *const p_in[] = {"/", "/a", "/A", "/ab", "/abc", "/bc", "/b", "/c", "b"};
	static const char *const h_in[] = {NULL, "h", "H", "host", "", "x"};

	srand(SEED);
	for (int round = 0; round < ROUNDS; round++) {
		teardown();
		setup();
		for (int n = 1 + rand() % 8; n > 0; n--) {
			const char *method = pick(methods, 6);

			model_http(&m, ports, method && *method ? method : NULL, pick(paths, 8),
				   pick(hosts, 6));
		}
		for (int i = 0; i < REQUESTS; i++) {
			const char *method = pick(m_in, 5), *path = pick(p_in, 9);
			const char *host = pick(h_in, 6);

			cr_assert_eq(allowed(method, path, host), expected(method, path, host),
				     "seed %d round %d: %s %s %s", SEED, round, method, path,
				     host ? host : "(none)");
		}
	}
}

Test(ruleset, what_a_workload_wants_for_the_proxy_keeps_its_automata)
{
	struct pst_rule *out =
		model_rule(&m, model_policy(&m, "q", "k8s:app=web"), PST_DIRECTION_EGRESS, false);

	model_http(&m, ports, "GET", "/", "h");
	model_http(&m, model_port(&m, out, PST_PROTOCOL_TCP, 82, 0), "GET", "/out", NULL);
	m.inventory.endpoints[0].proxied = true;
	b = model_compile(&m, diags);
	cr_assert_not(b->rulesets[0].fallback);
	cr_assert_eq(pst_bundle_verify(b, diags), 0);
	cr_assert(has_verdict(PST_VERDICT_FALLBACK));
	cr_assert_not(has_verdict(PST_VERDICT_JUDGE), "what comes to it, and what it begins");
}
