/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The checks: what a set of valid policies means and may not be meant to mean.
 *
 * Each looks at the whole set and adds diagnostics; check.c holds their list. They may assume
 * nothing about the set but what policy/policy.h promises; rules that are marked refused have been
 * reported already and are passed over. A check must stay near-linear in the number of policies.
 */

#include "policy/policy.h"

struct pst_meanings;

struct pst_lint_env {
	const struct pst_policy_set *set;
	unsigned int cilium_minor; /* not 0 */
	struct pst_diags *diags;
	struct pst_meanings *meanings; /* lint/meaning.h; pst_lint_checks_run() makes them */
};

/* 0 or -ENOMEM. */
typedef int (*pst_lint_check)(const struct pst_lint_env *env);

/* Runs all of them. */
int pst_lint_checks_run(const struct pst_lint_env *env);

int pst_check_patterns(const struct pst_lint_env *env); /* check_patterns.c: regular expressions */

/* check_<name>.c each. */
int pst_check_shadow(const struct pst_lint_env *env);	 /* what other rules make of a rule */
int pst_check_conflicts(const struct pst_lint_env *env); /* rules that cannot both be had */
int pst_check_split(const struct pst_lint_env *env);	 /* one rule written as two */
int pst_check_defaults(const struct pst_lint_env *env);	 /* rules without default deny */
int pst_check_dns(const struct pst_lint_env *env);	 /* names and lookups */
int pst_check_history(const struct pst_lint_env *env);	 /* what old versions of Cilium got wrong */
int pst_check_peers(const struct pst_lint_env *env);	 /* empty and redundant lists */
int pst_check_selectors(const struct pst_lint_env *env); /* labels */
int pst_check_headers(const struct pst_lint_env *env);	 /* headers */
int pst_check_method(const struct pst_lint_env *env);	 /* HTTP rules, field by field */
int pst_check_path(const struct pst_lint_env *env);
int pst_check_host(const struct pst_lint_env *env);
int pst_check_everything(const struct pst_lint_env *env); /* patterns that match everything */
int pst_check_fallback(const struct pst_lint_env *env);	  /* patterns too big for the kernel */
int pst_check_subset(const struct pst_lint_env *env);	  /* HTTP rules inside of others */
