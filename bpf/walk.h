/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Drives the recogniser over the bytes of a packet, a message or a buffer.
 *
 * Who includes this file defines first where bytes come from:
 *
 *	struct pst_src { ... };
 *	static int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n);
 *
 * which copies N (1 .. PST_HTTP_CHUNK) bytes at OFF and returns 0, or a negative number when it
 * cannot.
 */

#include "bpf/http.h"

/* One packet of one direction of a connection. */
struct pst_packet {
	__u32 seq;	/* of the first payload byte */
	__u32 len;	/* of the payload, not 0 */
	__u32 off;	/* where the payload begins in the source */
	__u32 accepted; /* what the TCP that it goes to has taken; at its sender: acknowledged */
	__u8 ordered;	/* 1: wire order (the sender's side) */
	__u8 observe;  /* 1: find requests, do not judge them (courtesy without rules of its own) */
	__u8 renew;    /* 1: a newer policy waits for the next request to begin */
	__u8 fin;      /* 1: the stream ends behind the payload */
	__u8 any_form; /* 1: paths of new requests need not be in normal form */
	__u8 audit;    /* 1: requests that no rule allows pass, and are told as such */
};

struct pst_walk {
	struct pst_http *http;
	const struct pst_table *table;
	const struct pst_src *src;
	__u32 off; /* next byte */
	__u32 end;
	__u32 failed; /* bytes could not be read */
};

/* A head is at most PST_MAX_HEAD long; what is longer is refused by then. */
enum { PST_WALK_MAX = PST_MAX_HEAD / PST_HTTP_CHUNK + 2 };

/* Copies the next bytes; how many. 0 when there are none, or none can be read (failed). */
PST_INLINE __u32 pst_walk_load(struct pst_walk *w, struct pst_http_bytes *bytes)
{
	__u32 n = w->end - w->off;

	if (!n)
		return 0;
	if (n > PST_HTTP_CHUNK)
		n = PST_HTTP_CHUNK;
	if (pst_src_load(w->src, w->off, (__u8 *)bytes->words, n)) {
		w->failed = 1;
		return 0;
	}
	return n;
}

/* Feeds the first N of BYTES; true when the recogniser has stopped. An error consumes nothing. */
PST_INLINE int pst_walk_feed(struct pst_walk *w, const struct pst_http_bytes *bytes, __u32 n)
{
	struct pst_http *h = w->http;
	__u32 before = h->pos;

	pst_http_feed(h, w->table, bytes, n);
	if (h->more)
		pst_http_paths_walk(h, w->table, bytes, before);
	if (!pst_http_stopped(h)) {
		w->off += n;
		return 0;
	}
	if (h->state != PST_HTTP_ERROR) {
		w->off += h->stop - before;
		h->pos = h->stop;
	}
	return 1;
}

PST_CALLBACK long pst_walk_chunk(__u32 i, void *ctx)
{
	struct pst_walk *w = ctx;
	struct pst_http_bytes bytes = {0};
	__u32 n = pst_walk_load(w, &bytes);

	(void)i;
	return !n || pst_walk_feed(w, &bytes, n);
}

/*
 * Walks until the recogniser stops (done, chunk data, error) or the bytes end. W->off is then the
 * first byte that was not consumed.
 */
PST_INLINE void pst_walk_head(struct pst_walk *w)
{
	pst_loop(PST_WALK_MAX, pst_walk_chunk, w);
}
