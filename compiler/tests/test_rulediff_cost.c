// SPDX-License-Identifier: Apache-2.0
/*
 * What comparisons of long lists cost.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compiler/rulediff.h"

/* N rules of list L that only differ in the path, or with HOSTS also in the host; texts are kept in
 * TEXTS. */
struct many {
	struct pst_pattern *patterns;
	struct pst_reqrule *rules;
	char (*texts)[64];
	uint32_t n;
};

enum many_kind { LITERAL, API, HOSTS };

static size_t write_path(enum many_kind kind, uint32_t i, char *text)
{
	if (kind == LITERAL)
		return (size_t)snprintf(text, 64, "/api/v%u/things/%u", i % 97, i);
	if (kind == API)
		return (size_t)snprintf(text, 64, "/svc%u/v1/[^/]+/items%u/[0-9]+(/.*)?", i % 97,
					i);
	return (size_t)snprintf(text, 64, "/%u/%u", i % 97, i);
}

static void many_init(struct many *m, uint32_t n, enum many_kind kind)
{
	static const struct pst_pattern verbs[] = {
		{.re = "GET", .len = 3}, {.re = "POST", .len = 4}, {.re = "GET|HEAD", .len = 8}};

	*m = (struct many){.n = n};
	m->patterns = calloc(2 * (size_t)n, sizeof(*m->patterns));
	m->rules = calloc(n, sizeof(*m->rules));
	m->texts = calloc(2 * (size_t)n, sizeof(*m->texts));
	for (uint32_t i = 0; i < n; i++) {
		struct pst_pattern *path = &m->patterns[2 * i], *host = path + 1;
		char *texts[2] = {m->texts[2 * i], m->texts[2 * i + 1]};

		*path = (struct pst_pattern){.re = texts[0]};
		path->len = write_path(kind, i, texts[0]);
		*host = (struct pst_pattern){.re = texts[1]};
		host->len = (size_t)snprintf(texts[1], 64, "svc%u\\.example\\.com", i);
		m->rules[i].field[PST_FIELD_METHOD] = &verbs[i % 3];
		m->rules[i].field[PST_FIELD_PATH] = path;
		if (kind == HOSTS)
			m->rules[i].field[PST_FIELD_HOST] = host;
	}
}

static void many_fini(struct many *m)
{
	free(m->patterns);
	free(m->rules);
	free(m->texts);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Compares both ways to lose one rule out of N, then the whole with itself in other words. */
static void diff_many(struct pst_rulediff_query q, enum many_kind kind, uint32_t n, double budget)
{
	struct many a, b;
	struct pst_rulediff d;
	const struct pst_pattern get = {.re = "GET", .len = 3}, same = {.re = "G(ET)", .len = 5};
	double start = seconds(), took;

	many_init(&a, n, kind);
	many_init(&b, n, kind);
	q.a = (struct pst_reqlist){a.rules, a.n};
	q.b = (struct pst_reqlist){b.rules, b.n - 1};
	cr_assert_eq(pst_rulediff(&q, &d), 0);
	took = seconds() - start;
	cr_assert(d.differ && d.in_a);
	cr_log_info("kind %d, %u rules: %.3f s, %u questions, %u states, %u hosts", kind, n, took,
		    d.questions, d.states, d.atoms[PST_FIELD_HOST]);
	cr_assert_lt(took, budget, "kind %d: %.1f s", kind, took);
	pst_rulediff_fini(&d);

	/* One rule becomes two that are the same together. */
	start = seconds();
	q.b.n = b.n;
	b.rules[n / 2].field[PST_FIELD_METHOD] = &get;
	a.rules[n / 2].field[PST_FIELD_METHOD] = &same;
	cr_assert_eq(pst_rulediff(&q, &d), 0);
	cr_log_info("kind %d, %u rules: equal after %.3f s, %u questions, %u states", kind, n,
		    seconds() - start, d.questions, d.states);
	cr_assert(!d.differ && d.questions > 0);
	pst_rulediff_fini(&d);

	/* Every rule in other words. */
	start = seconds();
	for (uint32_t i = 0; i < n; i++) {
		char *text = b.texts[2 * i];
		const size_t len = strlen(text);

		memmove(text + 3, text, len);
		memcpy(text, "(?:", 3);
		memcpy(text + 3 + len, ")", 2);
		b.patterns[2 * i].len += 4;
	}
	cr_assert_eq(pst_rulediff(&q, &d), 0, "kind %d: %s", kind, d.limit);
	cr_log_info("kind %d, %u rules: all in other words, equal after %.3f s, %u questions, %u "
		    "states",
		    kind, n, seconds() - start, d.questions, d.states);
	cr_assert(!d.differ && d.questions > 0);
	pst_rulediff_fini(&d);
	many_fini(&a);
	many_fini(&b);
}

Test(rulediff, ten_thousand_rules_are_a_matter_of_seconds)
{
	enum { BUDGET_SECONDS = 60 }; /* sanitized and on a busy machine too */
	struct pst_baselang *base = NULL;
	struct pst_diags *diags = pst_diags_new();
	struct pst_rulediff_query q = {.diags = diags};

	cr_assert_eq(pst_baselang_new(&base), 0);
	q.base = base;
	diff_many(q, LITERAL, 10000, BUDGET_SECONDS);
	diff_many(q, API, 10000, BUDGET_SECONDS);
	diff_many(q, HOSTS, 2000, BUDGET_SECONDS);
	pst_baselang_free(&base);
	pst_diags_free(&diags);
}
