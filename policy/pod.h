/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pods and Namespaces as they stand in the documents: only the fields that matter, nothing resolved
 * yet.
 *
 * These objects belong to Kubernetes and have hundreds of fields, so unlike policies they are read
 * by looking for what is needed. What is looked for must have the right type.
 */

#include "policy/fields.h"
#include "policy/inventory.h"

/* One "key: value" of metadata.labels. */
struct pst_pod_label {
	const char *key, *value;
};

struct pst_pod {
	struct pst_text name, ns; /* ns is "default" when absent; then its place is the pod's */
	struct pst_pos pos;
	bool host_network;
	bool ended; /* Succeeded or Failed: its addresses belong to others by now */
	const char *service_account; /* NULL: not told */
	struct pst_pod_label *labels;
	size_t n_labels;
	struct pst_addr *addrs; /* each once */
	struct pst_pos *addr_pos;
	size_t n_addrs;
};

struct pst_namespace {
	struct pst_text name;
	struct pst_pod_label *labels;
	size_t n_labels;
};

/* 0; -EINVAL with diagnostics, and the object is not usable; -ENOMEM. */
int pst_pod_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *ret_pod);
int pst_namespace_read(struct pst_reader *r, const struct pst_yaml_node *n,
		       struct pst_namespace *ret_ns);
