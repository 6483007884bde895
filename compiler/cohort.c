// SPDX-License-Identifier: Apache-2.0
#include "compiler/cohort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/intern.h"
#include "policy/labels.h"

enum {
	WORD_BITS = 64,
	MAX_STEPS = 1 << 26, /* requirements looked at */
};

/* A requirement with the selector that it belongs to. */
struct demand {
	const struct pst_requirement *req;
	uint32_t selector;
};

/* The column of a key: all demands on it lie together. */
struct column {
	const char *key;
	size_t first, n;
};

/* How a set of selectors was first reached: from which one, by which value of the column's key. */
struct step {
	uint32_t from;
	const char *value; /* NULL: the key is absent */
};

/* The sets that are left behind one column. */
struct level {
	struct PST_VEC(struct step) steps;
	struct PST_VEC(uint64_t) sets; /* n_words per step */
};

struct walk {
	const struct pst_cohort_query *q;
	struct pst_arena *arena;
	size_t n_words, n_work;
	struct PST_VEC(struct demand) demands;
	struct PST_VEC(struct column) columns;
	struct level *levels;		     /* one per column, and the first one before them */
	struct PST_VEC(const char *) values; /* scratch: of one set and column */
	struct pst_intern index;	     /* of the level that grows */
	struct level *growing;
};

/* Under these two keys every pod has a value. */
static bool is_always_there(const char *key)
{
	return !strcmp(key, PST_LABEL_NAMESPACE) || !strcmp(key, PST_LABEL_CLUSTER);
}

static bool is_pod_source(const char *source)
{
	return !strcmp(source, "any") || !strcmp(source, "k8s");
}

/* Does a pod with VALUE under the key (NULL: without the key) meet the requirement? */
static bool meets(const struct pst_requirement *req, const char *value)
{
	bool listed = false;

	if (req->op == PST_LABEL_EXISTS || req->op == PST_LABEL_DOES_NOT_EXIST)
		return (value != NULL) == (req->op == PST_LABEL_EXISTS);
	for (size_t i = 0; value && !listed && i < req->n_values; i++)
		listed = !strcmp(req->values[i], value);
	return listed == (req->op == PST_LABEL_IN);
}

/* The two keys that every pod has come first: they divide best. */
static int rank(const char *key)
{
	return !strcmp(key, PST_LABEL_NAMESPACE) ? 0 : !strcmp(key, PST_LABEL_CLUSTER) ? 1 : 2;
}

static int cmp_demand(const void *va, const void *vb)
{
	const struct demand *a = va, *b = vb;
	int r = rank(a->req->key) - rank(b->req->key);

	if (!r)
		r = strcmp(a->req->key, b->req->key);
	return r ? r : (a->selector > b->selector) - (a->selector < b->selector);
}

static bool is_alive(const uint64_t *set, uint32_t selector)
{
	return set[selector / WORD_BITS] >> selector % WORD_BITS & 1;
}

static void kill(uint64_t *set, uint32_t selector)
{
	set[selector / WORD_BITS] &= ~(UINT64_C(1) << selector % WORD_BITS);
}

static bool can_be_met(const struct pst_requirement *req)
{
	return is_pod_source(req->source) && pst_label_can_be_had(req->key);
}

/* Demands on other sources, and on keys that the filter drops, are decided already: a pod has none
 * of these keys. */
static int collect(struct walk *w, uint64_t *first)
{
	static const struct pst_requirement everybody[] = {
		{.source = "k8s", .key = PST_LABEL_NAMESPACE, .op = PST_LABEL_EXISTS},
		{.source = "k8s", .key = PST_LABEL_CLUSTER, .op = PST_LABEL_EXISTS},
	};

	for (size_t i = 0; i < sizeof(everybody) / sizeof(*everybody); i++) {
		if (pst_vec_push(&w->demands, (struct demand){&everybody[i], (uint32_t)w->q->n}))
			return -ENOMEM;
	}
	for (size_t i = 0; i < w->q->n; i++) {
		for (size_t k = 0; k < w->q->selectors[i]->n_reqs; k++) {
			const struct demand d = {&w->q->selectors[i]->reqs[k], (uint32_t)i};

			if (can_be_met(d.req) ? pst_vec_push(&w->demands, d) : 0)
				return -ENOMEM;
			if (!can_be_met(d.req) && !meets(d.req, NULL))
				kill(first, d.selector);
		}
	}
	qsort(w->demands.v, w->demands.n, sizeof(*w->demands.v), cmp_demand);
	return 0;
}

static int make_columns(struct walk *w)
{
	for (size_t i = 0; i < w->demands.n; i++) {
		const char *key = w->demands.v[i].req->key;

		if (!i || strcmp(w->columns.v[w->columns.n - 1].key, key)) {
			if (pst_vec_push(&w->columns, (struct column){.key = key, .first = i}))
				return -ENOMEM;
		}
		w->columns.v[w->columns.n - 1].n++;
	}
	w->levels = pst_mem_calloc(w->columns.n + 1, sizeof(*w->levels));
	return w->levels ? 0 : -ENOMEM;
}

static bool is_asked_for(const struct walk *w, const uint64_t *set)
{
	for (uint32_t i = 0; i < w->q->n_among; i++) {
		if (is_alive(set, i))
			return true;
	}
	return !w->q->n_among;
}

static bool is_same_set(const void *ctx, uint32_t id)
{
	const struct walk *w = ctx;
	const struct level *l = w->growing;

	return !memcmp(l->sets.v + (size_t)id * w->n_words, l->sets.v + l->steps.n * w->n_words,
		       w->n_words * sizeof(uint64_t));
}

/* Adds SET, which lies behind all others of the growing level, unless it is there already. */
static int keep(struct walk *w, uint32_t from, const char *value)
{
	struct level *l = w->growing;
	const uint64_t *set = l->sets.v + l->sets.n;
	uint32_t hash = 0, id, candidate = (uint32_t)l->steps.n;
	int r;

	if (!is_asked_for(w, set))
		return 0;
	for (size_t i = 0; i < w->n_words; i++) {
		hash = pst_intern_mix(hash, (uint32_t)set[i]);
		hash = pst_intern_mix(hash, (uint32_t)(set[i] >> 32));
	}
	r = pst_intern_get(&w->index, hash, is_same_set, w, candidate, &id);
	if (r || id != candidate)
		return r;
	if (candidate == w->q->max)
		return -E2BIG;
	l->sets.n += w->n_words;
	return pst_vec_push(&l->steps, (struct step){from, value});
}

/* Sets what is left of the set numbered FROM when the key of column C has VALUE. */
static int follow(struct walk *w, size_t c, uint32_t from, const char *value)
{
	const struct column *column = &w->columns.v[c];
	struct level *l = w->growing;
	const uint64_t *old = w->levels[c].sets.v + (size_t)from * w->n_words;
	uint64_t *set;

	if (pst_vec_reserve(&l->sets, l->sets.n + w->n_words))
		return -ENOMEM;
	set = l->sets.v + l->sets.n;
	memcpy(set, old, w->n_words * sizeof(*set));
	w->n_work += column->n;
	for (size_t i = column->first; i < column->first + column->n; i++) {
		const struct demand *d = &w->demands.v[i];

		if (is_alive(set, d->selector) && !meets(d->req, value))
			kill(set, d->selector);
	}
	return w->n_work > MAX_STEPS ? -E2BIG : keep(w, from, value);
}

static int cmp_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The values that the living selectors of SET name under the column's key, each once. */
static int collect_values(struct walk *w, const struct column *column, const uint64_t *set)
{
	size_t kept = 0;

	w->values.n = 0;
	for (size_t i = column->first; i < column->first + column->n; i++) {
		const struct demand *d = &w->demands.v[i];

		for (size_t k = 0; is_alive(set, d->selector) && k < d->req->n_values; k++) {
			if (pst_vec_push(&w->values, d->req->values[k]))
				return -ENOMEM;
		}
	}
	if (w->values.n)
		qsort(w->values.v, w->values.n, sizeof(*w->values.v), cmp_text);
	for (size_t i = 0; i < w->values.n; i++) {
		if (!kept || strcmp(w->values.v[kept - 1], w->values.v[i]))
			w->values.v[kept++] = w->values.v[i];
	}
	w->values.n = kept;
	return 0;
}

/* A value that is none of these. */
static const char *other_value(struct walk *w)
{
	const char *text = "other";

	for (unsigned int i = 2; text && w->values.n &&
				 bsearch(&text, w->values.v, w->values.n, sizeof(text), cmp_text);
	     i++)
		text = pst_arena_printf(w->arena, "other%u", i);
	return text;
}

/* Absent first: a label that does not matter is not there. */
static int follow_all(struct walk *w, size_t c, uint32_t from)
{
	const char *key = w->columns.v[c].key;
	const char *other;
	int r = collect_values(w, &w->columns.v[c],
			       w->levels[c].sets.v + (size_t)from * w->n_words);

	if (r)
		return r;
	other = other_value(w);
	if (!other)
		return -ENOMEM;
	if (!is_always_there(key))
		r = follow(w, c, from, NULL);
	else if (!strcmp(key, PST_LABEL_CLUSTER))
		r = follow(w, c, from, PST_CLUSTER_NAME);
	else if (!w->values.n)
		r = follow(w, c, from, "default");
	for (size_t i = 0; !r && i < w->values.n; i++)
		r = follow(w, c, from, w->values.v[i]);
	return r ? r : follow(w, c, from, other);
}

static int walk_column(struct walk *w, size_t c)
{
	int r = 0;

	w->growing = &w->levels[c + 1];
	for (uint32_t i = 0; !r && i < w->levels[c].steps.n; i++)
		r = follow_all(w, c, i);
	pst_intern_fini(&w->index);
	w->index = (struct pst_intern){0};
	return r;
}

static int start(struct walk *w)
{
	struct level first = {0};
	int r = pst_vec_reserve(&first.sets, w->n_words);

	if (!r) {
		memset(first.sets.v, 0xff, w->n_words * sizeof(*first.sets.v));
		first.sets.n = w->n_words;
		/* Bits without a selector stay set, but for the one that nobody minds. */
		r = collect(w, first.sets.v);
	}
	if (!r)
		r = pst_vec_push(&first.steps, (struct step){0});
	if (!r)
		r = make_columns(w);
	if (r) {
		pst_vec_free(&first.sets);
		pst_vec_free(&first.steps);
		return r;
	}
	w->levels[0] = first;
	return 0;
}

static int write_labels(struct walk *w, uint32_t at, struct pst_labels *ret_labels)
{
	struct pst_labels labels = {
		.v = pst_arena_calloc(w->arena, w->columns.n, sizeof(*labels.v)),
	};

	if (!labels.v)
		return -ENOMEM;
	for (size_t c = w->columns.n; c; c--) {
		const struct step *s = &w->levels[c].steps.v[at];

		if (s->value)
			labels.v[labels.n++] =
				(struct pst_label){"k8s", w->columns.v[c - 1].key, s->value};
		at = s->from;
	}
	pst_labels_sort(&labels);
	*ret_labels = labels;
	return 0;
}

static int write_all(struct walk *w, struct pst_cohorts *cohorts)
{
	const size_t n = w->levels[w->columns.n].steps.n, before = cohorts->n;
	int r = pst_vec_reserve(cohorts, before + n);

	for (uint32_t i = 0; !r && i < n; i++)
		r = write_labels(w, i, &cohorts->v[before + i]);
	if (!r)
		cohorts->n = before + n;
	return r;
}

static void walk_fini(struct walk *w)
{
	for (size_t i = 0; w->levels && i <= w->columns.n; i++) {
		pst_vec_free(&w->levels[i].steps);
		pst_vec_free(&w->levels[i].sets);
	}
	free(w->levels);
	pst_vec_free(&w->demands);
	pst_vec_free(&w->columns);
	pst_vec_free(&w->values);
	pst_intern_fini(&w->index);
}

int pst_cohorts_find(const struct pst_cohort_query *q, struct pst_arena *arena,
		     struct pst_cohorts *cohorts)
{
	/* One bit more: the demands that every pod meets belong to no selector. */
	struct walk w = {.q = q, .arena = arena, .n_words = q->n / WORD_BITS + 1};
	int r = start(&w);

	for (size_t c = 0; !r && c < w.columns.n; c++)
		r = walk_column(&w, c);
	if (!r)
		r = write_all(&w, cohorts);
	walk_fini(&w);
	return r;
}
