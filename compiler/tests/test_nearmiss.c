// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compiler/judge.h"
#include "compiler/nearmiss.h"
#include "compiler/tests/model.h"

/* One policy for app=web, compiled; the rules are added before. */
struct scene {
	struct model m;
	struct pst_spec *spec;
	struct pst_diags *diags;
	struct pst_bundle *b;
};

static void scene_init(struct scene *s)
{
	*s = (struct scene){.diags = pst_diags_new()};
	model_init(&s->m);
	model_endpoint(&s->m, "web", "k8s:app=web", "10.0.0.1");
	model_endpoint(&s->m, "job", "k8s:app=job k8s:tier=back", "10.0.0.2");
	s->spec = model_policy(&s->m, "p", "k8s:app=web");
}

static void scene_fini(struct scene *s)
{
	pst_bundle_free(&s->b);
	model_fini(&s->m);
	pst_diags_free(&s->diags);
}

static struct pst_port_rule *add_rule(struct scene *s, const char *peer, uint16_t port)
{
	struct pst_rule *rule = model_rule(&s->m, s->spec, PST_DIRECTION_INGRESS, false);

	if (peer)
		model_peer(&s->m, rule, peer);
	return model_port(&s->m, rule, PST_PROTOCOL_TCP, port, 0);
}

static struct pst_span span(const char *s)
{
	return (struct pst_span){s, s ? strlen(s) : 0};
}

static struct pst_nearmisses_http ask_http(struct scene *s, const char *method, const char *path,
					   const char *host)
{
	const struct pst_head head = {.field = {span(method), span(path), span(host)}};
	struct pst_nearmisses_http all;

	if (!s->b)
		s->b = model_compile(&s->m, s->diags);
	cr_assert_eq(pst_nearmiss_http_find(s->b, 0, &head, &all), 0);
	return all;
}

Test(nearmiss, the_byte_is_the_first_with_which_no_text_of_the_pattern_goes_on)
{
	static const struct {
		const char *pattern, *path;
		enum pst_miss_how how;
		size_t at;
	} cases[] = {
		{"/api/v1/.*", "/api/v2/x", PST_MISS_LEAVES, 6},
		{"/api/v1/.*", "/api/v1", PST_MISS_ENDS, 0},
		{"/api/v1/.*", "/api/v1/x", PST_MISS_NOT, 0},
		{"/api", "/api/", PST_MISS_LEAVES, 4},
		{"/api", "x", PST_MISS_LEAVES, 0},
		{"/(a|ab)c", "/abb", PST_MISS_LEAVES, 3},
		{"/[^/]+/x", "/users/y", PST_MISS_LEAVES, 7},
		{"/.*x", "/aaaa", PST_MISS_ENDS, 0},
		{"()", "/", PST_MISS_LEAVES, 0},
		{"[^\\x00-\\x{10FFFF}]", "/", PST_MISS_LEAVES, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct scene s;
		struct pst_nearmisses_http all;
		const struct pst_miss_field *m;

		scene_init(&s);
		model_http(&s.m, add_rule(&s, NULL, 80), "PUT", cases[i].pattern, NULL);
		all = ask_http(&s, "GET", cases[i].path, NULL);
		cr_assert_eq(all.n, 1);
		m = &all.v[0].field[PST_FIELD_PATH];
		cr_expect_eq(m->how, cases[i].how, "%s %s", cases[i].pattern, cases[i].path);
		cr_expect(m->how != PST_MISS_LEAVES || m->at == cases[i].at, "%s %s: byte %zu",
			  cases[i].pattern, cases[i].path, m->at);
		cr_expect_eq(all.v[0].field[PST_FIELD_METHOD].how, PST_MISS_LEAVES);
		cr_expect_null(all.v[0].field[PST_FIELD_HOST].pattern);
		scene_fini(&s);
	}
}

Test(nearmiss, rules_that_miss_less_come_first_and_then_those_that_got_further)
{
	static const char *const paths[] = {"/x", "/users/[0-9]+", "/users/me", "/us"};
	struct pst_port_rule *ports;
	struct pst_nearmisses_http all;
	struct scene s;

	scene_init(&s);
	ports = add_rule(&s, NULL, 80);
	model_http(&s.m, ports, "POST", "/users/you", NULL);
	for (int i = 0; i < 4; i++)
		model_http(&s.m, ports, "GET", paths[i], NULL);
	model_http(&s.m, ports, "GET", NULL, "shop");
	all = ask_http(&s, "GET", "/users/mx", NULL);
	cr_assert_eq(all.n, PST_NEARMISS_MAX);
	cr_assert_eq(all.n_more, 1);
	/* Without a path to leave, nothing of the path is missed. */
	cr_expect_str_eq(all.v[0].field[PST_FIELD_HOST].pattern, "shop");
	cr_expect_eq(all.v[0].field[PST_FIELD_HOST].how, PST_MISS_ABSENT);
	cr_expect_str_eq(all.v[1].field[PST_FIELD_PATH].pattern, "/users/me");
	cr_expect_str_eq(all.v[2].field[PST_FIELD_PATH].pattern, "/users/[0-9]+");
	cr_expect_str_eq(all.v[3].field[PST_FIELD_PATH].pattern, "/us");
	cr_expect_str_eq(all.v[4].field[PST_FIELD_PATH].pattern, "/x");
	scene_fini(&s);
}

static struct pst_nearmisses_l4 ask_l4(struct scene *s, const char *peer, uint16_t port)
{
	struct pst_nearmiss_l4_query q = {
		.policies = &s->m.set,
		.inventory = &s->m.inventory,
		.direction = PST_DIR_INGRESS,
		.protocol = PST_PROTOCOL_TCP,
		.port = port,
	};
	struct pst_nearmisses_l4 all;
	struct pst_addr addr;

	if (!s->b)
		s->b = model_compile(&s->m, s->diags);
	q.b = s->b;
	pst_addr_from_str("10.0.0.1", &addr);
	q.subject = pst_judge_addr(s->b, addr.b).identity;
	pst_addr_from_str(peer, &addr);
	q.peer = pst_judge_addr(s->b, addr.b).identity;
	cr_assert_eq(pst_nearmiss_l4_find(&q, &all), 0);
	return all;
}

Test(nearmiss, a_rule_misses_the_port_or_a_label_of_the_peer)
{
	struct pst_nearmisses_l4 all;
	struct scene s;

	scene_init(&s);
	add_rule(&s, "k8s:app=job", 443);
	add_rule(&s, "k8s:app=cron k8s:tier=back", 80);
	add_rule(&s, "k8s:app=cron k8s:tier=front", 80);
	add_rule(&s, "k8s:app=cron", 443);
	all = ask_l4(&s, "10.0.0.2", 80);
	cr_assert_eq(all.n, 3);
	cr_expect_eq(all.n_more, 0);
	cr_expect_eq(all.n_others, 1);
	cr_expect_eq(all.v[0].what, PST_MISS_PORT);
	cr_expect_eq(all.v[1].what, PST_MISS_PEER);
	cr_expect_eq(all.v[1].n_unmet, 1);
	cr_expect_str_eq(all.v[1].requirement->key, "app");
	cr_expect_str_eq(all.v[1].value, "job");
	cr_expect_eq(all.v[2].n_unmet, 2);
	cr_expect_eq(s.b->rules[all.v[0].index].pos.line, s.spec->rules[0].pos.line);
	scene_fini(&s);
}

Test(nearmiss, prefixes_named_ports_and_closed_rules_are_told_apart)
{
	struct pst_nearmisses_l4 all;
	struct pst_rule *rule;
	struct scene s;

	scene_init(&s);
	s.m.inventory.n_endpoints = 1;
	model_named_port(&s.m, "http", PST_PROTOCOL_TCP, 8080);
	rule = model_rule(&s.m, s.spec, PST_DIRECTION_INGRESS, false);
	model_cidr(&s.m, rule, "192.0.2.0/24", NULL);
	model_port(&s.m, rule, PST_PROTOCOL_TCP, 0, 0)->ports[0].name.s = "http";
	rule = model_rule(&s.m, s.spec, PST_DIRECTION_INGRESS, false);
	rule->peer_kind = PST_PEER_SELECTORS;
	rule->refused = true;
	all = ask_l4(&s, "192.0.2.1", 80);
	cr_assert_eq(all.n, 2);
	cr_expect_eq(all.v[0].what, PST_MISS_CLOSED);
	cr_expect_eq(all.v[1].what, PST_MISS_PORT);
	all = ask_l4(&s, "198.51.100.1", 8080);
	cr_assert_eq(all.n, 2);
	cr_expect_eq(all.v[1].what, PST_MISS_PEER);
	cr_expect_null(all.v[1].requirement);
	scene_fini(&s);
}

Test(nearmiss, rules_that_conflict_name_each_other_and_one_that_wants_a_proof_says_so)
{
	struct pst_nearmisses_l4 all;
	struct pst_port_rule *ports;
	struct scene s;

	scene_init(&s);
	model_http(&s.m, add_rule(&s, "k8s:app=job", 80), "GET", "/", NULL);
	ports = add_rule(&s, "k8s:app=job", 80);
	model_listener(&s.m, ports, "l", 1);
	model_close(&s.m, &s.spec->rules[1]);
	add_rule(&s, "k8s:app=job", 81);
	s.spec->rules[2].auth = PST_AUTH_REQUIRED;
	all = ask_l4(&s, "10.0.0.2", 80);
	cr_assert_eq(all.n, 3);
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(all.v[i].what, PST_MISS_CONFLICT);
		cr_expect_str_eq(all.v[i].conflict, "conflict-l7");
		cr_expect_eq(all.v[i].other, all.v[1 - i].index);
	}
	cr_expect_eq(all.v[2].what, PST_MISS_PORT);
	all = ask_l4(&s, "10.0.0.2", 81);
	cr_expect_eq(all.v[0].what, PST_MISS_PROOF);
	/* To others the closed rule is a rule like any: it misses their label. */
	all = ask_l4(&s, "192.0.2.1", 80);
	cr_assert_eq(all.n, 2);
	cr_expect_eq(all.v[1].what, PST_MISS_PEER);
	scene_fini(&s);
}

Test(nearmiss, rules_for_other_subjects_directions_and_denials_are_not_near)
{
	struct pst_nearmisses_l4 all;
	struct pst_rule *rule;
	struct scene s;

	scene_init(&s);
	add_rule(&s, "k8s:app=job", 443);
	rule = model_rule(&s.m, s.spec, PST_DIRECTION_INGRESS, true);
	model_port(&s.m, rule, PST_PROTOCOL_TCP, 443, 0);
	rule = model_rule(&s.m, s.spec, PST_DIRECTION_EGRESS, false);
	model_port(&s.m, rule, PST_PROTOCOL_TCP, 443, 0);
	s.spec = model_policy(&s.m, "q", "k8s:app=other");
	add_rule(&s, "k8s:app=job", 443);
	all = ask_l4(&s, "10.0.0.2", 80);
	cr_expect_eq(all.n, 1);
	cr_expect_eq(all.n_others, 0);
	scene_fini(&s);
}

Test(nearmiss, the_list_is_bounded_and_counts_the_rest)
{
	struct pst_nearmisses_l4 all;
	struct scene s;

	scene_init(&s);
	for (int i = 0; i < MODEL_RULES; i++)
		add_rule(&s, "k8s:app=job", (uint16_t)(1000 + i));
	all = ask_l4(&s, "10.0.0.2", 80);
	cr_expect_eq(all.n, PST_NEARMISS_MAX);
	cr_expect_eq(all.n_more, MODEL_RULES - PST_NEARMISS_MAX);
	scene_fini(&s);
}

Test(nearmiss, no_memory_is_an_error)
{
	const struct pst_head head = {.field = {span("GET"), span("/b"), span("h")}};
	struct pst_nearmisses_http all;
	struct scene s;
	bool failed = true;

	scene_init(&s);
	model_http(&s.m, add_rule(&s, NULL, 80), "PUT", "/a+", "x");
	s.b = model_compile(&s.m, s.diags);
	for (long n = 0; failed; n++) {
		int r;

		pst_mem_fail_after(n);
		r = pst_nearmiss_http_find(s.b, 0, &head, &all);
		failed = pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert(failed || !r);
		cr_assert(r == 0 || r == -ENOMEM);
	}
	scene_fini(&s);
}

/* A rule that asks for "x-a: 1" and for x-b. */
static void add_header_rule(struct scene *s)
{
	static struct pst_header_rule headers[] = {
		{.name = {.s = "X-A", .len = 3}, .value = {.s = "1", .len = 1}},
		{.name = {.s = "x-b", .len = 3}},
	};
	struct pst_http_rule *h = model_http(&s->m, add_rule(s, NULL, 80), "GET", NULL, NULL);

	h->headers = headers;
	h->n_headers = 2;
	s->b = model_compile(&s->m, s->diags);
}

static struct pst_nearmiss_http ask_headers(struct scene *s, const char *bytes)
{
	struct pst_nearmisses_http all;
	struct pst_head head;

	pst_head_split(bytes, strlen(bytes), &head);
	cr_assert_eq(pst_nearmiss_http_find(s->b, 0, &head, &all), 0);
	cr_assert_eq(all.n, 1);
	return all.v[0];
}

Test(nearmiss, headers_that_are_missing_or_have_another_value_are_named)
{
	struct pst_nearmiss_http m;
	struct scene s;

	scene_init(&s);
	add_header_rule(&s);
	m = ask_headers(&s, "GET / HTTP/1.1\r\nHost: a\r\nx-b: 7\r\n\r\n");
	cr_expect_str_eq(m.header->name, "x-a");
	cr_expect_eq(m.n_unmet, 1);
	cr_expect_not(m.has_header);
	m = ask_headers(&s, "GET / HTTP/1.1\r\nHost: a\r\nX-a: 2\r\n\r\n");
	cr_expect_str_eq(m.header->name, "x-a");
	cr_expect_eq(m.n_unmet, 2);
	cr_expect(m.has_header);
	m = ask_headers(&s, "PUT / HTTP/1.1\r\nHost: a\r\nX-a: 1\r\nX-B:\r\n\r\n");
	cr_expect_null(m.header);
	cr_expect_eq(m.n_headers, 2);
	scene_fini(&s);
}
