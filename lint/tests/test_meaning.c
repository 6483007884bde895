// SPDX-License-Identifier: Apache-2.0
/* Short cuts are compared with the automata that they spare. */
#include <criterion/criterion.h>
#include <string.h>

#include "lint/meaning.h"
#include "lint/sample.h"

static const char *const patterns[] = {
	"/",	      "/a",	  "/a.*",	 "/.*",		 ".*",	     "(/.*)?",
	"/a|/b",      "(/a|/b)",  "/(a|b)/c",	 "/a?",		 "/a*",	     "/a+b",
	"/a{2,3}",    "/a{0,3}b", "/(ab){2}",	 "/(ab)?c",	 "/(ab)*c",  "/(ab)+c",
	"/[abc]x",    "/[^abc]x", "/[^a-z0-9]",	 "/[\\d]",	 "/[^\\w]+", "/\\d+",
	"/\\D",	      "/\\w\\W",  "/\\S\\s",	 "/[[:alpha:]]", "/[]a]",    "/[^]a]",
	"/[a-]",      "/[-a]",	  "/[+--]",	 "/[.-.]",	 "/a\\.b",   "/\\*",
	"/a$",	      "^/a$",	  "/a$b",	 "/(^a)",	 "/a\\b",    "/(?i)a",
	"/\\Qa.b\\E", "/x\\x41",  "/\\pL",	 "/é?a",	 "/é+",	     "/.*/x",
	"/.*/.*",     "//",	  "/a//b",	 "/./",		 "/a#",	     "GET",
	"GET|HEAD",   "P(U|OS)T", "[A-Z]+",	 "g e",		 "CONNECT",  "CONNECT|GET",
	"[!-~]+",     "a\\.b",	  "a\\.b(:80)?", "[a-z.]+",	 "[^/]*",    "",
	"()",	      "a|",	  "(a|b|)c",	 "/(a|(b|c)d)e", "/((a))",   "/(a(b|c)){2}",
	"/a{3}?",     "/a+?",	  "/.{5}",	 "/a{2,}",
};

enum { N = sizeof(patterns) / sizeof(*patterns) };

static struct pst_automaton *build(const char *re)
{
	const struct pst_pattern p = {.re = re, .len = strlen(re), .tag = 1};
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;

	cr_assert_eq(pst_automaton_build(&p, 1, &pst_automaton_default_limits, diags, &a), 0, "%s",
		     re);
	pst_diags_free(&diags);
	return a;
}

struct t_meanings {
	struct pst_meanings *m;
	struct pst_text text[N];
	struct pst_meaning *p[N];
	struct pst_automaton *a[N];
};

static void t_init(struct t_meanings *t, enum pst_field field)
{
	t->m = pst_meanings_new();
	cr_assert(t->m);
	for (size_t i = 0; i < N; i++) {
		t->text[i] = (struct pst_text){.s = patterns[i], .len = strlen(patterns[i])};
		cr_assert_eq(pst_meaning_get(t->m, field, &t->text[i], &t->p[i]), 0);
		t->a[i] = build(patterns[i]);
	}
}

static void t_fini(struct t_meanings *t)
{
	for (size_t i = 0; i < N; i++)
		pst_automaton_free(&t->a[i]);
	pst_meanings_free(&t->m);
}

static bool starts(const struct pst_meaning *p, const char *text)
{
	return !strncmp(text, p->prefix, p->prefix_len);
}

static bool ends(const struct pst_meaning *p, const char *text, size_t len)
{
	return len >= p->suffix_len &&
	       !memcmp(text + len - p->suffix_len, p->suffix, p->suffix_len);
}

/* Texts that the pattern is known to match, and others, hold to the ends it is said to have. */
static void check_ends(const struct t_meanings *t, size_t i)
{
	for (size_t k = 0; k < N; k++) {
		const char *text = t->p[k]->sample;

		if (text && pst_automaton_match(t->a[i], text, strlen(text)))
			cr_expect(starts(t->p[i], text) && ends(t->p[i], text, strlen(text)),
				  "%s matches %s", patterns[i], text);
	}
}

Test(meaning, a_sample_is_matched_and_possible_and_ends_are_those_of_all_texts)
{
	for (enum pst_field f = 0; f < PST_FIELD_MAX; f++) {
		struct t_meanings t;
		size_t n = 0;

		t_init(&t, f);
		for (size_t i = 0; i < N; i++) {
			const char *text = t.p[i]->sample;

			check_ends(&t, i);
			if (!text)
				continue;
			n++;
			cr_expect(pst_automaton_match(t.a[i], text, strlen(text)), "%s: %s",
				  patterns[i], text);
			cr_expect(pst_automaton_match(pst_meanings_base(t.m, f)->automaton, text,
						      strlen(text)),
				  "%s: %s", patterns[i], text);
		}
		cr_expect_gt(n, 4, "only %zu samples of field %d", n, f);
		t_fini(&t);
	}
}

static bool found(const struct pst_lang_question *q)
{
	struct pst_lang_answer answer;

	cr_assert_eq(pst_lang_find(q, &answer), 0);
	pst_witness_fini(&answer.witness);
	return answer.found;
}

static struct pst_lang_question ask(struct t_meanings *t, enum pst_field f, size_t a, size_t b,
				    unsigned int rule)
{
	return (struct pst_lang_question){
		.a = {t->a[a], UINT64_MAX},
		.b = {t->a[b], UINT64_MAX},
		.rule = rule,
		.within = pst_meanings_base(t->m, f),
	};
}

Test(meaning, answers_are_those_of_the_automata, .timeout = 120)
{
	for (enum pst_field f = 0; f < PST_FIELD_MAX; f++) {
		struct t_meanings t;

		t_init(&t, f);
		for (size_t i = 0; i < N; i++) {
			struct pst_lang_question q = ask(&t, f, i, i, PST_LANG_A);

			cr_expect_eq(pst_meaning_is_empty(t.m, t.p[i]), !found(&q), "%d: %s", f,
				     patterns[i]);
			q.rule = PST_LANG_NOT_A;
			cr_expect_eq(pst_meaning_is_everything(t.m, t.p[i]), !found(&q), "%d: %s",
				     f, patterns[i]);
			for (size_t k = 0; k < N; k++) {
				q = ask(&t, f, k, i, PST_LANG_MINUS);
				cr_expect_eq(pst_meaning_includes(t.m, t.p[i], t.p[k]), !found(&q),
					     "%d: %s in %s", f, patterns[k], patterns[i]);
			}
		}
		t_fini(&t);
	}
}

Test(meaning, equal_texts_are_one_pattern)
{
	const struct pst_text a = {.s = "/a", .len = 2}, b = {.s = "/ab", .len = 2},
			      c = {.s = "/ab", .len = 3};
	struct pst_meanings *m = pst_meanings_new();
	struct pst_meaning *pa, *pb, *pc, *other;

	cr_assert(m);
	cr_assert_eq(pst_meaning_get(m, PST_FIELD_PATH, &a, &pa), 0);
	cr_assert_eq(pst_meaning_get(m, PST_FIELD_PATH, &b, &pb), 0);
	cr_assert_eq(pst_meaning_get(m, PST_FIELD_PATH, &c, &pc), 0);
	cr_assert_eq(pst_meaning_get(m, PST_FIELD_HOST, &a, &other), 0);
	cr_expect_eq(pa, pb);
	cr_expect_neq(pa, pc);
	cr_expect_neq(pa, other);
	pst_meanings_free(&m);
}

Test(meaning, a_witness_is_shown_in_full_or_cut_and_always_readable)
{
	char shown[PST_SHOWN_SIZE], text[300];
	const struct pst_witness odd = {.text = (char[]){'a', 0, '\xff', '\n'}, .len = 4};
	const struct pst_witness longer = {.text = text, .len = sizeof(text)};

	memset(text, 1, sizeof(text));
	cr_expect_str_eq(pst_witness_shown(&odd, shown), "a\\x00\\xff\\x0a");
	cr_expect_str_eq(pst_witness_shown(&longer, shown) + strlen(shown) - 7, "\\x01...");
	cr_expect_lt(strlen(shown), sizeof(shown));
}
