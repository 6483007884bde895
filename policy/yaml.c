// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "policy/helm.h"
#include "policy/utf8.h"
#include "policy/yaml_build.h"

static const char byte_order_mark[] = "\xef\xbb\xbf";

struct reading {
	struct pst_yaml_builder b;
	const struct pst_yaml_input *in;
	pst_yaml_take take;
	void *ctx;
	bool keep; /* all documents stay in the arena */
	size_t n_docs;
	bool any_broken;    /* a mistake was reported, or TAKE has refused a document */
	bool stopped;	    /* by a limit on the file */
	size_t document_at; /* where the document being read begins */
	size_t broken_at;   /* where a piece could not be read further */
};

/* Is there a document marker at the start of the line AT? */
static bool is_marker(const struct pst_yaml_input *in, size_t at)
{
	const char *p = in->text + at;
	size_t left = in->len - at;

	return left >= 3 && !memcmp(p, "---", 3) &&
	       (left == 3 || p[3] == ' ' || p[3] == '\t' || p[3] == '\n' || p[3] == '\r');
}

/*
 * The first line at or behind FROM that begins a document. Whatever the lines before it were meant
 * to be: in YAML such a line ends every scalar and every mapping.
 */
static size_t next_document(const struct pst_yaml_input *in, size_t from)
{
	while (from < in->len) {
		const char *newline;

		if ((!from || in->text[from - 1] == '\n') && is_marker(in, from))
			return from;
		newline = memchr(in->text + from, '\n', in->len - from);
		if (!newline)
			break;
		from = (size_t)(newline - in->text) + 1;
	}
	return in->len;
}

static size_t line_start(const struct pst_yaml_input *in, size_t at)
{
	const char *newline = at ? memrchr(in->text, '\n', at) : NULL;

	return newline ? (size_t)(newline - in->text) + 1 : 0;
}

/* The start of the document, not before FROM, that AT is in. */
static size_t this_document(const struct pst_yaml_input *in, size_t from, size_t at)
{
	size_t line = line_start(in, at);

	while (line > from && !is_marker(in, line))
		line = line_start(in, line - 1);
	return line > from ? line : from;
}

/* A tab in the blanks before the text of the line of AT; the length of the text when there is none.
 */
static size_t indenting_tab(const struct pst_yaml_input *in, size_t at)
{
	for (size_t i = line_start(in, at); i < in->len; i++) {
		if (in->text[i] == '\t')
			return i;
		if (in->text[i] != ' ')
			break;
	}
	return in->len;
}

/* Where an error is, and where what it is in begins. libyaml's reader counts bytes, the other parts
 * count characters; "while parsing a block" says nothing, because everything is in one. */
static void find_error(struct reading *r, const yaml_parser_t *p, size_t base, size_t *ret_since,
		       size_t *ret_at)
{
	if (p->error == YAML_READER_ERROR) {
		*ret_since = *ret_at = base + p->problem_offset;
		return;
	}
	*ret_at = pst_srcmap_offset(&r->b.map, p->problem_mark.index);
	*ret_since = *ret_at;
	if (p->context && strncmp(p->context, "while parsing a block", 21))
		*ret_since = pst_srcmap_offset(&r->b.map, p->context_mark.index);
}

/* libyaml's own complaint, unless we know better. */
static int syntax_error(struct reading *r, const yaml_parser_t *p, size_t base)
{
	const char *context = p->context ? p->context : "";
	const char *problem = p->problem ? p->problem : "unknown error";
	size_t since, at, tab, brace;
	struct pst_pos pos;

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	find_error(r, p, base, &since, &at);
	r->broken_at = at;
	tab = indenting_tab(r->in, at);
	brace = pst_helm_explains(r->in->text, r->in->len, since, at);
	if (brace < r->in->len) {
		pos = pst_srcmap_pos(&r->b.map, brace, brace + 2);
		pst_helm_report(r->b.diags, r->in->template_severity, &pos);
	} else if (tab < r->in->len) {
		pos = pst_srcmap_pos(&r->b.map, tab, tab + 1);
		pst_diags_error(r->b.diags, "yaml-syntax", &pos,
				"not valid YAML: a tab indents this line; use spaces");
	} else {
		pos = pst_srcmap_pos(&r->b.map, at, at);
		pst_diags_error(r->b.diags, "yaml-syntax", &pos, "not valid YAML: %s%s%s", context,
				*context ? ", " : "", problem);
	}
	pst_yaml_spoil(&r->b);
	return -EINVAL;
}

static int document_start(struct reading *r, const yaml_event_t *ev)
{
	pst_yaml_builder_reset(&r->b);
	r->document_at = pst_srcmap_offset(&r->b.map, ev->start_mark.index);
	if (!r->keep)
		pst_arena_reset(r->b.arena);
	if (++r->n_docs > PST_YAML_MAX_DOCUMENTS) {
		struct pst_pos pos = pst_srcmap_pos(&r->b.map, r->document_at, r->document_at);

		r->stopped = true;
		return pst_diags_error(r->b.diags, "yaml-limit", &pos,
				       "too many documents in one file: the limit is %u",
				       PST_YAML_MAX_DOCUMENTS);
	}
	return 0;
}

static int document_end(struct reading *r)
{
	int e;

	if (!r->b.doc || r->b.broken) {
		r->any_broken = true;
		return 0;
	}
	e = r->take(r->ctx, r->b.doc);
	if (e == -EINVAL) {
		r->any_broken = true;
		return 0;
	}
	return e;
}

static int too_many_mistakes(struct reading *r)
{
	struct pst_pos pos = pst_srcmap_pos(&r->b.map, r->b.map.at, r->b.map.at);

	r->stopped = true;
	return pst_diags_error(r->b.diags, "yaml-limit", &pos,
			       "more than %u mistakes: the rest of the file is not read",
			       PST_YAML_MAX_MISTAKES);
}

static int on_event(struct reading *r, const yaml_event_t *ev)
{
	int e;

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return document_start(r, ev);
	case YAML_DOCUMENT_END_EVENT:
		return document_end(r);
	default:
		break;
	}
	e = pst_yaml_builder_take(&r->b, ev);
	if (e == -E2BIG) {
		r->broken_at = pst_srcmap_offset(&r->b.map, ev->start_mark.index);
		return -EINVAL;
	}
	return e;
}

static void free_parser(yaml_parser_t *p)
{
	yaml_parser_delete(p);
}

/* The bytes FROM .. TO, which are whole documents. -EINVAL: it breaks at broken_at. */
static int read_piece(struct reading *r, size_t from, size_t to)
{
	yaml_parser_t p __attribute__((cleanup(free_parser))) = {0};
	bool done = false;
	int e = 0;

	if (!yaml_parser_initialize(&p))
		return -ENOMEM;
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)r->in->text + from, to - from);
	pst_srcmap_rebase(&r->b.map, from);
	while (!e && !done) {
		yaml_event_t ev __attribute__((cleanup(yaml_event_delete))) = {0};

		if (!yaml_parser_parse(&p, &ev))
			return syntax_error(r, &p, from);
		e = on_event(r, &ev);
		done = ev.type == YAML_STREAM_END_EVENT;
		if (!e && r->b.n_mistakes > PST_YAML_MAX_MISTAKES)
			e = too_many_mistakes(r);
	}
	return e;
}

static void report_fault(struct reading *r, size_t at, enum pst_utf8_fault fault)
{
	const struct pst_pos pos = pst_srcmap_pos(&r->b.map, at, at + 1);
	unsigned int byte = (unsigned char)r->in->text[at];

	if (fault == PST_UTF8_NUL)
		pst_diags_error(r->b.diags, "yaml-encoding", &pos,
				"a NUL byte: expected a text, found a binary file");
	else
		pst_diags_error(r->b.diags, "yaml-encoding", &pos,
				fault == PST_UTF8_INVALID
					? "the byte 0x%02x is not valid UTF-8 here"
					: "a control character (byte 0x%02x) is not allowed",
				byte);
	pst_yaml_spoil(&r->b);
}

/*
 * Piece by piece: to the document before the next byte that must not be there, or to the place
 * where it breaks, and on with the document behind that.
 */
static int read_pieces(struct reading *r, size_t from)
{
	const struct pst_yaml_input *in = r->in;
	enum pst_utf8_fault fault;
	size_t at = pst_utf8_find_fault(in->text, in->len, from, &fault);
	int e = 0;

	while (!r->stopped) {
		size_t to = fault ? this_document(in, from, at) : in->len;

		e = to > from || !fault ? read_piece(r, from, to) : 0;
		if (e && e != -EINVAL)
			return e;
		if (e) {
			size_t line = line_start(in, r->broken_at);

			from = from > r->document_at ? from : r->document_at;
			from = next_document(in, line > from ? line : from + 1);
		} else if (fault) {
			report_fault(r, at, fault);
			from = next_document(in, at);
		} else {
			return 0;
		}
		if (from == in->len)
			return 0;
		if (fault && at < from)
			at = pst_utf8_find_fault(in->text, in->len, from, &fault);
		if (r->b.n_mistakes > PST_YAML_MAX_MISTAKES && !r->stopped)
			too_many_mistakes(r);
	}
	return 0;
}

static bool is_utf16(const struct pst_yaml_input *in)
{
	return in->len >= 2 &&
	       (!memcmp(in->text, "\xff\xfe", 2) || !memcmp(in->text, "\xfe\xff", 2));
}

static int read_all(struct reading *r)
{
	const struct pst_yaml_input *in = r->in;
	const struct pst_pos whole = {.file = in->name};
	const struct pst_pos start = {in->name, 1, 1, 1, 3};
	size_t from = 0;
	int e;

	r->b.template_severity = in->template_severity;
	if (in->len > PST_YAML_MAX_SIZE)
		return pst_diags_error(r->b.diags, "yaml-limit", &whole,
				       "too many bytes in one file: the limit is %u",
				       PST_YAML_MAX_SIZE);
	if (is_utf16(in))
		return pst_diags_error(r->b.diags, "yaml-encoding", &start,
				       "expected UTF-8, found UTF-16: save the file as UTF-8");
	pst_srcmap_init(&r->b.map, in->name, in->text, in->len);
	if (in->len >= 3 && !memcmp(in->text, byte_order_mark, 3))
		from = 3;
	e = read_pieces(r, from);
	if (e)
		return e;
	return r->any_broken || r->b.n_mistakes || r->stopped ? -EINVAL : 0;
}

int pst_yaml_each(const struct pst_yaml_input *in, struct pst_diags *diags, pst_yaml_take take,
		  void *ctx)
{
	struct pst_arena *arena pst_cleanup(pst_arena_free) = pst_arena_new();
	struct reading r = {.in = in, .take = take, .ctx = ctx};

	if (!arena)
		return -ENOMEM;
	r.b.arena = arena;
	r.b.diags = diags;
	return read_all(&r);
}

struct chain {
	const struct pst_yaml_node *first;
	struct pst_yaml_node *last;
};

static int append(void *ctx, const struct pst_yaml_node *doc)
{
	struct chain *c = ctx;

	if (c->last)
		c->last->next = doc;
	else
		c->first = doc;
	c->last = (struct pst_yaml_node *)doc; /* made by this module, in the caller's arena */
	return 0;
}

int pst_yaml_parse(struct pst_arena *arena, const struct pst_yaml_input *in,
		   struct pst_diags *diags, const struct pst_yaml_node **ret_docs)
{
	struct chain chain = {0};
	struct reading r = {.in = in, .take = append, .ctx = &chain, .keep = true};
	int e;

	r.b.arena = arena;
	r.b.diags = diags;
	e = read_all(&r);
	if (e != -ENOMEM)
		*ret_docs = chain.first;
	return e;
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
