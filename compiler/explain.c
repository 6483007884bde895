// SPDX-License-Identifier: Apache-2.0
#include "compiler/explain.h"

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/header.h"
#include "compiler/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static int walk(struct walk *w, uint32_t start, const uint8_t *map,
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

static int count(const struct pst_bundle *b, uint32_t start, uint32_t classes,
		 struct pst_explain_automaton *ret)
{
	struct walk w = {.b = b, .seen = pst_mem_calloc(b->n_cells, 1)};
	int r = w.seen ? walk(&w, start, b->classes + classes, ret) : -ENOMEM;

	free(w.seen);
	pst_vec_free(&w.todo);
	return r;
}

/* The smallest name that is greater than AFTER (NULL: any) among the headers of the rules of SET.
 */
static const char *next_header(const struct pst_bundle *b, const struct pst_bundle_ruleset *set,
			       const char *after)
{
	const char *best = NULL;

	for (size_t i = 0; i < set->n_rules; i++) {
		const struct pst_bundle_rule *rule = &b->rules[set->rules[i]];

		for (size_t k = 0; k < rule->n_headers; k++) {
			const char *name = rule->headers[k].name;

			if (pst_header_is_condition(&rule->headers[k]) &&
			    (!after || strcmp(name, after) > 0) &&
			    (!best || strcmp(name, best) < 0))
				best = name;
		}
	}
	return best;
}

/* Slots are in the order of the names (compiler/ruleset.c). */
static void name_slots(const struct pst_bundle *b, const struct pst_bundle_ruleset *set,
		       struct pst_explain_ruleset *sizes)
{
	const char *name = next_header(b, set, NULL);

	for (size_t k = 0; k < sizes->n_slots && name; k++) {
		sizes->header[k] = name;
		name = next_header(b, set, name);
	}
}

int pst_explain_ruleset(const struct pst_bundle *b, uint32_t ruleset,
			struct pst_explain_ruleset *ret_sizes)
{
	const struct pst_bundle_ruleset *set = &b->rulesets[ruleset];
	const struct pst_ruleset *packed = &set->packed;
	struct pst_explain_ruleset sizes = {.n_slots = packed->n_slots,
					    .n_more_paths = packed->n_more_paths};
	int r = count(b, packed->name_start, packed->name_classes, &sizes.names);

	for (int f = 0; !r && f < PST_FIELD_MAX; f++)
		r = count(b, packed->start[f], packed->classes[f], &sizes.field[f]);
	for (size_t k = 0; !r && k < sizes.n_slots; k++)
		r = count(b, packed->slot_start[k], packed->slot_classes[k], &sizes.slot[k]);
	for (size_t k = 0; !r && k < sizes.n_more_paths; k++)
		r = count(b, packed->more_path_start[k], packed->more_path_classes[k],
			  &sizes.more_path[k]);
	if (r)
		return r;
	name_slots(b, set, &sizes);
	*ret_sizes = sizes;
	return 0;
}
