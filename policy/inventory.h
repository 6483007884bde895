/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The inventory: which workloads exist, as the Kubernetes objects that describe them.
 *
 * Read are Pod, Namespace, Node, Service, EndpointSlice, Endpoints, Secret, CiliumCIDRGroup and
 * DNSEndpoint (externaldns.k8s.io) objects (single documents, multi-document files, kind: List);
 * what `kubectl get pods,namespaces -A -o yaml` prints is a valid inventory. Fields that matter:
 * metadata.name, .namespace, .labels; of pods spec.hostNetwork, .serviceAccountName, the named
 * ports of the containers, status.phase, .podIP, .podIPs; of nodes status.addresses; of services
 * spec.selector; of their endpoints the addresses that are ready; of secrets the only entry; of
 * CIDR groups spec.externalCIDRs; of DNSEndpoints the A and AAAA records. Other fields of these
 * objects are Kubernetes' business and are passed over; objects of other kinds are counted.
 *
 * An endpoint's labels are the identity-relevant ones (policy-semantics section 2): pod labels that
 * pass Cilium's default filter, k8s:io.kubernetes.pod.namespace,
 * k8s:io.cilium.k8s.namespace.labels.<key>, k8s:io.cilium.k8s.policy.cluster=default,
 * k8s:io.cilium.k8s.policy.serviceaccount.
 *
 * Refused, with a place: a Pod without name, an address that is not one, two pods with one address.
 * Pods with hostNetwork share the node's addresses and are no endpoints: they are counted.
 */

#include "base/diag.h"
#include "policy/policy.h"
#include "policy/selector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_arena;

/* IPv6, or IPv4 as ::ffff:a.b.c.d; network byte order. */
struct pst_addr {
	uint8_t b[16];
};

/* A container port that has a name: what a named port of a policy may mean. */
struct pst_named_port {
	const char *name; /* in lower case */
	uint16_t port;
	enum pst_protocol protocol; /* TCP, UDP or SCTP */
};

/* Order by name, protocol, number: <0, 0, >0. */
int pst_named_port_cmp(const struct pst_named_port *a, const struct pst_named_port *b);

struct pst_endpoint {
	struct pst_pos pos;
	const char *name;
	const char *ns;
	struct pst_labels labels; /* sorted, with sources */
	struct pst_addr *addrs;
	size_t n_addrs;
	struct pst_named_port *ports;
	size_t n_ports;
	bool proxied; /* annotation postern.io/mode: proxy */
};

struct pst_namespace {
	const char *name;
	struct pst_labels labels; /* as its endpoints have them, sorted, source "k8s" */
};

/* Another machine of the cluster, or this one. */
struct pst_node {
	struct pst_pos pos;
	const char *name;
	struct pst_labels labels; /* sorted, source "node" */
	struct pst_addr *addrs;
	size_t n_addrs;
};

struct pst_service {
	struct pst_pos pos;
	const char *name;
	const char *ns;
	struct pst_labels labels; /* sorted, source "k8s": what k8sServiceSelector looks at */
	/* The pods behind it, bound to its namespace; without requirements: it has no selector. */
	struct pst_selector pods;
	struct pst_addr *addrs; /* of its EndpointSlices and Endpoints, each once */
	size_t n_addrs;
};

/* A Secret with exactly one entry, which is the only kind that headers can use. */
struct pst_secret_value {
	const char *ns, *name;
	const char *value; /* LEN bytes of any kind, and a NUL */
	size_t len;
};

/* A CiliumCIDRGroup. */
struct pst_cidr_group {
	struct pst_pos pos;
	const char *name;
	struct pst_labels labels; /* sorted, source "cidrgroup": what cidrGroupSelector looks at */
	struct pst_prefix *prefixes;
	size_t n_prefixes;
};

/* A DNS name and the addresses that it is known to have. */
struct pst_dns_name {
	const char *name; /* in lower case, without a dot at its end */
	struct pst_addr *addrs;
	size_t n_addrs;
};

struct pst_inventory {
	struct pst_arena *arena;
	struct pst_endpoint *endpoints;
	size_t n_endpoints;
	struct pst_namespace *namespaces; /* that are described, sorted by name */
	size_t n_namespaces;
	struct pst_node *nodes;
	size_t n_nodes;
	struct pst_service *services; /* sorted by namespace and name, each once */
	size_t n_services;
	struct pst_secret_value *secrets; /* sorted by namespace and name, each once */
	size_t n_secrets;
	struct pst_cidr_group *cidr_groups; /* sorted by name, each once */
	size_t n_cidr_groups;
	struct pst_dns_name *names; /* sorted, each once */
	size_t n_names;
	size_t n_host_network; /* pods left out because they use the node's addresses */
	size_t n_skipped;      /* objects of other kinds */
};

/* Contract as pst_policy_load(). N_PATHS may be 0: an empty inventory. */
int pst_inventory_load(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		       struct pst_inventory **ret_inv);

int pst_inventory_parse(const char *name, const char *text, size_t len, struct pst_diags *diags,
			struct pst_inventory **ret_inv);

/* What is described of the namespace NAME; NULL: nothing. */
const struct pst_namespace *pst_inventory_namespace(const struct pst_inventory *inv,
						    const char *name);

/* NULL is fine; *INV becomes NULL. */
void pst_inventory_free(struct pst_inventory **inv);

/* "10.0.0.1" or "fd00::1" to the 16-byte form; 0 or -EINVAL. */
int pst_addr_from_str(const char *text, struct pst_addr *ret_addr);

/*
 * "10.0.0.0/8" to a prefix without a place; an address alone is a prefix of one. Bits behind the
 * prefix are cleared: *RET_HOST_BITS says whether there were any. 0 or -EINVAL.
 */
int pst_prefix_from_str(const char *text, struct pst_prefix *ret_prefix, bool *ret_host_bits);

/* The usual text form (dotted quad for IPv4) into BUF of at least 46 bytes; returns BUF. */
const char *pst_addr_to_str(const struct pst_addr *addr, char *buf, size_t size);
