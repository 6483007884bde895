// SPDX-License-Identifier: Apache-2.0
#include "proxy/squeeze.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"

/*
 * In each byte the lower half counts bytes of the word that follows, from its lowest one; the upper
 * half counts words of zeros behind it.
 */
enum { WORD = 8, MOST_ZEROS = 15 };

static uint64_t word_at(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static unsigned int bytes_of(uint64_t word)
{
	unsigned int n = 0;

	for (; word; word >>= 8)
		n++;
	return n;
}

/* Writes to OUT, unless it is NULL. Returns how many bytes it takes. */
static size_t write_words(const char *at, size_t size, uint8_t *out)
{
	size_t n = 0;

	for (size_t i = 0; i < size;) {
		uint64_t word = word_at(at + i);
		unsigned int bytes = bytes_of(word), zeros = 0;

		for (i += WORD; i < size && zeros < MOST_ZEROS && !word_at(at + i); i += WORD)
			zeros++;
		if (out)
			out[n] = (uint8_t)(zeros << 4 | bytes);
		n++;
		for (unsigned int b = 0; b < bytes; b++, n++) {
			if (out)
				out[n] = (uint8_t)(word >> (8 * b));
		}
	}
	return n;
}

static int is_zero(const char *at, size_t size)
{
	return !size || (!*at && !memcmp(at, at + 1, size - 1));
}

int pst_squeeze(const char *at, size_t size, void **ret, size_t *ret_size)
{
	size_t n = is_zero(at, size) ? 0 : write_words(at, size, NULL);
	uint8_t *out = n ? pst_mem_calloc(1, n) : NULL;

	if (n && !out)
		return -ENOMEM;
	if (n)
		write_words(at, size, out);
	*ret = out;
	*ret_size = n;
	return 0;
}

void pst_unsqueeze(const void *kept, char *at, size_t size)
{
	const uint8_t *in = kept;

	for (size_t i = 0; in && i < size;) {
		unsigned int bytes = *in & 15U, zeros = *in >> 4;
		uint64_t word = 0;

		in++;
		for (unsigned int b = 0; b < bytes; b++)
			word |= (uint64_t)*in++ << (8 * b);
		memcpy(at + i, &word, sizeof(word));
		i += WORD * (1 + (size_t)zeros);
	}
}
