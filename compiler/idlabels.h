/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The labels of identities that are no pods: the own node, other nodes, prefixes, the world. Who
 * has an address of the API server carries reserved:kube-apiserver as well.
 */

#include "compiler/prefix.h"
#include "policy/inventory.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_arena;

/* Copies FROM and its strings into ARENA. 0 or -ENOMEM. */
int pst_idlabels_copy(struct pst_arena *arena, const struct pst_labels *from,
		      struct pst_labels *ret_labels);

/* Static. APISERVER is the Service in front of the API server; NULL: nobody knows it. */
struct pst_labels pst_idlabels_host(const struct pst_service *apiserver,
				    const struct pst_addr *addrs, size_t n_addrs);
struct pst_labels pst_idlabels_world(void);

/* In ARENA, where the node's own labels are not copied: with them only when nodes are told apart
 * BY_LABEL. 0 or -ENOMEM. */
int pst_idlabels_of_node(struct pst_arena *arena, const struct pst_service *apiserver,
			 const struct pst_node *node, bool by_label, struct pst_labels *ret_labels);

/* In ARENA. 0 or -ENOMEM. */
int pst_idlabels_of_prefix(struct pst_arena *arena, const struct pst_service *apiserver,
			   const struct pst_prefix *prefix, struct pst_labels *ret_labels);
