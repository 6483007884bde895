/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The compiler's facade: policies and workloads in, bundle out.
 *
 * A rule that cannot be compiled narrows only itself (policy-semantics 0.1 (b)): the diagnostic
 * names it, an allow rule allows nothing, a deny rule denies all that its readable parts could
 * mean, and the bundle is still valid and strict. Whoever wants all or nothing looks at
 * pst_diags_errors().
 */

#include "compiler/automaton.h"
#include "compiler/bundle.h"
#include "policy/inventory.h"
#include "policy/policy.h"

struct pst_memo;

struct pst_compile_opts {
	const struct pst_automaton_limits *limits; /* NULL: the default */
	/* Addresses of the node itself: identity host, never subject to pod policy. */
	const struct pst_addr *host_addrs;
	size_t n_host_addrs;
	/*
	 * Policies that decide nothing here but take part in telling identities apart: their
	 * prefixes, port names and node selectors count as if they were in force. Two bundles of
	 * one inventory, each compiled with the other's policies here, have the same identities
	 * with the same numbers. NULL: none.
	 */
	const struct pst_policy_set *also;
	/*
	 * What the last compilation with it has found, and then what this one has: only what has
	 * changed is resolved. The result is the same, byte for byte. A policy is known by the
	 * address of its specs: those of the last compilation must not have been freed before this
	 * one, and at an address that both have stands the same. When this cannot be said, clear
	 * it. A failure clears it. NULL: none.
	 */
	struct pst_memo *memo;
};

/* An empty one, or NULL when there is no memory. */
struct pst_memo *pst_memo_new(void);

/* NULL is fine; *MEMO becomes NULL. */
void pst_memo_free(struct pst_memo **memo);

void pst_memo_clear(struct pst_memo *memo);

/* How many subjects and directions the last compilation had to resolve. */
size_t pst_memo_n_resolved(const struct pst_memo *memo);

/* 0, or -ENOMEM, or -E2BIG when a table of bpf/abi.h overflows (with a diagnostic). OPTS may be
 * NULL. */
int pst_compile(const struct pst_policy_set *policies, const struct pst_inventory *inventory,
		const struct pst_compile_opts *opts, struct pst_diags *diags,
		struct pst_bundle **ret_bundle);

/*
 * Adds what makes rules of POLICY unusable for the compiler, whatever the inventory: patterns that
 * are not in the dialect. pst_compile() will say the same. 0 or -ENOMEM.
 */
int pst_compile_check(const struct pst_policy *policy, struct pst_diags *diags);
