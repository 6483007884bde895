// SPDX-License-Identifier: Apache-2.0
/*
 * Sequences are checked against a plain encoder, for every code point around every boundary.
 */
#include <criterion/criterion.h>

#include "compiler/charclass.h"
#include "compiler/utf8.h"

static unsigned int encode(uint32_t c, uint8_t out[4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 + c / 64);
		out[1] = (uint8_t)(0x80 + c % 64);
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 + c / 4096);
		out[1] = (uint8_t)(0x80 + c / 64 % 64);
		out[2] = (uint8_t)(0x80 + c % 64);
		return 3;
	}
	out[0] = (uint8_t)(0xf0 + c / 262144);
	out[1] = (uint8_t)(0x80 + c / 4096 % 64);
	out[2] = (uint8_t)(0x80 + c / 64 % 64);
	out[3] = (uint8_t)(0x80 + c % 64);
	return 4;
}

/* In how many sequences of LO..HI are the bytes of C? */
static int count_matches(uint32_t lo, uint32_t hi, uint32_t c)
{
	struct pst_utf8_iter iter;
	struct pst_utf8_seq seq;
	uint8_t bytes[4];
	unsigned int len = encode(c, bytes);
	int matches = 0;

	pst_utf8_iter_init(&iter, lo, hi);
	while (pst_utf8_iter_next(&iter, &seq)) {
		unsigned int i = 0;

		while (i < len && seq.len == len && bytes[i] >= seq.lo[i] && bytes[i] <= seq.hi[i])
			i++;
		matches += i == len;
	}
	return matches;
}

/* How many byte strings do the sequences of LO..HI match in all? */
static uint64_t count_strings(uint32_t lo, uint32_t hi)
{
	struct pst_utf8_iter iter;
	struct pst_utf8_seq seq;
	uint64_t all = 0;

	pst_utf8_iter_init(&iter, lo, hi);
	while (pst_utf8_iter_next(&iter, &seq)) {
		uint64_t strings = 1;

		for (unsigned int i = 0; i < seq.len; i++)
			strings *= seq.hi[i] - seq.lo[i] + 1u;
		all += strings;
	}
	return all;
}

static const uint32_t edges[] = {
	0,	 0x41,	  0x7e,	   0x7f,     0x80,     0x81,	 0xbf,	   0xc0,    0xe9,
	0x7bf,	 0x7c0,	  0x7fe,   0x7ff,    0x800,    0x801,	 0xfff,	   0x1000,  0x1001,
	0xd7ff,	 0xd800,  0xdfff,  0xe000,   0xffbf,   0xffff,	 0x10000,  0x10001, 0x3ffff,
	0x40000, 0x40fff, 0xfffff, 0x100000, 0x10ffbf, 0x10fffe, 0x10ffff,
};
enum { EDGES = sizeof(edges) / sizeof(*edges) };

Test(utf8, every_code_point_of_a_range_is_in_one_sequence_and_no_other_is)
{
	for (int l = 0; l < EDGES; l++) {
		for (int h = l; h < EDGES; h++) {
			for (int c = 0; c < EDGES; c++)
				cr_assert_eq(count_matches(edges[l], edges[h], edges[c]),
					     c >= l && c <= h, "U+%X in U+%X..U+%X", edges[c],
					     edges[l], edges[h]);
		}
	}
}

Test(utf8, sequences_match_as_many_strings_as_there_are_code_points)
{
	for (int l = 0; l < EDGES; l++) {
		for (int h = l; h < EDGES; h++) {
			if (edges[l] <= 0x80 && edges[h] == PST_RUNE_MAX)
				continue;
			cr_assert_eq(count_strings(edges[l], edges[h]), edges[h] - edges[l] + 1,
				     "U+%X..U+%X", edges[l], edges[h]);
		}
	}
}

Test(utf8, what_reaches_from_80_to_the_last_code_point_has_the_short_form)
{
	const uint64_t two = 30 * 64, three = 16 * 64 * 64, four = 5 * 64 * 64 * 64;

	cr_assert_eq(count_strings(0x80, PST_RUNE_MAX), two + three + four);
	cr_assert_eq(count_strings(0, PST_RUNE_MAX), 128 + two + three + four);
	cr_assert_eq(count_strings(0x81, PST_RUNE_MAX), PST_RUNE_MAX - 0x80);
}
