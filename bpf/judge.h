/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The judge: what happens to one packet of a connection's request direction.
 *
 * Three positions (kernel-facts 6.2): `accepted` is TCP's rcv_nxt when the packet arrives, `judged`
 * is ours, and the packet's own range. accepted <= judged, but for a hole that TCP filled from its
 * own queue, which can only lie in a body: bodies may pass out of order. At the sender's side
 * packets are in wire order: everything judged counts as accepted, and what TCP sends once more is
 * compared where it leaves the pod, with what was kept (bpf/tc.bpf.c). So it is kept until the
 * peer has acknowledged it, which is what the packet's `accepted` says there.
 *
 * "Body" is what Content-Length counts, or the data of the current chunk; "framing" is the rest:
 * heads, size lines, the ends of chunks, trailers.
 *
 *	below accepted		free: TCP has those bytes and discards the copy
 *	accepted .. judged	judged, but perhaps not taken. Body: passes. Framing: passes when
 *				it is byte for byte what was judged (bpf/raw.h); what differs ends
 *				the connection, what cannot be proven is dropped
 *	from judged on		is judged, judged advances
 *	beyond judged		passes inside the current body, else it is dropped: the peer repeats
 *				in order
 *	beyond any window	is dropped: TCP cannot take it
 *	too far ahead		is dropped: the oldest of more heads and chunks that TCP has not
 *				taken could not be proven any more
 *	the end of the stream	passes where it cannot cut a head
 *
 * Positions are 32-bit numbers that come round again in long bodies. Two things keep them apart: no
 * packet passes that ends more than the largest window beyond accepted, since the judge sees what
 * TCP will refuse and must not follow a sender who runs away from TCP; and framing is forgotten as
 * soon as TCP has taken it.
 *
 * The recogniser's state lives in the flow: a head may come in any number of packets, a packet may
 * hold any number of requests, up to a bound for its work and for the answers that are due. What is
 * judged whole passes whole: a packet is dropped with all that it holds when one of its requests is
 * denied. What stands before that one is allowed all the same (CUT): at the server it passes when
 * it comes in packets of its own, which is somebody else's to do. A newer policy (renew) is taken
 * over where a request begins: in the middle of a packet that means to drop it, and the peer
 * repeats.
 *
 * Behind a WebSocket handshake nothing passes until the server has answered it; behind its 101 all
 * does. So that no other answer is taken for it, a handshake does not pass while answers are due.
 * An offer of HTTP/2 is the same, but that nothing passes behind its 101: most servers answer it as
 * a request of HTTP/1.1 (RFC 9110 section 7.8), and it goes on.
 *
 * Pure: state, positions and bytes in, a ruling out. The programs adapt packets and maps to it; the
 * same code runs natively in tests. Who includes this file defines, besides what bpf/walk.h and
 * bpf/raw.h ask for,
 *
 *	static __u32 pst_clock_us(const struct pst_src *src);	0: nobody asks how long it takes
 *	static void pst_judge_allowed(const struct pst_judge *j);	called for each request;
 *		in audit, one without j->flow->http.allow is not allowed
 */

#include "bpf/flow.h"
#include "bpf/raw.h"
#include "bpf/ruling.h"

enum {
	/* RFC 7323 section 2.3: 65535 << 14 is the largest window. */
	PST_JUDGE_MAX_WINDOW = 1 << 30,
	/*
	 * Turns per packet: up to 64 bytes of framing each, or a piece of a body. A packet of 64
	 * KiB in chunks of one byte needs two thirds of it.
	 */
	PST_JUDGE_MAX_TURNS = 1 << 15,
};

struct pst_judge {
	struct pst_walk walk;
	struct pst_flow *flow;
	const struct pst_packet *packet;
	__u32 start; /* the packet's first byte that TCP may not have */
	__u32 ruling;
};

static __u32 pst_clock_us(const struct pst_src *src);
static void pst_judge_allowed(const struct pst_judge *j);

/*
 * Bytes of the current body from `judged` on, as far as they are in the next N. Its end is the end
 * of the request, or of a chunk.
 */
PST_INLINE __u32 pst_judge_body(struct pst_flow *f, __u32 n)
{
	if (!f->body_left)
		return 0;
	if (f->body_left < n)
		n = (__u32)f->body_left;
	f->body_left -= n;
	f->judged += n;
	if (f->body_left)
		return n;
	if (pst_http_continues(&f->http))
		pst_http_resume(&f->http);
	else
		f->flags &= ~PST_FLOW_REQUEST;
	return n;
}

/*
 * May a request begin here, behind what the handshake for another protocol asked? To drop a packet
 * that holds the handshake as well would be to wait for ever.
 */
PST_INLINE __u32 pst_judge_behind_upgrade(const struct pst_judge *j)
{
	struct pst_flow *f = j->flow;
	/* In this order: the follower says first that HTTP is over, then that there is an answer.
	 */
	__u32 responses = *(const volatile __u32 *)&f->responses;
	__u32 follow = *(const volatile __u8 *)&f->follow;
	int waits = follow & (PST_FOLLOW_SWITCHED | PST_FOLLOW_OPAQUE) ||
		    pst_seq_diff(responses, f->upgrade) <= 0;

	if (follow & PST_FOLLOW_LOST)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_UPGRADE_LOST);
	if (waits && f->judged != j->start)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_UPGRADE_EARLY);
	if (waits)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_UPGRADE_PENDING);
	f->flags &= ~PST_FLOW_UPGRADE; /* refused: HTTP goes on */
	return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
}

/* A request begins at `judged`. */
PST_INLINE __u32 pst_judge_begin(struct pst_judge *j)
{
	struct pst_flow *f = j->flow;
	__u32 ruling = pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);

	f->head_seq = f->judged;
	if (j->packet->renew)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_RENEWED);
	if (f->requests && f->http.flags & PST_HTTP_LAST)
		return pst_ruling(PST_ACTION_DENY, PST_REASON_AFTER_CLOSE);
	if (f->flags & PST_FLOW_UPGRADE)
		ruling = pst_judge_behind_upgrade(j);
	else if (!(f->follow & PST_FOLLOW_LOST) && pst_flow_due(f) >= PST_MAX_DUE)
		ruling = pst_ruling(PST_ACTION_KILL, PST_REASON_PIPELINED);
	if (ruling != pst_ruling(PST_ACTION_PASS, PST_REASON_RULE))
		return ruling;
	pst_http_request(&f->http, j->walk.table, f->ruleset);
	if (j->packet->any_form)
		f->http.flags |= PST_HTTP_ANY_FORM;
	f->flags &= ~PST_FLOW_QUEUED;
	f->flags |= PST_FLOW_REQUEST;
	if (pst_seq_diff(j->packet->accepted, f->framed) >= 0)
		pst_raw_forget(f);
	return ruling;
}

/* The follower needs to know what is answered. */
PST_INLINE void pst_judge_queue(struct pst_judge *j)
{
	struct pst_flow *f = j->flow;
	__u32 place = f->requests & (PST_MAX_DUE - 1), bit = 1U << place;

	if (f->http.method == PST_METHOD_HEAD)
		f->heads |= bit;
	else
		f->heads &= ~bit;
	if (f->http.flags & PST_HTTP_UPGRADE) {
		f->flags |= PST_FLOW_UPGRADE;
		f->upgrade = f->requests;
	}
	f->asked_us[place] = pst_clock_us(j->walk.src);
	f->flags |= PST_FLOW_QUEUED;
	f->requests++;
}

/* The head is complete, and allowed: where does the request go on? */
PST_INLINE void pst_judge_head_end(struct pst_judge *j)
{
	struct pst_flow *f = j->flow;

	pst_judge_queue(j);
	pst_judge_allowed(j);
	if (pst_http_continues(&f->http))
		pst_http_resume(&f->http);
	else if (f->http.length)
		f->body_left = f->http.length;
	else
		f->flags &= ~PST_FLOW_REQUEST;
}

/* The recogniser has stopped. */
PST_INLINE __u32 pst_judge_stop(struct pst_judge *j)
{
	struct pst_flow *f = j->flow;
	__u32 ruling = pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);

	if (f->http.state == PST_HTTP_CHUNK_DATA) {
		f->body_left = f->http.length;
		return ruling;
	}
	if (f->http.state == PST_HTTP_DONE && f->http.flags & PST_HTTP_TRAILER) {
		f->flags &= ~PST_FLOW_REQUEST;
		return ruling;
	}
	ruling = pst_judge_head_ruling(&f->http, 0);
	/* Whoever gives a HEAD a body must not be believed to have said 101 with it. */
	if (ruling == pst_ruling(PST_ACTION_PASS, PST_REASON_RULE) &&
	    f->http.flags & PST_HTTP_UPGRADE && !(f->follow & PST_FOLLOW_LOST) && pst_flow_due(f))
		ruling = pst_ruling(PST_ACTION_KILL, PST_REASON_PIPELINED);
	if ((j->packet->observe || j->packet->audit) &&
	    ruling == pst_ruling(PST_ACTION_DENY, PST_REASON_NO_RULE_L7))
		ruling = pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (ruling == pst_ruling(PST_ACTION_PASS, PST_REASON_RULE))
		pst_judge_head_end(j);
	return ruling;
}

/*
 * Up to 64 bytes of framing. They are kept before anything is decided, for whoever wants to see
 * them; `judged` passes them only when they are allowed.
 */
PST_INLINE __u32 pst_judge_framing(struct pst_judge *j)
{
	struct pst_flow *f = j->flow;
	struct pst_http_bytes bytes = {0};
	__u32 at = j->walk.off, n = pst_walk_load(&j->walk, &bytes), seq = f->judged, ruling;
	int stopped;

	if (!n)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_READ_FAILED);
	stopped = pst_walk_feed(&j->walk, &bytes, n);
	if (f->http.state != PST_HTTP_ERROR)
		n = j->walk.off - at;
	if (!pst_raw_keep(f, seq, &bytes, n))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_IMPOSSIBLE);
	if (stopped)
		ruling = pst_judge_stop(j);
	else if (f->http.pos >= f->http.limit)
		ruling = pst_ruling(PST_ACTION_DENY, PST_REASON_HEAD_LONG);
	else
		ruling = pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (ruling == pst_ruling(PST_ACTION_PASS, PST_REASON_RULE))
		f->judged = f->framed = seq + n;
	return ruling;
}

PST_CALLBACK long pst_judge_turn(__u32 i, void *ctx)
{
	struct pst_judge *j = ctx;
	struct pst_flow *f = j->flow;
	struct pst_walk *w = &j->walk;

	(void)i;
	if (w->off >= w->end)
		return 1;
	if (f->body_left) {
		w->off += pst_judge_body(f, w->end - w->off);
		return 0;
	}
	if (!(f->flags & PST_FLOW_REQUEST)) {
		j->ruling = pst_judge_begin(j);
		if (j->ruling != pst_ruling(PST_ACTION_PASS, PST_REASON_RULE))
			return 1;
	}
	j->ruling = pst_judge_framing(j);
	return j->ruling != pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
}

/*
 * Judges the packet from `judged` on. START is its first byte that matters: a request before the
 * denied one that has bytes in this packet which TCP may not have is dropped with it, and the 403
 * would be taken for its answer. A server that gets them by other means answers it. At the sender's
 * side there are no other means: its TCP has not sent them, and takes no acknowledgement of them.
 */
PST_INLINE __u32 pst_judge_fresh(struct pst_flow *f, const struct pst_table *t,
				 const struct pst_src *src, const struct pst_packet *p, __u32 start)
{
	struct pst_judge j = {
		.walk = {.http = &f->http,
			 .table = t,
			 .src = src,
			 .off = p->off + (f->judged - p->seq),
			 .end = p->off + p->len},
		.flow = f,
		.packet = p,
		.start = start,
		.ruling = pst_ruling(PST_ACTION_PASS, PST_REASON_RULE),
	};

	pst_loop(PST_JUDGE_MAX_TURNS, pst_judge_turn, &j);
	if (j.ruling >> 8 == PST_ACTION_DENY && pst_seq_diff(f->head_seq, start) > 0)
		return pst_ruling(p->ordered ? PST_ACTION_KILL : PST_ACTION_CUT, j.ruling & 0xff);
	if (j.ruling == pst_ruling(PST_ACTION_PASS, PST_REASON_RULE) && j.walk.off < j.walk.end)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_WORK);
	return j.ruling;
}

/* The part of the packet between START and judged, which TCP may not have taken. */
PST_OUTLINE __u32 pst_judge_repeat(struct pst_flow *f, const struct pst_src *src,
				   const struct pst_packet *p, __u32 start)
{
	__u32 end = p->seq + p->len;

	if (!pst_raw_newest(f) || pst_seq_diff(start, f->framed) >= 0)
		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (pst_seq_diff(end, f->framed) > 0)
		end = f->framed;
	switch (pst_proof_of(f, src, p->off + (start - p->seq), start, end)) {
	case PST_PROOF_SAME:
		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	case PST_PROOF_DIFFERS:
		return pst_ruling(PST_ACTION_KILL, PST_REASON_REPEAT_DIFFERS);
	default:
		return pst_ruling(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL);
	}
}

/*
 * Framing that the receiver's TCP has taken is forgotten: it cannot be repeated any more, and the
 * numbers of a long body come to be its own again. Outside of a body there is nothing to confuse,
 * and a head's first part may be wanted for an event.
 */
PST_INLINE void pst_judge_taken(struct pst_flow *f, __u32 accepted)
{
	if (f->body_left && pst_seq_diff(accepted, f->framed) >= 0)
		pst_raw_forget(f);
}

/*
 * Notes what TCP has taken. Would the packet, which ends beyond judged, bring too much framing that
 * TCP has not taken? What TCP waits for never does: or nothing would move any more.
 */
PST_OUTLINE int pst_judge_too_far(struct pst_flow *f, const struct pst_packet *p)
{
	__u32 ahead;

	pst_judge_taken(f, p->accepted);
	if (p->ordered && (p->observe || p->audit))
		return 0; /* where it leaves the pod, nobody compares */
	ahead = pst_raw_ahead(f, p->accepted);
	return ahead > PST_RAW_AHEAD && pst_seq_diff(p->seq, p->accepted) > 0 &&
	       p->seq + p->len - f->judged > f->body_left;
}

/*
 * Brings the flow up to what TCP has accepted. What came out of TCP's own queue can only be a body.
 */
PST_INLINE __u32 pst_judge_accept(struct pst_flow *f, __u32 accepted)
{
	__s32 hole = pst_seq_diff(accepted, f->judged);

	if (hole <= 0)
		return 1;
	return pst_judge_body(f, (__u32)hole) == (__u32)hole;
}

/*
 * New bytes where the server has left HTTP/1: what has followed an offer of HTTP/2 ends. So does a
 * connection whose next request began when the 101 was on its way: f->http says no more what it is
 * that the server has taken.
 */
PST_OUTLINE __u32 pst_judge_switched(const struct pst_flow *f)
{
	if (!(f->flags & PST_FLOW_UPGRADE))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_UPGRADE_LOST);
	if (f->http.flags & PST_HTTP_H2C)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_H2C);
	return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
}

/* What the packet holds. */
PST_INLINE __u32 pst_judge_payload(struct pst_flow *f, const struct pst_table *t,
				   const struct pst_src *src, const struct pst_packet *p)
{
	__u32 end = p->seq + p->len, accepted = p->ordered ? f->judged : p->accepted;
	__u32 start = p->seq, ruling;

	/* First: behind a FIN, which takes a number, a repeat is below accepted and no hole. */
	if (pst_seq_diff(end, accepted) <= 0)
		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (f->follow & PST_FOLLOW_OPAQUE)
		return pst_judge_switched(f);
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
		ruling = pst_judge_repeat(f, src, p, start);
		if (ruling != pst_ruling(PST_ACTION_PASS, PST_REASON_RULE) ||
		    pst_seq_diff(end, f->judged) <= 0)
			return ruling;
	}
	if (pst_judge_too_far(f, p))
		return pst_ruling(PST_ACTION_DROP, PST_REASON_AHEAD);
	return pst_judge_fresh(f, t, src, p, start);
}

/*
 * The end of the stream: a FIN, whose own number is END. Some servers read what they have of a head
 * by then as a request (Python's http.server, Java's httpserver), one that nobody judged. So it
 * passes only where TCP cannot take it inside of a head.
 */
PST_INLINE __u32 pst_judge_fin(struct pst_flow *f, __u32 end, __u32 accepted)
{
	__s32 ahead;

	/* Behind a FIN that it has taken, TCP's position is none of the stream's. */
	if (f->follow & PST_FOLLOW_OPAQUE || pst_seq_diff(end, accepted) < 0)
		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (!pst_judge_accept(f, accepted))
		return pst_ruling(PST_ACTION_KILL, PST_REASON_SEQUENCE);
	ahead = pst_seq_diff(end, f->judged);
	if (ahead > 0 && (__u32)ahead > f->body_left)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_GAP);
	/* Before what was judged and perhaps not taken: what is a whole head may still be cut. */
	if (ahead < 0 && pst_raw_newest(f) && pst_seq_diff(end, f->framed) < 0)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_REPEAT_PARTIAL);
	if ((f->flags & (PST_FLOW_REQUEST | PST_FLOW_QUEUED)) == PST_FLOW_REQUEST)
		return pst_ruling(PST_ACTION_KILL, PST_REASON_HEAD_CUT);
	return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
}

/*
 * Rules on packet P of flow F, whose verdict is JUDGE and whose stream is known. T is the table of
 * the flow's generation. The caller owns f->judge_lock, drops what the ruling says, and remembers a
 * denial (PST_FLOW_DENIED).
 */
PST_INLINE __u32 pst_judge_packet(struct pst_flow *f, const struct pst_table *t,
				  const struct pst_src *src, const struct pst_packet *p)
{
	__u32 accepted = p->ordered ? f->judged : p->accepted;
	__u32 ruling = pst_judge_payload(f, t, src, p);

	if (!p->fin || ruling != pst_ruling(PST_ACTION_PASS, PST_REASON_RULE))
		return ruling;
	return pst_judge_fin(f, p->seq + p->len, accepted);
}

/*
 * The same for a connection whose denied request waits for the answers before it: what ends where
 * that request begins was allowed, and passes like any other repeat. An end of the stream there
 * would be none that the client has sent.
 */
PST_INLINE __u32 pst_judge_denied(struct pst_flow *f, const struct pst_src *src,
				  const struct pst_packet *p)
{
	__u32 end = p->seq + p->len, start = p->seq;

	if (p->fin || pst_seq_diff(end, f->head_seq) > 0)
		return pst_ruling(PST_ACTION_DROP, PST_REASON_AFTER_DENY);
	if (p->ordered || pst_seq_diff(end, p->accepted) <= 0)
		return pst_ruling(PST_ACTION_PASS, PST_REASON_RULE);
	if (pst_seq_diff(start, p->accepted) < 0)
		start = p->accepted;
	return pst_judge_repeat(f, src, p, start);
}

/* May a newer policy be taken over before the next packet, because a request begins there? */
PST_INLINE int pst_judge_at_rest(const struct pst_flow *f)
{
	return !(f->flags & PST_FLOW_REQUEST);
}
