/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Programs at the host's side of pods: tc filters (clsact) on every veth device of the daemon's
 * network namespace whose other end is in another one.
 *
 * What is attached to a device is decided by nothing else: the programs look at addresses, and
 * leave alone what is no endpoint's. Devices come and go with pods, so the list is read again when
 * the kernel says that a link has changed (rtnetlink(7)); between the birth of a device and its
 * filters lie some milliseconds, in which a pod's kernel answers as any other.
 *
 * Filters outlive the process; the programs behind them do not, unless their map is pinned
 * (bpf/tc.bpf.c). So a filter that nobody removes passes everything. They are known by handle,
 * priority and the program's name, which every version keeps: each can replace what another has
 * attached.
 *
 * Not reached: pods on the host's network, whose closed ports are the node's own, and devices that
 * are no veth (ipvlan, SR-IOV): the judge at their sockets is the same.
 */

#include <stdbool.h>
#include <stddef.h>

struct pst_homes;
struct pst_tc;

/* Descriptors of what is attached, and of the map that tells the programs about devices. */
struct pst_tc_programs {
	int to_pod, from_pod;
	int devices;
};

/*
 * Subscribes to changes of links; attaches nothing. HOMES, which is told of the devices before the
 * programs are, must outlive it; NULL: sources are not checked. 0, -ENOMEM or -errno, logged.
 */
int pst_tc_open(struct pst_homes *homes, struct pst_tc **ret_tc);

/* What is attached stays. NULL is fine; *TC becomes NULL. */
void pst_tc_close(struct pst_tc **tc);

/*
 * Attaches PROGRAMS, whose descriptors must outlive TC, to every device that is there, in the place
 * of what was attached before. 0, also when a device refuses: that is logged and counted. -errno
 * when devices cannot be listed, logged.
 */
int pst_tc_attach(struct pst_tc *tc, const struct pst_tc_programs *programs);

/* Readable when links may have changed, or what has failed is to be tried again. Owned by TC. */
int pst_tc_fd(const struct pst_tc *tc);

/* Attaches to what is new. Logs what fails. */
void pst_tc_dispatch(struct pst_tc *tc);

/* How many devices have the programs, and how many refused them. */
size_t pst_tc_count(const struct pst_tc *tc, size_t *ret_refused);

/*
 * Removes the filters from all devices of the namespace, whoever attached them, and the qdisc where
 * nothing else is left on it. 0 or -errno, logged.
 */
int pst_tc_remove(void);
