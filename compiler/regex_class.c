// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "compiler/regex_lex.h"
#include "compiler/unicode.h"
#include "policy/nearest.h"

enum { QUOTED_MAX = 40 }; /* bytes of a pattern that a message repeats */

/* Counts what C has grown to beyond the N ranges it had. What stands at FROM did that. */
static int charge(struct pst_re_lexer *lx, size_t from, const struct pst_charclass *c, size_t n)
{
	lx->ranges += c->n - n;
	if (lx->ranges <= PST_RE_MAX_RANGES)
		return 0;
	return pst_re_error_budget(lx, from, lx->at,
				   "the classes of the pattern name more than %d ranges of "
				   "characters up to here",
				   PST_RE_MAX_RANGES);
}

int pst_re_add_range(struct pst_re_lexer *lx, size_t from, struct pst_rune_range range,
		     struct pst_charclass *c)
{
	size_t n = c->n;
	int r = lx->flags & PST_RE_FOLD ? pst_charclass_add_folded(c, range.lo, range.hi)
					: pst_charclass_add(c, range.lo, range.hi);

	return r ? r : charge(lx, from, c, n);
}

static int add_named(struct pst_re_lexer *lx, size_t from, const struct pst_named_class *named,
		     bool negate, struct pst_charclass *c)
{
	size_t n = c->n;
	int r = pst_charclass_add_named(c, named, negate, lx->flags & PST_RE_FOLD);

	return r ? r : charge(lx, from, c, n);
}

/* A name that stands at FROM in the pattern. */
struct class_name {
	size_t from, len;
	bool negate;
};

/* What is behind \p or \P: one character, or any in braces; a '^' in front of the name negates. */
static int read_class_name(struct pst_re_lexer *lx, struct class_name *ret_name)
{
	const char *re = lx->pattern->re, *end;
	size_t escape = lx->at - 2;
	uint32_t rune = 0;
	int r;

	*ret_name = (struct class_name){.from = lx->at};
	if (!pst_re_left(lx))
		return pst_re_error(lx, escape, lx->at,
				    "expected the name of a Unicode class behind '%.2s', found "
				    "the end of the pattern",
				    re + escape);
	r = pst_re_read_rune(lx, &rune);
	if (r)
		return r;
	if (rune == '{') {
		ret_name->from++;
		end = memchr(re + lx->at, '}', pst_re_left(lx));
		if (!end)
			return pst_re_error(lx, escape, lx->at,
					    "expected '}' for this '%.3s', found the end of the "
					    "pattern",
					    re + escape);
		lx->at = (size_t)(end + 1 - re);
		ret_name->len = lx->at - 1 - ret_name->from;
	} else {
		ret_name->len = lx->at - ret_name->from;
	}
	if (ret_name->len && re[ret_name->from] == '^') {
		ret_name->negate = true;
		ret_name->from++;
		ret_name->len--;
	}
	return 0;
}

static int refuse_class_name(const struct pst_re_lexer *lx, const struct class_name *name)
{
	int shown = name->len < QUOTED_MAX ? (int)name->len : QUOTED_MAX;
	char wanted[QUOTED_MAX + 1] = "", hint[PST_NEAREST_HINT_SIZE];
	const struct pst_named_class *classes;
	struct pst_nearest near;
	size_t n;

	memcpy(wanted, lx->pattern->re + name->from, (size_t)shown);
	pst_nearest_init(&near, wanted);
	classes = pst_unicode_classes(&n);
	for (size_t i = 0; i < n; i++)
		pst_nearest_offer(&near, classes[i].name);
	return pst_re_error(lx, name->from, name->from + name->len,
			    "expected a general category of Unicode such as 'L' or 'Lu', or a "
			    "script such as 'Greek', found '%.*s'%s",
			    shown, lx->pattern->re + name->from, pst_nearest_hint(&near, hint));
}

/* \p and \P. */
static int read_unicode_class(struct pst_re_lexer *lx, struct pst_charclass *c)
{
	const struct pst_named_class *named;
	struct class_name name;
	size_t from = lx->at;
	bool negate = pst_re_peek(lx, 1) == 'P';
	int r;

	lx->at += 2;
	r = read_class_name(lx, &name);
	if (r)
		return r;
	named = pst_unicode_class(lx->pattern->re + name.from, name.len);
	if (!named)
		return refuse_class_name(lx, &name);
	return add_named(lx, from, named, negate != name.negate, c);
}

bool pst_re_read_escaped_class(struct pst_re_lexer *lx, struct pst_charclass *c, int *ret_err)
{
	int letter = pst_re_peek(lx, 1);
	const struct pst_named_class *named;
	size_t from = lx->at;
	bool negate;

	if (pst_re_peek(lx, 0) != '\\' || letter < 0)
		return false;
	if (letter == 'p' || letter == 'P') {
		*ret_err = read_unicode_class(lx, c);
		return true;
	}
	negate = letter >= 'A' && letter <= 'Z';
	named = pst_charclass_perl((char)(negate ? letter - 'A' + 'a' : letter));
	if (!named)
		return false;
	lx->at += 2;
	*ret_err = add_named(lx, from, named, negate, c);
	return true;
}

/* ASCII's letters, digits and '_', and beyond ASCII the categories that RE2 took from Python. */
static bool is_name_rune(uint32_t rune)
{
	static const char *const categories[] = {
		"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Mn", "Mc", "Nd", "Pc",
	};

	for (size_t i = 0; i < sizeof(categories) / sizeof(*categories); i++) {
		if (pst_unicode_has(pst_unicode_class(categories[i], 2), rune))
			return true;
	}
	return false;
}

int pst_re_read_group_name(struct pst_re_lexer *lx, size_t open)
{
	size_t name = lx->at, at = name;
	uint32_t rune = 0;
	int r;

	for (; pst_re_left(lx); at = lx->at) {
		r = pst_re_read_rune(lx, &rune);
		if (r)
			return r;
		if (rune == '>' && at > name)
			return 0;
		if (!is_name_rune(rune))
			break;
	}
	return pst_re_error(lx, open, at,
			    "expected a group name of letters, digits and '_', then '>'");
}

/*
 * [:name:], when it is next and closed anywhere later: true. Like RE2, what is not closed is read
 * as ordinary characters.
 */
static bool read_posix_class(struct pst_re_lexer *lx, struct pst_charclass *c, int *ret_err)
{
	const char *s = lx->pattern->re + lx->at, *end;
	const struct pst_named_class *named;
	size_t from = lx->at;
	bool negate;

	if (pst_re_peek(lx, 0) != '[' || pst_re_peek(lx, 1) != ':')
		return false;
	end = memmem(s + 2, pst_re_left(lx) - 2, ":]", 2);
	if (!end)
		return false;
	negate = s[2] == '^';
	s += 2 + negate;
	lx->at += (size_t)(end + 2 - (lx->pattern->re + lx->at));
	named = end > s ? pst_charclass_posix(s, (size_t)(end - s)) : NULL;
	if (named)
		*ret_err = add_named(lx, from, named, negate, c);
	else
		*ret_err =
			pst_re_error(lx, from, lx->at,
				     "expected the name of a POSIX class such as '[:alpha:]', "
				     "found '%.*s'",
				     (int)(lx->at - from > QUOTED_MAX ? QUOTED_MAX : lx->at - from),
				     lx->pattern->re + from);
	return true;
}

static int missing_bracket(const struct pst_re_lexer *lx, size_t open)
{
	return pst_re_error(lx, open, lx->pattern->len,
			    "expected ']' for this '[', found the end of the pattern");
}

static int read_class_char(struct pst_re_lexer *lx, size_t open, uint32_t *ret_rune)
{
	if (!pst_re_left(lx))
		return missing_bracket(lx, open);
	if (pst_re_peek(lx, 0) == '\\')
		return pst_re_read_escape(lx, ret_rune);
	return pst_re_read_rune(lx, ret_rune);
}

/* One character, or a range of them. */
static int read_class_range(struct pst_re_lexer *lx, size_t open, struct pst_charclass *c)
{
	struct pst_rune_range range = {0};
	size_t from = lx->at;
	int r = read_class_char(lx, open, &range.lo);

	if (r)
		return r;
	range.hi = range.lo;
	if (pst_re_peek(lx, 0) == '-' && pst_re_peek(lx, 1) >= 0 && pst_re_peek(lx, 1) != ']') {
		lx->at++;
		r = read_class_char(lx, open, &range.hi);
		if (r)
			return r;
	}
	if (range.hi < range.lo)
		return pst_re_error(lx, from, lx->at,
				    "expected a range whose end is not before its start, found "
				    "'%.*s'",
				    (int)(lx->at - from), lx->pattern->re + from);
	return pst_re_add_range(lx, from, range, c);
}

static int read_class_item(struct pst_re_lexer *lx, size_t open, struct pst_charclass *c)
{
	int r;

	if (read_posix_class(lx, c, &r) || pst_re_read_escaped_class(lx, c, &r))
		return r;
	return read_class_range(lx, open, c);
}

int pst_re_read_class(struct pst_re_lexer *lx, struct pst_charclass *c)
{
	size_t open = lx->at++;
	bool negate = pst_re_peek(lx, 0) == '^';
	bool first = true;

	if (negate)
		lx->at++;
	for (; first || pst_re_peek(lx, 0) != ']'; first = false) {
		int r;

		if (!pst_re_left(lx))
			return missing_bracket(lx, open);
		r = read_class_item(lx, open, c);
		if (r)
			return r;
	}
	lx->at++;
	return negate ? pst_charclass_negate(c) : 0;
}
