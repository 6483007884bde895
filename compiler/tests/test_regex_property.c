// SPDX-License-Identifier: Apache-2.0
/*
 * Random patterns and texts: the dialect is RE2's. Half of the texts are random, half match the
 * pattern's own automaton or miss it by a byte. A failure prints pattern and text. The seed is
 * fixed, and so is the number of patterns; `make regex-nightly` takes other ones:
 *
 *	REGEX_SEED=N REGEX_TIMES=N build/tests/compiler --filter regex_property/...
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/tests/re_compare.h"
#include "compiler/tests/re_near.h"
#include "compiler/tests/re_random.h"

enum { SEED = 20240607, PATTERNS = 6000, SOUPS = 6000, TEXTS = 12 };

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
	size_t patterns, accepted, texts, matched;
};

static void compare_on(const struct re_pair *pair, const char *text, size_t n,
		       struct counts *counts)
{
	cr_assert(re_pair_agrees_on(pair, text, n), "\"%s\" on \"%s\"", quoted(pair->re, pair->len),
		  quoted(text, n));
	counts->texts++;
	counts->matched += pst_automaton_match(pair->ours, text, n) != 0;
}

static void compare(struct re_random *random, const char *re, size_t len, struct counts *counts)
{
	static struct re_near near;
	struct re_pair pair;
	char text[RE_NEAR_TEXT];
	bool has_near;

	re_pair_init(&pair, re, len);
	cr_assert(re_pair_agrees(&pair), "one accepts, one refuses: \"%s\"", quoted(re, len));
	counts->patterns++;
	counts->accepted += pair.ours != NULL;
	has_near = pair.ours && re_near_init(&near, pair.ours);
	for (int i = 0; pair.ours && i < TEXTS; i++) {
		compare_on(&pair, text, re_random_text(random, text, sizeof(text)), counts);
		if (has_near)
			compare_on(&pair, text, re_near_text(random, &near, text), counts);
	}
	re_pair_fini(&pair);
}

static uint64_t setting(const char *name, uint64_t standard)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : standard;
}

typedef size_t (*pattern_fn)(struct re_random *r, char *buf, size_t size);

static struct counts compare_many(pattern_fn next, uint64_t n)
{
	struct re_random random = {setting("REGEX_SEED", SEED)};
	struct counts counts = {0};
	char re[256];

	n *= setting("REGEX_TIMES", 1);
	printf("seed %llu\n", (unsigned long long)random.state);
	while (n--)
		compare(&random, re, next(&random, re, sizeof(re)), &counts);
	printf("%zu patterns, %zu accepted; %zu texts, %zu matched; no difference\n",
	       counts.patterns, counts.accepted, counts.texts, counts.matched);
	return counts;
}

/* The comparisons are worth something only while much is accepted and matches. */

Test(regex_property, random_patterns_mean_what_they_mean_to_re2)
{
	struct counts counts = compare_many(re_random_pattern, RE_ROUNDS(PATTERNS));

	cr_assert_gt(counts.accepted, counts.patterns / 2);
	cr_assert_gt(counts.texts, RE_ROUNDS(100000));
	cr_assert_gt(counts.matched, counts.texts / 5);
	cr_assert_lt(counts.matched, counts.texts / 5 * 4);
}

Test(regex_property, random_tokens_are_accepted_exactly_when_re2_accepts_them)
{
	struct counts counts = compare_many(re_random_soup, RE_ROUNDS(SOUPS));

	cr_assert_gt(counts.accepted, counts.patterns / 20);
	cr_assert_lt(counts.accepted, counts.patterns - counts.patterns / 20);
}
