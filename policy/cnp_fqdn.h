/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * DNS names and patterns: the elements of toFQDNs and of rules.dns.
 *
 * An element has exactly one of matchName and matchPattern. A name consists of letters, digits,
 * '-', '_' and single inner dots, with a dot at its end if one likes; in a pattern '*' stands for
 * any number of characters within a label. Both have at most 255 characters. (Cilium
 * pkg/policy/api/fqdn.go and the schema of its custom resource.)
 *
 * Ids: fqdn-invalid, fqdn-both, fqdn-empty; and those of fields.h.
 */

#include "policy/fields.h"

/*
 * Reads the list N of names and patterns. *RET_V and *RET_N are set unless the result is -ENOMEM:
 * on -EINVAL they hold the elements that could be read.
 */
int pst_cnp_fqdns_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_fqdn **ret_v,
		       size_t *ret_n);
