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

int pst_numbering_init(struct pst_numbering *numbers, uint32_t first, size_t n)
{
	const uint32_t range = n <= FEW ? SMALL : LARGE;

	*numbers = (struct pst_numbering){.first = first, .size = range - (first & (SMALL - 1))};
	if (n > numbers->size)
		return -ENOMEM;
	numbers->taken = pst_mem_calloc(range / 64, sizeof(*numbers->taken));
	return numbers->taken ? 0 : -ENOMEM;
}

void pst_numbering_fini(struct pst_numbering *numbers)
{
	free(numbers->taken);
	numbers->taken = NULL;
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

uint32_t pst_numbering_take(struct pst_numbering *numbers, const struct pst_labels *labels)
{
	uint32_t at = (uint32_t)(hash_labels(labels) * numbers->size >> 32);

	while (numbers->taken[at / 64] >> at % 64 & 1)
		at = at + 1 < numbers->size ? at + 1 : 0;
	numbers->taken[at / 64] |= UINT64_C(1) << at % 64;
	return numbers->first + at;
}
