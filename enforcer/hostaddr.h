/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The node's own addresses: every address of every interface in the namespace of the calling
 * thread.
 *
 * The node is recognised by its addresses, not by the Node object, which names one or two of the
 * many that a node has (the bridge of the CNI, tunnels, secondary addresses). They come and go, so
 * the list is read again when the kernel says that an address was added or removed (rtnetlink(7),
 * groups IPV4_IFADDR and IPV6_IFADDR). The subscription is made before the first reading: no change
 * falls between them. When notices are lost (ENOBUFS) the list is read again, too: a notice means
 * "look", its content is not used.
 *
 * 127.0.0.0/8 is always in the list as a whole: the kernel treats all of it as local, whatever
 * loopback is configured with. So is ::1. Not in it: addresses that are local only by a route (`ip
 * route add local`).
 *
 * Entries are prefixes over the 16-byte form, as the address map wants them: an IPv4 /8 is a /104.
 */

#include "policy/inventory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_host_prefix {
	struct pst_addr addr; /* bits behind len are 0 */
	uint8_t len;	      /* 0..128 */
};

struct pst_hostaddr;

/* Subscribes and reads. 0, -ENOMEM, or why that is not possible, logged. */
int pst_hostaddr_open(struct pst_hostaddr **ret_host);

/* NULL is fine; *HOST becomes NULL. */
void pst_hostaddr_close(struct pst_hostaddr **host);

/* The list, sorted, without repetition. Owned by HOST, good until the next dispatch. */
const struct pst_host_prefix *pst_hostaddr_list(const struct pst_hostaddr *host, size_t *ret_n);

/* Readable when addresses may have changed. Owned by HOST. */
int pst_hostaddr_fd(const struct pst_hostaddr *host);

/*
 * Takes in the notices and reads again. 0 with *ret_changed telling whether the list differs from
 * before; -ENOMEM or -errno, logged, with the list as it was: it becomes readable again in a
 * second.
 */
int pst_hostaddr_dispatch(struct pst_hostaddr *host, bool *ret_changed);
