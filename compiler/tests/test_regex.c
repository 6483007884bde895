// SPDX-License-Identifier: Apache-2.0
/*
 * The dialect as people can read it: testdata/regex. Each case is checked against RE2 as well, so
 * the data cannot be wrong in the same way as the code.
 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "compiler/automaton.h"
#include "compiler/regex.h"
#include "compiler/tests/re2_oracle.h"

#define CASES "testdata/regex/*.txt"

enum { COL = 7 }; /* patterns are told to stand in this column of line 3 */

/* The case being read. */
struct current {
	const char *file;
	int line;
	char re[512];
	size_t len;
	int error;
	struct pst_automaton *ours;
	struct pst_diags *diags;
	struct re2_oracle *theirs;
	size_t checks; /* so far, in all cases */
};

#define check(c, cond, ...) \
	cr_assert(cond, "%s:%d: %s", (c)->file, (c)->line, cr_format(__VA_ARGS__))

static char *cr_format(const char *fmt, ...)
{
	static char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return text;
}

static int hex(char c)
{
	const char *digits = "0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Writes S without its angle brackets to OUT; the length. */
static size_t unescape(const char *s, char *out)
{
	size_t n = 0;

	while (*s) {
		if (s[0] == '<' && s[1] == '>') {
			s += 2;
		} else if (s[0] == '<' && hex(s[1]) >= 0 && hex(s[2]) >= 0 && s[3] == '>') {
			out[n++] = (char)(hex(s[1]) * 16 + hex(s[2]));
			s += 4;
		} else {
			out[n++] = *s++;
		}
	}
	out[n] = '\0';
	return n;
}

static void end_case(struct current *c)
{
	pst_automaton_free(&c->ours);
	pst_diags_free(&c->diags);
	if (c->theirs)
		re2_oracle_free(c->theirs);
	c->theirs = NULL;
}

static void begin_case(struct current *c, const char *rest)
{
	struct pst_pattern pattern = {.re = c->re, .tag = 1};

	end_case(c);
	c->len = pattern.len = unescape(rest, c->re);
	pattern.pos = (struct pst_pos){"policy.yaml", 3, COL, 3, COL + (uint32_t)c->len};
	c->diags = pst_diags_new();
	c->error =
		pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, c->diags, &c->ours);
	c->theirs = re2_oracle_new(c->re, c->len);
}

static void check_match(struct current *c, const char *rest, bool wanted)
{
	char text[512];
	size_t len = unescape(rest, text);

	check(c, !c->error, "'%s' is refused: %s", c->re,
	      c->error ? pst_diags_at(c->diags, 0)->message : "");
	check(c, (pst_automaton_match(c->ours, text, len) != 0) == wanted, "we say %s",
	      wanted ? "no" : "yes");
	check(c, re2_oracle_match(c->theirs, text, len) == wanted, "RE2 says %s",
	      wanted ? "no" : "yes");
}

/* One diagnostic, ID, at "COLUMN WORDS". */
static void check_refusal(struct current *c, const char *rest, const char *id, int error)
{
	char words[512];
	const struct pst_diag *d;
	char *behind;
	long column = strtol(rest, &behind, 10);

	unescape(behind + strspn(behind, " "), words);
	check(c, c->error == error && !c->ours, "'%s' gives %d", c->re, c->error);
	cr_assert_eq(pst_diags_count(c->diags), 1);
	d = pst_diags_at(c->diags, 0);
	check(c, !strcmp(d->id, id), "id is %s", d->id);
	check(c, strstr(d->message, words), "message is: %s", d->message);
	check(c, d->pos.line == 3 && d->pos.col == COL + column - 1, "column is %ld",
	      (long)d->pos.col - COL + 1);
	check(c, d->pos.end_col >= d->pos.col && d->pos.end_col <= COL + c->len, "the end is at %u",
	      d->pos.end_col);
	cr_assert_str_eq(d->pos.file, "policy.yaml");
}

static void check_line(struct current *c, const char *word, const char *rest)
{
	if (!strcmp(word, "pattern")) {
		begin_case(c, rest);
		return;
	}
	check(c, c->theirs, "no pattern before this line");
	c->checks++;
	if (!strcmp(word, "accept") || !strcmp(word, "reject")) {
		check_match(c, rest, !strcmp(word, "accept"));
	} else if (!strcmp(word, "refuse")) {
		check_refusal(c, rest, "regex-syntax", -EINVAL);
		check(c, re2_oracle_verdict(c->theirs) != RE2_ORACLE_OK, "RE2 accepts it");
	} else if (!strcmp(word, "budget")) {
		check_refusal(c, rest, "regex-budget", -E2BIG);
	} else {
		check(c, false, "unknown word '%s'", word);
	}
}

/* A line is a word, blanks, the rest. */
static void read_cases(struct current *c, FILE *in)
{
	char line[1024];

	while (fgets(line, sizeof(line), in)) {
		size_t word = strcspn(line, " \n"), rest = word + strspn(line + word, " ");

		c->line++;
		line[strcspn(line, "\n")] = '\0';
		if (!word || line[0] == '#')
			continue;
		line[word] = '\0';
		check_line(c, line, line + rest);
	}
	end_case(c);
}

Test(regex, the_cases_in_testdata_hold_for_us_and_for_re2)
{
	struct current c = {0};
	glob_t files;

	cr_assert_eq(glob(CASES, 0, NULL, &files), 0, "run from the root of the project");
	for (size_t i = 0; i < files.gl_pathc; i++) {
		pst_auto_file FILE *in = fopen(files.gl_pathv[i], "r");
		size_t before = c.checks;

		cr_assert(in);
		c.file = files.gl_pathv[i];
		c.line = 0;
		read_cases(&c, in);
		cr_assert_gt(c.checks, before, "%s holds no case", c.file);
	}
	globfree(&files);
}

static int build_one(const char *re, size_t len, struct pst_diags *diags)
{
	const struct pst_pattern pattern = {
		.re = re, .len = len, .pos = {NULL, 1, 1, 1, 1 + (uint32_t)len}, .tag = 1};
	struct pst_automaton *a = NULL;
	int r = pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags, &a);

	pst_automaton_free(&a);
	return r;
}

Test(regex, newer_re2_and_we_know_named_groups_without_p)
{
	struct pst_diags *diags = pst_diags_new();

	cr_assert_eq(build_one("(?<year>\\d+)", 12, diags), 0);
	cr_assert_eq(build_one("(?<year\\d+)", 11, diags), -EINVAL);
	pst_diags_free(&diags);
}

Test(regex, a_nul_byte_is_a_character_like_others)
{
	const struct pst_pattern pattern = {.re = "a\0b", .len = 3, .tag = 1};
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;

	cr_assert_eq(pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags, &a), 0);
	cr_assert(pst_automaton_match(a, "a\0b", 3));
	cr_assert_not(pst_automaton_match(a, "a", 1));
	pst_automaton_free(&a);
	pst_diags_free(&diags);
}

Test(regex, a_place_that_is_a_whole_file_stays_one)
{
	const struct pst_pattern pattern = {.re = "a(", .len = 2, .pos = {.file = "f"}, .tag = 1};
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;

	cr_assert_eq(pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags, &a),
		     -EINVAL);
	cr_assert_eq(pst_diags_at(diags, 0)->pos.line, 0);
	cr_assert_eq(pst_diags_at(diags, 0)->pos.col, 0);
	pst_diags_free(&diags);
}

/* N times OPEN, then "a", then N times CLOSE. */
static int build_nested(const char *open, const char *close, size_t n, struct pst_diags *diags)
{
	size_t size = n * (strlen(open) + strlen(close)) + 2, len = 0;
	pst_auto_free char *re = malloc(size);

	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(re + len, size - len, "%s", open);
	re[len++] = 'a';
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(re + len, size - len, "%s", close);
	return build_one(re, len, diags);
}

Test(regex, nesting_is_bounded_and_said_so)
{
	static const struct {
		const char *open, *close;
		size_t deepest;
	} rows[] = {
		{"(", ")", 1000}, {"(?:", ")", 1000}, {"", "?(?i)", 999},
		{"(", ")*", 999}, {"(b|", "c)", 499},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pst_diags *diags = pst_diags_new();

		cr_assert_eq(build_nested(rows[i].open, rows[i].close, rows[i].deepest, diags), 0,
			     "'%s'", rows[i].open);
		cr_assert_eq(pst_diags_count(diags), 0);
		cr_assert_eq(build_nested(rows[i].open, rows[i].close, rows[i].deepest + 1, diags),
			     -E2BIG, "'%s'", rows[i].open);
		cr_assert_str_eq(pst_diags_at(diags, 0)->id, "regex-budget");
		cr_assert(strstr(pst_diags_at(diags, 0)->message, "1000 deep"));
		cr_assert_eq(build_nested(rows[i].open, rows[i].close, 200000, diags), -E2BIG);
		pst_diags_free(&diags);
	}
}

Test(regex, a_place_that_does_not_hold_the_text_as_it_is_is_given_as_a_whole)
{
	static const struct pst_pos places[] = {
		{"f", 3, 7, 3, 10}, /* an alias, shorter than the text */
		{"f", 3, 7, 3, 20}, /* escapes */
		{"f", 3, 7, 4, 12}, /* several lines, whose ends seem to fit */
		{"f", 3, 7, 0, 0},  /* no end */
	};
	struct pst_pattern p = {.re = "/a[b]", .len = 5};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct pst_pos pos;

		p.pos = places[i];
		pos = pst_re_pos(&p, 2, 4);
		cr_expect(pos.line == places[i].line && pos.col == places[i].col &&
				  pos.end_line == places[i].end_line &&
				  pos.end_col == places[i].end_col,
			  "place %zu: %u:%u to %u:%u", i, pos.line, pos.col, pos.end_line,
			  pos.end_col);
	}
	p.pos = (struct pst_pos){"f", 3, 7, 3, 12};
	cr_expect_eq(pst_re_pos(&p, 2, 4).col, 9);
	cr_expect_eq(pst_re_pos(&p, 2, 4).end_col, 11);
}
