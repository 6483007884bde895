// SPDX-License-Identifier: Apache-2.0
#include "compiler/explain.h"

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/pack.h"

#include <errno.h>
#include <stdlib.h>

#define REASON_ROW(name, kebab, kind, text) [PST_REASON_##name] = {kebab, text},
static const struct {
	const char *name, *text;
} reasons[] = {PST_REASONS(REASON_ROW)};
#undef REASON_ROW

const char *pst_explain_reason_name(enum pst_reason reason)
{
	return reasons[reason < PST_REASON_MAX ? reason : PST_REASON_IMPOSSIBLE].name;
}

const char *pst_explain_reason_text(enum pst_reason reason)
{
	return reasons[reason < PST_REASON_MAX ? reason : PST_REASON_IMPOSSIBLE].text;
}

const char *pst_explain_verdict_name(enum pst_verdict verdict)
{
	static const char *const names[] = {
		[PST_VERDICT_DENY] = "deny",
		[PST_VERDICT_ALLOW] = "allow",
		[PST_VERDICT_JUDGE] = "judge",
		[PST_VERDICT_FALLBACK] = "fallback",
	};

	return names[verdict];
}

const char *pst_explain_field_name(enum pst_field field)
{
	static const char *const names[PST_FIELD_MAX] = {
		[PST_FIELD_METHOD] = "method",
		[PST_FIELD_PATH] = "path",
		[PST_FIELD_HOST] = "host",
	};

	return names[field];
}

struct walk {
	const struct pst_bundle *b;
	uint8_t *seen; /* per cell: a row begins there and was counted */
	struct PST_VEC(uint32_t) todo;
};

static int reach(struct walk *w, uint32_t row)
{
	if (!row || w->seen[row])
		return 0;
	w->seen[row] = 1;
	return pst_vec_push(&w->todo, row);
}

/* Counts the cells of ROW and reaches where they lead. */
static int look_into(struct walk *w, uint32_t row, uint32_t columns, size_t *cells)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < columns; i++) {
		uint32_t cell = pst_pack_cell(w->b->cells, w->b->n_cells, row, i);

		*cells += cell != UINT32_MAX;
		if (i != PST_COLUMN_TAGS && cell != UINT32_MAX)
			r = reach(w, cell);
	}
	return r;
}

static int count(struct walk *w, uint32_t start, const uint8_t *map,
		 struct pst_explain_automaton *ret)
{
	uint32_t columns = 0;
	size_t cells = 0;
	int r = reach(w, start);

	*ret = (struct pst_explain_automaton){0};
	for (int i = 0; i < PST_PACK_MAP_BYTES; i++)
		columns = map[i] >= columns ? map[i] + 1u : columns;
	while (!r && w->todo.n) {
		r = look_into(w, w->todo.v[--w->todo.n], columns, &cells);
		ret->states++;
	}
	ret->classes = columns - PST_COLUMN_CLASS;
	ret->bytes = cells * sizeof(uint32_t) + PST_PACK_MAP_BYTES;
	return r;
}

int pst_explain_ruleset(const struct pst_bundle *b, uint32_t ruleset,
			struct pst_explain_automaton ret_automata[PST_FIELD_MAX])
{
	const struct pst_ruleset *set = &b->rulesets[ruleset].packed;
	struct pst_explain_automaton automata[PST_FIELD_MAX];
	int r = 0;

	for (int f = 0; !r && f < PST_FIELD_MAX; f++) {
		struct walk w = {.b = b, .seen = pst_mem_calloc(b->n_cells, 1)};

		r = w.seen ? count(&w, set->start[f], b->classes + set->classes[f], &automata[f])
			   : -ENOMEM;
		free(w.seen);
		pst_vec_free(&w.todo);
	}
	for (int f = 0; !r && f < PST_FIELD_MAX; f++)
		ret_automata[f] = automata[f];
	return r;
}
