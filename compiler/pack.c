// SPDX-License-Identifier: Apache-2.0
#include "compiler/pack.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "compiler/classmap.h"
#include "compiler/rowset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_SLOTS = 2 * PST_TAGS };

void pst_packer_fini(struct pst_packer *p)
{
	pst_vec_free(&p->cells);
	pst_vec_free(&p->classes);
	pst_vec_free(&p->tags);
	pst_rowfit_free(&p->fit);
	free(p->tag_slots);
	p->tag_slots = NULL;
}

int pst_packer_init(struct pst_packer *p)
{
	*p = (struct pst_packer){0};
	p->tag_slots = pst_mem_calloc(TAG_SLOTS, sizeof(*p->tag_slots));
	p->fit = pst_rowfit_new();
	if (!p->tag_slots || !p->fit || pst_vec_push(&p->cells, 0) || pst_vec_push(&p->tags, 0)) {
		pst_packer_fini(p);
		return -ENOMEM;
	}
	return 0;
}

/* The slot that holds TAG, or the free one where it would go. Half of the slots are always free. */
static uint32_t *tag_slot(const struct pst_packer *p, uint64_t tag)
{
	uint64_t at = (tag * 0x9e3779b97f4a7c15ull) >> 32;

	while (p->tag_slots[at % TAG_SLOTS] && p->tags.v[p->tag_slots[at % TAG_SLOTS]] != tag)
		at++;
	return &p->tag_slots[at % TAG_SLOTS];
}

/* Undoes the latest additions; in reverse order each slot is found as it was when it was filled. */
static void drop_tags(struct pst_packer *p, size_t keep)
{
	while (p->tags.n > keep) {
		*tag_slot(p, p->tags.v[p->tags.n - 1]) = 0;
		p->tags.n--;
	}
}

static int add_tag(struct pst_packer *p, uint64_t tag)
{
	uint32_t *slot;

	if (!tag)
		return 0;
	slot = tag_slot(p, tag);
	if (*slot)
		return 0;
	if (p->tags.n >= PST_TAGS)
		return -E2BIG;
	if (pst_vec_push(&p->tags, tag))
		return -ENOMEM;
	*slot = (uint32_t)(p->tags.n - 1);
	return 0;
}

static int add_tags(struct pst_packer *p, const struct pst_automaton *a)
{
	size_t keep = p->tags.n;

	for (uint32_t s = 0; s < a->n_states; s++) {
		int r = add_tag(p, a->tags[s]);

		if (r) {
			drop_tags(p, keep);
			return r;
		}
	}
	return 0;
}

enum {
	MAPS_FOR_ALL = PST_CLASS_BYTES / PST_PACK_MAP_BYTES / 2, /* behind them, automata share */
	MAX_WIDENED = 1 << 14, /* states of an automaton that takes another map than its own */
};

/* The map that is MAP, or the first that can take its place when A may share one. */
static bool find_map(const struct pst_packer *p, const struct pst_automaton *a,
		     const uint8_t map[256], bool may_share, uint32_t *ret_offset)
{
	for (size_t at = 0; at < p->classes.n; at += PST_PACK_MAP_BYTES) {
		const uint8_t *known = p->classes.v + at;

		if (memcmp(known, map, PST_PACK_MAP_BYTES) &&
		    !(may_share && pst_classmap_is_finer(known, a)))
			continue;
		*ret_offset = (uint32_t)at;
		return true;
	}
	return false;
}

static int append_map(struct pst_packer *p, const uint8_t map[256], uint32_t *ret_offset)
{
	size_t at = p->classes.n;

	if (at + PST_PACK_MAP_BYTES > PST_CLASS_BYTES)
		return -E2BIG;
	if (pst_vec_reserve(&p->classes, at + PST_PACK_MAP_BYTES))
		return -ENOMEM;
	memcpy(p->classes.v + at, map, PST_PACK_MAP_BYTES);
	p->classes.n += PST_PACK_MAP_BYTES;
	*ret_offset = (uint32_t)at;
	return 0;
}

/* The map that A is to be read with: its own while there is room, then one that others have. */
static int add_map(struct pst_packer *p, const struct pst_automaton *a, uint32_t *ret_offset)
{
	bool sharing =
		p->classes.n / PST_PACK_MAP_BYTES >= MAPS_FOR_ALL && a->n_states <= MAX_WIDENED;
	uint8_t own[PST_PACK_MAP_BYTES], usual[PST_PACK_MAP_BYTES];

	pst_classmap_own(a, own);
	if (find_map(p, a, own, false, ret_offset) ||
	    (sharing && find_map(p, a, own, true, ret_offset)))
		return 0;
	pst_classmap_usual(usual);
	return append_map(p, sharing && pst_classmap_is_finer(usual, a) ? usual : own, ret_offset);
}

/* There is room. */
static void put_cell(struct pst_packer *p, uint32_t row, uint32_t column, uint32_t value)
{
	size_t at = (size_t)row + column;

	while (p->cells.n <= at)
		p->cells.v[p->cells.n++] = 0;
	p->cells.v[at] = value | column << PST_COLUMN_SHIFT;
}

/* Does STATE stay where it is whatever printable byte comes? */
static bool loops(const struct pst_automaton *a, uint32_t state)
{
	for (unsigned int byte = PST_LOOP_FIRST; byte <= PST_LOOP_LAST; byte++)
		if (a->next[(size_t)state * a->n_classes + a->class_of[byte]] != state)
			return false;
	return true;
}

static void mark_loops(struct pst_rowset *s)
{
	for (uint32_t state = 1; state < s->a->n_states; state++)
		if (s->rows[state] && loops(s->a, state))
			s->rows[state] |= PST_CELL_LOOPS;
}

static void put_rows(struct pst_packer *p, struct pst_rowset *s)
{
	struct pst_row row;

	mark_loops(s);
	for (uint32_t state = 1; state < s->a->n_states; state++) {
		if (!s->rows[state])
			continue;
		pst_rowset_row(s, state, &row);
		for (uint32_t i = 0; i < row.n; i++) {
			uint32_t column = row.columns[i];

			put_cell(p, s->rows[state] & PST_CELL_MASK, column,
				 column == PST_COLUMN_TAGS ? *tag_slot(p, s->a->tags[state])
							   : s->rows[row.targets[i]]);
		}
	}
}

static int full(struct pst_pack_full *ret_full, const char *table, size_t need, size_t limit)
{
	*ret_full = (struct pst_pack_full){.table = table, .need = need, .limit = limit};
	return -E2BIG;
}

/* Tags and class map. What was added by a failure has to be taken back: see pst_packer_add(). */
static int add_parts(struct pst_packer *p, const struct pst_automaton *a, uint32_t *ret_map,
		     struct pst_pack_full *ret_full)
{
	int r = add_tags(p, a);

	if (r == -E2BIG)
		return full(ret_full, "tag sets", PST_TAGS + 1, PST_TAGS);
	if (!r)
		r = add_map(p, a, ret_map);
	if (r == -E2BIG)
		return full(ret_full, "class map bytes", p->classes.n + PST_PACK_MAP_BYTES,
			    PST_CLASS_BYTES);
	return r;
}

/* Holes that fit no row can make cells run out early: then one more than there are is needed. */
static int place(struct pst_packer *p, struct pst_rowset *s, struct pst_pack_full *ret_full)
{
	size_t need = pst_rowfit_used(p->fit);
	int r = pst_rowset_place(s, p->fit);

	if (!r && pst_vec_reserve(&p->cells, pst_rowfit_end(p->fit))) {
		pst_rowset_give_back(s, p->fit);
		return -ENOMEM;
	}
	if (r != -E2BIG)
		return r;
	need += s->n_cells;
	return full(ret_full, "table cells", need > PST_CELLS ? need : PST_CELLS + 1, PST_CELLS);
}

/* Places the rows of A, whose tags have been added, over the class map at MAP. */
static int add_rows(struct pst_packer *p, const struct pst_automaton *a, uint32_t map,
		    struct pst_packed *ret_packed, struct pst_pack_full *ret_full)
{
	struct pst_rowset rows;
	int r = pst_rowset_init(&rows, a);

	if (r)
		return r;
	r = place(p, &rows, ret_full);
	if (!r) {
		put_rows(p, &rows);
		*ret_packed = (struct pst_packed){.start = rows.rows[a->start] & PST_CELL_MASK,
						  .classes = map,
						  .n_cells = rows.n_cells};
	}
	pst_rowset_fini(&rows);
	return r;
}

/* The same when the map may be finer than A's own. */
static int add_widened(struct pst_packer *p, const struct pst_automaton *a, uint32_t map,
		       struct pst_packed *ret_packed, struct pst_pack_full *ret_full)
{
	struct pst_automaton *wide = NULL;
	uint8_t own[PST_PACK_MAP_BYTES];
	int r;

	pst_classmap_own(a, own);
	if (!memcmp(own, p->classes.v + map, sizeof(own)))
		return add_rows(p, a, map, ret_packed, ret_full);
	r = pst_classmap_widen(a, p->classes.v + map, &wide);
	if (!r)
		r = add_rows(p, wide, map, ret_packed, ret_full);
	pst_automaton_free(&wide);
	return r;
}

int pst_packer_add(struct pst_packer *p, const struct pst_automaton *a,
		   struct pst_packed *ret_packed, struct pst_pack_full *ret_full)
{
	size_t n_tags = p->tags.n, n_class_bytes = p->classes.n;
	uint32_t map;
	int r;

	if (a->n_classes > PST_PACK_MAX_CLASSES)
		return full(ret_full, "byte classes", a->n_classes, PST_PACK_MAX_CLASSES);
	r = add_parts(p, a, &map, ret_full);
	if (!r)
		r = add_widened(p, a, map, ret_packed, ret_full);
	if (r) {
		drop_tags(p, n_tags);
		p->classes.n = n_class_bytes;
	}
	return r;
}

static void *copy(struct pst_arena *arena, const void *from, size_t n, size_t size)
{
	void *to = pst_arena_calloc(arena, n, size);

	if (to && n)
		memcpy(to, from, n * size);
	return to;
}

int pst_packer_seal(const struct pst_packer *p, struct pst_bundle *b)
{
	b->cells = copy(b->arena, p->cells.v, p->cells.n, sizeof(*b->cells));
	b->classes = copy(b->arena, p->classes.v, p->classes.n, sizeof(*b->classes));
	b->tags = copy(b->arena, p->tags.v, p->tags.n, sizeof(*b->tags));
	if (!b->cells || !b->classes || !b->tags)
		return -ENOMEM;
	b->n_cells = p->cells.n;
	b->n_class_bytes = p->classes.n;
	b->n_tags = p->tags.n;
	return 0;
}
