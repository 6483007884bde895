/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The workers, and what they have in common. The thread that makes the team serves no connection:
 * it loads policies, hears the daemon and its helper, and tells the workers.
 */

#include "enforcer/reply.h"
#include "proxy/managed.h"
#include "proxy/share.h"
#include "proxy/worker.h"

struct pst_team {
	const struct pst_proxy_options *o;
	struct pst_reply denied[2];
	struct pst_memory_pool memory;
	struct pst_shares shares; /* of workloads */
	struct pst_managed managed;
	atomic_size_t n_conns; /* of all workers: never more than there may be */
	atomic_bool given_up;  /* the workers end, whatever is on its way */
	struct pst_worker *workers;
	size_t n_workers;
	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	enum { PST_TEAM_WAITS, PST_TEAM_GOES, PST_TEAM_CANCELLED } state;
	size_t n_ready, n_ended;
	uint32_t generation; /* of the policy that was posted last */
	int error;	     /* of a worker that could not go on */
	int ended_fd;	     /* readable when one has ended */
};

/*
 * As many threads as O says, pinned to the processors that there are, and waiting: so the process
 * can give up rights that threads need to begin. 0 or -errno, logged. To be freed in any case.
 */
int pst_team_start(struct pst_team *t, const struct pst_proxy_options *o);
void pst_team_go(struct pst_team *t);

/* Before they go: they count where the daemon sees it, if it does. */
void pst_team_count(struct pst_team *t);

/* Whatever is still on its way ends at once. */
void pst_team_free(struct pst_team *t);

/* POLICY is in force when this returns 0: each worker judges new requests by it. -ENOMEM: nothing
 * has changed. */
int pst_team_renew(struct pst_team *t, struct pst_proxy_policy *policy, uint64_t now_ms);

/* All of them accept from FRONT, or forget the fronts of PLACE. 0 or -ENOMEM: some do not. */
int pst_team_listen(struct pst_team *t, struct pst_front *front, uint64_t now_ms);
int pst_team_forget(struct pst_team *t, uint32_t place, uint64_t now_ms);

/* No further connections; those that there are end as soon as nothing is on their way. */
void pst_team_end(struct pst_team *t, uint64_t now_ms);

/* Have all ended? With the error of the first that had to in *RET_ERROR. */
bool pst_team_has_ended(struct pst_team *t, int *ret_error);

void pst_team_log_counters(const struct pst_team *t);

/* For a worker. */

/* It is there, and waits for the team to go. False: it does not. */
bool pst_team_enter(struct pst_worker *w);
/* It judges by the policy that was posted last. */
void pst_team_renewed(struct pst_worker *w);
/* It serves nobody any more. */
void pst_team_leave(struct pst_worker *w);

/* Takes one of the connections that there may be. False: there are as many. */
bool pst_team_take_conn(struct pst_team *t);

/*
 * Who is to serve a connection that W has accepted: W, unless somebody has less to do and is not
 * held up by something.
 */
struct pst_worker *pst_team_choose(struct pst_worker *w);
