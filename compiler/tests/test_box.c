// SPDX-License-Identifier: Apache-2.0
/* Boxes against the comparison of lists: INNER is in OUTER exactly when {OUTER} and {OUTER, INNER}
 * are the same. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/box.h"
#include "compiler/rulediff.h"
#include "compiler/tests/re_random.h"

enum { N_REGEX = 9 };

static const char *const regexes[PST_FIELD_MAX][N_REGEX] = {
	[PST_FIELD_METHOD] = {"GET", "GET|POST", "[A-Z]+", ".*", "P.*", "CONNECT", "(GET)?",
			      "GET|PUT", "x^"},
	[PST_FIELD_PATH] = {"/a", "/a.*", "/a/.*", "/.*", "//.*", ".*", "/[ab]", "/a|//", "/b"},
	[PST_FIELD_HOST] = {"a", "a.*", "[ab]", ".*", "a(:80)?", "a b", ".+", "a:80", "b"},
};

struct world {
	struct pst_pattern patterns[PST_FIELD_MAX][N_REGEX];
	struct pst_automaton *automata[PST_FIELD_MAX][N_REGEX];
	struct pst_baselang *base;
	struct pst_diags *diags;
};

static void world_init(struct world *w)
{
	*w = (struct world){.diags = pst_diags_new()};
	cr_assert_eq(pst_baselang_new(&w->base), 0);
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		for (int i = 0; i < N_REGEX; i++) {
			struct pst_pattern *p = &w->patterns[f][i];

			p->re = regexes[f][i];
			p->len = strlen(p->re);
			p->tag = 4;
			cr_assert_eq(pst_automaton_build(p, 1, &pst_automaton_default_limits,
							 w->diags, &w->automata[f][i]),
				     0);
		}
	}
}

static void world_fini(struct world *w)
{
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		for (int i = 0; i < N_REGEX; i++)
			pst_automaton_free(&w->automata[f][i]);
	}
	pst_baselang_free(&w->base);
	pst_diags_free(&w->diags);
}

/* The same rule twice. */
static void random_rule(const struct world *w, struct re_random *r, struct pst_box *box,
			struct pst_reqrule *rule)
{
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		const uint32_t i = re_random_below(r, N_REGEX + 2);

		box->field[f] = i < N_REGEX ? w->automata[f][i] : NULL;
		rule->field[f] = i < N_REGEX ? &w->patterns[f][i] : NULL;
	}
	box->headers = rule->headers = re_random_below(r, 6) ? 0 : 1 + re_random_below(r, 2);
}

static bool is_in(const struct pst_box *box, const struct pst_box_answer *a)
{
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		const struct pst_witness *text = &a->witness[f];

		if (box->field[f] &&
		    (!text->text || !pst_automaton_match(box->field[f], text->text, text->len)))
			return false;
	}
	return true;
}

static bool lists_say_included(const struct world *w, const struct pst_reqrule *outer,
			       const struct pst_reqrule *inner)
{
	const struct pst_reqrule both[] = {*outer, *inner};
	const struct pst_rulediff_query q = {
		.a = {both, 1}, .b = {both, 2}, .base = w->base, .diags = w->diags};
	struct pst_rulediff d;
	bool differ;

	cr_assert_eq(pst_rulediff(&q, &d), 0);
	differ = d.differ;
	pst_rulediff_fini(&d);
	return !differ;
}

Test(box, one_includes_another_when_adding_it_changes_no_list)
{
	enum { SEED = 21, ROUNDS = 3000 };
	struct re_random random = {SEED};
	size_t included = 0, by_headers = 0, absent = 0;
	struct world w;

	world_init(&w);
	for (int i = 0; i < ROUNDS; i++) {
		struct pst_box outer, inner;
		struct pst_reqrule outer_rule, inner_rule;
		struct pst_box_answer a;

		random_rule(&w, &random, &outer, &outer_rule);
		random_rule(&w, &random, &inner, &inner_rule);
		cr_assert_eq(pst_box_includes(w.base, &outer, &inner, &a), 0);
		cr_assert_eq(a.included, lists_say_included(&w, &outer_rule, &inner_rule),
			     "round %d", i);
		if (!a.included) {
			cr_assert(is_in(&inner, &a));
			cr_assert_eq(is_in(&outer, &a), a.by_headers);
		}
		included += a.included && !a.is_empty;
		by_headers += a.by_headers;
		absent += !a.included && !a.witness[PST_FIELD_HOST].text;
		pst_box_answer_fini(&a);
	}
	cr_assert(included > 100 && by_headers > 10 && absent > 5, "%zu %zu %zu", included,
		  by_headers, absent);
	world_fini(&w);
}

Test(box, survives_the_failure_of_any_allocation)
{
	struct world w;
	struct pst_box outer, inner = {.headers = 0};
	bool done = false;

	world_init(&w);
	inner.field[PST_FIELD_PATH] = w.automata[PST_FIELD_PATH][1];
	outer = inner;
	outer.field[PST_FIELD_PATH] = w.automata[PST_FIELD_PATH][0];
	for (long n = 0; !done; n++) {
		struct pst_box_answer a = {.included = true};
		int r;

		pst_mem_fail_after(n);
		r = pst_box_includes(w.base, &outer, &inner, &a);
		done = !pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(r, done ? 0 : -ENOMEM, "allocation %ld", n);
		cr_assert_eq(a.included, !done);
		if (done)
			pst_box_answer_fini(&a);
	}
	world_fini(&w);
}
