/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What surrounds the pods of an inventory: nodes, services with their backends, secrets.
 *
 * Objects come in any order and from several files, so they are collected first and joined at the
 * end. Of two nodes, services or secrets with one name the second is refused (duplicate-object).
 */

#include "base/vec.h"
#include "policy/object.h"
#include "policy/service.h"

#include <stdbool.h>

/* Zeroed: empty. */
struct pst_cluster {
	struct PST_VEC(struct pst_kube_service) services;
	struct PST_VEC(struct pst_kube_backends) backends;
	struct PST_VEC(struct pst_kube_node) nodes;
	struct PST_VEC(struct pst_kube_secret) secrets;
};

/*
 * Takes O if it is of a kind that belongs here, and says so. 0; -EINVAL with diagnostics, and the
 * object is left out; -ENOMEM.
 */
int pst_cluster_take(struct pst_cluster *c, struct pst_reader *r, const struct pst_object *o,
		     bool *ret_known);

/* Fills nodes, services and secrets of INV, which live in R's arena. 0 or -ENOMEM. */
int pst_cluster_finish(struct pst_cluster *c, struct pst_reader *r, struct pst_inventory *inv);

void pst_cluster_fini(struct pst_cluster *c);
