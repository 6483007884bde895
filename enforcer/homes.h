/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From which addresses the pods behind devices may send: what the programs at the host's side of
 * pods (bpf/tc.bpf.c) check their packets' sources by.
 *
 * A home is a network namespace behind devices. What the inventory says which pod has which address
 * is believed; what has to be found out is which pod a home is. A pod may have the right to give
 * itself addresses (CAP_NET_ADMIN), so what its namespace has at the moment proves nothing. But
 * what it had first was given to it by who made it, before anything ran in it. So the addresses of
 * a home are read (over netlink, by the namespace's id, without going there) until there are some,
 * from 20 ms after its first device has appeared. The pods of the inventory that have one of these
 * are the home's, as long as one of its devices is there. It may then send from all that the
 * inventory gives these pods, now and later.
 *
 * A device that its pod takes along into a namespace of its own making goes on being the pod's.
 *
 * Of those first addresses only those count that the home still has; when it has none of them any
 * more it stays what it was last. So a home whose address is another pod's meanwhile, because both
 * have got new ones, is not mistaken for that. Neither is one that the inventory was wrong about.
 *
 * Who is in a namespace may give it any number of addresses, in any order, and only the first
 * PST_LINK_MAX_ADDRS are read (enforcer/link.h). A home that had more when it was read first is
 * checked in any case: what is among those read tells which pods it is, and if that is none, it may
 * send from no address of a pod or a node.
 *
 * Any other home that is no pod of the inventory's (yet) is not checked: neither the wire to
 * another node, nor a pod that the inventory learns of later, nor one whose addresses no interface
 * had when they were read (a virtual machine's, while there was no daemon).
 *
 * What is in the map is adopted by the next daemon, where a device still leads where it led. Where
 * there is none to adopt, what a home has when the daemon starts counts as what it had first.
 */

#include <stddef.h>
#include <stdint.h>

struct pst_bundle;
struct pst_device;
struct pst_homes;
struct pst_link;

/* Descriptors of the kernel's maps; they must outlive it. */
struct pst_homes_maps {
	int homes, devices;
};

/* No homes yet. 0 or -errno, logged. */
int pst_homes_new(const struct pst_homes_maps *maps, struct pst_homes **ret_homes);

/* What is in the map stays. NULL is fine; *H becomes NULL. */
void pst_homes_free(struct pst_homes **h);

/*
 * These are the devices now, ascending by index. The first time, what an earlier daemon has left in
 * the maps is adopted; call it before the map of devices is changed. 0 or -ENOMEM: then what is
 * known of some homes is lost, and they are not checked.
 */
int pst_homes_links(struct pst_homes *h, const struct pst_link *links, size_t n);

/* What the programs are to know of a device that leads to NETNS. */
void pst_homes_device(const struct pst_homes *h, int32_t netns, struct pst_device *ret_device);

/* BUNDLE is about to be in force: what it lets pods send from, they may from now on. */
void pst_homes_know(struct pst_homes *h, const struct pst_bundle *bundle);

/* Reads addresses and brings the map up to date with BUNDLE, which is in force. */
void pst_homes_look(struct pst_homes *h, const struct pst_bundle *bundle);

/* Readable when there is something to look for. Owned by H. */
int pst_homes_fd(const struct pst_homes *h);
void pst_homes_dispatch(struct pst_homes *h, const struct pst_bundle *bundle);

/* How many homes are checked, and how many are not because it is not known who they are. */
size_t pst_homes_count(const struct pst_homes *h, size_t *ret_unchecked);

/* How many have more addresses than are read. */
size_t pst_homes_big(const struct pst_homes *h);
