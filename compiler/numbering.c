// SPDX-License-Identifier: Apache-2.0
#include "compiler/numbering.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>

enum {
	FEW = 1 << 15, /* so many leave half of the small range free */
	SMALL = 1 << 16,
	LARGE = 1 << 24,
};

static void take(struct pst_numbering *numbers, uint32_t at)
{
	numbers->taken[at / 64] |= UINT64_C(1) << at % 64;
	if (!~numbers->taken[at / 64])
		numbers->full[at / 64 / 64] |= UINT64_C(1) << at / 64 % 64;
}

int pst_numbering_init(struct pst_numbering *numbers, uint32_t first, size_t n)
{
	const uint32_t range = n <= FEW ? SMALL : LARGE;

	*numbers = (struct pst_numbering){
		.first = first, .size = range - (first & (SMALL - 1)), .n_words = range / 64};
	if (n > numbers->size)
		return -ENOMEM;
	numbers->taken = pst_mem_calloc(numbers->n_words, sizeof(*numbers->taken));
	numbers->full = pst_mem_calloc(numbers->n_words / 64, sizeof(*numbers->full));
	if (!numbers->taken || !numbers->full) {
		pst_numbering_fini(numbers);
		return -ENOMEM;
	}
	for (uint32_t at = numbers->size; at < range; at++)
		take(numbers, at);
	return 0;
}

void pst_numbering_fini(struct pst_numbering *numbers)
{
	free(numbers->taken);
	free(numbers->full);
	numbers->taken = numbers->full = NULL;
}

/* FNV-1a; the end of a text counts as well. */
static uint64_t hash_text(uint64_t h, const char *text)
{
	do {
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	} while (*text++);
	return h;
}

static uint64_t hash_labels(const struct pst_labels *labels)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < labels->n; i++) {
		h = hash_text(h, labels->v[i].source);
		h = hash_text(h, labels->v[i].key);
		h = hash_text(h, labels->v[i].value);
	}
	/* Its low bits are the better ones; the number is made of the high ones. */
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h >> 32;
}

/* The first clear bit of the N words of MAP from AT on, or N * 64. LOOKED counts words. */
static uint32_t find_clear(const uint64_t *map, uint32_t n, uint32_t at, uint64_t *looked)
{
	for (; at / 64 < n; at = (at / 64 + 1) * 64) {
		const uint64_t clear = ~map[at / 64] & UINT64_MAX << at % 64;

		(*looked)++;
		if (clear)
			return at / 64 * 64 + (uint32_t)__builtin_ctzll(clear);
	}
	return n * 64;
}

/* Somebody may have chosen labels that all want one number: full words are passed over by 64. */
static uint32_t find_free(struct pst_numbering *numbers, uint32_t at)
{
	uint64_t *looked = &numbers->looked;
	const uint32_t here = find_clear(numbers->taken, at / 64 + 1, at, looked);
	uint32_t word;

	if (here < (at / 64 + 1) * 64)
		return here;
	word = find_clear(numbers->full, numbers->n_words / 64, at / 64 + 1, looked);
	if (word == numbers->n_words)
		word = find_clear(numbers->full, numbers->n_words / 64, 0, looked);
	return find_clear(numbers->taken, word + 1, word * 64, looked);
}

uint32_t pst_numbering_take(struct pst_numbering *numbers, const struct pst_labels *labels)
{
	const uint32_t wanted = (uint32_t)(hash_labels(labels) * numbers->size >> 32);
	const uint32_t at = find_free(numbers, wanted);

	take(numbers, at);
	return numbers->first + at;
}
