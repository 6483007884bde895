/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Secrets, TLS contexts and server names of a CiliumNetworkPolicy (policy-semantics 1.4).
 *
 * What a secret holds is known to the cluster only; here it is a name. All readers keep to the
 * rules of fields.h; none says that the part is unsupported, which is the caller's business.
 */

#include "policy/fields.h"

/* Reads a secret's name and namespace. Id: secret-name-missing. */
int pst_cnp_secret_read(struct pst_reader *r, const struct pst_yaml_node *n,
			struct pst_secret *secret);

/* Reads terminatingTLS or originatingTLS. *RET_TLS is set on 0 only. Id: tls-secret-missing. */
int pst_cnp_tls_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_tls **ret_tls);

/*
 * Reads serverNames: at least one; letters, digits, '-', '_', dots and, from Cilium 1.18 on, the
 * wildcards '*' and '**'. Ids: server-names-empty, server-name-invalid; warning:
 * server-name-wildcard.
 */
int pst_cnp_server_names_read(struct pst_reader *r, const struct pst_yaml_node *n,
			      struct pst_port_rule *pr);
