// SPDX-License-Identifier: Apache-2.0
/*
 * Questions about random patterns against brute force: every text of a small alphabet up to some
 * length, in the order in which witnesses are promised. RE2 has the last word about a witness.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/langops.h"
#include "compiler/tests/re2_oracle.h"
#include "compiler/tests/re_random.h"

/* In the order in which witnesses prefer them. */
static const char letters[] = "abkS/_";
enum { N_LETTERS = sizeof(letters) - 1, MAX_LEN = 4, MAX_RE = 48 };

static struct pst_automaton *try_build(const struct pst_pattern *patterns, size_t n)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;

	pst_automaton_build(patterns, n, &pst_automaton_default_limits, diags, &a);
	pst_diags_free(&diags);
	return a;
}

static struct pst_automaton *build_text(const char *re)
{
	const struct pst_pattern p = {.re = re, .len = strlen(re), .tag = 1};
	struct pst_automaton *a = try_build(&p, 1);

	cr_assert(a, "'%s'", re);
	return a;
}

/* A pattern that both engines take. */
struct specimen {
	char re[MAX_RE];
	size_t len;
	struct pst_automaton *a;
	struct re2_oracle *oracle;
};

static void specimen_fini(struct specimen *s)
{
	pst_automaton_free(&s->a);
	re2_oracle_free(s->oracle);
}

static void specimen_init(struct specimen *s, struct re_random *random)
{
	for (;;) {
		struct pst_pattern p;

		s->len = re_random_pattern(random, s->re, sizeof(s->re));
		p = (struct pst_pattern){.re = s->re, .len = s->len, .tag = 1};
		s->a = try_build(&p, 1);
		s->oracle = re2_oracle_new(s->re, s->len);
		if (s->a && re2_oracle_verdict(s->oracle) == RE2_ORACLE_OK)
			return;
		specimen_fini(s);
	}
}

static unsigned int row_of(const struct specimen *a, const struct specimen *b, const char *text,
			   size_t len)
{
	const unsigned int in_a = pst_automaton_match(a->a, text, len) != 0;
	const unsigned int in_b = pst_automaton_match(b->a, text, len) != 0;

	return in_a | in_b << 1;
}

/* The first text in order that meets RULE; its length, or -1. */
static int brute_force(const struct specimen *a, const struct specimen *b, unsigned int rule,
		       char *text)
{
	size_t count = 1;

	for (int len = 0; len <= MAX_LEN; len++, count *= N_LETTERS) {
		for (size_t i = 0; i < count; i++) {
			size_t rest = i;

			for (int at = len; at-- > 0; rest /= N_LETTERS)
				text[at] = letters[rest % N_LETTERS];
			if (rule >> row_of(a, b, text, (size_t)len) & 1)
				return len;
		}
	}
	return -1;
}

static bool is_ascii(const struct pst_witness *w)
{
	for (size_t i = 0; i < w->len; i++) {
		if ((unsigned char)w->text[i] > 0x7e)
			return false;
	}
	return true;
}

/* The witness is where the answer says it is, and that is where the rule wants it. */
static void check_witness(const struct specimen *a, const struct specimen *b, unsigned int rule,
			  const struct pst_lang_answer *r)
{
	const struct pst_witness *w = &r->witness;
	const unsigned int row = row_of(a, b, w->text, w->len);

	cr_assert_eq(row, (unsigned int)r->in_a | (unsigned int)r->in_b << 1);
	cr_assert(rule >> row & 1, "'%s' '%s' rule %x: '%s'", a->re, b->re, rule, w->text);
	cr_assert_eq(w->text[w->len], '\0');
	if (!is_ascii(w))
		return;
	cr_assert_eq(re2_oracle_match(a->oracle, w->text, w->len), r->in_a, "RE2: '%s' '%s'", a->re,
		     w->text);
	cr_assert_eq(re2_oracle_match(b->oracle, w->text, w->len), r->in_b, "RE2: '%s' '%s'", b->re,
		     w->text);
}

static bool ask(const struct specimen *a, const struct specimen *b, unsigned int rule,
		const struct pst_lang_base *within)
{
	const struct pst_lang_question q = {
		.a = {a->a, 1}, .b = {b->a, 1}, .rule = rule, .within = within};
	struct pst_lang_answer r;
	char text[MAX_LEN + 1];
	const int len = brute_force(a, b, rule, text);

	cr_assert_eq(pst_lang_find(&q, &r), 0);
	if (r.found)
		check_witness(a, b, rule, &r);
	if (within) {
		cr_assert_eq(r.found, len >= 0, "'%.*s' '%.*s' rule %x", (int)a->len, a->re,
			     (int)b->len, b->re, rule);
		cr_assert(len < 0 || ((size_t)len == r.witness.len &&
				      !memcmp(text, r.witness.text, r.witness.len)),
			  "'%.*s' '%.*s' rule %x: '%.*s', not '%s'", (int)a->len, a->re,
			  (int)b->len, b->re, rule, len, text, r.witness.text);
	} else if (len >= 0) {
		cr_assert(r.found && r.witness.len <= (size_t)len);
	}
	pst_witness_fini(&r.witness);
	return len >= 0;
}

Test(langops, answers_about_random_patterns_are_those_of_brute_force)
{
	enum { SEED = 4, ROUNDS = 1500, RULES = 16 };
	struct re_random random = {SEED};
	struct pst_automaton *all = build_text("[abkS/_]*");
	const struct pst_lang_base base = {all, MAX_LEN};
	size_t found = 0, none = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct specimen a, b;
		unsigned int rule = re_random_below(&random, RULES);

		specimen_init(&a, &random);
		specimen_init(&b, &random);
		for (int k = 0; k < 3; k++, rule = (rule + 5) % RULES) {
			*(ask(&a, &b, rule, &base) ? &found : &none) += 1;
			ask(&a, &b, rule, NULL);
		}
		specimen_fini(&a);
		specimen_fini(&b);
	}
	cr_assert_gt(found, ROUNDS / 4);
	cr_assert_gt(none, ROUNDS / 4);
	pst_automaton_free(&all);
}

/* What a pair of patterns is to each other. */
enum relation { EQUAL, INSIDE, OUTSIDE };

Test(langops, knows_equality_and_inclusion_of_patterns_people_write)
{
	static const struct {
		const char *inner, *outer;
		enum relation relation;
		const char *witness; /* in INNER only, or else in OUTER only */
	} rows[] = {
		{"/admin/.*", "/admin.*", INSIDE, "/admin"},
		{"/admin.*", "/admin/.*", OUTSIDE, "/admin"},
		{"/api/v[0-9]+/.*", "/api/.*", INSIDE, "/api/"},
		{"/(a|b)", "/[ab]", EQUAL, NULL},
		{"GET|HEAD", "HEAD|GET", EQUAL, NULL},
		{"(a|b)*", "(a*b*)*", EQUAL, NULL},
		{"", "a*", INSIDE, "a"},
		{"a^b", "x", INSIDE, "x"},
		{"[^a]", "(?s).", OUTSIDE, NULL},
		{"x{3,5}", "x{2,4}", OUTSIDE, "xxxxx"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pst_automaton *a = build_text(rows[i].inner), *b = build_text(rows[i].outer);
		const struct pst_lang inner = {a, 1}, outer = {b, 1};
		struct pst_lang_answer in, eq;

		if (rows[i].witness || rows[i].relation == EQUAL) {
			cr_assert_eq(pst_lang_includes(&outer, &inner, NULL, &in), 0);
			cr_assert_eq(in.found, rows[i].relation == OUTSIDE, "'%s' in '%s'",
				     rows[i].inner, rows[i].outer);
			cr_assert_eq(pst_lang_equals(&inner, &outer, NULL, &eq), 0);
			cr_assert_eq(eq.found, rows[i].relation != EQUAL);
			if (in.found)
				cr_assert_str_eq(in.witness.text, rows[i].witness);
			else if (eq.found)
				cr_assert_str_eq(eq.witness.text, rows[i].witness);
			pst_witness_fini(&in.witness);
			pst_witness_fini(&eq.witness);
		}
		pst_automaton_free(&a);
		pst_automaton_free(&b);
	}
}

Test(langops, tags_of_one_automaton_are_languages_of_their_own)
{
	const struct pst_pattern patterns[] = {{.re = "/a.*", .len = 4, .tag = 1},
					       {.re = "/ab", .len = 3, .tag = 2},
					       {.re = "/c", .len = 2, .tag = 4},
					       {.re = "x^y", .len = 3, .tag = 8}};
	struct pst_automaton *a = try_build(patterns, 4);
	struct pst_lang_answer r;

	cr_assert_eq(
		pst_lang_includes(&(struct pst_lang){a, 1}, &(struct pst_lang){a, 2}, NULL, &r), 0);
	cr_assert(!r.found);
	cr_assert_eq(
		pst_lang_includes(&(struct pst_lang){a, 1}, &(struct pst_lang){a, 6}, NULL, &r), 0);
	cr_assert(r.found && r.in_a && !r.in_b);
	cr_assert_str_eq(r.witness.text, "/c");
	pst_witness_fini(&r.witness);
	cr_assert_eq(pst_lang_is_empty(&(struct pst_lang){a, 8}, NULL, &r), 0);
	cr_assert(!r.found);
	cr_assert_eq(pst_lang_is_empty(&(struct pst_lang){a, 15}, NULL, &r), 0);
	cr_assert(r.found);
	pst_witness_fini(&r.witness);
	pst_automaton_free(&a);
}

Test(langops, what_holds_everything_is_known_with_and_without_a_base)
{
	struct pst_automaton *dot = build_text(".*"), *bytes = build_text("\\C*");
	struct pst_automaton *lines = build_text("[^\\n]*"), *word = build_text("[a-z]+");
	const struct pst_lang_base words = {word, 8};
	struct pst_lang_answer r;

	cr_assert_eq(pst_lang_is_universal(&(struct pst_lang){bytes, 1}, NULL, &r), 0);
	cr_assert(!r.found);
	cr_assert_eq(pst_lang_is_universal(&(struct pst_lang){dot, 1}, NULL, &r), 0);
	cr_assert(r.found && r.witness.len == 1 && r.witness.text[0] == '\n');
	pst_witness_fini(&r.witness);
	cr_assert_eq(pst_lang_is_universal(&(struct pst_lang){lines, 1}, &words, &r), 0);
	cr_assert(!r.found);
	cr_assert_eq(pst_lang_is_universal(&(struct pst_lang){NULL, 1}, &words, &r), 0);
	cr_assert(r.found);
	cr_assert_str_eq(r.witness.text, "a");
	pst_witness_fini(&r.witness);
	pst_automaton_free(&dot);
	pst_automaton_free(&bytes);
	pst_automaton_free(&lines);
	pst_automaton_free(&word);
}

Test(langops, no_automaton_at_all_is_the_empty_language)
{
	struct pst_lang_answer r;

	cr_assert_eq(pst_lang_is_empty(&(struct pst_lang){NULL, 1}, NULL, &r), 0);
	cr_assert(!r.found);
	cr_assert_eq(pst_lang_is_universal(&(struct pst_lang){NULL, 1}, NULL, &r), 0);
	cr_assert(r.found && r.in_a == false);
	cr_assert_eq(r.witness.len, 0);
	pst_witness_fini(&r.witness);
}

Test(langops, witnesses_are_as_readable_as_their_language_allows)
{
	static const struct {
		const char *re, *witness;
	} rows[] = {
		{"(?s).+", "a"},	{"[^a]+", "b"},		  {"[^a-z]", "A"},
		{"[^a-zA-Z]", "0"},	{"[^\\w/]", "!"},	  {"[\\x00-/]", "/"},
		{"[\\x00-\\x20]", " "}, {"[\\x7f\\x01]", "\x01"}, {"(?i)GET", "get"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pst_automaton *a = build_text(rows[i].re);
		struct pst_lang_answer r;

		cr_assert_eq(pst_lang_is_empty(&(struct pst_lang){a, 1}, NULL, &r), 0);
		cr_assert(r.found);
		cr_assert_str_eq(r.witness.text, rows[i].witness, "'%s': '%s'", rows[i].re,
				 r.witness.text);
		pst_witness_fini(&r.witness);
		pst_automaton_free(&a);
	}
}

Test(langops, texts_longer_than_the_base_allows_are_no_witnesses)
{
	struct pst_automaton *a = build_text("x{9}"), *all = build_text("\\C*");

	for (uint32_t max = 8; max <= 9; max++) {
		const struct pst_lang_base base = {all, max};
		struct pst_lang_answer r;

		cr_assert_eq(pst_lang_is_empty(&(struct pst_lang){a, 1}, &base, &r), 0);
		cr_assert_eq(r.found, max == 9);
		pst_witness_fini(&r.witness);
	}
	pst_automaton_free(&a);
	pst_automaton_free(&all);
}

/* (aaa...)* of coprime lengths: the product has as many states as the lengths multiply to. */
Test(langops, a_limit_that_is_hit_is_an_error_that_says_how_far_it_came)
{
	struct pst_automaton *a = build_text("(a{101})+"), *b = build_text("(a{103})+");
	const struct pst_product_limits few = {5000, 1 << 30}, small = {1 << 20, 50000};
	const struct pst_product_limits enough = {101 * 103 + 1, 1 << 30};
	struct pst_lang_question q = {.a = {a, 1}, .b = {b, 1}, .rule = PST_LANG_AND};
	struct pst_lang_answer r;

	q.limits = &few;
	cr_assert_eq(pst_lang_find(&q, &r), -E2BIG);
	cr_assert_eq(r.states, 5000);
	q.limits = &small;
	cr_assert_eq(pst_lang_find(&q, &r), -E2BIG);
	cr_assert(r.states > 100 && r.states < 10000);
	q.limits = &enough;
	cr_assert_eq(pst_lang_find(&q, &r), 0);
	cr_assert(r.found);
	cr_assert_eq(r.witness.len, 101 * 103);
	cr_assert_eq(r.states, 101 * 103 + 1);
	pst_witness_fini(&r.witness);
	pst_automaton_free(&a);
	pst_automaton_free(&b);
}

Test(langops, survives_the_failure_of_any_allocation)
{
	struct pst_automaton *a = build_text("/a{30}.*"), *b = build_text("/a*b?");
	bool done = false;

	for (long n = 0; !done; n++) {
		struct pst_lang_answer r = {.states = 77};
		int error;

		pst_mem_fail_after(n);
		error = pst_lang_equals(&(struct pst_lang){a, 1}, &(struct pst_lang){b, 1}, NULL,
					&r);
		done = !pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(error, done ? 0 : -ENOMEM, "allocation %ld", n);
		cr_assert(done || r.states == 77, "the answer was touched");
		if (done)
			pst_witness_fini(&r.witness);
	}
	pst_automaton_free(&a);
	pst_automaton_free(&b);
}
