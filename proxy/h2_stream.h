/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A stream of HTTP/2 through the proxy: a leg at the client, and one at the server if the request
 * was allowed. It lives until both are closed.
 */

#include "proxy/h2_session.h"

struct pst_h2_leg {
	int32_t id;
	bool open;
	bool complete;		      /* its peer has said everything */
	bool reset;		      /* by us */
	bool waits;		      /* for bytes that could be sent there */
	struct pst_buffer body;	      /* what came from there and was not passed on */
	struct pst_text_vec trailers; /* likewise, lines */
};

struct pst_h2_stream {
	struct pst_h2 *h2;
	struct pst_h2_stream *prev, *next;
	struct pst_h2_leg leg[2];
	uint32_t number;
	bool judged;
	bool unjudged;		  /* it passes whatever it says */
	bool no_body, head, grpc; /* of the request */
	bool answered;		  /* the client has got a final head */
	bool no_trailers; /* its policy has gone, which asked for fields: nobody could judge them */
	bool own;	  /* the answer is the proxy's */
	bool broken;	  /* the server's answer breaks the rules */
	uint32_t status;  /* of that head */
	uint64_t since_ns; /* of the request, for whoever has a clock (proxy/pair.h) */
	const char *own_body;
	size_t own_left;
};

/* A client begins stream ID. NULL: there is no memory. */
struct pst_h2_stream *pst_h2_stream_new(struct pst_h2 *h, int32_t id);
void pst_h2_stream_free(struct pst_h2_stream *s);

/* The block in the end's `head` is complete: a request, or what a server says. */
void pst_h2_stream_request(struct pst_h2_stream *s);
void pst_h2_stream_answer(struct pst_h2_stream *s, bool complete);
void pst_h2_stream_trailers(struct pst_h2_stream *s, enum pst_side side);

void pst_h2_stream_data(struct pst_h2_stream *s, enum pst_side side, const char *bytes, size_t len);

/* SIDE has said everything. */
void pst_h2_stream_complete(struct pst_h2_stream *s, enum pst_side side);

/* The leg at SIDE is closed, with an error code of HTTP/2's. S may be gone then. */
void pst_h2_stream_closed(struct pst_h2_stream *s, enum pst_side side, uint32_t code);
