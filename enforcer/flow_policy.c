// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_policy.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "bpf/reason.h"
#include "compiler/bundle.h"
#include "compiler/judge.h"
#include "enforcer/verdict.h"

enum { MAX_SCAN = 512 }; /* entries of one subject that are looked at */

struct naming {
	const struct pst_bundle *b;
	const struct pst_event *e;
	struct pst_arena *arena;
	struct pst_flow *f;
};

/* Adds rule RULE's policy; one that is there already stays with its first rule, unless EACH. */
static int add(struct naming *n, uint32_t rule, bool each)
{
	const struct pst_bundle_rule *r;
	struct pst_flow_policy *p;
	const char *slash;

	if (rule >= n->b->n_rules || n->f->n_policies == PST_FLOW_POLICIES)
		return 0;
	r = &n->b->rules[rule];
	slash = strchr(r->policy, '/');
	for (size_t i = 0; !each && i < n->f->n_policies; i++) {
		const struct pst_flow_policy *q = &n->f->policies[i];
		size_t len = strlen(q->ns);

		if (!strncmp(r->policy, q->ns, len) && !strcmp(r->policy + len + !!len, q->name))
			return 0;
	}
	p = &n->f->policies[n->f->n_policies];
	p->ns = slash ? pst_arena_strndup(n->arena, r->policy, (size_t)(slash - r->policy)) : "";
	p->name = slash ? slash + 1 : r->policy;
	p->kind = slash ? "CiliumNetworkPolicy" : "CiliumClusterwideNetworkPolicy";
	p->rule = pst_arena_printf(n->arena, "%s:%u:%u", r->pos.file ? r->pos.file : "",
				   r->pos.line, r->pos.col);
	p->revision = n->e->generation;
	if (!p->ns || !p->rule)
		return -ENOMEM;
	n->f->n_policies++;
	return 0;
}

/* The HTTP rules that the request did not match. */
static int add_candidates(struct naming *n)
{
	const struct pst_bundle_ruleset *set;
	int r = 0;

	if (n->e->ruleset >= n->b->n_rulesets)
		return 0;
	set = &n->b->rulesets[n->e->ruleset];
	for (size_t i = 0; i < set->n_rules && !r; i++)
		r = add(n, set->rules[i], true);
	return r;
}

/* The policies whose rules make the subject's direction enforced. */
static int add_restricting(struct naming *n)
{
	const struct pst_event *e = n->e;
	size_t i = pst_bundle_lower_bound(n->b, e->subject, (enum pst_dir)e->direction, 0);
	int r = 0;

	for (size_t seen = 0; i < n->b->n_entries && seen < MAX_SCAN && !r; i++, seen++) {
		const struct pst_bundle_entry *entry = &n->b->entries[i];

		if (entry->key.subject != e->subject || entry->key.direction != e->direction)
			break;
		r = add(n, entry->value.rule, false);
	}
	return r;
}

/* The HTTP rule that the request was allowed by: the kernel does not say, the proxy may. */
static uint32_t matched_rule(const struct pst_flow_source *source, const struct pst_flow_event *fe)
{
	const struct pst_event *e = fe->e;
	struct pst_judge *judge = source->judge(source->arg, e->generation);
	struct pst_l7_result result = {.rule = UINT32_MAX};

	/* Of a set that is too large for the tables only the proxy knows. */
	if (fe->proxy && fe->proxy->rule != UINT32_MAX)
		return fe->proxy->rule;
	if (judge && e->head_len)
		pst_judge_request(judge, e->ruleset, (const char *)e->head, e->head_len, 0,
				  &result);
	return result.rule;
}

static int name_l7(struct naming *n, const struct pst_flow_source *source,
		   const struct pst_flow_event *fe)
{
	if (n->e->outcome == PST_OUTCOME_ALLOWED)
		return add(n, matched_rule(source, fe), true);
	if (n->e->reason == PST_REASON_NO_RULE_L7)
		return add_candidates(n);
	return add(n, n->e->rule, true);
}

/* Does the entry's key name the event's port? Its length says how much of it counts. */
static bool covers(const struct pst_policy_key *key, const struct pst_event *e)
{
	uint32_t bits = key->prefixlen - PST_POLICY_STATIC_BITS;
	uint16_t port = (uint16_t)(key->port_be[0] << 8 | key->port_be[1]);

	if (bits < 8)
		return true;
	if (key->protocol != e->protocol)
		return false;
	bits -= 8;
	return !bits || (uint16_t)(port ^ e->server_port) >> (16 - bits) == 0;
}

/* Of the most exact entry that PEER has for the event; none: false. */
static bool match_of_peer(const struct pst_bundle *b, const struct pst_event *e, uint32_t peer,
			  uint32_t *ret_match)
{
	static const uint32_t by_peer[] = {PST_FLOW_MATCH_L3, PST_FLOW_MATCH_L3_PROTO,
					   PST_FLOW_MATCH_L3_L4};
	static const uint32_t by_any[] = {PST_FLOW_MATCH_ALL, PST_FLOW_MATCH_PROTO,
					  PST_FLOW_MATCH_L4};
	size_t i = pst_bundle_lower_bound(b, e->subject, (enum pst_dir)e->direction, peer);
	uint32_t longest = 0;

	for (; i < b->n_entries; i++) {
		const struct pst_policy_key *key = &b->entries[i].key;

		if (key->subject != e->subject || key->direction != e->direction ||
		    key->peer != peer)
			break;
		if (b->entries[i].value.rule == e->rule && covers(key, e) &&
		    key->prefixlen > longest)
			longest = key->prefixlen;
	}
	if (!longest)
		return false;
	longest -= PST_POLICY_STATIC_BITS;
	longest = longest > 8 ? 2 : longest > 0;
	*ret_match = peer == PST_ID_ANY ? by_any[longest] : by_peer[longest];
	return true;
}

static int name_l4(struct naming *n)
{
	if (n->e->rule == UINT32_MAX)
		return add_restricting(n);
	if (!match_of_peer(n->b, n->e, n->e->peer, &n->f->match_type))
		match_of_peer(n->b, n->e, PST_ID_ANY, &n->f->match_type);
	return add(n, n->e->rule, true);
}

int pst_flow_policies(const struct pst_flow_source *source, const struct pst_flow_event *fe,
		      struct pst_arena *a, struct pst_flow *f)
{
	const struct pst_event *e = fe->e;
	struct naming n = {source->bundle(source->arg, e->generation), e, a, f};

	if (!n.b)
		return 0;
	f->policies = pst_arena_calloc(a, PST_FLOW_POLICIES, sizeof(*f->policies));
	if (!f->policies)
		return -ENOMEM;
	if (e->layer == PST_LAYER_L7)
		return name_l7(&n, source, fe);
	return e->layer == PST_LAYER_ANSWER ? 0 : name_l4(&n);
}
