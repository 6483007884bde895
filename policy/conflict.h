/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Errors that appear only when policies are combined (policy-semantics 1.7).
 *
 * Cilium merges all rules of an endpoint that have the same direction, peer selector, port and
 * protocol; where they want two things of which a connection can have one only, it fails, and every
 * endpoint that both rules select keeps a stale policy. Each such pair is an error here, at the
 * later rule, with a note that names the earlier one:
 *
 *   conflict-l7               HTTP rules, DNS rules, TLS without HTTP rules, a listener: two of
 *                             these, but for TLS and HTTP, which go together
 *   conflict-terminating-tls  two different contexts
 *   conflict-originating-tls  two different contexts
 *   conflict-authentication   two different modes
 *   conflict-listener         two listeners of the same priority
 *   conflict-server-names     server names and, in the other rule, L7 rules, without terminatingTLS
 *
 * When the ranges of ports overlap without being the same, Cilium keeps the rules apart and the
 * more specific one wins; then the finding is a warning. (A single port against a range is found
 * when the subject of the single port's rule implies the other.)
 *
 * Without knowing the endpoints, two rules are known to select a common one when the subject of one
 * implies that of the other (selector_algebra.h). For pairs whose subjects merely overlap there is
 * pst_conflicts_find_overlaps(). Peers are the same when they are written with the same
 * requirements after scoping; an absent peer is the same as a wildcard. Peers that are groups of
 * instances are not compared.
 *
 * Rules that are refused are left out, but for those that are closed only since postern does not
 * enforce what they want. What two conflicting rules both concern is denied (policy-semantics 0.1,
 * settled (c)): that is asked flow by flow, by pst_conflict_among().
 *
 * The work is near-linear in the size of the set, and bounded: when it would not be, the warning
 * conflict-limit says that the search was given up.
 */

#include "base/diag.h"
#include "policy/policy.h"

/* Adds diagnostics about the policies of SET: warnings of what OPTIONS (may be NULL) accept, else
 * errors. 0 or -ENOMEM. */
int pst_conflicts_find(const struct pst_policy_set *set, const struct pst_policy_options *options,
		       struct pst_diags *diags);

/*
 * Adds a warning, conflict-overlap, for each kind of conflict that a rule can have with an earlier
 * one although neither subject implies the other: nothing keeps an endpoint from having the labels
 * of both. Whether there is one only an inventory can tell: pst_compile() looks there. 0 or
 * -ENOMEM.
 */
int pst_conflicts_find_overlaps(const struct pst_policy_set *set, struct pst_diags *diags);

/* An element of toPorts of a rule as it is written. */
struct pst_conflict_party {
	const struct pst_policy *policy;
	const struct pst_rule *rule;
	const struct pst_port_rule *entry;
};

struct pst_conflict {
	size_t first, second;			      /* of the parties; first < second */
	const char *id;				      /* "conflict-l7"; static */
	const char *what;			      /* "two readers of one connection"; static */
	const struct pst_pos *first_pos, *second_pos; /* of what does not go together */
};

/*
 * PARTIES all concern one flow. Do two of them, with a peer that is written alike, want what one
 * connection cannot have? 1 and one such pair, always the same one; 0; -ENOMEM.
 */
int pst_conflict_among(const struct pst_conflict_party *parties, size_t n,
		       struct pst_conflict *ret_conflict);
