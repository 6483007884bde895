// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <string.h>

#include "lint/cover.h"
#include "lint/walk.h"
#include "policy/selector_algebra.h"

/* Lists of peers that are empty or say a thing twice (policy-semantics 1.3.1, 2). */

/* Cilium's check for empty lists forgets these (0.1). */
static bool is_forgotten(enum pst_peer_member member)
{
	return member == PST_MEMBER_FQDNS || member == PST_MEMBER_GROUPS;
}

static void check_empty(const struct pst_lint_env *env, const struct pst_rule_ref *ref)
{
	const struct pst_rule *rule = ref->rule;
	const struct pst_pos *pos = pst_lint_pos_or(&rule->peers_pos, &rule->pos);
	const char *verb = rule->deny ? "denies" : "allows";

	if (rule->peer_kind == PST_PEER_ABSENT || !pst_rule_reaches_nobody(rule))
		return;
	/* The entity "none" is written out: somebody means it. */
	if (rule->member == PST_MEMBER_ENTITIES)
		return;
	if (is_forgotten(rule->member) && !pst_rule_is_l3_only(rule))
		pst_diags_add(
			env->diags, PST_SEVERITY_ERROR, "peers-empty-open", pos,
			"an empty list of peers: Cilium takes this one for everybody, here it is nobody");
	else
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "peers-empty", pos,
			"an empty list of peers is nobody, so this rule %s nothing; leave the field out to mean everybody",
			verb);
}

/* "- {}" beside other elements. Alone it is how default deny is written. */
static void check_empty_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref)
{
	const struct pst_rule *rule = ref->rule;
	bool alone = true;

	if (rule->peer_kind != PST_PEER_ABSENT || !pst_rule_reaches_nobody(rule))
		return;
	for (size_t i = 0; alone && i < ref->spec->n_rules; i++) {
		const struct pst_rule *other = &ref->spec->rules[i];

		alone = other == rule || other->direction != rule->direction ||
			other->deny != rule->deny;
	}
	if (!alone)
		pst_diags_add(
			env->diags, PST_SEVERITY_WARNING, "rule-empty", &rule->pos,
			"a rule without peers and ports %s nothing; beside other rules it has no effect",
			rule->deny ? "denies" : "allows");
}

enum { MAX_COMPARED = 256 }; /* elements of one list */

static void report_twice(const struct pst_lint_env *env, const struct pst_pos *pos,
			 const struct pst_pos *first)
{
	pst_diags_add(env->diags, PST_SEVERITY_INFO, "peer-redundant", pos,
		      "another element of the list covers this one");
	pst_diags_note(env->diags, first, "covered by this one");
}

static bool same_place(const struct pst_pos *a, const struct pst_pos *b)
{
	return a->line == b->line && a->col == b->col;
}

/* Equal ones point at the second. */
static void check_selectors(const struct pst_lint_env *env, const struct pst_rule *rule)
{
	for (size_t i = 0; i < rule->n_peers; i++) {
		for (size_t k = 0; k < rule->n_peers; k++) {
			const struct pst_selector *a = &rule->peers[i], *b = &rule->peers[k];

			if (i == k || same_place(&a->pos, &b->pos) || !pst_selector_implies(a, b) ||
			    (k > i && pst_selector_implies(b, a)))
				continue;
			report_twice(env, &a->pos, &b->pos);
			break;
		}
	}
}

static bool is_plain(const struct pst_cidr_peer *peer)
{
	return peer->prefix && !peer->n_except;
}

static void check_prefixes(const struct pst_lint_env *env, const struct pst_rule *rule)
{
	for (size_t i = 0; i < rule->n_cidrs; i++) {
		for (size_t k = 0; k < rule->n_cidrs; k++) {
			const struct pst_cidr_peer *a = &rule->cidrs[i], *b = &rule->cidrs[k];

			if (i == k || !a->prefix || !is_plain(b) ||
			    !pst_cover_prefix(b->prefix, a->prefix) ||
			    (k > i && is_plain(a) && pst_cover_prefix(a->prefix, b->prefix)))
				continue;
			report_twice(env, &a->pos, &b->pos);
			break;
		}
	}
}

/* The ranges that kubeadm, k3s and the like hand out to Services. */
static const struct {
	uint8_t addr[4];
	uint8_t len;
	const char *text;
} service_ranges[] = {
	{{10, 96, 0, 0}, 12, "10.96.0.0/12"},
	{{10, 43, 0, 0}, 16, "10.43.0.0/16"},
	{{172, 20, 0, 0}, 16, "172.20.0.0/16"},
};

static void check_services(const struct pst_lint_env *env, const struct pst_prefix *prefix)
{
	for (size_t i = 0; i < sizeof(service_ranges) / sizeof(*service_ranges); i++) {
		struct pst_prefix range = {.len = (uint8_t)(96 + service_ranges[i].len),
					   .is_v4 = true};

		memset(range.addr + 10, 0xff, 2);
		memcpy(range.addr + 12, service_ranges[i].addr, 4);
		if (!pst_cover_prefix(&range, prefix))
			continue;
		pst_diags_add(
			env->diags, PST_SEVERITY_INFO, "cidr-of-services", &prefix->pos,
			"%s is usually the range of ClusterIPs: these are translated before policy is applied, and a CIDR selects no pods",
			service_ranges[i].text);
	}
}

static void check_everything(const struct pst_lint_env *env, const struct pst_prefix *prefix)
{
	if (prefix->len != (prefix->is_v4 ? 96 : 0))
		return;
	pst_diags_add(
		env->diags, PST_SEVERITY_INFO, "cidr-everything", &prefix->pos,
		"this means all addresses outside of the cluster; pods and nodes are not in it");
}

static void check_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	const struct pst_rule *rule = ref->rule;

	(void)ctx;
	check_empty(env, ref);
	check_empty_rule(env, ref);
	if (rule->n_peers <= MAX_COMPARED && rule->member == PST_MEMBER_ENDPOINTS)
		check_selectors(env, rule);
	if (rule->n_cidrs <= MAX_COMPARED)
		check_prefixes(env, rule);
	for (size_t i = 0; i < rule->n_cidrs; i++) {
		if (!rule->cidrs[i].prefix)
			continue;
		check_services(env, rule->cidrs[i].prefix);
		check_everything(env, rule->cidrs[i].prefix);
	}
}

int pst_check_peers(const struct pst_lint_env *env)
{
	pst_lint_each_rule(env, check_rule, NULL);
	return 0;
}
