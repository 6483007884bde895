/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the daemon, its helper, its reader and the userspace proxy say to each other: fixed
 * messages, each with at most one descriptor, over pairs of SOCK_SEQPACKET sockets that the daemon
 * makes. What the proxy says to the daemon goes through a pipe, which carries no descriptors: the
 * proxy has sockets whose last close() can wait for ever (SO_LINGER), and whoever is sent one has
 * to close it.
 *
 *	daemon -> proxy		POLICY	 a bundle (a memfd) to be in force from now on
 *				LISTENER a listening socket, with the number of its place
 *				FORGET	 the listeners of place ID are to be closed
 *				PING	 are you there?
 *	proxy -> daemon		DONE	 policy ID is in force, or ERROR
 *				PING	 yes
 *	proxy -> helper		LEG	 an accepted connection: a way to its server, please
 *				ORIGIN	 an accepted connection: whose is it, where was it to go?
 *	helper -> proxy		LEG	 the leg, connecting, or ERROR
 *				ORIGIN	 CLIENT and SERVER, or ERROR
 *	daemon -> reader	READ	 read all files again; ID says why (enum pst_anew)
 *				PING	 are you there?
 *				REFUSED	 what came last did not come into force
 *	reader -> daemon	BEGUN	 files are being read
 *				READING	 what they say (enforcer/parcel.h), as READ asked for by ID;
 *					 or ERROR, with what stands against them
 *				BLIND	 files cannot be watched: it ends after this reading
 *				PING	 yes
 *
 * Helper and reader answer in the order of the questions.
 */

#include "bpf/abi.h"

#include <stdint.h>

enum pst_wire_kind {
	PST_WIRE_POLICY = 1,
	PST_WIRE_LISTENER,
	PST_WIRE_FORGET,
	PST_WIRE_DONE,
	PST_WIRE_LEG,
	PST_WIRE_ORIGIN,
	PST_WIRE_READ,
	PST_WIRE_PING,
	PST_WIRE_REFUSED,
	PST_WIRE_BEGUN,
	PST_WIRE_READING,
	PST_WIRE_BLIND,
};

struct pst_wire {
	uint32_t kind; /* enum pst_wire_kind */
	uint32_t id;
	int32_t error; /* 0 or -errno */
	uint32_t pad;
	struct pst_end client, server; /* of ORIGIN, answered */
};

/* A pair of sockets, close-on-exec, with room for thousands of messages. 0 or -errno. */
int pst_wire_pair(int ret_fds[2]);

/*
 * A pair through which only RET_FDS[0] speaks, and never waits: -EAGAIN when the other does not
 * read. RET_FDS[1] can send nothing, not even in vain. 0 or -errno.
 */
int pst_wire_pair_oneway(int ret_fds[2]);

/* Sends W, with a copy of descriptor PASS unless that is -1. 0; -EAGAIN; -errno. */
int pst_wire_send(int fd, const struct pst_wire *w, int pass);

/*
 * Receives one message; *RET_PASS is its descriptor, close-on-exec, the caller's, or -1. 0; -EAGAIN
 * when there is none now (FLAGS: MSG_DONTWAIT); -EPIPE at the end; -EPROTO when it is no message;
 * -errno.
 */
int pst_wire_recv(int fd, int flags, struct pst_wire *ret_w, int *ret_pass);

/* The same through a pipe, where nothing can be passed. 0; -EAGAIN; -errno. */
int pst_wire_write(int fd, const struct pst_wire *w);

/* From a pipe that does not wait: 0; -EAGAIN; -EPIPE at the end; -EPROTO: no message; -errno. */
int pst_wire_read(int fd, struct pst_wire *ret_w);
