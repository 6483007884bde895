/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Does one rule reach all that another one reaches? By what the rules say alone: no endpoint, no
 * address of a service and no number of a named port is known here.
 *
 * Pods are taken for pods of the own cluster unless a selector says otherwise, as they are where
 * clusters are not meshed.
 *
 * Else a "true" can be relied upon. "false" means that it could not be shown: in particular,
 * several rules that only together reach as far are not found.
 */

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* Is each peer of INNER a peer of OUTER? A rule that reaches nobody covers nobody. */
bool pst_cover_peers(const struct pst_rule *outer, const struct pst_rule *inner);

/* Is INNER's part of the numbers, or its name, within OUTER, for each of its protocols? */
bool pst_cover_port(const struct pst_port *outer, const struct pst_port *inner);

/* Can there be a number and a protocol that both mean? False for a name against a number. */
bool pst_ports_overlap(const struct pst_port *a, const struct pst_port *b);

/* Is there a port and a protocol that both rules are about? Names are about nothing but themselves.
 */
bool pst_rules_share_port(const struct pst_rule *a, const struct pst_rule *b);

/* Is INNER within OUTER? */
bool pst_cover_prefix(const struct pst_prefix *outer, const struct pst_prefix *inner);

/* A rule without peers and ports, or with an empty list of peers, reaches nobody. */
bool pst_rule_reaches_nobody(const struct pst_rule *rule);

/* Without toPorts and icmps: all ports of all protocols. */
bool pst_rule_is_l3_only(const struct pst_rule *rule);

/* Does an entry of toPorts restrict nothing but ports? */
bool pst_port_rule_is_open(const struct pst_port_rule *ports);

/* Does an HTTP rule match every request? */
bool pst_http_rule_is_open(const struct pst_http_rule *http);

/* Does a DNS rule match every name? */
bool pst_dns_rule_is_open(const struct pst_fqdn *dns);
