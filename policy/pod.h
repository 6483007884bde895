/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pods and Namespaces as they stand in the documents: only the fields that matter, nothing resolved
 * yet.
 */

#include "policy/kube.h"

struct pst_pod {
	struct pst_kube_meta meta;
	bool host_network;
	bool ended;   /* Succeeded or Failed: its addresses belong to others by now */
	bool proxied; /* by annotation: its connections go through the userspace proxy */
	const char *service_account;  /* NULL: not told */
	struct pst_kube_addrs addrs;  /* none when it is host_network or has ended */
	struct pst_named_port *ports; /* those of its containers that have a name */
	size_t n_ports;
};

/* 0; -EINVAL with diagnostics, and the object is not usable; -ENOMEM. */
int pst_pod_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_pod *ret_pod);
