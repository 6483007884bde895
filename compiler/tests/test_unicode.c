// SPDX-License-Identifier: Apache-2.0
/*
 * Unicode classes and folding against RE2, code point by code point. Debian builds its RE2 with
 * the tables of its unicode-data, so there is nothing to except: docs/regex.md.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "compiler/regex.h"
#include "compiler/tests/re2_oracle.h"
#include "compiler/tests/re_random.h"
#include "compiler/unicode.h"

#define ALIASES "/usr/share/unicode/PropertyValueAliases.txt"

enum {
	ASTRAL = 0x20000, /* from here on no code point has a case: looked at in steps */
	STEP = 251,
};

static size_t encode(uint32_t rune, char *out)
{
	size_t n = 1 + (rune > 0x7f) + (rune > 0x7ff) + (rune > 0xffff);
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n; i-- > 1; rune >>= 6)
		out[i] = (char)(0x80 | (rune & 0x3f));
	out[0] = (char)(lead[n] | rune);
	return n;
}

static uint32_t decode(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x80)
		return s[0];
	if (s[0] < 0xe0)
		return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
	if (s[0] < 0xf0)
		return (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
	return (s[0] & 7u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
}

/* Code points one after the other. */
struct text {
	char *s;
	size_t n;
};

static void append(struct text *t, uint32_t rune)
{
	t->n += encode(rune, t->s + t->n);
}

static struct text every_rune(void)
{
	struct text t = {.s = malloc(4 * (PST_RUNE_MAX + 1))};

	cr_assert(t.s);
	for (uint32_t rune = 0; rune <= PST_RUNE_MAX; rune++)
		append(&t, rune);
	return t;
}

static struct text every_folding_rune(void)
{
	size_t n;
	const struct pst_unicode_fold *folds = pst_unicode_folds(0, PST_RUNE_MAX, &n);
	struct text t = {.s = malloc(4 * n)};

	cr_assert(t.s && n > 1000);
	for (size_t i = 0; i < n; i++)
		append(&t, folds[i].rune);
	return t;
}

/* The code points of TEXT, whose bytes ascend, that RE2 finds with RE. */
static struct pst_charclass theirs(const char *re, const struct text *t)
{
	struct re2_oracle *o = re2_oracle_new(re, strlen(re));
	struct pst_charclass c = {0};
	size_t at = 0, end;

	cr_assert_eq(re2_oracle_verdict(o), RE2_ORACLE_OK, "RE2 refuses %s", re);
	for (; re2_oracle_find(o, t->s, t->n, at, &at, &end); at = end) {
		size_t last = end - 1;

		cr_assert_lt(at, end);
		while ((t->s[last] & 0xc0) == 0x80)
			last--;
		pst_charclass_add(&c, decode(t->s + at), decode(t->s + last));
	}
	re2_oracle_free(o);
	return c;
}

/* The class that the pattern RE is to us. */
static struct pst_charclass ours(const char *re)
{
	const struct pst_pattern pattern = {.re = re, .len = strlen(re), .tag = 1};
	struct pst_diags *diags = pst_diags_new();
	struct pst_classes classes = {0};
	struct pst_re_tree tree = {0};
	const struct pst_rune_range *ranges;
	struct pst_charclass c = {0};
	size_t n;

	cr_assert_eq(pst_re_parse(&pattern, &classes, diags, &tree), 0, "we refuse %s", re);
	cr_assert_eq(tree.nodes.v[tree.root].op, PST_RE_CLASS, "%s is no class", re);
	ranges = pst_classes_ranges(&classes, tree.nodes.v[tree.root].class_id, &n);
	pst_charclass_add_ranges(&c, ranges, n);
	pst_re_tree_fini(&tree);
	pst_classes_fini(&classes);
	pst_diags_free(&diags);
	return c;
}

/* Says the first place where they differ. */
static void assert_equal(const struct pst_charclass *a, const struct pst_charclass *b,
			 const char *re)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		cr_assert(a->v[i].lo == b->v[i].lo && a->v[i].hi == b->v[i].hi,
			  "%s: we have U+%04X..U+%04X, RE2 U+%04X..U+%04X", re, a->v[i].lo,
			  a->v[i].hi, b->v[i].lo, b->v[i].hi);
	cr_assert_eq(a->n, b->n, "%s: we have %zu ranges, RE2 %zu", re, a->n, b->n);
}

/* RE, a class, is to us what it is to RE2, which is asked in some of the rounds only. */
static void assert_same_class(const char *re, const struct text *every, size_t round)
{
	char runs[80];
	struct pst_charclass a = ours(re), b;

	if (RE_IS_ROUND(round)) {
		snprintf(runs, sizeof(runs), "%s+", re);
		b = theirs(runs, every);
		assert_equal(&a, &b, re);
		pst_vec_free(&b);
	}
	pst_vec_free(&a);
}

/* The escape BEGIN with each name. */
static void assert_same_classes(const char *begin)
{
	size_t n;
	const struct pst_named_class *classes = pst_unicode_classes(&n);
	struct text every = every_rune();

	cr_assert_gt(n, 150);
	for (size_t i = 0; i < n; i++) {
		char re[64];

		snprintf(re, sizeof(re), "%s{%s}", begin, classes[i].name);
		assert_same_class(re, &every, i);
	}
	free(every.s);
}

Test(unicode, every_class_holds_exactly_the_code_points_that_re2_finds)
{
	assert_same_classes("\\p");
}

Test(unicode, every_class_is_folded_as_re2_folds_it)
{
	assert_same_classes("(?i)\\p");
}

Test(unicode, every_negated_class_is_folded_before_it_is_negated)
{
	assert_same_classes("(?i)\\P");
}

Test(unicode, classes_combine_in_brackets_as_they_do_in_re2)
{
	static const char *const rows[] = {
		"\\pN",
		"\\PN",
		"\\p{^N}",
		"\\P{^N}",
		"[\\pL]",
		"[^\\pL]",
		"[^\\PL]",
		"[\\P{^Lu}]",
		"[\\p{Greek}\\d]",
		"[^\\p{Greek}\\P{Lu}]",
		"[\\p{Lu}\\P{Lu}]",
		"[^\\pL\\pN\\pM_]",
		"[\\p{L}-z]",
		"[\\pL-]",
		"[^\\p{^Any}]",
		"[\\p{Any}]",
		"(?i)[^\\p{Lu}]",
		"(?i)[\\P{Lu}]",
		"(?i)[^\\P{Lu}]",
		"(?i)[^\\P{Lt}]",
		"(?i)[\\p{Greek}x]",
		"(?i)[\\x{3b1}-\\x{3c9}]",
		"(?i)[^\\x{3c3}]",
		"(?i)[^\\x{0}-\\x{3c2}]",
		"(?i)[^[:^upper:]]",
		"(?i)[[:word:]]",
		"(?i)\\W",
		"(?i)[\\x{10400}-\\x{10ffff}]",
		"(?i)[\\x{20000}-\\x{10ffff}]",
		"(?i)[^\\x{20000}-\\x{10ffff}]",
		"\\p{Lu}|\\p{Ll}",
		"(?i:\\p{Lu})|[0-9]",
		"(?i)(?-i:\\p{Lu})",
		"(?is)[\\x{212a}]",
		"(?i)\\x{1c5}",
	};
	struct text every = every_rune();

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char re[80];

		snprintf(re, sizeof(re), "%s%s%s", strchr(rows[i], '|') ? "(?:" : "", rows[i],
			 strchr(rows[i], '|') ? ")" : "");
		assert_same_class(re, &every, i);
	}
	free(every.s);
}

/* RE2 takes the same names as we do. */
static void assert_same_verdict(const char *name)
{
	char re[160];
	struct re2_oracle *o;

	snprintf(re, sizeof(re), "\\p{%s}", name);
	o = re2_oracle_new(re, strlen(re));
	cr_assert_eq(re2_oracle_verdict(o) == RE2_ORACLE_OK,
		     pst_unicode_class(name, strlen(name)) != NULL, "one accepts, one refuses: %s",
		     re);
	re2_oracle_free(o);
}

Test(unicode, the_names_of_one_and_two_letters_are_those_of_re2)
{
	for (int a = ' '; a < 0x7f; a++) {
		for (int b = ' '; b < 0x7f; b++) {
			const char two[] = {(char)a, (char)b, '\0'}, one[] = {(char)a, '\0'};

			if (a == '^' || a == '}' || b == '}')
				continue;
			assert_same_verdict(two);
			assert_same_verdict(one);
		}
	}
}

/* Every word that Unicode has for a value of a property: "Greek", "Grek", "Uppercase_Letter"... */
Test(unicode, of_all_names_that_unicode_gives_to_values_re2_and_we_know_the_same)
{
	pst_auto_file FILE *in = fopen(ALIASES, "r");
	char line[512];
	size_t known = 0;

	cr_assert(in, "unicode-data is missing");
	while (fgets(line, sizeof(line), in)) {
		char *rest = line, *word;

		line[strcspn(line, "#\n")] = '\0';
		while ((word = strsep(&rest, ";"))) {
			word += strspn(word, " ");
			word[strcspn(word, " \t")] = '\0';
			assert_same_verdict(word);
			known += pst_unicode_class(word, strlen(word)) != NULL;
		}
	}
	cr_assert_gt(known, 150);
}

static bool is_literal(uint32_t rune)
{
	char re[32];
	struct re2_oracle *o;
	bool literal;

	snprintf(re, sizeof(re), "(?i)\\x{%x}", rune);
	o = re2_oracle_new(re, strlen(re));
	literal = re2_oracle_is_literal(o);
	re2_oracle_free(o);
	return literal;
}

Test(unicode, the_code_points_that_fold_are_those_that_fold_in_re2)
{
	for (uint32_t rune = 0; rune <= PST_RUNE_MAX; rune += rune < ASTRAL ? 1 : STEP)
		cr_assert_eq(pst_unicode_fold_next(rune) == rune, is_literal(rune), "U+%04X", rune);
}

Test(unicode, every_orbit_is_that_of_re2)
{
	struct text folding = every_folding_rune();
	size_t n;
	const struct pst_unicode_fold *folds = pst_unicode_folds(0, PST_RUNE_MAX, &n);

	for (size_t i = 0; i < n; i++) {
		struct pst_charclass a = {0}, b;
		char re[32];

		snprintf(re, sizeof(re), "(?i)\\x{%x}", folds[i].rune);
		b = theirs(re, &folding);
		pst_charclass_seal(&b);
		pst_charclass_add_folded(&a, folds[i].rune, folds[i].rune);
		pst_charclass_seal(&a);
		assert_equal(&a, &b, re);
		pst_vec_free(&a);
		pst_vec_free(&b);
	}
	free(folding.s);
}

Test(unicode, names_are_found_whole_and_with_their_case)
{
	cr_assert_str_eq(pst_unicode_class("Greek", 5)->name, "Greek");
	cr_assert_str_eq(pst_unicode_class("Any", 3)->name, "Any");
	cr_assert_null(pst_unicode_class("Gree", 4));
	cr_assert_null(pst_unicode_class("Greeks", 6));
	cr_assert_null(pst_unicode_class("greek", 5));
	cr_assert_null(pst_unicode_class("", 0));
	cr_assert_null(pst_unicode_class("L\0", 2));
	cr_assert_null(pst_unicode_class("\xff", 1));
}

Test(unicode, membership_ends_where_a_range_ends)
{
	const struct pst_named_class *surrogates = pst_unicode_class("Cs", 2);
	const struct pst_named_class *any = pst_unicode_class("Any", 3);

	cr_assert_not(pst_unicode_has(surrogates, 0xd7ff));
	cr_assert(pst_unicode_has(surrogates, 0xd800));
	cr_assert(pst_unicode_has(surrogates, 0xdfff));
	cr_assert_not(pst_unicode_has(surrogates, 0xe000));
	cr_assert(pst_unicode_has(any, 0));
	cr_assert(pst_unicode_has(any, PST_RUNE_MAX));
}

Test(unicode, an_orbit_leads_back_to_where_it_began)
{
	cr_assert_eq(pst_unicode_fold_next('K'), 'k');
	cr_assert_eq(pst_unicode_fold_next('k'), 0x212a);
	cr_assert_eq(pst_unicode_fold_next(0x212a), 'K');
	cr_assert_eq(pst_unicode_fold_next('/'), '/');
	cr_assert_eq(pst_unicode_fold_next(PST_RUNE_MAX), PST_RUNE_MAX);
}
