// SPDX-License-Identifier: Apache-2.0
#include "base/escape.h"

#include <stdint.h>

static size_t sequence_len(const unsigned char *s, size_t left)
{
	static const struct {
		unsigned char mask, lead;
		size_t len;
		uint32_t min;
	} forms[] = {
		{0x80, 0x00, 1, 0},
		{0xe0, 0xc0, 2, 0x80},
		{0xf0, 0xe0, 3, 0x800},
		{0xf8, 0xf0, 4, 0x10000},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		uint32_t cp;

		if ((s[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (left < forms[i].len)
			return 0;
		cp = s[0] & (unsigned char)~forms[i].mask;
		for (size_t k = 1; k < forms[i].len; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
			cp = cp << 6 | (s[k] & 0x3f);
		}
		if (cp < forms[i].min || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
			return 0;
		return forms[i].len;
	}
	return 0;
}

size_t pst_escape_utf8_len(const char *s, size_t left)
{
	return sequence_len((const unsigned char *)s, left);
}

size_t pst_escape_shown_len(const char *s, size_t left)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t len = sequence_len(u, left);

	if (u[0] < 0x20 || u[0] == 0x7f)
		return 0;
	if (len == 2 && u[0] == 0xc2 && u[1] < 0xa0)
		return 0; /* U+0080 to U+009F */
	return len;
}

void pst_escape_print(FILE *out, const char *s, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n ? n : 1) {
		n = pst_escape_shown_len(s + i, len - i);
		if (n)
			fwrite(s + i, 1, n, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)s[i]);
	}
}
