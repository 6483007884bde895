// SPDX-License-Identifier: Apache-2.0
#include "compiler/httpsets.h"

#include "base/mem.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS = 4096,
	MAX_SETS = 1 << 16, /* what the number in an entry can tell */
};

struct set {
	uint32_t *rules;
	size_t n;
	uint32_t next; /* 1 + the next set of the bucket, or 0 */
};

struct pst_httpsets {
	struct PST_VEC(uint8_t) usable; /* by rule */
	struct PST_VEC(struct set) sets;
	uint32_t buckets[BUCKETS];
};

struct pst_httpsets *pst_httpsets_new(void)
{
	return pst_mem_calloc(1, sizeof(struct pst_httpsets));
}

void pst_httpsets_free(struct pst_httpsets **sets)
{
	struct pst_httpsets *s = *sets;

	if (!s)
		return;
	for (size_t i = 0; i < s->sets.n; i++)
		free(s->sets.v[i].rules);
	pst_vec_free(&s->sets);
	pst_vec_free(&s->usable);
	free(s);
	*sets = NULL;
}

int pst_httpsets_use(struct pst_httpsets *sets, uint32_t rule, bool usable)
{
	while (sets->usable.n <= rule) {
		if (pst_vec_push(&sets->usable, 0))
			return -ENOMEM;
	}
	sets->usable.v[rule] = usable;
	return 0;
}

static bool is_usable(void *ctx, uint32_t rule)
{
	const struct pst_httpsets *s = ctx;

	return rule < s->usable.n && s->usable.v[rule];
}

static uint32_t hash_of(const uint32_t *rules, size_t n)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < n; i++)
		h = (h ^ rules[i]) * 16777619U;
	return (h ^ h >> 15) % BUCKETS;
}

static bool is_set(const struct set *s, const uint32_t *rules, size_t n)
{
	return s->n == n && (!n || !memcmp(s->rules, rules, n * sizeof(*rules)));
}

static int intern(void *ctx, const uint32_t *rules, size_t n, struct pst_http_set *ret_set)
{
	struct pst_httpsets *s = ctx;
	uint32_t *bucket = &s->buckets[hash_of(rules, n)];
	struct set fresh = {.n = n, .next = *bucket};

	for (uint32_t at = *bucket; at; at = s->sets.v[at - 1].next) {
		if (is_set(&s->sets.v[at - 1], rules, n)) {
			*ret_set = (struct pst_http_set){.number = (uint16_t)(at - 1)};
			return 0;
		}
	}
	if (s->sets.n == MAX_SETS)
		return -E2BIG;
	fresh.rules = pst_mem_calloc(n, sizeof(*fresh.rules));
	if (!fresh.rules || pst_vec_push(&s->sets, fresh)) {
		free(fresh.rules);
		return -ENOMEM;
	}
	if (n)
		memcpy(fresh.rules, rules, n * sizeof(*rules));
	*bucket = (uint32_t)s->sets.n;
	*ret_set = (struct pst_http_set){.number = (uint16_t)(s->sets.n - 1)};
	return 0;
}

struct pst_http_sets pst_httpsets_as_sets(struct pst_httpsets *sets)
{
	return (struct pst_http_sets){.is_usable = is_usable, .intern = intern, .ctx = sets};
}

const uint32_t *pst_httpsets_get(const struct pst_httpsets *sets, uint32_t number, size_t *ret_n)
{
	*ret_n = sets->sets.v[number].n;
	return sets->sets.v[number].rules;
}
