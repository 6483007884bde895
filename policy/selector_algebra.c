// SPDX-License-Identifier: Apache-2.0
#include "policy/selector_algebra.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

/*
 * What is known of one key. A label set either lacks the key or has it once: (source, value). Each
 * requirement is a set of such states, and its negation is a requirement as well. So "A implies R"
 * is "A and not R have no state in common", and everything comes down to the question whether some
 * requirements on one key leave a state.
 */
struct state {
	bool present;
	const char *source; /* NULL: one that nobody names */
	const char *value;  /* NULL: one that nobody names */
};

static const enum pst_label_op negation[] = {
	[PST_LABEL_IN] = PST_LABEL_NOT_IN,
	[PST_LABEL_NOT_IN] = PST_LABEL_IN,
	[PST_LABEL_EXISTS] = PST_LABEL_DOES_NOT_EXIST,
	[PST_LABEL_DOES_NOT_EXIST] = PST_LABEL_EXISTS,
};
static_assert(sizeof(negation) / sizeof(*negation) == PST_LABEL_OP_MAX, "each has an opposite");

/* A conjunction: the requirements of up to two selectors, and perhaps one more. */
struct conjunction {
	const struct pst_selector *part[2];
	struct pst_requirement extra; /* key NULL: none */
	size_t steps;		      /* left */
};

/* The I-th requirement, or NULL behind the last. */
static const struct pst_requirement *at(const struct conjunction *c, size_t i)
{
	for (size_t k = 0; k < 2; k++) {
		size_t n = c->part[k] ? c->part[k]->n_reqs : 0;

		if (i < n)
			return &c->part[k]->reqs[i];
		i -= n;
	}
	return !i && c->extra.key ? &c->extra : NULL;
}

static bool spend(struct conjunction *c, size_t steps)
{
	if (steps > c->steps) {
		c->steps = 0;
		return false;
	}
	c->steps -= steps;
	return true;
}

static bool is_positive(const struct pst_requirement *req)
{
	return req->op == PST_LABEL_IN || req->op == PST_LABEL_EXISTS;
}

static bool is_any(const struct pst_requirement *req)
{
	return !strcmp(req->source, "any");
}

static bool is_listed(const struct pst_requirement *req, const char *value)
{
	for (size_t i = 0; value && i < req->n_values; i++) {
		if (!strcmp(req->values[i], value))
			return true;
	}
	return false;
}

static bool holds(const struct pst_requirement *req, const struct state *s)
{
	bool hit = s->present && (is_any(req) || (s->source && !strcmp(s->source, req->source)));

	if (hit && (req->op == PST_LABEL_IN || req->op == PST_LABEL_NOT_IN))
		hit = is_listed(req, s->value);
	return hit == is_positive(req);
}

/* Does the state satisfy all requirements on KEY? Also when the steps run out. */
static bool is_possible(struct conjunction *c, const char *key, const struct state *s)
{
	const struct pst_requirement *req;

	for (size_t i = 0; (req = at(c, i)); i++) {
		if (!spend(c, 1))
			return true;
		if (strcmp(req->key, key))
			continue;
		if (!spend(c, req->n_values))
			return true;
		if (!holds(req, s))
			return false;
	}
	return true;
}

/*
 * The states that are worth a try. Without a positive requirement the absent key satisfies
 * everything. With positive ones the key is present: under the source that one of them names, or
 * else under one that nobody names; with a value out of one of the lists, or else with a value that
 * nobody names. Whatever else is possible, one of these is.
 */
static bool is_key_impossible(struct conjunction *c, const char *key)
{
	const struct pst_requirement *req, *list = NULL;
	struct state s = {0};

	for (size_t i = 0; (req = at(c, i)); i++) {
		if (!spend(c, 1))
			return false;
		if (!is_positive(req) || strcmp(req->key, key))
			continue;
		s.present = true;
		if (!is_any(req))
			s.source = req->source;
		if (req->op == PST_LABEL_IN && (!list || req->n_values < list->n_values))
			list = req;
	}
	if (!list)
		return !is_possible(c, key, &s);
	for (size_t i = 0; i < list->n_values; i++) {
		s.value = list->values[i];
		if (is_possible(c, key, &s))
			return false;
	}
	return true;
}

static bool is_impossible(struct conjunction *c)
{
	const struct pst_requirement *req;

	for (size_t i = 0; (req = at(c, i)); i++) {
		if (is_key_impossible(c, req->key))
			return true;
		if (!c->steps)
			return false;
	}
	return false;
}

bool pst_selector_is_impossible(const struct pst_selector *a)
{
	struct conjunction c = {.part = {a}, .steps = PST_SELECTOR_MAX_STEPS};

	return is_impossible(&c);
}

bool pst_selector_disjoint(const struct pst_selector *a, const struct pst_selector *b)
{
	struct conjunction c = {.part = {a, b}, .steps = PST_SELECTOR_MAX_STEPS};

	return is_impossible(&c);
}

bool pst_selector_implies(const struct pst_selector *a, const struct pst_selector *b)
{
	struct conjunction c = {.part = {a}, .steps = PST_SELECTOR_MAX_STEPS};

	if (is_impossible(&c))
		return true;
	for (size_t i = 0; i < b->n_reqs; i++) {
		c.extra = b->reqs[i];
		c.extra.op = negation[b->reqs[i].op];
		if (!is_key_impossible(&c, c.extra.key))
			return false;
	}
	return true;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *put(char *end, const char *s)
{
	const size_t len = strlen(s);

	memcpy(end, s, len);
	return end + len;
}

static char *put_number(char *end, size_t n)
{
	char digits[sizeof("18446744073709551615")];
	char *first = digits + sizeof(digits) - 1;

	*first = 0;
	do {
		*--first = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	return put(end, first);
}

/* The N texts of V sorted, without repetitions, each behind its length: no text can feign two. */
static const char *join(struct pst_arena *arena, const char **v, size_t n)
{
	size_t room = 1, kept = 0;
	char *text, *end;

	qsort(v, n, sizeof(*v), compare_strings);
	for (size_t i = 0; i < n; i++) {
		if (kept && !strcmp(v[kept - 1], v[i]))
			continue;
		v[kept++] = v[i];
		room += strlen(v[i]) + sizeof("18446744073709551615:");
	}
	text = pst_arena_alloc(arena, room);
	if (!text)
		return NULL;
	end = text;
	for (size_t i = 0; i < kept; i++) {
		end = put_number(end, strlen(v[i]));
		*end++ = ':';
		end = put(end, v[i]);
	}
	return text;
}

static const char *requirement_key(struct pst_arena *arena, const struct pst_requirement *req)
{
	pst_auto_free const char **values = pst_mem_calloc(req->n_values + 1, sizeof(*values));
	const char *joined;

	if (!values)
		return NULL;
	if (req->n_values)
		memcpy(values, req->values, req->n_values * sizeof(*values));
	joined = join(arena, values, req->n_values);
	if (!joined)
		return NULL;
	return pst_arena_printf(arena, "%d%s:%zu:%s%s", (int)req->op, req->source, strlen(req->key),
				req->key, joined);
}

const char *pst_selector_key(struct pst_arena *arena, const struct pst_selector *sel)
{
	pst_auto_free const char **reqs = pst_mem_calloc(sel->n_reqs + 1, sizeof(*reqs));

	if (!reqs)
		return NULL;
	for (size_t i = 0; i < sel->n_reqs; i++) {
		reqs[i] = requirement_key(arena, &sel->reqs[i]);
		if (!reqs[i])
			return NULL;
	}
	return join(arena, reqs, sel->n_reqs);
}
