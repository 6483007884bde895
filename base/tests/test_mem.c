// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_zero(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i])
			return false;
	}
	return true;
}

Test(mem, calloc_gives_zeroed_memory)
{
	pst_auto_free unsigned char *p = pst_mem_calloc(3, 7);

	cr_assert_not_null(p);
	cr_assert(is_zero(p, 21));
}

Test(mem, calloc_of_nothing_is_not_null)
{
	pst_auto_free void *none = pst_mem_calloc(0, 8);
	pst_auto_free void *empty = pst_mem_calloc(8, 0);

	cr_assert_not_null(none);
	cr_assert_not_null(empty);
}

Test(mem, calloc_refuses_a_product_that_overflows)
{
	volatile size_t huge = SIZE_MAX / 2 + 1;

	cr_assert_null(pst_mem_calloc(huge, 2));
}

Test(mem, strndup_copies_bytes_and_ends_them)
{
	pst_auto_free char *s = pst_mem_strndup("abc\0def", 5);
	pst_auto_free char *empty = pst_mem_strndup(NULL, 0);

	cr_assert_eq(memcmp(s, "abc\0d", 6), 0);
	cr_assert_str_eq(empty, "");
}

Test(mem, strndup_refuses_a_length_without_room_for_the_end)
{
	volatile size_t huge = SIZE_MAX;

	cr_assert_null(pst_mem_strndup("a", huge));
}

Test(mem, grow_makes_room_and_keeps_the_content)
{
	pst_auto_free int *array = NULL;
	size_t cap = 0;

	cr_assert_eq(pst_mem_grow(&array, &cap, 1, sizeof(*array)), 0);
	cr_assert_geq(cap, 1);
	array[0] = 42;
	cr_assert_eq(pst_mem_grow(&array, &cap, 1000, sizeof(*array)), 0);
	cr_assert_geq(cap, 1000);
	cr_assert_eq(array[0], 42);
}

Test(mem, grow_leaves_an_array_alone_that_is_large_enough)
{
	pst_auto_free int *array = NULL;
	size_t cap = 0;
	const int *before;

	cr_assert_eq(pst_mem_grow(&array, &cap, 8, sizeof(*array)), 0);
	before = array;
	pst_mem_fail_after(0);
	cr_assert_eq(pst_mem_grow(&array, &cap, cap, sizeof(*array)), 0);
	cr_assert_not(pst_mem_failed());
	cr_assert_eq(array, before);
}

Test(mem, grow_doubles_so_that_appending_is_cheap)
{
	pst_auto_free char *array = NULL;
	size_t cap = 0, grown = 0;

	for (size_t n = 1; n <= 100000; n++) {
		size_t before = cap;

		cr_assert_eq(pst_mem_grow(&array, &cap, n, 1), 0);
		grown += cap != before;
	}
	cr_assert_leq(grown, 17);
}

Test(mem, grow_refuses_what_overflows_and_changes_nothing)
{
	static const struct {
		size_t need, size;
	} cases[] = {
		{SIZE_MAX, 1},		     /* the doubling overflows */
		{SIZE_MAX / 2 + 2, 1},	     /* its next power of two does not exist */
		{SIZE_MAX / 16 + 2, 32},     /* the product overflows */
		{(SIZE_MAX >> 10), 1 << 20}, /* and again, with a usual size */
	};
	pst_auto_free char *array = NULL;
	size_t cap = 0;

	cr_assert_eq(pst_mem_grow(&array, &cap, 4, 1), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *before = array;
		size_t before_cap = cap;

		cr_assert_eq(pst_mem_grow(&array, &cap, cases[i].need, cases[i].size), -ENOMEM,
			     "case %zu", i);
		cr_assert_eq(array, before);
		cr_assert_eq(cap, before_cap);
	}
}

Test(mem, the_nth_allocation_fails_once)
{
	pst_auto_free void *first = NULL, *third = NULL;

	pst_mem_fail_after(1);
	first = pst_mem_calloc(1, 1);
	cr_assert_not_null(first);
	cr_assert_not(pst_mem_failed());
	cr_assert_null(pst_mem_calloc(1, 1));
	cr_assert(pst_mem_failed());
	third = pst_mem_strndup("x", 1);
	cr_assert_not_null(third);
}

Test(mem, asking_for_a_failure_forgets_the_last_one)
{
	pst_mem_fail_after(0);
	cr_assert_null(pst_mem_calloc(1, 1));
	pst_mem_fail_after(-1);
	cr_assert_not(pst_mem_failed());
}

Test(mem, a_failing_growth_changes_nothing)
{
	pst_auto_free int *array = NULL;
	size_t cap = 0;

	cr_assert_eq(pst_mem_grow(&array, &cap, 4, sizeof(*array)), 0);
	pst_mem_fail_after(0);
	cr_assert_eq(pst_mem_grow(&array, &cap, cap + 1, sizeof(*array)), -ENOMEM);
	cr_assert_not_null(array);
	cr_assert_eq(cap, 8);
	cr_assert_eq(pst_mem_grow(&array, &cap, cap + 1, sizeof(*array)), 0);
}

Test(arena, every_size_is_aligned_for_any_type)
{
	struct pst_arena *a = pst_arena_new();

	for (size_t size = 0; size < 200; size++) {
		void *p = pst_arena_alloc(a, size);

		cr_assert_eq((uintptr_t)p % alignof(max_align_t), 0, "size %zu", size);
	}
	pst_arena_free(&a);
}

Test(arena, memory_is_zeroed_and_not_shared)
{
	struct pst_arena *a = pst_arena_new();
	unsigned char *blocks[400];

	/* 400 times 500 bytes: more than one block of the arena. */
	for (size_t i = 0; i < 400; i++) {
		blocks[i] = pst_arena_alloc(a, 500);
		cr_assert(is_zero(blocks[i], 500));
		memset(blocks[i], (int)i, 500);
	}
	for (size_t i = 0; i < 400; i++) {
		for (size_t k = 0; k < 500; k++)
			cr_assert_eq(blocks[i][k], (unsigned char)i);
	}
	pst_arena_free(&a);
}

/* A block holds 64 KiB. */
Test(arena, an_object_never_crosses_the_end_of_its_block)
{
	struct pst_arena *a = pst_arena_new();
	unsigned char *first = pst_arena_alloc(a, 64 * 1024 - 16);
	unsigned char *second = pst_arena_alloc(a, 32);

	cr_assert_neq(second, first + 64 * 1024 - 16);
	pst_arena_free(&a);
}

Test(arena, an_object_larger_than_a_block_gets_one_of_its_own)
{
	struct pst_arena *a = pst_arena_new();
	unsigned char *small = pst_arena_alloc(a, 16);
	unsigned char *large = pst_arena_alloc(a, 1 << 20);

	small[15] = 1;
	cr_assert(is_zero(large, 1 << 20));
	memset(large, 0xff, 1 << 20);
	cr_assert_eq(small[15], 1);
	pst_arena_free(&a);
}

Test(arena, sizes_that_overflow_are_refused)
{
	struct pst_arena *a = pst_arena_new();

	for (size_t less = 0; less < 64; less++)
		cr_assert_null(pst_arena_alloc(a, SIZE_MAX - less), "SIZE_MAX - %zu", less);
	cr_assert_null(pst_arena_calloc(a, SIZE_MAX / 2 + 1, 2));
	cr_assert_null(pst_arena_strndup(a, "x", SIZE_MAX));
	cr_assert_eq(pst_arena_used(a), 0);
	pst_arena_free(&a);
}

Test(arena, a_failed_allocation_leaves_it_usable)
{
	struct pst_arena *a = pst_arena_new();

	pst_mem_fail_after(0);
	cr_assert_null(pst_arena_alloc(a, 10));
	cr_assert(pst_mem_failed());
	cr_assert_not_null(pst_arena_alloc(a, 10));
	pst_arena_free(&a);
}

Test(arena, strings_are_copied_and_formatted)
{
	struct pst_arena *a = pst_arena_new();

	cr_assert_str_eq(pst_arena_strndup(a, "abcdef", 3), "abc");
	cr_assert_str_eq(pst_arena_strndup(a, NULL, 0), "");
	cr_assert_str_eq(pst_arena_printf(a, "%s:%d", "x", 7), "x:7");
	cr_assert_str_eq(pst_arena_printf(a, "%s", ""), "");
	pst_arena_free(&a);
}

Test(arena, used_counts_what_was_handed_out)
{
	struct pst_arena *a = pst_arena_new();

	cr_assert_eq(pst_arena_used(a), 0);
	cr_assert_not_null(pst_arena_alloc(a, 100));
	cr_assert_geq(pst_arena_used(a), 100);
	cr_assert_lt(pst_arena_used(a), 100 + alignof(max_align_t));
	pst_arena_free(&a);
}

Test(arena, free_takes_null_and_leaves_null)
{
	struct pst_arena *a = NULL;

	pst_arena_free(&a);
	a = pst_arena_new();
	pst_arena_free(&a);
	cr_assert_null(a);
}

Test(arena, new_reports_that_there_is_no_memory)
{
	pst_mem_fail_after(0);
	cr_assert_null(pst_arena_new());
}

Test(arena, every_allocation_can_be_made_to_fail_not_only_that_of_a_block)
{
	struct pst_arena *a = pst_arena_new();

	cr_assert_not_null(pst_arena_alloc(a, 1));
	pst_mem_fail_after(1);
	cr_assert_not_null(pst_arena_alloc(a, 1));
	cr_assert_null(pst_arena_alloc(a, 1));
	cr_assert(pst_mem_failed());
	pst_arena_free(&a);
}

Test(arena, a_new_block_is_one_allocation)
{
	struct pst_arena *a = pst_arena_new();

	pst_mem_fail_after(1);
	cr_assert_not_null(pst_arena_alloc(a, 1));
	cr_assert_not(pst_mem_failed());
	cr_assert_null(pst_arena_alloc(a, 1));
	pst_arena_free(&a);
}

Test(arena, reset_hands_the_same_memory_out_again_zeroed)
{
	struct pst_arena *a = pst_arena_new();
	unsigned char *first = pst_arena_alloc(a, 5000), *again;

	memset(first, 0xff, 5000);
	pst_arena_reset(a);
	cr_assert_eq(pst_arena_used(a), 0);
	again = pst_arena_alloc(a, 5000);
	cr_assert_eq(again, first);
	cr_assert(is_zero(again, 5000));
	pst_arena_free(&a);
}

/* Under the sanitizers a block that is neither kept nor freed would be a leak. */
Test(arena, reset_after_many_blocks_and_large_ones_leaves_a_usable_arena)
{
	struct pst_arena *a = pst_arena_new();

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 100; i++)
			memset(pst_arena_alloc(a, 5000), 0xff, 5000);
		memset(pst_arena_alloc(a, 1 << 20), 0xff, 1 << 20);
		pst_arena_reset(a);
		cr_assert(is_zero(pst_arena_alloc(a, 60000), 60000));
	}
	pst_arena_free(&a);
}

Test(arena, reset_of_an_empty_arena_changes_nothing)
{
	struct pst_arena *a = pst_arena_new();

	pst_arena_reset(a);
	cr_assert_not_null(pst_arena_alloc(a, 1));
	pst_arena_free(&a);
}

Test(mem, two_strings_are_joined_with_what_stands_between_them)
{
	struct pst_arena *a = pst_arena_new();

	cr_assert_str_eq(pst_arena_join(a, "ns", '/', "pod"), "ns/pod");
	cr_assert_str_eq(pst_arena_join(a, "", ':', ""), ":");
	pst_mem_fail_after(0);
	cr_assert_null(pst_arena_join(a, "x", '/', "y"));
	pst_mem_fail_after(-1);
	pst_arena_free(&a);
}

Test(arena, strings_and_objects_of_one_block_never_overlap)
{
	struct pst_arena *a = pst_arena_new();
	unsigned char *objects[200];
	char *strings[200];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			strings[i] = pst_arena_printf(a, "%0*d", 1 + i % 60, i);
			objects[i] = pst_arena_alloc(a, (size_t)(i % 90));
			cr_assert_eq((uintptr_t)objects[i] % alignof(max_align_t), 0);
			for (int k = 0; k < i % 90; k++)
				cr_assert_eq(objects[i][k], 0, "what was there before is gone");
			memset(objects[i], 0xff, (size_t)(i % 90));
		}
		for (int i = 0; i < 200; i++) {
			char expected[64];

			snprintf(expected, sizeof(expected), "%0*d", 1 + i % 60, i);
			cr_assert_str_eq(strings[i], expected);
		}
		pst_arena_reset(a);
	}
	pst_arena_free(&a);
}

Test(arena, small_ones_hold_little_more_than_was_asked_for)
{
	enum { ARENAS = 1000, STRINGS = 100 };
	struct pst_arena *all[ARENAS];
	const size_t before = mallinfo2().uordblks;
	size_t asked = 0;

	for (int i = 0; i < ARENAS; i++) {
		all[i] = pst_arena_new();
		for (int k = 0; k < STRINGS; k++)
			pst_arena_strndup(all[i], "endpointSelector", 16);
		asked += pst_arena_used(all[i]);
	}
	cr_expect_eq(asked, ARENAS * STRINGS * 17, "strings need no alignment");
	if (mallinfo2().uordblks) /* a sanitizer's malloc does not tell */
		cr_expect_lt(mallinfo2().uordblks - before, asked * 3 / 2);
	for (int i = 0; i < ARENAS; i++)
		pst_arena_free(&all[i]);
}

static size_t resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	char line[100] = "", *second = NULL;

	cr_assert(f && fgets(line, sizeof(line), f));
	fclose(f);
	second = strchr(line, ' ');
	cr_assert_not_null(second);
	return strtoul(second, NULL, 10);
}

/* What is allocated between its blocks would pin what it held, were it of the heap. */
Test(arena, a_large_one_gives_its_pages_back)
{
	enum { OBJECT = 40000, OBJECTS = 1000, PAGE = 4096 };
	struct pst_arena *a = pst_arena_new();
	const size_t before = resident_pages();
	void *pins[OBJECTS];
	unsigned char *p;
	size_t full;

	for (size_t i = 0; i < OBJECTS; i++) {
		p = pst_arena_alloc(a, OBJECT + i);
		cr_assert_eq((uintptr_t)p % alignof(max_align_t), 0);
		cr_assert(is_zero(p, OBJECT + i));
		memset(p, 0xff, OBJECT + i);
		cr_assert_str_eq(pst_arena_strndup(a, "between", 7), "between");
		pins[i] = pst_mem_calloc(1, 2000);
	}
	full = resident_pages();
	cr_assert_gt(full, before + (size_t)OBJECTS * OBJECT / PAGE);
	pst_arena_reset(a);
	p = pst_arena_alloc(a, 20);
	cr_assert(is_zero(p, 20));
	pst_arena_free(&a);
#ifndef __SANITIZE_ADDRESS__
	cr_assert_lt(resident_pages(), before + (full - before) / 5);
#endif
	for (size_t i = 0; i < OBJECTS; i++)
		free(pins[i]);
}
