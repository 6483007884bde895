// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml_build.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "policy/helm.h"

enum { BYTES_PER_WEIGHT = 64 };

void pst_yaml_builder_reset(struct pst_yaml_builder *b)
{
	b->depth = 0;
	b->n_nodes = 0;
	b->doc = NULL;
	b->broken = false;
	if (b->n_anchors)
		memset(b->anchors, 0, sizeof(b->anchors));
	b->n_anchors = 0;
}

void pst_yaml_spoil(struct pst_yaml_builder *b)
{
	b->broken = true;
	b->n_mistakes++;
}

static size_t mark_offset(struct pst_yaml_builder *b, const yaml_mark_t *mark)
{
	return pst_srcmap_offset(&b->map, mark->index);
}

static struct pst_pos event_pos(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	size_t start = mark_offset(b, &ev->start_mark);

	return pst_srcmap_pos(&b->map, start, mark_offset(b, &ev->end_mark));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* From the start of an event to its text: behind anchor and tag. */
static size_t skip_properties(const char *text, size_t start, size_t end)
{
	while (start < end && (text[start] == '&' || text[start] == '!' || text[start] == '#')) {
		bool comment = text[start] == '#';

		while (start < end && (comment ? text[start] != '\n' : !is_blank(text[start])))
			start++;
		while (start < end && is_blank(text[start]))
			start++;
	}
	return start;
}

/* Where the text of a scalar stands: inside the quotes, or behind the header of a block scalar. */
static struct pst_pos scalar_pos(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	const char *text = b->map.text;
	size_t start = mark_offset(b, &ev->start_mark);
	size_t end = mark_offset(b, &ev->end_mark);

	if (ev->data.scalar.anchor || ev->data.scalar.tag)
		start = skip_properties(text, start, end);
	switch (ev->data.scalar.style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return pst_srcmap_pos(&b->map, start + 1, end - 1);
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		while (start < end && text[start] != '\n')
			start++;
		while (start < end && is_blank(text[start]))
			start++;
		return pst_srcmap_pos(&b->map, start, end);
	default:
		return pst_srcmap_pos(&b->map, start, end);
	}
}

struct pst_yaml_node *pst_yaml_node_new(struct pst_yaml_builder *b, enum pst_yaml_kind kind,
					struct pst_pos pos, size_t len)
{
	struct pst_yaml_node *n = pst_arena_alloc(b->arena, sizeof(*n) + len + 1);

	if (!n)
		return NULL;
	*n = (struct pst_yaml_node){.pos = pos, .kind = kind, .len = len};
	n->s = (const char *)(n + 1);
	return n;
}

static int too_much(struct pst_yaml_builder *b, const struct pst_pos *pos, const char *what,
		    unsigned int limit)
{
	pst_diags_error(b->diags, "yaml-limit", pos, "too many %s: the limit is %u", what, limit);
	pst_yaml_spoil(b);
	return -E2BIG;
}

static int count(struct pst_yaml_builder *b, const struct pst_yaml_node *n)
{
	if (++b->n_nodes > PST_YAML_MAX_NODES)
		return too_much(b, &n->pos, "nodes in one document", PST_YAML_MAX_NODES);
	return 0;
}

/* The value of a merge key waits for the end of its mapping. */
static void place_merge(struct pst_yaml_builder *b, struct pst_yaml_frame *f,
			struct pst_yaml_node *n)
{
	const struct pst_yaml_node *key = PST_TAKE_PTR(f->key);

	f->key_merges = false;
	f->end = n;
	if (f->merge) {
		pst_diags_error(b->diags, "yaml-duplicate-key", &key->pos,
				"the key \"<<\" stands here for the second time; merge a list");
		pst_yaml_spoil(b);
	}
	f->merge = n;
	f->n_before_merge = f->node->len;
}

/* Puts N where the document stands: as root, as list element, as key, or as the value of the
 * waiting key. */
static int place(struct pst_yaml_builder *b, struct pst_yaml_node *n)
{
	struct pst_yaml_frame *f;
	int r = count(b, n);

	if (r)
		return r;
	if (!b->depth) {
		b->doc = n;
		return 0;
	}
	f = &b->stack[b->depth - 1];
	if (f->node->kind == PST_YAML_MAPPING && !f->key) {
		f->key = n;
		return 0;
	}
	if (f->key_merges) {
		place_merge(b, f, n);
		return 0;
	}
	n->key = PST_TAKE_PTR(f->key);
	if (f->last)
		f->last->next = n;
	else
		f->node->first = n;
	f->last = f->end = n;
	f->node->len++;
	return 0;
}

static bool key_expected(const struct pst_yaml_builder *b)
{
	return b->depth && b->stack[b->depth - 1].node->kind == PST_YAML_MAPPING &&
	       !b->stack[b->depth - 1].key;
}

/* Keys are scalars in all of Kubernetes. A mapping as the key of a mapping is "{{" and mostly means
 * something else. */
static void refuse_key(struct pst_yaml_builder *b, const struct pst_yaml_node *n)
{
	size_t at = b->map.at; /* behind the start of N */

	if (at >= 2 && !memcmp(b->map.text + at - 2, "{{", 2)) {
		const struct pst_pos pos = pst_srcmap_pos(&b->map, at - 2, at);

		pst_helm_report(b->diags, b->template_severity, &pos);
	} else {
		pst_diags_error(b->diags, "yaml-key", &n->pos, "a key must be a string, found %s",
				pst_yaml_kind_str(n->kind));
	}
	pst_yaml_spoil(b);
}

static const char *short_tag(const char *tag)
{
	static const char prefix[] = "tag:yaml.org,2002:";

	return strncmp(tag, prefix, sizeof(prefix) - 1) ? NULL : tag + sizeof(prefix) - 1;
}

static void refuse_tag(struct pst_yaml_builder *b, const struct pst_pos *pos, const char *tag,
		       const char *found)
{
	const char *known = short_tag(tag);

	pst_diags_error(b->diags, "yaml-tag", pos, "the tag \"%s%.64s\" %s%s", known ? "!!" : "",
			known ? known : tag, found ? "does not fit " : "is not supported",
			found ? found : "");
	pst_yaml_spoil(b);
}

static const struct scalar_tag {
	const char *tag;
	enum pst_yaml_kind kind;
	bool integer;
} scalar_tags[] = {
	{YAML_STR_TAG, PST_YAML_STRING, false},	  {YAML_NULL_TAG, PST_YAML_NULL, false},
	{YAML_BOOL_TAG, PST_YAML_BOOL, false},	  {YAML_INT_TAG, PST_YAML_NUMBER, true},
	{YAML_FLOAT_TAG, PST_YAML_NUMBER, false},
};

/* The kind that TAG gives to TEXT. */
static enum pst_yaml_kind tagged_kind(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	const struct pst_pos pos = event_pos(b, ev);
	const char *text = (const char *)ev->data.scalar.value;
	const char *tag = (const char *)ev->data.scalar.tag;
	enum pst_yaml_kind natural = pst_yaml_plain_kind(text);

	for (size_t i = 0; i < sizeof(scalar_tags) / sizeof(*scalar_tags); i++) {
		const struct scalar_tag *t = &scalar_tags[i];

		if (strcmp(tag, t->tag))
			continue;
		if (t->kind != PST_YAML_STRING &&
		    (natural != t->kind || (t->integer && !pst_yaml_is_integer(text))))
			refuse_tag(b, &pos, tag, "the text");
		return t->kind;
	}
	refuse_tag(b, &pos, tag, NULL);
	return PST_YAML_STRING;
}

static enum pst_yaml_kind scalar_kind(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	if (ev->data.scalar.tag)
		return tagged_kind(b, ev);
	if (ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return PST_YAML_STRING;
	return pst_yaml_plain_kind((const char *)ev->data.scalar.value);
}

static bool is_merge_key(const struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	return key_expected(b) && ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       !ev->data.scalar.tag && !strcmp((const char *)ev->data.scalar.value, "<<");
}

static void raise_height(struct pst_yaml_builder *b, unsigned int below)
{
	struct pst_yaml_frame *f = b->depth ? &b->stack[b->depth - 1] : NULL;

	if (f && f->height < below + 1)
		f->height = below + 1;
}

static int on_scalar(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	const char *value = (const char *)ev->data.scalar.value;
	const size_t len = ev->data.scalar.length;
	const struct pst_pos pos = scalar_pos(b, ev);
	struct pst_yaml_anchor *anchor = NULL;
	struct pst_yaml_node *n = pst_yaml_node_new(b, scalar_kind(b, ev), pos, len);
	int r;

	if (!n)
		return -ENOMEM;
	memcpy((char *)(n + 1), value, len);
	if (memchr(value, 0, len)) {
		pst_diags_error(b->diags, "yaml-nul", &pos,
				"a NUL character inside a string is not allowed");
		pst_yaml_spoil(b);
	}
	r = pst_yaml_anchor_open(b, n, (const char *)ev->data.scalar.anchor, &anchor);
	if (r)
		return r;
	b->written += 1 + len / BYTES_PER_WEIGHT;
	pst_yaml_anchor_close(b, anchor, 0);
	if (is_merge_key(b, ev))
		b->stack[b->depth - 1].key_merges = true;
	return place(b, n);
}

/* What sequences and mappings have in common. */
struct opening {
	enum pst_yaml_kind kind;
	const yaml_char_t *anchor, *tag;
	const char *own_tag;
};

static int open_node(struct pst_yaml_builder *b, const yaml_event_t *ev, const struct opening *o)
{
	struct pst_yaml_node *n = pst_yaml_node_new(b, o->kind, event_pos(b, ev), 0);
	struct pst_yaml_anchor *anchor = NULL;
	int r;

	if (!n)
		return -ENOMEM;
	n->s = NULL;
	if (b->depth == PST_YAML_MAX_DEPTH)
		return too_much(b, &n->pos, "levels of nesting", PST_YAML_MAX_DEPTH);
	if (o->tag && strcmp((const char *)o->tag, o->own_tag))
		refuse_tag(b, &n->pos, (const char *)o->tag, pst_yaml_kind_str(o->kind));
	if (key_expected(b))
		refuse_key(b, n);
	r = pst_yaml_anchor_open(b, n, (const char *)o->anchor, &anchor);
	if (!r)
		r = place(b, n);
	if (r)
		return r;
	b->written++;
	b->stack[b->depth++] = (struct pst_yaml_frame){.node = n, .anchor = anchor, .height = 1};
	return 0;
}

static int on_sequence(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	return open_node(b, ev,
			 &(struct opening){PST_YAML_LIST, ev->data.sequence_start.anchor,
					   ev->data.sequence_start.tag, YAML_SEQ_TAG});
}

static int on_mapping(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	return open_node(b, ev,
			 &(struct opening){PST_YAML_MAPPING, ev->data.mapping_start.anchor,
					   ev->data.mapping_start.tag, YAML_MAP_TAG});
}

static int on_alias(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	const struct pst_pos pos = event_pos(b, ev);
	struct pst_yaml_node *n = NULL;
	unsigned int height = 0;
	int r = pst_yaml_alias(b, (const char *)ev->data.alias.anchor, &pos, &n, &height);

	if (r)
		return r;
	if (key_expected(b) && height)
		refuse_key(b, n);
	raise_height(b, height);
	if (b->depth && b->stack[b->depth - 1].key_merges)
		b->stack[b->depth - 1].merge_is_alias = true;
	return place(b, n);
}

/* A block ends where its last child ends: libyaml's end is the start of whatever follows. */
static void set_end(const struct pst_yaml_frame *f, const struct pst_pos *end)
{
	struct pst_pos *pos = &f->node->pos;

	if (f->end && f->end->pos.end_line < end->line) {
		pos->end_line = f->end->pos.end_line;
		pos->end_col = f->end->pos.end_col;
	} else if (end->end_line > pos->end_line || end->end_col > pos->end_col) {
		pos->end_line = end->end_line;
		pos->end_col = end->end_col;
	}
}

static int on_end(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	const struct pst_pos end = event_pos(b, ev);
	struct pst_yaml_frame *f = &b->stack[--b->depth];

	set_end(f, &end);
	raise_height(b, f->height);
	if (f->node->kind == PST_YAML_MAPPING) {
		int r = pst_yaml_mapping_end(b, f);

		if (r)
			return r;
	}
	pst_yaml_anchor_close(b, f->anchor, f->height);
	return 0;
}

static int (*const handlers[])(struct pst_yaml_builder *b, const yaml_event_t *ev) = {
	[YAML_ALIAS_EVENT] = on_alias,
	[YAML_SCALAR_EVENT] = on_scalar,
	[YAML_SEQUENCE_START_EVENT] = on_sequence,
	[YAML_SEQUENCE_END_EVENT] = on_end,
	[YAML_MAPPING_START_EVENT] = on_mapping,
	[YAML_MAPPING_END_EVENT] = on_end,
};

int pst_yaml_builder_take(struct pst_yaml_builder *b, const yaml_event_t *ev)
{
	if ((size_t)ev->type >= sizeof(handlers) / sizeof(*handlers) || !handlers[ev->type])
		return 0;
	return handlers[ev->type](b, ev);
}
