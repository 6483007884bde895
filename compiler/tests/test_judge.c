// SPDX-License-Identifier: Apache-2.0
#include "compiler/judge.h"

#include "base/cleanup.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct model m;
static struct pst_diags *diags;
static struct pst_bundle *b;
static struct pst_judge *judge;
static struct pst_port_rule *ports;

static void setup(void)
{
	model_init(&m);
	diags = pst_diags_new();
	b = NULL;
	judge = NULL;
	ports = model_web(&m, 80);
}

static void teardown(void)
{
	pst_judge_free(&judge);
	pst_bundle_free(&b);
	pst_diags_free(&diags);
	model_fini(&m);
}

TestSuite(judge, .init = setup, .fini = teardown);

/* Judges what stands at OFFSET of TEXT; the copy ends where the text ends. */
static struct pst_l7_result ask(const char *text, size_t offset, size_t *ret_behind)
{
	size_t len = strlen(text);
	pst_auto_free char *exact = malloc(len ? len : 1);
	struct pst_l7_result r;
	size_t behind;

	if (!b) {
		b = model_compile(&m, diags);
		cr_assert_eq(pst_judge_new(b, &judge), 0);
	}
	memcpy(exact, text, len);
	behind = pst_judge_request(judge, 0, exact, len, offset, &r);
	if (ret_behind)
		*ret_behind = behind;
	return r;
}

static void expect(const char *text, bool allowed, enum pst_reason reason, uint32_t rule)
{
	struct pst_l7_result r = ask(text, 0, NULL);

	cr_expect_eq(r.allowed, allowed, "%s", text);
	cr_expect_eq(r.reason, reason, "%s: reason %d, expected %d", text, r.reason, reason);
	cr_expect_eq(r.rule, rule, "%s: rule %u, expected %u", text, r.rule, rule);
}

Test(judge, the_first_rule_in_the_document_that_matches_is_named)
{
	model_http(&m, ports, "POST", NULL, NULL);	    /* 1 */
	model_http(&m, ports, "GET", "/a.*", NULL);	    /* 2 */
	model_http(&m, ports, "GET", "/.*", "h\\.example"); /* 3 */
	model_http(&m, ports, "GET", "/ab", NULL);	    /* 4 */
	expect("GET /ab HTTP/1.1\r\nHost: h.example\r\n\r\n", true, PST_REASON_RULE, 2);
	expect("GET /b HTTP/1.1\r\nhOST:  h.example \r\n\r\n", true, PST_REASON_RULE, 3);
	expect("POST /b HTTP/1.1\r\nHost: x\r\n\r\n", true, PST_REASON_RULE, 1);
	expect("GET /b HTTP/1.1\r\nHost: x\r\n\r\n", false, PST_REASON_NO_RULE_L7, UINT32_MAX);
}

Test(judge, a_field_that_only_looks_like_host_is_not_the_host)
{
	model_http(&m, ports, NULL, "/x", "a");
	expect("GET /x HTTP/1.1\r\nX-Host: a\r\nHost: b\r\n\r\n", false, PST_REASON_NO_RULE_L7,
	       UINT32_MAX);
	expect("GET /x HTTP/1.1\r\nX-Host: b\r\nHost: a\r\nHostile: b\r\n\r\n", true,
	       PST_REASON_RULE, 1);
}

Test(judge, without_a_host_a_rule_with_a_host_condition_is_not_named)
{
	model_http(&m, ports, NULL, "/x", ".*");
	model_http(&m, ports, "GET", "/x", NULL);
	expect("GET /x HTTP/1.0\r\n\r\n", true, PST_REASON_RULE, 2);
	expect("PUT /x HTTP/1.0\r\n\r\n", false, PST_REASON_NO_RULE_L7, UINT32_MAX);
	expect("GET /x HTTP/1.1\r\n\r\n", false, PST_REASON_HOST_MISSING, UINT32_MAX);
}

/* What offers HTTP/2 goes on as HTTP/1.1 wherever it goes on (docs/decisions/0035). */
Test(judge, behind_an_offer_of_http2_there_are_requests_and_behind_websocket_none)
{
	model_http(&m, ports, NULL, "/a", NULL);
	cr_expect(ask("GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n"
		      "Upgrade: websocket\r\n\r\n",
		      0, NULL)
			  .handshake);
	cr_expect_not(ask("GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade, http2-settings\r\n"
			  "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
			  0, NULL)
			      .handshake);
}

#define OFFER "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
#define POST  "POST /a HTTP/1.1\r\nHost: h\r\n"

static void expect_head(const char *text, const char *head)
{
	struct pst_l7_result r;

	pst_judge_request(judge, 0, text, strlen(text), 0, &r);
	cr_assert_eq(r.head_len, strlen(head), "%s: head of %zu bytes", text, r.head_len);
	cr_expect(!memcmp(r.head, head, r.head_len), "%s: judged %.*s", text, (int)r.head_len,
		  r.head);
}

/* As proxy/tests/test_offer.c says that the proxy does it. */
static void expect_taken_out(enum pst_reason by)
{
	size_t behind;

	expect(POST OFFER "Content-Length: 2\r\n\r\nhi", true, by, 1);
	expect_head(POST OFFER "Content-Length: 2\r\n\r\nhi", POST "Content-Length: 2\r\n\r\n");
	expect_head("POST /a HTTP/1.1\r\n" OFFER "Host: h\r\n\r\n", POST "\r\n");
	expect(POST OFFER "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", true, by, 1);
	expect(POST OFFER "Transfer-Encoding: chunked\r\n\r\nx", false, PST_REASON_CHUNK_SIZE,
	       UINT32_MAX);
	ask(POST OFFER "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" POST, 0, &behind);
	cr_expect_eq(behind, strlen(POST OFFER "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"
					       "0\r\n\r\n"));
	ask(POST OFFER "Content-Length: 3\r\n\r\nhi", 0, &behind);
	cr_expect_eq(behind, strlen(POST OFFER "Content-Length: 3\r\n\r\nhi"), "it is cut off");
	/* What is left is read anew. */
	expect(POST OFFER "Host: h\r\n\r\n", false, PST_REASON_HOST_REPEATED, UINT32_MAX);
	expect("POST /a HTTP/1.1\r\n" OFFER "\r\n", false, PST_REASON_HOST_MISSING, UINT32_MAX);
	expect(POST OFFER "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nhi", false,
	       PST_REASON_LENGTH_CHUNKED, UINT32_MAX);
	expect("PUT /a HTTP/1.1\r\nHost: h\r\n" OFFER "\r\n", false, PST_REASON_NO_RULE_L7,
	       UINT32_MAX);
	/* No offer, or in another form. */
	expect(POST "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", false, PST_REASON_UPGRADE_BAD,
	       UINT32_MAX);
	expect(POST OFFER, false, PST_REASON_HEAD_SPLIT, UINT32_MAX);
	pst_judge_set_any_form(judge, true);
	expect_head("POST /a/./b HTTP/1.1\r\nHost: h\r\n" OFFER "\r\n",
		    "POST /a/./b HTTP/1.1\r\nHost: h\r\n\r\n");
}

Test(judge, an_offer_of_http2_with_a_body_is_refused_where_the_kernel_judges)
{
	model_http(&m, ports, "POST", "/a", NULL);
	expect(POST OFFER "Content-Length: 2\r\n\r\nhi", false, PST_REASON_H2C, UINT32_MAX);
	pst_judge_set_proxied(judge, true);
	pst_judge_set_proxied(judge, false);
	expect(POST OFFER "Content-Length: 2\r\n\r\nhi", false, PST_REASON_H2C, UINT32_MAX);
	expect_head(POST OFFER "\r\n", POST OFFER "\r\n");
}

Test(judge, an_offer_of_http2_is_taken_out_where_the_proxy_judges)
{
	model_http(&m, ports, "POST", "/a", NULL);
	ask("", 0, NULL);
	pst_judge_set_proxied(judge, true);
	expect_taken_out(PST_REASON_RULE);
}

static void add_headers(struct pst_http_rule *http, struct pst_header_match *matches, size_t n)
{
	http->matches = matches;
	http->n_matches = n;
}

#define HEADER(n, v, action)                                                     \
	{                                                                        \
		.name = {.s = (n), .len = sizeof(n) - 1},                        \
		.value = {.s = (v), .len = sizeof(v) - 1}, .mismatch = (action), \
	}

Test(judge, an_offer_of_http2_is_taken_out_for_a_rule_set_of_the_fallback)
{
	struct pst_header_match add[] = {HEADER("X-A", "1", PST_MISMATCH_ADD)};

	add_headers(model_http(&m, ports, "POST", "/a", NULL), add, 1);
	ask("", 0, NULL);
	expect_taken_out(PST_REASON_RULE_FALLBACK);
}

Test(judge, a_rule_of_the_fallback_that_asks_for_an_offer_of_http2_sees_none)
{
	struct pst_header_match asks[] = {HEADER("Upgrade", "h2c", PST_MISMATCH_FAIL),
					  HEADER("X-A", "1", PST_MISMATCH_ADD)};

	add_headers(model_http(&m, ports, "POST", "/a", NULL), asks, 2);
	expect(POST OFFER "\r\n", false, PST_REASON_NO_RULE_L7, UINT32_MAX);
}

Test(judge, requests_follow_each_other_behind_their_bodies)
{
	static const char stream[] = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nGET "
				     "GET /b HTTP/1.1\r\nHost: h\r\n\r\n"
				     "GET /c HTTP/1.1\r\nHost: h\r\n\r\n";
	struct pst_l7_result r;
	size_t at = 0;

	model_http(&m, ports, NULL, "/[ac]", NULL);
	r = ask(stream, at, &at);
	cr_assert(r.allowed);
	cr_assert_eq(r.body_len, 4);
	cr_assert_eq(at, r.head_len + 4);
	r = ask(stream, at, &at);
	cr_assert_not(r.allowed);
	cr_assert_eq(r.reason, PST_REASON_NO_RULE_L7);
	cr_assert_gt(r.head_len, 0);
	r = ask(stream, at, &at);
	cr_assert(r.allowed);
	cr_assert_eq(at, strlen(stream));
}

Test(judge, a_body_that_is_cut_off_ends_the_stream)
{
	static const char stream[] =
		"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nshort";
	size_t at = 0;

	model_http(&m, ports, NULL, NULL, NULL);
	cr_assert(ask(stream, 0, &at).allowed);
	cr_assert_eq(at, strlen(stream));
}

Test(judge, a_malformed_request_ends_the_stream)
{
	static const char stream[] =
		"GET /../a HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n";
	struct pst_l7_result r;
	size_t at = 0;

	model_http(&m, ports, NULL, NULL, NULL);
	r = ask(stream, 0, &at);
	cr_assert_eq(r.reason, PST_REASON_TARGET_DOTS);
	cr_assert_eq(r.head_len, 0);
	cr_assert_eq(at, strlen(stream));
}

Test(judge, every_prefix_of_a_head_is_incomplete_and_denied)
{
	static const char head[] = "GET /a?b=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";
	char cut[sizeof(head)];

	model_http(&m, ports, NULL, NULL, NULL);
	expect(head, true, PST_REASON_RULE, 1);
	for (size_t n = 1; n < strlen(head); n++) {
		memcpy(cut, head, n);
		cut[n] = 0;
		expect(cut, false, PST_REASON_HEAD_SPLIT, UINT32_MAX);
	}
}

Test(judge, a_head_over_the_limit_is_refused_and_no_more_than_needed_is_read)
{
	size_t len = 3 * PST_MAX_HEAD;
	pst_auto_free char *text = calloc(1, len + 1);

	model_http(&m, ports, NULL, NULL, NULL);
	memset(text, 'a', len);
	memcpy(text, "GET / HTTP/1.1\r\nHost: h\r\nX: ", 28);
	expect(text, false, PST_REASON_HEAD_LONG, UINT32_MAX);
}

Test(judge, a_rule_set_for_the_fallback_or_out_of_range_denies)
{
	struct pst_l7_result r;

	for (int i = 0; i < 65; i++)
		model_http(&m, ports, pst_arena_printf(m.arena, "M%d", i), NULL, NULL);
	expect("M1 / HTTP/1.1\r\nHost: h\r\n\r\n", false, PST_REASON_FALLBACK_GONE, UINT32_MAX);
	pst_judge_request(judge, 7, "GET", 3, 0, &r);
	cr_assert_not(r.allowed);
	cr_assert_eq(r.reason, PST_REASON_FALLBACK_GONE);
}

Test(judge, field_names_of_the_recogniser_are_known_in_any_case)
{
	model_http(&m, ports, NULL, NULL, NULL);
	expect("GET / HTTP/1.1\r\nhost: a\r\nHOST: a\r\n\r\n", false, PST_REASON_HOST_REPEATED,
	       UINT32_MAX);
	expect("POST / HTTP/1.1\r\nHost: a\r\ncONTENT-lENGTH: x\r\n\r\n", false,
	       PST_REASON_LENGTH_BAD, UINT32_MAX);
	expect("POST / HTTP/1.1\r\nHost: a\r\nTRANSFER-ENCODING: x\r\n\r\n", false,
	       PST_REASON_TRANSFER_ENCODING, UINT32_MAX);
	expect("GET / HTTP/1.1\r\nHost: a\r\nuPGRADE: x\r\n\r\n", false, PST_REASON_UPGRADE,
	       UINT32_MAX);
	expect("GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 1\r\n\r\n", false,
	       PST_REASON_FIELD_ALIAS, UINT32_MAX);
	expect("GET / HTTP/1.1\r\nHost: a\r\ntransfer_ENCODING: x\r\n\r\n", false,
	       PST_REASON_FIELD_ALIAS, UINT32_MAX);
	expect("GET / HTTP/1.1\r\nHost: a\r\nUpgrade-Insecure-Requests: 1\r\n\r\n", true,
	       PST_REASON_RULE, 1);
}

Test(judge, the_longest_prefix_of_an_address_wins_and_a_miss_is_the_world)
{
	struct pst_bundle_addr addrs[] = {
		{.addr = {10}, .prefix = 8, .value = {.identity = 300}},
		{.addr = {10, 1}, .prefix = 15, .value = {.identity = 301}},
		{.addr = {10, 1, 128}, .prefix = 17, .value = {.identity = 302}},
	};
	struct pst_bundle by_hand = {.addrs = addrs, .n_addrs = 3};
	static const struct {
		uint8_t addr[16];
		uint32_t identity;
	} rows[] = {
		{{10, 2}, 300},	     {{10, 0}, 301},	  {{10, 1, 127}, 301},
		{{10, 1, 128}, 302}, {{10, 1, 255}, 302}, {{11}, PST_ID_WORLD},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(pst_judge_addr(&by_hand, rows[i].addr).identity, rows[i].identity,
			     "row %zu", i);
}

Test(judge, a_subject_that_is_no_endpoint_is_the_node_or_refused)
{
	struct pst_l4_query q = {.peer = PST_ID_WORLD, .protocol = 6, .port = 80};
	struct pst_l4_result r;

	model_http(&m, ports, NULL, NULL, NULL);
	ask("", 0, NULL);
	q.subject = (struct pst_addr_value){PST_ID_HOST, PST_ADDR_HOST};
	r = pst_judge_l4(b, &q);
	cr_assert_eq(r.verdict, PST_VERDICT_ALLOW);
	cr_assert_eq(r.reason, PST_REASON_NO_POLICY);
	q.subject = (struct pst_addr_value){PST_ID_WORLD, 0};
	r = pst_judge_l4(b, &q);
	cr_assert_eq(r.verdict, PST_VERDICT_DENY);
	cr_assert_eq(r.reason, PST_REASON_UNKNOWN_LOCAL);
}
