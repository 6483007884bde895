/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who talks to whom, as people write it.
 */

#include "policy/inventory.h"

#include <stdbool.h>
#include <stdint.h>

struct pst_arena;

struct pst_peer {
	bool by_addr;
	struct pst_addr addr;
	struct pst_labels labels; /* sorted */
	/* DNS names that the peer's address has, from labels of source fqdn. */
	const char **names;
	size_t n_names;
	/* The named ports of the peer, when it is given by labels. */
	struct pst_named_port *ports;
	size_t n_ports;
};

/*
 * Reads a PEER: an address, or labels separated by commas. In labels, a source that is missing is
 * k8s; when there is no reserved, cidr or fqdn label, the namespace is default and the cluster
 * default unless given. A label cidr:PREFIX is the first address of the prefix, whoever has it
 * ("-" may stand for ":"); a label fqdn:NAME is a name of the address, or without one of some
 * address outside. Labels of a pod that its identity does not have (policy/labels.h) are left out,
 * with a warning. 0; -ENOMEM; -EINVAL with a diagnostic.
 */
int pst_peer_parse(const char *text, struct pst_arena *arena, struct pst_diags *diags,
		   struct pst_peer *ret_peer);

/* The same from a LIST of N labels. */
int pst_peer_from_labels(const char *const *list, size_t n, struct pst_arena *arena,
			 struct pst_diags *diags, struct pst_peer *ret_peer);

/* "TCP" to 6. 0 or -EINVAL. */
int pst_protocol_from_str(const char *text, uint8_t *ret_protocol);
