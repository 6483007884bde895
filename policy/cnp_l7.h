/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rules of an element of toPorts: at most one family of L7 rules (policy-semantics 1.4).
 *
 * A family that is written as an empty list restricts nothing, and so does an empty mapping. DNS
 * rules stand in egress only. Kafka rules and generic ones (l7proto, l7) were removed in Cilium
 * 1.20; for older versions they are read so far that the rules of this file can be applied, and are
 * not in the model.
 *
 * Ids: two-l7-kinds, dns-on-ingress, dns-without-ports, dns-port-range, removed-field,
 * l7-without-l7proto, http-needs-tcp, http-port-zero, l7-port-range, unsupported-dns,
 * unsupported-kafka, unsupported-l7proto; those of cnp_http.h and cnp_fqdn.h; warnings: dns-empty,
 * deprecated-field.
 */

#include "policy/cnp_rule.h"
#include "policy/fields.h"

enum pst_cnp_l7_family {
	PST_CNP_L7_HTTP,
	PST_CNP_L7_DNS,
	PST_CNP_L7_KAFKA,
	PST_CNP_L7_PROTO,
	PST_CNP_L7_MAX,
};

/* What was said about L7, whether it is in the model or not. */
struct pst_cnp_l7 {
	const struct pst_yaml_node *written[PST_CNP_L7_MAX]; /* NULL: not at all */
	const struct pst_yaml_node *generic;		     /* the list "l7" */
	bool closed; /* something in it is not enforced yet: the rule must be closed */
};

/* Reads N into PR and L7. */
int pst_cnp_l7_read(struct pst_reader *r, const struct pst_yaml_node *n,
		    const struct pst_cnp_rule_context *ctx, struct pst_port_rule *pr,
		    struct pst_cnp_l7 *l7);

/* Are there rules of any family? */
bool pst_cnp_l7_has_rules(const struct pst_cnp_l7 *l7);

/* Do the rules fit each other and the ports of PR? */
int pst_cnp_l7_check(struct pst_reader *r, const struct pst_cnp_l7 *l7,
		     const struct pst_port_rule *pr);
