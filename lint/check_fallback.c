// SPDX-License-Identifier: Apache-2.0
#include "lint/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "lint/meaning.h"
#include "lint/pattern_scan.h"
#include "lint/walk.h"

/*
 * Patterns whose automaton is over the budget, so that the kernel cannot judge by them, and the
 * nearest form that it can: without an upper bound of its counts.
 */

struct form {
	struct PST_VEC(char) text;
	unsigned long count; /* the largest that was written */
};

static int put(struct form *f, const char *s, size_t len)
{
	if (pst_vec_reserve(&f->text, f->text.n + len + 1))
		return -ENOMEM;
	memcpy(f->text.v + f->text.n, s, len);
	f->text.n += len;
	f->text.v[f->text.n] = '\0';
	return 0;
}

/* The smallest and the largest number of a count; "{3,}" has no largest: then it is the smallest.
 */
static void read_count(const char *s, unsigned long *ret_least, unsigned long *ret_most)
{
	char *end = NULL;

	*ret_least = *ret_most = strtoul(s + 1, &end, 10);
	if (*end == ',' && end[1] != '}')
		*ret_most = strtoul(end + 1, NULL, 10);
}

/* Counts from LEAST on as "*" or "+"; smaller ones stay. */
static int loosen(const struct pst_scan *scan, unsigned long least, struct form *f)
{
	int r = 0;

	f->text.n = 0;
	f->count = 0;
	for (size_t i = 0; !r && i < scan->n; i++) {
		const struct pst_token *t = &scan->v[i];
		const char *s = scan->text->s + t->at;
		unsigned long from = 0, to = 0;

		if (t->kind == PST_TOKEN_REPEAT && *s == '{')
			read_count(s, &from, &to);
		if (to >= least && to) {
			r = put(f, from ? "+" : "*", 1);
			f->count = to > f->count ? to : f->count;
		} else {
			r = put(f, s, t->len);
		}
	}
	return r;
}

/* Is the form within the budget? */
static int is_within(const struct pst_lint_env *env, enum pst_field field, struct form *f)
{
	const struct pst_text text = {
		.s = pst_meanings_keep(env->meanings, f->text.v, f->text.n),
		.len = f->text.n,
	};
	struct pst_meaning *p = NULL;
	int r = text.s ? pst_meaning_get(env->meanings, field, &text, &p) : -ENOMEM;

	return r ? r : pst_meaning_build(env->meanings, p);
}

/* 1 with the form that changes least; 0: there is none. */
static int find_form(const struct pst_lint_env *env, const struct pst_meaning *p,
		     const struct pst_text *text, struct form *f)
{
	static const unsigned long least[] = {100, 10, 2};
	struct pst_scan scan;
	int r = 0;

	if (!pst_scan_pattern(text, &scan))
		return 0;
	for (size_t i = 0; !r && i < sizeof(least) / sizeof(*least); i++) {
		r = loosen(&scan, least[i], f);
		if (!r && f->count)
			r = is_within(env, p->field, f);
	}
	return r;
}

static int report(const struct pst_lint_env *env, const struct pst_meaning *p,
		  const struct pst_text *text)
{
	enum { SHOWN = 200 };
	struct form f = {0};
	int r = find_form(env, p, text, &f);

	if (r > 0 && f.text.n <= SHOWN)
		pst_diags_add(
			env->diags, PST_SEVERITY_INFO, "regex-fallback", &text->pos,
			"the kernel cannot judge by this: %s. By \"%s\" it can, which lets stand any number of times what is counted here (up to %lu)",
			p->limit, f.text.v, f.count);
	else if (r >= 0)
		pst_diags_add(env->diags, PST_SEVERITY_INFO, "regex-fallback", &text->pos,
			      "the kernel cannot judge by this: %s", p->limit);
	pst_vec_free(&f.text);
	return r < 0 ? r : 0;
}

static int check_field(const struct pst_lint_env *env, enum pst_field field,
		       const struct pst_text *text)
{
	struct pst_meaning *p = NULL;
	int r;

	if (!text->len)
		return 0;
	r = pst_meaning_get(env->meanings, field, text, &p);
	if (r || !p->is_big)
		return r;
	r = pst_meaning_build(env->meanings, p);
	if (r || !p->is_over)
		return r < 0 ? r : 0;
	return report(env, p, text);
}

static void check_rule(const struct pst_lint_env *env, const struct pst_rule_ref *ref, void *ctx)
{
	int *r = ctx;

	for (size_t i = 0; i < ref->rule->n_ports; i++) {
		const struct pst_port_rule *entry = &ref->rule->ports[i];

		for (size_t k = 0; !*r && k < entry->n_http; k++) {
			const struct pst_http_rule *http = &entry->http[k];

			*r = check_field(env, PST_FIELD_METHOD, &http->method);
			if (!*r)
				*r = check_field(env, PST_FIELD_PATH, &http->path);
			if (!*r)
				*r = check_field(env, PST_FIELD_HOST, &http->host);
		}
	}
}

int pst_check_fallback(const struct pst_lint_env *env)
{
	int r = 0;

	pst_lint_each_rule(env, check_rule, &r);
	return r;
}
