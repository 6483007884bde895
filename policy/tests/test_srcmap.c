// SPDX-License-Identifier: Apache-2.0
#include "policy/srcmap.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void t_place(const struct pst_pos *pos, unsigned int line, unsigned int col,
		    unsigned int end_line, unsigned int end_col)
{
	cr_expect_eq(pos->line, line, "line %u, not %u", pos->line, line);
	cr_expect_eq(pos->col, col, "column %u, not %u", pos->col, col);
	cr_expect_eq(pos->end_line, end_line, "end line %u, not %u", pos->end_line, end_line);
	cr_expect_eq(pos->end_col, end_col, "end column %u, not %u", pos->end_col, end_col);
}

Test(srcmap, offsets_of_characters_and_the_end)
{
	static const char text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z";
	static const size_t expected[] = {0, 1, 3, 6, 10, 11, 11};
	struct pst_srcmap map;

	pst_srcmap_init(&map, "f", text, strlen(text));
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		cr_expect_eq(pst_srcmap_offset(&map, i), expected[i], "%zu", i);
	cr_expect_eq(pst_srcmap_offset(&map, 100000), strlen(text));
	for (size_t i = sizeof(expected) / sizeof(*expected); i--;)
		cr_expect_eq(pst_srcmap_offset(&map, i), expected[i], "%zu", i);
}

Test(srcmap, a_place_outside_the_text_is_cut_to_it)
{
	struct pst_srcmap map;
	struct pst_pos pos;

	pst_srcmap_init(&map, "f", "ab\nc", 4);
	pos = pst_srcmap_pos(&map, 1, 3);
	t_place(&pos, 1, 2, 2, 1);
	pos = pst_srcmap_pos(&map, 99, 2);
	t_place(&pos, 2, 2, 2, 2);
}

Test(srcmap, characters_count_from_the_base_and_places_do_not)
{
	static const char text[] = "\xc3\xa9\n\xc3\xa9x\n";
	struct pst_srcmap map;
	struct pst_pos pos;

	pst_srcmap_init(&map, "f", text, strlen(text));
	pst_srcmap_rebase(&map, 3);
	cr_expect_eq(pst_srcmap_offset(&map, 0), 3);
	cr_expect_eq(pst_srcmap_offset(&map, 1), 5);
	pos = pst_srcmap_pos(&map, 0, 5);
	t_place(&pos, 1, 1, 2, 3);
	cr_expect_eq(pst_srcmap_offset(&map, 1), 5);
}

/* What the cursor must say about the byte AT, found by counting from the start. */
static void t_check_at(struct pst_srcmap *map, size_t at)
{
	const struct pst_pos pos = pst_srcmap_pos(map, at, at);
	size_t line = 1, col = 1, chars = 0;

	for (size_t i = 0; i < at; i++) {
		bool newline = map->text[i] == '\n';

		line += newline;
		col = newline ? 1 : col + 1;
		chars += ((unsigned char)map->text[i] & 0xc0) != 0x80;
	}
	t_place(&pos, (unsigned int)line, (unsigned int)col, (unsigned int)line, (unsigned int)col);
	if (at == map->len || ((unsigned char)map->text[at] & 0xc0) != 0x80)
		cr_expect_eq(pst_srcmap_offset(map, chars), at, "character %zu", chars);
}

Test(srcmap, a_cursor_that_jumps_about_says_the_same_as_counting)
{
	static const char *const parts[] = {"a", "\n", "\xc3\xa9", "\n\n", "\xe2\x82\xac", "long"};
	char text[400];
	struct pst_srcmap map;
	size_t len = 0;

	srandom(20261123);
	while (len < sizeof(text) - 8) {
		const char *part = parts[(size_t)random() % (sizeof(parts) / sizeof(*parts))];

		memcpy(text + len, part, strlen(part));
		len += strlen(part);
	}
	pst_srcmap_init(&map, "f", text, len);
	for (int i = 0; i < 3000; i++)
		t_check_at(&map, (size_t)random() % (len + 1));
}
