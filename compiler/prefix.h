/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The prefixes that policies tell apart.
 *
 * Every prefix that a rule names, itself or by a group, every exception, every address behind a
 * service without selector or of a DNS name that a rule means, and every address of the API server
 * (those behind the Service default/kubernetes) is one identity of addresses outside the cluster:
 * those inside it, but in none of the longer ones. So all addresses of an identity are inside the
 * same rules' peers, and "is this identity meant" is a question of containment. (Cilium has CIDR
 * identities in the same way.)
 *
 * Prefixes select no pod and no node: their addresses are longer prefixes of their own in the map.
 * An IPv6 prefix does not contain IPv4 addresses, though these are written v4-mapped; where one
 * would, ::ffff:0:0/96 is in the list as well. An IPv6 prefix within ::ffff:0:0/96 is nobody, as no
 * packet has such an address: it is not in the list.
 */

#include "policy/inventory.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* Does OUTER contain INNER, and are both of one family? */
bool pst_prefix_contains(const struct pst_prefix *outer, const struct pst_prefix *inner);

/* ADDR as a prefix of one address. */
struct pst_prefix pst_prefix_of(const struct pst_addr *addr);

/* Order by address, then length: <0, 0, >0. */
int pst_prefix_cmp(const struct pst_prefix *a, const struct pst_prefix *b);

/* "10.0.0.0/8" in ARENA, or NULL when there is no memory. */
const char *pst_prefix_to_str(struct pst_arena *arena, const struct pst_prefix *prefix);

/*
 * The prefixes of POLICIES, with what INVENTORY knows of the services that they name: sorted, each
 * once, in ARENA. 0 or -ENOMEM.
 */
int pst_prefixes_collect(const struct pst_policy_set *policies,
			 const struct pst_inventory *inventory, struct pst_arena *arena,
			 const struct pst_prefix **ret_prefixes, size_t *ret_n);
