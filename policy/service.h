/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Services, what stands behind them, Nodes and Secrets as they stand in the documents.
 */

#include "policy/kube.h"

struct pst_kube_service {
	struct pst_kube_meta meta;
	struct pst_kube_label *selector;
	size_t n_selector;
};

/* An EndpointSlice, or the older Endpoints. */
struct pst_kube_backends {
	struct pst_kube_meta meta;
	const char *service; /* NULL: it belongs to none */
	struct pst_kube_addrs addrs;
};

struct pst_kube_node {
	struct pst_kube_meta meta;
	struct pst_kube_addrs addrs; /* InternalIP and ExternalIP */
};

/* A Secret's entries, decoded. Values may hold any bytes. */
struct pst_kube_secret {
	struct pst_kube_meta meta;
	const char *value; /* of the only entry; NULL when there is not exactly one */
	size_t len, n_entries;
};

/* 0; -EINVAL with diagnostics, and the object is not usable; -ENOMEM. */
int pst_service_read(struct pst_reader *r, const struct pst_yaml_node *n,
		     struct pst_kube_service *ret_service);
int pst_backends_read_slice(struct pst_reader *r, const struct pst_yaml_node *n,
			    struct pst_kube_backends *ret_backends);
int pst_backends_read_endpoints(struct pst_reader *r, const struct pst_yaml_node *n,
				struct pst_kube_backends *ret_backends);
int pst_node_read(struct pst_reader *r, const struct pst_yaml_node *n,
		  struct pst_kube_node *ret_node);
int pst_secret_read(struct pst_reader *r, const struct pst_yaml_node *n,
		    struct pst_kube_secret *ret_secret);
