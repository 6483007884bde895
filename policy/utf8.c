// SPDX-License-Identifier: Apache-2.0
#include "policy/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The lead bytes of longer characters; what would be spelt longer than needed begins below FIRST.
 */
static const struct {
	unsigned char mask, lead;
	unsigned int n_more;
	uint32_t first;
} forms[] = {
	{0xe0, 0xc0, 1, 0x80},
	{0xf0, 0xe0, 2, 0x800},
	{0xf8, 0xf0, 3, 0x10000},
};

/* The length of the character at P, of which LEFT bytes are there; 0 when it is none. */
static size_t decode(const unsigned char *p, size_t left, uint32_t *ret_char)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		uint32_t c = p[0] & (unsigned char)~forms[i].mask;

		if ((p[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (left <= forms[i].n_more)
			return 0;
		for (size_t k = 1; k <= forms[i].n_more; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
			c = c << 6 | (p[k] & 0x3f);
		}
		if (c < forms[i].first || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return 0;
		*ret_char = c;
		return forms[i].n_more + 1;
	}
	return 0;
}

static bool is_plain(unsigned char c)
{
	return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t' || c == '\r';
}

static bool is_allowed(uint32_t c)
{
	return c == 0x85 || (c >= 0xa0 && c != 0xfffe && c != 0xffff);
}

size_t pst_utf8_find_fault(const char *text, size_t len, size_t from,
			   enum pst_utf8_fault *ret_fault)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t i = from;

	while (i < len) {
		uint32_t c;
		size_t n;

		if (is_plain(p[i])) {
			i++;
			continue;
		}
		if (p[i] < 0x80) {
			*ret_fault = p[i] ? PST_UTF8_CONTROL : PST_UTF8_NUL;
			return i;
		}
		n = decode(p + i, len - i, &c);
		if (!n || !is_allowed(c)) {
			*ret_fault = n ? PST_UTF8_CONTROL : PST_UTF8_INVALID;
			return i;
		}
		i += n;
	}
	*ret_fault = PST_UTF8_NONE;
	return len;
}
