/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an inventory says about addresses outside of the cluster: groups of prefixes
 * (CiliumCIDRGroup), and the addresses of DNS names.
 *
 * Cilium learns names from the answers that its DNS proxy sees; postern has no such proxy. It reads
 * DNSEndpoint objects (externaldns.k8s.io), which say the same thing in a cluster: records of type
 * A and AAAA count, others are passed over, since a name alone is no address.
 */

#include "policy/kube.h"

/* A CiliumCIDRGroup as it stands in the document. */
struct pst_kube_group {
	struct pst_kube_meta meta;
	struct pst_prefix *prefixes;
	size_t n_prefixes;
};

/* A record of a DNSEndpoint. */
struct pst_kube_record {
	const char *name; /* in lower case, without a dot at its end */
	struct pst_kube_addrs addrs;
};

/* 0; -EINVAL with diagnostics, and the object is not usable; -ENOMEM. */
int pst_group_read(struct pst_reader *r, const struct pst_yaml_node *n,
		   struct pst_kube_group *ret_group);

/* The records of object N; *RET_V is in the arena. */
int pst_dns_endpoint_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  struct pst_kube_record **ret_v, size_t *ret_n);

/* Sorts the N records V and joins those of one name. 0 or -ENOMEM. */
int pst_dns_names_fill(struct pst_reader *r, struct pst_kube_record *v, size_t n,
		       struct pst_dns_name **ret_names, size_t *ret_n);
