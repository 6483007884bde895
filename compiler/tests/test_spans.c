// SPDX-License-Identifier: Apache-2.0
#include "compiler/spans.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>

enum { PLACES = 24, ROUNDS = 20000, MOST = 6 };

static void put(struct pst_spans *s, size_t begin, size_t end)
{
	cr_assert_eq(pst_vec_push(s, (struct pst_span){begin, end}), 0);
}

/* The places as bits. */
static uint32_t bits_of(const struct pst_spans *s)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < s->n; i++) {
		for (size_t at = s->v[i].begin; at < s->v[i].end; at++)
			bits |= UINT32_C(1) << at;
	}
	return bits;
}

static void check_merged(const struct pst_spans *s)
{
	for (size_t i = 0; i < s->n; i++) {
		cr_assert_lt(s->v[i].begin, s->v[i].end);
		cr_assert(!i || s->v[i - 1].end < s->v[i].begin);
	}
}

static void fill(struct pst_spans *s)
{
	s->n = 0;
	for (size_t n = (size_t)rand() % MOST; n; n--) {
		const size_t begin = (size_t)rand() % PLACES;

		put(s, begin, begin + (size_t)rand() % (PLACES - begin + 1));
	}
}

Test(spans, merged_ones_are_the_same_places_once)
{
	struct pst_spans s = {0};

	pst_spans_merge(&s);
	cr_expect_eq(s.n, 0);
	put(&s, 5, 7);
	put(&s, 9, 9);
	put(&s, 1, 3);
	put(&s, 3, 4);
	put(&s, 6, 6);
	pst_spans_merge(&s);
	cr_assert_eq(s.n, 2);
	cr_expect(s.v[0].begin == 1 && s.v[0].end == 4);
	cr_expect(s.v[1].begin == 5 && s.v[1].end == 7);
	pst_vec_free(&s);
}

Test(spans, whatever_the_lists_are_each_place_is_told_for_itself)
{
	struct pst_spans from = {0}, less = {0}, to = {0};

	srand(20261);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t a, b;

		fill(&from);
		fill(&less);
		a = bits_of(&from);
		b = bits_of(&less);
		pst_spans_merge(&from);
		pst_spans_merge(&less);
		cr_assert_eq(bits_of(&from), a);
		check_merged(&from);
		to.n = 0;
		cr_assert_eq(pst_spans_subtract(&from, &less, &to), 0);
		cr_assert_eq(bits_of(&to), a & ~b, "round %d", i);
	}
	pst_vec_free(&from);
	pst_vec_free(&less);
	pst_vec_free(&to);
}
