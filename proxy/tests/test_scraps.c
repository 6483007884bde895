// SPDX-License-Identifier: Apache-2.0
#include "proxy/scraps.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/mem.h"

static size_t kept(const struct pst_scraps *s)
{
	size_t n = 0;

	for (size_t i = 0; i < PST_SCRAPS_CLASSES; i++)
		n += s->classes[i].n;
	return n;
}

Test(scraps, a_piece_is_never_smaller_than_asked_for_wherever_it_comes_from)
{
	struct pst_scraps s = {0};

	for (size_t size = 0; size < 2 * (size_t)PST_SCRAPS_LARGEST; size++) {
		/* One from the heap, or that was larger before; the next is what was let go of. */
		for (int i = 0; i < 2; i++) {
			char *piece = pst_scraps_take(&s, size);

			cr_assert_not_null(piece);
			cr_assert_geq(pst_scraps_size(piece), size);
			memset(piece, 0xa5, size);
			pst_scraps_give(&s, piece);
		}
	}
	pst_scraps_give(&s, NULL);
	pst_scraps_trim(&s);
	cr_expect_eq(kept(&s), 0);
}

Test(scraps, so_many_of_each_size_are_kept_and_no_large_ones)
{
	enum { N = PST_SCRAPS_MOST + 10 };
	struct pst_scraps s = {0};
	void *small[N], *large[N];

	for (int i = 0; i < N; i++) {
		small[i] = pst_scraps_take(&s, 100);
		large[i] = pst_scraps_take(&s, PST_SCRAPS_LARGEST + 100);
	}
	for (int i = 0; i < N; i++) {
		pst_scraps_give(&s, large[i]);
		cr_expect_eq(kept(&s), 0);
	}
	for (int i = 0; i < N; i++)
		pst_scraps_give(&s, small[i]);
	cr_expect_leq(kept(&s), PST_SCRAPS_MOST);
	pst_scraps_trim(&s);
	cr_expect_eq(kept(&s), 0);
}

Test(scraps, without_memory_there_is_none)
{
	struct pst_scraps s = {0};

	pst_mem_fail_after(0);
	cr_expect_null(pst_scraps_take(&s, 100));
	pst_mem_fail_after(0);
	cr_expect_null(pst_scraps_take(&s, PST_SCRAPS_LARGEST + 100));
	pst_mem_fail_after(-1);
}

#ifndef __SANITIZE_ADDRESS__ /* built by gcc only */
Test(scraps, what_was_let_go_of_last_is_taken_first)
{
	struct pst_scraps s = {0};
	void *a = pst_scraps_take(&s, 100), *b = pst_scraps_take(&s, 100);

	pst_scraps_give(&s, a);
	pst_scraps_give(&s, b);
	cr_expect_eq(kept(&s), 2);
	cr_expect_eq(pst_scraps_take(&s, 100), b);
	cr_expect_eq(pst_scraps_take(&s, 100), a);
	pst_scraps_give(&s, a);
	pst_scraps_give(&s, b);
	pst_scraps_trim(&s);
}
#endif
