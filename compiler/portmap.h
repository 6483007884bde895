/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What one subject's rules say to one peer, for every protocol and port, as entries of a
 * longest-prefix map.
 *
 * A named port is every container port of that name on the endpoint that accepts: the subject of an
 * ingress rule, the peer of an egress rule. Nobody has it: the port covers nothing (Cilium).
 * ICMP and ICMPv6 are protocols whose ports are the types.
 *
 * The port space of each protocol is split at every boundary of a rule that matches the peer;
 * inside such an interval one answer holds, taken in the order of policy-semantics section 0: a
 * deny rule, then an allow rule that wants authentication, which nobody can give here, so that it
 * denies; then two rules that conflict, which deny what both concern (policy/conflict.h); then the
 * union of allows, where an allow without HTTP rules silences those with them, then the default of
 * the direction.
 *
 * The answers become tails: the part of a policy key behind the peer. The first tail is always the
 * catch-all (every protocol and port: what L3-only rules and the default give). A protocol gets a
 * tail of its own when its most frequent answer differs, and aligned power-of-two blocks where an
 * interval differs from that. Blocks of one protocol never overlap, so the longest match is the
 * whole answer.
 */

#include "base/vec.h"
#include "compiler/catalog.h"
#include "policy/inventory.h"

#include <stdbool.h>
#include <stdint.h>

/* A policy key from the protocol on, with its answer. */
struct pst_port_tail {
	uint32_t prefixlen; /* of the whole key */
	uint16_t port;
	uint8_t protocol;
	struct pst_policy_value value;
};

struct pst_port_tails PST_VEC(struct pst_port_tail);

/* Of what they say: equal ones have one hash. */
uint64_t pst_port_tails_hash(const struct pst_port_tail *v, size_t n);
bool pst_port_tails_same(const struct pst_port_tails *a, const struct pst_port_tails *b);

struct pst_port_query {
	const struct pst_catalog_rule *const
		*rules; /* those that match the peer, in document order */
	size_t n_rules;
	const struct pst_named_port *names; /* of the endpoint that accepts */
	size_t n_names;
	bool enforce;	/* the subject is in default deny in this direction */
	bool allow_all; /* own node to a local endpoint: HTTP rules and default deny do not bind */
};

/* A rule set as an entry names it. */
struct pst_http_set {
	uint16_t number;
	bool fallback; /* the kernel cannot judge it */
};

/* Two rules that conflict. */
struct pst_portmap_conflict {
	const struct pst_catalog_rule *first, *second; /* may be one rule with two entries */
	const char *id;				       /* "conflict-l7"; static */
	const char *what;			       /* and in words; static */
	const struct pst_pos *first_pos, *second_pos;  /* of what does not go together */
};

/* Where HTTP rules become rule sets. */
struct pst_http_sets {
	/* Is the HTTP rule usable? One that was refused allows nothing. */
	bool (*is_usable)(void *ctx, uint32_t rule);
	/* The set of N usable rules, ascending: 0; -ENOMEM; -E2BIG with a diagnostic. */
	int (*intern)(void *ctx, const uint32_t *rules, size_t n, struct pst_http_set *ret_set);
	void *ctx;
	/* Takes each conflict that denies something; NULL: nobody does. 0 or -ENOMEM. */
	int (*note_conflict)(void *ctx, const struct pst_portmap_conflict *c);
	void *conflict_ctx;
};

/* What the default of a direction answers. */
struct pst_policy_value pst_portmap_default(bool enforce);

/* Do two rules of Q conflict at the port? 1 and which, 0, or -ENOMEM. */
int pst_portmap_find_conflict(const struct pst_port_query *q, uint8_t protocol, uint16_t port,
			      struct pst_portmap_conflict *ret_conflict);

/* Does an allow rule mean the port, whatever its HTTP rules say? Of Q only the names matter. */
bool pst_portmap_covers(const struct pst_port_query *q, const struct pst_rule *rule,
			uint8_t protocol, uint16_t port);

/*
 * Appends the tails of Q to *RET_TAILS (empty, heap; the caller frees it, also on failure). Rule
 * sets come from SETS. 0, or what that has failed with.
 */
int pst_portmap_build(const struct pst_http_sets *sets, const struct pst_port_query *q,
		      struct pst_port_tails *ret_tails);
