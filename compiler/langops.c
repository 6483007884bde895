// SPDX-License-Identifier: Apache-2.0
#include "compiler/langops.h"

#include <errno.h>

enum { MAX_PARTS = 3, ABSENT = MAX_PARTS };

/* A question, laid out as a product: those parts first without which the answer is no. */
struct search {
	const struct pst_lang_question *q;
	const struct pst_automaton *parts[MAX_PARTS];
	uint32_t n, n_required;
	uint32_t a, b, base; /* indexes into parts, or ABSENT */
	uint32_t found;	     /* product state */
	unsigned int where;  /* the bit of the truth table */
};

static uint32_t add_part(struct search *s, const struct pst_automaton *automaton)
{
	s->parts[s->n] = automaton;
	return s->n++;
}

/* Which texts the rule asks for, by whether they are in a language: BITS are the rows without it.
 */
static bool is_required(const struct search *s, unsigned int rows_outside)
{
	return !(s->q->rule & rows_outside);
}

static void lay_out(struct search *s)
{
	enum { ROWS_NOT_IN_A = 0x5, ROWS_NOT_IN_B = 0x3 };
	const struct pst_lang_question *q = s->q;
	const bool need_a = is_required(s, ROWS_NOT_IN_A), need_b = is_required(s, ROWS_NOT_IN_B);

	s->a = s->b = s->base = ABSENT;
	if (q->within)
		s->base = add_part(s, q->within->automaton);
	if (q->a.automaton && need_a)
		s->a = add_part(s, q->a.automaton);
	if (q->b.automaton && need_b)
		s->b = add_part(s, q->b.automaton);
	s->n_required = s->n;
	if (q->a.automaton && !need_a)
		s->a = add_part(s, q->a.automaton);
	if (q->b.automaton && !need_b)
		s->b = add_part(s, q->b.automaton);
}

static int meets_rule(void *ctx, uint32_t state, const uint64_t *tags)
{
	struct search *s = ctx;
	const bool in_a = s->a != ABSENT && tags[s->a] & s->q->a.tags;
	const bool in_b = s->b != ABSENT && tags[s->b] & s->q->b.tags;
	const unsigned int row = (unsigned int)in_a | (unsigned int)in_b << 1;

	if ((s->base != ABSENT && !tags[s->base]) || !(s->q->rule >> row & 1))
		return 0;
	s->found = state;
	s->where = row;
	return 1;
}

static int answer(const struct search *s, struct pst_product *p, int found,
		  struct pst_lang_answer *ret_answer)
{
	struct pst_lang_answer result = {.found = found, .states = (uint32_t)p->steps.n};
	int r = found ? pst_product_text(p, s->found, &result.witness) : 0;

	if (r)
		return r;
	result.in_a = found && s->where & 1;
	result.in_b = found && s->where & 2;
	*ret_answer = result;
	return 0;
}

int pst_lang_find(const struct pst_lang_question *q, struct pst_lang_answer *ret_answer)
{
	static const uint32_t no_next[1];
	static const uint64_t no_tags[1];
	static const struct pst_automaton nothing = {
		.n_states = 1,
		.n_classes = 1,
		.next = (uint32_t *)no_next,
		.tags = (uint64_t *)no_tags,
	};
	struct search s = {.q = q};
	struct pst_product p = {
		.parts = s.parts,
		.max_len = q->within ? q->within->max_len : PST_PRODUCT_ANY_LENGTH,
		.limits = q->limits,
		.visit = meets_rule,
		.ctx = &s,
	};
	int r;

	lay_out(&s);
	if (!s.n)
		add_part(&s, &nothing);
	p.n_parts = s.n;
	p.n_required = s.n_required;
	r = pst_product_walk(&p);
	if (r >= 0)
		r = answer(&s, &p, r, ret_answer);
	else if (r == -E2BIG)
		*ret_answer = (struct pst_lang_answer){.states = (uint32_t)p.steps.n};
	pst_product_fini(&p);
	return r;
}

int pst_lang_includes(const struct pst_lang *outer, const struct pst_lang *inner,
		      const struct pst_lang_base *within, struct pst_lang_answer *ret_answer)
{
	const struct pst_lang_question q = {
		.a = *inner, .b = *outer, .rule = PST_LANG_MINUS, .within = within};

	return pst_lang_find(&q, ret_answer);
}

int pst_lang_equals(const struct pst_lang *a, const struct pst_lang *b,
		    const struct pst_lang_base *within, struct pst_lang_answer *ret_answer)
{
	const struct pst_lang_question q = {
		.a = *a, .b = *b, .rule = PST_LANG_XOR, .within = within};

	return pst_lang_find(&q, ret_answer);
}

int pst_lang_is_empty(const struct pst_lang *a, const struct pst_lang_base *within,
		      struct pst_lang_answer *ret_answer)
{
	const struct pst_lang_question q = {.a = *a, .rule = PST_LANG_A, .within = within};

	return pst_lang_find(&q, ret_answer);
}

int pst_lang_is_universal(const struct pst_lang *a, const struct pst_lang_base *within,
			  struct pst_lang_answer *ret_answer)
{
	const struct pst_lang_question q = {.a = *a, .rule = PST_LANG_NOT_A, .within = within};

	return pst_lang_find(&q, ret_answer);
}
