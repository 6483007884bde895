/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the daemon does about a denied request: answer it with a 403 in the server's name and end
 * the connection, or only end it. Dropping goes on without the daemon; this is politeness and
 * tidiness.
 *
 * Inject first, destroy after 1.5 s: a client that lost the answer repeats its request, the program
 * reports it again and it is answered again (kernel-facts 6.5). A kill is destroyed at once.
 */

#include "bpf/abi.h"

struct pst_inject;
struct pst_destroy_queue;

/* Neither is owned; both may be NULL: then nothing is answered, or nothing destroyed. */
struct pst_respond {
	struct pst_inject *inject;
	struct pst_destroy_queue *destroy;
};

void pst_respond(const struct pst_respond *r, const struct pst_event *event);
