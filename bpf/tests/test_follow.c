// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/core.h"

#include "bpf/follow.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>

/* The last answer that was complete. */
static struct {
	__u32 status, us, follow;
} answered;

static void pst_follow_answered(const struct pst_follower *fw, __u32 status, __u32 us)
{
	answered.status = status;
	answered.us = us;
	answered.follow = fw->flow->follow;
}

#define INTERIM "HTTP/1.1 100 Continue\r\n\r\n"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define OK_0	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define OK_1	"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"

static struct pst_flow awaiting(__u32 requests, enum pst_http_method method)
{
	return (struct pst_flow){.requests = requests, .heads = method == PST_METHOD_HEAD};
}

static void packet(struct pst_flow *f, __u32 seq, const char *bytes, size_t len, __u32 accepted,
		   __u32 ordered)
{
	__u32 ruleset;
	unsigned char *copy = t_core_guarded(bytes, len);
	const struct pst_src src = {.bytes = copy};
	const struct pst_packet p = {
		.seq = seq, .len = (__u32)len, .accepted = accepted, .ordered = ordered};

	pst_follow_packet(f, t_core_table(&ruleset), &src, &p);
	t_core_unguard(copy, len);
}

/* Feeds S in pieces of STEP bytes on the wire-order side. */
static struct pst_flow fed(struct pst_flow f, const char *s, size_t step)
{
	size_t len = strlen(s);

	for (size_t at = 0; at < len; at += step)
		packet(&f, (__u32)at, s + at, len - at < step ? len - at : step, 0, 1);
	return f;
}

/* In what state is a flow after S, however it is cut? responses < 0: lost. */
static void ends(const char *s, enum pst_http_method method, __u32 requests, int responses)
{
	for (size_t step = 1; step <= strlen(s); step++) {
		struct pst_flow f = fed(awaiting(requests, method), s, step);

		if (responses < 0) {
			cr_expect(f.follow & PST_FOLLOW_LOST, "step %zu: %s", step, s);
			continue;
		}
		cr_expect_not(f.follow & PST_FOLLOW_LOST, "step %zu: %s", step, s);
		cr_expect_eq(f.responses, (__u32)responses, "step %zu: %s", step, s);
	}
}

/* The same, in one packet, for one GET. */
static void ends_at_once(const char *s, int responses)
{
	struct pst_flow f = fed(awaiting(1, PST_METHOD_GET), s, strlen(s));

	cr_expect_eq(!!(f.follow & PST_FOLLOW_LOST), responses < 0, "%s", s);
	cr_expect_eq(f.responses, responses < 0 ? 0U : (__u32)responses, "%s", s);
}

Test(follow, content_length)
{
	ends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde", PST_METHOD_GET, 1, 1);
	ends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd", PST_METHOD_GET, 1, 0);
	ends("HTTP/1.0 200 OK\r\ncontent-length: 0\r\nX: y\r\n\r\n", PST_METHOD_GET, 1, 1);
	ends("HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", PST_METHOD_GET, 1, 1);
}

Test(follow, answers_without_body)
{
	ends("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", PST_METHOD_HEAD, 1, 1);
	ends("HTTP/1.1 204 No\r\n\r\n", PST_METHOD_GET, 1, 1);
	ends("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", PST_METHOD_GET, 1, 1);
}

Test(follow, an_interim_answer_is_not_the_final_one)
{
	ends(INTERIM, PST_METHOD_OTHER, 1, 0);
	ends(INTERIM "HTTP/1.1 103 E\r\nLink: x\r\n\r\n" OK_1 "a", PST_METHOD_OTHER, 1, 1);
	ends("HTTP/1.1 101 Switching\r\n\r\n", PST_METHOD_GET, 1, -1);
}

Test(follow, chunks_with_extensions_and_trailers)
{
	ends(CHUNKED "5;a=b\r\nabcde\r\n0A\r\n0123456789\r\n0\r\nT: x\r\nContent-Length: 9\r\n\r\n",
	     PST_METHOD_GET, 1, 1);
	ends("HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n", PST_METHOD_GET, 1,
	     1);
	ends(CHUNKED "5\r\nabcde\r\n", PST_METHOD_GET, 1, 0);
	ends(CHUNKED "5\r\nabcdeX", PST_METHOD_GET, 1, -1);
	ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
	     PST_METHOD_GET, 1, -1);
	ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", PST_METHOD_GET, 1, -1);
}

Test(follow, a_body_until_the_end_leaves_the_answer_due)
{
	struct pst_flow f = fed(awaiting(1, PST_METHOD_GET), "HTTP/1.1 200 OK\r\n\r\nabc", 7);

	cr_expect(f.follow & PST_FOLLOW_TO_CLOSE);
	cr_expect_eq(pst_flow_due(&f), 1);
}

Test(follow, an_answer_to_nothing_is_lost)
{
	ends("HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n", PST_METHOD_GET, 0, -1);
	ends("nonsense\r\n", PST_METHOD_GET, 1, -1);
	ends(OK_0 OK_0, PST_METHOD_GET, 1, -1);
}

Test(follow, two_answers_in_one_packet)
{
	ends(OK_1 "a" OK_0, PST_METHOD_GET, 2, 2);
}

Test(follow, retransmissions_change_nothing)
{
	const char *s = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcde";
	struct pst_flow f = awaiting(1, PST_METHOD_GET);

	packet(&f, 0, s, 20, 0, 1);
	packet(&f, 0, s, 20, 0, 1);
	packet(&f, 10, s + 10, strlen(s) - 10, 0, 1);
	cr_expect_eq(f.responses, 1);
	cr_expect_not(f.follow & PST_FOLLOW_LOST);
}

Test(follow, at_the_receiver_a_hole_is_forgiven_inside_a_body_only)
{
	const char *s = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi";
	const size_t len = strlen(s);
	struct pst_flow f = awaiting(1, PST_METHOD_GET);

	packet(&f, 0, s, len - 6, 0, 0);
	packet(&f, (__u32)len - 4, s + len - 4, 2, (__u32)len - 6, 0);
	cr_expect_not(f.follow & PST_FOLLOW_LOST);
	packet(&f, (__u32)len - 2, s + len - 2, 2, (__u32)len - 2, 0);
	cr_expect_eq(f.responses, 1, "TCP filled the hole and says so");
	cr_expect_not(f.follow & PST_FOLLOW_LOST);

	f = awaiting(1, PST_METHOD_GET);
	packet(&f, 5, s + 5, len - 5, 0, 0);
	cr_expect(f.follow & PST_FOLLOW_LOST);
}

/* 259 digits are three modulo 256. */
Test(follow, a_status_has_three_digits_and_no_multiple_of_256_more)
{
	char s[400];

	for (int zeros = 0; zeros < 300; zeros++) {
		snprintf(s, sizeof(s), "HTTP/1.1 %0*d OK\r\nContent-Length: 0\r\n\r\n", zeros + 3,
			 204);
		ends_at_once(s, zeros ? -1 : 1);
	}
	ends_at_once("HTTP/1.1 99 OK\r\nContent-Length: 0\r\n\r\n", -1);
	ends_at_once("HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", -1);
	ends_at_once("HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n", 1);
}

Test(follow, answers_never_outnumber_requests)
{
	const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	char s[400];

	for (__u32 requests = 0; requests < 3; requests++) {
		for (size_t step = 1; step < 200; step++) {
			struct pst_flow f;

			snprintf(s, sizeof(s), "%s%s%s%s", answer, answer, answer, answer);
			f = fed(awaiting(requests, PST_METHOD_GET), s, step);
			cr_expect(f.follow & PST_FOLLOW_LOST);
			cr_expect_eq(f.responses, requests, "%u requests, step %zu", requests,
				     step);
		}
	}
}

Test(follow, a_chunk_size_of_eight_digits_is_the_limit)
{
	const char *head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	char s[200];
	struct pst_flow f;

	snprintf(s, sizeof(s), "%sfffffFFF\r\nabc", head);
	f = fed(awaiting(1, PST_METHOD_GET), s, 1000);
	cr_expect_not(f.follow & PST_FOLLOW_LOST);
	cr_expect_eq(f.data_left, 0xffffffffULL - 3);
	snprintf(s, sizeof(s), "%s000000001\r\na\r\n", head);
	ends_at_once(s, -1);
	snprintf(s, sizeof(s), "%s0x1\r\na\r\n", head);
	ends_at_once(s, -1);
	snprintf(s, sizeof(s), "%s\r\na\r\n", head);
	ends_at_once(s, -1);
}

/* The packets of a large answer come from a sender who may be far away: its body is arithmetic. */
Test(follow, a_body_may_be_longer_than_the_sequence_space)
{
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 6000000000\r\n\r\n";
	static char block[1 << 19];
	struct pst_flow f = fed(awaiting(1, PST_METHOD_GET), head, 1000);
	unsigned long long left = 6000000000ULL;

	while (left) {
		size_t n = left < sizeof(block) ? (size_t)left : sizeof(block);
		const struct pst_src src = {.bytes = (const unsigned char *)block};
		const struct pst_packet p = {.seq = f.followed, .len = (__u32)n, .ordered = 1};
		__u32 ruleset;

		cr_assert_eq(f.responses, 0);
		pst_follow_packet(&f, t_core_table(&ruleset), &src, &p);
		left -= n;
	}
	cr_expect_not(f.follow & PST_FOLLOW_LOST);
	cr_expect_eq(f.responses, 1);
}

/* The client denies a request while the last packets of an answer came in the wrong order. */
Test(follow, what_tcp_has_put_in_order_may_complete_an_answer)
{
	const char *s = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi";
	const __u32 len = (__u32)strlen(s);
	struct pst_flow f = awaiting(1, PST_METHOD_GET);

	packet(&f, 0, s, len - 6, 0, 0);
	packet(&f, len - 4, s + len - 4, 4, len - 6, 0);
	packet(&f, len - 6, s + len - 6, 2, len - 6, 0);
	cr_expect_eq(f.responses, 0);
	pst_follow_catch_up(&f, len);
	cr_expect_eq(f.responses, 1);
	cr_expect_not(f.follow);
	cr_expect_eq(f.followed, len);
	pst_follow_catch_up(&f, len + 1);
	cr_expect(f.follow & PST_FOLLOW_LOST, "nobody knows what that was");
}

#define OK_1_X "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n\r\n"

/* Whoever begins to observe between the question and the answer learns no time. */
Test(follow, the_time_of_an_answer_is_known_when_both_ends_were_looked_at)
{
	static const struct {
		__u32 asked, now, us;
	} cases[] = {{5, 105, 100}, {7, 7, 1}, {~0U, 2, 3}, {0, 9, 0}, {9, 0, 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct pst_flow f = awaiting(1, PST_METHOD_GET);

		f.asked_us[0] = cases[i].asked;
		t_core_clock = cases[i].now;
		answered.us = 77;
		packet(&f, 0, OK_0, sizeof(OK_0) - 1, 0, 1);
		cr_expect_eq(answered.us, cases[i].us, "%u .. %u", cases[i].asked, cases[i].now);
	}
}

static struct pst_flow asked_to_switch(void)
{
	return (struct pst_flow){.requests = 1, .flags = PST_FLOW_UPGRADE};
}

Test(follow, at_the_client_a_switch_counts_when_tcp_has_taken_it)
{
	const __u32 len = sizeof(SWITCH) - 1;
	struct pst_flow f = asked_to_switch();

	packet(&f, 0, SWITCH "frames", len + 6, 0, 0);
	cr_expect_eq(f.follow, PST_FOLLOW_SWITCHED);
	pst_follow_confirm(&f, len - 1);
	cr_expect_eq(f.follow, PST_FOLLOW_SWITCHED);
	pst_follow_confirm(&f, len);
	cr_expect_eq(f.follow, PST_FOLLOW_SWITCHED | PST_FOLLOW_OPAQUE);
	packet(&f, 0, OK_0, sizeof(OK_0) - 1, 0, 0);
	cr_expect_not(f.follow & PST_FOLLOW_LOST, "too late for doubts");

	f = asked_to_switch();
	packet(&f, 0, SWITCH, len, 0, 0);
	packet(&f, len, "frames", 6, len, 0);
	cr_expect(f.follow & PST_FOLLOW_OPAQUE, "the server's next packet shows it, too");

	f = asked_to_switch();
	packet(&f, 0, SWITCH, len, 0, 1);
	cr_expect_eq(f.follow, PST_FOLLOW_OPAQUE, "at the server there is nothing to doubt");
}

/* Or the judge, which looks at both at any time, would let HTTP go on. */
Test(follow, a_switch_is_known_before_its_answer_is_counted)
{
	const __u32 len = sizeof(SWITCH) - 1;
	struct pst_flow f = asked_to_switch();

	packet(&f, 0, SWITCH, len, 0, 1);
	cr_expect_eq(answered.follow, PST_FOLLOW_OPAQUE);
	f = asked_to_switch();
	packet(&f, 0, SWITCH, len, 0, 0);
	cr_expect_eq(answered.follow, PST_FOLLOW_SWITCHED);
	cr_expect_eq(f.responses, 1);
}

Test(follow, at_the_client_a_forged_switch_loses_the_thread)
{
	const __u32 len = sizeof(SWITCH) - 1;
	const char *no = "HTTP/1.1 400 No\r\nContent-Length: 900\r\n\r\n";
	struct pst_flow f = asked_to_switch();

	packet(&f, 0, SWITCH, len, 0, 0);
	packet(&f, 0, no, strlen(no), 0, 0);
	cr_expect(f.follow & PST_FOLLOW_LOST);
	pst_follow_confirm(&f, 900);
	cr_expect_not(f.follow & PST_FOLLOW_OPAQUE);

	f = asked_to_switch();
	packet(&f, 0, SWITCH, 20, 0, 0);
	packet(&f, 5, no + 5, 5, 5, 0);
	cr_expect(f.follow & PST_FOLLOW_LOST, "in the middle of it");
}

Test(follow, at_the_client_repeats_of_what_is_taken_or_of_a_body_are_no_doubt)
{
	const char *s = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi";
	const __u32 len = (__u32)strlen(s), body = len - 9;
	struct pst_flow f = awaiting(1, PST_METHOD_GET);

	packet(&f, 0, s, len, 0, 0);
	packet(&f, body, s + body, 9, 0, 0);
	packet(&f, body, s + body, 9, body, 0);
	cr_expect_not(f.follow & PST_FOLLOW_LOST);
	packet(&f, body - 1, s + body - 1, 9, body, 0);
	cr_expect_not(f.follow & PST_FOLLOW_LOST, "TCP has the head");
	f = awaiting(1, PST_METHOD_GET);
	packet(&f, 0, s, len, 0, 0);
	packet(&f, body - 1, s + body - 1, 9, body - 1, 0);
	cr_expect(f.follow & PST_FOLLOW_LOST);
}

/*
 * The client's own network against a model: a server that never switches, and whose answers hold
 * what the client would like to read; a forger whose packets the client's TCP discards; a client
 * that asks for the other protocol when nothing is due. CREDULOUS is a follower that knows no
 * doubt. False when the switch is believed.
 */
static bool resists(unsigned int seed, bool credulous)
{
	static const char real[] = "HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n" SWITCH
				   "0123456789012345678901234567890123456789" OK_1 "x" OK_0;
	static const char *const forged[] = {SWITCH, OK_0, OK_1_X,
					     "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n",
					     "HTTP/1.1 101 x\r\nA: "};
	static const __u32 edges[] = {0, 19, 38, 50, 76, 116, 118, 150, 157, 158, 196};
	struct pst_flow f = {.requests = 1};
	__u32 taken = 0, ruleset, n_edges = sizeof(edges) / sizeof(*edges);
	struct pst_packet p;

	for (int i = 0; i < 24; i++) {
		__u32 r = (seed = seed * 1103515245 + 12345) >> 8, at = f.followed, end;
		const char *bytes = forged[r % 5];

		if (r & 1 << 10)
			at = taken;
		end = at + (__u32)strlen(bytes);
		if (r & 1 << 11) {
			end = edges[(r >> 12) % n_edges];
			bytes = real + at;
		}
		if (end <= at || (r & 1 << 11 && end >= sizeof(real)))
			continue;
		p = (struct pst_packet){
			.seq = at, .len = end - at, .accepted = credulous ? f.headed : taken};
		pst_follow_packet(&f, t_core_table(&ruleset),
				  &(struct pst_src){(const unsigned char *)bytes}, &p);
		if (r & 1 << 11 && r & 3 << 16 && at <= taken)
			taken = end > taken ? end : taken;
		if (!pst_flow_due(&f) && !(f.flags & PST_FLOW_UPGRADE)) {
			f.upgrade = f.requests++;
			f.flags |= r & 1 << 20 ? PST_FLOW_UPGRADE : 0;
		}
		pst_follow_confirm(&f, taken);
	}
	return !(f.follow & PST_FOLLOW_OPAQUE);
}

Test(follow, forged_packets_never_make_a_client_believe_in_a_switch)
{
	unsigned int seed = 0;

	while (++seed <= 100000)
		cr_assert(resists(seed * 2654435761U, false), "seed %u", seed);
	for (seed = 1; seed <= 100000 && resists(seed * 2654435761U, true);)
		seed++;
	cr_expect_leq(seed, 100000, "the model finds no hole where there is one");
}
