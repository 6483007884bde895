/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Connections and what they share: a poll, deadlines, memory, the policy in force. The loop
 * (proxy/loop.c) turns it, and proxy/entry.h lets connections in.
 */

#include "base/vec.h"
#include "enforcer/reply.h"
#include "proxy/conn.h"
#include "proxy/managed.h"
#include "proxy/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_worker {
	const struct pst_proxy_options *o;
	struct pst_conn_home home;
	struct pst_proxy_policy *policy;
	struct pst_reply denied[2];
	struct pst_managed managed;
	int listen_fd, signal_fd;
	int spare_fd; /* to be closed when there are no more, so that a connection can be refused */
	struct pst_conn all;  /* a list with a head of its own */
	struct pst_conn dead; /* likewise: events may still name them, until the turn is over */
	struct {
		bool signal, control, legs;
	} ready;	    /* to be read at the end of the turn */
	bool look_for_dead; /* some were ended without a look at the list */
	size_t n_conns;
	struct PST_VEC(struct pst_conn *) queue; /* have more to do */
	uint64_t drain_end_ms;			 /* 0: not ending */
	uint64_t trim_at_ms;			 /* not before */
	uint64_t allowed, denied_by[PST_REASON_MAX], lost_events;
};

/* Takes C, which is new, among its connections, and runs it. */
void pst_worker_add(struct pst_worker *w, struct pst_conn *c);

/* Does what can be done for C now. */
void pst_worker_run(struct pst_worker *w, struct pst_conn *c);

/* POLICY, taken over, is in force from now on. */
void pst_worker_renew(struct pst_worker *w, struct pst_proxy_policy *policy);

/* Connections end as soon as nothing is on their way. */
void pst_worker_drain(struct pst_worker *w);

/* Milliseconds until something is to be done without an event; -1: never. */
int pst_worker_timeout(const struct pst_worker *w);

/* The end of a turn: what waits, what is late, and what is dead. */
void pst_worker_settle(struct pst_worker *w);

/* Ends all connections. */
void pst_worker_clear(struct pst_worker *w);
