// SPDX-License-Identifier: Apache-2.0
#include "lint/meaning.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/pattern.h"
#include "lint/sample.h"

/*
 * Work of a run, in steps of about a tenth of a microsecond. All together is a quarter of a second;
 * most runs need nothing of it.
 */
enum {
	MAX_STEPS = 2500000,
	BUILD_STEPS = 200, /* an automaton, and each entry of its table */
	ENTRY_STEPS = 2,
	REFUSED_STEPS = 60000, /* one that came to its limits */
	WALK_STEPS = 200,      /* a walk, and each of its states */
	STATE_STEPS = 10,
};

enum {
	SAMPLE_SIZE = 256,
	MANY = 8, /* characters that vary, behind a loop: then states may multiply */
};

struct pst_meanings {
	struct pst_arena *arena;
	struct pst_baselang *base; /* NULL before the first pattern */
	struct PST_VEC(struct pst_meaning *) all;
	uint32_t *heads; /* 1 + number; as many as a power of two */
	size_t n_heads;
	uint64_t steps;
	bool gave_up;
};

struct pst_meanings *pst_meanings_new(void)
{
	struct pst_meanings *m = pst_mem_calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->steps = MAX_STEPS;
	m->arena = pst_arena_new();
	if (!m->arena)
		pst_meanings_free(&m);
	return m;
}

void pst_meanings_free(struct pst_meanings **m)
{
	if (!*m)
		return;
	for (size_t i = 0; i < (*m)->all.n; i++)
		pst_automaton_free(&(*m)->all.v[i]->automaton);
	pst_vec_free(&(*m)->all);
	free((*m)->heads);
	pst_baselang_free(&(*m)->base);
	pst_arena_free(&(*m)->arena);
	free(*m);
	*m = NULL;
}

static uint32_t hash_of(enum pst_field field, const struct pst_text *re)
{
	uint32_t h = 2166136261u + (uint32_t)field;

	for (size_t i = 0; i < re->len; i++)
		h = (h ^ (unsigned char)re->s[i]) * 16777619u;
	return h;
}

/* Is TEXT one that the field of a request can have? */
static bool is_possible(const struct pst_meanings *m, enum pst_field field, const char *text)
{
	const struct pst_lang_base *base = pst_baselang_of(m->base, field);
	const size_t len = strlen(text);

	return len <= base->max_len && pst_automaton_match(base->automaton, text, len);
}

/* What the branches of a pattern show together. */
struct look {
	struct pst_meanings *m;
	struct pst_meaning *p;
	const struct pst_scan *scan;
	size_t n_branches;
};

/* LEN bytes of literals from token AT on, into BUF. */
static void copy_literals(const struct pst_scan *scan, size_t at, size_t len, char *buf)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (char)scan->v[at + i].byte;
}

static uint32_t common_start(const char *a, size_t n, const char *b, size_t len)
{
	size_t i = 0;

	while (i < n && i < len && a[i] == b[i])
		i++;
	return (uint32_t)i;
}

static uint32_t common_end(const char *a, size_t n, const char *b, size_t len)
{
	size_t i = 0;

	while (i < n && i < len && a[n - 1 - i] == b[len - 1 - i])
		i++;
	return (uint32_t)i;
}

/* Literals, and then ".*": requests hold nothing that a dot does not match. */
static bool is_start(const struct pst_scan *scan, const struct pst_branch *branch, size_t n)
{
	const struct pst_token *dot = pst_scan_at(scan, branch->from + n);

	return branch->from + n + 2 == branch->to && dot->kind == PST_TOKEN_ANY &&
	       dot->repeat == '*';
}

/* The ends of the first branch, and then what the others have of them. */
static int look_at_ends(struct look *l, const struct pst_branch *branch)
{
	struct pst_meaning *p = l->p;
	char start[PST_SCAN_MAX], end[PST_SCAN_MAX];
	const size_t n = pst_sample_prefix(l->scan, branch);
	const size_t m = pst_sample_suffix(l->scan, branch);

	copy_literals(l->scan, branch->from, n, start);
	copy_literals(l->scan, branch->to - m, m, end);
	if (l->n_branches++) {
		const uint32_t kept = common_end(p->suffix, p->suffix_len, end, m);

		p->prefix_len = common_start(p->prefix, p->prefix_len, start, n);
		p->suffix += p->suffix_len - kept;
		p->suffix_len = kept;
		p->is_literal = p->is_start = false;
		return 0;
	}
	p->is_start = is_start(l->scan, branch, n);
	p->prefix = pst_arena_strndup(l->m->arena, start, n);
	p->prefix_len = (uint32_t)n;
	p->suffix = pst_arena_strndup(l->m->arena, end, m);
	p->suffix_len = (uint32_t)m;
	p->is_literal = n && branch->from + n == branch->to;
	return p->prefix && p->suffix ? 0 : -ENOMEM;
}

static int look_at_branch(struct look *l, const struct pst_branch *branch)
{
	struct pst_meaning *p = l->p;
	char text[SAMPLE_SIZE];
	int r = look_at_ends(l, branch);

	p->is_bound = p->is_bound && pst_sample_is_bound(l->scan, branch);
	if (r || p->sample || !pst_sample_branch(l->scan, branch, text, sizeof(text)) ||
	    !is_possible(l->m, p->field, text))
		return r;
	p->sample = pst_arena_strndup(l->m->arena, text, strlen(text));
	return p->sample ? 0 : -ENOMEM;
}

/* Counts multiply, and so does what varies behind a loop. */
static bool is_big(const struct pst_scan *scan)
{
	size_t loops = 0, after = 0;

	for (size_t i = 0; i < scan->n; i++) {
		const struct pst_token *t = &scan->v[i];
		const bool varies = t->kind == PST_TOKEN_ANY || t->kind == PST_TOKEN_CLASS;

		if (t->kind == PST_TOKEN_REPEAT && t->byte == '{')
			return true;
		loops += t->kind == PST_TOKEN_REPEAT && t->byte != '?';
		after += varies && loops;
	}
	return loops > MANY || after > MANY;
}

static int look_at(struct pst_meanings *m, struct pst_meaning *p, const struct pst_text *re)
{
	struct pst_branch branch = {0};
	struct pst_scan scan;
	struct look l = {.m = m, .p = p, .scan = &scan};
	int r = 0;

	p->prefix = p->suffix = "";
	p->is_big = true;
	if (!pst_scan_pattern(re, &scan))
		return 0;
	p->is_big = is_big(&scan);
	p->is_bound = true;
	while (!r && pst_scan_next_branch(&scan, &branch))
		r = look_at_branch(&l, &branch);
	p->is_literal = p->is_literal && p->sample;
	return r;
}

static int grow(struct pst_meanings *m)
{
	const size_t n = m->n_heads ? 2 * m->n_heads : 256;
	uint32_t *heads = pst_mem_calloc(n, sizeof(*heads));

	if (!heads)
		return -ENOMEM;
	free(m->heads);
	m->heads = heads;
	m->n_heads = n;
	for (size_t i = 0; i < m->all.n; i++) {
		uint32_t *head = &heads[m->all.v[i]->hash & (n - 1)];

		m->all.v[i]->next = *head;
		*head = (uint32_t)i + 1;
	}
	return 0;
}

static int add(struct pst_meanings *m, enum pst_field field, const struct pst_text *re,
	       struct pst_meaning **ret_meaning)
{
	struct pst_meaning *p = pst_arena_calloc(m->arena, 1, sizeof(*p));
	uint32_t *head;

	if (!p || (!m->base && pst_baselang_new(&m->base)) || (m->all.n >= m->n_heads && grow(m)) ||
	    pst_vec_reserve(&m->all, m->all.n + 1))
		return -ENOMEM;
	p->re = re->s;
	p->len = re->len;
	p->field = field;
	p->hash = hash_of(field, re);
	if (look_at(m, p, re))
		return -ENOMEM;
	head = &m->heads[p->hash & (m->n_heads - 1)];
	p->next = *head;
	m->all.v[m->all.n++] = p;
	*head = (uint32_t)m->all.n;
	*ret_meaning = p;
	return 0;
}

int pst_meaning_get(struct pst_meanings *m, enum pst_field field, const struct pst_text *re,
		    struct pst_meaning **ret_meaning)
{
	const uint32_t hash = hash_of(field, re);
	uint32_t i = m->n_heads ? m->heads[hash & (m->n_heads - 1)] : 0;

	for (; i; i = m->all.v[i - 1]->next) {
		struct pst_meaning *p = m->all.v[i - 1];

		if (p->hash == hash && p->field == field && p->len == re->len &&
		    !memcmp(p->re, re->s, re->len)) {
			*ret_meaning = p;
			return 0;
		}
	}
	return add(m, field, re, ret_meaning);
}

const char *pst_meanings_keep(struct pst_meanings *m, const char *re, size_t len)
{
	return pst_arena_strndup(m->arena, re, len);
}

static void spend(struct pst_meanings *m, uint64_t steps)
{
	m->steps -= steps < m->steps ? steps : m->steps;
}

bool pst_meanings_spend(struct pst_meanings *m, uint64_t steps)
{
	spend(m, steps);
	m->gave_up |= !m->steps;
	return m->steps;
}

/*
 * Is PATTERN, which has no automaton, one that the dialect allows? Another check says it if not,
 * and it is no matter of the budget then.
 */
static int is_in_dialect(const struct pst_pattern *pattern)
{
	struct pst_diags *unheard = pst_diags_new();
	int r = unheard ? pst_pattern_check(pattern, unheard) : -ENOMEM;

	pst_diags_free(&unheard);
	return r == -ENOMEM ? r : !r;
}

static int take_failure(struct pst_meanings *m, struct pst_meaning *p,
			const struct pst_pattern *pattern, const struct pst_diags *diags)
{
	const char *why = pst_diags_count(diags) ? pst_diags_at(diags, 0)->message : "";
	int r = is_in_dialect(pattern);

	p->is_over = r > 0;
	p->limit = pst_arena_strndup(m->arena, why, strlen(why));
	return p->limit && r >= 0 ? 0 : -ENOMEM;
}

int pst_meaning_build(struct pst_meanings *m, struct pst_meaning *p)
{
	const struct pst_pattern pattern = {.re = p->re, .len = p->len, .tag = 1};
	struct pst_diags *diags;
	int r;

	if (p->is_built)
		return p->automaton != NULL;
	if (!m->steps) {
		m->gave_up = true;
		return 0;
	}
	diags = pst_diags_new();
	if (!diags)
		return -ENOMEM;
	r = pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags, &p->automaton);
	p->is_built = true;
	if (r && r != -ENOMEM)
		r = take_failure(m, p, &pattern, diags);
	pst_diags_free(&diags);
	spend(m, !p->automaton ? REFUSED_STEPS
			       : BUILD_STEPS + ENTRY_STEPS * (uint64_t)p->automaton->n_states *
						       p->automaton->n_classes);
	return r ? r : p->automaton != NULL;
}

int pst_meanings_find(struct pst_meanings *m, const struct pst_lang_question *q,
		      struct pst_lang_answer *ret_answer)
{
	const uint64_t left = m->steps / STATE_STEPS;
	const struct pst_product_limits limits = {
		.max_states = left < 65536 ? (uint32_t)left + 1 : 65536,
		.max_bytes = pst_product_default_limits.max_bytes,
	};
	struct pst_lang_question bounded = *q;
	struct pst_lang_answer answer = {.found = false};
	int r;

	bounded.limits = &limits;
	r = m->steps ? pst_lang_find(&bounded, &answer) : -E2BIG;
	if (r == -E2BIG)
		m->gave_up = true;
	spend(m, WALK_STEPS + (uint64_t)answer.states * STATE_STEPS);
	if (r)
		return r == -E2BIG ? 0 : r;
	*ret_answer = answer;
	return 1;
}

/* Is there no text for which the question is true? */
static int is_proven(struct pst_meanings *m, const struct pst_lang_question *q)
{
	struct pst_lang_answer answer;
	int r = pst_meanings_find(m, q, &answer);

	if (r <= 0)
		return r;
	pst_witness_fini(&answer.witness);
	return !answer.found;
}

const struct pst_lang_base *pst_meanings_base(struct pst_meanings *m, enum pst_field field)
{
	return pst_baselang_of(m->base, field);
}

int pst_meaning_is_empty(struct pst_meanings *m, struct pst_meaning *p)
{
	struct pst_lang_question q = {.rule = PST_LANG_A, .within = pst_meanings_base(m, p->field)};
	int r;

	if (p->sample)
		return 0;
	r = pst_meaning_build(m, p);
	if (r <= 0)
		return r;
	q.a = (struct pst_lang){p->automaton, UINT64_MAX};
	return is_proven(m, &q);
}

int pst_meaning_is_everything(struct pst_meanings *m, struct pst_meaning *p)
{
	struct pst_lang_question q = {.rule = PST_LANG_NOT_A,
				      .within = pst_meanings_base(m, p->field)};
	int r;

	if (p->is_bound)
		return 0;
	r = pst_meaning_build(m, p);
	if (r <= 0)
		return r;
	q.a = (struct pst_lang){p->automaton, UINT64_MAX};
	return is_proven(m, &q);
}

static bool same(const struct pst_meaning *a, const struct pst_meaning *b)
{
	return a == b || (a->len == b->len && !memcmp(a->re, b->re, a->len));
}

bool pst_meaning_excludes(const struct pst_meaning *outer, const struct pst_meaning *inner)
{
	const char *text = inner->sample;
	const size_t len = text ? strlen(text) : 0;

	if (!text || outer == inner)
		return false;
	return len < outer->prefix_len || len < outer->suffix_len ||
	       memcmp(text, outer->prefix, outer->prefix_len) ||
	       memcmp(text + len - outer->suffix_len, outer->suffix, outer->suffix_len);
}

/* Do the starts show that it does? */
static bool is_below(const struct pst_meaning *outer, const struct pst_meaning *inner)
{
	return outer->is_start && inner->prefix_len >= outer->prefix_len &&
	       !memcmp(inner->prefix, outer->prefix, outer->prefix_len);
}

int pst_meaning_includes(struct pst_meanings *m, struct pst_meaning *outer,
			 struct pst_meaning *inner)
{
	struct pst_lang_question q = {.rule = PST_LANG_MINUS,
				      .within = pst_meanings_base(m, outer->field)};
	int r;

	if (same(outer, inner) || is_below(outer, inner))
		return 1;
	if (pst_meaning_excludes(outer, inner))
		return 0;
	if (outer->is_literal && inner->is_literal)
		return !strcmp(outer->sample, inner->sample);
	r = pst_meaning_build(m, outer);
	if (r <= 0)
		return r;
	if (inner->sample) {
		const bool has =
			pst_automaton_match(outer->automaton, inner->sample, strlen(inner->sample));

		if (!has || inner->is_literal)
			return has;
	}
	r = pst_meaning_build(m, inner);
	if (r <= 0)
		return r;
	q.a = (struct pst_lang){inner->automaton, UINT64_MAX};
	q.b = (struct pst_lang){outer->automaton, UINT64_MAX};
	return is_proven(m, &q);
}

void pst_meanings_report(const struct pst_meanings *m, const struct pst_lint_env *env)
{
	const struct pst_pos nowhere = {0};

	if (m->gave_up)
		pst_diags_add(
			env->diags, PST_SEVERITY_INFO, "lint-budget", &nowhere,
			"what patterns match: too much to work out; some questions have no answer");
}

const char *pst_witness_shown(const struct pst_witness *w, char *buf)
{
	enum { DOTS = 3, ESCAPED = 4 };
	size_t n = 0, i = 0;

	for (; i < w->len && n + ESCAPED + DOTS < PST_SHOWN_SIZE; i++) {
		const unsigned char c = (unsigned char)w->text[i];

		if (c >= ' ' && c <= '~')
			buf[n++] = (char)c;
		else
			n += (size_t)snprintf(buf + n, PST_SHOWN_SIZE - n, "\\x%02x", c);
	}
	snprintf(buf + n, PST_SHOWN_SIZE - n, "%s", i < w->len ? "..." : "");
	return buf;
}
