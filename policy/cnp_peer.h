/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Peers: the members fromX and toX of a rule, as field readers (fields.h) whose object is a struct
 * pst_cnp_rule_build.
 *
 * A rule has at most one member with elements (id two-peer-kinds). A member that is an empty list
 * is nobody, an absent one anybody; in an allow rule it is nobody even beside a member with
 * elements, as it is for Cilium's check of empty lists. Groups of a cloud's instances, which
 * postern cannot resolve, are reported as unsupported when there are any; for names a linter hears
 * where their addresses come from.
 *
 * Ids: two-peer-kinds, nodes-need-flag, unsupported-groups, unsupported-fqdn (an info for a
 * linter); and those of the elements' readers.
 */

#include "policy/cnp_rule.h"
#include "policy/fields.h"

/* A rule while it is read. */
struct pst_cnp_rule_build {
	struct pst_rule *rule;
	const struct pst_cnp_rule_context *ctx;
	const struct pst_yaml_node *member;    /* the first peer member that is not empty */
	const struct pst_yaml_node *empty;     /* the last peer member that is an empty list */
	bool peers_unread;		       /* there are peers that cannot be told */
	bool is_mistaken;		       /* not only something that is not enforced yet */
	const struct pst_yaml_node *to_ports;  /* NULL: absent or empty */
	const struct pst_yaml_node *icmps_key; /* of icmps; NULL: absent or empty */
};

int pst_cnp_peer_endpoints(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
int pst_cnp_peer_entities(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
int pst_cnp_peer_cidr(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
int pst_cnp_peer_cidr_set(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
int pst_cnp_peer_nodes(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
int pst_cnp_peer_groups(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
int pst_cnp_peer_services(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
int pst_cnp_peer_fqdns(struct pst_reader *r, const struct pst_yaml_node *n, void *obj);
