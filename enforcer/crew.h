/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The two processes beside the daemon: the userspace proxy, which reads what strangers send and has
 * no rights, and the helper, which has rights and reads nothing (enforcer/legs.h).
 *
 * The proxy ends, after the requests on their way, when its control socket is closed: also when the
 * daemon is killed. The helper ends with the proxy. Neither keeps a descriptor of the daemon's that
 * it was not given.
 */

#include "enforcer/legs.h"
#include "enforcer/reply.h"
#include "enforcer/starter.h"

#include <limits.h>
#include <sys/types.h>

/* The command line of the proxy. */
struct pst_crew_proxy {
	const char *path;		    /* of postern-proxy */
	const struct pst_reply_opts *reply; /* the 403 */
	const char *paths, *slashes;	    /* words of --paths, --escaped-slashes; or NULL */
	const char *threads, *workload_connections, *workload_memory; /* numbers; or NULL */
};

/*
 * Where postern-proxy is when the command line says GIVEN: NULL is beside this program, "off" is an
 * empty path. 0 or -errno.
 */
int pst_crew_path(const char *given, char ret_path[PATH_MAX]);

/* Jobs of enforcer/starter.h; the argument of the proxy's is a struct pst_crew_proxy. */
void pst_crew_be_helper(void *arg, const int *given, size_t n);
void pst_crew_be_proxy(void *arg, const int *fds, size_t n);

struct pst_crew_opts {
	struct pst_starter *starter; /* which knows both */
	struct pst_legs_maps maps;
	int tally_fd; /* what the next proxy counts in (enforcer/tally.h) */
	int wish_fd;  /* what the daemon wants to be told (enforcer/wish.h) */
};

/* Nothing that the daemon does with these waits for the other side. */
struct pst_crew {
	pid_t proxy, helper; /* 0: none */
	int control;	     /* to the proxy (enforcer/wire.h); -1: none */
	int answers;	     /* the pipe from it */
};

/* What they write to stderr (enforcer/said.h), and what the proxy has judged (enforcer/judged.h):
 * pipes, whose new owner is the caller. */
struct pst_crew_said {
	int proxy, helper, verdicts;
};

/* 0, or -errno (logged) with nothing running. A path that cannot be run shows as the proxy's end.
 */
int pst_crew_start(const struct pst_crew_opts *opts, struct pst_crew *ret_crew,
		   struct pst_crew_said *ret_said);

/* Closes the control socket: they end by themselves. */
void pst_crew_leave(struct pst_crew *c);

/* Ends both now. Nothing may be running. */
void pst_crew_kill(struct pst_crew *c);
