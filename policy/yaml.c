// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "policy/srcmap.h"

/* A list or mapping whose end has not come yet. */
struct frame {
	struct pst_yaml_node *node;
	struct pst_yaml_node *last; /* its last child so far */
	struct pst_yaml_node *key;  /* of a mapping: the key that waits for its value */
};

struct builder {
	struct pst_arena *arena;
	struct pst_diags *diags;
	struct pst_srcmap map;
	size_t bom; /* bytes of the byte order mark: 0 or 3 */
	struct frame stack[PST_YAML_MAX_DEPTH];
	size_t depth;
	size_t n_nodes;
	struct pst_yaml_node *doc; /* root of the document being read */
	bool broken;		   /* a mistake was found in it */
	bool any_broken;
	struct pst_yaml_node *docs;
	struct pst_yaml_node **docs_tail;
};

/* libyaml is not shown the byte order mark, so it does not count it. */
static size_t mark_offset(const struct builder *b, const yaml_mark_t *mark)
{
	return pst_srcmap_offset(&b->map, mark->index + (b->bom ? 1 : 0));
}

static struct pst_pos mark_pos(const struct builder *b, const yaml_mark_t *start,
			       const yaml_mark_t *end)
{
	return pst_srcmap_pos(&b->map, mark_offset(b, start), mark_offset(b, end));
}

static struct pst_pos event_pos(const struct builder *b, const yaml_event_t *ev)
{
	return mark_pos(b, &ev->start_mark, &ev->end_mark);
}

/* A mistake that spoils the document, but not the reading of what follows. */
static void spoil(struct builder *b)
{
	b->broken = true;
	b->any_broken = true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Where the text of a scalar stands: inside the quotes, or behind the header of a block scalar. */
static struct pst_pos scalar_pos(const struct builder *b, const yaml_event_t *ev)
{
	const struct pst_srcmap *map = &b->map;
	size_t start = mark_offset(b, &ev->start_mark);
	size_t end = mark_offset(b, &ev->end_mark);

	switch (ev->data.scalar.style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return pst_srcmap_pos(map, start + 1, end - 1);
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		while (start < end && map->text[start] != '\n')
			start++;
		while (start < end && is_blank(map->text[start]))
			start++;
		return pst_srcmap_pos(map, start, end);
	default:
		return pst_srcmap_pos(map, start, end);
	}
}

static struct pst_yaml_node *node_new(struct builder *b, enum pst_yaml_kind kind,
				      struct pst_pos pos)
{
	struct pst_yaml_node *n = pst_arena_alloc(b->arena, sizeof(*n));

	if (n)
		*n = (struct pst_yaml_node){.kind = kind, .pos = pos};
	return n;
}

static int too_much(struct builder *b, const struct pst_pos *pos, const char *what,
		    unsigned int limit)
{
	return pst_diags_error(b->diags, "yaml-limit", pos, "too many %s: the limit is %u", what,
			       limit);
}

/* Puts N where the document stands: as root, as list element, as key, or as the value of the
 * waiting key. */
static int place(struct builder *b, struct pst_yaml_node *n)
{
	struct frame *f;

	if (++b->n_nodes > PST_YAML_MAX_NODES)
		return too_much(b, &n->pos, "nodes in one file", PST_YAML_MAX_NODES);
	if (!b->depth) {
		b->doc = n;
		return 0;
	}
	f = &b->stack[b->depth - 1];
	if (f->node->kind == PST_YAML_MAPPING && !f->key) {
		f->key = n;
		return 0;
	}
	n->key = PST_TAKE_PTR(f->key);
	if (f->last)
		f->last->next = n;
	else
		f->node->first = n;
	f->last = n;
	f->node->len++;
	return 0;
}

static bool key_expected(const struct builder *b)
{
	return b->depth && b->stack[b->depth - 1].node->kind == PST_YAML_MAPPING &&
	       !b->stack[b->depth - 1].key;
}

static void unsupported(struct builder *b, const struct pst_pos *pos, const char *what)
{
	pst_diags_error(b->diags, "yaml-unsupported", pos, "%s are not supported yet", what);
	spoil(b);
}

/* Anchors and tags, which every node may carry. OWN_TAG is the one that changes nothing. */
static void check_properties(struct builder *b, const yaml_event_t *ev, const yaml_char_t *anchor,
			     const yaml_char_t *tag, const char *own_tag)
{
	const struct pst_pos pos = event_pos(b, ev);

	if (anchor)
		unsupported(b, &pos, "anchors");
	if (tag && strcmp((const char *)tag, own_tag)) {
		pst_diags_error(b->diags, "yaml-unsupported", &pos,
				"the tag \"%.64s\" is not supported", (const char *)tag);
		spoil(b);
	}
}

static enum pst_yaml_kind scalar_kind(const yaml_event_t *ev)
{
	if (ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE || ev->data.scalar.tag)
		return PST_YAML_STRING;
	return pst_yaml_plain_kind((const char *)ev->data.scalar.value);
}

static void check_scalar(struct builder *b, const yaml_event_t *ev, const struct pst_pos *pos)
{
	const char *value = (const char *)ev->data.scalar.value;

	if (memchr(value, 0, ev->data.scalar.length)) {
		pst_diags_error(b->diags, "yaml-nul", pos,
				"a NUL character inside a string is not allowed");
		spoil(b);
	}
	if (key_expected(b) && ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    !strcmp(value, "<<"))
		unsupported(b, pos, "merge keys (<<)");
}

static int on_scalar(struct builder *b, const yaml_event_t *ev)
{
	struct pst_yaml_node *n = node_new(b, scalar_kind(ev), scalar_pos(b, ev));

	if (!n)
		return -ENOMEM;
	check_properties(b, ev, ev->data.scalar.anchor, ev->data.scalar.tag, YAML_STR_TAG);
	check_scalar(b, ev, &n->pos);
	n->len = ev->data.scalar.length;
	n->s = pst_arena_strndup(b->arena, (const char *)ev->data.scalar.value, n->len);
	if (!n->s)
		return -ENOMEM;
	return place(b, n);
}

static int open_node(struct builder *b, enum pst_yaml_kind kind, const yaml_event_t *ev)
{
	struct pst_yaml_node *n = node_new(b, kind, event_pos(b, ev));
	int r;

	if (!n)
		return -ENOMEM;
	if (b->depth == PST_YAML_MAX_DEPTH)
		return too_much(b, &n->pos, "levels of nesting", PST_YAML_MAX_DEPTH);
	if (key_expected(b))
		unsupported(b, &n->pos, "keys that are lists or mappings");
	r = place(b, n);
	if (r)
		return r;
	b->stack[b->depth++] = (struct frame){.node = n};
	return 0;
}

static int on_sequence(struct builder *b, const yaml_event_t *ev)
{
	check_properties(b, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag,
			 YAML_SEQ_TAG);
	return open_node(b, PST_YAML_LIST, ev);
}

static int on_mapping(struct builder *b, const yaml_event_t *ev)
{
	check_properties(b, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag,
			 YAML_MAP_TAG);
	return open_node(b, PST_YAML_MAPPING, ev);
}

static int on_alias(struct builder *b, const yaml_event_t *ev)
{
	const struct pst_pos pos = event_pos(b, ev);
	struct pst_yaml_node *n = node_new(b, PST_YAML_NULL, pos);

	if (!n)
		return -ENOMEM;
	n->s = "";
	unsupported(b, &pos, "aliases");
	return place(b, n);
}

static int compare_keys(const void *a, const void *b)
{
	const struct pst_yaml_node *ka = *(const struct pst_yaml_node *const *)a;
	const struct pst_yaml_node *kb = *(const struct pst_yaml_node *const *)b;
	int r = strcmp(ka->s, kb->s);

	if (r)
		return r;
	if (ka->pos.line != kb->pos.line)
		return ka->pos.line < kb->pos.line ? -1 : 1;
	return ka->pos.col < kb->pos.col ? -1 : ka->pos.col > kb->pos.col;
}

static int check_duplicates(struct builder *b, const struct pst_yaml_node *map)
{
	pst_auto_free const struct pst_yaml_node **keys = NULL;
	size_t n = 0;

	if (map->len < 2 || b->broken)
		return 0;
	keys = pst_mem_calloc(map->len, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = map->first; c; c = c->next)
		keys[n++] = c->key;
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < n; i++) {
		if (strcmp(keys[i]->s, keys[i - 1]->s))
			continue;
		pst_diags_error(
			b->diags, "yaml-duplicate-key", &keys[i]->pos,
			"the key \"%.64s\" stands here for the second time; the first is at line %u column %u",
			keys[i]->s, keys[i - 1]->pos.line, keys[i - 1]->pos.col);
		spoil(b);
	}
	return 0;
}

/* A block ends where its last child ends: libyaml's end is the start of whatever follows. */
static void set_end(const struct frame *f, const struct pst_pos *end)
{
	struct pst_pos *pos = &f->node->pos;

	if (f->last && f->last->pos.end_line < end->line) {
		pos->end_line = f->last->pos.end_line;
		pos->end_col = f->last->pos.end_col;
	} else if (end->end_line > pos->end_line || end->end_col > pos->end_col) {
		pos->end_line = end->end_line;
		pos->end_col = end->end_col;
	}
}

static int on_end(struct builder *b, const yaml_event_t *ev)
{
	const struct pst_pos end = event_pos(b, ev);
	const struct frame *f = &b->stack[--b->depth];

	set_end(f, &end);
	return f->node->kind == PST_YAML_MAPPING ? check_duplicates(b, f->node) : 0;
}

static int on_document_start(struct builder *b, const yaml_event_t *ev)
{
	(void)ev;
	b->doc = NULL;
	b->broken = false;
	return 0;
}

static int on_document_end(struct builder *b, const yaml_event_t *ev)
{
	(void)ev;
	if (b->doc && !b->broken) {
		*b->docs_tail = b->doc;
		b->docs_tail = (struct pst_yaml_node **)&b->doc->next;
	}
	return 0;
}

static int (*const handlers[])(struct builder *b, const yaml_event_t *ev) = {
	[YAML_DOCUMENT_START_EVENT] = on_document_start,
	[YAML_DOCUMENT_END_EVENT] = on_document_end,
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_SEQUENCE_START_EVENT] = on_sequence,
	[YAML_SEQUENCE_END_EVENT] = on_end,
	[YAML_MAPPING_START_EVENT] = on_mapping,
	[YAML_MAPPING_END_EVENT] = on_end,
};

/* libyaml's own complaint. Its reader counts bytes, the other parts count characters. */
static int syntax_error(struct builder *b, const yaml_parser_t *p)
{
	const char *context = p->context ? p->context : "";
	struct pst_pos pos;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR)
		pos = pst_srcmap_pos(&b->map, p->problem_offset + b->bom,
				     p->problem_offset + b->bom);
	else
		pos = mark_pos(b, &p->problem_mark, &p->problem_mark);
	return pst_diags_error(b->diags, "yaml-syntax", &pos, "not valid YAML: %s%s%s", context,
			       *context ? ", " : "", p->problem ? p->problem : "unknown error");
}

static void free_parser(yaml_parser_t *p)
{
	yaml_parser_delete(p);
}

static int next_event(struct builder *b, yaml_parser_t *p, bool *ret_done)
{
	yaml_event_t ev __attribute__((cleanup(yaml_event_delete))) = {0};

	if (!yaml_parser_parse(p, &ev))
		return syntax_error(b, p);
	if (ev.type == YAML_STREAM_END_EVENT) {
		*ret_done = true;
		return 0;
	}
	if ((size_t)ev.type >= sizeof(handlers) / sizeof(*handlers) || !handlers[ev.type])
		return 0;
	return handlers[ev.type](b, &ev);
}

static int run(struct builder *b)
{
	yaml_parser_t p __attribute__((cleanup(free_parser))) = {0};
	bool done = false;
	int r = 0;

	if (!yaml_parser_initialize(&p))
		return -ENOMEM;
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)b->map.text + b->bom,
				     b->map.len - b->bom);
	while (!r && !done)
		r = next_event(b, &p, &done);
	return r;
}

int pst_yaml_parse(struct pst_arena *arena, const struct pst_yaml_input *in,
		   struct pst_diags *diags, const struct pst_yaml_node **ret_docs)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct builder b = {.arena = arena, .diags = diags};
	const struct pst_pos whole = {.file = in->name};
	int r;

	b.docs_tail = &b.docs;
	if (in->len > PST_YAML_MAX_SIZE) {
		*ret_docs = NULL;
		return too_much(&b, &whole, "bytes in one file", PST_YAML_MAX_SIZE);
	}
	if (in->len >= 3 && !memcmp(in->text, bom, 3))
		b.bom = 3;
	r = pst_srcmap_init(&b.map, arena, in->name, in->text, in->len);
	if (!r)
		r = run(&b);
	if (r == -ENOMEM)
		return r;
	*ret_docs = b.docs;
	return b.any_broken ? -EINVAL : r;
}

const struct pst_yaml_node *pst_yaml_get(const struct pst_yaml_node *map, const char *key)
{
	if (!map || map->kind != PST_YAML_MAPPING)
		return NULL;
	for (const struct pst_yaml_node *c = map->first; c; c = c->next) {
		if (c->key->kind == PST_YAML_STRING && !strcmp(c->key->s, key))
			return c->kind == PST_YAML_NULL ? NULL : c;
	}
	return NULL;
}
