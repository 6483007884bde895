// SPDX-License-Identifier: Apache-2.0
#include "policy/utf8.h"

#include <criterion/criterion.h>
#include <string.h>

/* The first fault of TEXT is FAULT at AT. */
static void t_fault(const char *text, size_t len, enum pst_utf8_fault fault, size_t at)
{
	enum pst_utf8_fault found;
	size_t where = pst_utf8_find_fault(text, len, 0, &found);

	cr_expect_eq(found, fault, "%s: %d", text, found);
	cr_expect_eq(where, at, "%s: %zu", text, where);
}

#define T_FAULT(text, fault, at) t_fault("" text, sizeof(text) - 1, fault, at)

Test(utf8, characters_of_each_length_pass_up_to_their_bounds)
{
	T_FAULT("", PST_UTF8_NONE, 0);
	T_FAULT("a\t\r\n~", PST_UTF8_NONE, 5);
	T_FAULT("\xc2\xa0\xdf\xbf", PST_UTF8_NONE, 4);
	T_FAULT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd", PST_UTF8_NONE, 12);
	T_FAULT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", PST_UTF8_NONE, 8);
	T_FAULT("\xc2\x85", PST_UTF8_NONE, 2);
	T_FAULT("\xef\xbb\xbf", PST_UTF8_NONE, 3);
}

Test(utf8, one_step_over_each_bound_is_refused)
{
	T_FAULT("ab\x80", PST_UTF8_INVALID, 2);
	T_FAULT("a\xc0\xaf", PST_UTF8_INVALID, 1);
	T_FAULT("\xc1\xbf", PST_UTF8_INVALID, 0);
	T_FAULT("\xe0\x9f\xbf", PST_UTF8_INVALID, 0);
	T_FAULT("\xed\xa0\x80", PST_UTF8_INVALID, 0);
	T_FAULT("\xed\xbf\xbf", PST_UTF8_INVALID, 0);
	T_FAULT("\xf0\x8f\xbf\xbf", PST_UTF8_INVALID, 0);
	T_FAULT("\xf4\x90\x80\x80", PST_UTF8_INVALID, 0);
	T_FAULT("\xf8\x88\x80\x80\x80", PST_UTF8_INVALID, 0);
	T_FAULT("\xff", PST_UTF8_INVALID, 0);
}

Test(utf8, a_character_that_is_cut_off_is_refused_where_it_begins)
{
	T_FAULT("x\xc3", PST_UTF8_INVALID, 1);
	T_FAULT("x\xe2\x82", PST_UTF8_INVALID, 1);
	T_FAULT("x\xf0\x9f\x98", PST_UTF8_INVALID, 1);
	T_FAULT("x\xe2\x82z", PST_UTF8_INVALID, 1);
}

Test(utf8, control_characters_and_nul_are_told_apart)
{
	T_FAULT("a\x01", PST_UTF8_CONTROL, 1);
	T_FAULT("a\x1f", PST_UTF8_CONTROL, 1);
	T_FAULT("a\x7f", PST_UTF8_CONTROL, 1);
	T_FAULT("\xc2\x80", PST_UTF8_CONTROL, 0);
	T_FAULT("\xc2\x9f", PST_UTF8_CONTROL, 0);
	T_FAULT("\xef\xbf\xbe", PST_UTF8_CONTROL, 0);
	t_fault("ab\0c", 4, PST_UTF8_NUL, 2);
}

Test(utf8, the_search_begins_where_it_is_told_to)
{
	enum pst_utf8_fault fault;

	cr_expect_eq(pst_utf8_find_fault("\xff ok \xff", 6, 1, &fault), 5);
	cr_expect_eq(fault, PST_UTF8_INVALID);
	cr_expect_eq(pst_utf8_find_fault("\xff ok", 4, 1, &fault), 4);
	cr_expect_eq(fault, PST_UTF8_NONE);
}
