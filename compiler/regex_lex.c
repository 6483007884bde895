// SPDX-License-Identifier: Apache-2.0
#include "compiler/regex_lex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

struct pst_pos pst_re_pos(const struct pst_pattern *pattern, size_t from, size_t to)
{
	struct pst_pos pos = pattern->pos;

	if (!pos.line)
		return pos;
	pos.end_line = pos.line;
	pos.end_col = pos.col + (uint32_t)to;
	pos.col += (uint32_t)from;
	return pos;
}

static void report(const struct pst_re_lexer *lx, const char *id, struct pst_pos pos,
		   const char *fmt, va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	pst_diags_error(lx->diags, id, &pos, "%s", text);
}

int pst_re_error(const struct pst_re_lexer *lx, size_t from, size_t to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(lx, "regex-syntax", pst_re_pos(lx->pattern, from, to), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int pst_re_error_budget(const struct pst_re_lexer *lx, size_t from, size_t to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(lx, "regex-budget", pst_re_pos(lx->pattern, from, to), fmt, ap);
	va_end(ap);
	return -E2BIG;
}

/* One row per length of a UTF-8 sequence: what its first byte looks like, and the least it may
 * encode. */
static const struct utf8_form {
	unsigned char mask, lead;
	uint32_t least;
} utf8_forms[] = {
	{0x80, 0x00, 0},
	{0xe0, 0xc0, 0x80},
	{0xf0, 0xe0, 0x800},
	{0xf8, 0xf0, 0x10000},
};

static bool decode(const unsigned char *s, size_t left, size_t len, const struct utf8_form *form,
		   uint32_t *ret_rune)
{
	uint32_t rune = s[0] & (unsigned char)~form->mask;

	if (left < len)
		return false;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return false;
		rune = rune << 6 | (s[i] & 0x3f);
	}
	if (rune < form->least || rune > PST_RUNE_MAX)
		return false;
	*ret_rune = rune;
	return true;
}

int pst_re_read_rune(struct pst_re_lexer *lx, uint32_t *ret_rune)
{
	const unsigned char *s = (const unsigned char *)lx->pattern->re + lx->at;

	for (size_t i = 0; i < sizeof(utf8_forms) / sizeof(*utf8_forms); i++) {
		if ((s[0] & utf8_forms[i].mask) != utf8_forms[i].lead)
			continue;
		if (!decode(s, pst_re_left(lx), i + 1, &utf8_forms[i], ret_rune))
			break;
		lx->at += i + 1;
		return 0;
	}
	return pst_re_error(lx, lx->at, lx->at + 1,
			    "expected UTF-8, found byte 0x%02x, which does not begin a valid "
			    "sequence here",
			    s[0]);
}

static int hex_value(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* \x{...}, behind the brace. */
static int read_hex_braced(struct pst_re_lexer *lx, size_t from, uint32_t *ret_rune)
{
	size_t first = lx->at;
	uint32_t rune = 0;
	int digit;

	while ((digit = hex_value(pst_re_peek(lx, 0))) >= 0) {
		rune = rune * 16 + (uint32_t)digit;
		lx->at++;
		if (rune > PST_RUNE_MAX)
			return pst_re_error(lx, from, lx->at,
					    "expected a code point of at most 10FFFF, found a "
					    "larger number");
	}
	if (lx->at == first || pst_re_peek(lx, 0) != '}')
		return pst_re_error(lx, from, lx->at,
				    "expected hexadecimal digits and '}' behind '\\x{'");
	lx->at++;
	*ret_rune = rune;
	return 0;
}

/* Behind \x. */
static int read_hex(struct pst_re_lexer *lx, size_t from, uint32_t *ret_rune)
{
	int high = hex_value(pst_re_peek(lx, 0)), low = hex_value(pst_re_peek(lx, 1));

	if (pst_re_peek(lx, 0) == '{') {
		lx->at++;
		return read_hex_braced(lx, from, ret_rune);
	}
	if (high < 0 || low < 0)
		return pst_re_error(lx, from, lx->at,
				    "expected two hexadecimal digits or '{' behind '\\x'");
	lx->at += 2;
	*ret_rune = (uint32_t)(high * 16 + low);
	return 0;
}

static bool is_octal(int c)
{
	return c >= '0' && c <= '7';
}

/* \0, \12, \123; the first digit is next. A single digit other than 0 would be a back-reference. */
static int read_octal(struct pst_re_lexer *lx, size_t from, uint32_t *ret_rune)
{
	uint32_t rune = 0;

	if (pst_re_peek(lx, 0) != '0' &&
	    !(is_octal(pst_re_peek(lx, 0)) && is_octal(pst_re_peek(lx, 1))))
		return pst_re_error(lx, from, lx->at + 1,
				    "back-references are not regular: RE2 has none, found '\\%c'",
				    pst_re_peek(lx, 0));
	for (int i = 0; i < 3 && is_octal(pst_re_peek(lx, 0)); i++)
		rune = rune * 8 + (uint32_t)(lx->pattern->re[lx->at++] - '0');
	*ret_rune = rune;
	return 0;
}

/* Letters with a meaning of their own; 0 elsewhere. */
static const unsigned char letter_escapes[128] = {
	['a'] = '\a', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t', ['v'] = '\v',
};

static bool is_alnum(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

int pst_re_read_escape(struct pst_re_lexer *lx, uint32_t *ret_rune)
{
	size_t from = lx->at++;
	int c = pst_re_peek(lx, 0);
	uint32_t rune;
	int r;

	if (c < 0)
		return pst_re_error(lx, from, lx->at,
				    "expected a character behind '\\', found the end of the "
				    "pattern");
	if (c >= '0' && c <= '9')
		return read_octal(lx, from, ret_rune);
	r = pst_re_read_rune(lx, &rune);
	if (r)
		return r;
	if (rune == 'x')
		return read_hex(lx, from, ret_rune);
	if (rune < 128 && letter_escapes[rune])
		rune = letter_escapes[rune];
	else if (rune >= 128 || is_alnum(rune))
		return pst_re_error(lx, from, lx->at,
				    "expected an escape that RE2 knows here, found '%.*s'",
				    (int)(lx->at - from), lx->pattern->re + from);
	*ret_rune = rune;
	return 0;
}

bool pst_re_read_perl_class(struct pst_re_lexer *lx, struct pst_charclass *c, int *ret_err)
{
	int letter = pst_re_peek(lx, 1);
	const struct pst_named_class *named;
	bool negate;

	if (pst_re_peek(lx, 0) != '\\' || letter < 0)
		return false;
	negate = letter >= 'A' && letter <= 'Z';
	named = pst_charclass_perl((char)(negate ? letter - 'A' + 'a' : letter));
	if (!named)
		return false;
	lx->at += 2;
	*ret_err = pst_charclass_add_named(c, named, negate, lx->flags & PST_RE_FOLD);
	return true;
}

int pst_re_refuse_unicode_class(struct pst_re_lexer *lx)
{
	return pst_re_error(lx, lx->at, lx->at + 2,
			    "Unicode classes ('\\%c') are not supported yet: write the ranges",
			    pst_re_peek(lx, 1));
}

int pst_re_add_range(struct pst_re_lexer *lx, size_t from, struct pst_rune_range range,
		     struct pst_charclass *c)
{
	if (!(lx->flags & PST_RE_FOLD))
		return pst_charclass_add(c, range.lo, range.hi);
	if (range.hi > 0x7f)
		return pst_re_error(lx, from, lx->at,
				    "case folding beyond ASCII is not supported yet: found a "
				    "character over 0x7f under (?i)");
	return pst_charclass_add_folded(c, range.lo, range.hi);
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
		*ret_err = pst_charclass_add_named(c, named, negate, lx->flags & PST_RE_FOLD);
	else
		*ret_err = pst_re_error(lx, from, lx->at,
					"expected the name of a POSIX class such as '[:alpha:]', "
					"found '%.*s'",
					(int)(lx->at - from > 40 ? 40 : lx->at - from),
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

	if (read_posix_class(lx, c, &r) || pst_re_read_perl_class(lx, c, &r))
		return r;
	if (pst_re_peek(lx, 0) == '\\' && (pst_re_peek(lx, 1) == 'p' || pst_re_peek(lx, 1) == 'P'))
		return pst_re_refuse_unicode_class(lx);
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
