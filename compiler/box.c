// SPDX-License-Identifier: Apache-2.0
#include "compiler/box.h"

#include <errno.h>

/* A text of INNER's FIELD that meets RULE with OUTER's; 1 when there is one, else 0 or an error. */
static int find(const struct pst_baselang *base, enum pst_field field,
		const struct pst_automaton *inner, const struct pst_automaton *outer,
		struct pst_witness *ret_witness)
{
	/* A field that is not restricted has every text of the base: ask for what is not in B. */
	const struct pst_lang_question q = {
		.a = {inner, UINT64_MAX},
		.b = {outer, UINT64_MAX},
		.rule = inner ? PST_LANG_MINUS : PST_LANG_NOT_B,
		.within = pst_baselang_of(base, field),
	};
	struct pst_lang_answer answer;
	int r = pst_lang_find(&q, &answer);

	if (r)
		return r;
	*ret_witness = answer.witness;
	return answer.found;
}

/* A text of each field of INNER; true when a field has none. A missing host is no text at all. */
static int fill_witness(const struct pst_baselang *base, const struct pst_box *inner,
			struct pst_box_answer *a)
{
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		int r = find(base, f, inner->field[f], NULL, &a->witness[f]);

		if (r < 0)
			return r;
		a->is_empty |= !r;
	}
	return 0;
}

/* Can the host be missing in INNER, and not in OUTER? */
static bool leaves_by_absence(enum pst_field field, const struct pst_box *outer,
			      const struct pst_box *inner)
{
	return field == PST_FIELD_HOST && !inner->field[field] && outer->field[field];
}

/* Looks for a text of FIELD that INNER has and OUTER has not; 1 when it is in A->witness. */
static int leave(const struct pst_baselang *base, enum pst_field field, const struct pst_box *outer,
		 const struct pst_box *inner, struct pst_box_answer *a)
{
	struct pst_witness text = {0};
	int r = 0;

	if (outer->field[field])
		r = find(base, field, inner->field[field], outer->field[field], &text);
	if (r < 0 || (!r && !leaves_by_absence(field, outer, inner)))
		return r;
	pst_witness_fini(&a->witness[field]);
	a->witness[field] = text;
	a->field = field;
	return 1;
}

static int compare(const struct pst_baselang *base, const struct pst_box *outer,
		   const struct pst_box *inner, struct pst_box_answer *a)
{
	int r = fill_witness(base, inner, a);

	if (r || a->is_empty)
		return r;
	for (int f = 0; !r && f < PST_FIELD_MAX; f++)
		r = leave(base, f, outer, inner, a);
	if (r)
		return r;
	a->by_headers = outer->headers && outer->headers != inner->headers;
	return a->by_headers;
}

int pst_box_includes(const struct pst_baselang *base, const struct pst_box *outer,
		     const struct pst_box *inner, struct pst_box_answer *ret_answer)
{
	struct pst_box_answer answer = {.included = false};
	int r = compare(base, outer, inner, &answer);

	answer.included = !r;
	if (r <= 0)
		pst_box_answer_fini(&answer);
	if (r < 0)
		return r;
	*ret_answer = answer;
	return 0;
}

void pst_box_answer_fini(struct pst_box_answer *a)
{
	for (int f = 0; f < PST_FIELD_MAX; f++)
		pst_witness_fini(&a->witness[f]);
}
