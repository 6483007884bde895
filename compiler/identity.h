/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Identities of a bundle and the addresses that carry them: the first half of resolution (see
 * resolve.h).
 */

#include "compiler/resolve.h"

/* Fills B->identities, ascending by id; enforce is still false. 0 or -ENOMEM. */
int pst_identities_collect(const struct pst_inventory *inventory, struct pst_bundle *b);

/* The identity of B with exactly these labels (sorted); NULL when there is none. */
struct pst_bundle_identity *pst_identity_find(const struct pst_bundle *b,
					      const struct pst_labels *labels);

/* True when policies can select it: a label set without a reserved label. */
bool pst_identity_is_subject(const struct pst_bundle_identity *identity);

/*
 * Fills B->addrs from the inventory and the node's own addresses; the identities' enforce must be
 * known. An endpoint with an address of the node wins, with a warning "address-of-node". 0,
 * -ENOMEM, or -E2BIG with a diagnostic.
 */
int pst_identity_addrs(const struct pst_resolve_input *in, struct pst_diags *diags,
		       struct pst_bundle *b);
