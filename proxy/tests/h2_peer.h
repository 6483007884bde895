/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * HTTP/2 through a pair, for tests: a client and a server, each a session of nghttp2's, on both
 * sides of a pair, and what they saw.
 *
 * A block of fields is text, "name: value\n" each. Bodies are the letter 'b' as often as asked for.
 */

#include "proxy/tests/world.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { T_H2_STREAMS = 256, T_H2_HEAD = 4096, T_H2_EVENTS = 4096 };

struct t_h2_stream {
	int32_t id;
	char head[T_H2_HEAD];  /* the first block, or the final one */
	char early[T_H2_HEAD]; /* 1xx */
	char trailers[T_H2_HEAD];
	bool hidden; /* a field of the head was never to be indexed */
	size_t body; /* bytes that came */
	bool ended;  /* END_STREAM came */
	bool closed;
	uint32_t code;
	/* What it says itself. */
	size_t to_send;
	const char *trailers_to_send;
	bool holds; /* says no more for now */
};

struct t_h2_peer {
	struct t_h2 *t;
	enum pst_side side;
	nghttp2_session *ng;
	struct t_h2_stream streams[T_H2_STREAMS];
	size_t n;     /* the last one stands for all that are too many */
	size_t total; /* bytes of bodies */
	bool goaway;
	uint32_t goaway_code;
	const char *answer; /* of a server: what it says to each request when it has come whole */
	size_t answer_body;
	bool reads; /* takes bytes from its connection */
	/* Instead of the session, bytes go there; nothing is said. */
	void (*sink)(void *ctx, const char *bytes, size_t len);
	void *sink_ctx;
	bool connected; /* a server is, when the first bytes for it come */
};

struct t_h2 {
	struct t_world *world;
	struct pst_pair *pair;
	struct t_h2_peer peer[2];
	size_t step; /* bytes at once; 0: all */
	struct pst_pair_event events[T_H2_EVENTS];
	size_t n_events;
	struct pst_pair_answer answers[T_H2_EVENTS];
	size_t n_answers;
	char last_head[T_H2_HEAD]; /* of the last event */
};

/* Allocates; the server answers each request with 200 and no body. */
struct t_h2 *t_h2_new(struct t_world *w);

/* Frees everything and asserts that no memory is counted any more. */
void t_h2_free(struct t_h2 *t);

/* Lets everybody talk until nothing moves. */
void t_h2_run(struct t_h2 *t);

/* The client asks; returns the stream. */
struct t_h2_stream *t_h2_ask(struct t_h2 *t, const char *head, size_t body);

/* The same with the fields of a GET of PATH. */
struct t_h2_stream *t_h2_get(struct t_h2 *t, const char *path);

/* A body that goes on while it is held. */
struct t_h2_stream *t_h2_upload(struct t_h2 *t, const char *head, size_t body,
				const char *trailers);

/* The server answers stream S of its own. */
void t_h2_answer(struct t_h2 *t, struct t_h2_stream *s, const char *head, size_t body,
		 const char *trailers);

/* Goes on with a held body. */
void t_h2_resume(struct t_h2 *t, enum pst_side side, struct t_h2_stream *s);

const struct pst_pair_event *t_h2_last(const struct t_h2 *t);

/* How many events were denials for REASON. */
size_t t_h2_denied(const struct t_h2 *t, enum pst_reason reason);
