/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the parts of an HTTP/2 connection (proxy/h2.h) share. */

#include "proxy/h2.h"
#include "proxy/h2_calm.h"
#include "proxy/h2_head.h"
#include "proxy/h2_memory.h"
#include "proxy/h2_rule.h"

#include <nghttp2/nghttp2.h>

/* One side: a session, and the bytes that go in and out. */
struct pst_h2_end {
	struct pst_h2 *h2;
	enum pst_side side;
	nghttp2_session *ng; /* NULL: none, or none any more */
	struct pst_buffer out;
	struct pst_h2_head head; /* the block that is being received */
	size_t head_counted;	 /* its bytes that are held */
	bool in_head;
	bool greeted; /* its first settings came */
	bool quiet;   /* has nothing to send, and nobody has stirred it since */
};

struct pst_h2 {
	struct pst_pair_opts opts;
	enum pst_pair_state state;
	struct pst_h2_memory memory;
	struct pst_h2_calm calm;
	struct pst_h2_end end[2];
	struct pst_h2_stream *streams; /* a list */
	size_t n_streams;
	uint32_t number;
	bool want_drain, draining;
	bool server_gone;
	enum pst_reason failure; /* cannot go on: reported when the callbacks are over */
	bool closing;		 /* goes on until the client has got the end */
};

/* The connection cannot go on: both sides are reset. */
void pst_h2_fail(struct pst_h2 *h, enum pst_reason reason);

/* The client did what it must not: it hears CODE of nghttp2's, and the connection ends. */
void pst_h2_close(struct pst_h2 *h, enum pst_reason reason, uint32_t code);

/* Anything that nghttp2 says to a submission: what cannot be repaired is a failure. */
void pst_h2_check(struct pst_h2 *h, int error);

/* Counts what it holds, and fails where that is more than it may be. */
void pst_h2_weigh(struct pst_h2 *h);

/* Makes a session for SIDE. 0 or -ENOMEM. */
int pst_h2_session_new(struct pst_h2 *h, enum pst_side side);

/* Its session, for whatever may make it send something. NULL: it has none. */
static inline nghttp2_session *pst_h2_stir(struct pst_h2_end *end)
{
	end->quiet = false;
	return end->ng;
}

static inline struct pst_h2_judge pst_h2_judge_of(const struct pst_h2 *h)
{
	return (struct pst_h2_judge){.ruler = h->opts.ruler, .ruleset = h->opts.ruleset};
}
