/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How connections come in: accepted, given to the worker that is to serve them, asked about at
 * L3/L4, and begun or reset. Over a limit (connections, descriptors) they are reset, and counted.
 */

#include "proxy/worker.h"

/* Takes some of what waits at FRONT. */
void pst_entry_accept(struct pst_worker *w, const struct pst_front *front);

/* FD, taken over, was accepted by another worker FROM there, at a front with PORT. */
void pst_entry_take(struct pst_worker *w, int fd, const struct sockaddr_storage *from,
		    uint16_t port);

/* The helper says where an accepted connection of a workload was to go. */
void pst_entry_begin_out(struct pst_worker *w, const struct pst_asking_answer *a);

/* Tells that KNOWN passes although R denies it, or has it judged: its policies are in audit. */
void pst_entry_tell_audited(struct pst_worker *w, const struct pst_conn_start *known,
			    const struct pst_l4_result *r);

/* The L3/L4 question about a connection, to the policy in force. */
struct pst_l4_result pst_entry_ask(const struct pst_worker *w, enum pst_dir direction,
				   const struct pst_addr *client, const struct pst_addr *server,
				   uint16_t port);
