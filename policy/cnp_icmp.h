/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The list icmps: which types of ICMP messages a rule is about.
 *
 * Each element has a list of fields; a field has a family (IPv4 when it is absent, or IPv6) and a
 * type, as a number of 0 to 255 or by name. The names are those of IANA's registries without their
 * blanks, as far as Cilium knows them. ExtendedEchoReply is one of them, but the schema of Cilium's
 * custom resource misspells it and so refuses it: the number has to be written.
 *
 * Ids: icmp-family, icmp-type, icmp-too-many.
 */

#include "policy/fields.h"

/* Reads list N into RULE's types. On -EINVAL those that could be read are there. */
int pst_cnp_icmps_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_rule *rule);
