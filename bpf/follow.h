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
 * Content-Length; else until the connection ends.
 */

#include "bpf/flow.h"
#include "bpf/walk.h"

struct pst_follower {
	struct pst_walk walk; /* first: pst_walk_chunk works on the same context */
	struct pst_flow *flow;
};

/* Turns per packet: PST_HTTP_CHUNK bytes of heads and size lines each, or the data of one chunk. */
enum { PST_FOLLOW_MAX = 1024 };

PST_INLINE void pst_follow_lose(struct pst_flow *f)
{
	f->follow |= PST_FOLLOW_LOST;
}

PST_INLINE void pst_follow_end(struct pst_flow *f)
{
	f->follow &= ~PST_FOLLOW_BEGUN;
	f->responses++;
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

/* The head of the response is complete. */
PST_INLINE void pst_follow_head(struct pst_flow *f, struct pst_http *h)
{
	if (h->flags & PST_HTTP_TRAILER) {
		pst_follow_end(f);
	} else if (h->status == 101) {
		pst_follow_lose(f);
	} else if (h->status < 200) {
		f->follow &= ~PST_FOLLOW_BEGUN; /* the final one is still due */
	} else if (f->http.method == PST_METHOD_HEAD || h->status == 204 || h->status == 304) {
		pst_follow_end(f);
	} else if (h->flags & PST_HTTP_CHUNKED) {
		if (h->flags & PST_HTTP_HAS_LENGTH)
			pst_follow_lose(f);
		pst_http_resume(h);
	} else if (!(h->flags & PST_HTTP_HAS_LENGTH)) {
		f->follow |= PST_FOLLOW_TO_CLOSE;
	} else if (!h->length) {
		pst_follow_end(f);
	} else {
		f->data_left = h->length;
	}
}

PST_INLINE void pst_follow_stop(struct pst_flow *f, struct pst_http *h)
{
	if (h->state == PST_HTTP_ERROR)
		pst_follow_lose(f);
	else if (h->state == PST_HTTP_DONE)
		pst_follow_head(f, h);
	else
		f->data_left = h->length;
}

/* Skips data of a body; at its end the response is over, or the next chunk's size line comes. */
PST_INLINE void pst_follow_data(struct pst_flow *f, struct pst_walk *w)
{
	__u32 n = w->end - w->off;

	if (f->data_left < n)
		n = (__u32)f->data_left;
	w->off += n;
	f->data_left -= n;
	if (f->data_left)
		return;
	if (f->response.flags & PST_HTTP_CHUNKED)
		pst_http_resume(&f->response);
	else
		pst_follow_end(f);
}

PST_CALLBACK long pst_follow_turn(__u32 i, void *ctx)
{
	struct pst_follower *fw = ctx;
	struct pst_flow *f = fw->flow;
	struct pst_walk *w = &fw->walk;

	if (f->follow & (PST_FOLLOW_LOST | PST_FOLLOW_TO_CLOSE) || w->off >= w->end || w->failed)
		return 1;
	if (f->data_left) {
		pst_follow_data(f, w);
		return 0;
	}
	if (!(f->follow & PST_FOLLOW_BEGUN))
		pst_follow_begin(f);
	if (f->follow & PST_FOLLOW_LOST)
		return 1;
	if (pst_walk_chunk(i, w) && !w->failed)
		pst_follow_stop(f, &f->response);
	return 0;
}

/* Brings the position up to what TCP has accepted out of order: only inside a body is it known what
 * it was. */
PST_INLINE int pst_follow_accept(struct pst_flow *f, __u32 accepted)
{
	__s32 hole = pst_seq_diff(accepted, f->followed);

	if (hole <= 0)
		return 1;
	if ((__u32)hole >= f->data_left)
		return 0; /* the end of a body is seen, or it is not known */
	f->data_left -= (__u32)hole;
	f->followed = accepted;
	return 1;
}

/* Follows packet P. The caller owns f->follow_lock. T is any table: for the names of fields. */
PST_INLINE void pst_follow_packet(struct pst_flow *f, const struct pst_table *t,
				  const struct pst_src *src, const struct pst_packet *p)
{
	__u32 end = p->seq + p->len;
	struct pst_follower fw = {
		.walk = {.http = &f->response, .table = t, .src = src, .end = p->off + p->len},
		.flow = f,
	};

	if (f->follow & (PST_FOLLOW_LOST | PST_FOLLOW_TO_CLOSE) ||
	    pst_seq_diff(end, f->followed) <= 0)
		return;
	if (!p->ordered && !pst_follow_accept(f, p->accepted)) {
		pst_follow_lose(f);
		return;
	}
	if (pst_seq_diff(p->seq, f->followed) > 0) {
		if ((__u32)pst_seq_diff(end, f->followed) >= f->data_left)
			pst_follow_lose(f);
		return;
	}
	fw.walk.off = p->off + (f->followed - p->seq);
	f->followed = end;
	pst_loop(PST_FOLLOW_MAX, pst_follow_turn, &fw);
	if (fw.walk.failed || fw.walk.off < fw.walk.end)
		if (!(f->follow & PST_FOLLOW_TO_CLOSE))
			pst_follow_lose(f);
}
