/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whether a rule means a peer.
 */

#include "compiler/bundle.h"
#include "policy/inventory.h"
#include "policy/policy.h"

/* What is known of an identity beside its labels. */
struct pst_identity_facts {
	/* An identity of addresses outside: those in this prefix, but in no longer one. NULL: not.
	 */
	const struct pst_prefix *prefix;
	/* The named ports of its endpoints, as far as policies use them; sorted. */
	const struct pst_named_port *ports;
	size_t n_ports;
};

/* An identity as a peer. */
struct pst_peer_view {
	const struct pst_labels *labels;
	const struct pst_identity_facts *facts;
	const struct pst_inventory *inventory;
};

/* Does an element of toServices in a policy of namespace POLICY_NS mean SERVICE? */
bool pst_peer_names_service(const struct pst_service_peer *peer, const char *policy_ns,
			    const struct pst_service *service);

/* Does an element of fromCIDRSet or toCIDRSet mean GROUP? */
bool pst_peer_names_group(const struct pst_cidr_peer *peer, const struct pst_cidr_group *group);

/* Does it name a group that INVENTORY does not have? */
bool pst_peer_is_dangling(const struct pst_cidr_peer *peer, const struct pst_inventory *inventory);

/* Are LABELS those of addresses outside the cluster? */
bool pst_peer_is_outside(const struct pst_labels *labels);

/* The CiliumCIDRGroup or Service of that name; NULL when INVENTORY has none. */
const struct pst_cidr_group *pst_peer_find_group(const struct pst_inventory *inventory,
						 const char *name);
const struct pst_service *pst_peer_find_service(const struct pst_inventory *inventory,
						const char *ns, const char *name);

/* Does RULE mean the DNS name NAME? */
bool pst_peer_names_name(const struct pst_rule *rule, const char *name);

/* Does RULE mean a DNS name that INVENTORY gives the address ADDR? */
bool pst_peer_names_addr(const struct pst_rule *rule, const struct pst_inventory *inventory,
			 const struct pst_addr *addr);

/*
 * Does RULE of a policy in namespace POLICY_NS mean the peer V? A deny rule of which a part was
 * refused denies all peers that its readable parts do not narrow; for an allow rule that was
 * refused the answer does not matter, it allows nothing.
 *
 * The name of a group or service that the inventory does not have is nobody for an allow rule; for
 * a deny rule it is whatever it could be: every address outside, or everybody. A selector that
 * finds nothing is nobody.
 */
bool pst_peer_matches(const struct pst_rule *rule, const char *policy_ns,
		      const struct pst_peer_view *v);
