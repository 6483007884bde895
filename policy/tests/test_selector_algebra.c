// SPDX-License-Identifier: Apache-2.0
/*
 * Each answer is compared with what pst_selector_matches() says about every label set of a small
 * universe: two keys, each absent or with one of three sources and three values. One source and one
 * value are never named by a selector: they stand for all the others.
 */
#include "policy/selector_algebra.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	SOURCES = 3,
	VALUES = 3,
	STATES = 1 + SOURCES * VALUES,
	KEYS = 2,
	ATOMS = 3 * 8, /* requirements on one key */
	MAX_REQS = 4,
};

static const char *const t_sources[SOURCES] = {"k8s", "reserved", "other"};
static const char *const t_values[VALUES] = {"x", "y", "z"};
static const char *const t_keys[KEYS] = {"a", "b"};

/* The non-empty sets of named values. */
static const char *t_lists[3][2] = {{"x"}, {"y"}, {"x", "y"}};

/* The N-th of all requirements on KEY. */
static struct pst_requirement t_atom(unsigned int n, const char *key)
{
	static const char *const sources[] = {"any", "k8s", "reserved"};
	struct pst_requirement req = {.source = sources[n / 8], .key = key};
	unsigned int kind = n % 8;

	if (kind >= 6) {
		req.op = kind == 6 ? PST_LABEL_EXISTS : PST_LABEL_DOES_NOT_EXIST;
		return req;
	}
	req.op = kind < 3 ? PST_LABEL_IN : PST_LABEL_NOT_IN;
	req.values = t_lists[kind % 3];
	req.n_values = kind % 3 == 2 ? 2 : 1;
	return req;
}

struct t_selector {
	struct pst_requirement reqs[MAX_REQS];
	struct pst_selector sel;
};

static void t_add(struct t_selector *s, unsigned int atom, unsigned int key)
{
	s->reqs[s->sel.n_reqs++] = t_atom(atom, t_keys[key]);
	s->sel.reqs = s->reqs;
}

/* The label set of a number below STATES * STATES. */
static bool t_matches_set(const struct pst_selector *sel, unsigned int number)
{
	struct pst_label v[KEYS];
	struct pst_labels labels = {.v = v};

	for (unsigned int k = 0; k < KEYS; k++, number /= STATES) {
		unsigned int state = number % STATES;

		if (!state)
			continue;
		v[labels.n++] = (struct pst_label){
			.source = t_sources[(state - 1) / VALUES],
			.key = t_keys[k],
			.value = t_values[(state - 1) % VALUES],
		};
	}
	pst_labels_sort(&labels);
	return pst_selector_matches(sel, &labels);
}

struct t_facts {
	bool implies, disjoint, impossible;
};

static struct t_facts t_brute(const struct pst_selector *a, const struct pst_selector *b,
			      unsigned int n_sets)
{
	struct t_facts f = {true, true, true};

	for (unsigned int i = 0; i < n_sets; i++) {
		bool in_a = t_matches_set(a, i), in_b = t_matches_set(b, i);

		f.implies &= !in_a || in_b;
		f.disjoint &= !(in_a && in_b);
		f.impossible &= !in_a;
	}
	return f;
}

static void t_compare(const struct pst_selector *a, const struct pst_selector *b,
		      unsigned int n_sets)
{
	struct t_facts f = t_brute(a, b, n_sets);

	cr_assert_eq(pst_selector_implies(a, b), f.implies);
	cr_assert_eq(pst_selector_disjoint(a, b), f.disjoint);
	cr_assert_eq(pst_selector_is_impossible(a), f.impossible);
}

/* The N-th selector with up to two requirements on the first key. */
static void t_small(unsigned int n, struct t_selector *s)
{
	*s = (struct t_selector){0};
	if (n % (ATOMS + 1))
		t_add(s, n % (ATOMS + 1) - 1, 0);
	if (n / (ATOMS + 1))
		t_add(s, n / (ATOMS + 1) - 1, 0);
}

Test(selector_algebra, is_exact_for_all_pairs_of_two_requirements_on_one_key)
{
	enum { N = (ATOMS + 1) * (ATOMS + 1) };
	struct t_selector a, b;

	for (unsigned int i = 0; i < N; i++) {
		for (unsigned int k = 0; k < N; k++) {
			t_small(i, &a);
			t_small(k, &b);
			t_compare(&a.sel, &b.sel, STATES);
		}
	}
}

static unsigned int t_random(uint32_t *state, unsigned int below)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) % below;
}

static void t_random_selector(uint32_t *state, struct t_selector *s)
{
	unsigned int n = t_random(state, MAX_REQS + 1);

	*s = (struct t_selector){0};
	for (unsigned int i = 0; i < n; i++)
		t_add(s, t_random(state, ATOMS), t_random(state, KEYS));
}

Test(selector_algebra, is_exact_for_many_pairs_of_requirements_on_two_keys)
{
	struct t_selector a, b;
	uint32_t state = 1;

	for (unsigned int i = 0; i < 50000; i++) {
		t_random_selector(&state, &a);
		t_random_selector(&state, &b);
		t_compare(&a.sel, &b.sel, STATES * STATES);
	}
}

/* Two selectors on one key that take N values each: every second one, from FIRST on. */
static void t_long_list(const char **values, size_t n, size_t first)
{
	static char texts[2 * PST_SELECTOR_MAX_STEPS][8];

	for (size_t i = 0; i < n; i++) {
		char *text = texts[2 * i + first];

		snprintf(text, sizeof(texts[0]), "%zu", 2 * i + first);
		values[i] = text;
	}
}

static bool t_lists_are_disjoint(size_t n)
{
	static const char *even[PST_SELECTOR_MAX_STEPS], *odd[PST_SELECTOR_MAX_STEPS];
	struct pst_requirement a = {.source = "any", .key = "a", .values = even, .n_values = n};
	struct pst_requirement b = {.source = "any", .key = "a", .values = odd, .n_values = n};
	struct pst_selector sa = {.reqs = &a, .n_reqs = 1}, sb = {.reqs = &b, .n_reqs = 1};

	t_long_list(even, n, 0);
	t_long_list(odd, n, 1);
	cr_assert_not(pst_selector_implies(&sa, &sb));
	return pst_selector_disjoint(&sa, &sb);
}

Test(selector_algebra, claims_nothing_when_the_lists_are_too_long)
{
	cr_assert(t_lists_are_disjoint(100));
	cr_assert_not(t_lists_are_disjoint(PST_SELECTOR_MAX_STEPS));
}

static bool t_same_key(const struct pst_selector *a, const struct pst_selector *b)
{
	struct pst_arena *arena = pst_arena_new();
	bool same = !strcmp(pst_selector_key(arena, a), pst_selector_key(arena, b));

	pst_arena_free(&arena);
	return same;
}

Test(selector_algebra, a_key_does_not_depend_on_order_or_repetition)
{
	struct t_selector a = {0}, b = {0};

	t_add(&a, 2, 0);
	t_add(&a, 6, 1);
	t_add(&b, 6, 1);
	t_add(&b, 2, 0);
	t_add(&b, 2, 0);
	b.reqs[1].values = (const char *[]){"y", "x"};
	cr_assert(t_same_key(&a.sel, &b.sel));
}

Test(selector_algebra, keys_of_different_requirements_differ)
{
	struct t_selector a, b;

	for (unsigned int i = 0; i < ATOMS; i++) {
		for (unsigned int k = 0; k < ATOMS; k++) {
			a = b = (struct t_selector){0};
			t_add(&a, i, 0);
			t_add(&b, k, 0);
			cr_assert_eq(t_same_key(&a.sel, &b.sel), i == k);
			b.reqs[0].key = "b";
			cr_assert_not(t_same_key(&a.sel, &b.sel));
		}
	}
}

Test(selector_algebra, a_key_cannot_be_feigned_by_values_with_separators)
{
	const char *two[] = {"x", "y"}, *one[] = {"x1:y"};
	struct pst_requirement a = {.source = "any", .key = "a", .values = two, .n_values = 2};
	struct pst_requirement b = {.source = "any", .key = "a", .values = one, .n_values = 1};
	struct pst_selector sa = {.reqs = &a, .n_reqs = 1}, sb = {.reqs = &b, .n_reqs = 1};

	cr_assert_not(t_same_key(&sa, &sb));
	one[0] = "x";
	a.n_values = 1;
	cr_assert(t_same_key(&sa, &sb));
}

Test(selector_algebra, the_empty_selector_is_implied_by_all_and_implies_itself)
{
	struct t_selector a = {0}, none = {0};

	t_add(&a, 0, 0);
	cr_assert(pst_selector_implies(&a.sel, &none.sel));
	cr_assert_not(pst_selector_implies(&none.sel, &a.sel));
	cr_assert(pst_selector_implies(&none.sel, &none.sel));
	cr_assert_not(pst_selector_disjoint(&none.sel, &none.sel));
}
