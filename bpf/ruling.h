/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What becomes of a packet or a request, and why: the language of the judge (bpf/judge.h), of the
 * courtesy and of the offline judge.
 */

#include "bpf/walk.h"

enum pst_action {
	PST_ACTION_PASS,
	PST_ACTION_DROP, /* this packet; the peer may try again */
	PST_ACTION_DENY, /* this request and all that follows; it can be answered */
	PST_ACTION_KILL, /* the same, and it cannot be answered */
	PST_ACTION_CUT,	 /* as DENY; what stands before it in the packet is allowed */
};

/* action << 8 | reason: small enough to be returned in a register by a subprogram. */
PST_INLINE __u32 pst_ruling(__u32 action, __u32 reason)
{
	return action << 8 | reason;
}

/* What the end of a head, or of the bytes, means. FAILED: bytes could not be read. */
PST_INLINE __u32 pst_judge_head_ruling(const struct pst_http *h, __u32 failed)
{
	if (failed)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_READ_FAILED);
	if (h->state == PST_HTTP_ERROR)
		return pst_ruling(PST_ACTION_DENY, h->reason ? h->reason : PST_REASON_IMPOSSIBLE);
	if (h->state != PST_HTTP_DONE)
		return pst_ruling(PST_ACTION_DENY, PST_REASON_HEAD_SPLIT);
	if (h->more) /* a driver has left out automata of the path (bpf/http_path.h) */
		return pst_ruling(PST_ACTION_DENY, PST_REASON_IMPOSSIBLE);
	if (!h->allow)
		return pst_ruling(PST_ACTION_DENY, PST_REASON_NO_RULE_L7);
	return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
}

/* A head that lies whole in OFF .. END of SRC, walked into H. */
PST_INLINE __u32 pst_judge_head(struct pst_http *h, const struct pst_table *t,
				const struct pst_src *src, __u32 off, __u32 end, __u32 ruleset)
{
	struct pst_walk w = {.http = h, .table = t, .src = src, .off = off, .end = end};

	pst_http_request(h, t, ruleset);
	pst_walk_head(&w);
	return pst_judge_head_ruling(h, w.failed);
}
