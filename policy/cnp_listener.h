/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The listener of an element of toPorts: who is to have the flow instead of Cilium's own proxy
 * (policy-semantics 1.4).
 *
 * Ids: listener-on-ingress, listener-kind, listener-namespaced (a clusterwide policy cannot name
 * the listener of a namespace), listener-name-missing, listener-priority. That it cannot stand
 * beside L7 rules is the caller's business, and so is the report that it is unsupported.
 */

#include "policy/cnp_rule.h"
#include "policy/fields.h"

/* *RET_LISTENER is set on 0 only. */
int pst_cnp_listener_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  const struct pst_cnp_rule_context *ctx,
			  struct pst_listener **ret_listener);
