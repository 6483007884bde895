// SPDX-License-Identifier: Apache-2.0
/*
 * Random patterns and texts: the dialect is RE2's. A failure prints pattern and text; the seed is
 * fixed.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "compiler/tests/re_compare.h"
#include "compiler/tests/re_random.h"

enum { SEED = 20240607, PATTERNS = 6000, SOUPS = 6000, TEXTS = 20 };

/* S as it can be pasted into a C string. */
static const char *quoted(const char *s, size_t len)
{
	static char buf[2][1024];
	static int turn;
	char *out = buf[turn ^= 1], *at = out;

	for (size_t i = 0; i < len && at < out + sizeof(buf[0]) - 8; i++) {
		unsigned char c = (unsigned char)s[i];

		at += snprintf(at, 5, c < 32 || c > 126 ? "\\x%02x" : "%c", c);
	}
	*at = '\0';
	return out;
}

struct counts {
	size_t accepted, matched;
};

static void compare(struct re_random *random, const char *re, size_t len, struct counts *counts)
{
	struct re_pair pair;

	re_pair_init(&pair, re, len);
	cr_assert(re_pair_agrees(&pair), "one accepts, one refuses: \"%s\"", quoted(re, len));
	counts->accepted += pair.ours != NULL;
	for (int i = 0; i < TEXTS; i++) {
		char text[64];
		size_t n = re_random_text(random, text, sizeof(text));

		cr_assert(re_pair_agrees_on(&pair, text, n), "\"%s\" on \"%s\"", quoted(re, len),
			  quoted(text, n));
		if (pair.ours)
			counts->matched += pst_automaton_match(pair.ours, text, n) != 0;
	}
	re_pair_fini(&pair);
}

Test(regex_property, random_patterns_mean_what_they_mean_to_re2)
{
	struct re_random random = {SEED};
	struct counts counts = {0};
	char re[256];

	printf("seed %d\n", SEED);
	for (int i = 0; i < PATTERNS; i++)
		compare(&random, re, re_random_pattern(&random, re, sizeof(re)), &counts);
	/* The comparison is worth something only while much is accepted and matches. */
	cr_assert_gt(counts.accepted, PATTERNS / 2);
	cr_assert_gt(counts.matched, PATTERNS);
}

Test(regex_property, random_tokens_are_accepted_exactly_when_re2_accepts_them)
{
	struct re_random random = {SEED};
	struct counts counts = {0};
	char re[256];

	printf("seed %d\n", SEED);
	for (int i = 0; i < SOUPS; i++)
		compare(&random, re, re_random_soup(&random, re, sizeof(re)), &counts);
	cr_assert_gt(counts.accepted, SOUPS / 20);
	cr_assert_lt(counts.accepted, SOUPS - SOUPS / 20);
}
