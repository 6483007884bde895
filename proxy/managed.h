/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The proxy as a part of the daemon: policies and listeners come from it, and ways to servers from
 * its helper (enforcer/wire.h). The proxy itself has no rights and enters no namespace.
 *
 * Each listener belongs to the network namespace of a workload. What it accepts was meant for the
 * workload: the local address of a connection is the server's, the remote one the client's. When
 * the local address is the listener's own, the workload is the client, and the helper knows where
 * the connection was to go.
 */

#include "base/vec.h"
#include "enforcer/wire.h"
#include "proxy/conn.h"

#include <stdbool.h>
#include <stdint.h>

struct pst_front {
	int fd;
	uint32_t place;
	uint16_t port; /* its own: what was sent there was meant for nobody */
};

/* A question to the helper. */
struct pst_question_asked {
	struct pst_conn *conn; /* for a leg; NULL: given up */
	int fd;		       /* for its origin; -1: no such question */
};

/* What the helper has answered. */
struct pst_managed_answer {
	struct pst_conn *conn; /* has its leg, or not; NULL: nobody waits any more */
	int fd;		       /* its origin was asked for: the caller's now; -1 */
	int error;	       /* then */
	struct pst_end client, server;
};

struct pst_managed {
	int control, legs; /* -1: not managed */
	struct PST_VEC(struct pst_front *) listeners;
	struct PST_VEC(struct pst_question_asked) waiting; /* for an answer, from `next` on */
	size_t next;
};

/* Takes over the descriptors that the daemon has left: 3 and 4. 0 or -errno, logged. */
int pst_managed_open(struct pst_managed *m);
void pst_managed_close(struct pst_managed *m);

/* FD, taken over, listens for PLACE. The listener, or NULL with errno set. */
struct pst_front *pst_managed_listen(struct pst_managed *m, uint32_t place, int fd);

/* Closes the listeners of PLACE, or all. */
void pst_managed_forget(struct pst_managed *m, uint32_t place);
void pst_managed_forget_all(struct pst_managed *m);

/* Asks for a way to the server of C: pst_conn_reached() tells. 0 or -errno. */
int pst_managed_reach(struct pst_managed *m, struct pst_conn *c);

/* C is ending and waits no more. */
void pst_managed_give_up(struct pst_managed *m, const struct pst_conn *c);

/* Asks whose FD is, and where it was to go. FD is taken over unless it fails: -errno. */
int pst_managed_ask_origin(struct pst_managed *m, int fd);

/* One answer of the helper. 0; -EAGAIN: none now; -errno: the helper is gone. */
int pst_managed_answer(struct pst_managed *m, struct pst_managed_answer *ret_answer);
