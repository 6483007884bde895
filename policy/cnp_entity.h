/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Entities (fromEntities, toEntities) as unions of selectors (policy-semantics 3.2).
 *
 * An entity is a name for some reserved labels, and for cluster and cluster-mesh also for the pods
 * of a cluster. Namespaces play no part. An entity that stands twice counts once, so the union is
 * small whatever the list.
 */

#include "policy/fields.h"
#include "policy/selector.h"

/* How many selectors pst_cnp_entities_read() appends for LIST. */
size_t pst_cnp_entities_room(const struct pst_yaml_node *list);

/*
 * Appends the selectors of list LIST to SEL[*N]; there is room for pst_cnp_entities_room() more. On
 * -EINVAL the entities that could be read are there. The requirements have no place of their own
 * (line 0): they are the same for all.
 */
int pst_cnp_entities_read(struct pst_reader *r, const struct pst_yaml_node *list,
			  struct pst_selector *sel, size_t *n);
