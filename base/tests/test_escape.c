// SPDX-License-Identifier: Apache-2.0
#include "base/escape.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect(const char *in, size_t len, const char *expected)
{
	pst_auto_free char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	pst_escape_print(out, in, len);
	fclose(out);
	cr_assert_str_eq(text, expected);
}

Test(escape, plain_text_stays)
{
	expect("", 0, "");
	expect(" a~/\\\"", 6, " a~/\\\"");
	expect("\xc2\xa0\xe2\x82\xac\xf0\x9f\x90\x9d", 9, "\xc2\xa0\xe2\x82\xac\xf0\x9f\x90\x9d");
}

Test(escape, every_ascii_control_is_shown)
{
	for (int c = 0; c < 0x100; c++) {
		char in[] = {(char)c, '\0'};
		char shown[] = "\\x00";
		bool plain = c >= 0x20 && c < 0x7f;

		snprintf(shown, sizeof(shown), "\\x%02x", c);
		expect(in, 1, plain ? in : shown);
	}
}

Test(escape, controls_in_two_bytes_are_shown)
{
	expect("\xc2\x80\xc2\x9b\xc2\x9f", 6, "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f");
}

Test(escape, broken_sequences_are_shown_and_do_not_eat_what_follows)
{
	expect("\xc2\n", 2, "\\xc2\\x0a");
	expect("\xe2\x82z", 3, "\\xe2\\x82z");
	expect("\xed\xa0\x80", 3, "\\xed\\xa0\\x80");
	expect("\xc0\xaf", 2, "\\xc0\\xaf");
	expect("a\xf0\x9f\x90", 4, "a\\xf0\\x9f\\x90");
}

Test(escape, a_sequence_has_the_length_of_its_form)
{
	cr_assert_eq(pst_escape_utf8_len("a", 1), 1);
	cr_assert_eq(pst_escape_utf8_len("\n", 1), 1);
	cr_assert_eq(pst_escape_utf8_len("\xc2\x80", 2), 2);
	cr_assert_eq(pst_escape_utf8_len("\xc2\x80", 1), 0);
	cr_assert_eq(pst_escape_utf8_len("\xe2\x82\xac", 3), 3);
	cr_assert_eq(pst_escape_utf8_len("\xf0\x9f\x90\x9d", 4), 4);
	cr_assert_eq(pst_escape_utf8_len("\x80", 1), 0);
}
