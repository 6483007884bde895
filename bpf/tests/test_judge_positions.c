// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Positions of the judge in long streams: 32-bit numbers that come round again, a judge that runs
 * ahead of TCP, and the number that a FIN takes. Bodies are arithmetic, so gigabytes cost nothing.
 */
#include "bpf/tests/core.h"

#include "bpf/tests/ring.h"

#include "bpf/judge.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define OK "GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"

enum { OK_LEN = sizeof(OK) - 1, BLOCK = 1 << 19 };

static const __u32 pass = PST_ACTION_PASS << 8 | PST_REASON_RULE;

/* A connection whose TCP takes what the tests say. */
struct stream {
	struct pst_flow flow;
	const struct pst_table *table;
	__u32 accepted;
	__u32 ordered;
};

static struct stream stream_at(__u32 isn, __u32 ordered)
{
	struct stream s = {.accepted = isn, .ordered = ordered};
	__u32 ruleset;

	s.table = t_core_table(&ruleset);
	s.flow = (struct pst_flow){
		.flags = PST_FLOW_STREAM_KNOWN, .judged = isn, .ruleset = (__u16)ruleset};
	return s;
}

static __u32 send(struct stream *s, __u32 seq, const char *bytes, size_t len)
{
	const struct pst_src src = {.bytes = (const unsigned char *)bytes};
	const struct pst_packet p = {
		.seq = seq, .len = (__u32)len, .accepted = s->accepted, .ordered = s->ordered};

	return pst_judge_packet(&s->flow, s->table, &src, &p);
}

/* A POST whose body is LENGTH long; TCP takes the head. */
static void begin_body(struct stream *s, unsigned long long length)
{
	char head[128];
	int n = snprintf(head, sizeof(head),
			 "POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: %llu\r\n\r\n", length);

	cr_assert_eq(send(s, s->flow.judged, head, (size_t)n), pass);
	s->accepted = s->flow.judged;
}

/* LENGTH bytes of body in order; TCP takes them when TAKEN. Returns the first ruling that is no
 * pass. */
static __u32 send_body(struct stream *s, unsigned long long length, int taken)
{
	static char block[BLOCK];

	while (length) {
		__u32 n = length < BLOCK ? (__u32)length : BLOCK;
		__u32 ruling = send(s, s->flow.judged, block, n);

		if (ruling != pass)
			return ruling;
		length -= n;
		if (taken)
			s->accepted = s->flow.judged;
	}
	return pass;
}

/*
 * cgroup_skb runs before TCP looks at window and checksum. A judge that follows the sender without
 * end loses four gigabytes of body when its position has gone once round: from then on the server
 * reads as a request what the judge takes for the body of an allowed one.
 */
Test(positions, the_judge_does_not_run_ahead_of_tcp_beyond_any_window)
{
	const unsigned long long length = 100000000000ULL;
	struct stream s = stream_at(7, 0);
	unsigned long long taken;

	begin_body(&s, length);
	cr_expect_eq(send_body(&s, 1ULL << 33, 0), pst_ruling(PST_ACTION_DROP, PST_REASON_GAP));
	taken = length - s.flow.body_left;
	cr_expect_eq((__u32)taken, s.flow.judged - s.accepted);
	cr_expect_leq(taken, 1ULL << 30);
	/* Then TCP takes it all, and there is room again. */
	s.accepted = s.flow.judged;
	cr_expect_eq(send_body(&s, BLOCK, 1), pass);
	cr_expect_eq(s.flow.body_left, length - taken - BLOCK);
}

Test(positions, the_window_bounds_what_passes_out_of_order_as_well)
{
	struct stream s = stream_at(0, 0);
	static char block[BLOCK];

	begin_body(&s, 1ULL << 40);
	cr_expect_eq(send(&s, s.accepted + (1U << 30) - BLOCK, block, BLOCK), pass);
	cr_expect_eq(send(&s, s.accepted + (1U << 30) - BLOCK + 1, block, BLOCK),
		     pst_ruling(PST_ACTION_DROP, PST_REASON_GAP));
}

/* 2 GiB behind a head, its number looks like one that is still to come. */
Test(positions, a_request_may_follow_a_body_of_any_length)
{
	static const unsigned long long lengths[] = {
		(1ULL << 31) - 100, 1ULL << 31,		3ULL << 30, (1ULL << 32) - 64,
		1ULL << 32,	    (1ULL << 32) + 100, 5ULL << 30, 11ULL << 30,
	};

	for (__u32 ordered = 0; ordered < 2; ordered++) {
		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
			struct stream s = stream_at(0xfffff000, ordered);

			begin_body(&s, lengths[i]);
			cr_assert_eq(send_body(&s, lengths[i], 1), pass);
			s.flow.responses = s.flow.requests;
			cr_expect_eq(send(&s, s.flow.judged, OK, OK_LEN), pass, "body of %llu",
				     lengths[i]);
			cr_expect_eq(s.flow.requests, 2);
		}
	}
}

/* 4 GiB behind a head, its number comes again: what is there now is body. */
Test(positions, a_repeated_body_is_not_taken_for_the_head_one_round_before)
{
	struct stream s = stream_at(0, 0);
	static char block[BLOCK];

	begin_body(&s, 5ULL << 30);
	cr_assert_eq(send_body(&s, (1ULL << 32) - (s.flow.framed - s.flow.head_seq) - 100, 1),
		     pass);
	cr_assert_eq(send(&s, s.flow.judged, block, BLOCK), pass);
	cr_expect_eq(send(&s, s.flow.judged - BLOCK, block, BLOCK), pass, "TCP dropped it");
	cr_expect_eq(send(&s, s.flow.judged - BLOCK + 110, block, 200), pass);
}

/* A FIN takes a number of its own, so TCP is one byte beyond all that was judged. */
Test(positions, a_repeat_behind_an_accepted_fin_is_old)
{
	struct stream s = stream_at(0, 0);

	cr_assert_eq(send(&s, 0, OK, OK_LEN), pass);
	s.accepted = OK_LEN + 1;
	cr_expect_eq(send(&s, 0, OK, OK_LEN), pass, "the acknowledgement of the FIN was lost");
	cr_expect_eq(send(&s, OK_LEN + 1, OK, OK_LEN),
		     pst_ruling(PST_ACTION_KILL, PST_REASON_SEQUENCE), "nothing follows a FIN");
}
