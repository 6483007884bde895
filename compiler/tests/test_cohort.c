// SPDX-License-Identifier: Apache-2.0
/*
 * Cohorts against brute force: every label set of a small world.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/cohort.h"
#include "policy/labels.h"

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

enum { MAX_SELECTORS = 6, MAX_REQS = 3, ROUNDS = 3000, SEED = 5150 };

static const char *const keys[] = {"a", "b", PST_LABEL_NAMESPACE, PST_LABEL_CLUSTER};
/* The last value of each is one that no selector names. */
static const char *const values[][4] = {
	{"1", "2", "x", NULL},
	{"1", "x", NULL},
	{"default", "prod", "x", NULL},
	{"default", "far", "x", NULL},
};
static const char *const sources[] = {"any", "k8s", "any", "reserved"};

static uint32_t next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

struct world {
	struct pst_requirement reqs[MAX_SELECTORS][MAX_REQS];
	const char *named[MAX_SELECTORS][MAX_REQS][2];
	struct pst_selector selectors[MAX_SELECTORS];
	const struct pst_selector *list[MAX_SELECTORS];
	size_t n;
};

static void make_requirement(struct world *w, size_t s, size_t i, uint32_t *seed)
{
	const uint32_t key = next(seed) % COUNT(keys);
	size_t n = 0;

	/* All but the last one. */
	while (values[key][n + 1])
		n++;
	w->named[s][i][0] = values[key][next(seed) % n];
	w->named[s][i][1] = values[key][next(seed) % n];
	w->reqs[s][i] = (struct pst_requirement){
		.source = sources[next(seed) % COUNT(sources)],
		.key = keys[key],
		.op = (enum pst_label_op)(next(seed) % PST_LABEL_OP_MAX),
		.values = w->named[s][i],
	};
	if (w->reqs[s][i].op == PST_LABEL_IN || w->reqs[s][i].op == PST_LABEL_NOT_IN)
		w->reqs[s][i].n_values = next(seed) % 2 + 1;
}

static void make_world(struct world *w, uint32_t seed)
{
	*w = (struct world){.n = next(&seed) % (MAX_SELECTORS + 1)};
	for (size_t s = 0; s < w->n; s++) {
		w->selectors[s].reqs = w->reqs[s];
		w->selectors[s].n_reqs = next(&seed) % (MAX_REQS + 1);
		w->list[s] = &w->selectors[s];
		for (size_t i = 0; i < w->selectors[s].n_reqs; i++)
			make_requirement(w, s, i, &seed);
	}
}

/* The selectors that match, as bits. */
static uint32_t matched(const struct world *w, const struct pst_labels *labels)
{
	uint32_t set = 0;

	for (size_t s = 0; s < w->n; s++)
		set |= (uint32_t)pst_selector_matches(&w->selectors[s], labels) << s;
	return set;
}

/* Marks what the label sets of the world match: A and B may be absent, the others not. */
static void mark_all(const struct world *w, bool *seen)
{
	for (int i = 0; i < 4 * 3 * 3 * 3; i++) {
		const int at[] = {i % 4, i / 4 % 3, i / 12 % 3, i / 36};
		struct pst_label v[COUNT(keys)];
		struct pst_labels labels = {.v = v};

		for (size_t k = 0; k < COUNT(keys); k++) {
			const char *value = values[k][at[k]];

			if (value)
				v[labels.n++] = (struct pst_label){"k8s", keys[k], value};
		}
		pst_labels_sort(&labels);
		seen[matched(w, &labels)] = true;
	}
}

static void check(const struct world *w, size_t n_among, uint32_t seed)
{
	struct pst_arena *arena = pst_arena_new();
	struct pst_cohorts cohorts = {0};
	const struct pst_cohort_query q = {w->list, w->n, n_among, 1 << MAX_SELECTORS};
	bool expected[1 << MAX_SELECTORS] = {false}, found[1 << MAX_SELECTORS] = {false};

	cr_assert_eq(pst_cohorts_find(&q, arena, &cohorts), 0);
	mark_all(w, expected);
	for (size_t i = 0; i < cohorts.n; i++) {
		uint32_t set = matched(w, &cohorts.v[i]);

		cr_assert(!found[set], "seed %u: two cohorts for the set %x", seed, set);
		found[set] = true;
	}
	for (uint32_t set = 0; set < 1U << MAX_SELECTORS; set++) {
		const bool asked = !n_among || set & ((1U << n_among) - 1);

		cr_assert_eq(found[set], expected[set] && asked, "seed %u: the set %x", seed, set);
	}
	pst_vec_free(&cohorts);
	pst_arena_free(&arena);
}

Test(cohort, there_is_one_for_each_set_of_selectors_that_a_pod_can_match)
{
	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct world w;

		make_world(&w, SEED + i);
		check(&w, 0, SEED + i);
		if (w.n)
			check(&w, i % w.n + 1, SEED + i);
	}
}

Test(cohort, without_selectors_all_pods_are_one_and_it_has_a_namespace)
{
	struct pst_arena *arena = pst_arena_new();
	struct pst_cohorts cohorts = {0};
	const struct pst_cohort_query q = {.max = 1};

	cr_assert_eq(pst_cohorts_find(&q, arena, &cohorts), 0);
	cr_assert_eq(cohorts.n, 1);
	cr_assert_str_eq(pst_labels_get(&cohorts.v[0], "k8s", PST_LABEL_NAMESPACE), "default");
	cr_assert_str_eq(pst_labels_get(&cohorts.v[0], "k8s", PST_LABEL_CLUSTER), "default");
	pst_vec_free(&cohorts);
	pst_arena_free(&arena);
}

Test(cohort, too_many_sets_are_refused_and_nothing_is_appended)
{
	struct pst_requirement reqs[12];
	struct pst_selector selectors[12];
	const struct pst_selector *list[12];
	char names[12][16];
	struct pst_arena *arena = pst_arena_new();
	struct pst_cohorts cohorts = {0};
	struct pst_cohort_query q = {list, 12, 0, (1 << 12) - 1};

	for (int i = 0; i < 12; i++) {
		snprintf(names[i], sizeof(names[i]), "k%d", i);
		reqs[i] = (struct pst_requirement){
			.source = "any", .key = names[i], .op = PST_LABEL_EXISTS};
		selectors[i] = (struct pst_selector){.reqs = &reqs[i], .n_reqs = 1};
		list[i] = &selectors[i];
	}
	cr_assert_eq(pst_cohorts_find(&q, arena, &cohorts), -E2BIG);
	cr_assert_eq(cohorts.n, 0);
	q.max++;
	cr_assert_eq(pst_cohorts_find(&q, arena, &cohorts), 0);
	cr_assert_eq(cohorts.n, 1 << 12);
	pst_vec_free(&cohorts);
	pst_arena_free(&arena);
}

Test(cohort, no_memory_is_an_error_wherever_it_ends)
{
	struct world w;
	const struct pst_cohort_query q = {w.list, MAX_SELECTORS, 0, 1 << MAX_SELECTORS};
	uint32_t seed = SEED;
	bool failed = true;

	do {
		make_world(&w, seed++);
	} while (w.n < MAX_SELECTORS);
	for (long n = 0; failed; n++) {
		struct pst_arena *arena = pst_arena_new();
		struct pst_cohorts cohorts = {0};
		int r;

		pst_mem_fail_after(n);
		r = pst_cohorts_find(&q, arena, &cohorts);
		failed = pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(r, failed ? -ENOMEM : 0);
		cr_assert(!failed || !cohorts.n);
		pst_vec_free(&cohorts);
		pst_arena_free(&arena);
	}
}
