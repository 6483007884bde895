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
};

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
