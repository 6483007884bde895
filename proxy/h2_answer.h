/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Answers of the proxy's own in HTTP/2: the 403 that was configured, a 502, or a 307. Calls of gRPC
 * hear it in their way: 200 with a status and a message, in trailers alone.
 */

#include "enforcer/reply.h"
#include "proxy/grpc.h"
#include "proxy/h2_head.h"

#include <stdbool.h>
#include <stddef.h>

/* What is asked for: which answer, and to whom. */
struct pst_h2_answer_opts {
	const struct pst_reply *reply; /* NULL: a 502, or */
	const char *location;	       /* a 307 that sends the client there; NULL: none */
	size_t location_len;
	bool grpc, head;
};

/* The fields point into it, and into the reply. */
struct pst_h2_answer {
	struct pst_h2_fields fields;
	struct pst_text_vec lines, message;
	const char *body; /* static or the reply's */
	size_t body_len;
};

/* 0 or -ENOMEM. Release with pst_h2_answer_fini() in either case. */
int pst_h2_answer_make(const struct pst_h2_answer_opts *o, struct pst_h2_answer *ret_answer);
void pst_h2_answer_fini(struct pst_h2_answer *a);
