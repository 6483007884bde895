/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Policies and inventories built by hand, for tests that want to say exactly what the model holds.
 * Everything lives in one arena; a failed allocation fails the test.
 *
 * Labels are written "k8s:app=web", a source is needed. Selectors are lists of such labels, all of
 * which must be equal; "" is the empty selector.
 */

#include "base/mem.h"
#include "compiler/compile.h"
#include "policy/inventory.h"
#include "policy/policy.h"

enum {
	MODEL_POLICIES = 8,
	MODEL_SPECS = 4,
	MODEL_RULES = 16,
	MODEL_PORTS = 16,
	MODEL_ENDPOINTS = 32,
	MODEL_PEERS = 8, /* of each other kind: nodes, services, groups, prefixes of a rule */
};

struct model {
	struct pst_arena *arena;
	struct pst_policy_set set;
	struct pst_inventory inventory;
};

void model_init(struct model *m);
void model_fini(struct model *m);

/* Adds a policy "default/<name>" with one spec whose subject is SUBJECT; no default deny yet. */
struct pst_spec *model_policy(struct model *m, const char *name, const char *subject);

/* Adds a rule; its default deny is switched on. */
struct pst_rule *model_rule(struct model *m, struct pst_spec *spec, enum pst_direction direction,
			    bool deny);

/* Adds a peer selector; the rule then has peers. */
void model_peer(struct model *m, struct pst_rule *rule, const char *text);

/* Adds an element of toPorts with one port (END 0: no range). */
struct pst_port_rule *model_port(struct model *m, struct pst_rule *rule, enum pst_protocol protocol,
				 uint16_t port, uint16_t end);

/* Adds an HTTP rule; NULL: the field is absent. */
struct pst_http_rule *model_http(struct model *m, struct pst_port_rule *ports, const char *method,
				 const char *path, const char *host);

/* Adds an endpoint with LABELS ("k8s:a=b k8s:c=d") and one address. */
void model_endpoint(struct model *m, const char *name, const char *labels, const char *addr);

/* Pod "web" (app=web, 10.0.0.1), whose policy "p" has the ingress rule of this port of everybody's.
 */
struct pst_port_rule *model_web(struct model *m, uint16_t port);

/* Gives the endpoint that was added last a named port. */
void model_named_port(struct model *m, const char *name, enum pst_protocol protocol, uint16_t port);

/* Adds a node with LABELS of source node and one address. */
void model_node(struct model *m, const char *name, const char *labels, const char *addr);

/* Adds a service "default/<name>": PODS is its selector; "" has none, and ADDR stands behind it. */
void model_service(struct model *m, const char *name, const char *pods, const char *addr);

/* Gives the service that was added last another address. */
void model_backend(struct model *m, const char *addr);

/* Gives the service that was added last labels of source k8s. */
void model_service_labels(struct model *m, const char *labels);

/* "10.0.0.0/8" as a prefix; without a length, one address. */
struct pst_prefix model_prefix(const char *text);

/* Adds a prefix to the peers; EXCEPT may be NULL. */
void model_cidr(struct model *m, struct pst_rule *rule, const char *text, const char *except);

/* Adds a CiliumCIDRGroup with LABELS of source cidrgroup and one prefix; "" has none. */
void model_group(struct model *m, const char *name, const char *labels, const char *prefix);

/* Gives the DNS name NAME an address. */
void model_name(struct model *m, const char *name, const char *addr);

/* Adds the group called NAME to the peers, or with NAME NULL those of the selector LABELS. */
void model_to_group(struct model *m, struct pst_rule *rule, const char *name, const char *labels,
		    const char *except);

/* Adds a name, or with NAME NULL a pattern, of toFQDNs. */
void model_fqdn(struct model *m, struct pst_rule *rule, const char *name, const char *pattern);

/* Adds the service "default/<name>" to the peers. */
void model_to_service(struct model *m, struct pst_rule *rule, const char *name);

/* Adds the services of the selector LABELS, of source k8s. */
void model_to_services(struct model *m, struct pst_rule *rule, const char *labels);

/* Adds an ICMP type. */
void model_icmp(struct model *m, struct pst_rule *rule, bool is_v6, uint8_t type);

/* DNS rules; a listener; a TLS context that ends the connection's; server names. */
void model_dns(struct model *m, struct pst_port_rule *ports);
void model_listener(struct model *m, struct pst_port_rule *ports, const char *name,
		    unsigned int priority);
void model_tls(struct model *m, struct pst_port_rule *ports, const char *secret);
void model_server_name(struct model *m, struct pst_port_rule *ports);

/* Closes an allow rule as the loader does when something in its toPorts is not enforced. */
void model_close(struct model *m, struct pst_rule *rule);

struct pst_labels model_labels(struct model *m, const char *text);

/* The selector of TEXT, as model_peer() would add it. */
struct pst_selector model_selector(struct model *m, const char *text);

/* Compiles; fails the test unless it succeeds and the bundle passes verification. */
struct pst_bundle *model_compile(struct model *m, struct pst_diags *diags);
