/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * toPorts of a CiliumNetworkPolicy: ports, and what else stands beside them (policy-semantics 1.4).
 *
 * What a refusal leaves behind. The fields of a port narrow it, so a field that cannot be read
 * leaves the port wider: every port of its protocol. An element of toPorts that names no readable
 * port means every port in a deny rule, and none in an allow rule. That an allow rule with such a
 * mistake allows nothing is the caller's part. The one refusal that stays small is that of an HTTP
 * rule: the HTTP rules of an element are a union, so the bad one is left out and the others stay in
 * force. But an element whose HTTP rules are all refused is itself refused: without them it would
 * mean "no restriction".
 *
 * What is valid and not enforced yet (named ports, other protocols than TCP, UDP and SCTP, TLS,
 * server names, listeners) is treated in the same way when somebody enforces, and is in the model
 * as it is written when a linter asks.
 *
 * Ids: port-missing, port-invalid, port-range, end-port-without-port, too-many-ports,
 * unknown-protocol, extended-protocol, protocol-with-port, server-names-need-tls, listener-with-l7,
 * http-in-deny, not-in-deny; those of cnp_l7.h, cnp_tls.h and cnp_listener.h;
 * unsupported-tls, unsupported-server-names,
 * unsupported-listener; warnings: port-octal, end-port-ignored, ports-missing.
 */

#include "policy/cnp_rule.h"
#include "policy/fields.h"

/* Reads one element of toPorts of a rule as CTX says; on -EINVAL the *PR of a deny rule is as wide
 * as it could mean.
 */
int pst_cnp_port_rule_read(struct pst_reader *r, const struct pst_yaml_node *n,
			   const struct pst_cnp_rule_context *ctx, struct pst_port_rule *pr);
