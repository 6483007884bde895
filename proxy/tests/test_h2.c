// SPDX-License-Identifier: Apache-2.0
/* Requests of HTTP/2 through a pair, between two sessions of nghttp2's. */
#include "proxy/h2.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "compiler/explain.h"
#include "proxy/h2_head.h"
#include "proxy/tests/h2_peer.h"

static struct t_world world;

static struct t_h2 *begin(void)
{
	t_world_load(&world, "testdata/http/policy.yaml");
	return t_h2_new(&world);
}

static struct t_h2 *begin_rules(const char *rules)
{
	t_world_rules(&world, rules);
	return t_h2_new(&world);
}

static void end(struct t_h2 *t)
{
	t_h2_free(t);
	t_world_fini(&world);
}

#define HEAD(method, path, more) \
	":method: " method "\n:scheme: http\n:authority: b\n:path: " path "\n" more
#define POST(more) HEAD("POST", "/api/x", more)

Test(h2, an_allowed_request_reaches_the_server_as_it_is_and_so_does_its_answer)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *s;

	t->peer[PST_SERVER].answer = ":status: 200\nx-a: 1\nset-cookie: a\nset-cookie: b\n";
	t->peer[PST_SERVER].answer_body = 3;
	s = t_h2_ask(t, HEAD("GET", "/api/x?y=1", "x-b: 2\naccept: */*\nte: trailers\n"), 0);
	cr_expect_str_eq(t->peer[PST_SERVER].streams[0].head,
			 HEAD("GET", "/api/x?y=1", "x-b: 2\naccept: */*\nte: trailers\n\n"));
	cr_expect_str_eq(s->head, ":status: 200\nx-a: 1\nset-cookie: a\nset-cookie: b\n\n");
	cr_expect_eq(s->body, 3);
	cr_expect(s->closed && s->code == 0);
	cr_expect(t_h2_last(t)->allowed);
	cr_expect_str_eq(t->last_head, "GET /api/x?y=1 HTTP/1.1\r\nhost: b\r\nx-b: 2\r\n"
				       "accept: */*\r\nte: trailers\r\n\r\n");
	end(t);
}

static void keep(void *ctx, const char *bytes, size_t len)
{
	struct pst_text_vec *all = ctx;

	cr_assert_eq(pst_text_append(all, bytes, len), 0);
}

/* nginx keeps none, and says so when it hears of one: RFC 7541 section 4.2. */
Test(h2, a_server_is_told_how_large_our_table_is_so_that_it_can_say_that_it_needs_none)
{
	static const char setting[] = {0, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0, 0, 4096 >> 8, 0};
	struct t_h2 *t = begin();
	struct pst_text_vec said = {.v = NULL};

	t->peer[PST_SERVER].sink = keep;
	t->peer[PST_SERVER].sink_ctx = &said;
	t_h2_get(t, "/api/x");
	cr_assert_gt(said.n, NGHTTP2_CLIENT_MAGIC_LEN);
	cr_expect_not_null(memmem(said.v, said.n, setting, sizeof(setting)));
	pst_vec_free(&said);
	end(t);
}

Test(h2, each_stream_has_a_verdict_of_its_own)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *no = t_h2_get(t, "/secret"), *yes = t_h2_get(t, "/api/x");

	cr_expect_str_eq(no->head,
			 ":status: 403\ncontent-type: text/plain\ncontent-length: 15\n\n");
	cr_expect_eq(no->body, strlen("Access denied\r\n"));
	cr_expect(no->closed && no->code == 0);
	cr_expect_str_eq(yes->head, ":status: 200\n\n");
	cr_expect_eq(t->peer[PST_SERVER].n, 1, "the denied one is not seen");
	cr_expect_eq(t->events[0].reason, PST_REASON_NO_RULE_L7);
	cr_expect_eq(t->events[1].number, 1);
	end(t);
}

Test(h2, it_does_not_matter_how_bytes_are_cut)
{
	for (size_t step = 1; step < 40; step += 3) {
		struct t_h2 *t = begin();

		t->step = step;
		cr_expect_str_eq(t_h2_get(t, "/api/x")->head, ":status: 200\n\n");
		cr_expect(strstr(t_h2_get(t, "/secret")->head, "403"));
		cr_expect_eq(t_h2_ask(t, POST("content-length: 9\n"), 9)->code, 0);
		cr_expect_eq(t->peer[PST_SERVER].total, 9);
		end(t);
	}
}

Test(h2, authority_is_the_host_that_rules_speak_about)
{
	static const char host[] = ":method: GET\n:scheme: http\n:path: /host\n";
	struct t_h2 *t = begin();
	char head[200];

	snprintf(head, sizeof(head), "%shost: b.example:80\n", host);
	cr_expect(strstr(t_h2_ask(t, head, 0)->head, "200"));
	snprintf(head, sizeof(head), "%shost: c.example\n", host);
	cr_expect(strstr(t_h2_ask(t, head, 0)->head, "403"));
	cr_expect(strstr(t_h2_ask(t,
				  ":method: GET\n:scheme: http\n:authority: b.example\n"
				  ":path: /host\nhost: b.example\n",
				  0)
				 ->head,
			 "200"));
	cr_expect(strstr(t_h2_ask(t,
				  ":method: GET\n:scheme: http\n:authority: b.example\n"
				  ":path: /host\nhost: c.example\n",
				  0)
				 ->head,
			 "403"));
	cr_expect_eq(t_h2_last(t)->reason, PST_REASON_HOST_REPEATED);
	end(t);
}

Test(h2, a_denied_call_of_grpc_hears_permission_denied)
{
	struct t_h2 *t = begin();
	static const char *const types[] = {"application/grpc", "application/grpc+proto",
					    "application/grpc;a=b"};

	for (size_t i = 0; i < 3; i++) {
		char head[200];
		struct t_h2_stream *s;

		snprintf(head, sizeof(head),
			 HEAD("POST", "/no", "content-type: %s\nte: trailers\n"), types[i]);
		s = t_h2_ask(t, head, 100);
		cr_expect_str_eq(s->head, ":status: 200\ncontent-type: application/grpc\n"
					  "grpc-status: 7\ngrpc-message: Access denied\n\n");
		cr_expect(s->ended && s->closed && s->body == 0);
	}
	cr_expect(strstr(
		t_h2_ask(t, HEAD("POST", "/no", "content-type: application/grpc-web\n"), 5)->head,
		":status: 403"));
	end(t);
}

Test(h2, bodies_and_trailers_pass_in_both_directions)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c, *s;

	t->peer[PST_SERVER].answer = NULL;
	c = t_h2_upload(t, POST("te: trailers\n"), 1000000, "x-sum: 1\n");
	s = &t->peer[PST_SERVER].streams[0];
	cr_expect_eq(s->body, 1000000);
	cr_expect_str_eq(s->trailers, "x-sum: 1\n");
	t_h2_answer(t, s, ":status: 200\n", 2000000, "grpc-status: 0\n");
	t_h2_run(t);
	cr_expect_eq(c->body, 2000000);
	cr_expect_str_eq(c->trailers, "grpc-status: 0\n");
	cr_expect(c->closed && c->code == 0);
	end(t);
}

Test(h2, trailers_that_a_rule_asks_for_or_that_frame_are_refused)
{
	static const char *const bad[] = {"x-role: admin\n", "content_length: 3\n", "x_role: a\n"};

	for (size_t i = 0; i < 3; i++) {
		struct t_h2 *t = begin();
		struct t_h2_stream *c = t_h2_upload(t, POST(""), 10, bad[i]);

		cr_expect(strstr(c->head, ":status: 403"), "%s", bad[i]);
		cr_expect_eq(t_h2_last(t)->reason, PST_REASON_TRAILER, "%s", bad[i]);
		/* In one piece with its head: nothing was sent yet. */
		cr_expect(!t->peer[PST_SERVER].n ||
			  t->peer[PST_SERVER].streams[0].code == NGHTTP2_CANCEL);
		cr_expect_str_empty(t->peer[PST_SERVER].streams[0].trailers);
		end(t);
	}
}

Test(h2, informational_answers_come_before_the_final_one)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c, *s;
	const nghttp2_nv hints[] = {{(uint8_t *)":status", (uint8_t *)"103", 7, 3, 0},
				    {(uint8_t *)"link", (uint8_t *)"a", 4, 1, 0}};

	t->peer[PST_SERVER].answer = NULL;
	c = t_h2_upload(t, POST("expect: 100-continue\n"), 0, NULL);
	s = &t->peer[PST_SERVER].streams[0];
	nghttp2_submit_headers(t->peer[PST_SERVER].ng, 0, s->id, NULL, hints, 2, NULL);
	t_h2_run(t);
	cr_expect_str_eq(c->early, ":status: 103\nlink: a\n");
	t_h2_resume(t, PST_CLIENT, c);
	t_h2_answer(t, s, ":status: 204\n", 0, NULL);
	t_h2_run(t);
	cr_expect_str_eq(c->head, ":status: 204\n\n");
	cr_expect(c->closed && c->code == 0);
	end(t);
}

Test(h2, an_answer_to_head_has_a_length_and_no_body)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c;

	t->peer[PST_SERVER].answer = ":status: 200\ncontent-length: 5\n";
	c = t_h2_ask(t, HEAD("HEAD", "/api/x", ""), 0);
	cr_expect_str_eq(c->head, ":status: 200\ncontent-length: 5\n\n");
	cr_expect(c->closed && c->code == 0);
	c = t_h2_ask(t, HEAD("HEAD", "/no", ""), 0);
	cr_expect(strstr(c->head, "403") && strstr(c->head, "content-length: 15"));
	cr_expect(c->closed && c->code == 0 && c->body == 0);
	end(t);
}

Test(h2, an_answer_of_another_length_than_it_says_is_none)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c;

	t->peer[PST_SERVER].answer = ":status: 200\ncontent-length: 5\n";
	c = t_h2_ask(t, POST(""), 5);
	cr_expect_str_eq(c->head, ":status: 502\ncontent-type: text/plain\n\n");
	cr_expect_eq(t_h2_last(t)->reason, PST_REASON_ANSWER);
	c = t_h2_ask(t, POST("content-type: application/grpc\n"), 5);
	cr_expect(strstr(c->head, ":status: 200") && strstr(c->head, "grpc-status: 14"));
	end(t);
}

Test(h2, resets_pass_in_both_directions)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c, *s;

	t->peer[PST_SERVER].answer = NULL;
	c = t_h2_upload(t, POST(""), 10, NULL);
	s = &t->peer[PST_SERVER].streams[0];
	nghttp2_submit_rst_stream(t->peer[PST_CLIENT].ng, 0, c->id, NGHTTP2_CANCEL);
	t_h2_run(t);
	cr_expect(s->closed && s->code == NGHTTP2_CANCEL);
	c = t_h2_upload(t, POST(""), 10, NULL);
	s = &t->peer[PST_SERVER].streams[1];
	nghttp2_submit_rst_stream(t->peer[PST_SERVER].ng, 0, s->id, NGHTTP2_ENHANCE_YOUR_CALM);
	t_h2_run(t);
	cr_expect(c->closed && c->code == NGHTTP2_ENHANCE_YOUR_CALM);
	end(t);
}

Test(h2, an_answer_before_the_end_of_the_request_ends_the_request)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c;

	t->peer[PST_SERVER].answer = NULL;
	c = t_h2_upload(t, POST(""), 10, NULL);
	t_h2_answer(t, &t->peer[PST_SERVER].streams[0], ":status: 413\n", 7, NULL);
	t_h2_run(t);
	cr_expect_str_eq(c->head, ":status: 413\n\n");
	cr_expect_eq(c->body, 7);
	cr_expect(c->closed && c->code == NGHTTP2_NO_ERROR);
	c = t_h2_upload(t, HEAD("POST", "/no", ""), 10, NULL);
	cr_expect(strstr(c->head, "403"));
	cr_expect(c->closed && c->code == NGHTTP2_NO_ERROR);
	end(t);
}

Test(h2, a_body_on_get_is_refused)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c = t_h2_upload(t, HEAD("GET", "/api/x", ""), 0, NULL);

	cr_expect_str_empty(c->head, "none yet");
	t_h2_resume(t, PST_CLIENT, c);
	cr_expect(strstr(c->head, "200"), "an empty one is none");
	c = t_h2_upload(t, HEAD("GET", "/api/x", ""), 1, NULL);
	cr_expect(strstr(c->head, "403"));
	cr_expect_eq(t_h2_last(t)->reason, PST_REASON_BODY_UNEXPECTED);
	cr_expect_eq(t->peer[PST_SERVER].total, 0);
	end(t);
}

Test(h2, crumbs_of_a_cookie_are_one_field)
{
	struct t_h2 *t = begin_rules("        - {headers: ['Cookie: a=1; b=2']}\n");
	struct t_h2_stream *c = t_h2_ask(t, POST("cookie: a=1\nx: y\ncookie: b=2\n"), 0);

	cr_expect(strstr(c->head, "200"));
	cr_expect_str_eq(t->peer[PST_SERVER].streams[0].head, POST("x: y\ncookie: a=1; b=2\n\n"));
	cr_expect(strstr(t_h2_ask(t, POST("cookie: a=1\n"), 0)->head, "403"));
	end(t);
}

#define ACTION(what)                                                                \
	"        - {path: /a, headerMatches: [{mismatch: " what ", name: X-Token, " \
	"value: good}]}\n"
#define A(more) HEAD("GET", "/a", more)

static void expect_sent(const char *rules, const char *head, const char *wanted)
{
	struct t_h2 *t = begin_rules(rules);

	t_h2_ask(t, head, 0);
	cr_expect_str_eq(t->peer[PST_SERVER].streams[0].head, wanted, "%s", rules);
	end(t);
}

Test(h2, rules_change_headers_as_in_http_1)
{
	expect_sent(ACTION("ADD"), A("x-token: bad\n"), A("x-token: bad\nx-token: good\n\n"));
	expect_sent(ACTION("ADD"), A("x-token: good\n"), A("x-token: good\n\n"));
	expect_sent(ACTION("DELETE"), A("x-token: a\ny: z\nx-token: good\n"), A("y: z\n\n"));
	expect_sent(ACTION("REPLACE"), A("x-token: a\ny: z\n"), A("y: z\nx-token: good\n\n"));
	expect_sent(ACTION("REPLACE"), A(""), A("x-token: good\n\n"));
}

Test(h2, what_log_wants_in_vain_is_told)
{
	static const char *const heads[] = {A("x-token: good\n"), A(""), A("x-token: bad\n")};
	struct t_h2 *t = begin_rules(ACTION("LOG"));

	pst_ruler_name_rules(world.ruler, true, NULL);
	for (int i = 0; i < 3; i++) {
		t_h2_ask(t, heads[i], 0);
		cr_assert_eq(t_h2_last(t)->n_mismatches, i > 0);
		cr_expect(!i || t_h2_last(t)->mismatches[0].is_missing == (i == 1));
	}
	cr_expect_eq(t->peer[PST_SERVER].n, 3);
	end(t);
}

Test(h2, a_change_that_http_2_has_no_place_for_is_refused)
{
	static const char *const actions[] = {
		"{mismatch: ADD, name: Keep-Alive, value: '5'}",
		"{mismatch: ADD, name: Connection, value: close}",
		"{mismatch: ADD, name: Content-Length, value: '5'}",
		"{mismatch: ADD, name: TE, value: gzip}",
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		char rules[200];
		struct t_h2 *t;

		snprintf(rules, sizeof(rules), "        - {path: /a, headerMatches: [%s]}\n",
			 actions[i]);
		t = begin_rules(rules);
		cr_expect(strstr(t_h2_get(t, "/a")->head, "403"), "%s", actions[i]);
		cr_expect_eq(t_h2_last(t)->reason, PST_REASON_REWRITE, "%s", actions[i]);
		cr_expect_eq(t->peer[PST_SERVER].n, 0);
		end(t);
	}
}

Test(h2, fields_that_are_never_indexed_stay_so)
{
	struct t_h2 *t = begin();

	t_h2_ask(t, POST("!x-key: secret\n"), 0);
	t_h2_ask(t, POST("x-key: open\n"), 0);
	cr_expect(t->peer[PST_SERVER].streams[0].hidden);
	cr_expect(!t->peer[PST_SERVER].streams[1].hidden);
	end(t);
	t = begin_rules(ACTION("REPLACE"));
	t_h2_get(t, "/a");
	cr_expect(t->peer[PST_SERVER].streams[0].hidden, "what a rule writes may be a secret");
	end(t);
}

/* Flow control. */

Test(h2, a_slow_reader_stops_its_writer_within_the_window_of_the_stream)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c, *s;

	t->peer[PST_SERVER].answer = NULL;
	c = t_h2_upload(t, POST(""), 0, NULL);
	s = &t->peer[PST_SERVER].streams[0];
	t->peer[PST_CLIENT].reads = false;
	t_h2_answer(t, s, ":status: 200\n", 1 << 20, NULL);
	t_h2_run(t);
	cr_expect_gt(s->to_send, (1 << 20) - 3 * PST_H2_STREAM_WINDOW);
	cr_expect_lt(world.memory.used, 512 * 1024);
	t->peer[PST_CLIENT].reads = true;
	t_h2_run(t);
	cr_expect_eq(c->body, 1 << 20, "and it goes on");
	t_h2_resume(t, PST_CLIENT, c);
	end(t);
}

Test(h2, a_writer_is_stopped_by_a_server_that_does_not_read)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c;

	t_h2_get(t, "/api/x");
	t->peer[PST_SERVER].reads = false;
	c = t_h2_upload(t, POST(""), 1 << 20, NULL);
	cr_expect_gt(c->to_send, (1 << 20) - 3 * PST_H2_STREAM_WINDOW);
	t->peer[PST_SERVER].reads = true;
	t_h2_run(t);
	cr_expect_eq(c->to_send, 0);
	cr_expect_eq(t->peer[PST_SERVER].total, 1 << 20);
	t_h2_resume(t, PST_CLIENT, c);
	cr_expect(strstr(c->head, "200"));
	end(t);
}

Test(h2, bytes_of_streams_that_are_reset_do_not_use_up_the_connection)
{
	struct t_h2 *t = begin();

	t_h2_get(t, "/api/x");
	for (int i = 0; i < 60; i++) {
		struct t_h2_stream *c;

		t->peer[PST_SERVER].reads = false;
		c = t_h2_upload(t, POST(""), 60000, NULL);
		nghttp2_submit_rst_stream(t->peer[PST_CLIENT].ng, 0, c->id, NGHTTP2_CANCEL);
		t->peer[PST_SERVER].reads = true;
		t_h2_run(t);
	}
	cr_expect(strstr(t_h2_ask(t, POST(""), 100000)->head, "200"));
	end(t);
}

/* Ends. */

Test(h2, a_server_that_leaves_finishes_what_it_has_begun)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c, *s;
	struct t_h2_peer *server = &t->peer[PST_SERVER];

	server->answer = NULL;
	c = t_h2_upload(t, POST(""), 1, NULL);
	s = &server->streams[0];
	nghttp2_submit_goaway(server->ng, 0, s->id, NGHTTP2_NO_ERROR, NULL, 0);
	t_h2_run(t);
	cr_expect(t->peer[PST_CLIENT].goaway, "the client hears that it is to go elsewhere");
	cr_expect_eq(t->peer[PST_CLIENT].goaway_code, NGHTTP2_NO_ERROR);
	cr_expect(!c->closed);
	t_h2_resume(t, PST_CLIENT, c);
	t_h2_answer(t, s, ":status: 200\n", 5, NULL);
	t_h2_run(t);
	cr_expect_eq(c->body, 5);
	cr_expect_eq(pst_pair_state(t->pair), PST_PAIR_CLOSING);
	end(t);
}

Test(h2, a_server_that_breaks_off_is_a_502_where_nothing_was_answered)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *none, *half;

	t->peer[PST_SERVER].answer = NULL;
	half = t_h2_upload(t, POST(""), 0, NULL);
	none = t_h2_upload(t, POST(""), 0, NULL);
	t->peer[PST_SERVER].streams[0].holds = true;
	t_h2_answer(t, &t->peer[PST_SERVER].streams[0], ":status: 200\n", 5, NULL);
	t_h2_run(t);
	pst_pair_ended(t->pair, PST_SERVER);
	t_h2_run(t);
	cr_expect_eq(half->body, 5);
	cr_expect(half->closed && half->code == NGHTTP2_INTERNAL_ERROR);
	cr_expect(strstr(none->head, ":status: 502"));
	cr_expect(t->peer[PST_CLIENT].goaway);
	cr_expect_eq(pst_pair_state(t->pair), PST_PAIR_CLOSING);
	end(t);
}

Test(h2, a_server_that_does_not_speak_http_2_is_a_502)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";
	struct t_h2 *t = begin();
	struct t_h2_stream *c;
	char *at;

	t->peer[PST_SERVER].reads = false;
	c = t_h2_ask(t, POST(""), 0);
	cr_assert_geq(pst_pair_room(t->pair, PST_SERVER, &at), sizeof(text));
	memcpy(at, text, sizeof(text) - 1);
	pst_pair_received(t->pair, PST_SERVER, sizeof(text) - 1);
	pst_pair_ended(t->pair, PST_SERVER);
	t_h2_run(t);
	cr_expect(strstr(c->head, ":status: 502"));
	cr_expect_eq(t_h2_last(t)->reason, PST_REASON_ANSWER);
	end(t);
}

Test(h2, at_the_end_the_client_hears_goodbye_and_nothing_is_lost)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *c;

	t->peer[PST_SERVER].answer = NULL;
	c = t_h2_upload(t, POST(""), 1, NULL);
	pst_pair_drain(t->pair);
	t_h2_run(t);
	cr_expect(t->peer[PST_CLIENT].goaway && !c->closed);
	cr_expect_eq(pst_pair_state(t->pair), PST_PAIR_OPEN);
	t_h2_resume(t, PST_CLIENT, c);
	t_h2_answer(t, &t->peer[PST_SERVER].streams[0], ":status: 200\n", 0, NULL);
	t_h2_run(t);
	cr_expect(strstr(c->head, "200"));
	cr_expect_eq(pst_pair_state(t->pair), PST_PAIR_CLOSING);
	end(t);
}

Test(h2, a_new_policy_counts_from_the_next_stream_on)
{
	struct t_h2 *t = begin();
	struct t_world other;

	cr_expect(strstr(t_h2_get(t, "/api/x")->head, "200"));
	t_world_rules(&other, "        - {path: /other}\n");
	pst_pair_renew(t->pair, other.ruler, other.ruleset);
	cr_expect_eq(pst_pair_ruler(t->pair), other.ruler);
	cr_expect(strstr(t_h2_get(t, "/api/x")->head, "403"));
	cr_expect(strstr(t_h2_get(t, "/other")->head, "200"));
	end(t);
	t_world_fini(&other);
}

/* The head was allowed by one policy that refuses the trailers, and that by another one. */
Test(h2, trailers_behind_a_new_policy_are_not_judged_by_that_alone)
{
	static const struct {
		const char *rules, *trailers;
		bool passes;
	} cases[] = {{ACTION("DELETE"), "x-token: bad\n", false},
		     {ACTION("DELETE"), "x_token: bad\n", false},
		     {"        - {headers: ['X-Token: good']}\n", "x-token: bad\n", false},
		     {"        - {headers: ['X-Token: good']}\n", "x_token: bad\n", false},
		     {"        - {path: /a}\n", "x-token: bad\n", true}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct t_h2 *t = begin_rules(cases[i].rules);
		struct t_h2_stream *c =
			t_h2_upload(t, HEAD("POST", "/a", "x-token: good\n"), 10, NULL);
		struct t_world other;

		t_world_rules(&other, "        - {path: /other}\n");
		pst_pair_renew(t->pair, other.ruler, other.ruleset);
		c->trailers_to_send = cases[i].trailers;
		t_h2_resume(t, PST_CLIENT, c);
		cr_expect_eq(!!strstr(c->head, "200"), cases[i].passes, "%zu", i);
		cr_expect_eq(t_h2_denied(t, PST_REASON_TRAILER), !cases[i].passes, "%zu", i);
		cr_expect_eq(!!*t->peer[PST_SERVER].streams[0].trailers, cases[i].passes, "%zu", i);
		end(t);
		t_world_fini(&other);
	}
}

/* Whatever allocation fails: nothing is passed on that was not judged, and nothing leaks. */
Test(h2, without_memory_a_connection_ends)
{
	bool failed = true;

	for (long n = 0; failed; n++) {
		struct t_h2 *t = begin_rules(ACTION("REPLACE"));

		pst_mem_fail_after(n);
		t_h2_get(t, "/a");
		t_h2_get(t, "/secret");
		t_h2_ask(t, HEAD("POST", "/a", "cookie: a\ncookie: b\n"), 100);
		failed = pst_mem_failed();
		pst_mem_fail_after(-1);
		for (size_t i = 0; i < t->peer[PST_SERVER].n; i++)
			cr_expect(strstr(t->peer[PST_SERVER].streams[i].head, "x-token: good"),
				  "at %ld", n);
		end(t);
		cr_assert_lt(n, 3000);
	}
}

Test(h2, a_connection_that_rests_holds_less_and_goes_on_as_if_nothing_had_been)
{
	struct t_h2 *t = begin();
	size_t busy;

	t->peer[PST_SERVER].answer = ":status: 200\n";
	t->peer[PST_SERVER].answer_body = 100000;
	for (int i = 0; i < 5; i++) {
		struct t_h2_stream *s = t_h2_ask(t, POST(""), 100000);

		cr_assert(s->closed && s->code == 0);
		cr_assert_eq(s->body, 100000, "round %d: %zu", i, s->body);
		cr_assert(pst_pair_can_rest(t->pair));
		busy = world.memory.used;
		pst_pair_rest(t->pair);
		cr_expect_lt(world.memory.used + 30000, busy, "%zu of %zu are left",
			     world.memory.used, busy);
		busy = world.memory.used;
		cr_expect_lt(busy, 4096, "%zu", busy);
		pst_pair_rest(t->pair);
		cr_expect_eq(world.memory.used, busy, "it rests already");
	}
	end(t); /* asserts that nothing is counted any more */
}

enum { A_CHUNK_AT_LEAST = 128 * 4096 };

/* Whoever looks into a session that rests takes zeros for its state: here he dies. */
static void close_pages(int protection)
{
	const struct pst_pages *pages = &world.memory.pages;

	for (int i = 0; i < PST_PAGES_CLASSES; i++) {
		for (size_t j = 0; j < pages->classes[i].chunks.n; j++)
			cr_assert_eq(mprotect(pages->classes[i].chunks.v[j], A_CHUNK_AT_LEAST,
					      protection),
				     0);
	}
}

Test(h2, a_connection_that_rests_answers_without_its_sessions)
{
	struct t_h2 *t = begin();
	char *room;
	const char *bytes;

	for (int round = 0; round < 3; round++) {
		cr_assert(t_h2_get(t, "/api/x")->closed);
		pst_pair_rest(t->pair);
		close_pages(PROT_NONE);
		for (enum pst_side side = PST_CLIENT; side <= PST_SERVER; side++) {
			cr_expect_gt(pst_pair_room(t->pair, side, &room), 0);
			pst_pair_received(t->pair, side, 0);
			cr_expect_eq(pst_pair_pending(t->pair, side, &bytes), 0);
			cr_expect(!pst_pair_is_over(t->pair, side));
		}
		cr_expect_eq(pst_pair_state(t->pair), PST_PAIR_OPEN);
		cr_expect(pst_pair_is_idle(t->pair) && pst_pair_can_rest(t->pair));
		cr_expect(!pst_pair_is_in_head(t->pair));
		pst_pair_renew(t->pair, world.ruler, world.ruleset);
		pst_pair_rest(t->pair);
		close_pages(PROT_READ | PROT_WRITE);
	}
	end(t);
}

Test(h2, a_connection_that_rests_without_memory_for_it_goes_on)
{
	struct t_h2 *t = begin();

	for (long n = 0; n < 5; n++) {
		cr_assert(t_h2_get(t, "/api/x")->closed);
		pst_mem_fail_after(n);
		pst_pair_rest(t->pair);
		pst_mem_fail_after(-1);
	}
	cr_assert(t_h2_get(t, "/api/x")->closed);
	end(t);
}

Test(h2, a_connection_with_a_stream_does_not_rest)
{
	struct t_h2 *t = begin();
	struct t_h2_stream *s;
	size_t used;

	t->peer[PST_SERVER].answer = NULL;
	s = t_h2_ask(t, POST(""), 1000);
	used = world.memory.used;
	cr_expect(!pst_pair_can_rest(t->pair));
	pst_pair_rest(t->pair);
	cr_expect_eq(world.memory.used, used);
	cr_expect(!s->closed);
	end(t);
}

Test(h2, a_resting_connection_hears_goodbye)
{
	struct t_h2 *t = begin();

	cr_assert(t_h2_get(t, "/api/x")->closed);
	pst_pair_rest(t->pair);
	pst_pair_drain(t->pair);
	t_h2_run(t);
	cr_expect(t->peer[PST_CLIENT].goaway);
	end(t);
}
