// SPDX-License-Identifier: Apache-2.0
#include "proxy/matcher.h"

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/automaton.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct matcher {
	const char *text;
	enum pst_field field;
	bool prepared;
	struct pst_automaton *automaton; /* NULL as well as regex: refused, or not prepared */
	struct pst_regex *regex;
};

struct rule {
	uint32_t matcher[PST_FIELD_MAX];
};

/* What twins have in common. */
struct shared {
	const struct pst_bundle *b;
	struct PST_VEC(struct matcher) all; /* sorted by field and text */
	struct rule *rules;
	pthread_mutex_t preparing; /* of patterns: the only change */
};

/* What was said about one pattern. */
struct said {
	uint64_t asked; /* the request that `result` is about */
	enum pst_regex_result result;
	struct pst_regex *twin; /* of the pattern's regex; NULL: not needed yet */
};

struct pst_matchers {
	struct shared *shared;
	bool is_twin;
	struct said *said; /* one for each pattern */
	uint64_t request;
	bool exhausted; /* a limit was reached in this request */
};

static void free_shared(struct shared *s)
{
	for (size_t i = 0; i < s->all.n; i++) {
		pst_automaton_free(&s->all.v[i].automaton);
		pst_regex_free(&s->all.v[i].regex);
	}
	pst_vec_free(&s->all);
	pthread_mutex_destroy(&s->preparing);
	free(s->rules);
	free(s);
}

void pst_matchers_free(struct pst_matchers **m)
{
	if (!*m)
		return;
	for (size_t i = 0; (*m)->said && i < (*m)->shared->all.n; i++)
		pst_regex_free(&(*m)->said[i].twin);
	free((*m)->said);
	if (!(*m)->is_twin && (*m)->shared)
		free_shared((*m)->shared);
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

static int collect(struct shared *m)
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

static uint32_t find(const struct shared *m, uint32_t rule, enum pst_field field)
{
	const struct matcher wanted = {.text = text_of(&m->b->rules[rule], field), .field = field};
	const struct matcher *found = NULL;

	if (wanted.text && m->all.n)
		found = bsearch(&wanted, m->all.v, m->all.n, sizeof(wanted), cmp);
	return found ? (uint32_t)(found - m->all.v) : PST_MATCHER_NONE;
}

static int make_shared(const struct pst_bundle *b, struct shared **ret_shared)
{
	struct shared *s = pst_mem_calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->preparing, NULL);
	s->b = b;
	s->rules = pst_mem_calloc(b->n_rules ? b->n_rules : 1, sizeof(*s->rules));
	r = s->rules ? collect(s) : -ENOMEM;
	if (r) {
		free_shared(s);
		return r;
	}
	for (uint32_t i = 0; i < b->n_rules; i++) {
		for (int f = 0; f < PST_FIELD_MAX; f++)
			s->rules[i].matcher[f] = find(s, i, f);
	}
	*ret_shared = s;
	return 0;
}

/* With what is shared: its owner's, if there is one. */
static int make(struct shared *shared, bool is_twin, struct pst_matchers **ret_matchers)
{
	struct pst_matchers *m = pst_mem_calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->said = pst_mem_calloc(shared->all.n ? shared->all.n : 1, sizeof(*m->said));
	if (!m->said) {
		free(m);
		return -ENOMEM;
	}
	m->shared = shared;
	m->is_twin = is_twin;
	m->request = 1;
	*ret_matchers = m;
	return 0;
}

int pst_matchers_new(const struct pst_bundle *b, struct pst_matchers **ret_matchers)
{
	struct shared *shared = NULL;
	int r = make_shared(b, &shared);

	if (!r)
		r = make(shared, false, ret_matchers);
	if (r && shared)
		free_shared(shared);
	return r;
}

int pst_matchers_twin(struct pst_matchers *of, struct pst_matchers **ret_twin)
{
	return make(of->shared, true, ret_twin);
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
	struct shared *s = m->shared;
	int r = 0;

	pthread_mutex_lock(&s->preparing);
	for (int f = 0; !r && f < PST_FIELD_MAX; f++) {
		uint32_t i = s->rules[rule].matcher[f];

		if (i != PST_MATCHER_NONE && !s->all.v[i].prepared)
			r = prepare(&s->all.v[i], &s->b->rules[rule].pos, diags);
	}
	pthread_mutex_unlock(&s->preparing);
	return r;
}

void pst_matchers_begin(struct pst_matchers *m)
{
	m->request++;
	m->exhausted = false;
}

/* Without memory for a twin nobody knows. */
static enum pst_regex_result ask_regex(const struct pst_matchers *m, struct said *said,
				       struct pst_regex *regex, const struct pst_span *text)
{
	if (m->exhausted)
		return PST_REGEX_LIMIT;
	if (!m->is_twin)
		return pst_regex_match(regex, text->s, text->len);
	if (!said->twin && pst_regex_twin(regex, &said->twin))
		return PST_REGEX_LIMIT;
	return pst_regex_match(said->twin, text->s, text->len);
}

static enum pst_regex_result ask_pattern(const struct pst_matchers *m, uint32_t i,
					 const struct pst_span *text)
{
	const struct matcher *one = &m->shared->all.v[i];

	if (one->automaton)
		return pst_automaton_match(one->automaton, text->s, text->len) ? PST_REGEX_YES
									       : PST_REGEX_NO;
	return one->regex ? ask_regex(m, &m->said[i], one->regex, text) : PST_REGEX_NO;
}

enum pst_regex_result pst_matchers_ask(struct pst_matchers *m, uint32_t rule,
				       const struct pst_head *head)
{
	enum pst_regex_result all = PST_REGEX_YES;

	/* Every field, so that a limit in one does not hide that another does not match. */
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		uint32_t i = m->shared->rules[rule].matcher[f];
		struct said *one = i == PST_MATCHER_NONE ? NULL : &m->said[i];

		if (!one)
			continue;
		if (!head->field[f].s)
			return PST_REGEX_NO;
		if (one->asked != m->request) {
			one->asked = m->request;
			one->result = ask_pattern(m, i, &head->field[f]);
			m->exhausted |= one->result == PST_REGEX_LIMIT;
		}
		if (one->result == PST_REGEX_NO)
			return PST_REGEX_NO;
		if (one->result == PST_REGEX_LIMIT)
			all = PST_REGEX_LIMIT;
	}
	return all;
}
