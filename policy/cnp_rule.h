/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One element of ingress, egress, ingressDeny or egressDeny.
 *
 * A refused rule is closed before it leaves this module, so that even a reader who forgets to look
 * at its flag can only be too strict:
 *
 *   - an allow rule keeps its ports and gets an empty list of peers: it allows nothing;
 *   - a deny rule is as wide as its readable parts could mean. Fields narrow a deny rule, so one
 * that cannot be read is left out; elements of a list widen it, so one that cannot be read becomes
 * everything. Peers that are of a kind that is not supported, or of none that is known, are
 * everybody.
 *
 * Ids of its own: icmp-with-ports, services-with-ports, auth-mode, host-policy-l7, not-in-deny,
 * removed-field, unsupported-authentication, unsupported-requires; the warning requires-deprecated.
 *
 * A rule that asks for authentication is reported and stays as it is written: whoever enforces has
 * to deny what it means, also where another rule would allow it (policy-semantics 5.1).
 */

#include "policy/cnp_selector.h"
#include "policy/fields.h"

struct pst_cnp_rule_context {
	enum pst_direction direction;
	bool deny;
	bool clusterwide; /* of a CiliumClusterwideNetworkPolicy */
	bool is_host;	  /* of a policy for nodes */
	const struct pst_cnp_scope *scope;
};

/* Reads N into *RULE. 0, also when the rule is refused; -ENOMEM. */
int pst_cnp_rule_read(struct pst_reader *r, const struct pst_yaml_node *n,
		      const struct pst_cnp_rule_context *ctx, struct pst_rule *rule);
