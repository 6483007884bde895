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
	if (!c->by_prefix || pst_prefixindex_add(c->by_prefix, slot, prefix))
		return -ENOMEM;
	return pst_vec_push(&c->prefixes, slot);
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
	pst_vec_free(&c->prefixes);
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
	c->prefixes.v = fresh.prefixes.v;
	c->prefixes.n = fresh.prefixes.n;
	c->prefixes.cap = fresh.prefixes.cap;
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

struct prefixes PST_VEC(struct pst_prefix);

/* Whom a list of prefixes holds is put into SET, or taken out of it. */
struct marking {
	const struct pst_crowd *c;
	const struct pst_prefix *outer;
	uint64_t *set;
	bool out;
};

static void mark(void *ctx, uint32_t slot)
{
	const struct marking *m = ctx;
	const struct pst_crowd_member *who = &m->c->members.v[slot];

	if (!who->id || !who->facts.prefix || !pst_prefix_contains(m->outer, who->facts.prefix))
		return;
	if (m->out)
		m->set[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	else
		include(m->set, slot);
}

static void mark_all(const struct pst_crowd *c, struct prefixes *list, uint64_t *set, bool out)
{
	struct marking m = {.c = c, .set = set, .out = out};

	list->n = pst_prefixes_disjoint(list->v, list->n);
	for (size_t i = 0; i < list->n && c->by_prefix; i++) {
		m.outer = &list->v[i];
		pst_prefixindex_ask(c->by_prefix, m.outer, mark, &m);
	}
	list->n = 0;
}

static int append(struct prefixes *list, const struct pst_prefix *v, size_t n)
{
	if (pst_vec_reserve(list, list->n + n))
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		list->v[list->n++] = v[i];
	return 0;
}

/* What PEER names, its exceptions apart. */
static int append_peer(const struct pst_crowd *c, const struct pst_cidr_peer *peer,
		       struct prefixes *list)
{
	int r = peer->prefix ? append(list, peer->prefix, 1) : 0;

	for (size_t i = 0; !r && !peer->prefix && i < c->inventory->n_cidr_groups; i++) {
		const struct pst_cidr_group *g = &c->inventory->cidr_groups[i];

		if (pst_peer_names_group(peer, g))
			r = append(list, g->prefixes, g->n_prefixes);
	}
	return r;
}

static int find_with_exceptions(const struct pst_crowd *c, const struct pst_cidr_peer *peer,
				struct prefixes *list, uint64_t *set)
{
	const size_t words = pst_crowd_words(c);
	pst_auto_free uint64_t *left = pst_mem_calloc(words, sizeof(*left));
	int r = left ? append_peer(c, peer, list) : -ENOMEM;

	if (r)
		return r;
	mark_all(c, list, left, false);
	r = append(list, peer->except, peer->n_except);
	if (r)
		return r;
	mark_all(c, list, left, true);
	for (size_t i = 0; i < words; i++)
		set[i] |= left[i];
	return 0;
}

/* Adds whom the prefixes and groups of RULE mean. After -ENOMEM some of them are in SET. */
static int find_cidrs(const struct pst_crowd *c, const struct pst_rule *rule, uint64_t *set)
{
	struct prefixes plain = {0}, list = {0};
	int r = 0;

	for (size_t i = 0; !r && i < rule->n_cidrs; i++) {
		const struct pst_cidr_peer *peer = &rule->cidrs[i];

		r = peer->n_except ? find_with_exceptions(c, peer, &list, set)
				   : append_peer(c, peer, &plain);
	}
	if (!r)
		mark_all(c, &plain, set, false);
	pst_vec_free(&plain);
	pst_vec_free(&list);
	return r;
}

int pst_crowd_find_peers(const struct pst_crowd *c, const struct pst_rule *rule,
			 const char *policy_ns, uint64_t *set)
{
	if (is_beyond_selectors(c, rule)) {
		for (size_t i = 0; i < c->members.n; i++) {
			if (pst_crowd_is_peer(c, rule, policy_ns, i))
				include(set, i);
		}
		return 0;
	}
	for (size_t i = 0; i < rule->n_peers; i++)
		pst_crowd_select(c, &rule->peers[i], set);
	if (!rule->n_fqdns)
		return find_cidrs(c, rule, set);
	for (size_t i = 0; i < c->prefixes.n; i++) {
		if (pst_crowd_is_peer(c, rule, policy_ns, c->prefixes.v[i]))
			include(set, c->prefixes.v[i]);
	}
	return 0;
}
