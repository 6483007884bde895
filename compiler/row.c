// SPDX-License-Identifier: Apache-2.0
#include "compiler/row.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Peers that are answered alike. */
struct pst_row_group {
	bool allow_all;
	const struct pst_identity_facts *names; /* whose named ports count; NULL: nobody's */
	uint32_t map;
	size_t n_peers;
};

/* Those of one word of the crowd that are in one group. */
struct pst_row_segment {
	size_t word;
	uint64_t mask;
	uint32_t group;
};

struct row {
	const struct pst_row_query *q;
	struct pst_mapcache *maps;
	struct pst_row_scratch *s;
	size_t width; /* words of a signature */
	bool uses_names;
};

void pst_row_scratch_fini(struct pst_row_scratch *s)
{
	pst_vec_free(&s->signatures);
	pst_vec_free(&s->masks);
	pst_vec_free(&s->split);
	pst_vec_free(&s->groups);
	pst_vec_free(&s->order);
	pst_vec_free(&s->segments);
	pst_vec_free(&s->matched);
	pst_vec_free(&s->sets);
}

static bool asks_for_names(const struct pst_rule *rule)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		for (size_t k = 0; k < rule->ports[i].n_ports; k++) {
			if (rule->ports[i].ports[k].name.s)
				return true;
		}
	}
	return false;
}

/* Adds a part of the word with the signature of part LIKE, or with an empty one. */
static int add_part(struct row *r, uint64_t mask, size_t like)
{
	struct pst_row_scratch *s = r->s;
	const bool first = !s->masks.n;

	if (pst_vec_push(&s->masks, mask))
		return -ENOMEM;
	for (size_t i = 0; i < r->width; i++) {
		if (pst_vec_push(&s->split, first ? 0 : s->split.v[like * r->width + i]))
			return -ENOMEM;
	}
	return 0;
}

/* Splits MASK of WORD into parts that the same rules mean. */
static int split(struct row *r, size_t word, uint64_t mask)
{
	struct pst_row_scratch *s = r->s;

	s->masks.n = s->split.n = 0;
	if (add_part(r, mask, 0))
		return -ENOMEM;
	for (size_t i = 0; i < r->q->n_rules; i++) {
		const uint64_t meant = r->q->rules[i].peers[word];
		const size_t n = s->masks.n;

		for (size_t p = 0; (meant & mask) && p < n; p++) {
			const uint64_t inside = s->masks.v[p] & meant;
			size_t to = p;

			if (!inside)
				continue;
			if (inside != s->masks.v[p]) {
				if (add_part(r, inside, p))
					return -ENOMEM;
				s->masks.v[p] &= ~meant;
				to = s->masks.n - 1;
			}
			s->split.v[to * r->width + i / 64] |= UINT64_C(1) << i % 64;
		}
	}
	return 0;
}

/* The signature NUMBER of V. Without rules there are none, and perhaps no V. */
static const uint64_t *signature_at(const struct row *r, const uint64_t *v, size_t number)
{
	return r->width ? v + number * r->width : NULL;
}

static bool is_group(const struct row *r, size_t g, const uint64_t *signature,
		     const struct pst_row_group *like)
{
	const struct pst_row_group *have = &r->s->groups.v[g];

	return have->allow_all == like->allow_all && have->names == like->names &&
	       (!r->width || !memcmp(&r->s->signatures.v[g * r->width], signature,
				     r->width * sizeof(*signature)));
}

/* What is known of the map that was asked for last. */
static int note_sets(struct row *r)
{
	size_t n;
	const uint16_t *v = pst_mapcache_sets(r->maps, &n);

	r->s->clashes |= pst_mapcache_clashes(r->maps);
	for (size_t i = 0; i < n; i++) {
		if (pst_vec_push(&r->s->sets, v[i]))
			return -ENOMEM;
	}
	return 0;
}

/* Whose order: names, the own node, rules. It does not depend on where the peers stand. */
static int cmp_group(const struct row *r, size_t g, const uint64_t *signature,
		     const struct pst_row_group *like)
{
	const struct pst_row_group *have = &r->s->groups.v[g];
	const uintptr_t a = (uintptr_t)have->names, b = (uintptr_t)like->names;
	int order = (a > b) - (a < b);

	if (!order)
		order = have->allow_all - like->allow_all;
	for (size_t i = 0; !order && i < r->width; i++) {
		const uint64_t x = r->s->signatures.v[g * r->width + i];

		order = (x > signature[i]) - (x < signature[i]);
	}
	return order;
}

static int new_group(struct row *r, const uint64_t *signature, const struct pst_row_group *like)
{
	struct pst_row_scratch *s = r->s;
	size_t low = 0, high = s->order.n;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (cmp_group(r, s->order.v[mid], signature, like) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t i = 0; i < r->width; i++) {
		if (pst_vec_push(&s->signatures, signature[i]))
			return -ENOMEM;
	}
	if (pst_vec_push(&s->order, 0) || pst_vec_push(&s->groups, *like))
		return -ENOMEM;
	memmove(&s->order.v[low + 1], &s->order.v[low],
		(s->order.n - 1 - low) * sizeof(*s->order.v));
	s->order.v[low] = (uint32_t)s->groups.n - 1;
	return 0;
}

/* The peers MASK of WORD, which LIKE describes, go to their groups. */
static int group_word(struct row *r, size_t word, uint64_t mask, const struct pst_row_group *like)
{
	struct pst_row_scratch *s = r->s;
	int err = mask ? split(r, word, mask) : 0;

	for (size_t p = 0; !err && mask && p < s->masks.n; p++) {
		const uint64_t *signature = signature_at(r, s->split.v, p);
		struct pst_row_segment segment = {.word = word, .mask = s->masks.v[p]};
		size_t g = 0;

		while (g < s->groups.n && !is_group(r, g, signature, like))
			g++;
		if (g == s->groups.n)
			err = new_group(r, signature, like);
		if (err)
			return err;
		segment.group = (uint32_t)g;
		s->groups.v[g].n_peers += (size_t)__builtin_popcountll(segment.mask);
		err = pst_vec_push(&s->segments, segment);
	}
	return err;
}

/* Peers that have named ports, where rules ask for names: each is answered by himself. */
static int group_named(struct row *r, size_t word, uint64_t *mask)
{
	const struct pst_crowd *crowd = r->q->crowd;
	int err = 0;

	for (uint64_t rest = *mask; !err && rest; rest &= rest - 1) {
		const unsigned int bit = (unsigned int)__builtin_ctzll(rest);
		const struct pst_crowd_member *m = &crowd->members.v[64 * word + bit];
		const struct pst_row_group like = {.names = &m->facts};

		if (!m->facts.n_ports)
			continue;
		*mask &= ~(UINT64_C(1) << bit);
		err = group_word(r, word, UINT64_C(1) << bit, &like);
	}
	return err;
}

/* Whose named ports count for peers that have none of their own. */
static const struct pst_identity_facts *usual_names(const struct row *r)
{
	return r->q->direction == PST_DIRECTION_INGRESS && r->uses_names
		       ? &r->q->crowd->members.v[r->q->subject].facts
		       : NULL;
}

static int group_all(struct row *r)
{
	const struct pst_crowd *crowd = r->q->crowd;
	const bool ingress = r->q->direction == PST_DIRECTION_INGRESS;
	const struct pst_row_group like = {
		.names = usual_names(r),
	};
	const struct pst_row_group own_node = {.allow_all = true, .names = like.names};
	int err = 0;

	for (size_t w = 0; !err && w < crowd->live.n; w++) {
		uint64_t mask = crowd->live.v[w];
		const uint64_t host = UINT64_C(1) << r->q->host % 64;

		if (ingress && w == r->q->host / 64) {
			err = group_word(r, w, mask & host, &own_node);
			mask &= ~host;
		}
		if (!err && !ingress && r->uses_names)
			err = group_named(r, w, &mask);
		if (!err)
			err = group_word(r, w, mask, &like);
	}
	return err;
}

/* The map of a group. */
static int ask(struct row *r, size_t number)
{
	struct pst_row_scratch *s = r->s;
	struct pst_row_group *g = &s->groups.v[number];
	const uint64_t *signature = signature_at(r, s->signatures.v, number);
	struct pst_port_query q = {
		.enforce = r->q->enforce,
		.allow_all = g->allow_all,
		.names = g->names ? g->names->ports : NULL,
		.n_names = g->names ? g->names->n_ports : 0,
	};
	int err;

	s->matched.n = 0;
	for (size_t i = 0; i < r->q->n_rules; i++) {
		if ((signature[i / 64] >> i % 64 & 1) &&
		    pst_vec_push(&s->matched, r->q->rules[i].rule))
			return -ENOMEM;
	}
	q.rules = s->matched.v;
	q.n_rules = s->matched.n;
	err = pst_mapcache_get(r->maps, &q, &g->map);
	return err ? err : note_sets(r);
}

/* In the order of the groups, so that rule sets are made in one order wherever peers stand. */
static int ask_all(struct row *r)
{
	int err = 0;

	for (size_t i = 0; !err && i < r->s->order.n; i++)
		err = ask(r, r->s->order.v[i]);
	return err;
}

static uint32_t map_of(const struct row *r, size_t slot)
{
	const struct pst_row_scratch *s = r->s;

	for (size_t i = 0; i < s->segments.n; i++) {
		const struct pst_row_segment *g = &s->segments.v[i];

		if (g->word == slot / 64 && g->mask >> slot % 64 & 1)
			return s->groups.v[g->group].map;
	}
	return 0;
}

/* The entries that the peers with this map need together. */
static size_t weigh(const struct row *r, uint32_t map)
{
	size_t n = 0;

	for (size_t i = 0; i < r->s->groups.n; i++)
		n += r->s->groups.v[i].map == map ? r->s->groups.v[i].n_peers : 0;
	return n * pst_mapcache_tails(r->maps, map)->n;
}

/* The map that saves most entries. Groups that differ may have one map. */
static uint32_t choose_any(const struct row *r)
{
	const struct pst_row_scratch *s = r->s;
	const uint32_t world = map_of(r, r->q->world);
	uint32_t best = world;
	size_t most = 0;

	for (size_t i = 0; i < s->order.n; i++) {
		const uint32_t map = s->groups.v[s->order.v[i]].map;
		const size_t n = weigh(r, map);

		if (n < most || (n == most && map != world))
			continue;
		most = n;
		best = map;
	}
	return best;
}

static void note_common(const struct row *r)
{
	struct pst_row_scratch *s = r->s;
	struct pst_row_common c = {.uses_names = r->uses_names};
	size_t next = 0;

	for (size_t i = 0; i < s->order.n; i++) {
		const struct pst_row_group *g = &s->groups.v[s->order.v[i]];

		if (g->map != s->any) {
			const size_t n = weigh(r, g->map);

			next = n > next ? n : next;
		} else if (!g->allow_all && g->names == usual_names(r) && g->n_peers > c.n_peers) {
			c.n_peers = g->n_peers;
			c.signature = signature_at(r, s->signatures.v, s->order.v[i]);
		}
	}
	c.weight = pst_mapcache_tails(r->maps, s->any)->n;
	c.margin = weigh(r, s->any) - next;
	s->common = c;
}

static int put(const struct row *r, uint32_t peer, const struct pst_port_tail *tail,
	       struct pst_row_entries *entries)
{
	struct pst_bundle_entry e = {
		.key =
			{
				.prefixlen = tail->prefixlen,
				.subject = r->q->crowd->members.v[r->q->subject].id,
				.peer = peer,
				.direction = (uint8_t)r->q->direction,
				.protocol = tail->protocol,
				.port_be = {(uint8_t)(tail->port >> 8), (uint8_t)tail->port},
			},
		.value = tail->value,
	};

	return pst_vec_push(entries, e);
}

static int put_tails(const struct row *r, uint32_t peer, uint32_t map, size_t from,
		     struct pst_row_entries *entries)
{
	const struct pst_port_tails *tails = pst_mapcache_tails(r->maps, map);

	for (size_t i = from; i < tails->n; i++) {
		if (put(r, peer, &tails->v[i], entries))
			return -ENOMEM;
	}
	return 0;
}

static bool says_default(const struct row *r, uint32_t map)
{
	const struct pst_policy_value rest = pst_portmap_default(r->q->enforce);
	const struct pst_policy_value *have = &pst_mapcache_tails(r->maps, map)->v[0].value;

	return have->verdict == rest.verdict && have->deny_rule == rest.deny_rule &&
	       have->ruleset == rest.ruleset && have->rule == rest.rule;
}

/*
 * A subject with entries is looked up, and a miss is a denial: so the catch-all of PST_ID_ANY is
 * left out only where it says just that. A subject without any entry in a direction is not looked
 * up there: where nothing is denied to anybody and there is no default deny, nothing is written.
 */
static int put_any(const struct row *r, uint32_t any, bool others, struct pst_row_entries *entries)
{
	const bool by_default = says_default(r, any);

	if (by_default && !r->q->enforce && pst_mapcache_tails(r->maps, any)->n == 1 && !others)
		return 0;
	return put_tails(r, PST_ID_ANY, any, by_default && r->q->enforce ? 1 : 0, entries);
}

static int put_segment(const struct row *r, const struct pst_row_segment *g,
		       struct pst_row_entries *entries)
{
	const uint32_t map = r->s->groups.v[g->group].map;
	int err = 0;

	for (uint64_t rest = g->mask; !err && rest; rest &= rest - 1) {
		const size_t slot = 64 * g->word + (size_t)__builtin_ctzll(rest);

		err = put_tails(r, r->q->crowd->members.v[slot].id, map, 0, entries);
	}
	return err;
}

static int cmp_entry(const void *a, const void *b)
{
	return pst_bundle_entry_cmp(a, b);
}

static int put_all(const struct row *r, struct pst_row_entries *entries)
{
	const struct pst_row_scratch *s = r->s;
	const uint32_t any = r->s->any = choose_any(r);
	const size_t first = entries->n;
	int err = 0;

	note_common(r);
	for (size_t i = 0; !err && i < s->segments.n; i++) {
		if (s->groups.v[s->segments.v[i].group].map != any)
			err = put_segment(r, &s->segments.v[i], entries);
	}
	if (!err)
		err = put_any(r, any, entries->n > first, entries);
	if (!err && entries->n > first)
		qsort(entries->v + first, entries->n - first, sizeof(*entries->v), cmp_entry);
	return err;
}

static bool uses_names(const struct pst_row_query *q)
{
	for (size_t i = 0; i < q->n_rules; i++) {
		if (asks_for_names(q->rules[i].rule->rule))
			return true;
	}
	return false;
}

int pst_row_map_of(const struct pst_row_query *q, struct pst_mapcache *maps,
		   struct pst_row_scratch *scratch, size_t slot, uint32_t *ret_map)
{
	const bool ingress = q->direction == PST_DIRECTION_INGRESS;
	const struct pst_identity_facts *names =
		&q->crowd->members.v[ingress ? q->subject : slot].facts;
	struct pst_port_query ports = {
		.enforce = q->enforce,
		.allow_all = ingress && slot == q->host,
	};

	scratch->matched.n = 0;
	for (size_t i = 0; i < q->n_rules; i++) {
		if (pst_crowd_has(q->rules[i].peers, slot) &&
		    pst_vec_push(&scratch->matched, q->rules[i].rule))
			return -ENOMEM;
	}
	ports.rules = scratch->matched.v;
	ports.n_rules = scratch->matched.n;
	if (uses_names(q)) {
		ports.names = names->ports;
		ports.n_names = names->n_ports;
	}
	return pst_mapcache_get(maps, &ports, ret_map);
}

int pst_row_resolve(const struct pst_row_query *q, struct pst_mapcache *maps,
		    struct pst_row_scratch *scratch, struct pst_row_entries *ret_entries)
{
	struct row r = {.q = q, .maps = maps, .s = scratch, .width = (q->n_rules + 63) / 64};
	int err;

	scratch->sets.n = 0;
	scratch->clashes = false;
	scratch->common = (struct pst_row_common){0};
	/* Default deny without a rule still lets the own node in. */
	if (!q->n_rules && !q->enforce)
		return 0;
	r.uses_names = uses_names(q);
	scratch->signatures.n = scratch->groups.n = scratch->segments.n = scratch->order.n = 0;
	err = group_all(&r);
	if (!err)
		err = ask_all(&r);
	return err ? err : put_all(&r, ret_entries);
}
