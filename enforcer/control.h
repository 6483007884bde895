/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The control socket: enforcer/client.h tells what is said there. It only tells, it changes
 * nothing. A stream socket of mode 0660: who may connect may read everything.
 *
 * Nothing waits for a client. What he is too slow to take of the flows he loses, and is told how
 * many (LOST_EVENTS). There are at most 32; when all are there, one that has not moved for five
 * seconds makes room. Who finds no place, or the process without a free descriptor, is told so.
 */

#include <stdbool.h>
#include <stdint.h>

struct pst_flow_ring;
struct pst_json;

/* Writes one value with KEY into a document that is open. */
typedef void (*pst_control_write_fn)(struct pst_json *j, const char *key, void *arg);

/* What requests are answered from. */
struct pst_control_source {
	pst_control_write_fn status, endpoints, policy;
	const struct pst_flow_ring *flows;
	/* Called when the first one begins to follow the flows, and when the last one ends. */
	void (*followed)(bool by_anybody, void *arg);
	const char *node_name;
	void *arg;
};

struct pst_control;

enum { PST_CONTROL_CLIENTS = 32 };

/*
 * Listens at PATH, and makes its directory when only that is missing. SOURCE is copied; what it
 * points at must outlive the socket. A socket that nobody listens at any more is replaced.
 * -EADDRINUSE: a process listens there; -EEXIST: there is something else than a socket; other
 * -errno. WHY is a sentence about it, for a log.
 */
int pst_control_open(const char *path, const struct pst_control_source *source,
		     struct pst_control **ret_control, const char **ret_why);

/* Closes all connections and removes the socket, if it is still this one. NULL is fine. */
void pst_control_close(struct pst_control **c);

/* Readable when pst_control_dispatch() has something to do. */
int pst_control_fd(const struct pst_control *c);
void pst_control_dispatch(struct pst_control *c);

/* To be called when flows were added: hands them to those who follow. */
void pst_control_flows_added(struct pst_control *c);

unsigned int pst_control_count_clients(const struct pst_control *c);
