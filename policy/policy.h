/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The policy model: what a set of CiliumNetworkPolicy files says, typed, with a place on every
 * node.
 *
 * The model is immutable after loading and lives in the arena of its set. Namespace scoping
 * (policy-wide rules of Cilium on which namespace a selector means) is already applied to the
 * selectors: who reads the model only evaluates them.
 *
 * Absent, empty and wildcard differ (Cilium TestL3Wildcarding): an absent peer member with ports
 * means any peer, an empty list means nobody, a list with {} means every endpoint in scope.
 */

#include "base/diag.h"
#include "policy/selector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_arena;

/* A scalar of the document; s is NULL when the field is absent. NUL-terminated, no NUL inside. */
struct pst_text {
	const char *s;
	size_t len;
	struct pst_pos pos;
};

enum pst_direction {
	PST_DIRECTION_INGRESS, /* = PST_DIR_INGRESS of bpf/abi.h */
	PST_DIRECTION_EGRESS,
	PST_DIRECTION_MAX,
};

/* Protocol numbers of IANA; ANY = TCP, UDP and SCTP (Cilium's default). */
enum pst_protocol {
	PST_PROTOCOL_ANY = 0,
	PST_PROTOCOL_TCP = 6,
	PST_PROTOCOL_UDP = 17,
	PST_PROTOCOL_SCTP = 132,
};

/* One element of rules.http: a conjunction; an absent field does not restrict. */
struct pst_http_rule {
	struct pst_pos pos;
	size_t index; /* its place in the document's list: refused neighbours are left out */
	struct pst_text method, path, host;
};

struct pst_port {
	struct pst_pos pos;
	uint16_t port;	   /* 0: every port of the protocol */
	uint16_t end_port; /* >= port; equal to port when there is no range */
	enum pst_protocol protocol;
};

/* One element of toPorts. No ports = allows nothing (policy-semantics 1.3.1). */
struct pst_port_rule {
	struct pst_pos pos;
	struct pst_port *ports;
	size_t n_ports;
	struct pst_http_rule *http; /* n_http == 0: no L7 restriction */
	size_t n_http;
};

enum pst_peer_kind {
	PST_PEER_ABSENT,    /* no member: any peer when there are ports, else nobody */
	PST_PEER_SELECTORS, /* union of selectors; an empty list is nobody */
};

/* One element of ingress, egress, ingressDeny or egressDeny. Entities are given as selectors. */
struct pst_rule {
	struct pst_pos pos;
	enum pst_direction direction;
	bool deny;
	/*
	 * A part of this rule was refused (an error diagnostic names it): an allow rule allows
	 * nothing, a deny rule denies everything that its readable parts could mean
	 * (policy-semantics 0.1, settled (b)). The loader has already closed the rule: an allow
	 * rule has no peers left, what a deny rule could not tell is a wildcard. An HTTP rule that
	 * is refused is left out, and its neighbours stay in force; only an entry that loses all of
	 * its HTTP rules refuses the rule.
	 */
	bool refused;
	enum pst_peer_kind peer_kind;
	struct pst_selector *peers;
	size_t n_peers;
	bool has_ports; /* toPorts present and not empty */
	struct pst_port_rule *ports;
	size_t n_ports;
};

/* spec, or one element of specs. */
struct pst_spec {
	struct pst_pos pos;
	const char *path; /* "spec", "specs[0]": where it stands in the document */
	struct pst_selector subject;
	bool default_deny[PST_DIRECTION_MAX]; /* sections and enableDefaultDeny taken together */
	struct pst_rule *rules;		      /* in document order */
	size_t n_rules;
};

struct pst_policy {
	struct pst_pos pos;
	const char *name;
	const char *ns; /* never NULL; "" for a clusterwide policy */
	struct pst_spec *specs;
	size_t n_specs;
};

struct pst_policy_set {
	struct pst_arena *arena;
	struct pst_policy *policies;
	size_t n_policies;
	size_t n_skipped; /* documents of other kinds */
};

/*
 * Loads policies from files and directories (recursively: *.yaml, *.yml, *.json). Errors become
 * diagnostics; what can be used in spite of them is in the set, refused rules marked.
 *
 * Returns 0 when the set could be built (look at pst_diags_errors() for mistakes), -ENOMEM, -ENOENT
 * for a path that does not exist or a directory without policy files (with a diagnostic), or the
 * errno of a file that cannot be read (with a diagnostic).
 */
int pst_policy_load(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		    struct pst_policy_set **ret_set);

/* The same; a policy without metadata.namespace lives in DEFAULT_NS instead of "default". */
int pst_policy_load_in(const char *default_ns, const char *const *paths, size_t n_paths,
		       struct pst_diags *diags, struct pst_policy_set **ret_set);

/* The same from memory; NAME is what diagnostics call it. */
int pst_policy_parse(const char *name, const char *text, size_t len, struct pst_diags *diags,
		     struct pst_policy_set **ret_set);

/* NULL is fine; *SET becomes NULL. */
void pst_policy_set_free(struct pst_policy_set **set);
