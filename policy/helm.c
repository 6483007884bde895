// SPDX-License-Identifier: Apache-2.0
#include "policy/helm.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#define ID "helm-template"

struct search {
	const struct pst_yaml_input *in;
	bool found;
	struct pst_pos pos;
};

void pst_helm_report(struct pst_diags *diags, enum pst_severity severity, const struct pst_pos *pos)
{
	pst_diags_add(diags, severity, ID, pos,
		      "this is a Helm template, not a policy: render it first "
		      "(helm template ... | postern lint -)");
}

static size_t line_start(const char *text, size_t at)
{
	const char *newline = at ? memrchr(text, '\n', at) : NULL;

	return newline ? (size_t)(newline - text) + 1 : 0;
}

/* The "{{" in START .. END of a line, LEN when there is none outside the comment. */
static size_t on_line(const char *text, size_t len, size_t at)
{
	size_t start = line_start(text, at);
	const char *newline = memchr(text + start, '\n', len - start);
	size_t end = newline ? (size_t)(newline - text) : len;

	for (size_t i = start; i + 1 < end; i++) {
		if (text[i] == '#' && (i == start || text[i - 1] == ' ' || text[i - 1] == '\t'))
			return len;
		if (text[i] == '{' && text[i + 1] == '{')
			return i;
	}
	return len;
}

/* A "{{" in START .. AT without a "}}" behind it. */
static size_t unclosed(const char *text, size_t len, size_t start, size_t at)
{
	size_t found = len;

	for (size_t i = start; i + 1 < at; i++) {
		if (text[i] == '{' && text[i + 1] == '{')
			found = on_line(text, len, i) == len ? len : i;
		else if (text[i] == '}' && text[i + 1] == '}')
			found = len;
	}
	return found;
}

size_t pst_helm_explains(const char *text, size_t len, size_t since, size_t at)
{
	size_t found = on_line(text, len, since);

	if (found == len)
		found = on_line(text, len, at);
	return found == len ? unclosed(text, len, line_start(text, since), at) : found;
}

static void note(struct search *s, const struct pst_pos *pos)
{
	if (s->found &&
	    (s->pos.line < pos->line || (s->pos.line == pos->line && s->pos.col <= pos->col)))
		return;
	s->found = true;
	s->pos = *pos;
}

/* The place of the "{{" in the scalar N: it stands in the text as in the scalar, if not behind an
 * alias or an escape. */
static void note_scalar(struct search *s, const struct pst_yaml_node *n)
{
	const char *p = s->in->text, *end = p + s->in->len, *at;
	struct pst_pos pos = n->pos;

	for (uint32_t line = 1; line < pos.line && p; line++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	for (uint32_t line = pos.line; p && line <= pos.end_line; line++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *from = line == pos.line ? p + pos.col - 1 : p;
		const char *to = newline ? newline : end;

		at = from < to ? memmem(from, (size_t)(to - from), "{{", 2) : NULL;
		if (at) {
			uint32_t col = (uint32_t)(at - p + 1);

			pos = (struct pst_pos){pos.file, line, col, line, col + 2};
			break;
		}
		p = newline ? newline + 1 : NULL;
	}
	note(s, &pos);
}

static bool is_scalar(const struct pst_yaml_node *n)
{
	return n->kind != PST_YAML_LIST && n->kind != PST_YAML_MAPPING;
}

static void search_scalar(struct search *s, const struct pst_yaml_node *n)
{
	if (is_scalar(n) && memmem(n->s, n->len, "{{", 2))
		note_scalar(s, n);
}

/* Text that people read, in which a template's braces may be meant. */
static bool is_prose(const struct pst_yaml_node *map, const struct pst_yaml_node *child)
{
	if (!child->key)
		return false;
	if (!strcmp(child->key->s, "description"))
		return true;
	return map->key && !strcmp(map->key->s, "metadata") &&
	       (!strcmp(child->key->s, "annotations") || !strcmp(child->key->s, "labels"));
}

/* The tree is at most PST_YAML_MAX_DEPTH high. */
static void search_tree(struct search *s, const struct pst_yaml_node *n)
{
	search_scalar(s, n);
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		if (is_prose(n, c))
			continue;
		if (c->key)
			search_scalar(s, c->key);
		search_tree(s, c);
	}
}

static void search_object(struct search *s, const struct pst_yaml_node *n)
{
	const struct pst_yaml_node *kind = pst_yaml_get(n, "kind");
	const struct pst_yaml_node *items = pst_yaml_get(n, "items");

	if (!kind || !is_scalar(kind))
		return;
	if (!strcmp(kind->s, "CiliumNetworkPolicy") ||
	    !strcmp(kind->s, "CiliumClusterwideNetworkPolicy"))
		search_tree(s, n);
	if (strcmp(kind->s, "List") || !items || items->kind != PST_YAML_LIST)
		return;
	for (const struct pst_yaml_node *c = items->first; c; c = c->next)
		search_object(s, c);
}

static int take_document(void *ctx, const struct pst_yaml_node *doc)
{
	search_object(ctx, doc);
	return 0;
}

static void free_diags(struct pst_diags **d)
{
	pst_diags_free(d);
}

int pst_helm_find(const struct pst_yaml_input *in, bool *ret_is_template, struct pst_pos *ret_pos)
{
	struct pst_diags *unsaid pst_cleanup(free_diags) = NULL;
	struct search s = {.in = in};
	int r;

	*ret_is_template = false;
	if (!in->len || !memmem(in->text, in->len, "{{", 2))
		return 0;
	unsaid = pst_diags_new();
	if (!unsaid)
		return -ENOMEM;
	r = pst_yaml_each(in, unsaid, take_document, &s);
	if (r == -ENOMEM)
		return r;
	for (size_t i = 0; i < pst_diags_count(unsaid); i++) {
		const struct pst_diag *d = pst_diags_at(unsaid, i);

		if (!strcmp(d->id, ID))
			note(&s, &d->pos);
	}
	*ret_is_template = s.found;
	if (s.found) {
		*ret_pos = s.pos;
		ret_pos->file = in->name;
	}
	return 0;
}
