// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include "lint/cover.h"
#include "lint/rule_index.h"
#include "lint/walk.h"

/* Pairs of rules that some versions of Cilium got wrong (interfaces F.2). */

/* An allow for certain peers on a range of ports, and nothing else. */
static bool is_range_allow(const struct pst_rule_ref *ref)
{
	if (ref->rule->deny || ref->rule->peer_kind == PST_PEER_ABSENT)
		return false;
	for (size_t i = 0; i < ref->rule->n_ports; i++) {
		const struct pst_port_rule *entry = &ref->rule->ports[i];

		for (size_t k = 0; !entry->n_http && !entry->n_dns && k < entry->n_ports; k++) {
			if (entry->ports[k].end_port > entry->ports[k].port)
				return true;
		}
	}
	return false;
}

/* The range of RULE that PORT lies in. */
static const struct pst_port *range_over(const struct pst_rule *rule, const struct pst_port *port)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct pst_port_rule *entry = &rule->ports[i];

		for (size_t k = 0; !entry->n_http && !entry->n_dns && k < entry->n_ports; k++) {
			if (entry->ports[k].end_port > entry->ports[k].port &&
			    pst_ports_overlap(&entry->ports[k], port))
				return &entry->ports[k];
		}
	}
	return NULL;
}

static const struct pst_port *find_range(struct pst_rule_index *index,
					 const struct pst_rule_ref *ref,
					 const struct pst_port *port,
					 const struct pst_rule_ref **ret_other)
{
	struct pst_rule_cursor cursor = pst_rule_cursor_init(ref);

	while ((*ret_other = pst_rule_index_next(index, &cursor))) {
		const struct pst_port *range;

		range = range_over((*ret_other)->rule, port);
		if (range && pst_rule_index_selects_some(index, *ret_other, ref->spec))
			return range;
	}
	return NULL;
}

static void check_entry(const struct pst_lint_env *env, struct pst_rule_index *index,
			const struct pst_rule_ref *ref, const struct pst_port_rule *entry)
{
	for (size_t i = 0; entry->n_http && i < entry->n_ports; i++) {
		const struct pst_rule_ref *other = NULL;
		const struct pst_port *range = find_range(index, ref, &entry->ports[i], &other);
		char name[PST_LINT_NAME_SIZE];

		if (!range)
			continue;
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "range-over-http", &entry->ports[i].pos,
			"a range of ports that includes this one is open to certain peers; Cilium 1.16 before 1.16.4 then skips the HTTP rules for them (CVE-2024-52529)");
		pst_diags_note(env->diags, &range->pos, "the range is here, in policy %s",
			       pst_lint_policy_name(other->policy, name));
		return;
	}
}

static void check_ranges(const struct pst_lint_env *env, const struct pst_rule_ref *ref,
			 void *index)
{
	for (size_t i = 0; !ref->rule->deny && i < ref->rule->n_ports; i++)
		check_entry(env, index, ref, &ref->rule->ports[i]);
}

static bool is_cidr_deny(const struct pst_rule_ref *ref)
{
	return ref->rule->deny && ref->rule->n_cidrs;
}

/* Is PREFIX denied by PEER: within it, smaller, and not in what it leaves out? */
static bool is_denied_part(const struct pst_cidr_peer *peer, const struct pst_prefix *prefix)
{
	if (!peer->prefix || peer->prefix->len >= prefix->len ||
	    !pst_cover_prefix(peer->prefix, prefix))
		return false;
	for (size_t i = 0; i < peer->n_except; i++) {
		if (pst_cover_prefix(&peer->except[i], prefix) ||
		    pst_cover_prefix(prefix, &peer->except[i]))
			return false;
	}
	return true;
}

/* A prefix of RULE that lies within one of DENY's and is longer. */
static const struct pst_prefix *narrower(const struct pst_rule *deny, const struct pst_rule *rule)
{
	for (size_t i = 0; i < rule->n_cidrs; i++) {
		const struct pst_prefix *inner = rule->cidrs[i].prefix;

		for (size_t k = 0; inner && k < deny->n_cidrs; k++) {
			if (is_denied_part(&deny->cidrs[k], inner))
				return inner;
		}
	}
	return NULL;
}

static void check_prefixes(const struct pst_lint_env *env, const struct pst_rule_ref *ref,
			   void *index)
{
	struct pst_rule_cursor cursor = pst_rule_cursor_init(ref);
	const struct pst_rule_ref *deny;
	char name[PST_LINT_NAME_SIZE];

	if (ref->rule->deny || !ref->rule->n_cidrs)
		return;
	while ((deny = pst_rule_index_next(index, &cursor))) {
		const struct pst_prefix *prefix;

		if (!pst_rule_index_spend(index, deny->rule->n_cidrs, ref->rule->n_cidrs))
			continue;
		prefix = narrower(deny->rule, ref->rule);
		if (!prefix || !pst_rules_share_port(deny->rule, ref->rule) ||
		    !pst_rule_index_selects_some(index, deny, ref->spec))
			continue;
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "cidr-in-denied-cidr", &prefix->pos,
			"this lies within a prefix that is denied: it stays denied, and old versions of Cilium let it through (CVE-2024-47825); write an \"except\" where it is denied");
		pst_diags_note(env->diags, &deny->rule->pos, "denied here, by policy %s",
			       pst_lint_policy_name(deny->policy, name));
		return;
	}
}

int pst_check_history(const struct pst_lint_env *env)
{
	static const struct pst_rule_inquiry ranges = {
		.by_namespace = true,
		.wanted = is_range_allow,
		.question = check_ranges,
		.what = "ranges of ports over HTTP rules",
	};
	static const struct pst_rule_inquiry prefixes = {
		.by_namespace = true,
		.wanted = is_cidr_deny,
		.question = check_prefixes,
		.what = "prefixes that are denied",
	};
	int r = 0;

	if (env->cilium_minor == 16) /* fixed in 1.17 */
		r = pst_rule_index_ask(env, &ranges);
	return r ? r : pst_rule_index_ask(env, &prefixes);
}
