// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The ring that the judge keeps framing in (bpf/raw.h): who takes slots, who fills them again, and
 * what is not proven any more.
 */
#include "bpf/tests/core.h"

#include "bpf/tests/ring.h"

#include "bpf/judge.h"

#include <criterion/criterion.h>

#define OK     "GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"
#define BAD    "GET /admi HTTP/1.1\r\nHost: b\r\n\r\n\r\n"
#define POST   "POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 10\r\n\r\n"
#define POST_2 "POST /api/y HTTP/1.1\r\nHost: b\r\nContent-Length: 10\r\n\r\n"
#define BODY   "0123456789"

enum { OK_LEN = sizeof(OK) - 1 };

static const __u32 pass = PST_ACTION_PASS << 8 | PST_REASON_RULE;

static __u32 ruled(enum pst_action action, enum pst_reason reason)
{
	return pst_ruling(action, reason);
}

static struct pst_flow flow_at(__u32 isn)
{
	struct pst_flow f = {.flags = PST_FLOW_STREAM_KNOWN, .judged = isn};
	__u32 ruleset;

	t_core_table(&ruleset);
	f.ruleset = (__u16)ruleset;
	return f;
}

/* A packet to a server whose TCP has accepted everything below ACCEPTED. */
static __u32 packet(struct pst_flow *f, __u32 seq, const char *bytes, size_t len, __u32 accepted)
{
	__u32 ruleset;
	const struct pst_src src = {.bytes = (const unsigned char *)bytes};
	const struct pst_packet p = {.seq = seq, .len = (__u32)len, .accepted = accepted};

	return pst_judge_packet(f, t_core_table(&ruleset), &src, &p);
}

static __u32 text(struct pst_flow *f, __u32 seq, const char *s, __u32 accepted)
{
	return packet(f, seq, s, strlen(s), accepted);
}

/* Whoever keeps more than the ring holds loses the oldest. */
Test(judge_kept, what_was_overwritten_is_not_proven)
{
	struct pst_flow f = flow_at(0), other;

	cr_assert_eq(text(&f, 0, OK, 0), pass);
	for (int i = 0; i < PST_RAW_SLOTS / PST_RAW_GROUP - 1; i++) {
		cr_assert_eq(text(&f, 0, OK, 0), pass, "%d", i);
		other = flow_at(0);
		cr_assert_eq(text(&other, 0, OK, 0), pass);
	}
	cr_expect_eq(text(&f, 0, OK, 0), pass);
	cr_expect_eq(text(&f, 0, BAD, 0), ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS));
	other = flow_at(0);
	cr_assert_eq(text(&other, 0, OK, 0), pass);
	cr_expect_eq(text(&f, 0, OK, 0), ruled(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL));
	cr_expect_eq(text(&f, 0, BAD, 0), ruled(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL),
		     "nor is the contrary");
	cr_expect_eq(text(&f, 0, OK OK, OK_LEN), pass, "once TCP has it, nobody asks");
}

/* Such as an interrupted processor, or one that its host does not run. */
Test(judge_kept, a_writer_that_was_held_up_proves_nothing_for_others)
{
	struct pst_flow slow = flow_at(0), f = flow_at(0);
	struct pst_raw *raw = t_ring_shard(0);
	struct pst_raw_slot late;
	__u64 number;

	cr_assert_eq(text(&slow, 0, POST, 0), pass);
	number = raw->taken;
	late = raw->slots[number & (PST_RAW_SLOTS - 1)];
	raw->taken = number + PST_RAW_SLOTS - PST_RAW_GROUP;
	cr_assert_eq(text(&f, 0, POST_2, 0), pass);
	cr_assert_eq(raw->taken, number + PST_RAW_SLOTS);
	cr_expect_eq(text(&f, 0, POST_2, 0), pass);
	raw->slots[number & (PST_RAW_SLOTS - 1)] = late;
	cr_expect_eq(text(&f, 0, POST, 0), ruled(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL));
	cr_expect_eq(text(&f, 0, POST_2, 0), ruled(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL));
}

/* One request after the other, each taken and answered before the next. */
Test(judge_kept, who_asks_again_and_again_fills_the_same_slots)
{
	struct pst_flow f = flow_at(0);
	__u64 taken = t_ring_shard(0)->taken;

	for (__u32 i = 0; i < 1000; i++) {
		const char *request = i & 1 ? POST BODY : OK;
		__u32 at = f.judged;

		cr_assert_eq(text(&f, at, request, at), pass, "%u", i);
		cr_assert_eq(text(&f, at, request, at), pass, "%u, repeated", i);
		cr_assert_eq(text(&f, at, BAD, at),
			     ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS), "%u", i);
		f.responses = f.requests;
	}
	cr_expect_eq(t_ring_shard(0)->taken, taken + PST_RAW_GROUP);
}

Test(judge_kept, what_tcp_has_not_taken_is_kept_beside_the_next)
{
	struct pst_flow f = flow_at(0);
	const __u32 n = 4 * PST_RAW_GROUP;

	for (__u32 i = 0; i < n; i++) {
		cr_assert_eq(text(&f, i * OK_LEN, OK, i ? 1 : 0), pass);
		f.responses = f.requests;
	}
	for (__u32 i = 0; i < n; i++)
		cr_expect_eq(text(&f, i * OK_LEN + !i, &OK[!i], 1), pass, "%u", i);
	cr_expect_eq(text(&f, OK_LEN, POST_2, 1),
		     ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS));
}

/* Its bytes would not be kept for long, or are kept where somebody else's are by now. */
Test(judge_kept, an_old_group_of_slots_is_left_alone)
{
	static const __u32 steps[] = {PST_RAW_YOUNG - PST_RAW_GROUP, PST_RAW_YOUNG, PST_RAW_SLOTS};

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct pst_flow f = flow_at(0);
		__u64 *taken = &t_ring_shard(0)->taken, before;

		cr_assert_eq(text(&f, 0, OK, 0), pass);
		f.responses = f.requests;
		before = *taken += steps[i];
		cr_assert_eq(text(&f, OK_LEN, OK, OK_LEN), pass);
		cr_expect_eq(*taken, before + (i ? PST_RAW_GROUP : 0), "%u slots", steps[i]);
		*taken += PST_RAW_SLOTS - PST_RAW_YOUNG;
		cr_expect_eq(text(&f, OK_LEN, OK, OK_LEN), pass, "it can be proven");
		*taken += PST_RAW_YOUNG;
		cr_expect_eq(text(&f, OK_LEN, OK, OK_LEN),
			     ruled(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL));
	}
}

Test(judge_kept, a_flow_may_move_between_shards)
{
	struct pst_flow f = flow_at(0);

	for (__u32 i = 0; i < OK_LEN / 2; i++) {
		t_ring_here = i / PST_RAW_GROUP;
		cr_assert_eq(packet(&f, 2 * i, OK + 2 * i, 2, 0), pass);
	}
	cr_expect_eq(text(&f, 0, OK, 0), pass);
	cr_expect_eq(text(&f, 0, BAD, 0), ruled(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS));
}
