/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who starts processes for the daemon.
 *
 * The daemon has to start some again as long as it lives, and what may start a process is worth
 * most to whoever takes the daemon over. So a process of its own does it, the starter, made before
 * there is anything that strangers wrote, and afterwards the daemon gives up fork and exec
 * (pst_confine_daemon()). The starter knows from its beginning what there is to be started. What it
 * is told later is a number, and descriptors that the new process is to have: nothing in it is a
 * path, a word of a command line or an address.
 *
 * What it starts are the daemon's own children (CLONE_PARENT): the daemon waits for them, and a
 * death signal of theirs is for the daemon's end. The starter ends with the daemon.
 */

#include <stddef.h>
#include <sys/types.h>

enum pst_start {
	PST_START_READER,
	PST_START_HELPER,
	PST_START_PROXY,
	PST_START_LINKER, /* enforcer/errand.h */
	PST_START_OPENER, /* of the file that flows are exported to */
	PST_START_MAX,
};

enum { PST_START_FDS = 7 };

/* In the new process, a copy of the starter: FDS are its own. It must not return. */
typedef void (*pst_start_fn)(void *arg, const int *fds, size_t n);

struct pst_start_job {
	pst_start_fn run;
	void *arg; /* as it is when the starter is opened */
};

struct pst_starter;

/* 0, -ENOMEM, or -errno, logged. */
int pst_starter_open(const struct pst_start_job jobs[PST_START_MAX],
		     struct pst_starter **ret_starter);

/* Ends it, and nothing that it has started. NULL is fine; *S becomes NULL. */
void pst_starter_close(struct pst_starter **s);

/*
 * Starts WHAT with copies of N descriptors: 0, or -errno: -EPIPE when the starter has ended;
 * -ETIMEDOUT when it does not answer within 5 s. From then on it counts as ended.
 */
int pst_starter_run(struct pst_starter *s, enum pst_start what, const int *fds, size_t n,
		    pid_t *ret_pid);

/* Readable only when it has ended, or counts as ended. Owned by the starter. */
int pst_starter_fd(const struct pst_starter *s);
