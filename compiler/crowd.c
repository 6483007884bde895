// SPDX-License-Identifier: Apache-2.0
#include "compiler/crowd.h"

#include "base/cleanup.h"
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

static int file_prefix(struct pst_crowd *c, uint32_t slot, const struct pst_prefix *prefix)
{
	if (!c->by_prefix)
		c->by_prefix = pst_prefixindex_new();
	return c->by_prefix ? pst_prefixindex_add(c->by_prefix, slot, prefix) : -ENOMEM;
}

/* Puts MEMBER into the indexes of C. */
static int file_member(struct pst_crowd *c, uint32_t slot, const struct pst_crowd_member *member)
{
	if (!c->index)
		c->index = pst_labelindex_new();
	if (!c->index || pst_labelindex_add(c->index, slot, member->labels))
		return -ENOMEM;
	return member->facts.prefix ? file_prefix(c, slot, member->facts.prefix) : 0;
}

int pst_crowd_put(struct pst_crowd *c, uint32_t slot, const struct pst_crowd_member *member)
{
	if (file_member(c, slot, member))
		return -ENOMEM;
	c->members.v[slot] = *member;
	c->n_live++;
	include(c->live.v, slot);
	return 0;
}

static void drop_indexes(struct pst_crowd *c)
{
	pst_labelindex_free(&c->index);
	pst_prefixindex_free(&c->by_prefix);
}

/* Makes the indexes anew, of those who live. After -ENOMEM they are what they were. */
static int file_again(struct pst_crowd *c)
{
	struct pst_crowd fresh = {0};

	for (size_t w = 0; w < c->live.n; w++) {
		for (uint64_t left = c->live.v[w]; left; left &= left - 1) {
			const size_t i = w * 64 + (size_t)__builtin_ctzll(left);

			if (file_member(&fresh, (uint32_t)i, &c->members.v[i])) {
				drop_indexes(&fresh);
				return -ENOMEM;
			}
		}
	}
	drop_indexes(c);
	c->index = fresh.index;
	c->by_prefix = fresh.by_prefix;
	c->n_stale = 0;
	return 0;
}

int pst_crowd_remove(struct pst_crowd *c, uint32_t slot)
{
	c->members.v[slot] = (struct pst_crowd_member){0};
	c->live.v[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	c->n_live--;
	c->n_stale++;
	return c->n_stale <= c->n_live + PST_CROWD_MAX_STALE ? 0 : file_again(c);
}

void pst_crowd_fini(struct pst_crowd *c)
{
	drop_indexes(c);
	pst_vec_free(&c->members);
	pst_vec_free(&c->live);
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

/* May the rule mean somebody otherwise than by a selector, a prefix or a DNS name? */
static bool is_beyond_indexes(const struct pst_rule *rule)
{
	return rule->n_services || rule->peer_kind == PST_PEER_ABSENT ||
	       !(rule->n_peers || rule->n_cidrs || rule->n_fqdns || rule->n_groups);
}

/* Appends where in the index of prefixes those are that lie in one of the N. */
static int append(const struct pst_crowd *c, const struct pst_prefix *v, size_t n,
		  struct pst_spans *spans)
{
	for (size_t i = 0; i < n; i++) {
		if (pst_vec_push(spans, pst_prefixindex_find(c->by_prefix, &v[i])))
			return -ENOMEM;
	}
	return 0;
}

/* What PEER names, its exceptions apart. */
static int append_peer(const struct pst_crowd *c, const struct pst_cidr_peer *peer,
		       struct pst_spans *spans)
{
	int r = peer->prefix ? append(c, peer->prefix, 1, spans) : 0;

	for (size_t i = 0; !r && !peer->prefix && i < c->inventory->n_cidr_groups; i++) {
		const struct pst_cidr_group *g = &c->inventory->cidr_groups[i];

		if (pst_peer_names_group(peer, g))
			r = append(c, g->prefixes, g->n_prefixes, spans);
	}
	return r;
}

/* Lists that are used again for each peer. */
struct scratch {
	struct pst_spans named, except;
};

static int append_with_exceptions(const struct pst_crowd *c, const struct pst_cidr_peer *peer,
				  struct scratch *s, struct pst_spans *spans)
{
	int r;

	s->named.n = s->except.n = 0;
	r = append_peer(c, peer, &s->named);
	if (!r)
		r = append(c, peer->except, peer->n_except, &s->except);
	if (r)
		return r;
	pst_spans_merge(&s->named);
	pst_spans_merge(&s->except);
	return pst_spans_subtract(&s->named, &s->except, spans);
}

static int append_cidrs(const struct pst_crowd *c, const struct pst_rule *rule,
			struct pst_spans *spans)
{
	struct scratch s = {0};
	int r = 0;

	for (size_t i = 0; !r && i < rule->n_cidrs; i++) {
		const struct pst_cidr_peer *peer = &rule->cidrs[i];

		r = peer->n_except ? append_with_exceptions(c, peer, &s, spans)
				   : append_peer(c, peer, spans);
	}
	pst_vec_free(&s.named);
	pst_vec_free(&s.except);
	return r;
}

static int append_names(const struct pst_crowd *c, const struct pst_rule *rule,
			struct pst_spans *spans)
{
	int r = 0;

	for (size_t i = 0; rule->n_fqdns && i < c->inventory->n_names; i++) {
		const struct pst_dns_name *name = &c->inventory->names[i];

		if (!pst_peer_names_name(rule, name->name))
			continue;
		for (size_t k = 0; !r && k < name->n_addrs; k++) {
			const struct pst_prefix one = pst_prefix_of(&name->addrs[k]);

			r = append(c, &one, 1, spans);
		}
	}
	return r;
}

/* Where a slot has changed hands it is filed under its present prefix as well. */
static bool is_filed(const struct pst_crowd *c, uint32_t slot, const struct pst_prefix *prefix)
{
	const struct pst_prefix *now = c->members.v[slot].facts.prefix;

	return !c->n_stale || (now && now->is_v4 == prefix->is_v4 && !pst_prefix_cmp(now, prefix));
}

/* Adds whom the prefixes, groups and DNS names of RULE mean. After -ENOMEM nobody is added. */
static int find_prefixes(const struct pst_crowd *c, const struct pst_rule *rule, uint64_t *set)
{
	struct pst_spans spans = {0};
	int r = c->by_prefix ? append_cidrs(c, rule, &spans) : 0;

	if (!r && c->by_prefix)
		r = append_names(c, rule, &spans);
	if (!r)
		pst_spans_merge(&spans);
	for (size_t i = 0; !r && i < spans.n; i++) {
		for (size_t at = spans.v[i].begin; at < spans.v[i].end; at++) {
			const struct pst_prefix *prefix;
			const uint32_t slot = pst_prefixindex_at(c->by_prefix, at, &prefix);

			if (is_filed(c, slot, prefix))
				include(set, slot);
		}
	}
	pst_vec_free(&spans);
	return r;
}

/* A deny rule with the name of a group that is not there means every address outside. */
static void find_outside(const struct pst_crowd *c, const struct pst_rule *rule, uint64_t *set)
{
	bool dangling = false;

	for (size_t i = 0; rule->deny && !dangling && i < rule->n_cidrs; i++)
		dangling = pst_peer_is_dangling(&rule->cidrs[i], c->inventory);
	for (size_t i = 0; dangling && i < c->members.n; i++) {
		const struct pst_crowd_member *m = &c->members.v[i];

		if (m->id && pst_peer_is_outside(m->labels))
			include(set, i);
	}
}

int pst_crowd_find_peers(const struct pst_crowd *c, const struct pst_rule *rule,
			 const char *policy_ns, uint64_t *set)
{
	if (is_beyond_indexes(rule)) {
		for (size_t i = 0; i < c->members.n; i++) {
			if (pst_crowd_is_peer(c, rule, policy_ns, i))
				include(set, i);
		}
		return 0;
	}
	for (size_t i = 0; i < rule->n_peers; i++)
		pst_crowd_select(c, &rule->peers[i], set);
	find_outside(c, rule, set);
	return find_prefixes(c, rule, set);
}
