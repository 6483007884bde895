// SPDX-License-Identifier: Apache-2.0
/*
 * Random automata against an independent slow oracle: Moore's rounds. States get colours, first
 * by tag, then by (colour, colours of the successors), until nothing changes; the number of
 * colours that the start reaches, plus one for the dead state, is the size of the minimal
 * automaton.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/automaton.h"
#include "compiler/minimize.h"
#include "compiler/tests/re_random.h"

enum { MAX_STATES = 40, MAX_CLASSES = 5, PLENTY = 1 << 30 };

/* A complete automaton of N states and K classes whose transitions end in 0 .. n - 1; byte b is in
 * class b % K. */
static struct pst_automaton *new_automaton(uint32_t n, uint32_t k)
{
	struct pst_automaton *a = calloc(1, sizeof(*a));

	a->n_states = n;
	a->n_classes = k;
	a->next = calloc((size_t)n * k, sizeof(*a->next));
	a->tags = calloc(n, sizeof(*a->tags));
	for (unsigned int b = 0; b < 256; b++)
		a->class_of[b] = (uint8_t)(b % k);
	return a;
}

static struct pst_automaton *random_automaton(struct re_random *r)
{
	uint32_t n = 1 + re_random_below(r, MAX_STATES), k = 1 + re_random_below(r, MAX_CLASSES);
	uint32_t tags = 1 + re_random_below(r, 3), dense = 1 + re_random_below(r, 4);
	struct pst_automaton *a = new_automaton(n, k);

	for (uint32_t i = k; i < n * k; i++)
		a->next[i] = re_random_below(r, dense) ? re_random_below(r, n) : 0;
	for (uint32_t s = 1; s < n; s++)
		a->tags[s] = re_random_below(r, 3) ? 0 : re_random_below(r, tags + 1);
	a->start = re_random_below(r, n);
	return a;
}

static bool alike(const struct pst_automaton *a, const uint32_t *colour, uint32_t s, uint32_t t)
{
	if (colour[s] != colour[t])
		return false;
	for (uint32_t c = 0; c < a->n_classes; c++) {
		if (colour[a->next[s * a->n_classes + c]] != colour[a->next[t * a->n_classes + c]])
			return false;
	}
	return true;
}

/* One round; the number of colours. */
static uint32_t recolour(const struct pst_automaton *a, uint32_t *colour)
{
	uint32_t fresh[MAX_STATES], n = 0;

	for (uint32_t s = 0; s < a->n_states; s++) {
		uint32_t t = 0;

		while (t < s && !alike(a, colour, s, t))
			t++;
		fresh[s] = t < s ? fresh[t] : n++;
	}
	memcpy(colour, fresh, a->n_states * sizeof(*colour));
	return n;
}

static void colour_by_tag(const struct pst_automaton *a, uint32_t *colour)
{
	for (uint32_t s = 0; s < a->n_states; s++) {
		uint32_t t = 0;

		while (a->tags[t] != a->tags[s])
			t++;
		colour[s] = t;
	}
}

static void reach(const struct pst_automaton *a, uint32_t s, bool *seen)
{
	if (seen[s])
		return;
	seen[s] = true;
	for (uint32_t c = 0; c < a->n_classes; c++)
		reach(a, a->next[s * a->n_classes + c], seen);
}

static uint32_t minimal_size(const struct pst_automaton *a)
{
	uint32_t colour[MAX_STATES], colours = 0, before, size = 0;
	bool seen[MAX_STATES] = {0}, counted[MAX_STATES] = {0};

	colour_by_tag(a, colour);
	do {
		before = colours;
		colours = recolour(a, colour);
	} while (colours != before);
	reach(a, a->start, seen);
	seen[0] = true;
	for (uint32_t s = 0; s < a->n_states; s++) {
		if (seen[s] && !counted[colour[s]]) {
			counted[colour[s]] = true;
			size++;
		}
	}
	return size;
}

/* Do both give the same tag to random texts? */
static void assert_same_language(struct re_random *r, const struct pst_automaton *a,
				 const struct pst_automaton *b)
{
	for (int i = 0; i < 50; i++) {
		char text[48];
		size_t len = re_random_below(r, sizeof(text) + 1);

		for (size_t at = 0; at < len; at++)
			text[at] = (char)re_random_below(r, 256);
		cr_assert_eq(pst_automaton_match(a, text, len), pst_automaton_match(b, text, len));
	}
}

Test(minimize, random_automata_shrink_to_the_size_that_moores_rounds_give)
{
	enum { SEED = 99, ROUNDS = 5000 };
	struct re_random random = {SEED};
	size_t shrunk = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct pst_automaton *in = random_automaton(&random), *out = NULL;

		cr_assert_eq(pst_minimize(in, PLENTY, &out), 0);
		cr_assert_eq(out->n_states, minimal_size(in), "seed %d, round %d: %u states", SEED,
			     i, out->n_states);
		assert_same_language(&random, in, out);
		shrunk += out->n_states > 2 && out->n_states < in->n_states;
		pst_automaton_free(&in);
		pst_automaton_free(&out);
	}
	cr_assert_gt(shrunk, ROUNDS / 4);
}

Test(minimize, what_is_minimal_stays_as_it_is)
{
	struct re_random random = {5};

	for (int i = 0; i < 300; i++) {
		struct pst_automaton *in = random_automaton(&random), *once = NULL, *twice = NULL;

		cr_assert_eq(pst_minimize(in, PLENTY, &once), 0);
		cr_assert_eq(pst_minimize(once, PLENTY, &twice), 0);
		cr_assert_eq(once->n_states, twice->n_states);
		cr_assert_eq(once->n_classes, twice->n_classes);
		cr_assert_eq(once->start, twice->start);
		cr_assert_arr_eq(once->class_of, twice->class_of, sizeof(once->class_of));
		cr_assert_arr_eq(once->next, twice->next,
				 once->n_states * once->n_classes * sizeof(*once->next));
		cr_assert_arr_eq(once->tags, twice->tags, once->n_states * sizeof(*once->tags));
		pst_automaton_free(&in);
		pst_automaton_free(&once);
		pst_automaton_free(&twice);
	}
}

Test(minimize, states_with_different_tags_stay_apart)
{
	struct pst_automaton *in = new_automaton(4, 3), *out = NULL;

	in->start = 1;
	in->next[3] = 2;
	in->next[4] = 3;
	in->tags[2] = 1;
	in->tags[3] = 2;
	cr_assert_eq(pst_minimize(in, PLENTY, &out), 0);
	cr_assert_eq(out->n_states, 4);
	pst_automaton_free(&out);
	in->tags[3] = 1;
	cr_assert_eq(pst_minimize(in, PLENTY, &out), 0);
	cr_assert_eq(out->n_states, 3);
	cr_assert_eq(out->n_classes, 2, "classes 0 and 1 are twins now");
	pst_automaton_free(&out);
	pst_automaton_free(&in);
}

Test(minimize, a_start_that_reaches_nothing_is_the_dead_state)
{
	struct pst_automaton *in = new_automaton(3, 2), *out = NULL;

	in->start = 1;
	in->next[2] = 1;
	in->tags[2] = 1; /* not reached */
	cr_assert_eq(pst_minimize(in, PLENTY, &out), 0);
	cr_assert_eq(out->n_states, 1);
	cr_assert_eq(out->start, 0);
	pst_automaton_free(&out);
	pst_automaton_free(&in);
}

/* A chain needs as many rounds as it has states from a method that works in rounds: here it must
 * not matter. */
Test(minimize, long_chains_are_no_worst_case)
{
	enum { N = 100000, K = 2 };
	struct pst_automaton *in = new_automaton(N, K), *out = NULL;

	in->start = 1;
	for (uint32_t s = 1; s + 1 < N; s++)
		in->next[s * K] = s + 1;
	in->tags[N - 1] = 1;
	cr_assert_eq(pst_minimize(in, PLENTY, &out), 0);
	cr_assert_eq(out->n_states, N);
	pst_automaton_free(&out);
	pst_automaton_free(&in);
}

Test(minimize, a_large_random_automaton_keeps_its_language)
{
	enum { N = 20000, K = 60 };
	struct re_random random = {31};
	struct pst_automaton *in = new_automaton(N, K), *out = NULL;

	in->start = 1;
	for (uint32_t i = K; i < N * K; i++)
		in->next[i] = re_random_below(&random, N);
	for (uint32_t s = 1; s < N; s++)
		in->tags[s] = re_random_below(&random, 3);
	cr_assert_eq(pst_minimize(in, PLENTY, &out), 0);
	cr_assert_gt(out->n_states, N / 2);
	assert_same_language(&random, in, out);
	pst_automaton_free(&out);
	pst_automaton_free(&in);
}

Test(minimize, the_memory_limit_is_kept)
{
	struct pst_automaton *in = new_automaton(1000, 10), *out = NULL;

	/* 41 bytes for a state and 9 for a step. */
	for (uint32_t i = 10; i < 10000; i++)
		in->next[i] = 1;
	cr_assert_eq(pst_minimize(in, 120000, &out), -E2BIG);
	cr_assert_null(out);
	cr_assert_eq(pst_minimize(in, 200000, &out), 0);
	pst_automaton_free(&out);
	pst_automaton_free(&in);
}

Test(minimize, survives_the_failure_of_any_allocation)
{
	struct re_random random = {3};
	struct pst_automaton *in = random_automaton(&random);
	bool done = false;

	for (long n = 0; !done; n++) {
		struct pst_automaton *out = NULL;
		int r;

		pst_mem_fail_after(n);
		r = pst_minimize(in, PLENTY, &out);
		done = !pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(r, done ? 0 : -ENOMEM, "allocation %ld", n);
		cr_assert_eq(!out, !done);
		pst_automaton_free(&out);
	}
	pst_automaton_free(&in);
}
