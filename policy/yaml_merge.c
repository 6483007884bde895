// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "policy/yaml_build.h"

enum { FEW = 16 }; /* children that are compared each with each */

/* A child of the mapping, or of a mapping that is merged into it. */
struct entry {
	const struct pst_yaml_node *value; /* NULL: an earlier one with its key is there */
	size_t rank;			   /* the mapping's own come first, then in merge order */
};

struct entries {
	struct entry *v;
	size_t n;
	size_t n_own;
};

static void duplicate(struct pst_yaml_builder *b, const struct pst_yaml_node *key,
		      const struct pst_yaml_node *first)
{
	if (b->n_mistakes > PST_YAML_MAX_MISTAKES)
		return;
	pst_diags_error(
		b->diags, "yaml-duplicate-key", &key->pos,
		"the key \"%.64s\" stands here for the second time; the first is at line %u column %u",
		key->s, first->pos.line, first->pos.col);
	pst_diags_note(b->diags, &first->pos, "the first one");
	pst_yaml_spoil(b);
}

static bool same_key(const struct pst_yaml_node *a, const struct pst_yaml_node *b)
{
	return a->key->len == b->key->len && !memcmp(a->key->s, b->key->s, a->key->len);
}

static void check_few(struct pst_yaml_builder *b, const struct pst_yaml_node *map)
{
	for (const struct pst_yaml_node *c = map->first; c; c = c->next) {
		const struct pst_yaml_node *earlier = map->first;

		while (earlier != c && !same_key(earlier, c))
			earlier = earlier->next;
		if (earlier != c)
			duplicate(b, c->key, earlier->key);
	}
}

static int by_key(const void *a, const void *b)
{
	const struct entry *ea = a, *eb = b;
	int r = strcmp(ea->value->key->s, eb->value->key->s);

	return r ? r : (ea->rank > eb->rank) - (ea->rank < eb->rank);
}

static int by_rank(const void *a, const void *b)
{
	const struct entry *ea = a, *eb = b;

	return (ea->rank > eb->rank) - (ea->rank < eb->rank);
}

static void collect(struct entries *e, const struct pst_yaml_node *map)
{
	for (const struct pst_yaml_node *c = map->first; c; c = c->next, e->n++)
		e->v[e->n] = (struct entry){.value = c, .rank = e->n};
}

/*
 * E is sorted by keys. Where a key stands several times the one of the lowest rank wins; two of the
 * mapping's own are a mistake, and so is one before the << that has a rival behind it.
 */
static void settle(struct pst_yaml_builder *b, struct entries *e, const struct pst_yaml_frame *f)
{
	const struct entry *winner = NULL;

	for (size_t i = 0; i < e->n; i++) {
		struct entry *c = &e->v[i];

		if (!winner || !same_key(winner->value, c->value)) {
			winner = c;
			continue;
		}
		if (c->rank < e->n_own) {
			duplicate(b, c->value->key, winner->value->key);
		} else if (winner->rank < f->n_before_merge) {
			pst_diags_error(b->diags, "yaml-merge", &winner->value->key->pos,
					"readers disagree whether this \"%.64s\" or the merged one "
					"counts; write << first, and this one counts",
					winner->value->key->s);
			pst_yaml_spoil(b);
		}
		c->rank = SIZE_MAX; /* settled: to the end, and out */
	}
}

static int append(struct pst_yaml_builder *b, struct pst_yaml_frame *f,
		  const struct pst_yaml_node *value)
{
	struct pst_yaml_node *copy = pst_yaml_node_new(b, PST_YAML_NULL, value->pos, 0);

	if (!copy)
		return -ENOMEM;
	*copy = *value;
	copy->next = NULL;
	if (f->last)
		f->last->next = copy;
	else
		f->node->first = copy;
	f->last = copy;
	f->node->len++;
	return 0;
}

/* The mapping, or the first of the mappings, that F merges; NULL after a mistake. */
static const struct pst_yaml_node *sources(struct pst_yaml_builder *b,
					   const struct pst_yaml_frame *f, size_t *ret_children)
{
	const struct pst_yaml_node *m = f->merge;
	const struct pst_yaml_node *wrong = NULL;

	*ret_children = m->len;
	if (m->kind == PST_YAML_MAPPING)
		return m;
	if (m->kind != PST_YAML_LIST || f->merge_is_alias)
		wrong = m;
	*ret_children = 0;
	for (const struct pst_yaml_node *c = wrong ? NULL : m->first; c && !wrong; c = c->next) {
		wrong = c->kind == PST_YAML_MAPPING ? NULL : c;
		*ret_children += c->len;
	}
	if (!wrong)
		return m->first;
	pst_diags_error(b->diags, "yaml-merge", &wrong->pos,
			"<< merges a mapping or a list of mappings written here; found %s%s",
			pst_yaml_kind_str(wrong->kind),
			wrong == m && f->merge_is_alias ? " behind an alias" : "");
	pst_yaml_spoil(b);
	return NULL;
}

/* Merged children are copied once more for each mapping around them: they count as aliases do. */
static int check_room(struct pst_yaml_builder *b, const struct pst_yaml_frame *f, size_t n_merged)
{
	if (n_merged <= PST_YAML_MAX_ALIASED + b->written - b->aliased) {
		b->aliased += n_merged;
		return 0;
	}
	pst_diags_error(b->diags, "yaml-alias-limit", &f->merge->pos,
			"merge keys would add more than %u nodes to the file and double what is "
			"written",
			PST_YAML_MAX_ALIASED);
	pst_yaml_spoil(b);
	return -E2BIG;
}

/* Own and merged children together. */
static int merge(struct pst_yaml_builder *b, struct pst_yaml_frame *f,
		 const struct pst_yaml_node *first, size_t n_merged)
{
	pst_auto_free struct entry *v = NULL;
	struct entries e = {.n_own = f->node->len};
	int r = 0;

	if (e.n_own + n_merged == 0)
		return 0;
	e.v = v = pst_mem_calloc(e.n_own + n_merged, sizeof(*v));
	if (!v)
		return -ENOMEM;
	collect(&e, f->node);
	for (; first; first = f->merge->kind == PST_YAML_LIST ? first->next : NULL)
		collect(&e, first);
	qsort(v, e.n, sizeof(*v), by_key);
	settle(b, &e, f);
	qsort(v, e.n, sizeof(*v), by_rank);
	for (size_t i = e.n_own; i < e.n && v[i].rank != SIZE_MAX && !b->broken && !r; i++)
		r = append(b, f, v[i].value);
	return r;
}

int pst_yaml_mapping_end(struct pst_yaml_builder *b, struct pst_yaml_frame *f)
{
	const struct pst_yaml_node *first = NULL;
	size_t n_merged = 0;
	int r;

	if (b->broken)
		return 0;
	if (f->merge) {
		first = sources(b, f, &n_merged);
		if (!first && b->broken)
			return 0;
	}
	if (!first && f->node->len <= FEW) {
		check_few(b, f->node);
		return 0;
	}
	r = n_merged ? check_room(b, f, n_merged) : 0;
	return r ? r : merge(b, f, first, n_merged);
}
