// SPDX-License-Identifier: Apache-2.0
#include "compiler/mapcache.h"

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/buckets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct question {
	uint64_t hash;
	uint32_t *rules; /* indexes */
	size_t n_rules;
	struct pst_named_port *names;
	size_t n_names;
	bool enforce, allow_all;
	uint32_t map;
	size_t first_set, n_sets; /* of all sets */
	bool clashes;
};

struct map {
	uint64_t hash;
	struct pst_port_tails tails;
};

struct pst_mapcache {
	struct pst_http_sets sets;
	struct PST_VEC(struct question) questions;
	struct PST_VEC(struct map) maps;
	struct PST_VEC(uint16_t) named; /* rule sets, question by question */
	size_t last;			/* the question that was asked last */
	bool clashes;			/* of the one that is being answered */
	struct pst_buckets by_question, by_map;
};

struct pst_mapcache *pst_mapcache_new(const struct pst_http_sets *sets)
{
	struct pst_mapcache *c = pst_mem_calloc(1, sizeof(*c));

	if (c)
		c->sets = *sets;
	return c;
}

static void drop_question(struct question *q)
{
	for (size_t i = 0; i < q->n_names; i++)
		free((char *)q->names[i].name);
	free(q->names);
	free(q->rules);
}

void pst_mapcache_clear(struct pst_mapcache *cache)
{
	for (size_t i = 0; i < cache->questions.n; i++)
		drop_question(&cache->questions.v[i]);
	for (size_t i = 0; i < cache->maps.n; i++)
		pst_vec_free(&cache->maps.v[i].tails);
	cache->questions.n = cache->maps.n = cache->named.n = cache->last = 0;
	pst_buckets_clear(&cache->by_question);
	pst_buckets_clear(&cache->by_map);
}

void pst_mapcache_free(struct pst_mapcache **cache)
{
	struct pst_mapcache *c = *cache;

	if (!c)
		return;
	pst_mapcache_clear(c);
	pst_vec_free(&c->questions);
	pst_vec_free(&c->maps);
	pst_vec_free(&c->named);
	free(c->by_question.v);
	free(c->by_map.v);
	free(c);
	*cache = NULL;
}

static uint64_t hash_question(const struct pst_port_query *q)
{
	uint64_t h = pst_buckets_mix(q->enforce, q->allow_all);

	for (size_t i = 0; i < q->n_rules; i++)
		h = pst_buckets_mix(h, q->rules[i]->index);
	for (size_t i = 0; i < q->n_names; i++)
		h = pst_buckets_mix(h, q->names[i].port);
	return h;
}

static bool same_names(const struct question *a, const struct pst_port_query *b)
{
	if (a->n_names != b->n_names)
		return false;
	for (size_t i = 0; i < a->n_names; i++) {
		if (pst_named_port_cmp(&a->names[i], &b->names[i]))
			return false;
	}
	return true;
}

static bool same_rules(const struct question *a, const struct pst_port_query *b)
{
	if (a->n_rules != b->n_rules)
		return false;
	for (size_t i = 0; i < a->n_rules; i++) {
		if (a->rules[i] != b->rules[i]->index)
			return false;
	}
	return true;
}

static bool same_question(const struct question *a, const struct pst_port_query *b, uint64_t hash)
{
	return a->hash == hash && a->enforce == b->enforce && a->allow_all == b->allow_all &&
	       same_rules(a, b) && same_names(a, b);
}

static uint64_t question_hash_at(const void *ctx, size_t i)
{
	return ((const struct pst_mapcache *)ctx)->questions.v[i].hash;
}

static uint64_t map_hash_at(const void *ctx, size_t i)
{
	return ((const struct pst_mapcache *)ctx)->maps.v[i].hash;
}

/* The number of the map that says what TAILS say; takes them. */
static int intern(struct pst_mapcache *c, struct pst_port_tails *tails, uint32_t *ret_map)
{
	struct map fresh = {.hash = pst_port_tails_hash(tails->v, tails->n)};
	uint32_t i;

	if (pst_buckets_reserve(&c->by_map, c->maps.n, map_hash_at, c))
		return -ENOMEM;
	for (size_t at = fresh.hash; (i = pst_buckets_at(&c->by_map, at)) != PST_BUCKETS_NONE;
	     at++) {
		const struct map *m = &c->maps.v[i];

		if (m->hash == fresh.hash && pst_port_tails_same(&m->tails, tails)) {
			*ret_map = i;
			pst_vec_free(tails);
			return 0;
		}
	}
	fresh.tails = *tails;
	if (pst_vec_push(&c->maps, fresh))
		return -ENOMEM;
	*tails = (struct pst_port_tails){0};
	*ret_map = (uint32_t)c->maps.n - 1;
	pst_buckets_add(&c->by_map, fresh.hash, *ret_map);
	return 0;
}

static int copy_question(const struct pst_port_query *q, struct question *ret)
{
	ret->rules = pst_mem_calloc(q->n_rules, sizeof(*ret->rules));
	ret->names = pst_mem_calloc(q->n_names, sizeof(*ret->names));
	if (!ret->rules || !ret->names)
		return -ENOMEM;
	for (size_t i = 0; i < q->n_rules; i++)
		ret->rules[i] = q->rules[i]->index;
	for (size_t i = 0; i < q->n_names; i++) {
		ret->names[ret->n_names] = q->names[i];
		ret->names[ret->n_names].name =
			pst_mem_strndup(q->names[i].name, strlen(q->names[i].name));
		if (!ret->names[ret->n_names].name)
			return -ENOMEM;
		ret->n_names++;
	}
	return 0;
}

static bool is_usable(void *ctx, uint32_t rule)
{
	const struct pst_mapcache *c = ctx;

	return c->sets.is_usable(c->sets.ctx, rule);
}

/* What the cache borrows, and a note of what it was asked for. */
static int intern_set(void *ctx, const uint32_t *rules, size_t n, struct pst_http_set *ret_set)
{
	struct pst_mapcache *c = ctx;
	int r = c->sets.intern(c->sets.ctx, rules, n, ret_set);

	return r ? r : pst_vec_push(&c->named, ret_set->number);
}

static int note_conflict(void *ctx, const struct pst_portmap_conflict *conflict)
{
	struct pst_mapcache *c = ctx;

	c->clashes = true;
	return c->sets.note_conflict ? c->sets.note_conflict(c->sets.conflict_ctx, conflict) : 0;
}

static int answer(struct pst_mapcache *c, const struct pst_port_query *q, struct question *fresh)
{
	const struct pst_http_sets sets = {
		.is_usable = is_usable,
		.intern = intern_set,
		.ctx = c,
		.note_conflict = note_conflict,
		.conflict_ctx = c,
	};
	struct pst_port_tails tails = {0};
	int r = copy_question(q, fresh);

	fresh->first_set = c->named.n;
	c->clashes = false;
	if (!r)
		r = pst_portmap_build(&sets, q, &tails);
	fresh->n_sets = c->named.n - fresh->first_set;
	fresh->clashes = c->clashes;
	if (!r)
		r = intern(c, &tails, &fresh->map);
	if (!r)
		r = pst_vec_push(&c->questions, *fresh);
	if (!r) {
		c->last = c->questions.n - 1;
		pst_buckets_add(&c->by_question, fresh->hash, c->last);
		return 0;
	}
	pst_vec_free(&tails);
	drop_question(fresh);
	return r;
}

int pst_mapcache_get(struct pst_mapcache *cache, const struct pst_port_query *q, uint32_t *ret_map)
{
	struct question fresh = {
		.hash = hash_question(q),
		.n_rules = q->n_rules,
		.enforce = q->enforce,
		.allow_all = q->allow_all,
	};
	const struct pst_buckets *b = &cache->by_question;
	uint32_t i;
	int r = pst_buckets_reserve(&cache->by_question, cache->questions.n, question_hash_at,
				    cache);

	for (size_t at = fresh.hash; !r && (i = pst_buckets_at(b, at)) != PST_BUCKETS_NONE; at++) {
		if (same_question(&cache->questions.v[i], q, fresh.hash)) {
			*ret_map = cache->questions.v[i].map;
			cache->last = i;
			return 0;
		}
	}
	if (!r)
		r = answer(cache, q, &fresh);
	if (!r)
		*ret_map = fresh.map;
	return r;
}

const uint16_t *pst_mapcache_sets(const struct pst_mapcache *cache, size_t *ret_n)
{
	const struct question *q = &cache->questions.v[cache->last];

	*ret_n = q->n_sets;
	return q->n_sets ? cache->named.v + q->first_set : NULL; /* no rule set was ever named */
}

bool pst_mapcache_clashes(const struct pst_mapcache *cache)
{
	return cache->questions.v[cache->last].clashes;
}

const struct pst_port_tails *pst_mapcache_tails(const struct pst_mapcache *cache, uint32_t map)
{
	return &cache->maps.v[map].tails;
}

size_t pst_mapcache_count(const struct pst_mapcache *cache)
{
	return cache->questions.n;
}
