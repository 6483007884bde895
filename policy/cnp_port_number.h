/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One element of toPorts[].ports: a number or a name, perhaps the end of a range, and a protocol.
 * The ids are among those of cnp_port.h.
 */

#include "policy/fields.h"

/* Reads N. On -EINVAL *P is wider than it could mean. */
int pst_cnp_port_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_port *p);
