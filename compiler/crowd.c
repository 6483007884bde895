// SPDX-License-Identifier: Apache-2.0
#include "compiler/crowd.h"

#include "base/mem.h"

#include <errno.h>

static void include(uint64_t *set, size_t slot)
{
	set[slot / 64] |= UINT64_C(1) << slot % 64;
}

int pst_crowd_add(struct pst_crowd *c, const struct pst_crowd_member *member)
{
	static const struct pst_crowd_member nobody;

	if (c->members.n == 64 * c->live.n && pst_vec_push(&c->live, 0))
		return -ENOMEM;
	if (pst_vec_push(&c->members, nobody))
		return -ENOMEM;
	return pst_crowd_put(c, (uint32_t)c->members.n - 1, member);
}

int pst_crowd_put(struct pst_crowd *c, uint32_t slot, const struct pst_crowd_member *member)
{
	if (!c->index)
		c->index = pst_labelindex_new();
	if (!c->index || pst_labelindex_add(c->index, slot, member->labels))
		return -ENOMEM;
	if (member->facts.prefix && pst_vec_push(&c->prefixes, slot))
		return -ENOMEM;
	c->members.v[slot] = *member;
	include(c->live.v, slot);
	return 0;
}

void pst_crowd_remove(struct pst_crowd *c, uint32_t slot)
{
	c->members.v[slot] = (struct pst_crowd_member){0};
	c->live.v[slot / 64] &= ~(UINT64_C(1) << slot % 64);
}

void pst_crowd_fini(struct pst_crowd *c)
{
	pst_labelindex_free(&c->index);
	pst_vec_free(&c->members);
	pst_vec_free(&c->live);
	pst_vec_free(&c->prefixes);
}

size_t pst_crowd_words(const struct pst_crowd *c)
{
	return (c->members.n + 63) / 64;
}

struct selection {
	const struct pst_crowd *c;
	const struct pst_selector *sel;
	uint64_t *set;
};

static void try(void *ctx, uint32_t slot)
{
	const struct selection *s = ctx;
	const struct pst_crowd_member *m = &s->c->members.v[slot];

	if (m->id && !pst_crowd_has(s->set, slot) && pst_selector_matches(s->sel, m->labels))
		include(s->set, slot);
}

void pst_crowd_select(const struct pst_crowd *c, const struct pst_selector *sel, uint64_t *set)
{
	struct selection s = {.c = c, .sel = sel, .set = set};

	if (c->index && pst_labelindex_ask(c->index, sel, try, &s))
		return;
	for (size_t i = 0; i < c->members.n; i++)
		try(&s, (uint32_t)i);
}

bool pst_crowd_is_peer(const struct pst_crowd *c, const struct pst_rule *rule,
		       const char *policy_ns, size_t slot)
{
	const struct pst_crowd_member *m = &c->members.v[slot];
	const struct pst_peer_view view = {
		.labels = m->labels,
		.facts = &m->facts,
		.inventory = c->inventory,
	};

	return m->id && pst_peer_matches(rule, policy_ns, &view);
}

/* May the rule mean somebody by his labels in a way that is not a selector among its peers? */
static bool is_beyond_selectors(const struct pst_crowd *c, const struct pst_rule *rule)
{
	bool dangling = false;

	for (size_t i = 0; rule->deny && i < rule->n_cidrs; i++)
		dangling |= rule->cidrs[i].group_name.s &&
			    !pst_peer_find_group(c->inventory, rule->cidrs[i].group_name.s);
	return dangling || rule->n_services || rule->peer_kind == PST_PEER_ABSENT ||
	       !(rule->n_peers || rule->n_cidrs || rule->n_fqdns || rule->n_groups);
}

void pst_crowd_find_peers(const struct pst_crowd *c, const struct pst_rule *rule,
			  const char *policy_ns, uint64_t *set)
{
	if (is_beyond_selectors(c, rule)) {
		for (size_t i = 0; i < c->members.n; i++) {
			if (pst_crowd_is_peer(c, rule, policy_ns, i))
				include(set, i);
		}
		return;
	}
	for (size_t i = 0; i < rule->n_peers; i++)
		pst_crowd_select(c, &rule->peers[i], set);
	for (size_t i = 0; (rule->n_cidrs || rule->n_fqdns) && i < c->prefixes.n; i++) {
		if (pst_crowd_is_peer(c, rule, policy_ns, c->prefixes.v[i]))
			include(set, c->prefixes.v[i]);
	}
}
