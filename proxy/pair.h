/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One HTTP connection through the proxy: bytes from both sides in, bytes for both sides out. No
 * descriptors, no clock; whoever has those asks what is to be done (proxy/loop.h, and the tests).
 *
 * What follows is about HTTP/1.x. A connection whose first bytes are the preface of HTTP/2 is one
 * of proxy/h2.h, behind the same functions.
 *
 * A request is passed on when the core, llhttp and the rule set agree to it: its head as a whole,
 * as it came or as the rules changed it, then its body piece by piece. One request is on its way at
 * a time: the next one is not looked at before the answer is complete. So an answer of the proxy's
 * own never stands among others, and no bytes can be taken for an answer to something else.
 *
 * Responses are framed by both parsers as well. What cannot be framed ends the connection, with a
 * 502 where nothing of the answer was passed on.
 *
 * Everything that cannot go on ends in one of two ways: CLOSING, what is pending for the client is
 * still delivered, or DEAD, both sides are reset.
 */

#include "bpf/reason.h"
#include "enforcer/reply.h"
#include "enforcer/tally.h"
#include "proxy/purse.h"
#include "proxy/ruler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pst_side {
	PST_CLIENT,
	PST_SERVER,
};

enum pst_pair_state {
	PST_PAIR_OPEN,
	PST_PAIR_CLOSING,
	PST_PAIR_DEAD,
};

/*
 * What was decided about request NUMBER of the connection; HEAD is the client's, not changed. An
 * answer that is refused (PST_REASON_ANSWER) is reported as well.
 */
struct pst_pair_event {
	bool allowed;
	enum pst_reason reason;
	uint32_t rule; /* UINT32_MAX: none, or not asked for */
	uint32_t number;
	const char *head; /* NULL: it was not read to its end, or was reported before */
	size_t head_len;
	const struct pst_ruler_mismatch *mismatches; /* where it is allowed (proxy/ruler.h) */
	size_t n_mismatches;
	/* Of an allowed one: here whoever has a clock may note when it was, to be read with the
	 * answer. Else NULL. */
	uint64_t *since_ns;
};

/* The server's answer to the allowed request NUMBER, to its end. */
struct pst_pair_answer {
	uint32_t number;
	uint32_t status;
	uint64_t since_ns; /* what was noted; 0: nothing */
};

/* Everything is borrowed and must outlive the pair. */
struct pst_pair_opts {
	struct pst_ruler *ruler;
	uint32_t ruleset;
	bool opaque;		 /* allowed without HTTP rules: bytes are passed on as they come */
	struct pst_purse *purse; /* of this connection */
	struct pst_tally_row *tally;	   /* where streams are counted; or NULL */
	const struct pst_reply *denied[2]; /* the 403: of a connection that stays, that ends */
	void (*on_event)(void *ctx, const struct pst_pair_event *event);
	void (*on_answer)(void *ctx, const struct pst_pair_answer *answer); /* or NULL */
	void *ctx;
};

/* For a rule set: there is none, nothing is judged. */
#define PST_PAIR_UNJUDGED UINT32_MAX

struct pst_pair;

/* 0 or -ENOMEM. */
int pst_pair_new(const struct pst_pair_opts *opts, struct pst_pair **ret_pair);
void pst_pair_free(struct pst_pair **p);

/*
 * Where bytes from SIDE are to be put, and how many: 0 when none are wanted now. Then
 * pst_pair_received() with as many as came, also when none did, or pst_pair_ended() at the end of
 * the stream.
 */
size_t pst_pair_room(struct pst_pair *p, enum pst_side side, char **ret_at);
void pst_pair_received(struct pst_pair *p, enum pst_side side, size_t n);
void pst_pair_ended(struct pst_pair *p, enum pst_side side);

/* The next bytes for SIDE, 0: none; and how many of them were taken. */
size_t pst_pair_pending(const struct pst_pair *p, enum pst_side side, const char **ret_at);
void pst_pair_sent(struct pst_pair *p, enum pst_side side, size_t n);

/*
 * How many bytes from SIDE, behind those that are here, may go to the other side without being
 * looked at; many more than there will be: until the end. When nothing is pending there
 * they may, and pst_pair_moved() is told how many went.
 */
uint64_t pst_pair_movable(const struct pst_pair *p, enum pst_side side);
void pst_pair_moved(struct pst_pair *p, enum pst_side side, size_t n);

/* Has SIDE got everything, and must be told that nothing more comes (half-close)? */
bool pst_pair_is_over(const struct pst_pair *p, enum pst_side side);

enum pst_pair_state pst_pair_state(const struct pst_pair *p);

/* Does the client speak HTTP/2, as far as is known? */
bool pst_pair_is_h2(const struct pst_pair *p);

/* Has the server got a part of a request that was denied then? It must not take it for all. */
bool pst_pair_is_torn(const struct pst_pair *p);

/* Of the request at hand, from 0. */
uint32_t pst_pair_number(const struct pst_pair *p);

/* Which clock runs: a head that has begun must come soon. */
bool pst_pair_is_in_head(const struct pst_pair *p);

/* Is nothing on its way, so that the connection may be ended without harm? */
bool pst_pair_is_idle(const struct pst_pair *p);

/* Would an idle connection hold less after pst_pair_rest()? It goes on as if nothing had been. */
bool pst_pair_can_rest(const struct pst_pair *p);
void pst_pair_rest(struct pst_pair *p);

/* Says to a client that can hear it (HTTP/2) that no further request is taken. */
void pst_pair_drain(struct pst_pair *p);

/* The head did not come in time: 403 where it can be said, and the end. */
void pst_pair_time_out(struct pst_pair *p);

/*
 * From the next request on RULER decides, with rule set RULESET. The old one is in use as long as
 * pst_pair_ruler() says so. RULESET may be PST_PAIR_UNJUDGED: everything passes as it comes, and
 * nothing is reported of it. HTTP/1.x is a tunnel then, which cannot be judged again.
 */
void pst_pair_renew(struct pst_pair *p, struct pst_ruler *ruler, uint32_t ruleset);
const struct pst_ruler *pst_pair_ruler(const struct pst_pair *p);

/* The rule set that decides now; UINT32_MAX: none does. */
uint32_t pst_pair_ruleset(const struct pst_pair *p);

/* Are bytes passed on as they come: allowed without HTTP rules, or behind a WebSocket handshake? */
bool pst_pair_is_tunnel(const struct pst_pair *p);
