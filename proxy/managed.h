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
 *
 * All workers ask the one helper, which answers in the order of the questions: who has asked is
 * remembered here, in that order, and what was asked with the worker (proxy/asking.h).
 */

#include "base/vec.h"
#include "enforcer/tally.h"
#include "enforcer/wire.h"
#include "enforcer/wish.h"
#include "proxy/front.h"

#include <pthread.h>
#include <stdint.h>

struct pst_managed {
	int control;			 /* -1: not managed */
	int answers;			 /* a pipe to the daemon, or -1 */
	int verdicts;			 /* likewise, of what was judged (proxy/tell.h) */
	struct pst_tally *tally;	 /* NULL: nobody reads what is counted */
	const struct pst_wish *wish;	 /* NULL: denials are to be told, and nothing else */
	pthread_mutex_t asking;		 /* what follows */
	int legs;			 /* -1: not managed, or the helper is gone */
	struct PST_VEC(uint32_t) askers; /* workers that wait for an answer, from `next` on */
	size_t next;
};

void pst_managed_init(struct pst_managed *m);

/* Takes over the descriptors that the daemon has left, 3 to 8. 0 or -errno, logged. */
int pst_managed_open(struct pst_managed *m);
void pst_managed_close(struct pst_managed *m);

/* The front of FD, taken over, which listens for PLACE; NULL. */
struct pst_front *pst_managed_listen(uint32_t place, int fd);

/* Any worker: asks the helper about FD, a connection. 0 or -errno. */
int pst_managed_ask(struct pst_managed *m, uint32_t worker, enum pst_wire_kind kind, int fd);

/*
 * An answer: to which worker, and the leg (-1: none), the caller's. 0; -EAGAIN: none now; -errno:
 * the helper is gone, and nobody can ask any more.
 */
int pst_managed_answer(struct pst_managed *m, struct pst_wire *ret_wire, int *ret_leg,
		       uint32_t *ret_worker);
