/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the objects of an inventory share: looking for fields, metadata, addresses.
 *
 * These objects belong to Kubernetes and have hundreds of fields, so unlike policies they are read
 * by looking for what is needed. What is looked for must have the right type.
 *
 * All readers return 0, -EINVAL with a diagnostic, or -ENOMEM.
 */

#include "policy/fields.h"
#include "policy/inventory.h"

/* One "key: value" of metadata.labels, or of a Service's selector. */
struct pst_kube_label {
	const char *key, *value;
};

struct pst_kube_meta {
	struct pst_pos pos;	  /* of the object */
	struct pst_text name, ns; /* ns is "default" when absent; then its place is the object's */
	struct pst_kube_label *labels;
	size_t n_labels;
};

/* Different addresses of one object, with their places. */
struct pst_kube_addrs {
	struct pst_addr *v;
	struct pst_pos *pos;
	size_t n;
};

/* The string KEY of MAP into *RET, which stays as it was when there is none. */
int pst_kube_text(struct pst_reader *r, const struct pst_yaml_node *map, const char *key,
		  struct pst_text *ret);

/* The value KEY of MAP, which must be of KIND; NULL when there is none. */
int pst_kube_get(struct pst_reader *r, const struct pst_yaml_node *map, const char *key,
		 enum pst_yaml_kind kind, const struct pst_yaml_node **ret);

/* The mapping KEY of MAP as labels. */
int pst_kube_labels(struct pst_reader *r, const struct pst_yaml_node *map, const char *key,
		    struct pst_kube_label **ret_labels, size_t *ret_n);

/* metadata of object N: a name it must have. */
int pst_kube_meta_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_kube_meta *ret_meta);

/* Makes room in ADDRS for N addresses. */
int pst_kube_addrs_reserve(struct pst_reader *r, struct pst_kube_addrs *addrs, size_t n);

/* Takes the address in string N; "" and one that is there already add nothing. */
int pst_kube_addr_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_kube_addrs *addrs);
