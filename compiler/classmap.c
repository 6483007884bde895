// SPDX-License-Identifier: Apache-2.0
#include "compiler/classmap.h"

#include "base/mem.h"
#include "bpf/abi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 256 };

void pst_classmap_own(const struct pst_automaton *a, uint8_t map[256])
{
	for (int b = 0; b < BYTES; b++)
		map[b] = (uint8_t)(PST_COLUMN_CLASS + a->class_of[b]);
}

/* Ranges of bytes that the usual map does not tell apart; what is in none is told apart. */
static const struct {
	uint8_t first, last;
} alike[] = {
	{0x00, 0x1f}, {0x80, 0xbf}, {0xc0, 0xc1}, {0xc2, 0xdf},
	{0xe0, 0xef}, {0xf0, 0xf4}, {0xf5, 0xff},
};

void pst_classmap_usual(uint8_t map[256])
{
	uint8_t column = PST_COLUMN_CLASS;
	size_t range = 0;

	for (int b = 0; b < BYTES; b++) {
		bool inside = range < sizeof(alike) / sizeof(*alike) && b >= alike[range].first;

		map[b] = column;
		if (!inside || b == alike[range].last)
			column++;
		range += inside && b == alike[range].last;
	}
}

bool pst_classmap_is_finer(const uint8_t map[256], const struct pst_automaton *a)
{
	int class_of[BYTES];

	memset(class_of, 0xff, sizeof(class_of));
	for (int b = 0; b < BYTES; b++) {
		if (class_of[map[b]] >= 0 && class_of[map[b]] != a->class_of[b])
			return false;
		class_of[map[b]] = a->class_of[b];
	}
	return true;
}

static void fill(const struct pst_automaton *a, const uint8_t map[256], struct pst_automaton *out)
{
	uint8_t old[BYTES] = {0};

	for (int b = 0; b < BYTES; b++) {
		out->class_of[b] = (uint8_t)(map[b] - PST_COLUMN_CLASS);
		old[out->class_of[b]] = a->class_of[b];
	}
	for (size_t s = 0, i = 0; s < a->n_states; s++) {
		for (size_t c = 0; c < out->n_classes; c++)
			out->next[i++] = a->next[s * a->n_classes + old[c]];
	}
	memcpy(out->tags, a->tags, a->n_states * sizeof(*a->tags));
}

int pst_classmap_widen(const struct pst_automaton *a, const uint8_t map[256],
		       struct pst_automaton **ret_automaton)
{
	struct pst_automaton *out = pst_mem_calloc(1, sizeof(*out));

	if (!out)
		return -ENOMEM;
	out->n_states = a->n_states;
	out->start = a->start;
	for (int b = 0; b < BYTES; b++) {
		uint32_t n = map[b] - PST_COLUMN_CLASS + 1u;

		out->n_classes = n > out->n_classes ? n : out->n_classes;
	}
	out->next = pst_mem_calloc((size_t)a->n_states * out->n_classes, sizeof(*out->next));
	out->tags = pst_mem_calloc(a->n_states, sizeof(*out->tags));
	if (!out->next || !out->tags) {
		pst_automaton_free(&out);
		return -ENOMEM;
	}
	fill(a, map, out);
	*ret_automaton = out;
	return 0;
}
