// SPDX-License-Identifier: Apache-2.0
#include "compiler/regex_lex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"

/* Does a byte of the pattern stand for one of the source? Not behind an alias, with escapes,
 * folded. */
static bool is_verbatim(const struct pst_pattern *pattern)
{
	const struct pst_pos *pos = &pattern->pos;

	return pos->line && pos->end_line == pos->line && pos->end_col >= pos->col &&
	       pos->end_col - pos->col == pattern->len;
}

struct pst_pos pst_re_pos(const struct pst_pattern *pattern, size_t from, size_t to)
{
	struct pst_pos pos = pattern->pos;

	if (!is_verbatim(pattern))
		return pos;
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
	uint32_t rune = 0;
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
