// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/core.h"

#include "bpf/tests/ring.h"

#include "bpf/judge.h"

#include <criterion/criterion.h>
#include <stdbool.h>

/* The end of the stream, at every place of it: where may a server see it? */
#define GET    "GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"
#define LENGTH "POST /api/x HTTP/1.1\r\nHost: b\r\nContent-Length: 10\r\n\r\n0123456789"
#define CHUNKS \
	"POST /api/x HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n0\r\nX: y\r\n\r\n"

enum { ISN = 0xffffffe0 }; /* the numbers wrap inside of the first head */

static const __u32 pass = PST_ACTION_PASS << 8 | PST_REASON_RULE;
static const __u32 cut = PST_ACTION_KILL << 8 | PST_REASON_HEAD_CUT;

static struct pst_flow flow(void)
{
	struct pst_flow f = {.flags = PST_FLOW_STREAM_KNOWN, .judged = ISN};
	__u32 ruleset;

	t_core_table(&ruleset);
	f.ruleset = (__u16)ruleset;
	return f;
}

/* LEN bytes of the stream S from FROM on, TCP having accepted the first ACCEPTED; then a FIN. */
static __u32 packet(struct pst_flow *f, const char *s, size_t from, size_t len, size_t accepted,
		    bool fin)
{
	__u32 ruleset;
	const struct pst_src src = {.bytes = (const unsigned char *)s + from};
	const struct pst_packet p = {.seq = (__u32)(ISN + from),
				     .len = (__u32)len,
				     .accepted = (__u32)(ISN + accepted),
				     .fin = fin};

	return len ? pst_judge_packet(f, t_core_table(&ruleset), &src, &p)
		   : pst_judge_fin(f, p.seq, p.accepted);
}

static size_t head_of(const char *s)
{
	return (size_t)(strstr(s, "\r\n\r\n") + 4 - s);
}

/* Apart from the bytes, and in their packet. */
static void end_at(const char *s, size_t at, __u32 want)
{
	struct pst_flow f = flow();

	cr_assert(at == 0 || packet(&f, s, 0, at, 0, false) == pass);
	cr_expect_eq(packet(&f, s, at, 0, at, true), want, "apart, at %zu of %s", at, s);
	if (!at)
		return;
	f = flow();
	cr_expect_eq(packet(&f, s, 0, at, 0, true), want, "together, at %zu of %s", at, s);
}

Test(judge_end, passes_everywhere_but_inside_a_head)
{
	const char *const streams[] = {GET, LENGTH, CHUNKS};

	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++) {
		size_t head = head_of(streams[i]);

		for (size_t at = 0; at <= strlen(streams[i]); at++)
			end_at(streams[i], at, at > 0 && at < head ? cut : pass);
	}
}

Test(judge_end, passes_not_inside_a_second_head)
{
	size_t first = strlen(LENGTH);

	end_at(LENGTH GET, first, pass);
	end_at(LENGTH GET, first + 1, cut);
	end_at(LENGTH GET, first + head_of(GET) - 1, cut);
	end_at(LENGTH GET, first + head_of(GET), pass);
}

/* TCP keeps a FIN that comes early, until what stands before it has come. */
Test(judge_end, waits_for_what_stands_before_it)
{
	struct pst_flow f = flow();
	size_t head = head_of(LENGTH);
	const __u32 gap = pst_ruling(PST_ACTION_DROP, PST_REASON_GAP);

	cr_expect_eq(packet(&f, LENGTH, 20, 0, 0, true), gap);
	cr_assert_eq(packet(&f, LENGTH, 0, 10, 0, false), pass);
	cr_expect_eq(packet(&f, LENGTH, 20, 0, 10, true), gap);
	cr_assert_eq(packet(&f, LENGTH, 10, head - 10, 10, false), pass);
	cr_expect_eq(packet(&f, LENGTH, head + 5, 0, head, true), pass, "inside the body");
	cr_expect_eq(packet(&f, LENGTH, head + 6, 4, head, true), pass, "out of order, at its end");
	cr_expect_eq(packet(&f, LENGTH, head + 11, 0, head, true), gap);
}

/* The head was judged whole and TCP has lost it: a repeat of its beginning must not end there. */
Test(judge_end, cuts_nothing_that_tcp_has_lost)
{
	struct pst_flow f = flow();
	size_t head = head_of(GET);
	const __u32 partial = pst_ruling(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL);

	cr_assert_eq(packet(&f, GET, 0, head, 0, false), pass);
	cr_expect_eq(packet(&f, GET, 0, 10, 0, true), partial);
	cr_expect_eq(packet(&f, GET, 10, 0, 10, true), partial, "TCP has taken that much of it");
	cr_expect_eq(packet(&f, GET, 0, head, 0, true), pass, "all of it, with its end");
	cr_expect_eq(packet(&f, GET, head, 0, head, true), pass);
	cr_expect_eq(packet(&f, GET, head, 0, head + 1, true), pass, "repeated");
}

Test(judge_end, is_no_matter_of_a_stream_that_is_not_http_any_more)
{
	struct pst_flow f = flow();

	cr_assert_eq(packet(&f, GET, 0, 10, 0, false), pass);
	f.follow |= PST_FOLLOW_OPAQUE;
	cr_expect_eq(packet(&f, GET, 10, 0, 10, true), pass);
}
