/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A question to the policies: may FROM reach TO, and may this request pass?
 *
 * Peers that are given by labels become endpoints of their own in a copy of the inventory, which is
 * then compiled like any other: the answer is the one that the kernel would give, there is no
 * second way of reading policies.
 */

#include "cli/input.h"
#include "cli/peer.h"
#include "compiler/judge.h"

#include <stdbool.h>
#include <stdint.h>

struct pst_question {
	enum pst_direction direction;
	struct pst_peer from, to;
	uint8_t protocol;
	uint16_t port;
};

struct pst_answer {
	struct pst_bundle *b;
	struct pst_judge *judge;
	struct pst_l4_result l4;
};

/* The verdict on a connection (as far as L3/L4 decides it) or on a request. */
struct pst_ruling {
	bool allowed;
	bool audited; /* not allowed, but by policies in audit: it passes and is reported */
	bool l7;
	enum pst_reason reason;
	const struct pst_bundle_rule *rule; /* NULL: none decided */
	bool last;			    /* nothing may follow on the connection */
	bool handshake;			    /* of WebSocket: what follows are no requests */
	const char *head;		    /* l7: as it was judged, until another one is */
	size_t head_len;		    /* of it; 0: it was not taken */
};

/* Compiles IN and looks Q up. An exit status; the answer must be released when it is PST_EXIT_OK.
 */
int pst_question_ask(struct pst_input *in, const struct pst_question *q,
		     struct pst_answer *ret_answer);

/*
 * Compiles IN once and looks up all N questions QS. RET_L4 has room for N results; to hear about
 * one of them, put it into the answer. Else like pst_question_ask().
 */
int pst_question_ask_all(struct pst_input *in, const struct pst_question *qs, size_t n,
			 struct pst_l4_result *ret_l4, struct pst_answer *ret_answer);

void pst_answer_fini(struct pst_answer *a);

/* Does the daemon let pass what R is about? */
static inline bool pst_ruling_passes(const struct pst_ruling *r)
{
	return r->allowed || r->audited;
}

/* What L3/L4 says. Where HTTP rules decide, the connection is allowed. */
struct pst_ruling pst_answer_l4(const struct pst_answer *a);

/*
 * What is said about the request at BYTES + *OFFSET, which moves behind it. When L3/L4 decides
 * alone, that is the ruling, and the offset moves to LEN.
 */
struct pst_ruling pst_answer_request(const struct pst_answer *a, const char *bytes, size_t len,
				     size_t *offset);
