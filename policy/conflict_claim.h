/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What conflict.c compares: for each rule that wants something special of a connection, a claim on
 * each peer, protocol and range of ports that it covers.
 */

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_arena;

/* Who is to read the connection. */
enum pst_parser {
	PST_PARSER_NONE,
	PST_PARSER_TLS,
	PST_PARSER_HTTP,
	PST_PARSER_DNS,
	PST_PARSER_LISTENER,
	PST_PARSER_MAX,
};

/* One element of toPorts, or a rule without ports. */
struct pst_wish {
	const struct pst_policy *policy;
	const struct pst_spec *spec;
	const struct pst_rule *rule;
	const struct pst_port_rule *entry; /* NULL: a rule without toPorts */
	enum pst_parser parser;
	const char *terminating, *originating; /* what the context says; NULL: none */
	const char *listener;		       /* which one; NULL: none */
	const char *text; /* all that is wished: wishes with the same text go together */
};

/* A protocol number that stands for "whatever the protocol": a rule without ports. */
enum { PST_CLAIM_L3 = 256 };

struct pst_claim {
	const struct pst_wish *wish;
	const char *peer;      /* the same text: the same peer */
	const char *port_name; /* NULL: a range of numbers */
	uint64_t bucket;       /* of the subject's anchor: see pst_claim_bucket() */
	unsigned int protocol;
	unsigned int first, last; /* ports, inclusive; ICMP: the type */
	size_t run_end;		  /* index behind the claims of this bucket and wish text */
};

struct pst_claims {
	struct pst_claim *v; /* sorted by bucket, wish text, place in the set */
	size_t n, cap;
	bool truncated; /* there are more than are here */
};

enum { PST_CLAIMS_MAX = 1 << 18 };

/* Collects the claims of SET; strings are in ARENA. 0 or -ENOMEM. Free with free(ret->v). */
int pst_claims_collect(struct pst_arena *arena, const struct pst_policy_set *set,
		       struct pst_claims *ret_claims);

/*
 * The claims of WISHES, of which policy, rule and entry are given, on their peers alone: ports and
 * buckets are 0. Sorted by peer, wish text, place in the list. 0 or -ENOMEM; as above.
 */
int pst_claims_of_wishes(struct pst_arena *arena, struct pst_wish *wishes, size_t n,
			 struct pst_claims *ret_claims);

/*
 * A claim lies in the bucket of its direction, peer, protocol and port, and of what its subject
 * surely requires: the namespace NS and the label ANCHOR (hashes; 0: it requires no single one). A
 * subject can imply that of another claim only if it requires the same. Ranges of ports lie in
 * buckets of their own (RANGES), whatever their bounds.
 */
uint64_t pst_claim_bucket(const struct pst_claim *claim, uint64_t ns, uint64_t anchor, bool ranges);

/* The hash of a requirement of one certain value, for pst_claim_bucket(); 0 for any other. */
uint64_t pst_claim_anchor(const struct pst_requirement *req);

bool pst_claim_is_namespace(const struct pst_requirement *req);

/* Claims on ports of numbers, and more than one. */
bool pst_claim_is_range(const struct pst_claim *claim);

/* Of one protocol: do the ports of both have the same name or numbers? Or some in common? */
bool pst_claims_same_ports(const struct pst_claim *a, const struct pst_claim *b);
bool pst_claims_share_port(const struct pst_claim *a, const struct pst_claim *b);

/* Of two wishes, the one that stands first in the set: as strcmp(). */
int pst_wish_compare(const struct pst_wish *a, const struct pst_wish *b);
