// SPDX-License-Identifier: Apache-2.0
/* The offer of HTTP/2 in a request of HTTP/1.1: taken away where it is well-formed, else refused.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/abi.h"
#include "compiler/explain.h"
#include "proxy/tests/scene.h"

#define LINE	 "GET /api/x HTTP/1.1\r\nHost: b\r\n"
#define OPTIONS	 "Connection: Upgrade, HTTP2-Settings\r\n"
#define H2C	 "Upgrade: h2c\r\n"
#define SETTINGS "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"
#define OFFER	 OPTIONS H2C SETTINGS
#define PLAIN	 LINE "\r\n"
#define OK	 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static const size_t steps[] = {0, 1, 2, 3, 7, 13, 64};

enum { N_STEPS = sizeof(steps) / sizeof(*steps) };

static struct t_stage *const stage = &t_scene.stage;

TestSuite(offer, .init = t_scene_begin, .fini = t_scene_end);

/* The server gets WANT, however ASKED is cut, and the request is allowed once. */
static void expect_becomes(const char *asked, const char *want)
{
	for (int i = 0; i < N_STEPS; i++) {
		t_stage_send(stage, PST_CLIENT, asked, strlen(asked), steps[i]);
		cr_expect(t_scene_got(PST_SERVER, want), "by %zu: \"%s\" became \"%.*s\"", steps[i],
			  asked, (int)stage->n_out[PST_SERVER], stage->out[PST_SERVER]);
		cr_expect_eq(stage->n_events, 1, "by %zu: %s", steps[i], asked);
		cr_expect(stage->n_events && stage->events[0].allowed, "by %zu: %s", steps[i],
			  asked);
		t_scene_again();
	}
}

/* The server gets nothing, and the connection ends with a 403 for REASON. */
static void expect_refused(const char *asked, enum pst_reason reason)
{
	for (int i = 0; i < N_STEPS; i++) {
		t_stage_send(stage, PST_CLIENT, asked, strlen(asked), steps[i]);
		cr_expect(t_scene_got(PST_SERVER, ""), "by %zu: %s", steps[i], asked);
		cr_assert_eq(stage->n_events, 1, "by %zu: %zu events: %s", steps[i],
			     stage->n_events, asked);
		cr_expect_str_eq(pst_explain_reason_name(stage->events[0].reason),
				 pst_explain_reason_name(reason), "by %zu: %s", steps[i], asked);
		cr_expect_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING, "by %zu: %s", steps[i],
			     asked);
		t_scene_again();
	}
}

Test(offer, a_well_formed_offer_is_taken_away_wherever_its_fields_stand)
{
	expect_becomes(LINE OFFER "\r\n", PLAIN);
	expect_becomes(LINE SETTINGS H2C OPTIONS "\r\n", PLAIN);
	expect_becomes(LINE H2C "A: 1\r\n" SETTINGS "B: 2\r\n" OPTIONS "C: 3\r\n\r\n",
		       LINE "A: 1\r\nB: 2\r\nC: 3\r\n\r\n");
	expect_becomes("GET /api/x HTTP/1.1\r\n" OFFER "Host: b\r\n\r\n", PLAIN);
	expect_becomes(LINE "connection:HTTP2-SETTINGS \t,upgrade\r\nUPGRADE:\tH2C \r\n"
			    "http2-settings:AA-_\t\r\n\r\n",
		       PLAIN);
}

Test(offer, what_the_client_says_of_its_connection_besides_stays)
{
	expect_becomes(LINE "Connection: close, Upgrade, HTTP2-Settings\r\n" H2C SETTINGS "\r\n",
		       LINE "Connection:close\r\n\r\n");
	expect_becomes(LINE "connection:Upgrade,HTTP2-Settings,Keep-Alive\r\n" H2C SETTINGS "\r\n",
		       LINE "connection:Keep-Alive\r\n\r\n");
}

Test(offer, a_body_is_framed_as_without_the_offer)
{
	expect_becomes("POST /api/x HTTP/1.1\r\nHost: b\r\n" OFFER "Content-Length: 3\r\n\r\nabc",
		       "POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n\r\nabc");
	expect_becomes("POST /api/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n" OFFER
		       "\r\n3\r\nabc\r\n0\r\n\r\n",
		       "POST /api/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n"
		       "\r\n3\r\nabc\r\n0\r\n\r\n");
	expect_refused("POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 3\r\n" OFFER
		       "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		       PST_REASON_LENGTH_CHUNKED);
	expect_refused(LINE OFFER "Content-Length: 3\r\n\r\nabc", PST_REASON_BODY_UNEXPECTED);
}

/* As by the kernel: the core decides what an offer is. */
Test(offer, any_other_form_of_it_is_refused_by_name)
{
	static const struct {
		const char *head;
		enum pst_reason reason;
	} forms[] = {
		/* a field or an option is missing, or there twice */
		{LINE "Connection: Upgrade\r\n" H2C "\r\n", PST_REASON_UPGRADE_BAD},
		{LINE "Connection: Upgrade\r\n" H2C SETTINGS "\r\n", PST_REASON_UPGRADE_BAD},
		{LINE "Connection: HTTP2-Settings\r\n" H2C SETTINGS "\r\n", PST_REASON_UPGRADE_BAD},
		{LINE H2C SETTINGS "\r\n", PST_REASON_UPGRADE_BAD},
		{LINE OFFER H2C "\r\n", PST_REASON_UPGRADE_BAD},
		{LINE OFFER "Upgrade: websocket\r\n\r\n", PST_REASON_UPGRADE_BAD},
		{LINE OPTIONS SETTINGS "\r\n", PST_REASON_CONNECTION},
		/* something else is asked for, too */
		{LINE OPTIONS SETTINGS "Upgrade: h2c, websocket\r\n\r\n", PST_REASON_UPGRADE},
		{LINE OPTIONS SETTINGS "Upgrade: h2cx\r\n\r\n", PST_REASON_UPGRADE},
		{LINE OPTIONS SETTINGS "Upgrade: h2c/1\r\n\r\n", PST_REASON_UPGRADE},
		{LINE OPTIONS SETTINGS "Upgrade: h2\r\n\r\n", PST_REASON_UPGRADE},
		{LINE OPTIONS SETTINGS "Upgrade: websocket\r\n\r\n", PST_REASON_UPGRADE_BAD},
		/* an option that would hide a field, or none at all */
		{LINE "Connection: Upgrade, HTTP2-Settings, Host\r\n" H2C SETTINGS "\r\n",
		 PST_REASON_CONNECTION},
		{LINE "Connection: Upgrade, HTTP2-Settings,\r\n" H2C SETTINGS "\r\n",
		 PST_REASON_CONNECTION},
		{LINE "Connection: Upgrade, HTTP2-Settings ,, close\r\n" H2C SETTINGS "\r\n",
		 PST_REASON_CONNECTION},
		{LINE "Connection: Upgrade, HTTP2-Settings close\r\n" H2C SETTINGS "\r\n",
		 PST_REASON_CONNECTION},
		{LINE "Connection: Upgrade, HTTP2-Setting\r\n" H2C SETTINGS "\r\n",
		 PST_REASON_CONNECTION},
		{LINE "Connection: Upgrade, HTTP2-Settingss\r\n" H2C SETTINGS "\r\n",
		 PST_REASON_CONNECTION},
		{LINE "Connection: Upgrade, HTTP2-SXettings\r\n" H2C SETTINGS "\r\n",
		 PST_REASON_CONNECTION},
		{LINE "Connection: Upgrade, HTTP2Settings\r\n" H2C SETTINGS "\r\n",
		 PST_REASON_CONNECTION},
		/* not of HTTP/1.1 */
		{"GET /api/x HTTP/1.0\r\nHost: b\r\n" OFFER "\r\n", PST_REASON_UPGRADE_BAD},
		/* lines that some end elsewhere */
		{LINE OPTIONS H2C "A: 1\n" SETTINGS "\r\n", PST_REASON_LINE_END},
		{LINE OPTIONS H2C SETTINGS "\n", PST_REASON_LINE_END},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		expect_refused(forms[i].head, forms[i].reason);
}

/* Nothing of an offer is left, however much of it there was: nobody behind can take it. */
Test(offer, of_what_is_there_twice_nothing_is_left)
{
	expect_becomes(LINE OFFER SETTINGS "HTTP2-Settings:\r\n\r\n", PLAIN);
	expect_becomes(LINE OFFER OPTIONS "connection: te\r\n\r\n", LINE "connection:te\r\n\r\n");
	expect_becomes(
		LINE
		"Connection: Upgrade, te,HTTP2-Settings ,close, HTTP2-Settings\r\n" H2C SETTINGS
		"\r\n",
		LINE "Connection:te,close\r\n\r\n");
}

Test(offer, what_is_left_is_read_anew_and_refused_as_without_the_offer)
{
	expect_refused("GET /api/x HTTP/1.1\r\n" OFFER "\r\n", PST_REASON_HOST_MISSING);
	expect_refused(LINE OFFER "Host: b\r\n\r\n", PST_REASON_HOST_REPEATED);
	expect_refused(LINE OPTIONS SETTINGS H2C " websocket\r\n\r\n", PST_REASON_FIELD_FOLD);
	expect_refused(LINE OFFER "Upgrade : h2c\r\n\r\n", PST_REASON_FIELD_NAME);
	expect_refused(LINE OFFER "content_length: 3\r\n\r\n", PST_REASON_FIELD_ALIAS);
	expect_refused(LINE OFFER "X: a\rb\r\n\r\n", PST_REASON_LINE_END);
	expect_refused(LINE "X : y\r\n" OFFER "\r\n", PST_REASON_FIELD_NAME);
}

Test(offer, a_request_that_no_rule_allows_is_denied_and_the_connection_stays)
{
	t_stage_text(stage, PST_CLIENT, "GET /secret HTTP/1.1\r\nHost: b\r\n" OFFER "\r\n" PLAIN);
	cr_expect_eq(stage->events[0].reason, PST_REASON_NO_RULE_L7);
	cr_expect(t_scene_got(PST_SERVER, PLAIN));
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_OPEN);
}

Test(offer, a_server_that_switches_all_the_same_ends_the_connection)
{
	t_stage_text(stage, PST_CLIENT, LINE OFFER "\r\n");
	t_stage_text(stage, PST_SERVER,
		     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
		     "Upgrade: h2c\r\n\r\n\0\0\0\4\0\0\0\0\0");
	cr_expect_eq(t_stage_last(stage)->reason, PST_REASON_ANSWER);
	cr_assert(stage->n_out[PST_CLIENT] > 12 &&
		  !memcmp(stage->out[PST_CLIENT], "HTTP/1.1 502", 12));
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(offer, what_is_pipelined_behind_it_is_judged_as_http_1)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	t_stage_text(stage, PST_CLIENT, LINE OFFER "\r\n" LINE OFFER "\r\n");
	cr_expect(t_scene_got(PST_SERVER, PLAIN));
	t_stage_text(stage, PST_SERVER, OK);
	cr_expect(t_scene_got(PST_SERVER, PLAIN PLAIN));
	t_scene_again();
	t_stage_text(stage, PST_CLIENT, LINE OFFER "\r\n");
	t_stage_text(stage, PST_CLIENT, preface);
	t_stage_text(stage, PST_SERVER, OK);
	cr_expect(t_scene_got(PST_SERVER, PLAIN));
	cr_expect_eq(t_stage_last(stage)->reason, PST_REASON_HTTP2);
	cr_expect_not(pst_pair_is_h2(stage->pair));
	cr_assert_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(offer, a_head_that_does_not_end_is_not_waited_for)
{
	static char *text;
	size_t len = strlen(LINE OFFER "X: ");

	text = malloc(PST_MAX_HEAD + 1024);
	cr_assert(text);
	memcpy(text, LINE OFFER "X: ", len);
	memset(text + len, 'x', PST_MAX_HEAD + 1024 - len);
	t_stage_send(stage, PST_CLIENT, text, PST_MAX_HEAD + 1024, 0);
	cr_expect_eq(t_stage_last(stage)->reason, PST_REASON_HEAD_LONG);
	cr_expect(t_scene_got(PST_SERVER, ""));
	t_scene_again();
	t_stage_text(stage, PST_CLIENT, LINE OFFER "X: ");
	cr_expect(pst_pair_is_in_head(stage->pair), "its clock runs");
	pst_pair_time_out(stage->pair);
	cr_expect_eq(t_stage_last(stage)->reason, PST_REASON_TIMEOUT);
	t_scene_again();
	t_stage_text(stage, PST_CLIENT, LINE OFFER "X: ");
	t_stage_close(stage, PST_CLIENT);
	cr_expect_eq(t_stage_last(stage)->reason, PST_REASON_HEAD_CUT);
	cr_expect(t_scene_got(PST_SERVER, ""));
	free(text);
}

Test(offer, an_offer_with_a_path_out_of_normal_form_is_taken_away_behind_it)
{
	pst_ruler_set_normal(t_scene.world.ruler, PST_NORMAL_REDIRECT);
	expect_becomes("GET /api/./x HTTP/1.1\r\nHost: b\r\n" OFFER "\r\n", PLAIN);
	t_stage_text(stage, PST_CLIENT, "GET /api%2Fx HTTP/1.1\r\nHost: b\r\n" OFFER "\r\n");
	cr_expect_eq(t_stage_last(stage)->reason, PST_REASON_REDIRECTED);
	t_scene_again();
	pst_ruler_set_normal(t_scene.world.ruler, PST_NORMAL_OFF);
	pst_ruler_set_any_form(t_scene.world.ruler, true);
	expect_becomes("GET /api/./x HTTP/1.1\r\nHost: b\r\n" OFFER "\r\n",
		       "GET /api/./x HTTP/1.1\r\nHost: b\r\n\r\n");
}
