// SPDX-License-Identifier: Apache-2.0
#include "proxy/matcher.h"

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/automaton.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct matcher {
	const char *text;
	enum pst_field field;
	bool prepared;
	struct pst_automaton *automaton; /* NULL as well as regex: refused, or not prepared */
	struct pst_regex *regex;
	uint64_t asked; /* the request that `result` is about */
	enum pst_regex_result result;
};

struct rule {
	uint32_t matcher[PST_FIELD_MAX];
};

struct pst_matchers {
	const struct pst_bundle *b;
	struct PST_VEC(struct matcher) all; /* sorted by field and text */
	struct rule *rules;
	uint64_t request;
	bool exhausted; /* a limit was reached in this request */
};

void pst_matchers_free(struct pst_matchers **m)
{
	if (!*m)
		return;
	for (size_t i = 0; i < (*m)->all.n; i++) {
		pst_automaton_free(&(*m)->all.v[i].automaton);
		pst_regex_free(&(*m)->all.v[i].regex);
	}
	pst_vec_free(&(*m)->all);
	free((*m)->rules);
	free(*m);
	*m = NULL;
}

static const char *text_of(const struct pst_bundle_rule *r, enum pst_field field)
{
	const char *const texts[] = {
		[PST_FIELD_METHOD] = r->method,
		[PST_FIELD_PATH] = r->target,
		[PST_FIELD_HOST] = r->host,
	};
	static_assert(sizeof(texts) / sizeof(*texts) == PST_FIELD_MAX, "all fields");

	return texts[field];
}

static int cmp(const void *va, const void *vb)
{
	const struct matcher *a = va, *b = vb;

	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	return strcmp(a->text, b->text);
}

static int collect(struct pst_matchers *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->b->n_rules; i++) {
		for (int f = 0; f < PST_FIELD_MAX; f++) {
			struct matcher one = {.text = text_of(&m->b->rules[i], f), .field = f};

			if (one.text && pst_vec_push(&m->all, one))
				return -ENOMEM;
		}
	}
	if (!m->all.n)
		return 0;
	qsort(m->all.v, m->all.n, sizeof(*m->all.v), cmp);
	for (size_t i = 1; i < m->all.n; i++) {
		if (cmp(&m->all.v[n], &m->all.v[i]))
			m->all.v[++n] = m->all.v[i];
	}
	m->all.n = n + 1;
	return 0;
}

static uint32_t find(const struct pst_matchers *m, uint32_t rule, enum pst_field field)
{
	const struct matcher wanted = {.text = text_of(&m->b->rules[rule], field), .field = field};
	const struct matcher *found = NULL;

	if (wanted.text && m->all.n)
		found = bsearch(&wanted, m->all.v, m->all.n, sizeof(wanted), cmp);
	return found ? (uint32_t)(found - m->all.v) : PST_MATCHER_NONE;
}

int pst_matchers_new(const struct pst_bundle *b, struct pst_matchers **ret_matchers)
{
	struct pst_matchers *m = pst_mem_calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->b = b;
	m->request = 1;
	m->rules = pst_mem_calloc(b->n_rules ? b->n_rules : 1, sizeof(*m->rules));
	r = m->rules ? collect(m) : -ENOMEM;
	if (r) {
		pst_matchers_free(&m);
		return r;
	}
	for (uint32_t i = 0; i < b->n_rules; i++) {
		for (int f = 0; f < PST_FIELD_MAX; f++)
			m->rules[i].matcher[f] = find(m, i, f);
	}
	*ret_matchers = m;
	return 0;
}

static int prepare(struct matcher *one, const struct pst_pos *pos, struct pst_diags *diags)
{
	const struct pst_pattern pattern = {
		.re = one->text, .len = strlen(one->text), .pos = *pos, .tag = 1};
	struct pst_diags *unused = pst_diags_new();
	int r = unused ? pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, unused,
					     &one->automaton)
		       : -ENOMEM;

	pst_diags_free(&unused);
	if (r && r != -ENOMEM)
		r = pst_regex_new(&pattern, diags, &one->regex);
	one->prepared = r != -ENOMEM;
	return r == -ENOMEM ? r : 0;
}

int pst_matchers_prepare(struct pst_matchers *m, uint32_t rule, struct pst_diags *diags)
{
	int r = 0;

	for (int f = 0; !r && f < PST_FIELD_MAX; f++) {
		uint32_t i = m->rules[rule].matcher[f];

		if (i != PST_MATCHER_NONE && !m->all.v[i].prepared)
			r = prepare(&m->all.v[i], &m->b->rules[rule].pos, diags);
	}
	return r;
}

void pst_matchers_begin(struct pst_matchers *m)
{
	m->request++;
	m->exhausted = false;
}

static enum pst_regex_result ask_pattern(const struct pst_matchers *m, const struct matcher *one,
					 const struct pst_span *text)
{
	if (one->automaton)
		return pst_automaton_match(one->automaton, text->s, text->len) ? PST_REGEX_YES
									       : PST_REGEX_NO;
	if (!one->regex)
		return PST_REGEX_NO;
	return m->exhausted ? PST_REGEX_LIMIT : pst_regex_match(one->regex, text->s, text->len);
}

enum pst_regex_result pst_matchers_ask(struct pst_matchers *m, uint32_t rule,
				       const struct pst_head *head)
{
	enum pst_regex_result all = PST_REGEX_YES;

	/* Every field, so that a limit in one does not hide that another does not match. */
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		uint32_t i = m->rules[rule].matcher[f];
		struct matcher *one = i == PST_MATCHER_NONE ? NULL : &m->all.v[i];

		if (!one)
			continue;
		if (!head->field[f].s)
			return PST_REGEX_NO;
		if (one->asked != m->request) {
			one->asked = m->request;
			one->result = ask_pattern(m, one, &head->field[f]);
			m->exhausted |= one->result == PST_REGEX_LIMIT;
		}
		if (one->result == PST_REGEX_NO)
			return PST_REGEX_NO;
		if (one->result == PST_REGEX_LIMIT)
			all = PST_REGEX_LIMIT;
	}
	return all;
}
