// SPDX-License-Identifier: Apache-2.0
#include "compiler/larder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PATTERNS = 4, ROUNDS = 2000, SEED = 77213 };

static struct pst_diags *diags;

static struct pst_pattern pattern(const char *re, uint64_t tag)
{
	return (struct pst_pattern){.re = re, .len = strlen(re), .tag = tag};
}

static struct pst_automaton *build(struct pst_larder *l, const struct pst_pattern *p, size_t n)
{
	struct pst_automaton *a = NULL;

	cr_assert_eq(pst_larder_build(l, p, n, &pst_automaton_default_limits, diags, &a), 0);
	cr_assert_not_null(a);
	return a;
}

static void check_same(const struct pst_automaton *a, const struct pst_automaton *b)
{
	cr_assert_eq(a->n_states, b->n_states);
	cr_assert_eq(a->n_classes, b->n_classes);
	cr_assert_eq(a->start, b->start);
	cr_assert_arr_eq(a->class_of, b->class_of, sizeof(a->class_of));
	cr_assert_arr_eq(a->next, b->next, sizeof(*a->next) * (size_t)a->n_states * a->n_classes);
	cr_assert_arr_eq(a->tags, b->tags, sizeof(*a->tags) * a->n_states);
}

/* Whatever is kept, the automaton is the one that a build without a larder makes. */
static void check(struct pst_larder *l, const struct pst_pattern *p, size_t n)
{
	struct pst_automaton *a = build(l, p, n), *b = build(NULL, p, n);

	check_same(a, b);
	pst_automaton_free(&a);
	pst_automaton_free(&b);
}

/* Few texts, so that most lists come again, and such as are prefixes of each other. */
static size_t draw(struct pst_pattern *p)
{
	static const char *const texts[] = {"",	   "/a",      "/a/",	       "/a/.*", "/[a-c]+",
					    "/aa", "/(a|b)?", "(?i)/\xc3\xa4", "a"};
	const size_t n = (size_t)rand() % (MAX_PATTERNS + 1);

	for (size_t i = 0; i < n; i++)
		p[i] = pattern(texts[(size_t)rand() % (sizeof(texts) / sizeof(*texts))],
			       1 + (uint64_t)(rand() % 3));
	return n;
}

static void check_random(size_t max_bytes)
{
	struct pst_larder l = {.max_bytes = max_bytes};
	struct pst_pattern p[MAX_PATTERNS];

	srand(SEED);
	diags = pst_diags_new();
	for (size_t i = 0; i < ROUNDS; i++) {
		check(&l, p, draw(p));
		cr_assert_leq(l.bytes, max_bytes);
		if (!(rand() % 50))
			pst_larder_sweep(&l);
	}
	pst_larder_clear(&l);
	cr_assert_eq(l.bytes, 0);
	pst_diags_free(&diags);
}

Test(larder, gives_out_what_would_be_built)
{
	check_random(SIZE_MAX);
}

Test(larder, holds_no_more_than_it_may_and_builds_the_rest)
{
	check_random(10000);
	check_random(0);
}

Test(larder, builds_once_what_is_asked_for_again_before_the_next_sweep_but_one)
{
	struct pst_larder l = {.max_bytes = 1 << 20};
	const struct pst_pattern p[] = {pattern("/a.*", 1), pattern("/b", 2)};

	diags = pst_diags_new();
	check(&l, p, 2);
	check(&l, p, 2);
	cr_assert_eq(l.n_built, 1);
	pst_larder_sweep(&l);
	check(&l, p, 2);
	cr_assert_eq(l.n_built, 0);
	pst_larder_sweep(&l);
	pst_larder_sweep(&l);
	cr_assert_eq(l.bytes, 0);
	check(&l, p, 2);
	cr_assert_eq(l.n_built, 1);
	pst_larder_clear(&l);
	pst_diags_free(&diags);
}

Test(larder, tells_tags_order_limits_and_where_patterns_end_apart)
{
	struct pst_larder l = {.max_bytes = 1 << 20};
	const struct pst_pattern a[] = {pattern("/a", 1), pattern("/b", 2)};
	const struct pst_pattern b[] = {pattern("/a", 1), pattern("/b", 1)};
	const struct pst_pattern c[] = {pattern("/b", 2), pattern("/a", 1)};
	const struct pst_pattern d[] = {pattern("/a/", 1), pattern("b", 2)};
	struct pst_automaton_limits other = pst_automaton_default_limits;
	struct pst_automaton *none = NULL;

	diags = pst_diags_new();
	check(&l, a, 2);
	check(&l, a, 1);
	check(&l, b, 2);
	check(&l, c, 2);
	check(&l, d, 2);
	cr_assert_eq(l.n_built, 5);
	other.max_states = other.most_states = 1;
	other.states_per_pattern = 0;
	cr_assert_eq(pst_larder_build(&l, a, 2, &other, diags, &none), -E2BIG);
	cr_assert_null(none);
	cr_assert_eq(l.n_built, 6);
	pst_larder_clear(&l);
	pst_diags_free(&diags);
}

Test(larder, stays_whole_when_there_is_no_memory)
{
	struct pst_larder l = {.max_bytes = 1 << 20};
	const struct pst_pattern p[] = {pattern("/a.*", 1)};
	struct pst_automaton *a = NULL;
	int r = -ENOMEM;

	diags = pst_diags_new();
	for (long n = 0; r; n++) {
		pst_mem_fail_after(n);
		r = pst_larder_build(&l, p, 1, &pst_automaton_default_limits, diags, &a);
		pst_mem_fail_after(-1);
		cr_assert(r == 0 || (r == -ENOMEM && !a));
	}
	pst_automaton_free(&a);
	check(&l, p, 1);
	pst_larder_clear(&l);
	pst_diags_free(&diags);
}
