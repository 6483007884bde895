/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A thread and its connections, which nobody else touches: they share a poll, deadlines, memory and
 * a twin of the policy in force. What it hears from other threads comes as mail; what others may
 * look at is atomic.
 */

#include "base/vec.h"
#include "proxy/asking.h"
#include "proxy/conn.h"
#include "proxy/mail.h"
#include "proxy/options.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_team;

struct pst_worker {
	struct pst_team *team;
	const struct pst_proxy_options *o;
	uint32_t number;
	pthread_t thread;
	struct pst_mailbox mail;
	/* Others look at these. */
	atomic_size_t load;		     /* connections that are or will be its own */
	atomic_uint_least64_t busy_since_ms; /* 0: it waits for events */
	struct pst_tally_row counted;	     /* where it counts unless somebody else reads that */
	/* Of the team, under its lock. */
	uint32_t generation; /* of the policy that it judges by */
	bool ended;

	struct pst_conn_home home;
	struct pst_proxy_policy *policy;
	struct pst_asking asking;
	struct pst_fronts fronts;
	struct pst_mail_taken taken; /* an empty list between turns */
	int spare_fd; /* to be closed when there are no more, so that a connection can be refused */
	struct pst_conn all;  /* a list with a head of its own */
	struct pst_conn dead; /* likewise: events may still name them, until the turn is over */
	bool has_mail;	      /* to be read at the end of the turn */
	bool look_for_dead;   /* some were ended without a look at the list */
	int error;	      /* it cannot go on */
	struct PST_VEC(struct pst_conn *) queue; /* have more to do */
	uint64_t drain_end_ms;			 /* 0: not ending */
	uint64_t trim_at_ms;			 /* not before */
};

/* For TEAM, not running. 0 or -errno. */
int pst_worker_init(struct pst_worker *w, struct pst_team *team, uint32_t number);

/* Ends all connections. */
void pst_worker_fini(struct pst_worker *w);

/* The thread: it serves connections until it is told to end, and they have ended. */
void *pst_worker_main(void *ctx);

/* Takes C, which is new and has a share, among its connections, and runs it. */
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
