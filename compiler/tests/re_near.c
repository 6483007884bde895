// SPDX-License-Identifier: Apache-2.0
#include "compiler/tests/re_near.h"

#include <string.h>

enum { NEAR_MAX = 40 };

static const char letters[] = "aAbkK_/\n 7.\x80\xc3\xff";

/* The class of a byte of A that leads from STATE to one from which a text can match, if any. */
static bool pick_step(struct re_random *r, const struct re_near *near, uint32_t state,
		      uint32_t *ret_class)
{
	const struct pst_automaton *a = near->a;
	uint32_t first = re_random_below(r, a->n_classes);

	for (uint32_t i = 0; i < a->n_classes; i++) {
		uint32_t c = (first + i) % a->n_classes;

		if (near->distance[a->next[(size_t)state * a->n_classes + c]] == UINT32_MAX)
			continue;
		*ret_class = c;
		return true;
	}
	return false;
}

/* A step that comes nearer to a match. STATE does not accept and is not too far from one. */
static uint32_t nearer(const struct re_near *near, uint32_t state)
{
	const struct pst_automaton *a = near->a;
	uint32_t best = 0;

	for (uint32_t c = 1; c < a->n_classes; c++) {
		if (near->distance[a->next[(size_t)state * a->n_classes + c]] <
		    near->distance[a->next[(size_t)state * a->n_classes + best]])
			best = c;
	}
	return best;
}

static char byte_of(struct re_random *r, const struct pst_automaton *a, uint32_t class)
{
	uint32_t b = re_random_below(r, 256);

	/* Of a large class rather what can be read. */
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t ascii = 32 + (b + i) % 95;

		if (a->class_of[ascii] == class)
			return (char)ascii;
	}
	while (a->class_of[b % 256] != class)
		b++;
	return (char)(b % 256);
}

static void measure(struct re_near *near)
{
	const struct pst_automaton *a = near->a;
	bool changed = true;

	for (uint32_t s = 0; s < a->n_states; s++)
		near->distance[s] = a->tags[s] ? 0 : UINT32_MAX;
	while (changed) {
		changed = false;
		for (uint32_t s = 0; s < a->n_states; s++) {
			for (uint32_t c = 0; c < a->n_classes; c++) {
				uint32_t d = near->distance[a->next[(size_t)s * a->n_classes + c]];

				if (d == UINT32_MAX || d + 1 >= near->distance[s])
					continue;
				near->distance[s] = d + 1;
				changed = true;
			}
		}
	}
}

bool re_near_init(struct re_near *near, const struct pst_automaton *a)
{
	if (a->n_states > RE_NEAR_STATES)
		return false;
	near->a = a;
	measure(near);
	return near->distance[a->start] != UINT32_MAX;
}

/* Changes, drops, repeats or adds one byte. */
static size_t spoil(struct re_random *r, char *buf, size_t n)
{
	size_t at = n ? re_random_below(r, (uint32_t)n) : 0;

	switch (n ? re_random_below(r, 4) : 3) {
	case 0:
		buf[at] ^= (char)(1 << re_random_below(r, 8));
		return n;
	case 1:
		memmove(buf + at, buf + at + 1, n - at - 1);
		return n - 1;
	case 2:
		memmove(buf + at + 1, buf + at, n - at);
		return n + 1;
	default:
		buf[n] = letters[re_random_below(r, sizeof(letters) - 1)];
		return n + 1;
	}
}

size_t re_near_text(struct re_random *r, const struct re_near *near, char buf[RE_NEAR_TEXT])
{
	const struct pst_automaton *a = near->a;
	uint32_t state = a->start, class, wander = re_random_below(r, 12);
	size_t n = 0;

	while (n < wander && pick_step(r, near, state, &class)) {
		buf[n++] = byte_of(r, a, class);
		state = a->next[(size_t)state * a->n_classes + class];
	}
	while (near->distance[state] && n < NEAR_MAX) {
		class = nearer(near, state);
		buf[n++] = byte_of(r, a, class);
		state = a->next[(size_t)state * a->n_classes + class];
	}
	return re_random_below(r, 2) ? n : spoil(r, buf, n);
}
