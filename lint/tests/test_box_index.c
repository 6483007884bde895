// SPDX-License-Identifier: Apache-2.0
/* Whatever includes a rule is among its candidates, and few others are. */
#include <criterion/criterion.h>
#include <string.h>

#include "lint/box_index.h"

static const char *const paths[] = {
	"",	 "/",	    "/.*",    ".*",	  "(/.*)?",	   "/a",	"/a/.*",
	"/a/b",	 "/a/b/.*", "/a.*",   "/(a|b)/c", "/b/c",	   "/a/[0-9]+", "/a/1",
	"/a|/b", "(/a|/b)", "(?i)/A", "/a$",	  "/x/y/z/[a-z]*", "/x/y/z/",	"/q",
};

enum { N = sizeof(paths) / sizeof(*paths) };

struct list {
	struct pst_meanings *m;
	struct pst_http_rule rules[N];
	struct pst_http_box boxes[N];
	struct pst_box_index index;
};

static void list_init(struct list *l)
{
	memset(l, 0, sizeof(*l));
	l->m = pst_meanings_new();
	cr_assert(l->m);
	for (size_t i = 0; i < N; i++) {
		if (*paths[i])
			l->rules[i].path =
				(struct pst_text){.s = paths[i], .len = strlen(paths[i])};
		cr_assert_eq(pst_http_box_init(&l->boxes[i], l->m, &l->rules[i]), 0);
	}
	cr_assert_eq(pst_box_index_init(&l->index, l->boxes, N), 0);
}

static void list_fini(struct list *l)
{
	pst_box_index_fini(&l->index);
	pst_meanings_free(&l->m);
}

/* How often OUTER is among the candidates of INNER. */
static size_t count(const struct list *l, size_t outer, size_t inner)
{
	struct pst_box_cursor c = pst_box_cursor_init(&l->index, &l->boxes[inner]);
	const struct pst_http_box *box;
	size_t n = 0;

	while ((box = pst_box_index_next(&l->index, &c)))
		n += box == &l->boxes[outer];
	return n;
}

Test(box_index, whatever_includes_a_rule_is_a_candidate_once)
{
	struct list l;

	list_init(&l);
	for (size_t i = 0; i < N; i++) {
		for (size_t k = 0; k < N; k++) {
			const size_t n = count(&l, k, i);

			cr_expect_leq(n, 1, "%s, %s", paths[k], paths[i]);
			if (pst_http_box_includes(l.m, &l.boxes[k], &l.boxes[i]) > 0)
				cr_expect_eq(n, 1, "%s includes %s", paths[k], paths[i]);
		}
	}
	list_fini(&l);
}

Test(box_index, a_rule_elsewhere_is_no_candidate)
{
	struct list l;

	list_init(&l);
	cr_expect_eq(count(&l, N - 1, N - 2), 0); /* /q, /x/y/z/ */
	cr_expect_eq(count(&l, N - 2, N - 1), 0);
	cr_expect_eq(count(&l, 2, N - 1), 1); /* what begins with a slash */
	list_fini(&l);
}

Test(box_index, an_empty_list_has_no_candidates)
{
	struct pst_box_index index;
	const struct pst_http_rule rule = {.method = {.s = NULL}};
	const struct pst_http_box box = {.rule = &rule};
	struct pst_box_cursor c;

	cr_assert_eq(pst_box_index_init(&index, NULL, 0), 0);
	c = pst_box_cursor_init(&index, &box);
	cr_expect_null(pst_box_index_next(&index, &c));
	pst_box_index_fini(&index);
}
