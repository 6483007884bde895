// SPDX-License-Identifier: Apache-2.0
#include "compiler/utf8.h"

#include "compiler/charclass.h"

enum { FORMS = 4 };

/* Per length: the last code point, the first byte without its payload, and RE2's short form of all
 * first bytes. */
static const struct form {
	uint32_t last;
	uint8_t lead;
	uint8_t short_lo, short_hi;
} forms[FORMS] = {
	{0x7f, 0x00, 0x00, 0x7f},
	{0x7ff, 0xc0, 0xc2, 0xdf},
	{0xffff, 0xe0, 0xe0, 0xef},
	{PST_RUNE_MAX, 0xf0, 0xf0, 0xf4},
};

void pst_utf8_iter_init(struct pst_utf8_iter *iter, uint32_t lo, uint32_t hi)
{
	*iter = (struct pst_utf8_iter){.depth = 1};
	iter->rest[0].lo = lo;
	iter->rest[0].hi = hi;
}

static unsigned int length_of(uint32_t rune)
{
	unsigned int i = 0;

	while (rune > forms[i].last)
		i++;
	return i + 1;
}

static void encode(uint32_t rune, unsigned int len, uint8_t *ret_bytes)
{
	for (unsigned int i = len; i-- > 1; rune >>= 6)
		ret_bytes[i] = (uint8_t)(0x80 | (rune & 0x3f));
	ret_bytes[0] = (uint8_t)(forms[len - 1].lead | rune);
}

/* The last code point of the piece that begins at LO and ends at HI or before. */
static uint32_t cut(uint32_t lo, uint32_t hi)
{
	unsigned int len = length_of(lo);

	if (hi > forms[len - 1].last)
		return forms[len - 1].last;
	for (unsigned int i = 1; i < len; i++) {
		uint32_t low_bits = (UINT32_C(1) << (6 * i)) - 1;

		if ((lo & ~low_bits) == (hi & ~low_bits))
			continue;
		if (lo & low_bits)
			return lo | low_bits;
		if ((hi & low_bits) != low_bits)
			return (hi & ~low_bits) - 1;
	}
	return hi;
}

static void short_form_next(struct pst_utf8_iter *iter, struct pst_utf8_seq *ret_seq)
{
	unsigned int row = iter->short_form++;

	*ret_seq = (struct pst_utf8_seq){.len = row + 1};
	ret_seq->lo[0] = forms[row].short_lo;
	ret_seq->hi[0] = forms[row].short_hi;
	for (unsigned int i = 1; i <= row; i++) {
		ret_seq->lo[i] = 0x80;
		ret_seq->hi[i] = 0xbf;
	}
	if (iter->short_form == FORMS)
		iter->short_form = 0;
}

bool pst_utf8_iter_next(struct pst_utf8_iter *iter, struct pst_utf8_seq *ret_seq)
{
	uint32_t lo, hi, end;

	if (iter->short_form) {
		short_form_next(iter, ret_seq);
		return true;
	}
	if (!iter->depth)
		return false;
	lo = iter->rest[iter->depth - 1].lo;
	hi = iter->rest[--iter->depth].hi;
	if (lo == 0x80 && hi == PST_RUNE_MAX) {
		iter->short_form = 1;
		short_form_next(iter, ret_seq);
		return true;
	}
	while ((end = cut(lo, hi)) != hi) {
		iter->rest[iter->depth].lo = end + 1;
		iter->rest[iter->depth++].hi = hi;
		hi = end;
	}
	ret_seq->len = length_of(lo);
	encode(lo, ret_seq->len, ret_seq->lo);
	encode(hi, ret_seq->len, ret_seq->hi);
	return true;
}
