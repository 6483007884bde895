/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The program that steers connections to the userspace proxy (bpf/sklookup.bpf.c), one copy for one
 * network namespace. It shares the maps of the loader, but for the map of listeners.
 *
 * Nothing of it is pinned: when the daemon ends, or the listeners are closed, connections meet the
 * application again, and the judge denies what is on them.
 */

struct pst_loader;
struct pst_starter;
struct pst_steer;

/*
 * Steers what begins in the namespace NETNS_FD to LISTENERS, sockets of that namespace for IPv4 and
 * IPv6 (-1: none). Keeps no descriptor of either. STARTER attaches (enforcer/errand.h). 0, or why
 * the kernel refused, logged.
 */
int pst_steer_open(const struct pst_loader *l, struct pst_starter *starter, int netns_fd,
		   const int listeners[2], struct pst_steer **ret_steer);

/* From now on nothing is steered. NULL is fine; *S becomes NULL. */
void pst_steer_close(struct pst_steer **s);
