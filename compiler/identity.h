/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Identities of a bundle and the addresses that carry them: the first half of resolution (see
 * resolve.h).
 *
 * The addresses behind the Service default/kubernetes carry reserved:kube-apiserver as well, as in
 * Cilium: on this node, on another one, or outside.
 *
 * Endpoints are one identity when they have the same labels and answer alike to the port names that
 * policies use. Beside them there are the node itself, the world, other nodes, and each prefix that
 * policies tell apart (prefix.h). Numbers: Cilium's for label sets that are exactly a reserved one;
 * from PST_ID_LOCAL on for endpoints and from 0x01000001 on for prefixes, by their labels alone
 * (numbering.h); 0x02000001 and up for nodes with labels of their own: the scopes of Cilium.
 */

#include "compiler/peer.h"
#include "compiler/resolve.h"

enum {
	PST_ID_FIRST_PREFIX = 0x01000001, /* Cilium's scope of a node's own numbers */
	PST_ID_FIRST_NODE = 0x02000001,	  /* Cilium's scope of remote nodes */
};

/* What the numbers stand for. In the arena that collection was given. */
struct pst_identity_map {
	struct pst_identity_facts *facts; /* as the bundle's identities */
	uint32_t *endpoint_ids;		  /* as the inventory's endpoints */
	uint32_t *node_ids;		  /* as its nodes */
};

/* Fills B->identities, ascending by id; enforce is still false. 0 or -ENOMEM. */
int pst_identities_collect(const struct pst_resolve_input *in, struct pst_arena *scratch,
			   struct pst_bundle *b, struct pst_identity_map *ret_map);

/* Do A and B answer alike to names of ports? */
bool pst_identity_same_ports(const struct pst_identity_facts *a,
			     const struct pst_identity_facts *b);

/* The identity of B with this number, or NULL. */
const struct pst_bundle_identity *pst_identity_by_id(const struct pst_bundle *b, uint32_t id);

/* True when policies can select it: a label set without a reserved label. */
bool pst_identity_is_subject(const struct pst_bundle_identity *identity);

/*
 * Fills B->addrs from the inventory and the node's own addresses; the identities' enforce must be
 * known. An endpoint with an address of the node wins, with a warning "address-of-node"; both win
 * over other nodes, and all of them over prefixes. 0, -ENOMEM, or -E2BIG with a diagnostic.
 */
int pst_identity_addrs(const struct pst_resolve_input *in, const struct pst_identity_map *map,
		       struct pst_diags *diags, struct pst_bundle *b);
