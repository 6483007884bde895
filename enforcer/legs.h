/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The helper that makes the userspace proxy's ways to servers.
 *
 * A server and its clients are in a network namespace that the proxy, which reads what strangers
 * send, must not enter. So it hands each accepted connection to the helper, a process of its own,
 * which trusts nothing else of it: the namespace, the server's address and the client's are those
 * of the connection itself.
 *
 * The leg goes over the namespace's loopback, from the server's own address: two sockets of one
 * namespace cannot both have the client's (docs/decisions/0021-two-legs.md). What the application
 * is told about its peer is entered in the map of legs before the leg connects.
 */

struct pst_legs_maps {
	int ours; /* descriptors of the maps of that name */
	int legs;
};

/*
 * A socket on its way to the server of CLIENT_FD, an accepted connection: its descriptor, or
 * -errno. -EPROTO: CLIENT_FD is no accepted TCP connection, or not one of a listener of ours.
 */
int pst_legs_open(const struct pst_legs_maps *maps, int client_fd);

/* Answers on FD (enforcer/wire.h) until the other end is closed. An exit status. */
int pst_legs_run(const struct pst_legs_maps *maps, int fd);
