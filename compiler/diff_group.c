// SPDX-License-Identifier: Apache-2.0
#include "compiler/diff_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

static bool same_value(const struct pst_policy_value *a, const struct pst_policy_value *b)
{
	return a->verdict == b->verdict && a->deny_rule == b->deny_rule &&
	       a->ruleset == b->ruleset && a->rule == b->rule;
}

static bool same_event(const struct pst_diff_event *e, const struct pst_diff_span *s,
		       enum pst_dir direction)
{
	return e->direction == direction && e->span.protocols == s->protocols &&
	       e->span.first == s->first && e->span.last == s->last &&
	       same_value(&e->span.value[PST_DIFF_OLD], &s->value[PST_DIFF_OLD]) &&
	       same_value(&e->span.value[PST_DIFF_NEW], &s->value[PST_DIFF_NEW]);
}

int pst_diff_groups_add(struct pst_diff_groups *g, const struct pst_diff_span *span,
			enum pst_dir direction, uint32_t subject, uint32_t peer)
{
	size_t i = g->events.n;

	/* Neighbours have the same ones. */
	while (i && !same_event(&g->events.v[i - 1], span, direction))
		i--;
	if (!i) {
		if (pst_vec_push(&g->events, (struct pst_diff_event){*span, direction}))
			return -ENOMEM;
		i = g->events.n;
	}
	if (g->pairs.n == PST_DIFF_MAX_PAIRS)
		return -E2BIG;
	return pst_vec_push(&g->pairs, (struct pst_diff_pair){(uint32_t)(i - 1), subject, peer});
}

void pst_diff_groups_report(const struct pst_diff_groups *g, struct pst_diags *diags)
{
	static const struct pst_pos nowhere;

	if (g->pairs.n == PST_DIFF_MAX_PAIRS)
		pst_diags_error(diags, "too-many-differences", &nowhere,
				"more than %d pairs of subject and peer are treated differently: "
				"the two sides have little in common",
				PST_DIFF_MAX_PAIRS);
}

static int cmp_pair(const void *va, const void *vb)
{
	const struct pst_diff_pair *a = va, *b = vb;
	int r = (a->event > b->event) - (a->event < b->event);

	if (!r)
		r = (a->subject > b->subject) - (a->subject < b->subject);
	return r ? r : (a->peer > b->peer) - (a->peer < b->peer);
}

/* The pairs of one event and one subject. */
struct row {
	const struct pst_diff_pair *pairs;
	size_t n;
};

static int cmp_row(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;
	int r = (a->pairs->event > b->pairs->event) - (a->pairs->event < b->pairs->event);

	if (!r)
		r = (a->n > b->n) - (a->n < b->n);
	for (size_t i = 0; !r && i < a->n; i++)
		r = (a->pairs[i].peer > b->pairs[i].peer) - (a->pairs[i].peer < b->pairs[i].peer);
	return r;
}

static int cmp_row_and_subject(const void *va, const void *vb)
{
	const struct row *a = va, *b = vb;
	int r = cmp_row(a, b);

	return r ? r
		 : (a->pairs->subject > b->pairs->subject) -
			       (a->pairs->subject < b->pairs->subject);
}

static size_t make_rows(const struct pst_diff_groups *g, struct row *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < g->pairs.n; i++) {
		const struct pst_diff_pair *p = &g->pairs.v[i];

		if (!n || rows[n - 1].pairs->event != p->event ||
		    rows[n - 1].pairs->subject != p->subject)
			rows[n++].pairs = p;
		rows[n - 1].n++;
	}
	return n;
}

/* One group of the N rows ROWS, which have the same peers. */
static int add_group(struct pst_diff_groups *g, struct pst_arena *arena, const struct row *rows,
		     size_t n)
{
	const struct pst_diff_event *e = &g->events.v[rows->pairs->event];
	struct pst_diff_group group = {
		.span = e->span,
		.direction = e->direction,
		.subjects = pst_arena_calloc(arena, n, sizeof(*group.subjects)),
		.peers = pst_arena_calloc(arena, rows->n, sizeof(*group.peers)),
		.n_subjects = n,
		.n_peers = rows->n,
	};

	if (!group.subjects || !group.peers)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		group.subjects[i] = rows[i].pairs->subject;
	for (size_t i = 0; i < rows->n; i++)
		group.peers[i] = rows->pairs[i].peer;
	g->v[g->n++] = group;
	return 0;
}

int pst_diff_groups_form(struct pst_diff_groups *g, struct pst_arena *arena)
{
	pst_auto_free struct row *rows = pst_mem_calloc(g->pairs.n, sizeof(*rows));
	size_t n, first = 0;
	int r = 0;

	if (!rows)
		return -ENOMEM;
	if (g->pairs.n)
		qsort(g->pairs.v, g->pairs.n, sizeof(*g->pairs.v), cmp_pair);
	n = make_rows(g, rows);
	if (n)
		qsort(rows, n, sizeof(*rows), cmp_row_and_subject);
	g->v = pst_arena_calloc(arena, n, sizeof(*g->v));
	if (!g->v)
		return -ENOMEM;
	for (size_t i = 1; !r && i <= n; i++) {
		if (i < n && !cmp_row(&rows[first], &rows[i]))
			continue;
		r = add_group(g, arena, &rows[first], i - first);
		first = i;
	}
	return r;
}

void pst_diff_groups_fini(struct pst_diff_groups *g)
{
	pst_vec_free(&g->pairs);
	pst_vec_free(&g->events);
}
