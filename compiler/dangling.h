/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Peers that are named and that nobody has: what a rule means differs from what its author had in
 * mind, or the inventory is not complete.
 *
 * Warnings: cidr-group-unknown (cidrGroupRef), service-unknown (toServices by name), name-unknown
 * (toFQDNs: a name or a pattern without any address). See pst_peer_matches() for what such a rule
 * does.
 */

#include "base/diag.h"
#include "policy/inventory.h"
#include "policy/policy.h"

void pst_dangling_report(const struct pst_policy_set *policies,
			 const struct pst_inventory *inventory, struct pst_diags *diags);
