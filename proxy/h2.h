/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP/2 connection through the proxy: what proxy/pair.h is for HTTP/1.x, with the same
 * questions and answers. Bytes from both sides in, bytes for both sides out; no descriptors.
 *
 * The client's connection is a session of nghttp2's, and so is the server's, which begins with the
 * first request that is allowed. A request of the one is a request of the other: its head as a
 * whole when it is judged, then its body as far as both windows allow. Bytes that nobody takes stay
 * within the window of their stream (64 KiB) and of their connection (1 MiB): only what was passed
 * on opens them again, so a slow reader slows its writer down and nobody else.
 *
 * Each stream has a verdict of its own. What a client may do that is no request is limited
 * (proxy/h2_calm.h), and so is the memory of a connection (proxy/h2_memory.h).
 */

#include "proxy/pair.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PST_H2_STREAMS = 100,	      /* of a client at once */
	PST_H2_STREAM_WINDOW = 65535, /* what is held of a body in one direction */
	PST_H2_WINDOW = 1024 * 1024,  /* of all bodies of a connection, in one direction */
	PST_H2_RESETS = 2000,	      /* that nghttp2 itself lets a client send at once ... */
	PST_H2_RESETS_SECOND = 100,   /* ... and with each second: proxy/h2_calm.h knows less */
	PST_H2_CONTINUATIONS = 8,     /* frames behind the first one of a block */
	PST_H2_QUEUE = 1024,	      /* frames that wait: nothing is read meanwhile */
};

struct pst_h2;

/* 0 or -ENOMEM; OPTS as for a pair. `opaque` means nothing here. */
int pst_h2_new(const struct pst_pair_opts *opts, struct pst_h2 **ret_h2);
void pst_h2_free(struct pst_h2 **h);

/* The connection's first bytes, which somebody else has read. */
void pst_h2_take(struct pst_h2 *h, const char *bytes, size_t len);

/* As the functions of a pair. */
size_t pst_h2_room(struct pst_h2 *h, enum pst_side side, char **ret_at);
void pst_h2_received(struct pst_h2 *h, enum pst_side side, size_t n);
void pst_h2_ended(struct pst_h2 *h, enum pst_side side);
size_t pst_h2_pending(struct pst_h2 *h, enum pst_side side, const char **ret_at);
void pst_h2_sent(struct pst_h2 *h, enum pst_side side, size_t n);
enum pst_pair_state pst_h2_state(const struct pst_h2 *h);
uint32_t pst_h2_number(const struct pst_h2 *h);
bool pst_h2_is_in_head(const struct pst_h2 *h);
bool pst_h2_is_idle(struct pst_h2 *h);
void pst_h2_time_out(struct pst_h2 *h);
void pst_h2_renew(struct pst_h2 *h, struct pst_ruler *ruler, uint32_t ruleset);

/* No further streams are taken: the client hears it, and what is on its way is finished. */
void pst_h2_drain(struct pst_h2 *h);

/* Nothing has happened for a while: an idle connection gives memory back until something does. */
void pst_h2_rest(struct pst_h2 *h);
