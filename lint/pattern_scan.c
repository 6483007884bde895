// SPDX-License-Identifier: Apache-2.0
#include "lint/pattern_scan.h"

#include <ctype.h>
#include <string.h>

/* The length of a bracket expression at S, or 0 when it does not end. */
static size_t class_len(const char *s)
{
	size_t i = 1 + (s[1] == '^');

	i += s[i] == ']';
	while (s[i] && s[i] != ']') {
		const char *named = s[i] == '[' && s[i + 1] == ':' ? strstr(s + i, ":]") : NULL;

		if (named)
			i = (size_t)(named - s) + 2;
		else
			i += s[i] == '\\' && s[i + 1] ? 2 : 1;
	}
	return s[i] ? i + 1 : 0;
}

/* {n} {n,} {n,m}; 0: the brace stands for itself. */
static size_t count_len(const char *s)
{
	size_t i = 1 + strspn(s + 1, "0123456789");

	if (i == 1)
		return 0;
	if (s[i] == ',')
		i += 1 + strspn(s + i + 1, "0123456789");
	return s[i] == '}' ? i + 1 : 0;
}

static size_t repeat_len(const char *s)
{
	size_t len = *s == '{' ? count_len(s) : 1;

	return len && s[len] == '?' ? len + 1 : len;
}

/* 0: a group with flags, or a strange one. */
static size_t open_len(const char *s)
{
	const char *end;

	if (s[1] != '?')
		return 1;
	if (s[2] == ':')
		return 3;
	end = s[2] == '<' || (s[2] == 'P' && s[3] == '<') ? strchr(s, '>') : NULL;
	return end ? (size_t)(end - s) + 1 : 0;
}

static bool scan_escape(const char *s, struct pst_token *t)
{
	t->len = 2;
	t->byte = (unsigned char)s[1];
	if (!s[1])
		return false;
	if (ispunct((unsigned char)s[1]))
		t->kind = PST_TOKEN_LITERAL;
	else if (strchr("dDwWsS", s[1]))
		t->kind = PST_TOKEN_CLASS;
	else if (s[1] == 'A')
		t->kind = PST_TOKEN_BEGIN;
	else if (s[1] == 'z')
		t->kind = PST_TOKEN_END;
	else
		return false;
	return true;
}

/* The characters that stand for themselves as tokens. */
static const struct {
	char c;
	enum pst_token_kind kind;
} singles[] = {
	{'.', PST_TOKEN_ANY},	{')', PST_TOKEN_CLOSE}, {'|', PST_TOKEN_OR},
	{'^', PST_TOKEN_BEGIN}, {'$', PST_TOKEN_END},
};

static void scan_single(const char *s, struct pst_token *t)
{
	t->kind = PST_TOKEN_LITERAL;
	t->len = 1;
	for (size_t i = 0; i < sizeof(singles) / sizeof(*singles); i++) {
		if (*s == singles[i].c)
			t->kind = singles[i].kind;
	}
}

static bool scan_token(const char *s, struct pst_token *t)
{
	t->byte = (unsigned char)*s;
	if (*s == '\\')
		return scan_escape(s, t);
	if (*s == '[') {
		t->kind = PST_TOKEN_CLASS;
		t->len = (uint32_t)class_len(s);
	} else if (*s == '(') {
		t->kind = PST_TOKEN_OPEN;
		t->len = (uint32_t)open_len(s);
	} else if (strchr("*+?", *s) || (*s == '{' && count_len(s))) {
		t->kind = PST_TOKEN_REPEAT;
		t->len = (uint32_t)repeat_len(s);
	} else {
		scan_single(s, t);
	}
	return t->len;
}

bool pst_scan_pattern(const struct pst_text *text, struct pst_scan *scan)
{
	uint32_t depth = 0;

	scan->text = text;
	scan->n = 0;
	for (size_t i = 0; i < text->len; i += scan->v[scan->n - 1].len) {
		struct pst_token t = {.at = (uint32_t)i};

		if (scan->n == PST_SCAN_MAX || !scan_token(text->s + i, &t))
			return false;
		depth += t.kind == PST_TOKEN_OPEN;
		t.depth = depth;
		if (t.kind == PST_TOKEN_CLOSE && !depth--)
			return false;
		if (t.kind == PST_TOKEN_REPEAT && scan->n)
			scan->v[scan->n - 1].repeat = (char)t.byte;
		scan->v[scan->n++] = t;
	}
	return scan->n && !depth;
}

bool pst_token_is_plain(const struct pst_token *token)
{
	return token && token->kind == PST_TOKEN_LITERAL && !token->repeat;
}

bool pst_token_is(const struct pst_token *token, char byte)
{
	return pst_token_is_plain(token) && token->byte == (unsigned char)byte;
}

const struct pst_token *pst_scan_at(const struct pst_scan *scan, size_t i)
{
	return i < scan->n ? &scan->v[i] : NULL;
}

/* Without the anchors at both ends. */
static struct pst_branch trim(const struct pst_scan *scan, struct pst_branch b)
{
	while (b.from < b.to && scan->v[b.from].kind == PST_TOKEN_BEGIN)
		b.from++;
	while (b.from < b.to && scan->v[b.to - 1].kind == PST_TOKEN_END)
		b.to--;
	return b;
}

/* Is the range one group, which stands once? */
static bool is_group(const struct pst_scan *scan, const struct pst_branch *b)
{
	const struct pst_token *open = &scan->v[b->from];
	size_t i = b->from + 1;

	if (b->to - b->from < 2 || open->kind != PST_TOKEN_OPEN)
		return false;
	while (i < b->to && (scan->v[i].kind != PST_TOKEN_CLOSE || scan->v[i].depth != open->depth))
		i++;
	return i + 1 == b->to;
}

bool pst_scan_next_branch(const struct pst_scan *scan, struct pst_branch *branch)
{
	struct pst_branch all = trim(scan, (struct pst_branch){.to = scan->n});
	struct pst_branch next = {0};
	uint32_t depth = 0;

	while (is_group(scan, &all)) {
		all = trim(scan, (struct pst_branch){.from = all.from + 1, .to = all.to - 1});
		depth++;
	}
	/* Where the last one ended, its anchors passed over, there is an OR or the end. */
	next.from = branch->to ? branch->to : all.from;
	if (branch->to) {
		while (next.from < all.to && (scan->v[next.from].kind != PST_TOKEN_OR ||
					      scan->v[next.from].depth != depth))
			next.from++;
		if (next.from++ >= all.to)
			return false;
	} else if (branch->from) {
		return false;
	}
	next.to = next.from;
	while (next.to < all.to &&
	       (scan->v[next.to].kind != PST_TOKEN_OR || scan->v[next.to].depth != depth))
		next.to++;
	*branch = trim(scan, next);
	/* An empty branch at the very start must not look like the beginning. */
	if (!branch->to)
		branch->from = 1;
	return true;
}

bool pst_branch_text(const struct pst_scan *scan, const struct pst_branch *branch, char *buf,
		     size_t size)
{
	size_t n = 0;

	for (size_t i = branch->from; i < branch->to; i++) {
		if (!pst_token_is_plain(&scan->v[i]) || n + 1 >= size)
			return false;
		buf[n++] = (char)scan->v[i].byte;
	}
	buf[n] = '\0';
	return n;
}

struct pst_pos pst_scan_pos(const struct pst_scan *scan, size_t from, size_t to)
{
	const struct pst_token *last = &scan->v[to - 1];
	struct pst_pos pos = scan->text->pos;

	if (pos.line != pos.end_line || pos.end_col - pos.col != scan->text->len)
		return pos;
	pos.end_col = pos.col + last->at + last->len;
	pos.col += scan->v[from].at;
	return pos;
}
