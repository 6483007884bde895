/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What a worker has asked the helper, in the order of the answers (proxy/managed.h). */

#include "base/vec.h"
#include "proxy/conn.h"
#include "proxy/managed.h"

struct pst_asking {
	struct pst_managed *managed;
	uint32_t worker;
	struct PST_VEC(struct pst_asked {
		struct pst_conn *conn; /* for a leg; NULL: given up */
		int fd;		       /* for its origin; -1: no such question */
	}) waiting;		       /* from `next` on */
	size_t next;
};

/* What the helper has answered. */
struct pst_asking_answer {
	struct pst_conn *conn; /* has its leg, or not; NULL: nobody waits any more */
	int fd;		       /* its origin was asked for: the caller's now; -1 */
	int error;	       /* then */
	struct pst_end client, server;
};

void pst_asking_fini(struct pst_asking *a);

/* Asks for a way to the server of C: pst_conn_reached() tells. 0 or -errno. */
int pst_asking_reach(struct pst_asking *a, struct pst_conn *c);

/* C is ending and waits no more. */
void pst_asking_give_up(struct pst_asking *a, const struct pst_conn *c);

/* Asks whose FD is, and where it was to go. FD is taken over unless it fails: -errno. */
int pst_asking_origin(struct pst_asking *a, int fd);

/* The next answer is W, with LEG (-1: none), taken over. */
void pst_asking_answered(struct pst_asking *a, const struct pst_wire *w, int leg,
			 struct pst_asking_answer *ret_answer);
