// SPDX-License-Identifier: Apache-2.0
#include "compiler/rowset.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

void pst_rowset_fini(struct pst_rowset *s)
{
	free(s->rows);
	free(s->counts);
	*s = (struct pst_rowset){0};
}

int pst_rowset_init(struct pst_rowset *s, const struct pst_automaton *a)
{
	*s = (struct pst_rowset){
		.a = a,
		.rows = pst_mem_calloc(a->n_states, sizeof(*s->rows)),
		.counts = pst_mem_calloc(a->n_states, sizeof(*s->counts)),
	};
	if (s->rows && s->counts)
		return 0;
	pst_rowset_fini(s);
	return -ENOMEM;
}

/* The state that classes without a cell shall lead to. */
static uint32_t choose_else(struct pst_rowset *s, const uint32_t *next)
{
	uint32_t best = 0;

	for (uint32_t c = 0; c < s->a->n_classes; c++)
		s->counts[next[c]]++;
	/* A cell that says "else" pays when it takes the place of two others. */
	for (uint32_t c = 0; c < s->a->n_classes; c++) {
		if (s->counts[next[c]] > s->counts[best] + !best)
			best = next[c];
	}
	for (uint32_t c = 0; c < s->a->n_classes; c++)
		s->counts[next[c]] = 0;
	return best;
}

static void put(struct pst_row *row, uint32_t column, uint32_t target)
{
	row->columns[row->n] = (uint8_t)column;
	row->targets[row->n++] = target;
}

void pst_rowset_row(struct pst_rowset *s, uint32_t state, struct pst_row *ret_row)
{
	const uint32_t *next = s->a->next + (size_t)state * s->a->n_classes;
	uint32_t other = choose_else(s, next);

	ret_row->n = 0;
	if (other)
		put(ret_row, PST_COLUMN_ELSE, other);
	if (s->a->tags[state])
		put(ret_row, PST_COLUMN_TAGS, 0);
	for (uint32_t c = 0; c < s->a->n_classes; c++) {
		if (next[c] != other)
			put(ret_row, PST_COLUMN_CLASS + c, next[c]);
	}
}

/* All states but the dead one: first who is met first when a text is followed as far as it goes. */
static int follow(const struct pst_automaton *a, uint32_t *order, uint32_t *ret_n)
{
	pst_auto_free uint32_t *stack = pst_mem_calloc(a->n_states, sizeof(*stack));
	pst_auto_free uint8_t *met = pst_mem_calloc(a->n_states, 1);
	uint32_t depth = 0, n = 0;

	if (!stack || !met)
		return -ENOMEM;
	met[0] = 1;
	if (!met[a->start]) {
		met[a->start] = 1;
		stack[depth++] = a->start;
	}
	while (depth) {
		uint32_t state = order[n++] = stack[--depth];

		for (uint32_t c = a->n_classes; c-- > 0;) {
			uint32_t to = a->next[(size_t)state * a->n_classes + c];

			if (!met[to])
				stack[depth++] = to;
			met[to] = 1;
		}
	}
	*ret_n = n;
	return 0;
}

/* Sorts ORDER by descending width, otherwise as it is; fills S->n_cells. */
static int sort_by_width(struct pst_rowset *s, uint32_t *order, uint32_t n)
{
	pst_auto_free uint32_t *from = pst_mem_calloc(n, sizeof(*from));
	pst_auto_free uint16_t *width = pst_mem_calloc(n, sizeof(*width));
	uint32_t place[PST_COLUMNS + 2] = {0};
	struct pst_row row;

	if (n && (!from || !width))
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		pst_rowset_row(s, order[i], &row);
		from[i] = order[i];
		width[i] = (uint16_t)row.n;
		s->n_cells += row.n;
		place[row.n]++;
	}
	for (uint32_t w = PST_COLUMNS, sum = 0; w <= PST_COLUMNS; w--) {
		uint32_t count = place[w];

		place[w] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < n; i++)
		order[place[width[i]]++] = from[i];
	return 0;
}

void pst_rowset_give_back(struct pst_rowset *s, struct pst_rowfit *f)
{
	struct pst_row row;

	for (uint32_t state = 0; state < s->a->n_states; state++) {
		if (!s->rows[state])
			continue;
		pst_rowset_row(s, state, &row);
		pst_rowfit_give(f, s->rows[state], row.columns, row.n);
		s->rows[state] = 0;
	}
}

int pst_rowset_place(struct pst_rowset *s, struct pst_rowfit *f)
{
	pst_auto_free uint32_t *order = pst_mem_calloc(s->a->n_states, sizeof(*order));
	uint32_t n = 0;
	int r = order ? follow(s->a, order, &n) : -ENOMEM;

	if (!r)
		r = sort_by_width(s, order, n);
	for (uint32_t i = 0; !r && i < n; i++) {
		struct pst_row row;

		pst_rowset_row(s, order[i], &row);
		/* A state without cells is dead, whatever its number. */
		if (row.n)
			r = pst_rowfit_take(f, row.columns, row.n, &s->rows[order[i]]);
		if (r)
			pst_rowset_give_back(s, f);
	}
	return r;
}
