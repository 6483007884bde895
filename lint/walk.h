/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Going through a set rule by rule, and naming what was met on the way.
 */

#include "lint/check.h"
#include "policy/policy.h"

/* A rule with what it stands in. Points into the set. */
struct pst_rule_ref {
	const struct pst_policy *policy;
	const struct pst_spec *spec;
	const struct pst_rule *rule;
};

typedef void (*pst_rule_visit)(const struct pst_lint_env *env, const struct pst_rule_ref *ref,
			       void *ctx);

/* Shows VISIT each rule of the set that was not refused, in the order of the files. */
void pst_lint_each_rule(const struct pst_lint_env *env, pst_rule_visit visit, void *ctx);

enum { PST_LINT_NAME_SIZE = 352 }; /* namespace, slash, name */

/* "namespace/name", or "name" of a clusterwide policy, into BUF of that size; returns BUF. */
const char *pst_lint_policy_name(const struct pst_policy *policy, char *buf);

/* POS, unless it is not known (line 0): then OTHERWISE. */
const struct pst_pos *pst_lint_pos_or(const struct pst_pos *pos, const struct pst_pos *otherwise);
