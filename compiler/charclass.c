// SPDX-License-Identifier: Apache-2.0
#include "compiler/charclass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/unicode.h"

/* Ranges of a class written where the class is. */
#define RANGES(...)                     \
	(const struct pst_rune_range[]) \
	{                               \
		__VA_ARGS__             \
	}

static const struct pst_named_class perl_classes[] = {
	{"d", 1, RANGES({'0', '9'})},
	{"s", 3, RANGES({'\t', '\n'}, {'\f', '\r'}, {' ', ' '})},
	{"w", 4, RANGES({'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'})},
};

static const struct pst_named_class posix_classes[] = {
	{"alnum", 3, RANGES({'0', '9'}, {'A', 'Z'}, {'a', 'z'})},
	{"alpha", 2, RANGES({'A', 'Z'}, {'a', 'z'})},
	{"ascii", 1, RANGES({0, 0x7f})},
	{"blank", 2, RANGES({'\t', '\t'}, {' ', ' '})},
	{"cntrl", 2, RANGES({0, 0x1f}, {0x7f, 0x7f})},
	{"digit", 1, RANGES({'0', '9'})},
	{"graph", 1, RANGES({'!', '~'})},
	{"lower", 1, RANGES({'a', 'z'})},
	{"print", 1, RANGES({' ', '~'})},
	{"punct", 4, RANGES({'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'})},
	{"space", 2, RANGES({'\t', '\r'}, {' ', ' '})},
	{"upper", 1, RANGES({'A', 'Z'})},
	{"word", 4, RANGES({'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'})},
	{"xdigit", 3, RANGES({'0', '9'}, {'A', 'F'}, {'a', 'f'})},
};

static const struct pst_named_class *find_named(const struct pst_named_class *table, size_t n,
						const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strlen(table[i].name) == len && !memcmp(table[i].name, name, len))
			return &table[i];
	}
	return NULL;
}

const struct pst_named_class *pst_charclass_perl(char letter)
{
	return find_named(perl_classes, sizeof(perl_classes) / sizeof(*perl_classes), &letter, 1);
}

const struct pst_named_class *pst_charclass_posix(const char *name, size_t len)
{
	return find_named(posix_classes, sizeof(posix_classes) / sizeof(*posix_classes), name, len);
}

int pst_charclass_add(struct pst_charclass *c, uint32_t lo, uint32_t hi)
{
	return pst_vec_push(c, (struct pst_rune_range){lo, hi});
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

int pst_charclass_add_folded(struct pst_charclass *c, uint32_t lo, uint32_t hi)
{
	size_t n;
	const struct pst_unicode_fold *folds = pst_unicode_folds(lo, hi, &n);
	int r = pst_charclass_add(c, lo, hi);

	for (size_t i = 0; i < n; i++) {
		uint32_t rune = folds[i].next;

		for (; !r && rune != folds[i].rune; rune = pst_unicode_fold_next(rune))
			r = pst_charclass_add(c, rune, rune);
	}
	return r;
}

static int add_named_plain(struct pst_charclass *c, const struct pst_named_class *named, bool fold)
{
	int r = 0;

	for (size_t i = 0; !r && i < named->n; i++) {
		if (fold)
			r = pst_charclass_add_folded(c, named->ranges[i].lo, named->ranges[i].hi);
		else
			r = pst_charclass_add(c, named->ranges[i].lo, named->ranges[i].hi);
	}
	return r;
}

int pst_charclass_add_named(struct pst_charclass *c, const struct pst_named_class *named,
			    bool negate, bool fold)
{
	struct pst_charclass own = {0};
	int r = add_named_plain(negate ? &own : c, named, fold);

	if (negate) {
		if (!r)
			r = pst_charclass_negate(&own);
		if (!r)
			r = pst_charclass_add_ranges(c, own.v, own.n);
		pst_vec_free(&own);
	}
	return r;
}

int pst_charclass_add_ranges(struct pst_charclass *c, const struct pst_rune_range *ranges, size_t n)
{
	int r = pst_vec_reserve(c, c->n + n);

	if (r)
		return r;
	for (size_t i = 0; i < n; i++)
		c->v[c->n++] = ranges[i];
	return 0;
}

static int by_lo(const void *a, const void *b)
{
	const struct pst_rune_range *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->hi < y->hi ? -1 : x->hi > y->hi;
}

/* Tables and most patterns name their ranges in order: looking is cheaper than sorting. */
static bool is_sealed(const struct pst_charclass *c)
{
	for (size_t i = 1; i < c->n; i++) {
		if (c->v[i].lo <= c->v[i - 1].hi + 1)
			return false;
	}
	return true;
}

void pst_charclass_seal(struct pst_charclass *c)
{
	size_t kept = 0;

	if (is_sealed(c))
		return;
	qsort(c->v, c->n, sizeof(*c->v), by_lo);
	for (size_t i = 1; i < c->n; i++) {
		if (c->v[i].lo <= c->v[kept].hi + 1)
			c->v[kept].hi = max_u32(c->v[kept].hi, c->v[i].hi);
		else
			c->v[++kept] = c->v[i];
	}
	c->n = kept + 1;
}

int pst_charclass_negate(struct pst_charclass *c)
{
	struct pst_charclass gaps = {0};
	uint32_t at = 0;
	int r = 0;

	pst_charclass_seal(c);
	for (size_t i = 0; !r && i < c->n; i++) {
		if (at < c->v[i].lo)
			r = pst_charclass_add(&gaps, at, c->v[i].lo - 1);
		at = c->v[i].hi + 1;
	}
	if (!r && at <= PST_RUNE_MAX)
		r = pst_charclass_add(&gaps, at, PST_RUNE_MAX);
	if (r) {
		pst_vec_free(&gaps);
		return r;
	}
	pst_vec_free(c);
	*c = gaps;
	return 0;
}

struct class_query {
	const struct pst_classes *all;
	const struct pst_charclass *wanted;
};

static bool class_equal(const void *ctx, uint32_t id)
{
	const struct class_query *q = ctx;
	size_t n;
	const struct pst_rune_range *ranges = pst_classes_ranges(q->all, id, &n);

	return n == q->wanted->n && (!n || !memcmp(ranges, q->wanted->v, n * sizeof(*ranges)));
}

/* Appends the ranges to the pool and a reference to them. */
static int append_class(struct pst_classes *all, const struct pst_charclass *c)
{
	const struct pst_class_ref ref = {(uint32_t)all->pool.n, (uint32_t)c->n};
	int r;

	if (c->n > PST_CLASSES_MAX_RANGES - all->pool.n)
		return -ENOSPC;
	r = pst_vec_reserve(&all->pool, all->pool.n + c->n);
	if (r)
		return r;
	for (size_t i = 0; i < c->n; i++)
		all->pool.v[all->pool.n++] = c->v[i];
	return pst_vec_push(&all->refs, ref);
}

int pst_classes_get(struct pst_classes *all, struct pst_charclass *c, uint32_t *ret_id)
{
	const struct class_query query = {all, c};
	const uint32_t candidate = (uint32_t)all->refs.n;
	uint32_t hash = 0, id;
	int r;

	pst_charclass_seal(c);
	for (size_t i = 0; i < c->n; i++)
		hash = pst_intern_mix(pst_intern_mix(hash, c->v[i].lo), c->v[i].hi);
	r = pst_intern_get(&all->index, hash, class_equal, &query, candidate, &id);
	if (!r && id == candidate)
		r = append_class(all, c);
	if (!r)
		*ret_id = id;
	return r;
}

const struct pst_rune_range *pst_classes_ranges(const struct pst_classes *all, uint32_t id,
						size_t *ret_n)
{
	*ret_n = all->refs.v[id].n;
	/* An empty class may be the only one: then there is no pool to point into. */
	return *ret_n ? all->pool.v + all->refs.v[id].first : NULL;
}

void pst_classes_fini(struct pst_classes *all)
{
	pst_vec_free(&all->pool);
	pst_vec_free(&all->refs);
	pst_intern_fini(&all->index);
}
