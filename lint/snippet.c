// SPDX-License-Identifier: Apache-2.0
#include "lint/snippet.h"

#include <locale.h>
#include <wchar.h>

#include "base/escape.h"

enum {
	TAB = 8,
	WIDTH = 100, /* of the text that is shown */
	BEFORE = 30, /* columns shown before the mark when a line is cut at the front */
	ESCAPED = 4, /* \xNN */
};

#define MARK_ON	 "\033[1;32m"
#define MARK_OFF "\033[0m"

static uint32_t decode(const unsigned char *s, size_t len)
{
	static const unsigned char first[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = s[0] & first[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

struct pst_glyph pst_snippet_glyph(const char *s, size_t left, size_t column)
{
	size_t len = pst_escape_shown_len(s, left);
	int width;

	if (*s == '\t')
		return (struct pst_glyph){1, (uint32_t)(TAB - column % TAB), false};
	if (!len)
		return (struct pst_glyph){1, ESCAPED, false};
	width = len == 1 ? 1 : wcwidth((wchar_t)decode((const unsigned char *)s, len));
	return (struct pst_glyph){(uint32_t)len, width < 0 ? 1 : (uint32_t)width, true};
}

/* Columns of the line: where the mark begins and ends, and which part is shown. */
struct layout {
	size_t mark, mark_end;
	size_t from, to;
	size_t total;
};

static struct layout lay_out(const struct pst_snippet *s)
{
	struct layout l = {0};
	size_t column = 0, begin = s->pos->col - 1, end = s->len;

	if (s->pos->end_line == s->pos->line && s->pos->end_col - 1 < end)
		end = s->pos->end_col - 1;
	for (size_t i = 0; i < s->len;) {
		struct pst_glyph g = pst_snippet_glyph(s->line + i, s->len - i, column);

		if (i <= begin)
			l.mark = column;
		column += g.width;
		i += g.bytes;
		if (i <= end)
			l.mark_end = column;
	}
	l.total = column;
	if (begin >= s->len)
		l.mark = column;
	if (l.mark_end <= l.mark)
		l.mark_end = l.mark + 1;
	if (column > WIDTH && l.mark > WIDTH - BEFORE)
		l.from = l.mark - BEFORE;
	l.to = l.from + WIDTH;
	return l;
}

static void print_text(const struct pst_snippet *s, const struct layout *l, FILE *out)
{
	size_t column = 0, at = l->from;

	for (size_t i = 0; i < s->len && column < l->to;) {
		struct pst_glyph g = pst_snippet_glyph(s->line + i, s->len - i, column);

		/* Half of a wide character at either edge is left out. */
		if (column >= l->from && column + g.width <= l->to) {
			fprintf(out, "%*s", (int)(column - at), "");
			if (s->line[i] == '\t')
				fprintf(out, "%*s", (int)g.width, "");
			else
				pst_escape_print(out, s->line + i, g.bytes);
			at = column + g.width;
		}
		column += g.width;
		i += g.bytes;
	}
}

static void print_mark(const struct pst_snippet *s, const struct layout *l, FILE *out)
{
	size_t end = l->mark_end < l->to ? l->mark_end : l->to;

	fprintf(out, "      | %s%*s%s^", l->from ? "   " : "", (int)(l->mark - l->from), "",
		s->color ? MARK_ON : "");
	for (size_t c = l->mark + 1; c < end; c++)
		fputc('~', out);
	fprintf(out, "%s\n", s->color ? MARK_OFF : "");
}

static bool is_ascii(const struct pst_snippet *s)
{
	for (size_t i = 0; i < s->len; i++) {
		if ((unsigned char)s->line[i] >= 0x80)
			return false;
	}
	return true;
}

/*
 * wcwidth() knows nothing but ASCII in the C locale; without this one all are one wide. It is read
 * from a file, which takes longer than all the rest: not for lines that do without.
 */
static locale_t open_locale(const struct pst_snippet *s)
{
	return is_ascii(s) ? (locale_t)0 : newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

void pst_snippet_print(const struct pst_snippet *s, FILE *out)
{
	locale_t utf8 = open_locale(s);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
	struct layout l = lay_out(s);

	fprintf(out, "%5u | %s", s->pos->line, l.from ? "..." : "");
	print_text(s, &l, out);
	fprintf(out, "%s\n", l.total > l.to ? "..." : "");
	print_mark(s, &l, out);
	if (utf8) {
		uselocale(before);
		freelocale(utf8);
	}
}
