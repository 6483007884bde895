/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The policy model: what a set of CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy files
 * says, typed, with a place on every node.
 *
 * The model is immutable after loading and lives in the arena of its set. Namespace scoping
 * (policy-wide rules of Cilium on which namespace a selector means) is already applied to the
 * selectors: who reads the model only evaluates them.
 *
 * Absent, empty and wildcard differ (Cilium TestL3Wildcarding): an absent peer member with ports
 * means any peer, an empty list means nobody, a list with {} means every endpoint in scope.
 *
 * Everything that Cilium accepts is in the model. What postern cannot enforce yet has a diagnostic
 * "unsupported-..."; see struct pst_policy_options for what that does to the rule.
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
	PST_PROTOCOL_ICMP = 1,
	PST_PROTOCOL_IGMP = 2,
	PST_PROTOCOL_IPIP = 4,
	PST_PROTOCOL_TCP = 6,
	PST_PROTOCOL_UDP = 17,
	PST_PROTOCOL_IPV6 = 41,
	PST_PROTOCOL_GRE = 47,
	PST_PROTOCOL_ESP = 50,
	PST_PROTOCOL_AH = 51,
	PST_PROTOCOL_ICMPV6 = 58,
	PST_PROTOCOL_VRRP = 112,
	PST_PROTOCOL_SCTP = 132,
};

/* The name and namespace of a Secret; ns.s is NULL when it is not written. */
struct pst_secret {
	struct pst_text ns, name; /* name.s NULL: there is no secret */
};

/* One element of headers: "Name: value" or "Name" (policy-semantics 4.3: cut at the first blank).
 */
struct pst_header_rule {
	struct pst_text text;  /* as it is written */
	struct pst_text name;  /* without its last colon */
	struct pst_text value; /* s NULL: presence */
};

/* What a headerMatches element does when the header differs. */
enum pst_mismatch {
	PST_MISMATCH_FAIL, /* nothing is written: the rule does not match */
	PST_MISMATCH_LOG,
	PST_MISMATCH_ADD,
	PST_MISMATCH_DELETE,
	PST_MISMATCH_REPLACE,
};

struct pst_header_match {
	struct pst_pos pos;
	struct pst_text name, value; /* value.s NULL: none */
	struct pst_secret secret;
	enum pst_mismatch mismatch;
};

/* One element of rules.http: a conjunction; an absent field does not restrict. */
struct pst_http_rule {
	struct pst_pos pos;
	size_t index; /* its place in the document's list: refused neighbours are left out */
	struct pst_text method, path, host;
	struct pst_header_rule *headers;
	size_t n_headers;
	struct pst_header_match *matches;
	size_t n_matches;
};

/* An element of toFQDNs or of rules.dns: one of the two. */
struct pst_fqdn {
	struct pst_pos pos;
	struct pst_text name, pattern;
};

struct pst_port {
	struct pst_pos pos;
	struct pst_text name; /* a named port, in lower case; then port and end_port are 0 */
	uint16_t port;	      /* 0 without a name: every port of the protocol */
	uint16_t end_port;    /* >= port; equal to port when there is no range */
	enum pst_protocol protocol;
};

/* terminatingTLS or originatingTLS. */
struct pst_tls {
	struct pst_pos pos;
	struct pst_secret secret;
	struct pst_text trusted_ca, certificate, private_key; /* keys inside the secret */
};

/* A custom listener of a CiliumEnvoyConfig. */
struct pst_listener {
	struct pst_pos pos;
	struct pst_text config_kind, config_name, name;
	unsigned int priority; /* 1 to 100; 0: not written */
};

/* One element of toPorts. No ports = allows nothing (policy-semantics 1.3.1). */
struct pst_port_rule {
	struct pst_pos pos;
	struct pst_port *ports;
	size_t n_ports;
	struct pst_pos http_pos;    /* of the key "http"; line 0: it is not written */
	struct pst_http_rule *http; /* n_http == 0: no HTTP restriction */
	size_t n_http;
	struct pst_pos dns_pos; /* of the key "dns"; line 0: it is not written */
	struct pst_fqdn *dns;
	size_t n_dns;
	struct pst_tls *terminating_tls, *originating_tls; /* NULL: none */
	struct pst_text *server_names;
	size_t n_server_names;
	struct pst_listener *listener; /* NULL: none */
};

/* A prefix; IPv4 is v4-mapped, its prefix length counts from there (96 + n). */
struct pst_prefix {
	struct pst_pos pos;
	uint8_t addr[16]; /* bits behind the prefix are 0 */
	uint8_t len;	  /* 0 .. 128 */
	bool is_v4;
};

/* One element of fromCIDR or fromCIDRSet: one of prefix, group name and group selector. */
struct pst_cidr_peer {
	struct pst_pos pos;
	const struct pst_prefix *prefix;	   /* NULL: a group */
	struct pst_text group_name;		   /* cidrGroupRef; s NULL: none */
	const struct pst_selector *group_selector; /* cidrGroupSelector; NULL: none */
	struct pst_prefix *except;
	size_t n_except;
};

/* One element of toServices: by name, or by a selector on the labels of Services. */
struct pst_service_peer {
	struct pst_pos pos;
	struct pst_text name, ns;	     /* name.s NULL: by selector */
	const struct pst_selector *selector; /* not scoped to a namespace */
};

/* One element of fromGroups or toGroups: a set of AWS instances. */
struct pst_group_peer {
	struct pst_pos pos;
	size_t n_conditions; /* labels, region, ids and names of security groups, taken together */
};

enum pst_peer_kind {
	PST_PEER_ABSENT, /* no member: any peer when there are ports or ICMP types, else nobody */
	PST_PEER_SELECTORS, /* union of all lists below; nothing in them is nobody */
};

/* Which member of the document the peers come from. */
enum pst_peer_member {
	PST_MEMBER_NONE,
	PST_MEMBER_ENDPOINTS,
	PST_MEMBER_ENTITIES,
	PST_MEMBER_CIDR,
	PST_MEMBER_CIDR_SET,
	PST_MEMBER_NODES,
	PST_MEMBER_GROUPS,
	PST_MEMBER_SERVICES,
	PST_MEMBER_FQDNS,
	PST_MEMBER_MAX,
};

/* One element of icmps[].fields. */
struct pst_icmp {
	struct pst_pos pos;
	bool is_v6;
	uint8_t type;
};

enum pst_auth_mode {
	PST_AUTH_NONE, /* no authentication section */
	PST_AUTH_DISABLED,
	PST_AUTH_REQUIRED,
	PST_AUTH_ALWAYS_FAIL,
	PST_AUTH_MAX,
};

/* One element of ingress, egress, ingressDeny or egressDeny. Entities are given as selectors. */
struct pst_rule {
	struct pst_pos pos;
	enum pst_direction direction;
	bool deny;
	size_t index; /* its place in the document's list */
	/*
	 * A part of this rule was refused (an error diagnostic names it): an allow rule allows
	 * nothing, a deny rule denies everything that its readable parts could mean
	 * (policy-semantics 0.1, settled (b)). The loader has already closed the rule: an allow
	 * rule has no peers left, what a deny rule could not tell is a wildcard. An HTTP rule that
	 * is refused is left out, and its neighbours stay in force; only an entry that loses all of
	 * its HTTP rules refuses the rule.
	 */
	bool refused;
	/*
	 * NULL, or of an allow rule that is closed only since something in its toPorts is not
	 * enforced yet: the rule as it is written, refused like this one. What it wants of a
	 * connection can conflict with what another rule wants (conflict.h).
	 */
	const struct pst_rule *written;
	enum pst_peer_kind peer_kind;
	enum pst_peer_member member; /* the one with elements; else the last one that is written */
	struct pst_pos peers_pos;    /* of the member's key; line 0: there is none */
	struct pst_selector *peers;  /* endpoints, entities, nodes */
	size_t n_peers;
	struct pst_cidr_peer *cidrs;
	size_t n_cidrs;
	struct pst_service_peer *services;
	size_t n_services;
	struct pst_fqdn *fqdns;
	size_t n_fqdns;
	struct pst_group_peer *groups;
	size_t n_groups;
	bool has_ports; /* toPorts present and not empty */
	struct pst_port_rule *ports;
	size_t n_ports;
	bool has_icmps; /* icmps present and not empty */
	struct pst_icmp *icmps;
	size_t n_icmps;
	enum pst_auth_mode auth;
	struct pst_pos auth_pos;
};

/* Whom and what RULE concerns, also where it allows nothing for now. */
static inline const struct pst_rule *pst_rule_as_written(const struct pst_rule *rule)
{
	return rule->written ? rule->written : rule;
}

/* What enableDefaultDeny says about a direction. */
enum pst_default_deny {
	PST_DEFAULT_DENY_UNSET,
	PST_DEFAULT_DENY_NO,
	PST_DEFAULT_DENY_YES,
};

/* spec, or one element of specs. */
struct pst_spec {
	struct pst_pos pos;
	const char *path; /* "spec", "specs[0]": where it stands in the document */
	struct pst_selector subject;
	bool subject_is_node; /* nodeSelector: a host policy */
	enum pst_default_deny default_deny_written[PST_DIRECTION_MAX];
	struct pst_pos default_deny_pos[PST_DIRECTION_MAX]; /* of the value; line 0: unset */
	bool default_deny[PST_DIRECTION_MAX]; /* sections and enableDefaultDeny taken together */
	struct pst_text log;		      /* log.value */
	struct pst_rule *rules;		      /* in document order */
	size_t n_rules;
};

struct pst_policy {
	struct pst_pos pos;
	struct pst_text name_text; /* metadata.name with its place */
	const char *name;
	const char *ns; /* never NULL; "" for a clusterwide policy */
	bool clusterwide;
	bool audit; /* what it denies is only to be reported */
	struct pst_spec *specs;
	size_t n_specs;
	size_t n_errors; /* errors found in it: some of its rules are refused */
};

/* A policy that could not be read at all. */
struct pst_policy_broken {
	struct pst_pos pos;
	const char *ns, *name; /* NULL: not even these; ns "" for a clusterwide policy */
};

struct pst_policy_set {
	struct pst_arena *arena;
	struct pst_policy *policies;
	size_t n_policies;
	struct pst_policy_broken *broken;
	size_t n_broken;
	bool has_gaps;	  /* errors that belong to no policy: there may be more than is here */
	size_t n_skipped; /* documents of other kinds */
	size_t n_files;
	size_t n_templates; /* files that are Helm templates */
};

/* Switches of the Cilium agent that change what is valid; all are off by default, as in Cilium. */
enum pst_cilium_feature {
	PST_FEATURE_NODE_SELECTOR_LABELS = 1 << 0,  /* enable-node-selector-labels */
	PST_FEATURE_EXTENDED_IP_PROTOCOLS = 1 << 1, /* enable-extended-ip-protocols */
};

enum {
	PST_CILIUM_OLDEST = 16, /* minor versions of Cilium 1.x whose rules are known */
	PST_CILIUM_NEWEST = 20,
};

/* A zeroed object is the default. */
struct pst_policy_options {
	const char *default_ns;	   /* of a policy that names none; NULL: "default" */
	unsigned int cilium_minor; /* whose rules: 16 to 20; 0: the newest */
	unsigned int features;	   /* enum pst_cilium_feature */
	/*
	 * A linter asks what a policy says: a part that postern cannot enforce yet is an info, and
	 * the rule is in the model as it is written. Whoever enforces asks what is safe: there it
	 * is an error, and the rule is closed as a refused one.
	 */
	bool lint;
	/* What is read is a part of a set: pst_policy_set_check() will be called for the whole. */
	bool is_part;
	bool may_lack_policies; /* a file that is given by name, or a text */
	/*
	 * Ids "unsupported-..." and "conflict-..." that the caller puts up with: a warning in place
	 * of the error. The rule is closed, and what conflicting rules share is denied, all the
	 * same.
	 */
	const char *const *accept;
	size_t n_accept;
	/*
	 * NULL, or: shown each file's text before it is read. 0; 1 to pass the file over, as if it
	 * were not there; or a negative errno to stop.
	 */
	int (*see_file)(void *ctx, const char *name, const char *text, size_t len);
	void *ctx;
};

/*
 * Loads policies from files and directories (recursively: *.yaml, *.yml, *.json; "-" is standard
 * input). Errors become diagnostics; what can be used in spite of them is in the set, refused rules
 * marked. OPTIONS may be NULL.
 *
 * Returns 0 when the set could be built (look at pst_diags_errors() for mistakes), -ENOMEM, -ENOENT
 * for a path that does not exist or a directory without policy files (with a diagnostic), or the
 * errno of a file that cannot be read (with a diagnostic). With OPTIONS->lint, files that cannot be
 * read are diagnostics only, and the set holds what the others say.
 */
int pst_policy_load_with(const struct pst_policy_options *options, const char *const *paths,
			 size_t n_paths, struct pst_diags *diags, struct pst_policy_set **ret_set);

/* The same with the defaults. */
int pst_policy_load(const char *const *paths, size_t n_paths, struct pst_diags *diags,
		    struct pst_policy_set **ret_set);

/* The same; a policy without metadata.namespace lives in DEFAULT_NS instead of "default". */
int pst_policy_load_in(const char *default_ns, const char *const *paths, size_t n_paths,
		       struct pst_diags *diags, struct pst_policy_set **ret_set);

/* A text in memory; NAME is what diagnostics call it. */
struct pst_policy_source {
	const char *name, *text;
	size_t len;
};

/* What shows only when all policies are looked at: equal names, conflicts (conflict.h). Of OPTIONS,
 * which may be NULL, only the accepted ids count. 0 or -ENOMEM. */
int pst_policy_set_check(const struct pst_policy_set *set, const struct pst_policy_options *options,
			 struct pst_diags *diags);

/* OPTIONS may be NULL. */
int pst_policy_parse_with(const struct pst_policy_options *options,
			  const struct pst_policy_source *source, struct pst_diags *diags,
			  struct pst_policy_set **ret_set);

int pst_policy_parse(const char *name, const char *text, size_t len, struct pst_diags *diags,
		     struct pst_policy_set **ret_set);

/* NULL is fine; *SET becomes NULL. */
void pst_policy_set_free(struct pst_policy_set **set);
