/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The judge: what happens to one packet of a connection's request direction.
 *
 * Three positions (kernel-facts 6.2): `accepted` is TCP's rcv_nxt when the packet arrives, `judged`
 * is ours, and the packet's own range. accepted <= judged, but for a hole that TCP filled from its
 * own queue, which can only lie in a body: bodies may pass out of order. At the sender's side
 * packets are in wire order: everything judged counts as accepted.
 *
 *	below accepted		free: TCP has those bytes and discards the copy
 *	accepted .. judged	judged, but perhaps not taken. Body: passes. Head: passes only when
 *				it is proven that the repeat has the same consequences, by judging
 *				it again from the head's first byte: allowed, same length of head
 *				and body, same method class. Whichever copy TCP takes, each was
 *				judged whole. A part of a head cannot be proven and is dropped: the
 *				peer repeats all of it.
 *	from judged on		is judged, judged advances
 *	beyond judged		passes inside the current body, else it is dropped: the peer repeats
 *				in order
 *	beyond any window	is dropped: TCP cannot take it
 *
 * Positions are 32-bit numbers that come round again in long bodies. Two things keep them apart: no
 * packet passes that ends more than the largest window beyond accepted, since the judge sees what
 * TCP will refuse and must not follow a sender who runs away from TCP; and a head is forgotten as
 * soon as TCP has taken it.
 *
 * Limits of this version, each with a reason of its own: a head arrives in one packet; a request is
 *refused while an answer is due; bodies have a Content-Length.
 *
 * Pure: state, positions and bytes in, a ruling out. The programs adapt packets and maps to it; the
 *same code runs natively in tests and in the offline judge.
 */

#include "bpf/flow.h"
#include "bpf/walk.h"

enum pst_action {
	PST_ACTION_PASS,
	PST_ACTION_DROP, /* this packet; the peer may try again */
	PST_ACTION_DENY, /* this request and all that follows; it can be answered */
	PST_ACTION_KILL, /* the same, and the connection cannot be trusted */
};

/* RFC 7323 section 2.3: 65535 << 14 is the largest window. */
enum { PST_JUDGE_MAX_WINDOW = 1 << 30 };

/* action << 8 | reason: small enough to be returned in a register by a subprogram. */
PST_INLINE __u32 pst_ruling(__u32 action, __u32 reason)
{
	return action << 8 | reason;
}

/* Bytes of the current body from `judged` on, as far as they are in the next N. */
PST_INLINE __u32 pst_judge_body(struct pst_flow *f, __u32 n)
{
	if (f->body_left < n)
		n = (__u32)f->body_left;
	f->body_left -= n;
	f->judged += n;
	return n;
}

PST_INLINE __u32 pst_judge_head_ruling(const struct pst_http *h, __u32 failed)
{
	if (failed)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_READ_FAILED);
	if (h->state == PST_HTTP_ERROR)
		return pst_ruling(PST_ACTION_DENY, h->reason ? h->reason : PST_REASON_IMPOSSIBLE);
	if (h->state != PST_HTTP_DONE)
		return pst_ruling(PST_ACTION_DENY, PST_REASON_HEAD_SPLIT);
	if (!h->allow)
		return pst_ruling(PST_ACTION_DENY, PST_REASON_NO_RULE_L7);
	return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
}

/* Walks the head at OFF into H. */
PST_INLINE __u32 pst_judge_head(struct pst_http *h, const struct pst_table *t,
				const struct pst_src *src, __u32 off, __u32 end, __u32 ruleset)
{
	struct pst_walk w = {.http = h, .table = t, .src = src, .off = off, .end = end};

	pst_http_request(h, t, ruleset);
	pst_walk_head(&w);
	return pst_judge_head_ruling(h, w.failed);
}

/*
 * Judges the packet from `judged` on. A new head is looked at only when
 * TCP has taken all of the one before: so at most one head is ever judged and not accepted, and a
 * repeat of it can be proven.
 */
PST_INLINE __u32 pst_judge_fresh(struct pst_flow *f, const struct pst_table *t,
				 const struct pst_src *src, const struct pst_packet *p)
{
	__u32 off = p->off + (f->judged - p->seq), n = p->seq + p->len - f->judged;
	__u32 used = pst_judge_body(f, n), ruling;

	if (used == n)
		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (!(f->follow & PST_FOLLOW_LOST) && pst_flow_due(f))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_PIPELINED);
	if (f->head_len)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_GAP);
	off += used;
	n -= used;
	ruling = pst_judge_head(&f->http, t, src, off, off + n, f->ruleset);
	if (p->observe && ruling == pst_ruling(PST_ACTION_DENY, PST_REASON_NO_RULE_L7))
		ruling = pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (ruling != pst_ruling(PST_ACTION_PASS, PST_REASON_RULE))
		return ruling;
	/* Not driven yet: chunks, and the stream behind a handshake. */
	if (pst_http_continues(&f->http))
		return pst_ruling(PST_ACTION_DENY, PST_REASON_TRANSFER_ENCODING);
	if (f->http.flags & PST_HTTP_UPGRADE)
		return pst_ruling(PST_ACTION_DENY, PST_REASON_UPGRADE);
	f->head_seq = f->judged;
	f->head_len = f->http.stop;
	f->judged += f->head_len;
	f->body_left = f->http.length;
	n -= f->head_len;
	if (pst_judge_body(f, n) != n)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_PIPELINED);
	f->requests++;
	return ruling;
}

/* The head lies whole in the packet, at OFF: does this copy mean what the judged one meant? */
PST_INLINE __u32 pst_judge_again(struct pst_flow *f, const struct pst_table *t,
				 const struct pst_src *src, __u32 off)
{
	struct pst_http *h = &f->again;
	__u32 ruling = pst_judge_head(h, t, src, off, off + f->head_len, f->ruleset);

	if (ruling == pst_ruling(PST_ACTION_DROP, PST_REASON_READ_FAILED))
		return ruling;
	if (ruling != pst_ruling(PST_ACTION_PASS, PST_REASON_RULE) || h->stop != f->head_len ||
	    h->length != f->http.length || h->method != f->http.method)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS);
	return ruling;
}

/* The part of the packet between START and judged, which TCP may not have taken. */
PST_INLINE __u32 pst_judge_repeat(struct pst_flow *f, const struct pst_table *t,
				  const struct pst_src *src, const struct pst_packet *p,
				  __u32 start)
{
	__u32 end = p->seq + p->len, head_end = f->head_seq + f->head_len;

	if (!f->head_len || pst_seq_diff(start, head_end) >= 0 ||
	    pst_seq_diff(end, f->head_seq) <= 0)
		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (pst_seq_diff(start, f->head_seq) > 0 || pst_seq_diff(end, head_end) < 0)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL);
	return pst_judge_again(f, t, src, p->off + (f->head_seq - p->seq));
}

/*
 * Brings the flow up to what TCP has accepted. What came out of TCP's own queue can only be a body.
 * A head that TCP has taken is forgotten: it cannot be repeated any more, and the numbers of a long
 * body come to be its own again.
 */
PST_INLINE __u32 pst_judge_accept(struct pst_flow *f, __u32 accepted)
{
	__s32 hole = pst_seq_diff(accepted, f->judged);

	if (f->head_len && pst_seq_diff(accepted, f->head_seq + f->head_len) >= 0)
		f->head_len = 0;
	if (hole <= 0)
		return 1;
	return pst_judge_body(f, (__u32)hole) == (__u32)hole;
}

/*
 * Rules on packet P of flow F, whose verdict is JUDGE and whose stream is known. T is the table of
 * the flow's generation. The caller owns f->judge_lock, drops what the ruling says, and remembers a
 * denial (PST_FLOW_DENIED).
 */
PST_INLINE __u32 pst_judge_packet(struct pst_flow *f, const struct pst_table *t,
				  const struct pst_src *src, const struct pst_packet *p)
{
	__u32 end = p->seq + p->len, accepted = p->ordered ? f->judged : p->accepted;
	__u32 start = p->seq, ruling;

	/* First: behind a FIN, which takes a number, a repeat is below accepted and no hole. */
	if (pst_seq_diff(end, accepted) <= 0)
		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (!p->ordered && pst_seq_diff(end, accepted) > PST_JUDGE_MAX_WINDOW)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_GAP);
	if (!pst_judge_accept(f, accepted))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_SEQUENCE);
	if (pst_seq_diff(start, accepted) < 0)
		start = accepted;
	if (pst_seq_diff(start, f->judged) > 0) {
		if (p->ordered)
			return pst_ruling(PST_ACTION_KILL, PST_REASON_SEQUENCE);
		if ((__u32)pst_seq_diff(end, f->judged) <= f->body_left)
			return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
		return pst_ruling(PST_ACTION_DROP, PST_REASON_GAP);
	}
	if (start != f->judged) {
		ruling = pst_judge_repeat(f, t, src, p, start);
		if (ruling != pst_ruling(PST_ACTION_PASS, PST_REASON_RULE) ||
		    pst_seq_diff(end, f->judged) <= 0)
			return ruling;
	}
	return pst_judge_fresh(f, t, src, p);
}
