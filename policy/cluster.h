/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What surrounds the pods of an inventory: nodes, services with their backends, secrets, groups of
 * prefixes, DNS names.
 *
 * Objects come in any order and from several files, so they are collected first and joined at the
 * end. Of two nodes, services, secrets or groups with one name the second is refused
 * (duplicate-object); records of one DNS name are joined.
 */

#include "base/vec.h"
#include "policy/object.h"
#include "policy/outside.h"
#include "policy/service.h"

#include <stdbool.h>

/* Zeroed: empty. */
struct pst_cluster {
	struct PST_VEC(struct pst_kube_service) services;
	struct PST_VEC(struct pst_kube_backends) backends;
	struct PST_VEC(struct pst_kube_node) nodes;
	struct PST_VEC(struct pst_kube_secret) secrets;
	struct PST_VEC(struct pst_kube_group) groups;
	struct PST_VEC(struct pst_kube_record) records;
};

/*
 * Takes O if it is of a kind that belongs here, and says so. 0; -EINVAL with diagnostics, and the
 * object is left out; -ENOMEM.
 */
int pst_cluster_take(struct pst_cluster *c, struct pst_reader *r, const struct pst_object *o,
		     bool *ret_known);

/* Fills all of INV but its endpoints; it lives in R's arena. 0 or -ENOMEM. */
int pst_cluster_finish(struct pst_cluster *c, struct pst_reader *r, struct pst_inventory *inv);

void pst_cluster_fini(struct pst_cluster *c);
