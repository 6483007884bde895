// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/core.h"

#include "bpf/tests/ring.h"

#include "bpf/judge.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A connection as the judge sees it: a stream of bytes that begins at sequence number ISN, and a
 * packet over any range of it with any content.
 */
#define OK	"GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"
#define BAD	"GET /admi HTTP/1.1\r\nHost: b\r\n\r\n\r\n"
#define POST	"POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 10\r\n\r\n"
#define POST_2	"POST /api/y HTTP/1.1\r\nHost: b\r\nContent-Length: 10\r\n\r\n"
#define POST_90 "POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 90\r\n\r\n"
#define BODY	"0123456789"

enum { OK_LEN = sizeof(OK) - 1, POST_LEN = sizeof(POST) - 1 };

static_assert(sizeof(POST) == sizeof(POST_90) && sizeof(POST) == sizeof(POST_2), "equally long");

static struct pst_flow flow_at(__u32 isn)
{
	struct pst_flow f = {.flags = PST_FLOW_STREAM_KNOWN, .judged = isn};
	__u32 ruleset;

	t_core_table(&ruleset);
	f.ruleset = (__u16)ruleset;
	return f;
}

/* A packet of LEN bytes at SEQ while TCP has accepted everything below ACCEPTED. */
static __u32 packet(struct pst_flow *f, __u32 seq, const void *bytes, size_t len, __u32 accepted,
		    bool ordered)
{
	__u32 ruleset, ruling;
	unsigned char *copy = t_core_guarded(bytes, len);
	const struct pst_src src = {.bytes = copy};
	const struct pst_packet p = {
		.seq = seq, .len = (__u32)len, .accepted = accepted, .ordered = ordered};

	ruling = pst_judge_packet(f, t_core_table(&ruleset), &src, &p);
	t_core_unguard(copy, len);
	return ruling;
}

static __u32 text(struct pst_flow *f, __u32 seq, const char *s, __u32 accepted)
{
	return packet(f, seq, s, strlen(s), accepted, false);
}

static const __u32 pass = PST_ACTION_PASS << 8 | PST_REASON_RULE;

static __u32 ruled(enum pst_action action, enum pst_reason reason)
{
	return pst_ruling(action, reason);
}

/* The answer to what was allowed last. */
static void answered(struct pst_flow *f)
{
	f->responses = f->requests;
}

Test(judge, an_allowed_request_advances_the_position)
{
	struct pst_flow f = flow_at(1000);

	cr_expect_eq(text(&f, 1000, OK, 1000), pass);
	cr_expect_eq(f.judged, 1000 + OK_LEN);
	cr_expect_eq(f.requests, 1);
}

Test(judge, a_denied_request_does_not)
{
	struct pst_flow f = flow_at(1000);

	cr_expect_eq(text(&f, 1000, BAD, 1000), ruled(PST_ACTION_DENY, PST_REASON_NO_RULE_L7));
	cr_expect_eq(f.judged, 1000);
	cr_expect_eq(f.requests, 0);
}

Test(judge, each_packet_says_whether_paths_of_new_requests_need_a_form)
{
	static const char dots[] = "GET /api/../ HTTP/1.1\r\nHost: b\r\n\r\n";
	const struct pst_src src = {.bytes = (const unsigned char *)dots};
	struct pst_packet p = {.len = sizeof(dots) - 1, .any_form = 1};
	struct pst_flow f = flow_at(0);
	__u32 ruleset;

	cr_expect_eq(pst_judge_packet(&f, t_core_table(&ruleset), &src, &p), pass);
	p.seq = p.accepted = f.judged;
	p.any_form = 0;
	cr_expect_eq(pst_judge_packet(&f, t_core_table(&ruleset), &src, &p),
		     ruled(PST_ACTION_DENY, PST_REASON_TARGET_DOTS));
}

Test(judge, positions_wrap_around)
{
	struct pst_flow f = flow_at(0xfffffff0);

	cr_expect_eq(text(&f, 0xfffffff0, POST, 0xfffffff0), pass);
	cr_expect_eq(text(&f, 0xfffffff0 + POST_LEN, BODY, 0xfffffff0 + POST_LEN), pass);
	cr_expect_eq(f.judged, (__u32)(0xfffffff0 + POST_LEN + 10));
	cr_expect_eq(f.body_left, 0);
}

Test(judge, requests_may_follow_before_the_answers)
{
	struct pst_flow f = flow_at(0);

	cr_expect_eq(text(&f, 0, OK OK POST BODY OK, 0), pass);
	cr_expect_eq(f.requests, 4);
	cr_expect_eq(f.judged, 3 * OK_LEN + POST_LEN + 10);
	cr_expect_eq(text(&f, f.judged, BAD, f.judged),
		     ruled(PST_ACTION_DENY, PST_REASON_NO_RULE_L7));
}

Test(judge, as_many_answers_as_the_limit_may_be_outstanding)
{
	struct pst_flow f = flow_at(0);

	for (int i = 0; i < PST_MAX_DUE; i++)
		cr_assert_eq(text(&f, f.judged, OK, f.judged), pass);
	cr_expect_eq(text(&f, f.judged, OK, f.judged),
		     ruled(PST_ACTION_KILL, PST_REASON_PIPELINED));
	f.responses++;
	cr_expect_eq(text(&f, f.judged, OK, f.judged), pass);
	f.follow |= PST_FOLLOW_LOST;
	cr_expect_eq(text(&f, f.judged, OK, f.judged), pass, "nobody counts any more");
}

/* The whole packet is dropped, and whoever sent it waits for the first answer. */
Test(judge, a_denied_request_is_cut_off_from_others_before_it_in_its_packet)
{
	struct pst_flow f = flow_at(0);

	cr_expect_eq(text(&f, 0, OK BAD, 0), ruled(PST_ACTION_CUT, PST_REASON_NO_RULE_L7));
	cr_expect_eq(f.head_seq, OK_LEN);
	cr_expect_eq(f.requests, 1);
	f = flow_at(0);
	cr_expect_eq(text(&f, 0, POST, 0), pass);
	cr_expect_eq(text(&f, POST_LEN, BODY BAD, POST_LEN),
		     ruled(PST_ACTION_CUT, PST_REASON_NO_RULE_L7));
	cr_expect_eq(f.head_seq, POST_LEN + 10);
	f = flow_at(0);
	cr_expect_eq(text(&f, 0, OK, 0), pass);
	cr_expect_eq(text(&f, 0, OK BAD, 0), ruled(PST_ACTION_CUT, PST_REASON_NO_RULE_L7),
		     "TCP may not have the first one");
	f = flow_at(0);
	cr_expect_eq(packet(&f, 0, OK BAD, strlen(OK BAD), 0, true),
		     ruled(PST_ACTION_KILL, PST_REASON_NO_RULE_L7), "nobody can send the rest");
	f = flow_at(0);
	cr_expect_eq(text(&f, 0, OK, 0), pass);
	cr_expect_eq(text(&f, 0, OK BAD, OK_LEN), ruled(PST_ACTION_DENY, PST_REASON_NO_RULE_L7),
		     "TCP has it");
}

/* Of a denied connection: LEN bytes at SEQ while TCP has accepted everything below ACCEPTED. */
static __u32 denied(struct pst_flow *f, __u32 seq, const char *bytes, size_t len, __u32 accepted)
{
	const struct pst_src src = {.bytes = (const unsigned char *)bytes};
	const struct pst_packet p = {.seq = seq, .len = (__u32)len, .accepted = accepted};

	return pst_judge_denied(f, &src, &p);
}

Test(judge, a_switch_that_tcp_has_not_taken_is_none)
{
	const char *ask = "GET /api/w HTTP/1.1\r\nHost: b\r\nConnection: upgrade\r\n"
			  "Upgrade: websocket\r\n\r\n";
	struct pst_flow f = flow_at(0);
	__u32 end;

	cr_assert_eq(packet(&f, 0, ask, strlen(ask), 0, true), pass);
	end = f.judged;
	answered(&f);
	f.follow = PST_FOLLOW_SWITCHED;
	cr_expect_eq(packet(&f, end, BAD, sizeof(BAD) - 1, 0, true),
		     ruled(PST_ACTION_DROP, PST_REASON_UPGRADE_PENDING));
	f.follow |= PST_FOLLOW_OPAQUE;
	cr_expect_eq(packet(&f, end, BAD, sizeof(BAD) - 1, 0, true), pass);
	f.follow = PST_FOLLOW_SWITCHED | PST_FOLLOW_LOST;
	cr_expect_eq(packet(&f, end, BAD, sizeof(BAD) - 1, 0, true),
		     ruled(PST_ACTION_KILL, PST_REASON_UPGRADE_LOST));
}

Test(judge, what_stands_before_a_denied_request_passes_in_packets_of_its_own)
{
	const char *bytes = OK POST BODY BAD;
	const __u32 end = OK_LEN + POST_LEN + 10;
	const __u32 after = ruled(PST_ACTION_DROP, PST_REASON_AFTER_DENY);
	struct pst_flow f = flow_at(0);

	cr_expect_eq(text(&f, 0, bytes, 0), ruled(PST_ACTION_CUT, PST_REASON_NO_RULE_L7));
	cr_expect_eq(denied(&f, 0, bytes, end + 1, 0), after);
	cr_expect_eq(denied(&f, end, bytes + end, 1, end), after);
	cr_expect_eq(denied(&f, 0, bytes, end, 0), pass);
	cr_expect_eq(denied(&f, 0, bytes, 5, 0), pass);
	cr_expect_eq(denied(&f, 5, bytes + 5, end - 5, 5), pass, "in pieces");
	cr_expect_eq(denied(&f, OK_LEN, bytes + OK_LEN, POST_LEN, 0), pass, "in any order");
	cr_expect_eq(denied(&f, 0, POST_2, OK_LEN, 0),
		     ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS), "as they were judged");
	cr_expect_eq(denied(&f, 0, POST_2, OK_LEN, OK_LEN), pass, "TCP has them");
	t_ring_shard(0)->taken += PST_RAW_SLOTS;
	cr_expect_eq(denied(&f, 0, bytes, end, 0),
		     ruled(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL), "nobody knows any more");
}

Test(judge, a_stream_does_not_end_before_a_denied_request)
{
	const char *bytes = OK BAD;
	const struct pst_src src = {.bytes = (const unsigned char *)bytes};
	struct pst_packet p = {.len = OK_LEN, .fin = 1};
	struct pst_flow f = flow_at(0);

	text(&f, 0, bytes, 0);
	cr_expect_eq(pst_judge_denied(&f, &src, &p), ruled(PST_ACTION_DROP, PST_REASON_AFTER_DENY));
	p.fin = 0;
	cr_expect_eq(pst_judge_denied(&f, &src, &p), pass);
	p.ordered = 1;
	cr_expect_eq(pst_judge_denied(&f, &src, &p), pass, "the sender's TCP repeats");
	p.len++;
	cr_expect_eq(pst_judge_denied(&f, &src, &p), ruled(PST_ACTION_DROP, PST_REASON_AFTER_DENY));
}

Test(judge, a_head_may_come_in_any_number_of_packets)
{
	for (size_t step = 1; step < OK_LEN; step++) {
		struct pst_flow f = flow_at(0);

		for (size_t at = 0; at < OK_LEN; at += step) {
			size_t len = OK_LEN - at < step ? OK_LEN - at : step;

			cr_expect_eq(f.requests, 0);
			cr_assert_eq(packet(&f, (__u32)at, OK + at, len, 0, false), pass);
		}
		cr_expect_eq(f.requests, 1, "step %zu", step);
		cr_expect_eq(f.judged, OK_LEN);
		for (size_t at = 0; at < sizeof(BAD) - 5; at++)
			cr_assert_eq(packet(&f, f.judged, BAD + at, 1, f.judged, false), pass);
		cr_expect_eq(packet(&f, f.judged, BAD + sizeof(BAD) - 5, 4, f.judged, false),
			     ruled(PST_ACTION_DENY, PST_REASON_NO_RULE_L7));
	}
}

Test(judge, a_head_without_end_is_too_long)
{
	struct pst_flow f = flow_at(0);
	static char fields[2048];
	int n = 0;

	memset(fields, 'x', sizeof(fields));
	cr_assert_eq(text(&f, 0, "GET /api/x HTTP/1.1\r\nA: ", 0), pass);
	while (packet(&f, f.judged, fields, sizeof(fields), f.judged, false) == pass)
		cr_assert_lt(n++, 33);
	cr_expect_eq(packet(&f, f.judged, fields, sizeof(fields), f.judged, false),
		     ruled(PST_ACTION_DENY, PST_REASON_HEAD_LONG));
	cr_expect_leq(f.judged, PST_MAX_HEAD);
}

Test(judge, a_body_and_the_next_head_in_one_packet)
{
	struct pst_flow f = flow_at(0);

	cr_expect_eq(text(&f, 0, POST, 0), pass);
	cr_expect_eq(text(&f, POST_LEN, BODY OK, POST_LEN), pass);
	cr_expect_eq(f.judged, POST_LEN + 10 + OK_LEN);
	cr_expect_eq(text(&f, f.judged, BAD, f.judged),
		     ruled(PST_ACTION_DENY, PST_REASON_NO_RULE_L7));
}

Test(judge, what_tcp_has_accepted_is_free)
{
	struct pst_flow f = flow_at(0);

	cr_expect_eq(text(&f, 0, OK, 0), pass);
	cr_expect_eq(text(&f, 1, BAD, OK_LEN + 1), ruled(PST_ACTION_KILL, PST_REASON_SEQUENCE),
		     "accepted beyond what was judged, outside a body");
	f = flow_at(0);
	cr_expect_eq(text(&f, 0, OK, 0), pass);
	cr_expect_eq(packet(&f, 0, BAD, OK_LEN, OK_LEN, false), pass);
}

Test(judge, unaccepted_framing_passes_again_only_byte_for_byte)
{
	struct pst_flow f = flow_at(0);

	cr_expect_eq(text(&f, 0, POST, 0), pass);
	cr_expect_eq(text(&f, 0, POST, 0), pass, "the same bytes");
	cr_expect_eq(text(&f, 0, POST BODY, 0), pass, "with what follows");
	cr_expect_eq(text(&f, 0, POST "0123456xxx" OK, 0), pass, "another body");
	cr_expect_eq(text(&f, 0, POST_2, 0), ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS),
		     "allowed as well, and as long");
	f = flow_at(0);
	cr_expect_eq(text(&f, 0, OK, 0), pass);
	cr_expect_eq(text(&f, 0, BAD, 0), ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS));
}

Test(judge, a_repeat_may_have_any_boundaries)
{
	const char *s = OK POST BODY OK;
	const size_t len = strlen(s);

	for (size_t step = 1; step < len; step += 5) {
		struct pst_flow f = flow_at(77);
		char other[256];

		for (size_t at = 0; at < len; at += step)
			cr_assert_eq(packet(&f, (__u32)(77 + at), s + at,
					    len - at < step ? len - at : step, 77, false),
				     pass);
		for (size_t at = 0; at < len; at++) {
			struct pst_flow copy = f;
			bool body = at >= OK_LEN + POST_LEN && at < OK_LEN + POST_LEN + 10;

			for (size_t n = 1; n <= len - at; n += 3)
				cr_assert_eq(packet(&f, (__u32)(77 + at), s + at, n, 77, false),
					     pass, "step %zu: %zu of %zu", step, at, n);
			memcpy(other, s, len);
			other[at] ^= 1;
			cr_assert_eq(packet(&copy, (__u32)(77 + at / 2), other + at / 2,
					    len - at / 2, 77, false),
				     body ? pass
					  : ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS),
				     "step %zu: byte %zu", step, at);
		}
	}
}

/* kernel-facts 6.2: the row that a first design gets wrong. */
Test(judge, a_head_that_tcp_dropped_cannot_be_replaced_piece_by_piece)
{
	struct pst_flow f = flow_at(0);
	char other[100];

	memset(other, 'X', sizeof(other));
	cr_expect_eq(text(&f, 0, POST_90, 0), pass);
	cr_expect_eq(packet(&f, 20, other, 80, 0, false),
		     ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS));
	f = flow_at(0);
	cr_expect_eq(text(&f, 0, POST_90, 0), pass);
	cr_expect_eq(packet(&f, 20, POST_90 + 20, 20, 0, false), pass);
	cr_expect_eq(packet(&f, 0, POST_90, 20, 0, false), pass);
}

Test(judge, of_a_partly_accepted_head_the_rest_is_proven)
{
	struct pst_flow f = flow_at(0);

	cr_expect_eq(text(&f, 0, POST, 0), pass);
	cr_expect_eq(text(&f, 0,
			  "xxxxxxx"
			  "i/x HTTP/1.1\r\n",
			  7),
		     ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS));
	f = flow_at(0);
	cr_expect_eq(text(&f, 0, POST, 0), pass);
	cr_expect_eq(text(&f, 0,
			  "xxxxxxx"
			  "pi/x HTTP/1.1\r\n",
			  7),
		     pass);
}

Test(judge, bodies_pass_out_of_order_and_heads_do_not)
{
	struct pst_flow f = flow_at(0);

	cr_expect_eq(text(&f, 0, POST, 0), pass);
	cr_expect_eq(text(&f, POST_LEN + 5, "56789", POST_LEN), pass);
	cr_expect_eq(f.body_left, 10, "seen, not counted");
	cr_expect_eq(text(&f, POST_LEN + 5, "56789" OK, POST_LEN),
		     ruled(PST_ACTION_DROP, PST_REASON_GAP));
	cr_expect_eq(text(&f, POST_LEN, "01234", POST_LEN), pass);
	cr_expect_eq(text(&f, POST_LEN + 10, OK, POST_LEN + 10), pass, "TCP filled the hole");
}

/* Slow servers, busy sockets: TCP may take what was judged much later. */
Test(judge, any_number_of_heads_may_be_judged_and_not_accepted)
{
	struct pst_flow f = flow_at(0);

	for (__u32 i = 0; i < PST_MAX_DUE; i++)
		cr_expect_eq(text(&f, i * OK_LEN, OK, 0), pass);
	cr_expect_eq(text(&f, 3 * OK_LEN, OK OK OK, 0), pass);
	cr_expect_eq(text(&f, 3 * OK_LEN, OK BAD, 0),
		     ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS));
}

Test(judge, a_newer_policy_waits_for_a_request_to_begin)
{
	struct pst_flow f = flow_at(0);
	__u32 ruleset;
	const struct pst_table *t = t_core_table(&ruleset);
	const struct pst_src src = {.bytes = (const unsigned char *)BODY OK};
	struct pst_packet p = {.seq = POST_LEN, .len = 10, .accepted = POST_LEN, .renew = 1};

	cr_assert_eq(text(&f, 0, POST, 0), pass);
	cr_expect_not(pst_judge_at_rest(&f));
	cr_expect_eq(pst_judge_packet(&f, t, &src, &p), pass, "the body belongs to the old one");
	cr_expect(pst_judge_at_rest(&f));

	f = flow_at(0);
	cr_assert_eq(text(&f, 0, POST, 0), pass);
	p.len += OK_LEN;
	cr_expect_eq(pst_judge_packet(&f, t, &src, &p), ruled(PST_ACTION_DROP, PST_REASON_RENEWED));
	cr_expect(pst_judge_at_rest(&f));
	cr_expect_eq(f.judged, POST_LEN + 10);
	p.renew = 0;
	cr_expect_eq(pst_judge_packet(&f, t, &src, &p), pass, "the repeat, by the new one");
	cr_expect_eq(f.requests, 2);
}

Test(judge, nothing_passes_behind_a_websocket_handshake_until_it_is_answered)
{
	struct pst_flow f = flow_at(0);

	cr_assert_eq(text(&f, 0, OK OK, 0), pass);
	f.flags |= PST_FLOW_UPGRADE;
	f.upgrade = 1;
	cr_expect_eq(text(&f, f.judged, OK, f.judged),
		     ruled(PST_ACTION_DROP, PST_REASON_UPGRADE_PENDING));
	cr_expect_eq(text(&f, OK_LEN, OK OK, OK_LEN),
		     ruled(PST_ACTION_KILL, PST_REASON_UPGRADE_EARLY));
	f.responses = 1;
	cr_expect_eq(text(&f, f.judged, OK, f.judged),
		     ruled(PST_ACTION_DROP, PST_REASON_UPGRADE_PENDING), "the request before");
	f.responses = 2;
	cr_expect_eq(text(&f, f.judged, OK, f.judged), pass, "refused");
	f.flags |= PST_FLOW_UPGRADE;
	f.upgrade = 2;
	f.follow = PST_FOLLOW_LOST;
	cr_expect_eq(text(&f, f.judged, OK, f.judged),
		     ruled(PST_ACTION_KILL, PST_REASON_UPGRADE_LOST));
	f.follow = PST_FOLLOW_OPAQUE;
	cr_expect_eq(text(&f, f.judged + 5, "\x81\x05hello", f.judged), pass);
}

/* Else a body that some server gives to a HEAD could say 101 in the handshake's name. */
Test(judge, a_websocket_handshake_does_not_pass_while_answers_are_due)
{
	const char *handshake = "GET /api/w HTTP/1.1\r\nHost: b\r\nConnection: upgrade\r\n"
				"Upgrade: websocket\r\n\r\n";
	struct pst_flow f = flow_at(0);

	cr_assert_eq(text(&f, 0, OK, 0), pass);
	cr_expect_eq(text(&f, OK_LEN, handshake, OK_LEN),
		     ruled(PST_ACTION_KILL, PST_REASON_PIPELINED));
	cr_expect_not(f.flags & PST_FLOW_UPGRADE);

	f = flow_at(0);
	cr_assert_eq(text(&f, 0, OK, 0), pass);
	answered(&f);
	cr_expect_eq(text(&f, OK_LEN, handshake, OK_LEN), pass);
	cr_expect(f.flags & PST_FLOW_UPGRADE);
}

#define OFFER(method)                                                                   \
	method " /api/x HTTP/1.1\r\nHost: b\r\nConnection: Upgrade, HTTP2-Settings\r\n" \
	       "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"

/* Most servers answer it as any request. */
Test(judge, http_goes_on_behind_an_offer_of_http2_that_is_not_taken)
{
	struct pst_flow f = flow_at(0);

	cr_assert_eq(text(&f, 0, OFFER("GET") "\r\n", 0), pass);
	cr_expect_eq(text(&f, f.judged, OK, f.judged),
		     ruled(PST_ACTION_DROP, PST_REASON_UPGRADE_PENDING));
	answered(&f);
	cr_expect_eq(text(&f, f.judged, OK, f.judged), pass);
	answered(&f);
	cr_expect_eq(text(&f, f.judged, OK, f.judged), pass);
}

/* A server that switches too soon would read it as HTTP/2. */
Test(judge, an_offer_of_http2_has_no_body)
{
	struct pst_flow f = flow_at(0);

	cr_expect_eq(text(&f, 0, OFFER("POST") "Content-Length: 9\r\n\r\nPRI * HTT", 0),
		     ruled(PST_ACTION_DENY, PST_REASON_H2C));
	f = flow_at(0);
	cr_expect_eq(text(&f, 0, OFFER("POST") "Transfer-Encoding: chunked\r\n\r\n", 0),
		     ruled(PST_ACTION_DENY, PST_REASON_H2C));
	f = flow_at(0);
	cr_expect_eq(text(&f, 0, OFFER("POST") "Content-Length: 0\r\n\r\n", 0), pass);
}

Test(judge, nothing_passes_behind_an_offer_of_http2_that_is_taken)
{
	struct pst_flow f = flow_at(0);

	cr_assert_eq(text(&f, 0, OFFER("GET") "\r\n", 0), pass);
	f.follow = PST_FOLLOW_OPAQUE;
	cr_expect_eq(text(&f, 0, OFFER("GET") "\r\n", f.judged), pass, "a repeat");
	cr_expect_eq(text(&f, f.judged, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", f.judged),
		     ruled(PST_ACTION_KILL, PST_REASON_H2C));
}

/* The two directions run at once: the answer is counted while the next request is looked at. */
Test(judge, nothing_passes_behind_a_request_that_began_while_an_offer_of_http2_was_taken)
{
	struct pst_flow f = flow_at(0);

	cr_assert_eq(text(&f, 0, OFFER("GET") "\r\n", 0), pass);
	answered(&f);
	cr_assert_eq(text(&f, f.judged, "P", f.judged), pass);
	f.follow = PST_FOLLOW_OPAQUE;
	cr_expect_eq(text(&f, f.judged, "RI * HTTP/2.0\r\n\r\nSM\r\n\r\n", f.judged),
		     ruled(PST_ACTION_KILL, PST_REASON_UPGRADE_LOST));
}

Test(judge, no_request_begins_where_the_server_has_just_left_http)
{
	static const __u8 left[] = {PST_FOLLOW_OPAQUE, PST_FOLLOW_SWITCHED};

	for (size_t i = 0; i < sizeof(left); i++) {
		struct pst_flow f = flow_at(0);
		struct pst_judge j = {.flow = &f};

		cr_assert_eq(text(&f, 0, OFFER("GET") "\r\n", 0), pass);
		answered(&f);
		f.follow = left[i];
		j.start = f.judged;
		cr_expect_eq(pst_judge_behind_upgrade(&j),
			     ruled(PST_ACTION_DROP, PST_REASON_UPGRADE_PENDING));
		j.start--;
		cr_expect_eq(pst_judge_behind_upgrade(&j),
			     ruled(PST_ACTION_KILL, PST_REASON_UPGRADE_EARLY));
	}
}

Test(judge, the_sender_side_is_in_wire_order)
{
	struct pst_flow f = flow_at(0);

	cr_expect_eq(packet(&f, 0, POST, POST_LEN, 0, true), pass);
	cr_expect_eq(packet(&f, 0, BAD, 20, 0, true), pass,
		     "a retransmission from TCP's own buffer");
	cr_expect_eq(packet(&f, POST_LEN - 3, "\r\n\r\n" BODY, 13, 0, true), pass, "overlap");
	cr_expect_eq(f.body_left, 0);
	cr_expect_eq(packet(&f, f.judged + 1, OK, OK_LEN, 0, true),
		     ruled(PST_ACTION_KILL, PST_REASON_SEQUENCE));
}

Test(judge, bodies_may_be_longer_than_the_sequence_space)
{
	const char *head = "POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 9000000000\r\n\r\n";
	struct pst_flow f = flow_at(0);
	static char block[1 << 16];
	unsigned long long left = 9000000000ULL;

	cr_expect_eq(text(&f, 0, head, 0), pass);
	cr_expect_eq(f.body_left, left);
	for (int i = 0; i < 1000; i++, left -= sizeof(block))
		cr_assert_eq(packet(&f, f.judged, block, sizeof(block), f.judged, false), pass);
	cr_expect_eq(f.body_left, left);
}

/*
 * The model: a TCP receiver with an out-of-order queue of bytes that drops packets at will, behind
 * the judge; and a sender who sends any range of any of several streams in any order. Whatever the
 * application reads must be allowed requests, judged from scratch.
 */
enum { STREAM = 512, VARIANTS = 5 };

struct receiver {
	unsigned char bytes[STREAM];
	bool have[STREAM];
	size_t next; /* rcv_nxt, relative to the stream's first byte */
};

static void receive(struct receiver *r, size_t at, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t k = at + i;

		if (k < r->next || k >= STREAM || r->have[k])
			continue; /* what is there already stays */
		r->bytes[k] = bytes[i];
		r->have[k] = true;
	}
	while (r->next < STREAM && r->have[r->next])
		r->next++;
}

/* Streams that differ in what is allowed, how long bodies are, and where a request begins. */
static size_t variant(unsigned int which, unsigned char out[STREAM])
{
	static const char *const streams[VARIANTS] = {
		POST BODY OK OK,
		POST_2 BODY OK POST BODY,
		POST_90
		"GET /admi HTTP/1.1\r\nHost: b\r\n\r\nGET /admi HTTP/1.1\r\nHost: b\r\n\r\n" OK OK,
		BAD OK POST BODY OK,
		OK OK POST BODY BAD,
	};
	size_t len = strlen(streams[which]);

	memcpy(out, streams[which], len);
	return len;
}

/* Is what the application has read a sequence of allowed requests, the last one perhaps unfinished?
 */
static bool all_allowed(const struct receiver *r)
{
	__u32 ruleset;
	const struct pst_table *t = t_core_table(&ruleset);
	const struct pst_src src = {.bytes = r->bytes};
	size_t at = 0;

	while (at < r->next) {
		struct pst_http h;
		__u32 ruling = pst_judge_head(&h, t, &src, (__u32)at, (__u32)r->next, ruleset);

		if (ruling == ruled(PST_ACTION_DENY, PST_REASON_HEAD_SPLIT))
			return true; /* nobody acts on a part of a head */
		if (ruling != pass)
			return false;
		at += h.stop + h.length;
	}
	return true;
}

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

/* Is a packet let through? With GATE off the repeats of judged bytes pass, as a naive judge would
 * have it. */
static bool let_through(struct pst_flow *f, size_t at, const unsigned char *bytes, size_t len,
			const struct receiver *r, bool gate, bool *dead)
{
	__u32 judged = f->judged, ruleset, ruling;
	const struct pst_src src = {.bytes = bytes};
	const struct pst_packet p = {
		.seq = (__u32)at, .len = (__u32)len, .accepted = (__u32)r->next};

	if (!gate && at >= r->next && at + len <= judged)
		return true;
	ruling = pst_judge_packet(f, t_core_table(&ruleset), &src, &p);
	*dead = ruling >> 8 != PST_ACTION_PASS && ruling >> 8 != PST_ACTION_DROP;
	return ruling >> 8 == PST_ACTION_PASS;
}

/* One connection of random packets; false when the application read what nobody allowed. */
static bool attack(unsigned int seed, bool gate)
{
	struct pst_flow f = flow_at(0);
	struct receiver r = {.next = 0};
	unsigned char stream[STREAM];
	bool dead = false;

	for (int i = 0; i < 24 && !dead; i++) {
		size_t n = variant(next_random(&seed) % VARIANTS, stream), at, len;

		/* Often at a place where something begins. */
		at = next_random(&seed) % 3 ? next_random(&seed) % n
					    : (next_random(&seed) % 2 ? f.judged : r.next);
		if (at >= n)
			at = 0;
		len = next_random(&seed) % 3 ? n - at : 1 + next_random(&seed) % (n - at);
		if (next_random(&seed) % 2 && at < OK_LEN)
			at = 0, len = next_random(&seed) % 2 ? POST_LEN : OK_LEN;
		if (let_through(&f, at, stream + at, len, &r, gate, &dead) &&
		    next_random(&seed) % 3) /* else TCP drops it: checksum, memory */
			receive(&r, at, stream + at, len);
		if (next_random(&seed) % 2 && r.next >= f.framed)
			answered(&f);
	}
	return all_allowed(&r);
}

Test(judge, whatever_a_hostile_sender_does_the_server_reads_allowed_requests_only, .timeout = 120)
{
	for (unsigned int seed = 1; seed <= 100000; seed++)
		cr_assert(attack(seed, true), "seed %u", seed);
}

Test(judge, the_model_finds_a_judge_that_lets_repeats_pass, .timeout = 120)
{
	unsigned int seed = 1;

	while (seed <= 100000 && attack(seed, false))
		seed++;
	cr_expect_leq(seed, 100000, "no violation found: the model proves nothing");
}
