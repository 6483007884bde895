/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One element of fromGroups or toGroups: a set of AWS instances, by labels, region, and ids and
 * names of security groups. A group without a condition gets the warning group-empty.
 */

#include "policy/fields.h"

int pst_cnp_group_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_group_peer *peer);
