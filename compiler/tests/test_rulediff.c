// SPDX-License-Identifier: Apache-2.0
/*
 * Lists of rules against brute force: every request of a small world. RE2 decides about every
 * witness, rule by rule.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "compiler/rulediff.h"
#include "compiler/tests/re2_oracle.h"
#include "compiler/tests/re_random.h"

enum { MAX_RULES = 12, N_REGEX = 18 };

/* What rules are made of. Several are equal languages in other words. */
static const char *const regexes[PST_FIELD_MAX][N_REGEX] = {
	[PST_FIELD_METHOD] = {"GET", "POST", "GET|POST", "(POST|GET)", ".*", "[A-Z]+", "G.*",
			      "(GET)?", "P[OU].*", "PUT", "[^G].*", "HEAD|GET", "get", "G[^P]T",
			      "CONNECT", "", "P.*", "[PG].*"},
	[PST_FIELD_PATH] = {"/a", "/a.*", "/a/.*", "/.*", "/b", "/(a|b)", "/[ab]", "/[ab].*", ".*",
			    "/a(/b)?", "/a|/a/b", "/a/b", "//.*", "/a/\\.\\./b", "/[^/]*", "/b.*",
			    "/[^/]*/.*", "/.*b"},
	[PST_FIELD_HOST] = {"a", "b", "a|b", "[ab]", ".*", "a.*", "a(:80)?", "a|a:80", "[^a].*",
			    "\\[::1\\]", "a b", ".+", "[a-z]+", "b:.*", "a:80", "", "[^:]*",
			    ".*:80"},
};

/* The requests that brute force tries; all are in the base languages. */
static const char *const methods[] = {"GET", "POST", "PUT", "GE", "X", "HEAD"};
static const char *const hosts[] = {NULL, "a", "b", "a:80", "b:80", "[::1]", "c", "ab", "0"};
static const char *const paths[] = {"/",   "/a",   "/b",    "/ab",  "/c",   "/a/",  "/a/b",
				    "/b/", "/a/c", "/a/bb", "/b/a", "/c/b", "/a?b", "/cb"};
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

struct world {
	struct pst_pattern patterns[PST_FIELD_MAX][N_REGEX];
	struct re2_oracle *oracles[PST_FIELD_MAX][N_REGEX];
	struct pst_baselang *base;
	struct pst_diags *diags;
	bool (*implies)(const void *ctx, uint32_t a, uint32_t b); /* NULL: nothing does */
};

static void world_init(struct world *w)
{
	*w = (struct world){.diags = pst_diags_new()};
	cr_assert_eq(pst_baselang_new(&w->base), 0);
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		for (size_t i = 0; i < N_REGEX; i++) {
			const char *re = regexes[f][i];

			w->patterns[f][i] = (struct pst_pattern){.re = re, .len = strlen(re)};
			w->oracles[f][i] = re2_oracle_new(re, strlen(re));
			cr_assert_eq(re2_oracle_verdict(w->oracles[f][i]), RE2_ORACLE_OK);
		}
	}
}

static void world_fini(struct world *w)
{
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		for (size_t i = 0; i < N_REGEX; i++)
			re2_oracle_free(w->oracles[f][i]);
	}
	pst_baselang_free(&w->base);
	pst_diags_free(&w->diags);
}

/* A list and the rules it points to. */
struct list {
	struct pst_reqrule rules[MAX_RULES];
	uint32_t n;
};

static int compare_within(const struct world *w, const struct list *a, const struct list *b,
			  const struct pst_rulediff_limits *limits, struct pst_rulediff *ret)
{
	const struct pst_rulediff_query q = {
		.a = {a->rules, a->n},
		.b = {b->rules, b->n},
		.base = w->base,
		.limits = limits,
		.diags = w->diags,
		.implies = w->implies,
		.ctx = w,
	};

	return pst_rulediff(&q, ret);
}

struct request {
	const char *field[PST_FIELD_MAX];
	uint32_t headers;
};

static bool rule_allows(const struct world *w, const struct pst_reqrule *rule,
			const struct request *r)
{
	if (rule->headers && rule->headers != r->headers &&
	    !(w->implies && r->headers && w->implies(w, r->headers, rule->headers)))
		return false;
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		const struct pst_pattern *p = rule->field[f];

		if (p && (!r->field[f] || !re2_oracle_match(w->oracles[f][p - w->patterns[f]],
							    r->field[f], strlen(r->field[f]))))
			return false;
	}
	return true;
}

static bool list_allows(const struct world *w, const struct list *l, const struct request *r)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (rule_allows(w, &l->rules[i], r))
			return true;
	}
	return false;
}

/* The length of the shortest path at which the lists differ; -1: they do not. */
static int brute_force(const struct world *w, const struct list *a, const struct list *b)
{
	const size_t all = COUNT(methods) * COUNT(paths) * COUNT(hosts) * 4;
	int shortest = -1;

	for (size_t i = 0; i < all; i++) {
		size_t rest = i;
		struct request r;

		r.field[PST_FIELD_METHOD] = methods[rest % COUNT(methods)];
		rest /= COUNT(methods);
		r.field[PST_FIELD_PATH] = paths[rest % COUNT(paths)];
		rest /= COUNT(paths);
		r.field[PST_FIELD_HOST] = hosts[rest % COUNT(hosts)];
		r.headers = (uint32_t)(rest / COUNT(hosts));
		if (list_allows(w, a, &r) != list_allows(w, b, &r) &&
		    (shortest < 0 || (int)strlen(r.field[PST_FIELD_PATH]) < shortest))
			shortest = (int)strlen(r.field[PST_FIELD_PATH]);
	}
	return shortest;
}

/* RE2 says that one list allows the witness and the other does not, and the base has it. */
static void check_witness(const struct world *w, const struct list *a, const struct list *b,
			  const struct pst_rulediff *d)
{
	struct request r = {.headers = d->witness.headers};

	for (int f = 0; f < PST_FIELD_MAX; f++) {
		const struct pst_witness *text = &d->witness.field[f];

		r.field[f] = text->text;
		if (f == PST_FIELD_HOST && !text->text)
			continue;
		cr_assert_eq(strlen(text->text), text->len);
		cr_assert_eq(pst_automaton_match(pst_baselang_of(w->base, f)->automaton, text->text,
						 text->len),
			     1, "field %d: '%s'", f, text->text);
	}
	cr_assert_eq(list_allows(w, a, &r), d->in_a);
	cr_assert_eq(list_allows(w, b, &r), !d->in_a);
}

static const struct pst_pattern *pick(const struct world *w, struct re_random *r,
				      enum pst_field field)
{
	return re_random_below(r, 3) ? &w->patterns[field][re_random_below(r, N_REGEX)] : NULL;
}

static void add_random_rule(const struct world *w, struct re_random *r, struct list *l)
{
	struct pst_reqrule *rule = &l->rules[l->n++];

	for (int f = 0; f < PST_FIELD_MAX; f++)
		rule->field[f] = pick(w, r, f);
	rule->headers = re_random_below(r, 4) ? 0 : 1 + re_random_below(r, 3);
}

static void shuffle(struct re_random *r, struct list *l)
{
	for (uint32_t i = l->n; i > 1; i--) {
		uint32_t k = re_random_below(r, i);
		struct pst_reqrule rule = l->rules[k];

		l->rules[k] = l->rules[i - 1];
		l->rules[i - 1] = rule;
	}
}

/* Another order, and one rule changed in one field, added, or removed. */
static void vary(const struct world *w, struct re_random *r, struct list *l)
{
	struct pst_reqrule *rule = &l->rules[re_random_below(r, l->n)];
	enum pst_field field = re_random_below(r, PST_FIELD_MAX);

	switch (re_random_below(r, 4)) {
	case 0:
		rule->field[field] = pick(w, r, field);
		break;
	case 1: /* narrower than what is there already: equal lists */
		l->rules[l->n] = *rule;
		l->rules[l->n++].field[field] = &w->patterns[field][re_random_below(r, N_REGEX)];
		break;
	case 2:
		add_random_rule(w, r, l);
		break;
	default:
		if (l->n > 1)
			*rule = l->rules[--l->n];
	}
	shuffle(r, l);
}

static void compare_random_lists(struct world *w, uint32_t seed)
{
	enum { ROUNDS = 1000 };
	struct re_random random = {seed};
	size_t differ = 0, equal = 0, unseen = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct list a = {.n = 0}, b;
		struct pst_rulediff d;
		int shortest;
		uint32_t n = 1 + re_random_below(&random, MAX_RULES - 3);

		while (a.n < n)
			add_random_rule(w, &random, &a);
		b = a;
		for (uint32_t k = re_random_below(&random, 3) + 1; k > 0; k--)
			vary(w, &random, &b);
		cr_assert_eq(compare_within(w, &a, &b, NULL, &d), 0);
		shortest = brute_force(w, &a, &b);
		cr_assert(d.differ || shortest < 0, "round %d: brute force sees a difference", i);
		if (d.differ)
			check_witness(w, &a, &b, &d);
		if (d.differ && shortest >= 0 && d.questions <= 32)
			cr_assert_leq(d.witness.field[PST_FIELD_PATH].len, (size_t)shortest);
		differ += d.differ;
		equal += !d.differ && d.questions;
		unseen += d.differ && shortest < 0;
		pst_rulediff_fini(&d);
	}
	cr_assert_gt(differ, ROUNDS / 5);
	cr_assert_gt(equal, ROUNDS / 20);
	cr_assert_lt(unseen, ROUNDS / 10, "%zu: brute force's world is too small", unseen);
}

Test(rulediff, agrees_with_brute_force_about_random_lists)
{
	struct world w;

	world_init(&w);
	compare_random_lists(&w, 11);
	world_fini(&w);
}

/* Conditions as sets of headers: 3 asks for what 1 and what 2 asks for. */
static bool holds_all(const void *ctx, uint32_t a, uint32_t b)
{
	(void)ctx;
	return (a & b) == b;
}

Test(rulediff, agrees_with_brute_force_where_conditions_imply_each_other)
{
	struct world w;

	world_init(&w);
	w.implies = holds_all;
	compare_random_lists(&w, 12);
	world_fini(&w);
}

Test(rulediff, a_condition_that_another_implies_makes_it_superfluous)
{
	const struct pst_reqrule rules[] = {{.headers = 1}, {.headers = 3}};
	struct list one = {{rules[0]}, 1}, both = {{rules[0], rules[1]}, 2},
		    other = {{rules[1]}, 1};
	struct pst_rulediff d;
	struct world w;

	world_init(&w);
	cr_assert_eq(compare_within(&w, &one, &both, NULL, &d), 0);
	cr_expect(d.differ, "nobody has said what 3 means");
	pst_rulediff_fini(&d);
	w.implies = holds_all;
	cr_assert_eq(compare_within(&w, &one, &both, NULL, &d), 0);
	cr_expect_not(d.differ);
	cr_assert_eq(compare_within(&w, &one, &other, NULL, &d), 0);
	cr_assert(d.differ);
	cr_expect(d.in_a);
	cr_expect_eq(d.witness.headers, 1);
	pst_rulediff_fini(&d);
	world_fini(&w);
}

/* A list as text, one rule a row: method, path, host; NULL is any. */
struct row {
	const char *field[PST_FIELD_MAX];
	uint32_t headers;
};

struct rows {
	struct pst_pattern patterns[MAX_RULES][PST_FIELD_MAX];
	struct list list;
};

static void read_rows(const struct row *rows, uint32_t n, struct rows *ret)
{
	ret->list.n = n;
	for (uint32_t i = 0; i < n; i++) {
		struct pst_reqrule *rule = &ret->list.rules[i];

		rule->headers = rows[i].headers;
		for (int f = 0; f < PST_FIELD_MAX; f++) {
			const char *re = rows[i].field[f];

			rule->field[f] = re ? &ret->patterns[i][f] : NULL;
			if (re)
				ret->patterns[i][f] =
					(struct pst_pattern){.re = re, .len = strlen(re)};
		}
	}
}

enum { N_ROWS = 3 };

/* What one wants to be told about two short lists. */
struct example {
	struct row a[N_ROWS], b[N_ROWS];
	uint32_t n_a, n_b;
	const char *method, *path, *host; /* PATH NULL: equal */
	bool in_a;
	uint32_t headers;
};

static const struct example examples[] = {
	{.a = {{{"GET", "/admin.*"}}},
	 .n_a = 1,
	 .b = {{{"GET", "/admin/.*"}}},
	 .n_b = 1,
	 .method = "GET",
	 .path = "/admin",
	 .host = "a",
	 .in_a = true},
	{.a = {{{"GET|HEAD", "/a"}}}, .n_a = 1, .b = {{{"GET", "/a"}}, {{"HEAD", "/a"}}}, .n_b = 2},
	{.a = {{{NULL, "/(a|b)"}}}, .n_a = 1, .b = {{{NULL, "/a"}}, {{NULL, "/b"}}}, .n_b = 2},
	/* Together wider than each: a box that only the union covers. */
	{.a = {{{"GET", NULL}}, {{"[^G].*", NULL}}, {{"G(|[^E].*|E|E[^T].*|ET.+)", NULL}}},
	 .n_a = 3,
	 .b = {{{NULL, NULL}}},
	 .n_b = 1},
	/* No request can have such a path, method or host. */
	{.a = {{{NULL, "//.*"}}, {{"CONNECT", NULL}}, {{NULL, NULL, "a b"}}}, .n_a = 3, .n_b = 0},
	{.a = {{{NULL, "/x"}}}, .n_a = 1, .b = {{{NULL, "/x"}}, {{"PUT", "/x"}}}, .n_b = 2},
	/* Any host is not every host: HTTP/1.0 needs none. */
	{.a = {{{NULL, "/x"}}},
	 .n_a = 1,
	 .b = {{{NULL, "/x", ".*"}}},
	 .n_b = 1,
	 .method = "GET",
	 .path = "/x",
	 .host = NULL,
	 .in_a = true},
	{.a = {{{"GET", "/x"}, 1}},
	 .n_a = 1,
	 .b = {{{"GET", "/x"}, 2}},
	 .n_b = 1,
	 .method = "GET",
	 .path = "/x",
	 .host = "a",
	 .in_a = true,
	 .headers = 1},
	{.a = {{{"GET", "/x"}}}, .n_a = 1, .b = {{{"GET", "/x"}}, {{"GET", "/x"}, 5}}, .n_b = 2},
	{.n_a = 0,
	 .b = {{{"[A-Z]{4}", "/", "[a-f]\\.com"}}},
	 .n_b = 1,
	 .method = "POST",
	 .path = "/",
	 .host = "a.com"},
	{.n_a = 0, .n_b = 0},
	/* One difference is only where the other one is not. */
	{.a = {{{"POST", "/y", "b"}}},
	 .n_a = 1,
	 .b = {{{"P(OST)", "/y", "b"}}, {{"GET", "/y", NULL}}},
	 .n_b = 2,
	 .method = "GET",
	 .path = "/y",
	 .host = "a"},
};

static void assert_text(size_t i, const struct pst_witness *w, const char *expected)
{
	if (!expected)
		cr_assert_null(w->text, "example %zu: '%s'", i, w->text);
	else
		cr_assert(w->text && !strcmp(w->text, expected), "example %zu: '%s'", i, w->text);
}

Test(rulediff, says_about_short_lists_what_a_person_would_say)
{
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < COUNT(examples); i++) {
		const struct example *e = &examples[i];
		struct rows a, b;
		struct pst_rulediff d;

		read_rows(e->a, e->n_a, &a);
		read_rows(e->b, e->n_b, &b);
		cr_assert_eq(compare_within(&w, &a.list, &b.list, NULL, &d), 0);
		cr_assert_eq(d.differ, e->path != NULL, "example %zu", i);
		if (d.differ) {
			assert_text(i, &d.witness.field[PST_FIELD_METHOD], e->method);
			assert_text(i, &d.witness.field[PST_FIELD_PATH], e->path);
			assert_text(i, &d.witness.field[PST_FIELD_HOST], e->host);
			cr_assert_eq(d.in_a, e->in_a, "example %zu", i);
			cr_assert_eq(d.witness.headers, e->headers, "example %zu", i);
		}
		pst_rulediff_fini(&d);
	}
	world_fini(&w);
}

enum { N_BITS = 6, N_PATH_TEXT = 32, N_HOST_TEXT = 80 };

/* Six paths, and hosts of one letter whose number says by its bits which of the paths are theirs.
 */
struct bits {
	char paths[2][N_BITS][N_PATH_TEXT]; /* the same in two wordings */
	char hosts[N_BITS][N_HOST_TEXT];
	struct pst_pattern patterns[2][N_BITS], host_patterns[N_BITS];
	struct list lists[2];
};

static void write_bit(struct bits *x, uint32_t i)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t n = 0;

	x->hosts[i][n++] = '[';
	for (uint32_t k = 0; letters[k]; k++) {
		if (k >> i & 1)
			x->hosts[i][n++] = letters[k];
	}
	x->hosts[i][n] = ']';
	x->host_patterns[i] = (struct pst_pattern){.re = x->hosts[i], .len = n + 1};
	(void)snprintf(x->paths[0][i], N_PATH_TEXT, "/a{200}/%u", i);
	(void)snprintf(x->paths[1][i], N_PATH_TEXT, "/a{200}/[%u]", i);
}

static void bits_init(struct bits *x)
{
	*x = (struct bits){0};
	for (uint32_t i = 0; i < N_BITS; i++) {
		write_bit(x, i);
		for (int side = 0; side < 2; side++) {
			struct list *l = &x->lists[side];
			const char *path = x->paths[side][i];

			x->patterns[side][i] =
				(struct pst_pattern){.re = path, .len = strlen(path)};
			l->rules[l->n].field[PST_FIELD_PATH] = &x->patterns[side][i];
			l->rules[l->n++].field[PST_FIELD_HOST] = &x->host_patterns[i];
		}
	}
}

Test(rulediff, questions_that_do_not_fit_one_walk_are_asked_in_the_next)
{
	struct pst_rulediff d;
	struct bits x;
	struct world w;

	world_init(&w);
	bits_init(&x);
	cr_assert_eq(compare_within(&w, &x.lists[0], &x.lists[1], NULL, &d), 0);
	cr_assert(!d.differ);
	cr_assert_eq(d.questions, 61); /* 62 letters, and no path belongs to the first */
	/* A rule that allows one path to one letter more, wherever that stands in the order. */
	for (uint32_t i = 0; i < 62; i++) {
		const char host[] = {
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[i]};
		const struct pst_pattern pattern = {.re = host, .len = 1};
		struct list more = x.lists[1];
		const bool differs = !(i & 1);

		more.rules[more.n].field[PST_FIELD_PATH] = &x.patterns[0][0];
		more.rules[more.n++].field[PST_FIELD_HOST] = &pattern;
		cr_assert_eq(compare_within(&w, &x.lists[0], &more, NULL, &d), 0);
		cr_assert_eq(d.differ, differs, "host %c", host[0]);
		if (differs) {
			cr_assert(!d.in_a);
			cr_assert_eq(d.witness.field[PST_FIELD_HOST].text[0], host[0]);
			cr_assert_eq(d.witness.field[PST_FIELD_PATH].len, strlen("/") + 200 + 2);
		}
		pst_rulediff_fini(&d);
	}
	world_fini(&w);
}

Test(rulediff, each_limit_stops_the_comparison_and_is_named)
{
	static const char *const names[] = {
		"work on hosts", "combinations of method, host and headers", "different questions",
		"states", "states of a path's automaton"};
	struct pst_rulediff_limits limits[COUNT(names)];
	struct pst_rulediff d;
	struct bits x;
	struct world w;

	world_init(&w);
	bits_init(&x);
	for (size_t i = 0; i < COUNT(names); i++)
		limits[i] = pst_rulediff_default_limits;
	limits[0].max_atoms = 60;
	limits[1].max_combinations = 61;
	limits[2].max_questions = 60;
	limits[3].product.max_states = 110;
	limits[4].automaton.max_states = 150;
	cr_assert_eq(compare_within(&w, &x.lists[0], &x.lists[1], NULL, &d), 0);
	cr_assert_gt(d.states, 2 * 110);
	for (size_t i = 0; i < COUNT(names); i++) {
		cr_assert_eq(compare_within(&w, &x.lists[0], &x.lists[1], &limits[i], &d), -E2BIG,
			     "row %zu", i);
		cr_assert_str_eq(d.limit, names[i], "row %zu: %s", i, d.limit);
		cr_assert(!d.differ);
	}
	world_fini(&w);
}

Test(rulediff, a_pattern_that_is_not_in_the_dialect_is_reported_at_its_place)
{
	const struct pst_pattern good = {.re = "/a", .len = 2};
	const struct pst_pattern bad = {.re = "/a(", .len = 3, .pos = {"p.yaml", 7, 9, 7, 12}};
	const struct pst_reqrule a = {{NULL, &good, NULL}, 0}, b = {{NULL, &bad, NULL}, 0};
	struct pst_rulediff d;
	struct world w;
	struct pst_rulediff_query q;

	world_init(&w);
	q = (struct pst_rulediff_query){
		.a = {&a, 1}, .b = {&b, 1}, .base = w.base, .diags = w.diags};
	cr_assert_eq(pst_rulediff(&q, &d), -EINVAL);
	cr_assert_eq(pst_diags_count(w.diags), 1);
	cr_assert_eq(pst_diags_at(w.diags, 0)->pos.line, 7);
	world_fini(&w);
}

/* Patterns that multiply: which of the markers were seen is 2^24 states for one automaton. */
Test(rulediff, patterns_that_cannot_be_one_automaton_are_compared_as_well)
{
	enum { N = 24 };
	struct pst_rulediff_limits limits = pst_rulediff_default_limits;
	char texts[N][16];
	struct pst_pattern patterns[N];
	/* Inside one of them, and beside all of them. */
	const struct pst_pattern inside = {.re = "/ma[a-z]*", .len = 9};
	const struct pst_pattern beside = {.re = "/mz[a-l]*(ma)?y", .len = 15};
	struct pst_reqrule rules[2][N + 1] = {0};
	struct pst_rulediff_query q = {
		.a = {rules[0], N}, .b = {rules[1], N + 1}, .limits = &limits};
	struct pst_rulediff d;
	struct world w;

	limits.automaton.max_states = 100;
	world_init(&w);
	q.base = w.base;
	q.diags = w.diags;
	for (uint32_t i = 0; i < N; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "/.*m%c[a-z]*", 'a' + (int)i);
		patterns[i] = (struct pst_pattern){.re = texts[i], .len = strlen(texts[i])};
		rules[0][i].field[PST_FIELD_PATH] = &patterns[i];
		rules[1][i] = rules[0][i];
	}
	rules[1][N].field[PST_FIELD_PATH] = &inside;
	cr_assert_eq(pst_rulediff(&q, &d), 0);
	cr_assert(!d.differ && d.questions == 1);
	rules[1][N].field[PST_FIELD_PATH] = &beside;
	cr_assert_eq(pst_rulediff(&q, &d), 0);
	cr_assert(d.differ && !d.in_a);
	cr_assert_str_eq(d.witness.field[PST_FIELD_PATH].text, "/mzy");
	pst_rulediff_fini(&d);
	cr_assert_eq(pst_diags_count(w.diags), 0);
	world_fini(&w);
}

Test(rulediff, survives_the_failure_of_any_allocation)
{
	static const struct row left[] = {{{"GET", "/a.*", "a"}, 0}, {{NULL, "/b"}, 1}};
	static const struct row right[] = {{{"GET", "/a/.*", "a"}, 0}, {{NULL, "/b"}, 1}};
	struct rows a, b;
	struct world w;
	bool done = false;

	world_init(&w);
	read_rows(left, 2, &a);
	read_rows(right, 2, &b);
	for (long n = 0; !done; n++) {
		struct pst_rulediff d;
		int r;

		pst_mem_fail_after(n);
		r = compare_within(&w, &a.list, &b.list, NULL, &d);
		done = !pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(r, done ? 0 : -ENOMEM, "allocation %ld: %d", n, r);
		cr_assert_eq(d.differ, done);
		cr_assert_eq(!d.witness.field[PST_FIELD_PATH].text, !done);
		pst_rulediff_fini(&d);
	}
	world_fini(&w);
}
