// SPDX-License-Identifier: Apache-2.0
#include "compiler/setpool.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(setpool, gives_equal_sets_one_number_and_others_their_own)
{
	enum { SETS = 1000, WORDS = 3 };
	struct pst_setpool p = {.words = WORDS};
	uint32_t number;

	for (uint64_t round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < SETS; i++) {
			/* One word alone differs, and in which place it stands. */
			uint64_t set[WORDS] = {0};

			set[i % WORDS] = i / WORDS;
			cr_assert_eq(pst_setpool_add(&p, set, &number), 0);
			/* The first three are the empty one. */
			cr_assert_eq(number, i < WORDS ? 0 : i - WORDS + 1, "%u", number);
			cr_assert_arr_eq(pst_setpool_at(&p, number), set, sizeof(set));
		}
	}
	cr_assert_eq(p.n, SETS - WORDS + 1);
	pst_setpool_seal(&p);
	cr_assert_eq(pst_setpool_at(&p, 1)[0], 1);
	pst_setpool_fini(&p);
}

Test(setpool, is_what_it_was_when_there_is_no_memory)
{
	struct pst_setpool p = {.words = 1};
	const uint64_t a = 1, b = 2;
	uint32_t number;

	for (long n = 0;; n++) {
		pst_mem_fail_after(n);
		if (!pst_setpool_add(&p, &a, &number))
			break;
		cr_assert_eq(p.n, 0);
	}
	pst_mem_fail_after(-1);
	cr_assert_eq(number, 0);
	cr_assert_eq(pst_setpool_add(&p, &b, &number), 0);
	cr_assert_eq(number, 1);
	pst_setpool_fini(&p);
}
