// SPDX-License-Identifier: Apache-2.0
#include "lint/comment.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take(void *ctx, const struct pst_comment *c)
{
	fprintf(ctx, "%u:%u %.*s %u-%u%s\n", c->line, c->col, (int)c->len, c->text, c->from_line,
		c->to_line, c->trailing ? " trailing" : "");
	return 0;
}

/* Each comment as "line:col text from-to". */
static void expect(const char *text, const char *wanted)
{
	char *found = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&found, &len);

	cr_assert_eq(pst_comments_each(text, strlen(text), "x", take, out), 0);
	fclose(out);
	cr_expect_str_eq(found, wanted, "in:\n%s\nfound:\n%sexpected:\n%s", text, found, wanted);
	free(found);
}

Test(comment, at_the_end_of_a_line_it_covers_the_line)
{
	expect("a: b # x\nc: d\n", "1:6 x 1-1 trailing\n");
	expect("a: [b, # x\n  c] # x2\n", "1:8 x 1-1 trailing\n2:6 x2 2-2 trailing\n");
	expect("a: # x\n  b: c\n", "1:4 x 1-1 trailing\n");
}

Test(comment, a_number_sign_inside_a_word_is_none)
{
	expect("a: b#x\nc: http://h/#x\n", "");
	expect("#x\na: 'b'\n", "1:1 x 2-2\n");
}

Test(comment, on_its_own_line_it_covers_the_next_line_and_what_is_nested_in_it)
{
	expect("# x\na:\n  b: c\n\n  d: e\nf: g\n", "1:1 x 2-5\n");
	expect("a:\n  # x\n  b: c\n  d: e\n", "2:3 x 3-3\n");
	expect("# x\n\n# other\na: b\n", "1:1 x 4-4\n");
}

Test(comment, behind_a_key_it_covers_a_list_at_the_same_indentation)
{
	expect("# x\na:\n- b\n- c:\n    d\ne: f\n", "1:1 x 2-5\n");
	expect("a:\n# x\n- b: c\n  d: e\n- f\n", "2:1 x 3-4\n");
	expect("# x\na:\n  - b\nc:\n- d\n", "1:1 x 2-3\n");
}

Test(comment, at_the_end_of_the_text_it_covers_nothing)
{
	expect("a: b\n# x", "2:1 x 3-2\n");
	expect("a: b\n# x\n---\nc: d\n", "2:1 x 3-2\n");
}

Test(comment, a_document_marker_ends_what_it_covers)
{
	expect("# x\na:\n  b: c\n---\n  d: e\n", "1:1 x 2-3\n");
}

Test(comment, inside_quotes_there_is_none)
{
	expect("a: \"b # x\"\nc: 'd # x'\n", "");
	expect("a: \"b\n  # x\n  c\" # x2\n", "3:6 x2 3-3 trailing\n");
	expect("a: 'it''s\n  # x\n  '\n", "");
	expect("a: \"\\\" # x\"\n", "");
	expect("a: it's # x\n", "1:9 x 1-1 trailing\n");
}

Test(comment, inside_a_block_scalar_there_is_none)
{
	expect("a: |\n  # x\n  b # x\n\n  # x\nc: d # x2\n", "6:6 x2 6-6 trailing\n");
	expect("a: >-\n    # x\n   # x2\nb: c\n", "3:4 x2 4-4\n");
	expect("- a: |\n    # x\n  b: c # x2\n", "3:8 x2 3-3 trailing\n");
	expect("- |\n  # x\n- b # x2\n", "3:5 x2 3-3 trailing\n");
	expect("a: !!str &b |\n  # x\n", "");
	expect("--- |\n# x\n---\n# x2\na: b\n", "4:1 x2 5-5\n");
	expect("\"a\": |\n  # x\n", "");
}

Test(comment, a_block_scalar_may_be_empty_or_say_its_indentation)
{
	expect("a: |\n# x\nb: c\n", "2:1 x 3-3\n");
	expect("- a: |\n  # x\n  b: c\n", "2:3 x 3-3\n");
	expect("a: |2\n    b\n  # x\nc: d\n", "");
	expect("a: |4\n    b\n  # x\nc: d\n", "3:3 x 4-4\n");
	expect("a: |2-   # x\n  # no\n", "1:10 x 1-1 trailing\n");
}

Test(comment, a_bar_elsewhere_starts_no_block_scalar)
{
	expect("a: b | c # x\n", "1:10 x 1-1 trailing\n");
	expect("a: GET|HEAD\n# x\nb: c\n", "2:1 x 3-3\n");
	expect("a: [\"|\"]\n  # x\nb: c\n", "2:3 x 3-3\n");
}

Test(comment, what_is_nested_in_it_includes_the_lines_of_scalars)
{
	expect("# x\na: |\n  b\n\n  c\nd: e\n", "1:1 x 2-5\n");
	expect("# x\na: \"b\nc\"\nd: e\n", "1:1 x 2-3\n");
}

Test(comment, crlf_tabs_and_a_byte_order_mark_change_nothing)
{
	expect("\xef\xbb\xbf# x\r\na: b\t# x2\r\nc: d\r\n", "1:4 x 2-2\n2:6 x2 2-2 trailing\n");
}

Test(comment, in_flow_collections_they_are_found)
{
	expect("{\"a\":\"b\", # x\n # x2\n \"c\": [d, # x3\n e]}\n",
	       "1:11 x 1-1 trailing\n2:2 x2 3-3\n3:11 x3 3-3 trailing\n");
	expect("{\"a\": \"# x\"}\n", "");
}

Test(comment, many_of_them_take_no_more_than_linear_time)
{
	const size_t n = 200000;
	char *text = malloc(n * 8 + 1);
	char *found = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&found, &len);

	for (size_t i = 0; i < n; i++)
		memcpy(text + i * 8, i % 2 ? "- a: bc\n" : "# x    \n", 8);
	cr_assert_eq(pst_comments_each(text, n * 8, "x", take, out), 0);
	fclose(out);
	cr_assert_gt(len, n);
	free(found);
	free(text);
}

static int count(void *ctx, const struct pst_comment *c)
{
	(void)c;
	++*(size_t *)ctx;
	return 0;
}

Test(comment, a_block_of_many_in_a_row_takes_no_more_than_linear_time, .timeout = 10)
{
	static const char last[] = "a: b\n";
	const size_t n = 500000, len = n * 4;
	char *text = malloc(len + sizeof(last));
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		memcpy(text + i * 4, "# x\n", 4);
	memcpy(text + len, last, sizeof(last));
	cr_assert_eq(pst_comments_each(text, len + strlen(last), "x", count, &found), 0);
	cr_assert_eq(found, n);
	free(text);
}

Test(comment, all_of_a_block_speak_about_the_line_behind_it)
{
	expect("# x1\n\n# x2\n  # x3\na: b\n", "1:1 x1 5-5\n3:1 x2 5-5\n4:3 x3 5-5\n");
}
