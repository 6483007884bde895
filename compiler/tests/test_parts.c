// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/parts.h"

enum { N = 60 };

struct fixture {
	char texts[N][24];
	struct pst_pattern patterns[N];
	struct pst_diags *diags;
	struct pst_parts parts;
};

static void fixture_init(struct fixture *x)
{
	*x = (struct fixture){.diags = pst_diags_new()};
	for (uint32_t i = 0; i < N; i++) {
		struct pst_pattern *p = &x->patterns[i];

		*p = (struct pst_pattern){.re = x->texts[i], .pos = {"p", i + 1, 1, i + 1, 9}};
		p->len = (size_t)snprintf(x->texts[i], sizeof(x->texts[i]), "/[a-z]*/%u", i);
		p->tag = UINT64_C(1) << i;
	}
}

static void fixture_fini(struct fixture *x)
{
	pst_parts_fini(&x->parts);
	pst_diags_free(&x->diags);
}

static int build(struct fixture *x, uint32_t max_states, uint32_t max_run)
{
	struct pst_parts_limits limits = {pst_automaton_default_limits, max_run};

	limits.automaton.max_states = max_states;
	limits.automaton.states_per_pattern = 0; /* the budget does not grow with the run */
	return pst_parts_build(x->patterns, N, &limits, x->diags, &x->parts);
}

/* The runs cover every pattern once, in order, and together the parts give each text its tag. */
static void check(const struct fixture *x)
{
	uint32_t next = 0;

	for (size_t i = 0; i < x->parts.runs.n; i++) {
		cr_assert_eq(x->parts.runs.v[i].first, next);
		next += x->parts.runs.v[i].n;
	}
	cr_assert_eq(next, N);
	cr_assert_eq(x->parts.automata.n, x->parts.runs.n);
	for (uint32_t p = 0; p < N; p++) {
		char text[16];
		const size_t len = (size_t)snprintf(text, sizeof(text), "/ab/%u", p);
		uint64_t tags = 0;

		for (size_t i = 0; i < x->parts.automata.n; i++)
			tags |= pst_automaton_match(x->parts.automata.v[i], text, len);
		cr_assert_eq(tags, x->patterns[p].tag);
	}
}

Test(parts, are_as_few_as_the_budget_and_the_longest_run_allow)
{
	struct fixture x;

	fixture_init(&x);
	cr_assert_eq(build(&x, 4096, UINT32_MAX), 0);
	check(&x);
	cr_assert_eq(x.parts.runs.n, 1);
	pst_parts_fini(&x.parts);
	cr_assert_eq(build(&x, 4096, 7), 0);
	check(&x);
	cr_assert_eq(x.parts.runs.n, (N + 6) / 7);
	pst_parts_fini(&x.parts);
	cr_assert_eq(build(&x, 20, UINT32_MAX), 0);
	check(&x);
	cr_assert(x.parts.runs.n > 2 && x.parts.runs.n < N / 2, "%zu", x.parts.runs.n);
	cr_assert_eq(pst_diags_count(x.diags), 0);
	fixture_fini(&x);
}

Test(parts, one_pattern_over_the_budget_is_an_error_with_its_place)
{
	struct fixture x;

	fixture_init(&x);
	x.patterns[33] =
		(struct pst_pattern){.re = "x{30}", .len = 5, .pos = {"p", 34, 1, 34, 6}, .tag = 1};
	cr_assert_eq(build(&x, 20, UINT32_MAX), -E2BIG);
	cr_assert_eq(x.parts.automata.n, 0);
	cr_assert_eq(pst_diags_count(x.diags), 1);
	cr_assert_eq(pst_diags_at(x.diags, 0)->pos.line, 34);
	fixture_fini(&x);
}

Test(parts, a_pattern_that_is_not_in_the_dialect_is_an_error_with_its_place)
{
	struct fixture x;

	fixture_init(&x);
	x.patterns[50].re = "(";
	x.patterns[50].len = 1;
	cr_assert_eq(build(&x, 20, UINT32_MAX), -EINVAL);
	cr_assert_eq(x.parts.automata.n, 0);
	cr_assert_eq(pst_diags_count(x.diags), 1);
	cr_assert_eq(pst_diags_at(x.diags, 0)->pos.line, 51);
	fixture_fini(&x);
}

Test(parts, survives_the_failure_of_any_allocation)
{
	bool done = false;

	for (long n = 0; !done; n++) {
		struct fixture x;
		int r;

		fixture_init(&x);
		pst_mem_fail_after(n);
		r = build(&x, 100, 20);
		done = !pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(r, done ? 0 : -ENOMEM, "allocation %ld", n);
		cr_assert_eq(!x.parts.automata.n, !done);
		fixture_fini(&x);
	}
}
