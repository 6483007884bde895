// SPDX-License-Identifier: Apache-2.0
#include "compiler/larder.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Keys. */

static int put(struct pst_larder *l, const void *bytes, size_t n)
{
	if (pst_vec_reserve(&l->key, l->key.n + n))
		return -ENOMEM;
	if (n)
		memcpy(l->key.v + l->key.n, bytes, n);
	l->key.n += n;
	return 0;
}

/* Each pattern begins with its length, so that no two lists have one key. */
static int write_key(struct pst_larder *l, const struct pst_pattern *patterns, size_t n,
		     const struct pst_automaton_limits *limits)
{
	int err;

	_Static_assert(sizeof(*limits) == 6 * sizeof(uint32_t) + sizeof(size_t),
		       "nothing between the members");
	l->key.n = 0;
	err = put(l, limits, sizeof(*limits));
	for (size_t i = 0; !err && i < n; i++) {
		const uint64_t head[] = {patterns[i].len, patterns[i].tag};

		err = put(l, head, sizeof(head));
		if (!err)
			err = put(l, patterns[i].re, patterns[i].len);
	}
	return err;
}

static uint64_t hash_key(const uint8_t *key, size_t len)
{
	uint64_t h = len, word = 0;
	size_t i = 0;

	for (; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, key + i, sizeof(word));
		h = pst_buckets_mix(h, word);
	}
	word = 0;
	memcpy(&word, key + i, len - i);
	return pst_buckets_mix(h, word);
}

static uint64_t hash_at(const void *ctx, size_t number)
{
	return ((const struct pst_larder *)ctx)->jars.v[number].hash;
}

static struct pst_larder_jar *find(const struct pst_larder *l, uint64_t hash)
{
	uint32_t i;

	for (size_t at = hash; (i = pst_buckets_at(&l->by_key, at)) != PST_BUCKETS_NONE; at++) {
		struct pst_larder_jar *jar = &l->jars.v[i];

		if (jar->hash == hash && jar->key_len == l->key.n &&
		    !memcmp(jar->key, l->key.v, l->key.n))
			return jar;
	}
	return NULL;
}

/* Automata. */

static size_t table_size(const struct pst_automaton *a)
{
	return (size_t)a->n_states * a->n_classes * sizeof(*a->next);
}

static size_t size_of(const struct pst_larder_jar *jar)
{
	return sizeof(*jar) + jar->key_len + sizeof(*jar->a) + table_size(jar->a) +
	       jar->a->n_states * sizeof(*jar->a->tags);
}

/* NULL: no memory. */
static struct pst_automaton *copy(const struct pst_automaton *a)
{
	struct pst_automaton *c = pst_mem_calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = *a;
	c->next = pst_mem_calloc(1, table_size(a));
	c->tags = pst_mem_calloc(a->n_states, sizeof(*c->tags));
	if (!c->next || !c->tags) {
		pst_automaton_free(&c);
		return NULL;
	}
	memcpy(c->next, a->next, table_size(a));
	memcpy(c->tags, a->tags, a->n_states * sizeof(*c->tags));
	return c;
}

static void drop(struct pst_larder *l, struct pst_larder_jar *jar)
{
	l->bytes -= size_of(jar);
	free(jar->key);
	pst_automaton_free(&jar->a);
}

static int fill(struct pst_larder *l, struct pst_larder_jar *jar, const struct pst_automaton *a)
{
	jar->key = pst_mem_calloc(1, l->key.n);
	jar->a = copy(a);
	if (!jar->key || !jar->a || pst_buckets_reserve(&l->by_key, l->jars.n, hash_at, l) ||
	    pst_vec_push(&l->jars, *jar))
		return -ENOMEM;
	memcpy(jar->key, l->key.v, l->key.n);
	pst_buckets_add(&l->by_key, jar->hash, l->jars.n - 1);
	return 0;
}

/* Keeps a copy of A, if there is room, under the key that was asked for. */
static int keep(struct pst_larder *l, uint64_t hash, struct pst_automaton *a)
{
	struct pst_larder_jar jar = {.hash = hash, .key_len = l->key.n, .a = a, .is_used = true};
	const size_t bytes = size_of(&jar);

	if (bytes > l->max_bytes || l->bytes > l->max_bytes - bytes)
		return 0;
	jar.a = NULL;
	if (fill(l, &jar, a)) {
		free(jar.key);
		pst_automaton_free(&jar.a);
		return -ENOMEM;
	}
	l->bytes += bytes;
	return 0;
}

int pst_larder_build(struct pst_larder *l, const struct pst_pattern *patterns, size_t n,
		     const struct pst_automaton_limits *limits, struct pst_diags *diags,
		     struct pst_automaton **ret_automaton)
{
	struct pst_automaton *a = NULL;
	struct pst_larder_jar *jar;
	uint64_t hash;
	int r;

	if (!l)
		return pst_automaton_build(patterns, n, limits, diags, ret_automaton);
	if (write_key(l, patterns, n, limits))
		return -ENOMEM;
	hash = hash_key(l->key.v, l->key.n);
	jar = find(l, hash);
	if (jar) {
		jar->is_used = true;
		a = copy(jar->a);
		r = a ? 0 : -ENOMEM;
	} else {
		l->n_built++;
		r = pst_automaton_build(patterns, n, limits, diags, &a);
		if (!r)
			r = keep(l, hash, a);
	}
	if (r)
		pst_automaton_free(&a);
	else
		*ret_automaton = a;
	return r;
}

void pst_larder_sweep(struct pst_larder *l)
{
	size_t n = 0;

	pst_buckets_clear(&l->by_key);
	for (size_t i = 0; i < l->jars.n; i++) {
		if (!l->jars.v[i].is_used) {
			drop(l, &l->jars.v[i]);
			continue;
		}
		l->jars.v[n] = l->jars.v[i];
		l->jars.v[n].is_used = false;
		pst_buckets_add(&l->by_key, l->jars.v[n].hash, n);
		n++;
	}
	l->jars.n = n;
	l->n_built = 0;
}

void pst_larder_clear(struct pst_larder *l)
{
	for (size_t i = 0; i < l->jars.n; i++)
		drop(l, &l->jars.v[i]);
	pst_vec_free(&l->jars);
	pst_vec_free(&l->key);
	free(l->by_key.v);
	l->by_key = (struct pst_buckets){0};
	l->n_built = 0;
}
