/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The proxy as a part of the daemon: policies and listeners come from it, and ways to servers from
 * its helper (enforcer/wire.h). The proxy itself has no rights and enters no namespace.
 *
 * Each listener belongs to the network namespace of a workload. What it accepts was meant for the
 * workload: the local address of a connection is the server's, the remote one the client's.
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

struct pst_managed {
	int control, legs; /* -1: not managed */
	struct PST_VEC(struct pst_front *) listeners;
	struct PST_VEC(struct pst_conn *) waiting; /* for a leg, from `next` on; NULL: given up */
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

/* One answer of the helper. *RET_CONN, whose it is, may be NULL. 0; -EAGAIN: none now; -errno: the
 * helper is gone. */
int pst_managed_answer(struct pst_managed *m, struct pst_conn **ret_conn);
