/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the daemon does about a denied request: answer it with a 403 in the server's name and end
 * the connection, or only end it. Dropping goes on without the daemon; this is politeness and
 * tidiness.
 *
 * Inject first, destroy after 1.5 s: a client that lost the answer repeats its request, the program
 * reports it again and it is answered again (kernel-facts 6.5). A kill is destroyed at once. Where
 * earlier answers are outstanding the programs ask to wait: they report the connection once more
 * when its 403 may be sent, and if they never do it ends after the deadline.
 */

#include "bpf/abi.h"

#include <stdint.h>

enum { PST_RESPOND_DEADLINE_MS = 30000 };

struct pst_inject;
struct pst_destroy_queue;
struct pst_reply;

/* Nothing is owned. The first two may be NULL: then nothing is answered, or nothing destroyed. */
struct pst_respond {
	/*
	 * Events of before (CLOCK_MONOTONIC) get no segment: they were queued while there was no
	 * daemon, and their ports and sequence numbers may be a later connection's by now. Their
	 * sockets are ended, which are named by cookie; who is alive sends again, and is answered.
	 */
	uint64_t since_ns;
	struct pst_inject *inject;
	struct pst_destroy_queue *destroy;
	const struct pst_reply *reply; /* one that closes */
};

void pst_respond(const struct pst_respond *r, const struct pst_event *event);
