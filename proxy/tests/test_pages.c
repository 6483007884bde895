// SPDX-License-Identifier: Apache-2.0
#include "proxy/pages.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

static bool is_zero(const char *at, size_t size)
{
	return !*at && !memcmp(at, at + 1, size - 1);
}

/* Does memory stand behind the page? */
static bool is_resident(char *at)
{
	unsigned char in;

	cr_assert_eq(mincore(at, 4096, &in), 0);
	return in & 1;
}

Test(pages, a_piece_holds_zeros_and_begins_at_a_page)
{
	static const size_t sizes[] = {1, 4096, 4097, 8192, 8193, 16394, PST_PAGES_LARGEST};
	struct pst_pages p = {0};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		char *at = pst_pages_take(&p, sizes[i]);

		cr_assert(at && (uintptr_t)at % 4096 == 0);
		cr_assert(is_zero(at, sizes[i]));
		memset(at, 0xee, sizes[i]);
		pst_pages_give(&p, at, sizes[i]);
		at = pst_pages_take(&p, sizes[i]);
		cr_assert(is_zero(at, sizes[i]), "%zu: what was there before", sizes[i]);
		pst_pages_give(&p, at, sizes[i]);
	}
	pst_pages_fini(&p);
}

Test(pages, what_is_larger_than_the_largest_is_refused)
{
	struct pst_pages p = {0};

	cr_assert_null(pst_pages_take(&p, PST_PAGES_LARGEST + 1));
	pst_pages_fini(&p);
}

Test(pages, pieces_do_not_overlap)
{
	struct pst_pages p = {0};
	char *all[1000];

	for (size_t i = 0; i < 1000; i++) {
		all[i] = pst_pages_take(&p, 8192);
		cr_assert(all[i] && is_zero(all[i], 8192));
		memset(all[i], (int)(i % 255) + 1, 8192);
	}
	for (size_t i = 0; i < 1000; i++) {
		cr_assert_eq(all[i][0], (char)(i % 255 + 1));
		cr_assert_eq(all[i][8191], (char)(i % 255 + 1));
		pst_pages_give(&p, all[i], 8192);
	}
	pst_pages_fini(&p);
}

Test(pages, a_piece_that_was_given_back_keeps_its_memory_for_the_next_one)
{
	struct pst_pages p = {0};
	char *at = pst_pages_take(&p, 16394);

	memset(at, 0xee, 16394);
	pst_pages_give(&p, at, 16394);
	cr_assert(is_resident(at) && is_resident(at + 16384));
	cr_assert_eq(pst_pages_take(&p, 16394), at);
	cr_assert(is_resident(at) && is_zero(at, 16394));
	pst_pages_give(&p, at, 16394);
	pst_pages_trim(&p);
	cr_assert(!is_resident(at) && !is_resident(at + 16384));
	cr_assert(is_zero(pst_pages_take(&p, 16394), 16394));
	pst_pages_fini(&p);
}

Test(pages, few_of_them_do)
{
	enum { MANY = 4 * PST_PAGES_KEPT };
	struct pst_pages p = {0};
	char *all[MANY];
	size_t resident = 0;

	for (size_t i = 0; i < MANY; i++)
		memset(all[i] = pst_pages_take(&p, 4096), 0xee, 4096);
	for (size_t i = 0; i < MANY; i++)
		pst_pages_give(&p, all[i], 4096);
	for (size_t i = 0; i < MANY; i++)
		resident += is_resident(all[i]);
	cr_assert_eq(resident, PST_PAGES_KEPT);
	for (size_t i = 0; i < MANY; i++)
		cr_assert(is_zero(pst_pages_take(&p, 4096), 4096));
	pst_pages_fini(&p);
}

Test(pages, an_emptied_piece_holds_no_memory_and_then_zeros)
{
	struct pst_pages p = {0};
	char *at = pst_pages_take(&p, 16394);

	memset(at, 0xee, 16394);
	cr_assert(is_resident(at) && is_resident(at + 16384));
	pst_pages_empty(at, 16394);
	cr_assert(!is_resident(at) && !is_resident(at + 16384));
	cr_assert(is_zero(at, 16394));
	pst_pages_give(&p, at, 16394);
	pst_pages_fini(&p);
}
