/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Where something may end, eight bytes at once: the high bit of each such byte of a word whose
 * first byte is lowest.
 */

#include "bpf/compat.h"

/* The bytes of WORD that are zero: the high bit of each. Behind the first there may be more. */
PST_INLINE __u64 pst_http_zeroes(__u64 word)
{
	return (word - 0x0101010101010101) & ~word & 0x8080808080808080;
}

/*
 * What may end a field value: the high bit of each byte of WORD below 0x20, and of 0x7f. Behind the
 * first of them there may be more (a borrow). A tab is one without need.
 */
PST_INLINE __u64 pst_http_value_stops(__u64 word)
{
	const __u64 ones = 0x0101010101010101, high = 0x8080808080808080;

	return ((word - ones * 0x20) & ~word & high) | pst_http_zeroes(word ^ (ones * 0x7f));
}

/*
 * The same of a field name or a host, exactly: of each byte that is no letter, digit, minus or dot.
 * Letters are folded to small ones; from minus to 9 there is only the slash between.
 */
PST_INLINE __u64 pst_http_word_stops(__u64 word)
{
	const __u64 ones = 0x0101010101010101, high = 0x8080808080808080, low = ~high;
	__u64 folded = (word | ones * 0x20) & low, plain = word & low;
	__u64 letter = (folded + ones * (0x80 - 'a')) & ~(folded + ones * (0x7f - 'z'));
	__u64 digit = (plain + ones * (0x80 - '-')) & ~(plain + ones * (0x7f - '9'));
	__u64 no_slash = (plain ^ (ones * '/')) + low;

	return (~(letter | (digit & no_slash)) | word) & high;
}

/*
 * The same of a target behind a segment's first byte: of what is below '&', of / ? \ and 0x7f, and
 * of what is no ASCII. Behind the first of them there may be more.
 */
PST_INLINE __u64 pst_http_target_stops(__u64 word)
{
	const __u64 ones = 0x0101010101010101, high = 0x8080808080808080;
	__u64 slash = (word | ones * 0x10) ^ (ones * '?');

	return ((((word - ones * '&') & ~word) | word) & high) | pst_http_zeroes(slash) |
	       pst_http_zeroes(word ^ (ones * '\\')) | pst_http_zeroes(word ^ (ones * 0x7f));
}

/*
 * The number of the first byte in STOPS, which is not 0. BPF does not count zeroes; a
 * multiplication makes the lowest bit its byte's number.
 */
PST_INLINE __u32 pst_http_first_stop(__u64 stops)
{
	return (__u32)(((stops & -stops) >> 7) * 0x0001020304050607 >> 56) & 7;
}
