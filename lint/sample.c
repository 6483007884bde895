// SPDX-License-Identifier: Apache-2.0
#include "lint/sample.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct sampler {
	const struct pst_scan *scan;
	const struct pst_branch *branch;
	char *out;
	size_t n, size;
};

static const struct pst_token *at(const struct sampler *s, size_t i)
{
	return i < s->branch->to ? pst_scan_at(s->scan, i) : NULL;
}

static bool put(struct sampler *s, char c)
{
	if (s->n + 1 >= s->size)
		return false;
	s->out[s->n++] = c;
	return true;
}

/* The ASCII characters that a class has. */
struct set {
	bool has[128];
	bool is_known; /* nothing stands in it that is not understood here */
};

static bool is_word(int c)
{
	return isalnum(c) || c == '_';
}

/* What "\\C" stands for in a class, or outside of one. */
static void add_escape(struct set *set, char c)
{
	for (int i = 0; i < 128; i++) {
		const bool in = c == 'd'   ? isdigit(i)
				: c == 'D' ? !isdigit(i)
				: c == 'w' ? is_word(i)
				: c == 'W' ? !is_word(i)
				: c == 'S' ? !strchr("\t\n\f\r ", i) || !i
					   : i == c;

		set->has[i] |= in;
	}
	set->is_known &= ispunct((unsigned char)c) || strchr("dDwWS", c);
}

/* The inside of brackets: characters, ranges, "\\d" and the like; no [:names:]. */
static void add_class(struct set *set, const char *s, size_t len)
{
	for (size_t i = 0; i < len && set->is_known;) {
		const bool is_range = i + 2 < len && s[i + 1] == '-';
		const char from = s[i], to = is_range ? s[i + 2] : from;

		if (from == '\\') {
			set->is_known = i + 1 < len && (i + 2 >= len || s[i + 2] != '-');
			if (set->is_known)
				add_escape(set, s[i + 1]);
			i += 2;
			continue;
		}
		set->is_known = from > 0 && to >= from && to != '\\' && from != '[';
		for (unsigned char c = (unsigned char)from; set->is_known && c <= (unsigned char)to;
		     c++)
			set->has[c] = true;
		i += is_range ? 3 : 1;
	}
}

/* A character of a class, one that any field can hold if there is one; 0: none that is known. */
static char member_of(const char *s, size_t len)
{
	static const char best[] = "aA0bcdefghijklmnopqrstuvwxyzBCDEFGHIJKLMNOPQRSTUVWXYZ123456789"
				   "-_.~!$&'*+/:@?=,;()";
	struct set set = {.is_known = true};
	bool negated = false;

	if (*s == '\\') {
		add_escape(&set, s[1]);
	} else {
		negated = s[1] == '^';
		add_class(&set, s + 1 + negated, len - 2 - negated);
	}
	for (size_t i = 0; set.is_known && best[i]; i++) {
		if (set.has[(int)best[i]] != negated)
			return best[i];
	}
	return 0;
}

static char character_of(const struct sampler *s, const struct pst_token *t)
{
	if (t->kind == PST_TOKEN_ANY)
		return 'a';
	if (t->kind == PST_TOKEN_CLASS)
		return member_of(s->scan->text->s + t->at, t->len);
	return (char)t->byte;
}

/* How often the token before REPEAT stands in the sample: as seldom as it may. */
static unsigned long count_of(const struct sampler *s, const struct pst_token *repeat)
{
	if (!repeat || repeat->kind != PST_TOKEN_REPEAT)
		return 1;
	if (repeat->byte == '{')
		return strtoul(s->scan->text->s + repeat->at + 1, NULL, 10);
	return repeat->byte == '+';
}

/*
 * Something that varies stands once at least: of "/a/.*" and "/.*" the shortest texts are ends of
 * other names, and "/.*" followed by "/" has none in normal form without it.
 */
static bool put_token(struct sampler *s, size_t i)
{
	const struct pst_token *t = at(s, i);
	const char c = character_of(s, t);
	unsigned long count = count_of(s, at(s, i + 1));

	if (!count && t->repeat != '{' && t->kind != PST_TOKEN_LITERAL)
		count = 1;
	if (!c || count >= s->size)
		return false;
	while (count && put(s, c))
		count--;
	return !count;
}

/* The token that closes the group that is opened at I. */
static size_t close_of(const struct sampler *s, size_t i)
{
	const uint32_t depth = at(s, i)->depth;

	while (at(s, i)->kind != PST_TOKEN_CLOSE || at(s, i)->depth != depth)
		i++;
	return i;
}

/* The end of the group in which I stands. */
static size_t end_of(const struct sampler *s, size_t i)
{
	const uint32_t depth = at(s, i)->depth;

	while (at(s, i) && (at(s, i)->kind != PST_TOKEN_CLOSE || at(s, i)->depth != depth))
		i++;
	return i;
}

/* Of a group: nothing when it may be left out, else its first alternative, once. */
static bool enter_group(const struct sampler *s, size_t *i)
{
	const size_t close = close_of(s, *i);
	const unsigned long count = count_of(s, at(s, close + 1));

	*i = count ? *i + 1 : close + 1;
	return count <= 1;
}

bool pst_sample_branch(const struct pst_scan *scan, const struct pst_branch *branch, char *buf,
		       size_t size)
{
	struct sampler s = {.scan = scan, .branch = branch, .out = buf, .size = size};

	for (size_t i = branch->from; i < branch->to;) {
		switch (at(&s, i)->kind) {
		case PST_TOKEN_LITERAL:
		case PST_TOKEN_ANY:
		case PST_TOKEN_CLASS:
			if (!put_token(&s, i++))
				return false;
			break;
		case PST_TOKEN_OPEN:
			if (!enter_group(&s, &i))
				return false;
			break;
		case PST_TOKEN_OR:
			i = end_of(&s, i);
			break;
		case PST_TOKEN_REPEAT:
			if (at(&s, i + 1) && at(&s, i + 1)->kind == PST_TOKEN_REPEAT)
				return false;
			i++;
			break;
		case PST_TOKEN_CLOSE:
			i++;
			break;
		default:
			return false; /* anchors inside */
		}
	}
	buf[s.n] = '\0';
	return s.n;
}

/* Of a character that takes several bytes, a repetition behind it means all of them. */
static bool is_fixed(const struct pst_token *t)
{
	return pst_token_is_plain(t) && t->byte < 0x80;
}

size_t pst_sample_prefix(const struct pst_scan *scan, const struct pst_branch *branch)
{
	size_t n = 0;

	while (branch->from + n < branch->to && is_fixed(pst_scan_at(scan, branch->from + n)))
		n++;
	return n;
}

size_t pst_sample_suffix(const struct pst_scan *scan, const struct pst_branch *branch)
{
	size_t n = 0;

	while (branch->from + n < branch->to && is_fixed(pst_scan_at(scan, branch->to - 1 - n)))
		n++;
	return n;
}

bool pst_sample_is_bound(const struct pst_scan *scan, const struct pst_branch *branch)
{
	/* Of a group around the whole pattern, its inside is the branch. */
	const uint32_t depth = branch->from < branch->to
				       ? scan->v[branch->from].depth -
						 (scan->v[branch->from].kind == PST_TOKEN_OPEN)
				       : 0;

	for (size_t i = branch->from; i < branch->to; i++) {
		if (scan->v[i].depth == depth && is_fixed(&scan->v[i]) &&
		    (i > branch->from || scan->v[i].byte != '/'))
			return true;
	}
	return false;
}
