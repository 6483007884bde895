// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_make.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "bpf/reason.h"
#include "compiler/bundle.h"
#include "compiler/compile.h"
#include "compiler/judge.h"
#include "enforcer/clock.h"
#include "enforcer/flow_time.h"
#include "enforcer/verdict.h"
#include "policy/policy.h"

enum { GENERATION = 7 };

static struct pst_bundle *bundle;
static struct pst_judge *judge;
static unsigned int judge_asked;
static struct pst_flow_maker *maker;
static uint32_t frontend, other, backend;

static const struct pst_bundle *find_bundle(const void *arg, uint32_t generation)
{
	(void)arg;
	return generation == GENERATION ? bundle : NULL;
}

static struct pst_judge *find_judge(const void *arg, uint32_t generation)
{
	(void)arg;
	judge_asked++;
	return generation == GENERATION ? judge : NULL;
}

static const char *find_name(const void *arg, uint32_t generation, const uint8_t addr[16])
{
	const struct pst_bundle *b = find_bundle(arg, generation);

	for (size_t i = 0; b && i < b->n_addrs; i++)
		if (!memcmp(b->addrs[i].addr, addr, 16))
			return b->addrs[i].name;
	return NULL;
}

static uint32_t identity_of(const char *addr)
{
	struct pst_addr a;

	cr_assert_eq(pst_addr_from_str(addr, &a), 0);
	return pst_judge_addr(bundle, a.b).identity;
}

/* From YAML: backend allows GET /api/.* to frontend on 8080, and a rule denies other on 9090; on
 * 8081 headers are wanted. */
static const char policy_text[] =
	"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata:\n  name: backend-api\nspec:\n"
	"  endpointSelector: {matchLabels: {app: backend}}\n  ingress:\n"
	"  - fromEndpoints: [{matchLabels: {app: frontend}}]\n    toPorts:\n"
	"    - ports: [{port: \"8080\", protocol: TCP}]\n      rules:\n        http:\n"
	"        - {method: GET, path: /api/.*}\n        - {method: PUT, path: /api/.*}\n"
	"    - ports: [{port: \"8081\", protocol: TCP}]\n      rules:\n        http:\n"
	"        - {path: /api/.*, headerMatches: [{name: X-Role, value: s3cret, mismatch: LOG}]}\n"
	"        - {method: GET, headerMatches: [{name: X-Team, mismatch: LOG},"
	" {name: X-Role, value: b, mismatch: LOG}]}\n"
	"        - {method: PUT, headerMatches: [{name: X-Other, mismatch: LOG}]}\n"
	"---\n"
	"apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata:\n  name: no-other\n"
	"spec:\n  endpointSelector: {matchLabels: {app: backend}}\n  ingressDeny:\n"
	"  - fromEndpoints: [{matchLabels: {app: other}}]\n    toPorts:\n"
	"    - ports: [{port: \"9090\", protocol: TCP}]\n";

static void set_up(void)
{
	static const char *const shown[] = {"X-Id"};
	const char *inventory = "testdata/inventory/demo.yaml";
	struct pst_flow_maker_opts opts = {
		.source = {find_bundle, find_judge, find_name, NULL},
		.node_name = "node",
		.shown_headers = shown,
		.n_shown_headers = 1,
	};
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *policies = NULL;
	struct pst_inventory *inv = NULL;

	cr_assert_eq(pst_policy_parse("p.yaml", policy_text, strlen(policy_text), diags, &policies),
		     0);
	cr_assert_eq(pst_inventory_load(&inventory, 1, diags, &inv), 0);
	cr_assert_eq(pst_compile(policies, inv, NULL, diags, &bundle), 0);
	cr_assert_eq(pst_diags_errors(diags), 0);
	cr_assert_eq(pst_judge_new(bundle, &judge), 0);
	cr_assert_eq(pst_flow_maker_new(&opts, &maker), 0);
	frontend = identity_of("10.77.0.2");
	other = identity_of("10.77.0.3");
	backend = identity_of("10.77.0.4");
	pst_inventory_free(&inv);
	pst_policy_set_free(&policies);
	pst_diags_free(&diags);
}

static void tear_down(void)
{
	pst_flow_maker_free(&maker);
	pst_judge_free(&judge);
	pst_bundle_free(&bundle);
}

TestSuite(flow_make, .init = set_up, .fini = tear_down);

/* CLIENT, an address with identity PEER, talks to port PORT of backend; judged at the backend. */
static struct pst_event event(const char *client, uint32_t peer, uint16_t port)
{
	struct pst_event e = {
		.time_ns = pst_clock_ns(),
		.generation = GENERATION,
		.subject = backend,
		.peer = peer,
		.rule = UINT32_MAX,
		.client_port = 40000,
		.server_port = port,
		.direction = PST_DIR_INGRESS,
		.protocol = 6,
		.socket_cookie = 99,
	};
	struct pst_addr a;

	cr_assert_eq(pst_addr_from_str(client, &a), 0);
	memcpy(e.client, a.b, 16);
	cr_assert_eq(pst_addr_from_str("10.77.0.4", &a), 0);
	memcpy(e.server, a.b, 16);
	return e;
}

static struct pst_event request(const char *head, bool allowed)
{
	struct pst_event e = event("10.77.0.2", frontend, 8080);

	e.layer = PST_LAYER_L7;
	e.outcome = allowed ? PST_OUTCOME_ALLOWED : PST_OUTCOME_DENIED;
	e.reason = allowed ? PST_REASON_RULE : PST_REASON_NO_RULE_L7;
	e.request = allowed ? PST_REQUEST_NONE : PST_REQUEST_INJECT;
	e.head_len = (uint16_t)strlen(head);
	memcpy(e.head, head, strlen(head));
	return e;
}

static void expect_policy(const struct pst_flow *f, size_t i, const char *ns, const char *name,
			  const char *rule)
{
	cr_assert_lt(i, f->n_policies);
	cr_expect_str_eq(f->policies[i].ns, ns);
	cr_expect_str_eq(f->policies[i].name, name);
	cr_expect_str_eq(f->policies[i].rule, rule);
	cr_expect_eq(f->policies[i].revision, GENERATION);
}

Test(flow_make, an_allowed_request_names_the_rule_that_matched)
{
	struct pst_event e = request("PUT /api/x?q=1 HTTP/1.1\r\nHost: b\r\nX-Id: 5\r\n\r\n", true);
	const struct pst_flow *f = pst_flow_make(maker, &e);

	cr_assert_not_null(f);
	cr_expect_eq(f->verdict, PST_FLOW_FORWARDED);
	cr_expect_eq(f->event_type, PST_FLOW_EVENT_L7);
	cr_expect_eq(f->direction, PST_FLOW_INGRESS);
	cr_expect(f->has_is_reply && !f->is_reply);
	cr_expect_str_eq(f->source.ip, "10.77.0.2");
	cr_expect_str_eq(f->source.ns, "default");
	cr_expect_str_eq(f->source.pod, "frontend");
	cr_expect_eq(f->source.port, 40000);
	cr_expect_eq(f->source.identity, frontend);
	cr_expect_str_eq(f->destination.pod, "backend");
	cr_expect_eq(f->destination.port, 8080);
	cr_expect_str_eq(f->destination.labels[0], "k8s:app=backend");
	cr_expect_str_eq(f->summary, "HTTP/1.1 PUT http://b/api/x");
	cr_expect_str_eq(f->headers[1].value, "5");
	cr_expect_eq(f->drop_reason, 0);
	cr_expect_eq(f->n_policies, 1);
	expect_policy(f, 0, "default", "backend-api", "p.yaml:14:11");
	cr_expect_lt(llabs(f->time - pst_flow_time_now()), 1000000000);
}

/* The rule set of port 8081. */
static uint32_t wishing_ruleset(void)
{
	struct pst_l4_query q = {.peer = frontend, .protocol = 6, .port = 8081};
	struct pst_addr a;

	cr_assert_eq(pst_addr_from_str("10.77.0.4", &a), 0);
	q.subject = pst_judge_addr(bundle, a.b);
	q.direction = PST_DIR_INGRESS;
	return pst_judge_l4(bundle, &q).ruleset;
}

/* The names of both kinds of HEAD on port 8081, as "missing / rejected". */
static void expect_wishes(const char *head, const char *wanted)
{
	struct pst_event e = request(head, true);
	const struct pst_flow *f;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	e.server_port = 8081;
	e.ruleset = wishing_ruleset();
	f = pst_flow_make(maker, &e);
	cr_assert(f && out);
	for (size_t i = 0; i < f->n_missing; i++)
		fprintf(out, "%s ", f->missing[i]);
	fputs("/", out);
	for (size_t i = 0; i < f->n_rejected; i++)
		fprintf(out, " %s", f->rejected[i]);
	fclose(out);
	cr_expect_str_eq(text, wanted, "%s: %s", head, text);
	free(text);
}

#define GET "GET /api/x HTTP/1.1\r\nHost: b\r\n"

Test(flow_make, headers_that_log_wants_in_vain_are_named_and_their_values_are_not)
{
	expect_wishes(GET "\r\n", "x-role x-team /");
	expect_wishes(GET "x-role: b\r\nx-team:\r\n\r\n", "/ x-role");
	expect_wishes(GET "x-role: s3cret\r\n\r\n", "x-team / x-role");
	expect_wishes(GET "x-role: s3cret\r\nX-Role: b\r\n\r\n", "x-team / x-role");
	expect_wishes("PUT /b HTTP/1.1\r\nHost: b\r\nx-other: 1\r\n\r\n", "/");
	expect_wishes("POST /api/ HTTP/1.1\r\nHost: b\r\nx-role: s3cret\r\n\r\n", "/");
}

Test(flow_make, headers_of_a_head_that_is_cut_off_are_not_known_to_be_missing)
{
	expect_wishes(GET, "/");
	expect_wishes(GET "x-ro", "/");
}

/* Whoever asks makes the daemon have one, of each generation that is told of. */
Test(flow_make, nobody_is_asked_for_a_judge_about_a_denied_request)
{
	struct pst_event e = request(GET "\r\n", false);

	cr_assert(pst_flow_make(maker, &e));
	e.server_port = 8081;
	e.ruleset = wishing_ruleset();
	cr_assert(pst_flow_make(maker, &e));
	cr_expect_eq(judge_asked, 0);
}

Test(flow_make, a_denied_request_names_the_rules_that_did_not_match)
{
	struct pst_event e = request("GET /admin HTTP/1.1\r\nHost: b\r\n\r\n", false);
	const struct pst_flow *f = pst_flow_make(maker, &e);

	cr_expect_eq(f->verdict, PST_FLOW_DROPPED);
	cr_expect_eq(f->drop_reason, 133);
	cr_expect_str_eq(f->drop_reason_desc, "POLICY_DENIED");
	cr_expect_str_eq(f->reason, "no-rule-l7");
	cr_expect_str_eq(f->answer, "daemon");
	cr_expect_eq(f->n_policies, 2);
	expect_policy(f, 0, "default", "backend-api", "p.yaml:13:11");
	expect_policy(f, 1, "default", "backend-api", "p.yaml:14:11");
}

Test(flow_make, an_answer_is_told_with_its_request_and_the_ends_exchanged)
{
	struct pst_event e = request("GET /api/x HTTP/1.0\r\nHost: b\r\n\r\n", true);
	const struct pst_flow *f;

	e.number = 3;
	cr_assert_not_null(pst_flow_make(maker, &e));
	e.layer = PST_LAYER_ANSWER;
	e.reason = PST_REASON_REPLY;
	e.head_len = 0;
	e.status = 503;
	e.latency_us = 12345;
	f = pst_flow_make(maker, &e);
	cr_expect_eq(f->l7, PST_FLOW_RESPONSE);
	cr_expect(f->is_reply);
	cr_expect_str_eq(f->source.pod, "backend");
	cr_expect_eq(f->source.port, 8080);
	cr_expect_str_eq(f->destination.pod, "frontend");
	cr_expect_eq(f->latency_ns, 12345000);
	cr_expect_str_eq(f->summary, "HTTP/1.0 503 12ms (GET http://b/api/x)");
	e.number = 4;
	f = pst_flow_make(maker, &e);
	cr_expect_str_eq(f->summary, "HTTP/1.1 503 12ms ( )",
			 "another request is not taken for it");
}

Test(flow_make, a_denial_by_default_names_the_policies_that_restrict)
{
	struct pst_event e = event("10.77.0.3", other, 8080);
	const struct pst_flow *f;

	e.reason = PST_REASON_NO_RULE_L4;
	f = pst_flow_make(maker, &e);
	cr_expect_eq(f->l7, PST_FLOW_L7_NONE);
	cr_expect_eq(f->event_type, PST_FLOW_EVENT_POLICY_VERDICT);
	cr_expect_eq(f->match_type, PST_FLOW_MATCH_NONE);
	cr_expect_str_eq(f->summary, "TCP");
	cr_expect_eq(f->n_policies, 2);
}

Test(flow_make, what_a_pod_sends_in_anothers_name_is_told_as_its_own)
{
	struct pst_event e = event("10.77.0.2", backend, 8080);
	const struct pst_flow *f;
	struct pst_addr a;

	cr_assert_eq(pst_addr_from_str("10.77.0.3", &a), 0);
	memcpy(e.sender, a.b, sizeof(e.sender));
	e.reason = PST_REASON_SPOOFED_SOURCE;
	e.direction = PST_DIR_EGRESS;
	e.subject = other;
	f = pst_flow_make(maker, &e);
	cr_expect_str_eq(f->source.ip, "10.77.0.2");
	cr_expect_str_eq(f->source.pod, "other");
	cr_expect_eq(f->source.identity, other);
	cr_expect_str_eq(f->destination.pod, "backend");
	cr_expect_eq(f->drop_reason, 132);
	cr_expect_str_eq(f->drop_reason_desc, "INVALID_SOURCE_IP");
}

Test(flow_make, a_denial_by_rule_names_it_and_what_it_looked_at)
{
	struct pst_event e = event("10.77.0.3", other, 9090);
	const struct pst_l4_query q = {
		.subject = pst_judge_addr(bundle, e.server),
		.peer = other,
		.direction = PST_DIR_INGRESS,
		.protocol = 6,
		.port = 9090,
	};
	const struct pst_flow *f;

	e.reason = PST_REASON_DENY_RULE;
	e.rule = pst_judge_l4(bundle, &q).rule;
	f = pst_flow_make(maker, &e);
	cr_expect_eq(f->drop_reason, 181);
	cr_expect_str_eq(f->drop_reason_desc, "POLICY_DENY");
	cr_expect_eq(f->match_type, PST_FLOW_MATCH_L3_L4);
	cr_expect_eq(f->n_policies, 1);
	expect_policy(f, 0, "", "no-other", "p.yaml:29:5");
	cr_expect_str_eq(f->policies[0].kind, "CiliumClusterwideNetworkPolicy");
}

Test(flow_make, strangers_and_generations_that_are_gone_have_numbers_only)
{
	struct pst_event e = event("192.0.2.1", 2, 8080);
	const struct pst_flow *f;

	e.reason = 255;
	e.generation = 3;
	e.protocol = 200;
	f = pst_flow_make(maker, &e);
	cr_expect_str_eq(f->source.ip, "192.0.2.1");
	cr_expect_str_eq(f->source.pod, "");
	cr_expect_eq(f->source.identity, 2);
	cr_expect_eq(f->source.n_labels, 0);
	cr_expect_eq(f->n_policies, 0);
	cr_expect_str_eq(f->reason, "impossible-state");
	cr_expect_str_eq(f->summary, "");
}

Test(flow_make, lengths_that_lie_are_cut)
{
	struct pst_event e = request("GET / HTTP/1.1\r\n\r\n", false);

	memset(e.head, 'A', sizeof(e.head));
	e.head_len = UINT16_MAX;
	e.ruleset = UINT16_MAX;
	e.rule = UINT32_MAX - 1;
	cr_assert_not_null(pst_flow_make(maker, &e));
}

Test(flow_make, without_memory_there_is_no_flow)
{
	struct pst_event e = request("GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n", true);

	for (long n = 0; n < 300; n++) {
		const struct pst_flow *f;

		pst_mem_fail_after(n);
		f = pst_flow_make(maker, &e);
		if (!pst_mem_failed()) {
			pst_mem_fail_after(-1);
			cr_assert_not_null(f);
			return;
		}
		/* The judge may be what had none: then the rule stays unknown. */
		cr_assert(!f || !f->n_policies, "%ld", n);
	}
	cr_assert_fail("never without a failure");
}

/* What the proxy says of REQUEST: rule RULE of the file, counted from 0. */
static struct pst_verdict_record said(const struct pst_event *e, uint32_t rule)
{
	return (struct pst_verdict_record){.connection = e->socket_cookie, .rule = rule};
}

Test(flow_make, what_the_proxy_judged_says_so_and_has_no_socket)
{
	struct pst_event e = request("POST /admin HTTP/1.1\r\nHost: b\r\n\r\n", false);
	const struct pst_verdict_record v = said(&e, UINT32_MAX);
	const struct pst_flow *f;

	e.request = PST_REQUEST_NONE;
	f = pst_flow_make_proxied(maker, &e, &v);
	cr_expect_str_eq(f->judged_by, "proxy");
	cr_expect_str_eq(f->answer, "proxy");
	cr_expect_eq(f->socket_cookie, 0);
	cr_expect_str_eq(f->source.pod, "frontend");
	cr_expect_eq(f->verdict, PST_FLOW_DROPPED);
	cr_expect_str_eq(f->summary, "HTTP/1.1 POST http://b/admin");
	f = pst_flow_make(maker, &e);
	cr_expect_str_eq(f->judged_by, "");
	cr_expect_str_eq(f->answer, "none");
	cr_expect_eq(f->socket_cookie, 99);
}

Test(flow_make, the_rule_that_the_proxy_names_is_not_looked_for)
{
	/* A head that the tables would not allow: only the proxy knows why it did. */
	struct pst_event e = request("POST /admin HTTP/1.1\r\nHost: b\r\n\r\n", true);
	struct pst_verdict_record v = said(&e, 1);
	const struct pst_flow *f = pst_flow_make_proxied(maker, &e, &v);

	cr_assert_eq(f->n_policies, 1);
	expect_policy(f, 0, "default", "backend-api", "p.yaml:13:11");
	v.rule = UINT32_MAX;
	f = pst_flow_make_proxied(maker, &e, &v);
	cr_expect_eq(f->n_policies, 0);
}

Test(flow_make, a_stream_is_one_of_http_2)
{
	struct pst_event e = request("GET /api/x HTTP/1.1\r\nhost: b\r\n\r\n", true);
	struct pst_verdict_record v = said(&e, UINT32_MAX);

	v.is_h2 = 1;
	cr_expect_str_eq(pst_flow_make_proxied(maker, &e, &v)->summary,
			 "HTTP/2.0 GET http://b/api/x");
	e.layer = PST_LAYER_ANSWER;
	e.status = 200;
	e.head_len = 0;
	cr_expect_str_eq(pst_flow_make_proxied(maker, &e, &v)->summary,
			 "HTTP/2.0 200 0ms (GET http://b/api/x)");
}

Test(flow_make, an_answer_of_the_one_is_none_to_a_request_of_the_other)
{
	struct pst_event e = request("GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n", true);
	const struct pst_verdict_record v = said(&e, UINT32_MAX);

	cr_assert_not_null(pst_flow_make(maker, &e));
	e.head[5] = 'b';
	cr_assert_not_null(pst_flow_make_proxied(maker, &e, &v));
	e.layer = PST_LAYER_ANSWER;
	e.head_len = 0;
	cr_expect_str_eq(pst_flow_make(maker, &e)->url, "http://b/api/x");
	cr_expect_str_eq(pst_flow_make_proxied(maker, &e, &v)->url, "http://b/bpi/x");
}

Test(flow_make, what_the_proxy_finds_behind_a_head_is_about_its_request)
{
	struct pst_event e = request("GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n", true);
	const struct pst_verdict_record v = said(&e, UINT32_MAX);
	const struct pst_flow *f;

	cr_assert_not_null(pst_flow_make_proxied(maker, &e, &v));
	e.outcome = PST_OUTCOME_DENIED;
	e.reason = PST_REASON_ANSWER;
	e.head_len = 0;
	f = pst_flow_make_proxied(maker, &e, &v);
	cr_expect_str_eq(f->summary, "HTTP/1.1 GET http://b/api/x");
	cr_expect_eq(f->l7, PST_FLOW_REQUEST);
	e.number++;
	f = pst_flow_make_proxied(maker, &e, &v);
	cr_expect_str_eq(f->summary, "HTTP/1.1");
}

Test(flow_make, a_request_that_the_proxy_allows_twice_is_remembered_as_it_was)
{
	struct pst_event e = request("GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n", true);
	const struct pst_verdict_record v = said(&e, UINT32_MAX);

	cr_assert_not_null(pst_flow_make_proxied(maker, &e, &v));
	e.head_len = 0;
	for (int i = 0; i < 2; i++)
		cr_expect_str_eq(pst_flow_make_proxied(maker, &e, &v)->summary,
				 "HTTP/1.1 GET http://b/api/x");
}

Test(flow_make, headers_that_the_proxy_misses_are_named_by_the_bundle)
{
	struct pst_event e = request("GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n", true);
	struct pst_verdict_record v = said(&e, UINT32_MAX);
	const struct pst_flow *f;

	for (uint32_t i = 0; i < bundle->n_rules; i++) {
		if (bundle->rules[i].n_headers == 2)
			v.rule = i;
	}
	v.n_wishes = 2;
	v.wishes[0] = (struct pst_verdict_wish){.rule = v.rule, .header = 0, .is_missing = 1};
	v.wishes[1] = (struct pst_verdict_wish){.rule = v.rule, .header = 1};
	f = pst_flow_make_proxied(maker, &e, &v);
	cr_assert(f->n_missing == 1 && f->n_rejected == 1);
	cr_expect_str_eq(f->missing[0], bundle->rules[v.rule].headers[0].name);
	cr_expect_str_eq(f->rejected[0], bundle->rules[v.rule].headers[1].name);
	e.generation++;
	f = pst_flow_make_proxied(maker, &e, &v);
	cr_expect(f->n_missing == 0 && f->n_rejected == 0 && f->n_policies == 0);
}

Test(flow_make, an_end_that_the_proxy_does_not_know_is_left_out)
{
	struct pst_event e = event("10.77.0.2", frontend, 0);
	struct pst_verdict_record v = said(&e, UINT32_MAX);
	const struct pst_flow *f;

	memset(e.server, 0, sizeof(e.server));
	e.subject = 0;
	e.reason = PST_REASON_UNKNOWN_LOCAL;
	f = pst_flow_make_proxied(maker, &e, &v);
	cr_expect_str_eq(f->source.ip, "10.77.0.2");
	cr_expect_str_eq(f->destination.ip, "");
	cr_expect_eq(f->destination.n_labels, 0);
	cr_expect_not(f->is_ipv6);
	cr_expect_str_eq(f->reason, "unknown-endpoint");
}
