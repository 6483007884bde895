// SPDX-License-Identifier: Apache-2.0
/*
 * Random patterns against PCRE2, a backtracking engine that shares no idea with automata. Compared
 * is what both mean alike: ASCII, and neither what RE2 does not have nor \\s (PCRE2's holds VT).
 * The seed and the number of patterns are fixed; REGEX_SEED and REGEX_TIMES take others, as in
 * test_regex_property.c.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "compiler/automaton.h"
#include "compiler/tests/re_near.h"
#include "compiler/tests/re_random.h"

#include <criterion/criterion.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 20261127, PATTERNS = 5000, TEXTS = 24, MAX_PATTERN = 256 };

struct pattern {
	char text[MAX_PATTERN];
	size_t len;
};

static void put(struct pattern *p, const char *s)
{
	size_t n = strlen(s);

	if (p->len + n >= sizeof(p->text))
		return;
	memcpy(p->text + p->len, s, n);
	p->len += n;
}

static void put_atom(struct re_random *r, struct pattern *p)
{
	static const char *const atoms[] = {
		"a",	 "b",	   "/",	     "A",   "0",   "\\.",    ".",     "[ab]", "[^a]",
		"[a-f]", "[^/]",   "\\d",    "\\D", "\\w", "\\W",    "\\x2f", "ab",   "[[:alpha:]]",
		"\\n",	 "[^\\n]", "(?i:a)", "\\b", "\\B", "(?s:.)", "\\A",   "\\z",
	};

	put(p, atoms[re_random_below(r, sizeof(atoms) / sizeof(*atoms))]);
}

/* An alternation, with at most DEPTH groups in each other. Only atoms and groups are repeated. */
static void put_pattern(struct re_random *r, struct pattern *p, int depth)
{
	static const char *const repeats[] = {"*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?"};

	for (uint32_t n = 1 + re_random_below(r, 4); n > 0; n--) {
		bool group = depth && !re_random_below(r, 3);

		put(p, "(?:");
		if (group)
			put_pattern(r, p, depth - 1);
		else
			put_atom(r, p);
		put(p, ")");
		if (!re_random_below(r, 3))
			put(p, repeats[re_random_below(r, 8)]);
		if (n > 1 && !re_random_below(r, 4))
			put(p, "|");
	}
}

static pcre2_code *compile(const struct pattern *p)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	pcre2_code *code;
	size_t at;
	int error;

	pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	code = pcre2_compile((PCRE2_SPTR)p->text, p->len,
			     PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY, &error, &at,
			     context);
	pcre2_compile_context_free(context);
	return code;
}

struct counts {
	size_t patterns, texts, matched, gave_up;
};

static bool is_ascii(const char *text, size_t n)
{
	while (n && !((unsigned char)text[n - 1] & 0x80))
		n--;
	return !n;
}

static void compare_on(const struct pattern *p, const struct pst_automaton *a,
		       const pcre2_code *code, const char *text, size_t n, struct counts *counts)
{
	pcre2_match_data *data;
	bool ours = pst_automaton_match(a, text, n) != 0;
	int r;

	if (!is_ascii(text, n))
		return;
	data = pcre2_match_data_create_from_pattern(code, NULL);
	r = pcre2_match(code, (PCRE2_SPTR)text, n, 0, 0, data, NULL);
	pcre2_match_data_free(data);
	if (r < PCRE2_ERROR_NOMATCH) {
		counts->gave_up++;
		return;
	}
	cr_assert_eq(ours, r >= 0, "\"%.*s\" on %zu bytes \"%.*s\": ours %d", (int)p->len, p->text,
		     n, (int)n, text, ours);
	counts->texts++;
	counts->matched += ours;
}

static void compare(struct re_random *random, const struct pattern *p, struct counts *counts)
{
	static struct re_near near;
	const struct pst_pattern pattern = {.re = p->text, .len = p->len, .tag = 1};
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;
	char text[RE_NEAR_TEXT];
	pcre2_code *code = compile(p);

	cr_assert_not_null(code, "PCRE2 refuses \"%.*s\"", (int)p->len, p->text);
	if (!pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags, &a)) {
		bool has_near = re_near_init(&near, a);

		counts->patterns++;
		for (int i = 0; i < TEXTS; i++) {
			compare_on(p, a, code, text, re_random_text(random, text, sizeof(text)),
				   counts);
			if (has_near)
				compare_on(p, a, code, text, re_near_text(random, &near, text),
					   counts);
		}
	}
	pst_automaton_free(&a);
	pst_diags_free(&diags);
	pcre2_code_free(code);
}

static uint64_t setting(const char *name, uint64_t standard)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : standard;
}

Test(regex_property, random_patterns_mean_what_they_mean_to_pcre2)
{
	struct re_random random = {setting("REGEX_SEED", SEED)};
	uint64_t n = PATTERNS * setting("REGEX_TIMES", 1);
	struct counts counts = {0};

	printf("seed %llu\n", (unsigned long long)random.state);
	for (uint64_t i = 0; i < n; i++) {
		struct pattern p = {.len = 0};

		/* A pattern cut off would be a mistake: those that nearly fill the place are left
		 * out. */
		put_pattern(&random, &p, 2);
		if (p.len < MAX_PATTERN - 32)
			compare(&random, &p, &counts);
	}
	printf("%zu patterns; %zu texts, %zu matched, %zu too much for PCRE2; no difference\n",
	       counts.patterns, counts.texts, counts.matched, counts.gave_up);
	cr_assert_gt(counts.patterns, n / 10 * 8);
	cr_assert_gt(counts.texts, counts.patterns * TEXTS / 2);
	cr_assert_gt(counts.matched, counts.texts / 5);
	cr_assert_lt(counts.matched, counts.texts / 5 * 4);
	cr_assert_lt(counts.gave_up, counts.texts / 1000 + 1);
}
