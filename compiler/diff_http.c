// SPDX-License-Identifier: Apache-2.0
#include "compiler/diff_http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Rules of one or both sides, as pst_rulediff() takes them. */
struct rules PST_VEC(struct pst_reqrule);

static int make_patterns(struct pst_diff_http *h, enum pst_diff_side side)
{
	const struct pst_bundle *b = h->bundles[side];
	struct pst_pattern *p = pst_mem_calloc(b->n_rules, PST_FIELD_MAX * sizeof(*p));

	h->patterns[side] = p;
	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < b->n_rules; i++) {
		const char *const texts[] = {
			[PST_FIELD_METHOD] = b->rules[i].method,
			[PST_FIELD_PATH] = b->rules[i].target,
			[PST_FIELD_HOST] = b->rules[i].host,
		};

		for (int f = 0; f < PST_FIELD_MAX; f++) {
			if (texts[f])
				p[i * PST_FIELD_MAX + f] = (struct pst_pattern){
					.re = texts[f], .len = strlen(texts[f])};
		}
	}
	return 0;
}

static int make_headers(struct pst_diff_http *h, enum pst_diff_side side)
{
	const struct pst_bundle *b = h->bundles[side];
	int r = 0;

	h->headers[side] = pst_mem_calloc(b->n_rules, sizeof(*h->headers[side]));
	if (!h->headers[side])
		return -ENOMEM;
	for (size_t i = 0; !r && i < b->n_rules; i++)
		r = pst_diff_conditions_add(&h->conditions, h->arena, &b->rules[i],
					    &h->headers[side][i]);
	return r;
}

int pst_diff_http_init(struct pst_diff_http *h)
{
	int r = pst_baselang_new(&h->base);

	for (int s = 0; !r && s < PST_DIFF_SIDES; s++)
		r = make_patterns(h, s);
	for (int s = 0; !r && s < PST_DIFF_SIDES; s++)
		r = make_headers(h, s);
	return r;
}

void pst_diff_http_fini(struct pst_diff_http *h)
{
	pst_baselang_free(&h->base);
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		free(h->patterns[s]);
		h->patterns[s] = NULL;
		free(h->headers[s]);
		h->headers[s] = NULL;
	}
	pst_diff_conditions_fini(&h->conditions);
	pst_vec_free(&h->memo);
}

static bool is_judged(const struct pst_diff_gate *g)
{
	return g->verdict == PST_VERDICT_JUDGE || g->verdict == PST_VERDICT_FALLBACK;
}

/* Everything is one rule without conditions, nothing is no rule. */
static int add_rules(struct pst_diff_http *h, const struct pst_diff_gate *g, struct rules *rules)
{
	const struct pst_bundle_ruleset *set;
	int r = 0;

	if (g->verdict == PST_VERDICT_ALLOW)
		return pst_vec_push(rules, (struct pst_reqrule){0});
	if (!is_judged(g))
		return 0;
	set = &h->bundles[g->side]->rulesets[g->ruleset];
	for (size_t i = 0; !r && i < set->n_rules; i++) {
		const struct pst_pattern *p =
			&h->patterns[g->side][(size_t)set->rules[i] * PST_FIELD_MAX];
		struct pst_reqrule rule = {.headers = h->headers[g->side][set->rules[i]]};

		for (int f = 0; f < PST_FIELD_MAX; f++)
			rule.field[f] = p[f].re ? &p[f] : NULL;
		r = pst_vec_push(rules, rule);
	}
	return r;
}

/* 1, 0, or a negative errno; too big a pattern matches nothing that could be named. */
static int matches(const struct pst_pattern *p, const struct pst_witness *text)
{
	struct pst_pattern one = *p;
	struct pst_automaton *a = NULL;
	struct pst_diags *unused = pst_diags_new();
	int r = unused ? 0 : -ENOMEM;

	one.tag = 1;
	if (!r)
		r = pst_automaton_build(&one, 1, &pst_rulediff_default_limits.automaton, unused,
					&a);
	if (!r)
		r = pst_automaton_match(a, text->text, text->len) != 0;
	pst_automaton_free(&a);
	pst_diags_free(&unused);
	return r == -E2BIG || r == -EINVAL ? 0 : r;
}

static int rule_allows(const struct pst_pattern *p, const struct pst_reqwitness *w)
{
	int r = 1;

	for (int f = 0; r > 0 && f < PST_FIELD_MAX; f++) {
		if (p[f].re)
			r = w->field[f].text ? matches(&p[f], &w->field[f]) : 0;
	}
	return r;
}

static bool implies(const void *ctx, uint32_t a, uint32_t b)
{
	const struct pst_diff_http *h = ctx;

	return pst_diff_conditions_implies(&h->conditions, a, b);
}

/* The first rule of G that allows the witness. */
static int name_rule(const struct pst_diff_http *h, const struct pst_diff_gate *g,
		     const struct pst_reqwitness *w, const struct pst_bundle_rule **ret_rule)
{
	const struct pst_bundle *b = h->bundles[g->side];
	const struct pst_bundle_ruleset *set;
	int r = 0;

	if (!is_judged(g))
		return 0;
	set = &b->rulesets[g->ruleset];
	for (size_t i = 0; r == 0 && i < set->n_rules; i++) {
		const uint32_t rule = set->rules[i];
		const uint32_t headers = h->headers[g->side][rule];

		if (headers && !(w->headers && implies(h, w->headers, headers)))
			continue;
		r = rule_allows(&h->patterns[g->side][(size_t)rule * PST_FIELD_MAX], w);
		if (r > 0)
			*ret_rule = &b->rules[rule];
	}
	return r < 0 ? r : 0;
}

static const char *copy(struct pst_diff_http *h, const struct pst_witness *w)
{
	return pst_arena_strndup(h->arena, w->text, w->len);
}

static int write_request(struct pst_diff_http *h, const struct pst_reqwitness *w,
			 struct pst_diff_request *ret)
{
	ret->method = copy(h, &w->field[PST_FIELD_METHOD]);
	ret->path = copy(h, &w->field[PST_FIELD_PATH]);
	if (!ret->method || !ret->path)
		return -ENOMEM;
	if (pst_diff_conditions_lines(&h->conditions, h->arena, w->headers, &ret->headers))
		return -ENOMEM;
	if (!w->field[PST_FIELD_HOST].text)
		return 0;
	ret->host = copy(h, &w->field[PST_FIELD_HOST]);
	return ret->host ? 0 : -ENOMEM;
}

static int compare(struct pst_diff_http *h, const struct rules *more, const struct rules *less,
		   const struct pst_diff_gate *gate, struct pst_diff_surplus *s)
{
	const struct pst_rulediff_query q = {
		.a = {more->v, (uint32_t)more->n},
		.b = {less->v, (uint32_t)less->n},
		.base = h->base,
		.diags = h->diags,
		.implies = implies,
		.ctx = h,
	};
	struct pst_rulediff d;
	int r = pst_rulediff(&q, &d);

	if (r == -E2BIG || r == -EINVAL) {
		s->unknown = d.limit ? d.limit : "a pattern that cannot be read";
		return 0;
	}
	if (!r && d.differ) {
		s->found = true;
		r = write_request(h, &d.witness, &s->request);
		if (!r)
			r = name_rule(h, gate, &d.witness, &s->rule);
	}
	pst_rulediff_fini(&d);
	return r;
}

/* Both gates' rules against those of LESS: a difference can only be what MORE adds. */
static int ask(struct pst_diff_http *h, const struct pst_diff_gate *more,
	       const struct pst_diff_gate *less, struct pst_diff_surplus *s)
{
	struct rules both = {0}, alone = {0};
	int r = add_rules(h, more, &both);

	if (!r)
		r = add_rules(h, less, &both);
	if (!r)
		r = add_rules(h, less, &alone);
	if (!r)
		r = compare(h, &both, &alone, more, s);
	pst_vec_free(&both);
	pst_vec_free(&alone);
	return r;
}

/* Whatever the rules are: no rule lets "//" through, and an allow without rules does not look. */
static void add_irregular(struct pst_diff_surplus *s)
{
	s->found = true;
	s->request = (struct pst_diff_request){
		.irregular = true,
		.method = "GET",
		.path = "//",
		.host = "a",
	};
}

static bool same_gate(const struct pst_diff_gate *a, const struct pst_diff_gate *b)
{
	return a->side == b->side && a->verdict == b->verdict && a->ruleset == b->ruleset;
}

int pst_diff_http_surplus(struct pst_diff_http *h, const struct pst_diff_gate *more,
			  const struct pst_diff_gate *less, struct pst_diff_surplus *ret_surplus)
{
	struct pst_diff_http_answer answer = {.more = *more, .less = *less};
	const bool plain = more->verdict == PST_VERDICT_ALLOW;
	int r = 0;

	*ret_surplus = answer.surplus;
	if (more->verdict == PST_VERDICT_DENY || less->verdict == PST_VERDICT_ALLOW)
		return 0;
	if (plain && less->verdict == PST_VERDICT_DENY) {
		ret_surplus->found = ret_surplus->whole = true;
		return 0;
	}
	for (size_t i = 0; i < h->memo.n; i++) {
		const struct pst_diff_http_answer *known = &h->memo.v[i];

		if (same_gate(&known->more, more) && same_gate(&known->less, less)) {
			*ret_surplus = known->surplus;
			return 0;
		}
	}
	r = ask(h, more, less, &answer.surplus);
	if (!r && plain && !answer.surplus.found)
		add_irregular(&answer.surplus);
	if (!r)
		r = pst_vec_push(&h->memo, answer);
	if (!r)
		*ret_surplus = answer.surplus;
	return r;
}
