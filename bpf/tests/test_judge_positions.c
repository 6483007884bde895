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

#define OK  "GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"
#define BAD "GET /admin HTTP/1.1\r\nHost: b\r\n\r\n"

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

/* TCP may have to send it once more, from pages that the sender can write to (bpf/tc.bpf.c). */
Test(positions, at_the_client_framing_is_kept_until_it_is_acknowledged)
{
	struct stream s = stream_at(1000, 1);

	s.flow.role = PST_ROLE_CLIENT;
	begin_body(&s, 10 * BLOCK);
	s.accepted = s.flow.framed - 1;
	cr_assert_eq(send_body(&s, 2 * BLOCK, 0), pass);
	cr_expect_neq(pst_raw_newest(&s.flow), 0);
	s.accepted++;
	cr_assert_eq(send_body(&s, BLOCK, 0), pass);
	cr_expect_eq(pst_raw_newest(&s.flow), 0);
}

Test(positions, at_the_client_all_that_is_not_acknowledged_can_be_proven)
{
	static const char said[] = OK OK OK, other[] = BAD OK OK;
	const struct pst_src same = {.bytes = (const unsigned char *)said};
	const struct pst_src differs = {.bytes = (const unsigned char *)other};
	struct stream s = stream_at(0, 1);

	s.flow.role = PST_ROLE_CLIENT;
	for (__u32 i = 0; i < 3; i++)
		cr_assert_eq(send(&s, i * OK_LEN, OK, OK_LEN), pass);
	cr_expect_eq(pst_proof_of(&s.flow, &same, 0, 0, 3 * OK_LEN), PST_PROOF_SAME);
	cr_expect_eq(pst_proof_of(&s.flow, &same, 0, 0, OK_LEN), PST_PROOF_SAME);
	cr_expect_eq(pst_proof_of(&s.flow, &differs, 0, 0, 3 * OK_LEN), PST_PROOF_DIFFERS);
	cr_expect_eq(pst_proof_of(&s.flow, &differs, 0, 0, OK_LEN), PST_PROOF_DIFFERS);
	cr_expect_eq(pst_proof_of(&s.flow, &differs, OK_LEN, OK_LEN, 3 * OK_LEN), PST_PROOF_SAME);
}

/* One request after the other: no new slots, as at the server. */
Test(positions, at_the_client_acknowledged_framing_gives_its_place_to_the_next)
{
	__u64 taken = t_ring_shard(0)->taken;
	struct stream s = stream_at(0, 1);

	s.flow.role = PST_ROLE_CLIENT;
	for (__u32 i = 0; i < 100; i++) {
		cr_assert_eq(send(&s, i * OK_LEN, OK, OK_LEN), pass);
		s.accepted = s.flow.judged;
		s.flow.responses = s.flow.requests;
	}
	cr_expect_eq(t_ring_shard(0)->taken, taken + PST_RAW_GROUP);
}

Test(positions, a_repeat_is_proven_though_what_stood_before_it_is_overwritten)
{
	struct stream s = stream_at(0, 0);

	cr_assert_eq(send(&s, 0, OK, OK_LEN), pass);
	for (__u32 i = 0; i < 2 * PST_RAW_SLOTS; i++) {
		struct stream other = stream_at(0, 0);

		cr_assert_eq(send(&other, 0, OK, OK_LEN), pass);
	}
	cr_assert_eq(send(&s, OK_LEN, OK, OK_LEN), pass);
	cr_expect_eq(send(&s, OK_LEN, OK, OK_LEN), pass);
	cr_expect_eq(send(&s, 0, OK, OK_LEN),
		     pst_ruling(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL));
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

enum { CHUNKS = 40000, CHUNK_LEN = 6, FLIGHT = 128 << 10 };

/* POST of CHUNKS chunks of one byte. */
static size_t tiny_chunks(char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size,
				    "POST /api/x HTTP/1.1\r\nHost: b\r\n"
				    "Transfer-Encoding: chunked\r\n\r\n");

	for (int i = 0; i < CHUNKS; i++, n += CHUNK_LEN)
		memcpy(out + n, "1\r\nx\r\n", CHUNK_LEN);
	memcpy(out + n, "0\r\n\r\n", 5);
	return n + 5;
}

/*
 * An honest sender, with as much under way as FLIGHT, in packets of SIZE; a receiver who is busy,
 * and has taken nothing of each flight but its first packet. Returns how many flights it took to
 * bring LEN bytes over, or 0 when a flight brought nothing.
 */
static unsigned int flights(struct stream *s, const char *bytes, size_t len, size_t size)
{
	unsigned int n = 0;

	for (size_t una = 0, next; una < len; una = next, n++) {
		next = una;
		for (size_t at = una; at < len && at < una + FLIGHT; at += size) {
			size_t part = len - at < size ? len - at : size;
			__u32 ruling = send(s, (__u32)at, bytes + at, part);

			if (ruling == pass && at == una)
				next = at + part;
			else if (ruling >> 8 != PST_ACTION_DROP)
				cr_assert_eq(ruling, pass, "%#x at %zu", ruling, at);
		}
		s->accepted = (__u32)next;
		if (next == una)
			return 0;
	}
	return n;
}

Test(positions, tiny_chunks_and_a_busy_receiver_do_not_stall)
{
	static char bytes[CHUNKS * CHUNK_LEN + 256];
	const size_t len = tiny_chunks(bytes, sizeof(bytes)), sizes[] = {1448, 9000, 65160};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct stream s = stream_at(0, 0);

		cr_expect_eq(flights(&s, bytes, len, sizes[i]), (len + sizes[i] - 1) / sizes[i],
			     "%zu bytes a packet", sizes[i]);
		cr_expect_eq(s.flow.requests, 1);
		cr_expect_not(s.flow.flags & PST_FLOW_REQUEST, "the end was judged");
	}
}

/* As long as TCP keeps up, nobody is held up. */
Test(positions, tiny_chunks_flow_where_tcp_is_a_little_behind)
{
	static char bytes[CHUNKS * CHUNK_LEN + 256];
	const size_t len = tiny_chunks(bytes, sizeof(bytes));
	struct stream s = stream_at(0, 0);

	for (size_t at = 0; at < len; at += 1448) {
		size_t part = len - at < 1448 ? len - at : 1448;

		cr_assert_eq(send(&s, (__u32)at, bytes + at, part), pass, "at %zu", at);
		s.accepted = (__u32)(at < 1448 ? 0 : at - 1448);
	}
}

Test(positions, who_is_too_far_ahead_of_tcp_waits)
{
	static char bytes[CHUNKS * CHUNK_LEN + 256];
	const size_t len = tiny_chunks(bytes, sizeof(bytes));
	struct stream s = stream_at(0, 0);
	size_t at = 0;

	cr_assert_lt(8000 * CHUNK_LEN, len);
	while (send(&s, (__u32)at, bytes + at, CHUNK_LEN) == pass)
		at += CHUNK_LEN;
	cr_expect_gt(s.flow.kept_before + s.flow.kept_since, PST_RAW_AHEAD);
	cr_expect_leq(s.flow.kept_before + s.flow.kept_since, PST_RAW_AHEAD + 2);
	cr_expect_eq(send(&s, (__u32)at, bytes + at, CHUNK_LEN),
		     pst_ruling(PST_ACTION_DROP, PST_REASON_AHEAD));
	cr_expect_eq(send(&s, 0, bytes, at), pass, "TCP gets what it waits for");
	s.accepted = (__u32)at;
	cr_expect_eq(send(&s, (__u32)at, bytes + at, CHUNK_LEN), pass);
}

/* What the sender's TCP sends once more must be found where it leaves the pod. */
Test(positions, at_the_client_who_is_too_far_ahead_of_the_peer_waits)
{
	static char bytes[CHUNKS * CHUNK_LEN + 256];
	struct pst_src src = {.bytes = (const unsigned char *)bytes};
	struct stream s = stream_at(0, 1);
	size_t at = 0;

	tiny_chunks(bytes, sizeof(bytes));
	s.flow.role = PST_ROLE_CLIENT;
	while (send(&s, (__u32)at, bytes + at, CHUNK_LEN) == pass)
		at += CHUNK_LEN;
	cr_expect_eq(send(&s, (__u32)at, bytes + at, CHUNK_LEN),
		     pst_ruling(PST_ACTION_DROP, PST_REASON_AHEAD));
	cr_expect_eq(pst_proof_of(&s.flow, &src, 0, 0, CHUNK_LEN), PST_PROOF_SAME);
	s.accepted = (__u32)at;
	cr_expect_eq(send(&s, (__u32)at, bytes + at, CHUNK_LEN), pass);
}
