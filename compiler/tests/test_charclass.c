// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>

#include "compiler/charclass.h"

static void assert_ranges(const struct pst_charclass *c, size_t n,
			  const struct pst_rune_range *ranges)
{
	cr_assert_eq(c->n, n, "%zu ranges", c->n);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(c->v[i].lo, ranges[i].lo);
		cr_assert_eq(c->v[i].hi, ranges[i].hi);
	}
}

Test(charclass, sealing_sorts_and_joins_what_overlaps_or_touches)
{
	struct pst_charclass c = {0};

	pst_charclass_add(&c, 20, 30);
	pst_charclass_add(&c, 1, 5);
	pst_charclass_add(&c, 6, 7);
	pst_charclass_add(&c, 25, 26);
	pst_charclass_add(&c, 9, 9);
	pst_charclass_seal(&c);
	assert_ranges(&c, 3, (struct pst_rune_range[]){{1, 7}, {9, 9}, {20, 30}});
	pst_vec_free(&c);
}

Test(charclass, negation_fills_the_gaps_up_to_the_last_code_point)
{
	struct pst_charclass c = {0};

	pst_charclass_add(&c, 0, 9);
	pst_charclass_add(&c, 11, 19);
	pst_charclass_negate(&c);
	assert_ranges(&c, 2, (struct pst_rune_range[]){{10, 10}, {20, PST_RUNE_MAX}});
	pst_charclass_negate(&c);
	assert_ranges(&c, 2, (struct pst_rune_range[]){{0, 9}, {11, 19}});
	pst_vec_free(&c);
}

Test(charclass, the_complement_of_everything_is_nothing_and_back)
{
	struct pst_charclass c = {0};

	pst_charclass_negate(&c);
	assert_ranges(&c, 1, (struct pst_rune_range[]){{0, PST_RUNE_MAX}});
	pst_charclass_negate(&c);
	cr_assert_eq(c.n, 0);
	pst_vec_free(&c);
}

Test(charclass, folding_adds_the_other_case_and_only_that)
{
	struct pst_charclass c = {0};

	pst_charclass_add_folded(&c, 'X', 'b');
	pst_charclass_seal(&c);
	/* X Y Z [ \ ] ^ _ ` a b, and x y z A B */
	assert_ranges(&c, 3, (struct pst_rune_range[]){{'A', 'B'}, {'X', 'b'}, {'x', 'z'}});
	pst_vec_free(&c);
}

Test(charclass, k_and_s_fold_beyond_ascii)
{
	struct pst_charclass c = {0};

	pst_charclass_add_folded(&c, 'K', 'K');
	pst_charclass_add_folded(&c, 's', 's');
	pst_charclass_seal(&c);
	assert_ranges(&c, 6,
		      (struct pst_rune_range[]){{'K', 'K'},
						{'S', 'S'},
						{'k', 'k'},
						{'s', 's'},
						{0x17f, 0x17f},
						{0x212a, 0x212a}});
	pst_vec_free(&c);
}

Test(charclass, names_are_found_whole)
{
	cr_assert(pst_charclass_posix("alpha", 5));
	cr_assert_null(pst_charclass_posix("alph", 4));
	cr_assert_null(pst_charclass_posix("alphab", 6));
	cr_assert(pst_charclass_perl('d'));
	cr_assert_null(pst_charclass_perl('D'));
}

Test(charclass, equal_classes_have_equal_numbers)
{
	struct pst_classes all = {0};
	struct pst_charclass a = {0}, b = {0}, c = {0};
	uint32_t id_a, id_b, id_c;
	size_t n;

	pst_charclass_add(&a, 1, 9);
	pst_charclass_add(&b, 5, 9);
	pst_charclass_add(&b, 1, 4);
	pst_charclass_add(&c, 1, 8);
	cr_assert_eq(pst_classes_get(&all, &a, &id_a), 0);
	cr_assert_eq(pst_classes_get(&all, &b, &id_b), 0);
	cr_assert_eq(pst_classes_get(&all, &c, &id_c), 0);
	cr_assert_eq(id_a, id_b);
	cr_assert_neq(id_a, id_c);
	cr_assert_eq(pst_classes_ranges(&all, id_c, &n)->hi, 8);
	cr_assert_eq(n, 1);
	pst_vec_free(&a);
	pst_vec_free(&b);
	pst_vec_free(&c);
	pst_classes_fini(&all);
}

Test(charclass, an_empty_class_has_no_ranges_wherever_it_stands)
{
	struct pst_classes all = {0};
	struct pst_charclass empty = {0}, full = {0};
	uint32_t first, second, again;
	size_t n = 1;

	cr_assert_eq(pst_classes_get(&all, &empty, &first), 0);
	cr_assert_null(pst_classes_ranges(&all, first, &n));
	cr_assert_eq(n, 0);
	pst_charclass_add(&full, 0, PST_RUNE_MAX);
	cr_assert_eq(pst_classes_get(&all, &full, &second), 0);
	cr_assert_eq(pst_classes_get(&all, &empty, &again), 0);
	cr_assert_eq(first, again);
	cr_assert_null(pst_classes_ranges(&all, again, &n));
	cr_assert_eq(n, 0);
	pst_vec_free(&full);
	pst_classes_fini(&all);
}
