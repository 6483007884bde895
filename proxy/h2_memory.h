/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The memory of nghttp2's sessions, counted with the connection's buffers (proxy/purse.h):
 * whatever a peer makes nghttp2 remember has a limit, of each connection and of all. So has text
 * that waits beside the sessions: blocks that are not whole yet, and trailers.
 *
 * The limit is looked at between calls of nghttp2's, never inside of one: nghttp2 1.52 frees an
 * item twice where an allocation fails, which a client must not be able to arrange. What one call
 * may take is bounded by what it is given to read. For the same cause a process that gets no memory
 * here at all ends.
 *
 * What a session is made of from its beginning lies in pieces of whole pages: its state and tables,
 * which are nearly all zeros, and its room for a frame on its way out. When nothing is on its way
 * the pages are given back: what they hold is kept in little (proxy/squeeze.h) until the session is
 * used again.
 */

#include "proxy/purse.h"

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>

enum { PST_H2_MEMORY = 2 * 1024 * 1024 }; /* of one connection: all that is counted here */

enum { PST_H2_PIECES = 4 };

struct pst_h2_piece {
	char *at; /* NULL: none */
	size_t size;
	size_t used, parts; /* bytes given away, and how many allocations have some of them */
	void *kept;	    /* what is in it while it rests; NULL: zeros */
	size_t kept_size;
	bool is_resting;
};

/* Must not move while sessions use it. */
struct pst_h2_memory {
	struct pst_purse *purse;
	size_t used, counted; /* in the purse it is when somebody looks */
	struct pst_h2_piece pieces[PST_H2_PIECES];
	struct pst_h2_piece *ground; /* where small parts of the session that is made go, or NULL */
	bool is_creating, is_resting;
	nghttp2_mem mem; /* to be given to nghttp2 */
};

void pst_h2_memory_init(struct pst_h2_memory *m, struct pst_purse *purse);

/* N bytes that lie beside the sessions are the connection's, too; or are gone. */
void pst_h2_memory_hold(struct pst_h2_memory *m, size_t n);
void pst_h2_memory_let_go(struct pst_h2_memory *m, size_t n);

/* Counts what has changed. Is there more than one connection may have? */
bool pst_h2_memory_is_over(struct pst_h2_memory *m);
void pst_h2_memory_settle(struct pst_h2_memory *m);

/*
 * What is allocated in between belongs to a session that is made: nothing that a peer says has part
 * in it.
 */
void pst_h2_memory_create(struct pst_h2_memory *m, bool begin);

/*
 * No session has a stream, or a frame on its way. Before the next call of nghttp2's, also one that
 * only asks, it must wake.
 */
void pst_h2_memory_rest(struct pst_h2_memory *m);
void pst_h2_memory_wake(struct pst_h2_memory *m);
