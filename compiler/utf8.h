/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Ranges of code points as sequences of byte ranges.
 *
 * A range is cut until each piece is a product: every first byte of it goes with every second
 * byte, and so on. U+00E0..U+07FF becomes [C3][A0-BF] and [C4-DF][80-BF]. The pieces come in
 * ascending order. What reaches from U+0080 to the last code point becomes RE2's short form
 * (compiler/nfa.h says why).
 */

#include <stdbool.h>
#include <stdint.h>

struct pst_utf8_seq {
	unsigned int len; /* 1 .. 4 */
	uint8_t lo[4], hi[4];
};

/* The pieces still to come, on a stack: each cut leaves at most one behind. */
struct pst_utf8_iter {
	unsigned int depth;
	struct {
		uint32_t lo, hi;
	} rest[16];
	unsigned int short_form; /* next row of the short form, 0: not in it */
};

void pst_utf8_iter_init(struct pst_utf8_iter *iter, uint32_t lo, uint32_t hi);

/* The next sequence; false when there is none. */
bool pst_utf8_iter_next(struct pst_utf8_iter *iter, struct pst_utf8_seq *ret_seq);
