// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/automaton.h"
#include "compiler/tests/re2_oracle.h"
#include "compiler/tests/re_random.h"

enum { MAX_PATTERNS = 64 };

/* Patterns in a row, each on a line of its own; tags are 1, 2, 4 ... */
struct patterns {
	struct pst_pattern v[MAX_PATTERNS];
	size_t n;
};

static void add(struct patterns *p, const char *re, size_t len)
{
	const uint32_t line = (uint32_t)p->n + 1;

	p->v[p->n] = (struct pst_pattern){
		.re = re,
		.len = len,
		.pos = {"p.yaml", line, 1, line, 1 + (uint32_t)len},
		.tag = UINT64_C(1) << p->n,
	};
	p->n++;
}

static void add_text(struct patterns *p, const char *re)
{
	add(p, re, strlen(re));
}

static int build_within(const struct patterns *p, const struct pst_automaton_limits *limits,
			struct pst_diags *diags, struct pst_automaton **ret_automaton)
{
	return pst_automaton_build(p->v, p->n, limits, diags, ret_automaton);
}

static struct pst_automaton *must_build(const struct patterns *p)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;

	cr_assert_eq(build_within(p, &pst_automaton_default_limits, diags, &a), 0);
	cr_assert_eq(pst_diags_count(diags), 0);
	pst_diags_free(&diags);
	return a;
}

static struct pst_automaton *must_build_one(const char *re)
{
	struct patterns p = {0};

	add_text(&p, re);
	return must_build(&p);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

Test(automaton, no_pattern_matches_nothing)
{
	const struct patterns none = {0};
	struct pst_automaton *a = must_build(&none);

	cr_assert_eq(a->n_states, 1);
	cr_assert_eq(a->n_classes, 1);
	cr_assert_eq(a->start, 0);
	cr_assert_eq(pst_automaton_match(a, "", 0), 0);
	cr_assert_eq(pst_automaton_match(a, "x", 1), 0);
	pst_automaton_free(&a);
	cr_assert_null(a);
	pst_automaton_free(&a);
}

Test(automaton, state_zero_is_dead)
{
	struct pst_automaton *a = must_build_one("[a-c]+x?");

	cr_assert_eq(a->tags[0], 0);
	for (uint32_t c = 0; c < a->n_classes; c++)
		cr_assert_eq(a->next[c], 0);
	cr_assert_neq(a->start, 0);
	pst_automaton_free(&a);
}

/* States and classes as one counts them by hand, dead state included. */
Test(automaton, is_as_small_as_it_can_be)
{
	static const struct {
		const char *re;
		uint32_t states, classes;
	} rows[] = {
		{"", 2, 1},
		{"abc", 5, 4},
		{"a|b|c", 3, 2},
		{"abc|xbc", 5, 4},
		{"a*", 2, 2},
		{"(a|b)*abb", 5, 3},
		{"\\C*", 2, 1},
		{"(\\C\\C)*", 3, 1},
		{"(?:a|ab|abc|abcd)(?:)", 6, 5},
		{"a^b", 1, 1},
		{"x{1000}", 1002, 2},
		/* Nothing tells b from c: one class. */
		{"a[bc]|a(b|c)", 4, 3},
		/* There is a boundary as soon as there is a word character. */
		{"\\C*\\b\\C*", 3, 2},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pst_automaton *a = must_build_one(rows[i].re);

		cr_assert_eq(a->n_states, rows[i].states, "'%s': %u states", rows[i].re,
			     a->n_states);
		cr_assert_eq(a->n_classes, rows[i].classes, "'%s': %u classes", rows[i].re,
			     a->n_classes);
		pst_automaton_free(&a);
	}
}

static bool same(const struct pst_automaton *a, const struct pst_automaton *b)
{
	return a->n_states == b->n_states && a->n_classes == b->n_classes && a->start == b->start &&
	       !memcmp(a->class_of, b->class_of, sizeof(a->class_of)) &&
	       !memcmp(a->next, b->next, a->n_states * a->n_classes * sizeof(*a->next)) &&
	       !memcmp(a->tags, b->tags, a->n_states * sizeof(*a->tags));
}

Test(automaton, equal_languages_give_equal_tables)
{
	static const char *const pairs[][2] = {
		{"ab|ac", "a[bc]"},	 {"(a|b)*", "(a*b*)*"},	  {"a{2,4}", "aa(a(a)?)?"},
		{"^(x|y)$", "y|x"},	 {"(?s).*", "(?s)(.*)*"}, {"a+", "aa*"},
		{"(?m)a\\n^b", "a\\nb"}, {"\\bab", "ab"},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct pst_automaton *a = must_build_one(pairs[i][0]);
		struct pst_automaton *b = must_build_one(pairs[i][1]);

		cr_assert(same(a, b), "'%s' and '%s'", pairs[i][0], pairs[i][1]);
		pst_automaton_free(&a);
		pst_automaton_free(&b);
	}
}

Test(automaton, tags_are_the_union_of_the_patterns_that_match)
{
	struct patterns p = {0};
	struct pst_automaton *a;

	add_text(&p, "GET");
	add_text(&p, "[A-Z]+");
	add_text(&p, "POST|GET");
	a = must_build(&p);
	cr_assert_eq(pst_automaton_match(a, "GET", 3), 7);
	cr_assert_eq(pst_automaton_match(a, "POST", 4), 6);
	cr_assert_eq(pst_automaton_match(a, "PUT", 3), 2);
	cr_assert_eq(pst_automaton_match(a, "get", 3), 0);
	cr_assert_eq(pst_automaton_match(a, "", 0), 0);
	pst_automaton_free(&a);
}

Test(automaton, patterns_may_share_a_tag_and_tags_may_have_many_bits)
{
	const struct pst_pattern patterns[] = {
		{.re = "a", .len = 1, .tag = UINT64_C(1) << 63 | 1},
		{.re = "b", .len = 1, .tag = UINT64_C(1) << 63 | 1},
		{.re = "[ac]", .len = 4, .tag = UINT64_C(1) << 32},
	};
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;

	cr_assert_eq(pst_automaton_build(patterns, 3, &pst_automaton_default_limits, diags, &a), 0);
	cr_assert_eq(pst_automaton_match(a, "a", 1), UINT64_C(1) << 63 | UINT64_C(1) << 32 | 1);
	cr_assert_eq(pst_automaton_match(a, "b", 1), UINT64_C(1) << 63 | 1);
	cr_assert_eq(pst_automaton_match(a, "c", 1), UINT64_C(1) << 32);
	pst_automaton_free(&a);
	pst_diags_free(&diags);
}

/* Random patterns, alone and together: exactly the union. Patterns that RE2 or the budget refuse
 * are left out. */
Test(automaton, random_patterns_together_give_what_each_gives_alone)
{
	enum { SEED = 7, ROUNDS = RE_ROUNDS(300), TOGETHER = 6, TEXTS = 30 };
	const struct pst_automaton_limits limits = {
		.max_states = 3000, .max_nodes = 20000, .max_bytes = 8 << 20};
	struct re_random random = {SEED};
	size_t matches = 0;

	for (int round = 0; round < ROUNDS; round++) {
		char re[TOGETHER][128];
		struct pst_automaton *alone[TOGETHER] = {0}, *all = NULL;
		struct pst_diags *diags = pst_diags_new();
		struct patterns p = {0};

		while (p.n < TOGETHER) {
			struct patterns one = {0};

			add(&one, re[p.n], re_random_pattern(&random, re[p.n], sizeof(re[0])));
			if (!build_within(&one, &limits, diags, &alone[p.n]))
				add(&p, re[p.n], one.v[0].len);
		}
		if (!build_within(&p, &limits, diags, &all)) {
			for (int t = 0; t < TEXTS; t++) {
				char text[64];
				size_t len = re_random_text(&random, text, sizeof(text));
				uint64_t wanted = 0;

				for (size_t i = 0; i < p.n; i++)
					wanted |= pst_automaton_match(alone[i], text, len) << i;
				cr_assert_eq(pst_automaton_match(all, text, len), wanted,
					     "seed %d, round %d", SEED, round);
				matches += wanted != 0;
			}
		}
		for (size_t i = 0; i < p.n; i++)
			pst_automaton_free(&alone[i]);
		pst_automaton_free(&all);
		pst_diags_free(&diags);
	}
	cr_assert_gt(matches, ROUNDS);
}

Test(automaton, every_invalid_pattern_is_reported_at_its_place)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;
	struct patterns p = {0};

	add_text(&p, "ok");
	add_text(&p, "a(b");
	add_text(&p, "x{20}{20}");
	add_text(&p, "fine");
	add_text(&p, "(x{1000}){2}");
	cr_assert_eq(build_within(&p, &pst_automaton_default_limits, diags, &a), -EINVAL);
	cr_assert_null(a);
	cr_assert_eq(pst_diags_count(diags), 3);
	cr_assert_eq(pst_diags_at(diags, 0)->pos.line, 2);
	cr_assert_eq(pst_diags_at(diags, 0)->pos.col, 2);
	cr_assert_eq(pst_diags_at(diags, 1)->pos.line, 3);
	cr_assert_eq(pst_diags_at(diags, 2)->pos.line, 5);
	cr_assert_str_eq(pst_diags_at(diags, 2)->id, "regex-budget");
	pst_diags_free(&diags);
}

/* Builds RE within LIMITS, expecting a refusal whose message contains WORDS, soon. */
static void assert_budget(const char *re, const struct pst_automaton_limits *limits,
			  const char *words)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;
	struct patterns p = {0};
	double before = seconds();

	add_text(&p, re);
	cr_assert_eq(build_within(&p, limits, diags, &a), -E2BIG, "'%s'", re);
	cr_assert_null(a);
	cr_assert_eq(pst_diags_count(diags), 1);
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "regex-budget");
	cr_assert(strstr(pst_diags_at(diags, 0)->message, words), "'%s': %s", re,
		  pst_diags_at(diags, 0)->message);
	/* Bounded: seconds for the slowest machine under sanitizers, not a measurement. */
	cr_assert_lt(seconds() - before, 20);
	pst_diags_free(&diags);
}

Test(automaton, bombs_end_in_a_diagnostic)
{
	const struct pst_automaton_limits *limits = &pst_automaton_default_limits;

	assert_budget("(.*a.{20}){20}", limits, "more than 4096 states");
	assert_budget("(a|b)*a(a|b){100}", limits, "more than 4096 states");
	assert_budget("(x{1000}){1000}", limits, "multiply to 1000000");
	assert_budget("((a?){1000}){1000}", limits, "multiply to 1000000");
	assert_budget("(.?){1000}(.?){1000}(.?){1000}x", limits, "more than");
	assert_budget("((.{10}){10}.{5}){9}(x?.{900})*", limits, "more than");
}

Test(automaton, each_limit_stops_by_itself)
{
	const struct pst_automaton_limits plenty = pst_automaton_default_limits;
	struct pst_automaton_limits limits = plenty;

	limits.max_states = 8;
	assert_budget("abcdefgh", &limits, "more than 8 states; gave up after 8 states");
	limits = plenty;
	limits.max_nodes = 8;
	assert_budget("abcdefgh", &limits, "more than 8 positions");
	limits = plenty;
	limits.max_bytes = 100000;
	assert_budget("(a|b)*a(a|b){9}", &limits, "bytes of memory");
	limits.max_bytes = 4000;
	assert_budget("(?:a|bc|(?:a?b?c?d?){9})*", &limits, "more than");
}

/*
 * All words of two different letters, or any letter, again and again: few states, but for each of
 * them and each letter thousands of nodes are looked at.
 */
Test(automaton, time_is_limited_even_when_memory_is_not_the_matter)
{
	const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	struct pst_automaton_limits limits = pst_automaton_default_limits;
	char re[10000] = "(?:[A-Za-z]";
	size_t len = strlen(re);

	for (const char *p = letters; *p; p++) {
		for (const char *q = letters; *q; q++) {
			if (p != q)
				len += (size_t)snprintf(re + len, sizeof(re) - len, "|%c%c", *p,
							*q);
		}
	}
	snprintf(re + len, sizeof(re) - len, ")*");
	limits.max_bytes = 4 << 20;
	assert_budget(re, &limits, "more than 8388608 steps");
}

/* The smallest sufficient limit suffices, and one less does not. */
Test(automaton, limits_are_exact)
{
	struct pst_automaton_limits limits = pst_automaton_default_limits;
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;
	struct patterns p = {0};

	add_text(&p, "abc");
	limits.max_states = 5;
	limits.max_nodes = 4;
	cr_assert_eq(build_within(&p, &limits, diags, &a), 0);
	pst_automaton_free(&a);
	limits.max_states = 4;
	cr_assert_eq(build_within(&p, &limits, diags, &a), -E2BIG);
	limits.max_states = 5;
	limits.max_nodes = 3;
	cr_assert_eq(build_within(&p, &limits, diags, &a), -E2BIG);
	pst_diags_free(&diags);
}

/* Each of many patterns brings room for itself, up to the most that there is. */
Test(automaton, limits_grow_with_the_number_of_patterns)
{
	struct pst_automaton_limits limits = {
		.max_states = 8,
		.max_nodes = 8,
		.max_bytes = 1 << 20,
		.states_per_pattern = 6,
		.most_states = 20,
		.nodes_per_pattern = 6,
		.most_nodes = 20,
	};
	static const char *const texts[] = {"axxxx", "byyyyy", "czzzzz", "dwwwww"};
	struct pst_diags *diags = pst_diags_new();

	for (int n = 1; n <= 4; n++) {
		struct pst_automaton *a = NULL;
		struct patterns p = {0};
		int r;

		for (int i = 0; i < n; i++)
			add_text(&p, texts[i]);
		r = build_within(&p, &limits, diags, &a);
		/* Dead, start, all letters, and one end for all: 7, 12, 17, 22. */
		cr_assert_eq(r, n < 4 ? 0 : -E2BIG, "%d", n);
		pst_automaton_free(&a);
	}
	cr_assert(strstr(pst_diags_at(diags, 0)->message, "more than 20 "), "%s",
		  pst_diags_at(diags, 0)->message);
	pst_diags_free(&diags);
}

Test(automaton, the_culprit_of_an_explosion_is_named)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;
	struct patterns p = {0};

	add_text(&p, "/a/.*");
	add_text(&p, "(a|b)*a(a|b){100}");
	add_text(&p, "/c");
	cr_assert_eq(build_within(&p, &pst_automaton_default_limits, diags, &a), -E2BIG);
	cr_assert_eq(pst_diags_at(diags, 0)->pos.line, 2);
	cr_assert(strstr(pst_diags_at(diags, 0)->message, "3 patterns together"));
	pst_diags_free(&diags);
}

/* N patterns as a large policy has them, with TAGS tags in turn. */
static struct pst_pattern *path_patterns(size_t n, unsigned int tags, char (*text)[40])
{
	struct pst_pattern *p = calloc(n, sizeof(*p));

	for (size_t i = 0; i < n; i++) {
		int len = snprintf(text[i], sizeof(text[i]), "/api/v1/resource%zu/[^/]+", i);

		p[i] = (struct pst_pattern){
			.re = text[i], .len = (size_t)len, .tag = UINT64_C(1) << i % tags};
	}
	return p;
}

Test(automaton, ten_thousand_paths_become_one_small_automaton)
{
	enum { N = 10000 };
	const struct pst_automaton_limits limits = {
		.max_states = 100000, .max_nodes = 400000, .max_bytes = 256 << 20};
	static char text[N][40];
	struct pst_pattern *p = path_patterns(N, 3, text);
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;

	cr_assert_eq(pst_automaton_build(p, N, &limits, diags, &a), 0);
	cr_assert_lt(a->n_states, 100);
	for (size_t i = 0; i < N; i++) {
		char path[64];
		int len = snprintf(path, sizeof(path), "/api/v1/resource%zu/x", i);

		cr_assert_eq(pst_automaton_match(a, path, (size_t)len), UINT64_C(1) << i % 3);
	}
	cr_assert_eq(pst_automaton_match(a, "/api/v1/resource10000/x", 23), 0);
	cr_assert_eq(pst_automaton_match(a, "/api/v1/resource1/", 18), 0);
	pst_automaton_free(&a);
	pst_diags_free(&diags);
	free(p);
}

/* Every allocation fails in turn; each time the result is -ENOMEM or a full success, and nothing
 * leaks. */
Test(automaton, survives_the_failure_of_any_allocation)
{
	struct patterns p = {0};
	struct pst_automaton *whole;
	bool done = false;

	add_text(&p, "(?i)[a-c]+x{2,3}|\\bq\\d*");
	add_text(&p, "(?m)^.*$|[^\xc3\xa9][[:^alpha:]]\\Qa*\\E");
	add_text(&p, "/(a|[^/]|b|(c))*");
	whole = must_build(&p);
	for (long n = 0; !done; n++) {
		struct pst_diags *diags = pst_diags_new();
		struct pst_automaton *a = NULL;
		int r;

		pst_mem_fail_after(n);
		r = build_within(&p, &pst_automaton_default_limits, diags, &a);
		done = !pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert(r == -ENOMEM ? !a : r == 0 && same(a, whole), "allocation %ld: %d", n, r);
		cr_assert(!done || !r);
		cr_assert_lt(n, 10000);
		pst_automaton_free(&a);
		pst_diags_free(&diags);
	}
	pst_automaton_free(&whole);
}
