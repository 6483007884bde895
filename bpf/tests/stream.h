/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A stream of requests through the recogniser, as a driver without packets sees it: each head is
 * judged, bodies are skipped, chunks and trailers are framing, the next head begins behind.
 *
 * Include it behind the driver's pst_src and what that needs (bpf/tests/core.h has one).
 */

#include "bpf/walk.h"

#include <stdbool.h>

struct t_stream {
	const struct pst_table *table;
	__u32 ruleset;
	struct pst_http http;
	__u64 skip;	     /* bytes of data that are left */
	unsigned int passed; /* requests that went through whole */
	__u32 reason;	     /* of the denial; 0: none */
	bool inside;	     /* of a request */
	bool opaque;	     /* behind a handshake of WebSocket */
	bool any_form;	     /* paths need not be in normal form */
};

static inline void t_stream_deny(struct t_stream *s, __u32 reason)
{
	if (!s->reason)
		s->reason = reason;
}

static inline void t_stream_begin(struct t_stream *s)
{
	if (s->passed && s->http.flags & PST_HTTP_LAST) {
		t_stream_deny(s, PST_REASON_AFTER_CLOSE);
		return;
	}
	pst_http_request(&s->http, s->table, s->ruleset);
	if (s->any_form)
		s->http.flags |= PST_HTTP_ANY_FORM;
	s->inside = true;
}

static inline void t_stream_message_end(struct t_stream *s)
{
	s->passed++;
	s->inside = false;
	s->opaque = (s->http.flags & (PST_HTTP_UPGRADE | PST_HTTP_H2C)) == PST_HTTP_UPGRADE;
}

/* The recogniser has stopped, or the data behind the place where it did is over. */
static inline void t_stream_stop(struct t_stream *s)
{
	if (s->http.state == PST_HTTP_ERROR)
		t_stream_deny(s, s->http.reason);
	else if (!s->http.allow)
		t_stream_deny(s, PST_REASON_NO_RULE_L7);
	else if (s->skip)
		return;
	else if (pst_http_continues(&s->http))
		pst_http_resume(&s->http);
	else
		t_stream_message_end(s);
}

static inline void t_stream_head(struct t_stream *s, struct pst_walk *w)
{
	w->http = &s->http;
	pst_walk_head(w);
	if (!pst_http_stopped(&s->http))
		return;
	s->skip = s->http.length;
	t_stream_stop(s);
}

/* The bytes [OFF, END) of SRC come next. */
static inline void t_stream_feed(struct t_stream *s, const struct pst_src *src, __u32 off,
				 __u32 end)
{
	struct pst_walk w = {.table = s->table, .src = src, .off = off, .end = end};

	while (w.off < w.end && !s->reason && !s->opaque) {
		__u32 left = w.end - w.off;

		if (s->skip) {
			left = s->skip < left ? (__u32)s->skip : left;
			w.off += left;
			s->skip -= left;
			if (!s->skip)
				t_stream_stop(s);
			continue;
		}
		if (!s->inside)
			t_stream_begin(s);
		if (!s->reason)
			t_stream_head(s, &w);
	}
}
