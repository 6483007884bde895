// SPDX-License-Identifier: Apache-2.0
#include "proxy/regex.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "compiler/tests/re2_oracle.h"
#include "compiler/tests/re_near.h"
#include "compiler/tests/re_random.h"
#include "proxy/translate.h"

enum { SEED = 20261127, PATTERNS = 1500, TEXTS = 12 };

static struct pst_pattern pattern_of(const char *re, size_t len)
{
	return (struct pst_pattern){.re = re, .len = len, .tag = 1};
}

static struct pst_regex *compile(const char *re)
{
	struct pst_pattern pattern = pattern_of(re, strlen(re));
	struct pst_diags *diags = pst_diags_new();
	struct pst_regex *r = NULL;

	cr_assert_eq(pst_regex_new(&pattern, diags, &r), 0, "%s", re);
	cr_assert_eq(pst_diags_count(diags), 0);
	pst_diags_free(&diags);
	return r;
}

static void expect(const char *re, const char *text, bool matches)
{
	struct pst_regex *r = compile(re);

	cr_expect_eq(pst_regex_match(r, text, strlen(text)), matches ? PST_REGEX_YES : PST_REGEX_NO,
		     "%s on \"%s\"", re, text);
	pst_regex_free(&r);
}

Test(regex, all_of_the_text_is_matched_and_nothing_less)
{
	expect("/a+", "/aa", true);
	expect("/a+", "/aab", false);
	expect("/a+", "x/aa", false);
	expect("a|ab", "ab", true);
	expect("(?i)abc", "aBC", true);
	expect("", "", true);
	expect("", "a", false);
	expect("a\\z", "a", true);
	expect("a$", "a\n", false);
	expect("[^\\x00-\\x{10ffff}]", "a", false);
}

/* What means something else, or nothing, to PCRE2. */
Test(regex, syntax_that_pcre2_reads_differently_means_what_it_means_to_re2)
{
	expect("\\Qa.b\\E", "a.b", true);
	expect("\\Qa.b\\E", "axb", false);
	expect("a{,3}", "a{,3}", true);
	expect("a{,3}", "aa", false);
	expect("\\v", "\v", true);
	expect("\\v", "\n", false);
	expect("[[:word:]]+", "a_1", true);
	expect("(?U)a+", "aaa", true);
	expect("\\pN", "5", true);
	expect("x*", "xxx", true);
	expect("(?s).", "\n", true);
	expect(".", "\n", false);
	expect("(?m)a$\\nb", "a\nb", true);
	expect("\\Ba", "a", false);
	expect("\\ba\\b", "a", true);
	expect("(?:|a)+", "aa", true);
	expect("(a?){3,5}b", "aab", true);
}

Test(regex, text_that_is_not_ascii_has_no_answer)
{
	struct pst_regex *r = compile(".*");

	cr_assert_eq(pst_regex_match(r, "\xc3\xa9", 2), PST_REGEX_LIMIT);
	pst_regex_free(&r);
}

Test(regex, what_pcre2_cannot_hold_is_refused_with_a_diagnostic)
{
	const char *re = "(?:[a-m]|[b-z][0-9]|[c-x][a-f0-9]|abc|def[xyz]|xxxy){1000}";
	struct pst_pattern pattern = pattern_of(re, strlen(re));
	struct pst_diags *diags = pst_diags_new();
	struct pst_regex *r = NULL;

	cr_assert_eq(pst_regex_new(&pattern, diags, &r), -E2BIG);
	cr_assert_eq(pst_diags_errors(diags), 1);
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "regex-fallback");
	pst_diags_free(&diags);
}

Test(regex, what_the_dialect_does_not_have_is_refused)
{
	const char *const wrong[] = {"(?=a)", "\\1", "(a", "(?>a)", "a**", "(*ACCEPT)"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct pst_pattern pattern = pattern_of(wrong[i], strlen(wrong[i]));
		struct pst_diags *diags = pst_diags_new();
		struct pst_regex *r = NULL;

		cr_expect_eq(pst_regex_new(&pattern, diags, &r), -EINVAL, "%s", wrong[i]);
		cr_expect_eq(pst_diags_errors(diags), 1);
		pst_diags_free(&diags);
	}
}

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Each would run for ages without a limit. */
Test(regex, a_match_that_explodes_ends_at_a_limit_and_soon)
{
	static const char *const hostile[] = {"(a*)*[bc]", "(a|a)*[bc]", "(a|aa)+[bc]",
					      "(.*)*.*(.*)*[bc]", "(?:a?){500}a{500}[bc]"};
	char text[8000];

	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		struct pst_regex *r = compile(hostile[i]);
		double start = milliseconds(), took;
		enum pst_regex_result found = pst_regex_match(r, text, sizeof(text));

		took = milliseconds() - start;
		printf("%s: %d after %.2f ms\n", hostile[i], found, took);
		cr_expect_neq(found, PST_REGEX_YES, "%s", hostile[i]);
		cr_expect_lt(took, 1000, "%s took %.1f ms", hostile[i], took);
		pst_regex_free(&r);
	}
}

Test(regex, a_limit_is_no_answer)
{
	struct pst_regex *r = compile("(a|aa)+[bc]");
	char text[200];

	memset(text, 'a', sizeof(text));
	cr_assert_eq(pst_regex_match(r, text, sizeof(text)), PST_REGEX_LIMIT);
	pst_regex_free(&r);
}

struct counts {
	size_t patterns, texts, matched, limits;
};

static bool is_ascii(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] >= 0x80)
			return false;
	return true;
}

static void compare_on(struct pst_regex *ours, const struct re2_oracle *theirs, const char *re,
		       const char *text, size_t len, struct counts *counts)
{
	enum pst_regex_result found;

	if (!is_ascii(text, len))
		return;
	found = pst_regex_match(ours, text, len);
	counts->texts++;
	counts->matched += found == PST_REGEX_YES;
	counts->limits += found == PST_REGEX_LIMIT;
	if (found != PST_REGEX_LIMIT)
		cr_assert_eq(found == PST_REGEX_YES, re2_oracle_match(theirs, text, len),
			     "\"%s\" on \"%.*s\"", re, (int)len, text);
}

/* REGEX_SEED and REGEX_TIMES as in compiler/tests/test_regex_property.c; REGEX_TEXTS: so many times
 * as many texts for each pattern. */
static uint64_t setting(const char *name, uint64_t standard)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : standard;
}

static void compare(struct re_random *random, const char *re, size_t len, struct counts *counts)
{
	static struct re_near near;
	struct pst_pattern pattern = pattern_of(re, len);
	struct pst_diags *diags = pst_diags_new();
	struct pst_regex *ours = NULL;
	struct re2_oracle *theirs = re2_oracle_new(re, len);
	struct pst_automaton *a = NULL;
	char text[RE_NEAR_TEXT];
	bool has_near =
		!pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags, &a) &&
		re_near_init(&near, a);

	if (!pst_regex_new(&pattern, diags, &ours) && re2_oracle_verdict(theirs) == RE2_ORACLE_OK) {
		counts->patterns++;
		for (uint64_t i = TEXTS * setting("REGEX_TEXTS", 1); i; i--) {
			size_t n = re_random_text(random, text, sizeof(text));

			compare_on(ours, theirs, re, text, n, counts);
			if (has_near)
				compare_on(ours, theirs, re, text,
					   re_near_text(random, &near, text), counts);
		}
	}
	pst_automaton_free(&a);
	pst_regex_free(&ours);
	re2_oracle_free(theirs);
	pst_diags_free(&diags);
}

Test(regex_translation, random_patterns_mean_to_pcre2_what_they_mean_to_re2)
{
	struct re_random random = {setting("REGEX_SEED", SEED)};
	struct counts counts = {0};
	char re[256];

	for (uint64_t n = PATTERNS * setting("REGEX_TIMES", 1); n; n--) {
		size_t len = re_random_pattern(&random, re, sizeof(re) - 1);

		re[len] = '\0';
		compare(&random, re, len, &counts);
	}
	printf("%zu patterns, %zu texts, %zu matched, %zu without answer; no difference\n",
	       counts.patterns, counts.texts, counts.matched, counts.limits);
	cr_assert_gt(counts.patterns, PATTERNS / 2);
	cr_assert_gt(counts.matched, counts.texts / 6);
	cr_assert_lt(counts.limits, counts.texts / 100);
}
