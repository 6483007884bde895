// SPDX-License-Identifier: Apache-2.0
#include "lint/comment.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"

enum line_kind {
	LINE_EMPTY,   /* blank, or a comment only */
	LINE_INSIDE,  /* goes on with a quoted or a block scalar */
	LINE_CONTENT, /* something begins here */
	LINE_MARKER,  /* --- or ... */
};

struct line {
	enum line_kind kind;
	uint32_t indent;
	bool dash;	    /* begins with "- " */
	uint32_t ends;	    /* the first line behind what is nested in this one; of a LINE_EMPTY
			       one, the first behind it that is none */
	uint32_t list_ends; /* the same, with the list elements that follow at its indentation */
};

struct found {
	uint32_t line;
	size_t at, end; /* of the '#', of the line's text */
	bool trailing;
};

/* Column of what a block scalar belongs to, when it is the document itself. */
enum { AT_TOP = -1 };

struct scanner {
	const char *text;
	const char *prefix;
	struct lines PST_VEC(struct line) lines;
	struct comments PST_VEC(struct found) comments;
	unsigned int flow;		/* how many [ and { are open */
	char quote;			/* of the scalar that is open, or 0 */
	bool in_block;			/* inside a block scalar */
	int block_parent, block_indent; /* block_indent -1: not known yet */
};

/* Where scanning stands within a line. */
struct cursor {
	size_t start, at, end; /* of the line, of the byte at hand, of the line's end */
	bool token;	       /* a scalar may begin here */
	bool quoted;	       /* behind a quoted scalar */
	int parent, key;       /* columns: of the innermost entry; of the scalar at hand */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Is the byte behind AT blank, or the end of the line? */
static bool blank_follows(const struct scanner *s, const struct cursor *c)
{
	return c->at + 1 >= c->end || is_blank(s->text[c->at + 1]);
}

/* To behind the closing quote; the end of the line when it is not on it. */
static void skip_quoted(struct scanner *s, struct cursor *c)
{
	while (c->at < c->end) {
		char ch = s->text[c->at++];

		if (s->quote == '"' && ch == '\\') {
			c->at += c->at < c->end;
		} else if (ch == s->quote) {
			if (ch == '\'' && c->at < c->end && s->text[c->at] == '\'') {
				c->at++;
				continue;
			}
			s->quote = 0;
			c->quoted = true;
			return;
		}
	}
}

/* Does a block scalar's header, "|" or ">" with a sign and a digit, begin here? Reads it if so. */
static bool take_block_header(struct scanner *s, struct cursor *c)
{
	size_t i = c->at + 1;
	int digit = 0;

	for (int k = 0; k < 2 && i < c->end; k++) {
		char ch = s->text[i];

		if (ch == '+' || ch == '-')
			i++;
		else if (ch >= '1' && ch <= '9' && !digit)
			digit = s->text[i++] - '0';
	}
	if (i < c->end && !is_blank(s->text[i]))
		return false;
	while (i < c->end && is_blank(s->text[i]))
		i++;
	if (i < c->end && s->text[i] != '#')
		return false;
	s->in_block = true;
	s->block_parent = c->parent;
	s->block_indent = digit ? digit + (c->parent > 0 ? c->parent : 0) : -1;
	c->at = i;
	return true;
}

/* An anchor or a tag: a scalar may still begin behind it. */
static void skip_property(const struct scanner *s, struct cursor *c)
{
	while (c->at < c->end && !is_blank(s->text[c->at]))
		c->at++;
}

/* One step where a scalar may begin. */
static void step_token(struct scanner *s, struct cursor *c)
{
	char ch = s->text[c->at];
	int col = (int)(c->at - c->start);

	if (ch == '"' || ch == '\'') {
		s->quote = ch;
		c->key = col;
		c->token = false;
		c->at++;
		skip_quoted(s, c);
	} else if ((ch == '|' || ch == '>') && !s->flow && take_block_header(s, c)) {
		c->token = false;
	} else if (ch == '[' || ch == '{') {
		s->flow++;
		c->at++;
	} else if (ch == ']' || ch == '}') {
		s->flow -= s->flow > 0;
		c->token = false;
		c->at++;
	} else if ((ch == '-' || ch == '?' || ch == ':') && blank_follows(s, c)) {
		c->parent = s->flow ? c->parent : col;
		c->at++;
	} else if (ch == ',' && s->flow) {
		c->at++;
	} else if (ch == '&' || ch == '!') {
		skip_property(s, c);
	} else {
		c->key = col;
		c->token = c->quoted = false;
		c->at++;
	}
}

static bool ends_key(const struct scanner *s, const struct cursor *c)
{
	return blank_follows(s, c) ||
	       (s->flow && (c->quoted || strchr(",[]{}", s->text[c->at + 1])));
}

/* One step inside a plain scalar or behind a quoted one. */
static void step_scalar(struct scanner *s, struct cursor *c)
{
	char ch = s->text[c->at];

	if (ch == ':' && ends_key(s, c)) {
		c->token = true;
		c->parent = s->flow ? c->parent : c->key;
	} else if (s->flow && ch == ',') {
		c->token = true;
	} else if (s->flow && (ch == ']' || ch == '}')) {
		s->flow--;
	} else if (!is_blank(ch)) {
		c->quoted = false;
	}
	c->at++;
}

static bool is_comment(const struct scanner *s, const struct cursor *c)
{
	return s->text[c->at] == '#' && (c->at == c->start || is_blank(s->text[c->at - 1]));
}

static int scan_tokens(struct scanner *s, struct cursor *c, bool goes_on)
{
	const size_t before = c->start + strspn(s->text + c->start, " \t");

	if (goes_on)
		skip_quoted(s, c);
	while (c->at < c->end) {
		if (is_comment(s, c)) {
			const struct found f = {(uint32_t)s->lines.n + 1, c->at, c->end,
						goes_on || c->at > before};

			c->at = c->end;
			return pst_vec_push(&s->comments, f);
		}
		if (c->token && is_blank(s->text[c->at]))
			c->at++;
		else if (c->token)
			step_token(s, c);
		else
			step_scalar(s, c);
	}
	return 0;
}

static bool is_marker(const char *line, size_t len)
{
	return len >= 3 && (!memcmp(line, "---", 3) || !memcmp(line, "...", 3)) &&
	       (len == 3 || is_blank(line[3]));
}

/* Does the block scalar that is open go on with a line of this indentation? Ends it if not. */
static bool block_goes_on(struct scanner *s, int indent, bool empty)
{
	if (!s->in_block || empty)
		return s->in_block;
	if (s->block_indent < 0 && indent > s->block_parent)
		s->block_indent = indent;
	s->in_block = s->block_indent >= 0 && indent >= s->block_indent;
	return s->in_block;
}

static int scan_line(struct scanner *s, size_t start, size_t end)
{
	struct cursor c = {start, start, end, true, false, AT_TOP, 0};
	const char *text = s->text + start;
	size_t len = end - start, indent = 0, first;
	struct line line = {.kind = LINE_CONTENT};
	bool goes_on = s->quote != 0;
	int r = 0;

	while (indent < len && text[indent] == ' ')
		indent++;
	for (first = indent; first < len && is_blank(text[first]);)
		first++;
	line.indent = (uint32_t)indent;
	line.dash = first + 1 <= len && text[first] == '-' &&
		    (first + 1 == len || is_blank(text[first + 1]));
	if (!goes_on && is_marker(text, len)) {
		s->in_block = false;
		s->flow = 0;
		line.kind = LINE_MARKER;
		c.at += 3;
		r = scan_tokens(s, &c, false);
	} else if (!goes_on && block_goes_on(s, (int)indent, first == len)) {
		line.kind = LINE_INSIDE;
	} else {
		if (goes_on)
			line.kind = LINE_INSIDE;
		else if (first == len || text[first] == '#')
			line.kind = LINE_EMPTY;
		c.token = !goes_on;
		r = scan_tokens(s, &c, goes_on);
	}
	return r ? r : pst_vec_push(&s->lines, line);
}

static int scan(struct scanner *s, size_t len)
{
	size_t at = len >= 3 && !memcmp(s->text, "\xef\xbb\xbf", 3) ? 3 : 0;
	int r = 0;

	while (!r && at < len) {
		const char *newline = memchr(s->text + at, '\n', len - at);
		size_t next = newline ? (size_t)(newline - s->text) + 1 : len;
		size_t end = newline ? next - 1 : len;

		if (end > at && s->text[end - 1] == '\r')
			end--;
		r = scan_line(s, at, end);
		at = next;
	}
	return r;
}

/* Where the element lists that stand at the indentation of line I end; NEXT is behind its content.
 */
static uint32_t list_end(const struct lines *lines, uint32_t next, uint32_t indent)
{
	if (next < lines->n && lines->v[next].kind == LINE_CONTENT && lines->v[next].dash &&
	    lines->v[next].indent == indent)
		return lines->v[next].list_ends;
	return next;
}

/*
 * Where each line's content ends: from the last line to the first, each looks at those behind it,
 * and skips in one step what an earlier answer has measured. NEXT is always a line with content or
 * a marker, or the end.
 */
static void find_ends(struct lines *lines)
{
	uint32_t following = (uint32_t)lines->n, filled = following;

	for (uint32_t i = (uint32_t)lines->n; i-- > 0;) {
		struct line *l = &lines->v[i];
		uint32_t next = following;

		if (l->kind == LINE_EMPTY) {
			l->ends = filled;
			continue;
		}
		filled = i;
		if (l->kind == LINE_INSIDE)
			continue;
		while (l->kind == LINE_CONTENT && next < lines->n &&
		       lines->v[next].kind == LINE_CONTENT && lines->v[next].indent > l->indent)
			next = lines->v[next].ends;
		l->ends = next;
		l->list_ends = list_end(lines, next, l->indent);
		following = i;
	}
}

/* The lines that a comment on a line of its own speaks about. */
static void set_scope(const struct lines *lines, struct pst_comment *c)
{
	uint32_t i = c->line; /* the index of the line behind it */

	if (i < lines->n && lines->v[i].kind == LINE_EMPTY)
		i = lines->v[i].ends;
	c->from_line = i + 1;
	c->to_line = i;
	if (i < lines->n && lines->v[i].kind == LINE_CONTENT)
		c->to_line = lines->v[i].dash ? lines->v[i].ends : lines->v[i].list_ends;
}

static int hand_over(const struct scanner *s, const struct found *f, pst_comment_take take,
		     void *ctx)
{
	size_t start = f->at, from = f->at + 1, to = f->end;
	struct pst_comment c = {.line = f->line, .trailing = f->trailing};

	while (start > 0 && s->text[start - 1] != '\n')
		start--;
	while (from < to && is_blank(s->text[from]))
		from++;
	while (to > from && is_blank(s->text[to - 1]))
		to--;
	c.col = (uint32_t)(f->at - start) + 1;
	c.text = s->text + from;
	c.len = to - from;
	c.end_col = (uint32_t)(to - start) + 1;
	if (c.len < strlen(s->prefix) || memcmp(c.text, s->prefix, strlen(s->prefix)))
		return 0;
	c.from_line = c.to_line = c.line;
	if (!c.trailing)
		set_scope(&s->lines, &c);
	return take(ctx, &c);
}

int pst_comments_each(const char *text, size_t len, const char *prefix, pst_comment_take take,
		      void *ctx)
{
	struct scanner s = {.text = text, .prefix = prefix};
	int r = scan(&s, len);

	find_ends(&s.lines);
	for (size_t i = 0; !r && i < s.comments.n; i++)
		r = hand_over(&s, &s.comments.v[i], take, ctx);
	pst_vec_free(&s.lines);
	pst_vec_free(&s.comments);
	return r;
}
