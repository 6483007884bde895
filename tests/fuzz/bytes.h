/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the core finds its bytes in a fuzzer, and how they are cut. Include it in front of the
 * core's headers.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

struct pst_src {
	const uint8_t *bytes;
	uint32_t len;
};

/* Not memcpy alone: the driver must never ask for what is not there. */
static int pst_src_load(const struct pst_src *src, uint32_t off, uint8_t *buf, uint32_t n)
{
	assert(n && off <= src->len && n <= src->len - off);
	memcpy(buf, src->bytes + off, n);
	return 0;
}

/* How long the next piece is: a sequence that CUT begins. CUT 0: all at once; 1: byte by byte. */
static inline uint32_t fuzz_next_piece(uint32_t *cut, uint32_t left)
{
	uint32_t n;

	if (!*cut)
		return left;
	if (*cut == 1)
		return 1;
	*cut = *cut * 1103515245 + 12345;
	n = 1 + (*cut >> 16) % (*cut & 0x400 ? 9 : 200);
	*cut |= 2;
	return n < left ? n : left;
}
