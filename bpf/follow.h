/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The follower: which request does the response direction answer, and when is the answer complete?
 *
 * Following never drops anything. Where the thread is lost (bytes out of order, a response that
 * cannot be read, one that nobody asked for) PST_FOLLOW_LOST is set for the rest of the connection:
 * then nobody knows whether an answer is due, so a denied request is answered with the end of the
 * connection and not with a 403 that could be taken for another one's answer
 * (kernel-facts 6.4, 6.5).
 *
 * Length of a response, RFC 9112 section 6.3: none for HEAD, 1xx, 204, 304; chunked;
 * Content-Length; else until the connection ends. Answers come in the order of the requests, so the
 * number of the answer says which request it belongs to: a HEAD, or one that asked for another
 * protocol. A 101 to that one ends HTTP on this connection, for both directions.
 *
 * At the client, packets are seen before TCP has looked at their checksum, timestamps and window,
 * and anybody can forge one that TCP discards. So nobody may gain by what it says: a 101 counts
 * when TCP has taken all that was followed as heads and framing, and whoever sends any of that a
 * second time before, which is what the server's own packet looks like behind a forged one, makes
 * the thread be lost. TCP takes no packet that was not seen here: what it has taken is then what
 * was followed.
 *
 * Who includes this file defines, besides what bpf/walk.h asks for,
 *
 *	static __u32 pst_clock_us(const struct pst_src *src);
 *	static void pst_follow_answered(const struct pst_follower *fw, __u32 status, __u32 us);
 *
 * which is called for each complete answer; US is the time since the request was judged, 0: not
 * known.
 */

#include "bpf/flow.h"
#include "bpf/http_skim.h"
#include "bpf/walk.h"

struct pst_follower {
	struct pst_walk walk;
	struct pst_flow *flow;
	__u32 ordered; /* 1: wire order (at the server): what is seen is what is sent */
};

/* Turns per packet: PST_HTTP_CHUNK bytes of heads and size lines each, or the data of one chunk. */
enum { PST_FOLLOW_MAX = 1024, PST_FOLLOW_FAR = 1 << 30 };

static __u32 pst_clock_us(const struct pst_src *src);
static void pst_follow_answered(const struct pst_follower *fw, __u32 status, __u32 us);

PST_INLINE void pst_follow_lose(struct pst_flow *f)
{
	f->follow |= PST_FOLLOW_LOST;
}

/*
 * How long the answer at hand took; 0: nobody asks, or nobody did when the request came. A clock
 * that stands still between question and answer is one tick.
 */
PST_INLINE __u32 pst_follow_latency(const struct pst_follower *fw)
{
	__u32 asked = fw->flow->asked_us[fw->flow->responses & (PST_MAX_DUE - 1)];
	__u32 now = pst_clock_us(fw->walk.src);

	if (!asked || !now)
		return 0;
	return now == asked ? 1 : now - asked;
}

/* The answer is complete. */
PST_INLINE void pst_follow_end(struct pst_follower *fw)
{
	struct pst_flow *f = fw->flow;

	f->follow &= ~PST_FOLLOW_BEGUN;
	pst_follow_answered(fw, f->response.status, pst_follow_latency(fw));
	*(volatile __u32 *)&f->responses += 1; /* behind all that is known of the answer */
}

PST_INLINE void pst_follow_begin(struct pst_flow *f)
{
	if (!pst_flow_due(f)) {
		pst_follow_lose(f); /* an answer to nothing, such as 408 */
		return;
	}
	pst_http_response(&f->response);
	f->follow |= PST_FOLLOW_BEGUN;
}

/* Does the answer at hand belong to a HEAD? */
PST_INLINE int pst_follow_is_head(const struct pst_flow *f)
{
	return f->heads >> (f->responses & (PST_MAX_DUE - 1)) & 1;
}

/*
 * 101: HTTP ends here, if the request asked for that. Else nobody knows what this is. The judge may
 * look at any time: an answer that is counted lets the next request begin, so the switch is said
 * first.
 */
PST_INLINE void pst_follow_switch(struct pst_follower *fw)
{
	struct pst_flow *f = fw->flow;

	if (!(f->flags & PST_FLOW_UPGRADE) || f->responses != f->upgrade) {
		pst_follow_lose(f);
		return;
	}
	f->switched = f->headed;
	*(volatile __u8 *)&f->follow |= fw->ordered ? PST_FOLLOW_OPAQUE : PST_FOLLOW_SWITCHED;
	pst_follow_end(fw);
}

/* TCP has ACCEPTED what the 101 is made of, which nobody has sent otherwise. */
PST_INLINE void pst_follow_confirm(struct pst_flow *f, __u32 accepted)
{
	if ((f->follow & (PST_FOLLOW_SWITCHED | PST_FOLLOW_LOST)) == PST_FOLLOW_SWITCHED &&
	    pst_seq_diff(accepted, f->switched) >= 0)
		f->follow |= PST_FOLLOW_OPAQUE;
}

/*
 * Packet P of the unordered side: does it say once more what was followed as framing and is not
 * taken yet? Of bodies only the length counts. In a long one the mark follows TCP from afar: its
 * number must not come round.
 */
PST_INLINE void pst_follow_doubt(struct pst_flow *f, const struct pst_packet *p)
{
	pst_follow_confirm(f, p->accepted);
	if (pst_seq_diff(p->accepted, f->headed) > PST_FOLLOW_FAR)
		f->headed = p->accepted;
	if (pst_seq_diff(p->accepted, f->headed) < 0 && !(f->follow & PST_FOLLOW_OPAQUE) &&
	    pst_seq_diff(p->seq, f->headed) < 0 && pst_seq_diff(p->seq + p->len, p->accepted) > 0)
		pst_follow_lose(f);
}

/* The head of the response is complete. */
PST_INLINE void pst_follow_head(struct pst_follower *fw, struct pst_http *h)
{
	struct pst_flow *f = fw->flow;

	if (h->flags & PST_HTTP_TRAILER) {
		pst_follow_end(fw);
	} else if (h->status == 101) {
		pst_follow_switch(fw);
	} else if (h->status < 200) {
		f->follow &= ~PST_FOLLOW_BEGUN; /* the final one is still due */
	} else if (pst_follow_is_head(f) || h->status == 204 || h->status == 304) {
		pst_follow_end(fw);
	} else if (h->flags & PST_HTTP_CHUNKED) {
		if (h->flags & PST_HTTP_HAS_LENGTH)
			pst_follow_lose(f);
		pst_http_resume(h);
	} else if (!(h->flags & PST_HTTP_HAS_LENGTH)) {
		f->follow |= PST_FOLLOW_TO_CLOSE;
	} else if (!h->length) {
		pst_follow_end(fw);
	} else {
		f->data_left = h->length;
	}
}

PST_INLINE void pst_follow_stop(struct pst_follower *fw, struct pst_http *h)
{
	if (h->state == PST_HTTP_ERROR)
		pst_follow_lose(fw->flow);
	else if (h->state == PST_HTTP_DONE)
		pst_follow_head(fw, h);
	else
		fw->flow->data_left = h->length;
}

/* The last byte of a body, or of a chunk, is behind us. */
PST_INLINE void pst_follow_data_end(struct pst_follower *fw)
{
	if (pst_http_continues(&fw->flow->response))
		pst_http_resume(&fw->flow->response);
	else
		pst_follow_end(fw);
}

/* Skips data of a body; at its end the response is over, or the next chunk's size line comes. */
PST_INLINE void pst_follow_data(struct pst_follower *fw)
{
	struct pst_flow *f = fw->flow;
	struct pst_walk *w = &fw->walk;
	__u32 n = w->end - w->off;

	if (f->data_left < n)
		n = (__u32)f->data_left;
	w->off += n;
	f->data_left -= n;
	if (!f->data_left)
		pst_follow_data_end(fw);
}

/* Nothing more is followed: the thread is lost, or the rest is not HTTP's to tell. */
PST_INLINE int pst_follow_is_over(const struct pst_flow *f)
{
	return f->follow &
	       (PST_FOLLOW_LOST | PST_FOLLOW_TO_CLOSE | PST_FOLLOW_OPAQUE | PST_FOLLOW_SWITCHED);
}

PST_CALLBACK long pst_follow_turn(__u32 i, void *ctx)
{
	struct pst_follower *fw = ctx;
	struct pst_flow *f = fw->flow;
	struct pst_walk *w = &fw->walk;
	struct pst_http_bytes bytes = {0};
	__u32 n, skimmed;
	int stopped;

	(void)i;
	if (pst_follow_is_over(f) || w->off >= w->end || w->failed)
		return 1;
	if (f->data_left) {
		pst_follow_data(fw);
		return 0;
	}
	if (!(f->follow & PST_FOLLOW_BEGUN))
		pst_follow_begin(f);
	if (f->follow & PST_FOLLOW_LOST)
		return 1;
	n = pst_walk_load(w, &bytes);
	skimmed = n ? (__u32)pst_http_skim(&f->response, &bytes, n) : 0;
	w->off += skimmed;
	stopped = skimmed ? pst_http_stopped(&f->response) : n && pst_walk_feed(w, &bytes, n);
	f->headed = f->followed - (w->end - w->off);
	if (stopped)
		pst_follow_stop(fw, &f->response);
	else if (f->response.pos >= PST_MAX_HEAD)
		pst_follow_lose(f);
	return 0;
}

/*
 * Brings the position up to what TCP has accepted out of order: only inside a body is it known what
 * it was. A hole that ends with the body is filled like any other.
 */
PST_INLINE int pst_follow_accept(struct pst_follower *fw, __u32 accepted)
{
	struct pst_flow *f = fw->flow;
	__s32 hole = pst_seq_diff(accepted, f->followed);

	if (hole <= 0)
		return 1;
	if ((__u32)hole > f->data_left)
		return 0;
	f->data_left -= (__u32)hole;
	f->followed = accepted;
	if (!f->data_left)
		pst_follow_data_end(fw);
	return 1;
}

/*
 * At the client, packets that came out of order are seen before TCP has them in order: brings the
 * follower up to what TCP has ACCEPTED by now. An answer that ends there is not reported. The
 * caller owns f->follow_lock.
 */
PST_INLINE void pst_follow_catch_up(struct pst_flow *f, __u32 accepted)
{
	__s32 hole = pst_seq_diff(accepted, f->followed);

	if (pst_follow_is_over(f) || hole <= 0)
		return;
	if ((__u32)hole > f->data_left) {
		pst_follow_lose(f);
		return;
	}
	f->data_left -= (__u32)hole;
	f->followed = accepted;
	if (f->data_left)
		return;
	if (pst_http_continues(&f->response)) {
		pst_http_resume(&f->response);
	} else {
		f->follow &= ~PST_FOLLOW_BEGUN;
		f->responses++;
	}
}

/* Follows packet P. The caller owns f->follow_lock. T is any table: for the names of fields. */
PST_INLINE void pst_follow_packet(struct pst_flow *f, const struct pst_table *t,
				  const struct pst_src *src, const struct pst_packet *p)
{
	__u32 end = p->seq + p->len;
	struct pst_follower fw = {
		.walk = {.http = &f->response, .table = t, .src = src, .end = p->off + p->len},
		.flow = f,
		.ordered = p->ordered,
	};

	if (!p->ordered)
		pst_follow_doubt(f, p);
	if (pst_follow_is_over(f) || pst_seq_diff(end, f->followed) <= 0)
		return;
	if (!p->ordered && !pst_follow_accept(&fw, p->accepted)) {
		pst_follow_lose(f);
		return;
	}
	if (pst_seq_diff(p->seq, f->followed) > 0) {
		if ((__u32)pst_seq_diff(end, f->followed) > f->data_left)
			pst_follow_lose(f);
		return;
	}
	fw.walk.off = p->off + (f->followed - p->seq);
	f->followed = end;
	pst_loop(PST_FOLLOW_MAX, pst_follow_turn, &fw);
	if (fw.walk.failed || (fw.walk.off < fw.walk.end && !pst_follow_is_over(f)))
		pst_follow_lose(f);
}
