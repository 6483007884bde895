// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/core.h"

#include "bpf/tests/ring.h"

#include "bpf/judge.h"

#include <criterion/criterion.h>
#include <string.h>

/* The next bytes of the stream, judged in audit. */
static __u32 audit(struct pst_flow *f, const char *bytes)
{
	const struct pst_src src = {.bytes = (const unsigned char *)bytes};
	const struct pst_packet p = {.seq = f->judged,
				     .len = (__u32)strlen(bytes),
				     .accepted = f->judged,
				     .audit = true};
	__u32 ruleset;
	const struct pst_table *t = t_core_table(&ruleset);

	f->ruleset = (__u16)ruleset;
	return pst_judge_packet(f, t, &src, &p);
}

Test(judge_audit, a_denied_request_passes_and_the_next_is_judged)
{
	struct pst_flow f = {.flags = PST_FLOW_STREAM_KNOWN, .judged = 1000};

	cr_expect_eq(audit(&f, "GET /admi HTTP/1.1\r\nHost: b\r\n\r\n"), PST_REASON_RULE);
	cr_expect_eq(f.requests, 1);
	cr_expect_eq(f.http.allow, 0, "so that it can be told");
	cr_expect_eq(audit(&f, "GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"), PST_REASON_RULE);
	cr_expect_neq(f.http.allow, 0);
	cr_expect_eq(f.requests, 2);
}

Test(judge_audit, the_body_of_a_denied_request_is_its_own)
{
	struct pst_flow f = {.flags = PST_FLOW_STREAM_KNOWN, .judged = 1000};

	cr_expect_eq(audit(&f, "PUT /admi HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\nGET /"
			       "GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"),
		     PST_REASON_RULE);
	cr_expect_eq(f.requests, 2);
	cr_expect_neq(f.http.allow, 0);
}

Test(judge_audit, what_cannot_be_followed_does_not_pass_here)
{
	struct pst_flow f = {.flags = PST_FLOW_STREAM_KNOWN, .judged = 1000};

	cr_expect_eq(audit(&f, "GET /api//x HTTP/1.1\r\nHost: b\r\n\r\n"),
		     pst_ruling(PST_ACTION_DENY, PST_REASON_TARGET_SLASHES));
}
