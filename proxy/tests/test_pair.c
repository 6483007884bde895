// SPDX-License-Identifier: Apache-2.0
#include "proxy/pair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "compiler/explain.h"
#include "proxy/tests/scene.h"

#define GET	"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"
#define DENIED	"GET /secret HTTP/1.1\r\nHost: b\r\n\r\n"
#define POST(n) "POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: " n "\r\n\r\n"
#define OK	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define HANDSHAKE                                                                          \
	"GET /api/ws HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" \
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA\r\n\r\n"
#define SWITCHED \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"

static struct t_stage *const stage = &t_scene.stage;

TestSuite(pair, .init = t_scene_begin, .fini = t_scene_end);

static void expect_out(enum pst_side side, const char *text)
{
	cr_expect(stage->n_out[side] == strlen(text) &&
			  !memcmp(stage->out[side], text, strlen(text)),
		  "expected \"%s\" for the %s, found \"%.*s\"", text,
		  side == PST_CLIENT ? "client" : "server", (int)stage->n_out[side],
		  stage->out[side]);
	stage->n_out[side] = 0;
}

static void expect_reason(enum pst_reason reason)
{
	cr_expect_str_eq(pst_explain_reason_name(t_stage_last(stage)->reason),
			 pst_explain_reason_name(reason));
}

static void ask(const char *text)
{
	t_stage_text(stage, PST_CLIENT, text);
}

static void reply(const char *text)
{
	t_stage_text(stage, PST_SERVER, text);
}

Test(pair, an_allowed_request_and_its_answer_pass_as_they_are)
{
	ask(GET);
	expect_out(PST_SERVER, GET);
	reply(OK);
	expect_out(PST_CLIENT, OK);
	expect_reason(PST_REASON_RULE);
	cr_assert(pst_pair_is_idle(stage->pair));
	cr_assert_eq(t_scene.world.memory.used, 0, "an idle connection holds no buffers");
}

Test(pair, a_denied_request_is_answered_and_the_connection_stays)
{
	ask(DENIED);
	expect_out(PST_SERVER, "");
	expect_out(PST_CLIENT, "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n"
			       "content-length: 15\r\n\r\nAccess denied\r\n");
	expect_reason(PST_REASON_NO_RULE_L7);
	ask(GET);
	expect_out(PST_SERVER, GET);
}

Test(pair, a_denied_head_is_answered_without_a_body)
{
	ask("HEAD /secret HTTP/1.1\r\nHost: b\r\n\r\n");
	expect_out(PST_CLIENT, "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n"
			       "content-length: 15\r\n\r\n");
}

Test(pair, what_cannot_be_read_is_answered_and_ends_the_connection)
{
	ask("GET /api/x HTTP/1.1\r\nHost: b\r\nX : y\r\n\r\n" GET);
	expect_out(PST_SERVER, "");
	expect_out(PST_CLIENT, "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n"
			       "content-length: 15\r\nconnection: close\r\n\r\nAccess denied\r\n");
	expect_reason(PST_REASON_FIELD_NAME);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(pair, a_denied_request_with_a_body_ends_the_connection)
{
	ask("POST /secret HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc" GET);
	expect_out(PST_SERVER, "");
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(pair, the_next_request_waits_for_the_answer)
{
	ask(GET GET DENIED);
	expect_out(PST_SERVER, GET);
	reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
	expect_out(PST_SERVER, "");
	reply("k");
	expect_out(PST_SERVER, GET);
	cr_assert_eq(stage->n_events, 2);
	stage->n_out[PST_CLIENT] = 0;
	reply(OK);
	cr_assert_eq(stage->n_events, 3);
	cr_assert(!memcmp(stage->out[PST_CLIENT], OK "HTTP/1.1 403", strlen(OK "HTTP/1.1 403")));
}

Test(pair, what_waits_is_bounded)
{
	static char many[1 << 18];
	size_t before;

	memset(many, 'x', sizeof(many));
	ask(GET);
	t_stage_send(stage, PST_CLIENT, many, sizeof(many), 0);
	before = t_scene.world.memory.used;
	cr_assert_leq(before, PST_BUFFER_BODY);
}

Test(pair, a_hundred_continue_passes_before_the_answer)
{
	ask("POST /api/x HTTP/1.1\r\nHost: b\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
	reply("HTTP/1.1 100 Continue\r\n\r\n");
	expect_out(PST_CLIENT, "HTTP/1.1 100 Continue\r\n\r\n");
	stage->n_out[PST_SERVER] = 0;
	ask("ab");
	expect_out(PST_SERVER, "ab");
	reply("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK);
	expect_out(PST_CLIENT, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK);
	cr_assert(pst_pair_is_idle(stage->pair));
}

Test(pair, answers_without_a_body_end_with_their_head)
{
	static const char *const heads[] = {
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
	};

	for (size_t i = 0; i < 2; i++) {
		ask(GET);
		reply(heads[i]);
		expect_out(PST_CLIENT, heads[i]);
		cr_assert(pst_pair_is_idle(stage->pair), "%s", heads[i]);
	}
	ask("HEAD /api/x HTTP/1.1\r\nHost: b\r\n\r\n");
	reply("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
	cr_assert(pst_pair_is_idle(stage->pair));
}

Test(pair, a_chunked_answer_with_trailers_passes_as_it_is)
{
	const char *text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
			   "3\r\nabc\r\n10;ext=1\r\n0123456789abcdef\r\n0\r\nX: y\r\n\r\n";

	ask(GET);
	t_stage_send(stage, PST_SERVER, text, strlen(text), 1);
	expect_out(PST_CLIENT, text);
	cr_assert(pst_pair_is_idle(stage->pair));
}

Test(pair, an_answer_that_the_end_delimits_ends_the_connection)
{
	ask(GET);
	reply("HTTP/1.1 200 OK\r\n\r\nabc");
	reply("def");
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_OPEN);
	t_stage_close(stage, PST_SERVER);
	expect_out(PST_CLIENT, "HTTP/1.1 200 OK\r\n\r\nabcdef");
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
	cr_assert(pst_pair_is_over(stage->pair, PST_CLIENT));
}

Test(pair, close_in_the_answer_ends_the_connection)
{
	ask(GET GET);
	reply("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	expect_out(PST_SERVER, GET);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(pair, an_answer_may_come_before_the_request_is_complete)
{
	ask(POST("4") "ab");
	reply(OK);
	expect_out(PST_CLIENT, OK);
	ask("cd" GET);
	expect_out(PST_SERVER, POST("4") "abcd" GET);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_OPEN);
}

Test(pair, an_answer_that_cannot_be_framed_becomes_502)
{
	static const char *const wrong[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 2\n\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
		"HTTP/2 200 OK\r\n\r\n",
		"SSH-2.0-x\r\n",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct t_stage s;

		t_stage_begin(&s, &t_scene.world);
		t_stage_text(&s, PST_CLIENT, GET);
		t_stage_text(&s, PST_SERVER, wrong[i]);
		cr_expect_eq(pst_pair_state(s.pair), PST_PAIR_CLOSING, "%s", wrong[i]);
		cr_expect(!memcmp(s.out[PST_CLIENT], "HTTP/1.1 502 ", 13), "%s", wrong[i]);
		t_stage_end(&s);
	}
}

Test(pair, bytes_that_nobody_asked_for_end_the_connection)
{
	reply(OK);
	expect_out(PST_CLIENT, "");
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(pair, a_second_answer_is_not_taken_for_that_to_the_next_request)
{
	ask(GET);
	reply(OK OK);
	expect_out(PST_CLIENT, OK);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(pair, a_head_in_an_answer_that_never_ends_is_refused)
{
	static char many[PST_MAX_HEAD + 4096];

	memset(many, 'x', sizeof(many));
	ask(GET);
	reply("HTTP/1.1 200 OK\r\nX: ");
	t_stage_send(stage, PST_SERVER, many, sizeof(many), 0);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
	cr_assert(!memcmp(stage->out[PST_CLIENT], "HTTP/1.1 502 ", 13));
}

Test(pair, bytes_behind_a_handshake_wait_for_the_server_to_switch)
{
	ask(HANDSHAKE);
	ask("frame");
	expect_out(PST_SERVER, HANDSHAKE);
	reply(SWITCHED "data");
	expect_out(PST_CLIENT, SWITCHED "data");
	expect_out(PST_SERVER, "frame");
	ask("\x01\x02");
	expect_out(PST_SERVER, "\x01\x02");
	t_stage_close(stage, PST_CLIENT);
	cr_assert(pst_pair_is_over(stage->pair, PST_SERVER));
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_OPEN);
	reply("last");
	expect_out(PST_CLIENT, "last");
	t_stage_close(stage, PST_SERVER);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

/* The new policy counts from the next request on, and behind a 101 there is none. */
Test(pair, a_handshake_behind_which_the_policy_has_changed_is_not_answered)
{
	struct t_world other;

	t_world_rules(&other, "        - {path: /other}\n");
	ask(HANDSHAKE);
	pst_pair_renew(stage->pair, other.ruler, other.ruleset);
	ask("frame");
	expect_out(PST_SERVER, HANDSHAKE);
	reply(SWITCHED "data");
	cr_expect_eq(pst_pair_state(stage->pair), PST_PAIR_DEAD);
	expect_reason(PST_REASON_POLICY_CHANGED);
	expect_out(PST_CLIENT, "");
	expect_out(PST_SERVER, "");
	t_stage_end(stage);
	t_stage_begin(stage, stage->world);
	t_world_fini(&other);
}

/* Nobody takes it over later: the session of HTTP/2 has its own copy. */
Test(pair, a_policy_that_comes_inside_of_the_preface_of_http2_judges_all_streams)
{
	struct t_world other;

	t_world_rules(&other, "        - {path: /other}\n");
	ask("PR");
	pst_pair_renew(stage->pair, other.ruler, other.ruleset);
	ask("I * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	cr_assert(pst_pair_is_h2(stage->pair));
	cr_expect_eq(pst_pair_ruler(stage->pair), other.ruler);
	t_stage_end(stage);
	t_stage_begin(stage, stage->world);
	t_world_fini(&other);
}

/* Its policy goes into audit: nobody may notice. */
Test(pair, the_next_request_passes_as_it_comes_when_nothing_is_judged_any_more)
{
	ask(GET);
	pst_pair_renew(stage->pair, stage->world->ruler, PST_PAIR_UNJUDGED);
	cr_expect(!pst_pair_is_tunnel(stage->pair));
	reply(OK);
	stage->n_out[PST_SERVER] = stage->n_out[PST_CLIENT] = 0;
	ask(DENIED "what is no HTTP");
	expect_out(PST_SERVER, DENIED "what is no HTTP");
	reply("nor is this");
	expect_out(PST_CLIENT, "nor is this");
	cr_expect_eq(pst_pair_ruleset(stage->pair), PST_PAIR_UNJUDGED);
}

Test(pair, an_answer_of_the_proxy_is_not_overtaken_when_nothing_is_judged_any_more)
{
	const char *at;
	char *room;
	size_t n;

	cr_assert_geq(pst_pair_room(stage->pair, PST_CLIENT, &room), strlen(DENIED GET));
	memcpy(room, DENIED GET, strlen(DENIED GET));
	pst_pair_received(stage->pair, PST_CLIENT, strlen(DENIED GET));
	pst_pair_renew(stage->pair, stage->world->ruler, PST_PAIR_UNJUDGED);
	cr_assert(pst_pair_room(stage->pair, PST_CLIENT, &room));
	*room = 'G';
	pst_pair_received(stage->pair, PST_CLIENT, 1);
	cr_expect_eq(pst_pair_pending(stage->pair, PST_SERVER, &at), 0);
	n = pst_pair_pending(stage->pair, PST_CLIENT, &at);
	cr_assert(n > 12 && !memcmp(at, "HTTP/1.1 403", 12));
	pst_pair_sent(stage->pair, PST_CLIENT, n);
	n = pst_pair_pending(stage->pair, PST_SERVER, &at);
	cr_assert(n == strlen(GET "G") && !memcmp(at, GET "G", n));
	pst_pair_sent(stage->pair, PST_SERVER, n);
}

Test(pair, one_that_asks_for_nothing_while_nothing_is_judged_is_judged_again)
{
	struct t_world other;

	t_world_rules(&other, "        - {path: /other}\n");
	ask(GET);
	pst_pair_renew(stage->pair, stage->world->ruler, PST_PAIR_UNJUDGED);
	pst_pair_renew(stage->pair, other.ruler, other.ruleset);
	reply(OK);
	stage->n_out[PST_SERVER] = 0;
	ask(GET);
	expect_out(PST_SERVER, "");
	expect_reason(PST_REASON_NO_RULE_L7);
	t_stage_end(stage);
	t_stage_begin(stage, stage->world);
	t_world_fini(&other);
}

Test(pair, a_handshake_is_answered_when_nothing_is_judged_any_more)
{
	ask(HANDSHAKE);
	pst_pair_renew(stage->pair, stage->world->ruler, PST_PAIR_UNJUDGED);
	reply(SWITCHED "data");
	expect_out(PST_CLIENT, SWITCHED "data");
	ask("frame");
	expect_out(PST_SERVER, HANDSHAKE "frame");
}

Test(pair, a_handshake_that_is_refused_leaves_http)
{
	ask(HANDSHAKE);
	ask(DENIED);
	reply(OK);
	cr_assert(!memcmp(stage->out[PST_CLIENT], OK "HTTP/1.1 403", strlen(OK "HTTP/1.1 403")));
	expect_out(PST_SERVER, HANDSHAKE);
}

Test(pair, a_bad_chunk_behind_an_allowed_head_ends_both_sides)
{
	ask("POST /api/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
	stage->n_out[PST_SERVER] = 0;
	ask("zz\r\n");
	expect_out(PST_SERVER, "");
	expect_reason(PST_REASON_CHUNK_SIZE);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
	cr_assert(!memcmp(stage->out[PST_CLIENT], "HTTP/1.1 403", 12));
}

Test(pair, the_client_may_end_its_side_and_read_the_answer)
{
	ask(GET);
	t_stage_close(stage, PST_CLIENT);
	cr_assert(pst_pair_is_over(stage->pair, PST_SERVER));
	reply(OK);
	expect_out(PST_CLIENT, OK);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(pair, an_end_inside_a_head_passes_nothing)
{
	ask("GET /api/x HTTP/1.1\r\nHost: b\r\n");
	t_stage_close(stage, PST_CLIENT);
	expect_out(PST_SERVER, "");
	expect_reason(PST_REASON_HEAD_CUT);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_DEAD);
}

/* What is there of the line will never be whole, so it never passes; but the end has to. */
Test(pair, an_end_inside_of_a_chunks_frame_is_passed_on_without_it)
{
	static const char head[] = "POST /api/x HTTP/1.1\r\nHost: b\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n";
	static const char *const frames[] = {"3", "3\r", "5;a=", "0\r\n", "0\r\nX-A: b\r\n\r"};
	struct t_stage s;

	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		t_stage_begin(&s, &t_scene.world);
		t_stage_text(&s, PST_CLIENT, head);
		t_stage_text(&s, PST_CLIENT, frames[i]);
		cr_expect(!pst_pair_is_over(s.pair, PST_SERVER));
		t_stage_close(&s, PST_CLIENT);
		cr_expect(pst_pair_is_over(s.pair, PST_SERVER), "%s", frames[i]);
		cr_expect_eq(s.n_out[PST_SERVER], sizeof(head) - 1, "%s", frames[i]);
		t_stage_text(&s, PST_SERVER, "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n");
		t_stage_close(&s, PST_SERVER);
		cr_expect(pst_pair_is_over(s.pair, PST_CLIENT), "%s", frames[i]);
		cr_expect(!memcmp(s.out[PST_CLIENT], "HTTP/1.1 400", 12), "%s", frames[i]);
		t_stage_end(&s);
	}
}

Test(pair, a_head_that_takes_too_long_is_denied)
{
	ask("GET /api/x HTTP/1.1\r\nHost: b\r\n");
	cr_assert(pst_pair_is_in_head(stage->pair));
	pst_pair_time_out(stage->pair);
	expect_reason(PST_REASON_TIMEOUT);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(pair, without_memory_the_connection_ends_and_nothing_passes)
{
	char *at;

	t_scene.world.memory.limit = 0;
	cr_assert_eq(pst_pair_room(stage->pair, PST_CLIENT, &at), 0);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_DEAD);
	expect_reason(PST_REASON_PROXY_LIMIT);
}

Test(pair, without_a_byte_left_of_the_workloads_share_the_connection_ends_by_that_name)
{
	struct pst_share share = {.most_bytes = PST_BUFFER_FIRST};
	char *at;

	t_scene.world.purse.share = &share;
	cr_assert_gt(pst_pair_room(stage->pair, PST_CLIENT, &at), 0);
	cr_assert_eq(share.bytes, PST_BUFFER_FIRST);
	cr_assert_eq(pst_pair_room(stage->pair, PST_SERVER, &at), 0);
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_DEAD);
	expect_reason(PST_REASON_WORKLOAD_LIMIT);
	cr_assert_eq(share.bytes, 0, "what it had is given back");
}

Test(pair, a_method_that_llhttp_does_not_know_passes_where_a_rule_allows_it)
{
	const char *text =
		"WHATEVER /host HTTP/1.1\r\nHost: b.example\r\nContent-Length: 1\r\n\r\nx";

	ask(text);
	expect_out(PST_SERVER, text);
}

Test(pair, a_path_of_any_form_stays_as_it_is_when_a_header_is_added)
{
	struct t_world w;
	struct t_stage s;

	t_world_rules(&w, "        - {path: \"/api/.*\", headerMatches: [{name: X-A, value: b, "
			  "mismatch: ADD}]}\n");
	pst_ruler_set_any_form(w.ruler, true);
	t_stage_begin(&s, &w);
	t_stage_text(&s, PST_CLIENT, "GET /api//../x HTTP/1.1\r\nHost: b\r\n\r\n");
	cr_assert_eq(t_stage_last(&s)->reason, PST_REASON_RULE_FALLBACK, "reason %d",
		     t_stage_last(&s)->reason);
	cr_assert(
		memmem(s.out[PST_SERVER], s.n_out[PST_SERVER], "GET /api//../x HTTP/1.1\r\n", 25));
	cr_assert(memmem(s.out[PST_SERVER], s.n_out[PST_SERVER], "x-a: b\r\n", 8));
	t_stage_end(&s);
	t_world_fini(&w);
}

/* A pair that has received TEXT; what was counted before it is in *RET_BEFORE. */
static struct pst_pair *received(struct t_world *w, const char *text, size_t n, size_t *ret_before)
{
	struct pst_pair_opts opts = {
		.ruler = w->ruler, .ruleset = w->ruleset, .purse = t_world_purse(w)};
	struct pst_pair *p = NULL;
	char *at;

	cr_assert_eq(pst_pair_new(&opts, &p), 0);
	cr_assert_geq(pst_pair_room(p, PST_CLIENT, &at), n);
	*ret_before = w->memory.used;
	memcpy(at, text, n);
	pst_pair_received(p, PST_CLIENT, n);
	return p;
}

/* It may wait long: for the server to take the connection, or to read. */
Test(pair, a_changed_head_is_counted_as_long_as_it_waits)
{
	static char text[6000];
	struct pst_pair *p;
	struct t_world w;
	const char *out;
	size_t before, n;

	memset(text, 'y', sizeof(text));
	memcpy(text, "GET /a HTTP/1.1\r\nHost: b\r\nX: ", 29);
	memcpy(text + sizeof(text) - 4, "\r\n\r\n", 4);
	t_world_rules(&w, "        - {headerMatches: [{mismatch: ADD, name: W, value: '1'}]}\n");
	p = received(&w, text, sizeof(text), &before);
	n = pst_pair_pending(p, PST_SERVER, &out);
	cr_expect_gt(n, sizeof(text));
	cr_expect_eq(w.memory.used, before + n);
	pst_pair_sent(p, PST_SERVER, n - 1);
	cr_expect_eq(w.memory.used, before + n);
	pst_pair_sent(p, PST_SERVER, 1);
	cr_expect_eq(w.memory.used, before);
	pst_pair_free(&p);
	cr_expect_eq(w.memory.used, 0);
	t_world_fini(&w);
}

Test(pair, a_changed_head_for_which_there_is_no_memory_ends_the_connection)
{
	struct t_world w;
	struct t_stage s;

	t_world_rules(&w, "        - {headerMatches: [{mismatch: ADD, name: W, value: '1'}]}\n");
	w.memory.limit = 8 * 1024; /* a buffer, and nothing else */
	t_stage_begin(&s, &w);
	t_stage_text(&s, PST_CLIENT, GET);
	cr_expect_eq(t_stage_last(&s)->reason, PST_REASON_PROXY_LIMIT);
	cr_expect_eq(pst_pair_state(s.pair), PST_PAIR_DEAD);
	cr_expect_eq(s.n_out[PST_SERVER], 0);
	t_stage_end(&s);
	t_world_fini(&w);
}

/* What an event showed last. */
static char shown[256];
static size_t shown_len;

static void keep_head(void *ctx, const struct pst_pair_event *event)
{
	(void)ctx;
	cr_assert_leq(event->head_len, sizeof(shown));
	shown_len = event->head_len;
	if (event->head)
		memcpy(shown, event->head, event->head_len);
}

Test(pair, an_event_shows_the_head_as_it_came_also_when_it_is_changed)
{
	struct pst_pair_opts opts = {.on_event = keep_head};
	struct pst_pair *p = NULL;
	struct t_world w;
	char *at;

	t_world_rules(&w, "        - {headerMatches: [{mismatch: ADD, name: W, value: '1'}]}\n");
	opts.ruler = w.ruler;
	opts.ruleset = w.ruleset;
	opts.purse = t_world_purse(&w);
	cr_assert_eq(pst_pair_new(&opts, &p), 0);
	cr_assert_gt(pst_pair_room(p, PST_CLIENT, &at), 2 * strlen(GET));
	memcpy(at, GET GET, 2 * strlen(GET));
	pst_pair_received(p, PST_CLIENT, 2 * strlen(GET));
	cr_expect_eq(shown_len, strlen(GET), "%zu bytes: %.*s", shown_len, (int)shown_len, shown);
	cr_expect(!memcmp(shown, GET, strlen(GET)));
	pst_pair_free(&p);
	t_world_fini(&w);
}

Test(pair, an_answer_that_sends_elsewhere_is_counted_as_long_as_it_waits)
{
	static char text[6000];
	struct pst_pair *p;
	struct t_world w;
	const char *out;
	size_t before, n;

	memset(text, 'y', sizeof(text));
	memcpy(text, "GET /a%2f", 9);
	memcpy(text + sizeof(text) - 22, " HTTP/1.1\r\nHost: b\r\n\r\n", 22);
	t_world_rules(&w, "        - {}\n");
	pst_ruler_set_normal(w.ruler, PST_NORMAL_REDIRECT);
	p = received(&w, text, sizeof(text), &before);
	n = pst_pair_pending(p, PST_CLIENT, &out);
	cr_expect(n > 5900 && !memcmp(out, "HTTP/1.1 307 ", 13));
	cr_expect_eq(w.memory.used, n, "in place of the %zu for the request", before);
	pst_pair_sent(p, PST_CLIENT, n);
	cr_expect_eq(w.memory.used, 0);
	pst_pair_free(&p);
	t_world_fini(&w);
}

Test(pair, an_answer_that_sends_elsewhere_for_which_there_is_no_memory_ends_the_connection)
{
	struct t_world w;
	struct t_stage s;

	t_world_rules(&w, "        - {}\n");
	pst_ruler_set_normal(w.ruler, PST_NORMAL_REDIRECT);
	w.memory.limit = 8 * 1024; /* a buffer, and nothing else */
	t_stage_begin(&s, &w);
	t_stage_text(&s, PST_CLIENT, "GET /a%2fb HTTP/1.1\r\nHost: b\r\n\r\n");
	cr_expect_eq(t_stage_last(&s)->reason, PST_REASON_PROXY_LIMIT);
	cr_expect_eq(pst_pair_state(s.pair), PST_PAIR_DEAD);
	cr_expect_eq(s.n_out[PST_CLIENT], 0);
	t_stage_end(&s);
	t_world_fini(&w);
}

/* The last answer that was told, of N. */
static void expect_answer(size_t n, uint32_t number, uint32_t status)
{
	cr_assert_eq(stage->n_answers, n);
	cr_expect_eq(stage->answers[n - 1].number, number);
	cr_expect_eq(stage->answers[n - 1].status, status);
	cr_expect_gt(stage->answers[n - 1].since_ns, 0);
}

Test(pair, an_answer_is_told_once_at_its_end_with_its_request)
{
	ask(GET GET);
	reply("HTTP/1.1 103 Early Hints\r\n\r\n");
	reply("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\no");
	cr_expect_eq(stage->n_answers, 0);
	reply("k");
	expect_answer(1, 0, 404);
	reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n");
	cr_expect_eq(stage->n_answers, 1);
	reply("\r\n");
	expect_answer(2, 1, 200);
	cr_expect_eq(stage->answers[1].since_ns, 2); /* its own request's */
	ask("HEAD /api/x HTTP/1.1\r\nHost: b\r\n\r\n");
	reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
	expect_answer(3, 2, 200);
}

Test(pair, an_answer_without_a_length_is_told_when_its_sender_ends)
{
	ask(GET);
	reply("HTTP/1.1 200 OK\r\n\r\nsome");
	cr_expect_eq(stage->n_answers, 0);
	t_stage_close(stage, PST_SERVER);
	expect_answer(1, 0, 200);
}

Test(pair, an_answer_that_breaks_off_or_is_refused_or_the_proxys_is_not_told)
{
	ask(DENIED);
	cr_expect_eq(stage->n_answers, 0);
	ask(GET);
	reply("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
	t_stage_close(stage, PST_SERVER);
	cr_expect_eq(stage->n_answers, 0);
}

Test(pair, an_answer_that_cannot_be_framed_is_not_told)
{
	ask(GET);
	reply("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n");
	expect_reason(PST_REASON_ANSWER);
	cr_expect_eq(stage->n_answers, 0);
}
