// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include "lint/cover.h"
#include "lint/walk.h"

/*
 * "- fromEndpoints: ..." and "- toPorts: ..." as two elements of a list, where one was meant: the
 * first opens all ports to its peers, the second opens its ports to everybody (policy-semantics 7,
 * cases 17 and 18).
 */

/* Entities have a rule of their own on purpose: health checks, the API server. */
static bool is_peers_only(const struct pst_rule *rule)
{
	return !rule->deny && rule->member != PST_MEMBER_ENTITIES && !rule->refused &&
	       rule->peer_kind == PST_PEER_SELECTORS && pst_rule_is_l3_only(rule) &&
	       !pst_rule_reaches_nobody(rule);
}

static bool has_requests(const struct pst_rule *rule)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		if (rule->ports[i].n_http)
			return true;
	}
	return false;
}

static bool is_requests_only(const struct pst_rule *rule)
{
	return !rule->deny && !rule->refused && rule->peer_kind == PST_PEER_ABSENT &&
	       has_requests(rule);
}

static void check_spec(const struct pst_lint_env *env, const struct pst_spec *spec)
{
	for (size_t i = 0; i + 1 < spec->n_rules; i++) {
		const struct pst_rule *peers = &spec->rules[i], *ports = &spec->rules[i + 1];

		if (peers->direction != ports->direction || !is_peers_only(peers) ||
		    !is_requests_only(ports))
			continue;
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "two-entries-or", &ports->pos,
			"the \"-\" makes this a rule of its own: these ports are open to everybody, and the peers of line %u may use every port, without HTTP rules",
			peers->pos.line);
		pst_diags_note(
			env->diags, &peers->pos,
			"these peers have all ports; to join the two, leave out the \"-\" before toPorts");
	}
}

int pst_check_split(const struct pst_lint_env *env)
{
	for (size_t p = 0; p < env->set->n_policies; p++) {
		const struct pst_policy *policy = &env->set->policies[p];

		for (size_t s = 0; s < policy->n_specs; s++)
			check_spec(env, &policy->specs[s]);
	}
	return 0;
}
