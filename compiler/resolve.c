// SPDX-License-Identifier: Apache-2.0
#include "compiler/resolve.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "compiler/clash.h"
#include "compiler/crowd.h"
#include "compiler/identity.h"
#include "compiler/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rule_list PST_VEC(uint32_t);

/* A subject and the rules that select it. */
struct subject {
	struct rule_list rules[PST_DIRECTION_MAX]; /* places in the catalogue, ascending */
	bool is_strict[PST_DIRECTION_MAX];	   /* a policy in force concerns it */
};

struct resolver {
	const struct pst_resolve_input *in;
	struct pst_diags *diags;
	struct pst_bundle *b;
	struct pst_crowd crowd;
	uint64_t *peers;	  /* [rule of the catalogue][word of the crowd] */
	struct subject *subjects; /* as the identities */
	struct pst_mapcache *maps;
	struct pst_row_scratch scratch;
	struct PST_VEC(struct pst_row_rule) row;
	struct pst_row_entries entries;
	size_t host, world; /* slots */
	size_t subject;	    /* whose row is being resolved */
	struct pst_clashes clashes;
};

/* A spec, and where its rules begin in the catalogue. */
struct spec_place {
	const struct pst_policy *policy;
	const struct pst_spec *spec;
	size_t first;
};

static int fill_crowd(struct resolver *r, const struct pst_identity_map *map)
{
	const struct pst_bundle *b = r->b;

	r->crowd.inventory = r->in->inventory;
	for (size_t i = 0; i < b->n_identities; i++) {
		const struct pst_crowd_member m = {
			.id = b->identities[i].id,
			.labels = &b->identities[i].labels,
			.facts = map->facts[i],
		};

		if (pst_crowd_add(&r->crowd, &m))
			return -ENOMEM;
		if (m.id == PST_ID_HOST)
			r->host = i;
		else if (m.id == PST_ID_WORLD)
			r->world = i;
	}
	return 0;
}

static int match_peers(struct resolver *r)
{
	const struct pst_catalog *c = r->in->catalog;
	const size_t words = pst_crowd_words(&r->crowd);

	r->peers = pst_mem_calloc(c->n_l4, words * sizeof(*r->peers));
	if (!r->peers)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_l4; i++)
		pst_crowd_find_peers(&r->crowd, c->l4[i].rule, c->l4[i].policy->ns,
				     r->peers + i * words);
	return 0;
}

static bool concerns(const struct pst_spec *spec, int direction)
{
	bool yes = spec->default_deny[direction];

	for (size_t i = 0; i < spec->n_rules && !yes; i++)
		yes = (int)spec->rules[i].direction == direction;
	return yes;
}

/* A policy in audit counts where none in force concerns the subject, and nowhere else. */
static int note_subject(struct resolver *r, const struct spec_place *at, size_t i)
{
	const struct pst_catalog *c = r->in->catalog;
	struct pst_bundle_identity *who = &r->b->identities[i];
	struct subject *s = &r->subjects[i];

	for (int d = 0; d < PST_DIRECTION_MAX; d++) {
		if (!concerns(at->spec, d) || (at->policy->audit && s->is_strict[d]))
			continue;
		if (!at->policy->audit && !s->is_strict[d]) { /* the first in force */
			s->is_strict[d] = true;
			s->rules[d].n = 0;
			who->enforce[d] = who->audit[d] = false;
		}
		who->enforce[d] |= at->spec->default_deny[d];
		who->audit[d] |= at->policy->audit;
		for (size_t k = at->first; k < at->first + at->spec->n_rules; k++) {
			if ((int)c->l4[k].rule->direction == d &&
			    pst_vec_push(&s->rules[d], (uint32_t)k))
				return -ENOMEM;
		}
	}
	return 0;
}

/* The spec AT selects everybody in SET: few, of many. */
static int note_subjects(struct resolver *r, const struct spec_place *at, const uint64_t *set)
{
	int err = 0;

	for (size_t w = 0; w < pst_crowd_words(&r->crowd); w++) {
		for (uint64_t left = set[w]; !err && left; left &= left - 1) {
			const size_t i = w * 64 + (size_t)__builtin_ctzll(left);

			if (pst_identity_is_subject(&r->b->identities[i]))
				err = note_subject(r, at, i);
		}
	}
	return err;
}

/* Default deny: any spec that selects the identity asks for it, also one without rules. */
static int match_subjects(struct resolver *r)
{
	const size_t words = pst_crowd_words(&r->crowd);
	pst_auto_free uint64_t *set = pst_mem_calloc(words, sizeof(*set));
	size_t first = 0;

	r->subjects = pst_mem_calloc(r->b->n_identities, sizeof(*r->subjects));
	if (!set || !r->subjects)
		return -ENOMEM;
	for (size_t p = 0; p < r->in->policies->n_policies; p++) {
		const struct pst_policy *policy = &r->in->policies->policies[p];

		for (size_t i = 0; i < policy->n_specs; i++) {
			const struct spec_place at = {policy, &policy->specs[i], first};

			memset(set, 0, words * sizeof(*set));
			pst_crowd_select(&r->crowd, &at.spec->subject, set);
			if (note_subjects(r, &at, set))
				return -ENOMEM;
			first += at.spec->n_rules;
		}
	}
	return 0;
}

static int report_full(struct resolver *r, uint32_t subject)
{
	const struct pst_pos nowhere = {0};

	pst_diags_error(r->diags, "table-full", &nowhere,
			"the policies need more than the %d policy entries that the table holds "
			"(reached at identity %u of %zu identities)",
			PST_POLICY_ENTRIES, subject, r->b->n_identities);
	return -E2BIG;
}

static int resolve_row(struct resolver *r, size_t subject, enum pst_direction direction)
{
	const struct pst_catalog *c = r->in->catalog;
	const struct rule_list *rules = &r->subjects[subject].rules[direction];
	const size_t words = pst_crowd_words(&r->crowd);
	struct pst_row_query q = {
		.crowd = &r->crowd,
		.subject = subject,
		.world = r->world,
		.host = r->host,
		.direction = direction,
		.enforce = r->b->identities[subject].enforce[direction],
	};

	r->subject = subject;
	r->row.n = 0;
	for (size_t i = 0; i < rules->n; i++) {
		const struct pst_row_rule rule = {
			.rule = &c->l4[rules->v[i]],
			.peers = r->peers + rules->v[i] * words,
		};

		if (pst_vec_push(&r->row, rule))
			return -ENOMEM;
	}
	q.rules = r->row.v;
	q.n_rules = r->row.n;
	return pst_row_resolve(&q, r->maps, &r->scratch, &r->entries);
}

/* The entries from FIRST on are of a subject whose policies are all in audit. */
static void mark_audit(struct resolver *r, size_t first)
{
	for (size_t i = first; i < r->entries.n; i++) {
		if (r->entries.v[i].value.verdict != PST_VERDICT_ALLOW)
			r->entries.v[i].value.deny_rule |= PST_POLICY_AUDIT;
	}
}

static int resolve_subjects(struct resolver *r)
{
	int err = 0;

	for (size_t i = 0; i < r->b->n_identities; i++) {
		if (!pst_identity_is_subject(&r->b->identities[i]))
			continue;
		for (int d = 0; !err && d < PST_DIRECTION_MAX; d++) {
			size_t first = r->entries.n;

			err = resolve_row(r, i, d);
			if (r->b->identities[i].audit[d])
				mark_audit(r, first);
		}
		if (err)
			return err;
		if (r->entries.n > PST_POLICY_ENTRIES)
			return report_full(r, r->b->identities[i].id);
	}
	return 0;
}

/* Subjects ascend, and so do the entries of each. */
static int seal_entries(struct resolver *r)
{
	struct pst_bundle *b = r->b;

	b->entries = pst_arena_calloc(b->arena, r->entries.n, sizeof(*b->entries));
	if (!b->entries)
		return -ENOMEM;
	if (r->entries.n)
		memcpy(b->entries, r->entries.v, r->entries.n * sizeof(*b->entries));
	b->n_entries = r->entries.n;
	return 0;
}

/*
 * Who asks for the userspace proxy gets it wherever HTTP rules would be judged in the kernel. One
 * pod that asks speaks for all of its identity: the kernel does not tell them apart.
 */
static void send_to_proxy(const struct pst_inventory *inventory, const struct pst_identity_map *map,
			  struct pst_bundle *b)
{
	uint32_t done = 0;

	for (size_t i = 0; i < inventory->n_endpoints; i++) {
		const uint32_t subject = map->endpoint_ids[i];
		size_t e;

		if (!inventory->endpoints[i].proxied || subject == done)
			continue;
		done = subject;
		/* Of both directions: ingress is the lower one. */
		e = pst_bundle_lower_bound(b, subject, PST_DIR_INGRESS, 0);
		for (; e < b->n_entries && b->entries[e].key.subject == subject; e++) {
			if (b->entries[e].value.verdict == PST_VERDICT_JUDGE &&
			    !(b->entries[e].value.deny_rule & PST_POLICY_AUDIT))
				b->entries[e].value.verdict = PST_VERDICT_FALLBACK;
		}
	}
}

static bool is_usable(void *ctx, uint32_t rule)
{
	return ((struct pst_ruleset_table *)ctx)->catalog->http[rule];
}

static int intern(void *ctx, const uint32_t *rules, size_t n, struct pst_http_set *ret_set)
{
	struct pst_ruleset_table *t = ctx;
	uint32_t set;
	int err = pst_ruleset_intern(t, rules, n, &set);

	if (!err)
		*ret_set = (struct pst_http_set){(uint16_t)set, t->sets.v[set].fallback};
	return err;
}

static int note_conflict(void *ctx, const struct pst_portmap_conflict *c)
{
	struct resolver *r = ctx;

	return pst_clashes_add(&r->clashes, c, r->subject);
}

/* "the endpoint ns/name", in ARENA: the first with the identity ID. */
static const char *name_subject(const struct resolver *r, const struct pst_identity_map *map,
				struct pst_arena *arena, uint32_t id)
{
	const struct pst_inventory *inventory = r->in->inventory;

	for (size_t i = 0; i < inventory->n_endpoints; i++) {
		const struct pst_endpoint *e = &inventory->endpoints[i];

		if (map->endpoint_ids[i] == id)
			return pst_arena_printf(arena, "the endpoint %s/%s", e->ns, e->name);
	}
	return pst_arena_printf(arena, "the identity %u", id);
}

static int report_clashes(struct resolver *r, const struct pst_identity_map *map)
{
	struct pst_arena *arena pst_cleanup(pst_arena_free) = pst_arena_new();

	pst_clashes_settle(&r->clashes);
	for (size_t i = 0; arena && i < r->clashes.n; i++) {
		const struct pst_clash *c = &r->clashes.v[i];
		const char *whom = name_subject(r, map, arena, r->b->identities[c->subject].id);

		if (!whom)
			return -ENOMEM;
		pst_clash_report(c, whom, r->diags);
	}
	return arena ? 0 : -ENOMEM;
}

static int resolve_all(struct resolver *r, struct pst_ruleset_table *t,
		       const struct pst_identity_map *map)
{
	const struct pst_http_sets sets = {
		.is_usable = is_usable,
		.intern = intern,
		.ctx = t,
		.note_conflict = note_conflict,
		.conflict_ctx = r,
	};
	int err = fill_crowd(r, map);

	r->maps = pst_mapcache_new(&sets);
	if (!r->maps)
		return -ENOMEM;
	if (!err)
		err = match_peers(r);
	if (!err)
		err = match_subjects(r);
	if (!err)
		err = resolve_subjects(r);
	if (!err)
		err = report_clashes(r, map);
	return err ? err : seal_entries(r);
}

static void resolver_fini(struct resolver *r)
{
	for (size_t i = 0; r->subjects && i < r->b->n_identities; i++) {
		for (int d = 0; d < PST_DIRECTION_MAX; d++)
			pst_vec_free(&r->subjects[i].rules[d]);
	}
	free(r->subjects);
	free(r->peers);
	pst_crowd_fini(&r->crowd);
	pst_mapcache_free(&r->maps);
	pst_row_scratch_fini(&r->scratch);
	pst_vec_free(&r->row);
	pst_vec_free(&r->entries);
	pst_vec_free(&r->clashes);
}

int pst_resolve(const struct pst_resolve_input *in, struct pst_ruleset_table *t,
		struct pst_diags *diags, struct pst_bundle *b)
{
	struct resolver r = {.in = in, .diags = diags, .b = b};
	struct pst_arena *scratch pst_cleanup(pst_arena_free) = pst_arena_new();
	struct pst_identity_map map;
	int err = scratch ? pst_identities_collect(in, scratch, b, &map) : -ENOMEM;

	if (!err)
		err = resolve_all(&r, t, &map);
	if (!err)
		send_to_proxy(in->inventory, &map, b);
	if (!err)
		err = pst_identity_addrs(in, &map, diags, b);
	resolver_fini(&r);
	return err;
}
