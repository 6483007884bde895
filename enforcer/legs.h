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
 *
 * Egress is simpler: the client has the loopback's address on its socket, and the leg goes from the
 * address that the client was told, and from its port, to the server. Where that is the kernel has
 * noted when the client began (bpf/connect.bpf.c).
 */

#include "bpf/abi.h"

struct pst_legs_maps {
	int ours; /* descriptors of the maps of that name */
	int legs;
	int origins, meant;
};

/*
 * CLIENT_FD was accepted on the listener's own address: whose connection is it, and where was it to
 * go? Found once; from then on pst_legs_open() knows. 0; -ENOENT: nowhere, somebody has connected
 * to the listener; -EPROTO as below; -errno.
 */
int pst_legs_origin(const struct pst_legs_maps *maps, int client_fd, struct pst_ends *ret_ends);

/*
 * A socket on its way to the server of CLIENT_FD, an accepted connection: its descriptor, or
 * -errno. -EPROTO: CLIENT_FD is no accepted TCP connection, or not one of a listener of ours.
 */
int pst_legs_open(const struct pst_legs_maps *maps, int client_fd);

/* Answers on FD (enforcer/wire.h) until the other end is closed. An exit status. */
int pst_legs_run(const struct pst_legs_maps *maps, int fd);
