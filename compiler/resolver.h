/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Resolution of a cluster that changes: one policy or pod at a time, and only what changes.
 *
 * A resolver holds what pst_resolve() finds for all policies and endpoints that it was told of, and
 * after each edit which policy entries have come, changed and gone. It decides as pst_resolve()
 * does, which is the reference; numbers differ: those of identities, rules and rule sets are given
 * in the order of arrival and stay as they are, so that an entry changes only when what it says
 * changes. (The rule that a value names is the first in the order of the policies' arrival.)
 *
 * What an edit costs depends on whom it concerns: a policy costs what its subjects cost, a pod with
 * labels that others have too costs nothing, an identity that is new is compared with all rules.
 *
 * What has gone is forgotten, but for numbers: they are not given again. Each rule that ever came
 * keeps 9 bytes, and each rule set its list; after 2^16 of these, living or not, a commit fails
 * with -E2BIG. Who edits without end begins anew before that.
 *
 * Services, nodes, groups, names and the node's own addresses are those of the beginning: when they
 * change, begin anew. Rule sets are lists of HTTP rules; their automata are not built here.
 */

#include "base/vec.h"
#include "compiler/crowd.h"
#include "compiler/resolve.h"

struct pst_resolver;

/* What the edits since the last commit have changed. */
struct pst_resolver_delta {
	struct PST_VEC(struct pst_bundle_entry) put; /* new, or with another value */
	struct PST_VEC(struct pst_policy_key) gone;
};

/*
 * Begins with INPUT's inventory and host addresses, and without policies; its catalog and policies
 * are not looked at. Whatever it points to is borrowed. NULL: no memory.
 */
struct pst_resolver *pst_resolver_new(const struct pst_resolve_input *input);

/* NULL is fine; *R becomes NULL. */
void pst_resolver_free(struct pst_resolver **r);

/*
 * POLICY is in force, in place of the one with its name (which keeps its place in the order). It is
 * borrowed until it goes. HTTP rules that are refused become diagnostics. 0 or -ENOMEM; after a
 * failure, here and below, the resolver must be freed.
 */
int pst_resolver_put_policy(struct pst_resolver *r, const struct pst_policy *policy,
			    struct pst_diags *diags);

/* NS "" is a clusterwide policy. 0; -ENOENT: there is none of that name; -ENOMEM. */
int pst_resolver_drop_policy(struct pst_resolver *r, const char *ns, const char *name);

/* ENDPOINT is there, in place of the one with its name; it is borrowed until it goes. */
int pst_resolver_put_endpoint(struct pst_resolver *r, const struct pst_endpoint *endpoint);

/* 0; -ENOENT: there is none of that name; -ENOMEM. */
int pst_resolver_drop_endpoint(struct pst_resolver *r, const char *ns, const char *name);

/*
 * Resolves what the edits concern. *RET_DELTA (zeroed, or of an earlier commit) gets the changes,
 * in no order. 0; -ENOMEM; -E2BIG when there have been more rule sets than an entry can name.
 */
int pst_resolver_commit(struct pst_resolver *r, struct pst_resolver_delta *ret_delta);

void pst_resolver_delta_fini(struct pst_resolver_delta *delta);

/*
 * What the addresses of the endpoint of that name stand for, as of the last commit: its identity,
 * and in which directions it has to be looked up. Zero: there is none.
 */
struct pst_addr_value pst_resolver_endpoint(const struct pst_resolver *r, const char *ns,
					    const char *name);

/* The identities, for whoever wants to know what numbers stand for. */
const struct pst_crowd *pst_resolver_crowd(const struct pst_resolver *r);

/* The rule or HTTP rule with this number: its policy's name and its place. NULL: there is none. */
const struct pst_bundle_rule *pst_resolver_rule(const struct pst_resolver *r, uint32_t number);

/* The rules of a rule set; *RET_N of them. */
const uint32_t *pst_resolver_ruleset(const struct pst_resolver *r, uint32_t number, size_t *ret_n);
