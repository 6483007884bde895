// SPDX-License-Identifier: Apache-2.0
#include "compiler/labelindex.h"

#include "base/mem.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 256 };

/* The slots that have KEY, under whichever source, with VALUE (NULL: with any). */
struct posting {
	uint32_t hash;
	char *key, *value;
	struct PST_VEC(uint32_t) slots;
};

struct pst_labelindex {
	struct PST_VEC(struct posting) postings;
	uint32_t *buckets; /* open addressing: 1 + place in postings, or 0 */
	size_t n_buckets;  /* a power of two */
	size_t n_filed;	   /* by label */
};

static uint32_t hash_text(uint32_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619U;
	return (h ^ 0xff) * 16777619U;
}

static uint32_t hash_of(const char *key, const char *value)
{
	uint32_t h = hash_text(2166136261U, key);

	return value ? hash_text(h, value) : h;
}

static bool is_posting(const struct posting *p, uint32_t hash, const char *key, const char *value)
{
	if (p->hash != hash || strcmp(p->key, key))
		return false;
	return p->value && value ? !strcmp(p->value, value) : p->value == value;
}

/* The bucket of the posting, or the free one where it would go. */
static uint32_t *find_bucket(const struct pst_labelindex *x, uint32_t hash, const char *key,
			     const char *value)
{
	size_t at = hash & (x->n_buckets - 1);

	while (x->buckets[at] && !is_posting(&x->postings.v[x->buckets[at] - 1], hash, key, value))
		at = (at + 1) & (x->n_buckets - 1);
	return &x->buckets[at];
}

struct pst_labelindex *pst_labelindex_new(void)
{
	struct pst_labelindex *x = pst_mem_calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->n_buckets = FIRST_BUCKETS;
	x->buckets = pst_mem_calloc(x->n_buckets, sizeof(*x->buckets));
	if (!x->buckets) {
		free(x);
		return NULL;
	}
	return x;
}

void pst_labelindex_free(struct pst_labelindex **index)
{
	struct pst_labelindex *x = *index;

	if (!x)
		return;
	for (size_t i = 0; i < x->postings.n; i++) {
		pst_vec_free(&x->postings.v[i].slots);
		free(x->postings.v[i].key);
		free(x->postings.v[i].value);
	}
	pst_vec_free(&x->postings);
	free(x->buckets);
	free(x);
	*index = NULL;
}

static int grow(struct pst_labelindex *x)
{
	const size_t n = 2 * x->n_buckets;
	uint32_t *buckets;

	if (2 * (x->postings.n + 1) <= x->n_buckets)
		return 0;
	buckets = pst_mem_calloc(n, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	free(x->buckets);
	x->buckets = buckets;
	x->n_buckets = n;
	for (size_t i = 0; i < x->postings.n; i++) {
		const struct posting *p = &x->postings.v[i];

		*find_bucket(x, p->hash, p->key, p->value) = (uint32_t)i + 1;
	}
	return 0;
}

static int new_posting(struct pst_labelindex *x, uint32_t hash, const char *key, const char *value)
{
	struct posting p = {.hash = hash, .key = pst_mem_strndup(key, strlen(key))};

	if (p.key && value)
		p.value = pst_mem_strndup(value, strlen(value));
	if (p.key && (p.value || !value) && !pst_vec_push(&x->postings, p))
		return 0;
	free(p.key);
	free(p.value);
	return -ENOMEM;
}

static int add(struct pst_labelindex *x, uint32_t slot, const char *key, const char *value)
{
	const uint32_t hash = hash_of(key, value);
	uint32_t *bucket;

	if (grow(x))
		return -ENOMEM;
	bucket = find_bucket(x, hash, key, value);
	if (!*bucket) {
		if (new_posting(x, hash, key, value))
			return -ENOMEM;
		*bucket = (uint32_t)x->postings.n;
	}
	return pst_vec_push(&x->postings.v[*bucket - 1].slots, slot);
}

int pst_labelindex_add(struct pst_labelindex *index, uint32_t slot, const struct pst_labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		const struct pst_label *l = &labels->v[i];

		if (add(index, slot, l->key, NULL) || add(index, slot, l->key, l->value))
			return -ENOMEM;
		index->n_filed++;
	}
	return 0;
}

size_t pst_labelindex_count(const struct pst_labelindex *index)
{
	return index->n_filed;
}

static const struct posting *find(const struct pst_labelindex *x, const char *key,
				  const char *value)
{
	uint32_t at = *find_bucket(x, hash_of(key, value), key, value);

	return at ? &x->postings.v[at - 1] : NULL;
}

static size_t count(const struct posting *p)
{
	return p ? p->slots.n : 0;
}

/* How many candidates R leaves; SIZE_MAX: it rules nobody out. */
static size_t weigh(const struct pst_labelindex *x, const struct pst_requirement *r)
{
	size_t sum = 0;

	if (r->op == PST_LABEL_EXISTS)
		return count(find(x, r->key, NULL));
	if (r->op != PST_LABEL_IN)
		return SIZE_MAX;
	for (size_t i = 0; i < r->n_values; i++)
		sum += count(find(x, r->key, r->values[i]));
	return sum;
}

static void offer(const struct posting *p, void (*take)(void *ctx, uint32_t slot), void *ctx)
{
	for (size_t i = 0; p && i < p->slots.n; i++)
		take(ctx, p->slots.v[i]);
}

bool pst_labelindex_ask(const struct pst_labelindex *index, const struct pst_selector *sel,
			void (*take)(void *ctx, uint32_t slot), void *ctx)
{
	const struct pst_requirement *best = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < sel->n_reqs; i++) {
		size_t n = weigh(index, &sel->reqs[i]);

		if (n >= least)
			continue;
		least = n;
		best = &sel->reqs[i];
	}
	if (!best)
		return false;
	if (best->op == PST_LABEL_EXISTS)
		offer(find(index, best->key, NULL), take, ctx);
	for (size_t i = 0; best->op == PST_LABEL_IN && i < best->n_values; i++)
		offer(find(index, best->key, best->values[i]), take, ctx);
	return true;
}
