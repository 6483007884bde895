// SPDX-License-Identifier: Apache-2.0
#include "proxy/scraps.h"

#include "base/mem.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

/* Of gcc, and of clang. */
#if defined(__has_feature)
#define IS_CHECKED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define IS_CHECKED true
#else
#define IS_CHECKED false
#endif

/* The heap gives 8 bytes more than a multiple of 16: no piece wastes them. */
enum { ODD = 8 };

/* In a class are pieces of at least so many bytes. */
static size_t size_of(size_t class)
{
	return class * PST_SCRAPS_UNIT + ODD;
}

void *pst_scraps_take(struct pst_scraps *s, size_t size)
{
	/* The least class whose pieces are large enough. */
	size_t class = size > PST_SCRAPS_UNIT + ODD ? (size - ODD - 1) / PST_SCRAPS_UNIT + 1 : 1;
	struct pst_scraps_class *c;
	void *piece;

	if (class >= PST_SCRAPS_CLASSES)
		return pst_mem_alloc(size);
	c = &s->classes[class];
	piece = c->first;
	if (!piece)
		return pst_mem_alloc(size_of(class));
	c->first = *(void **)piece;
	c->n--;
	return piece;
}

size_t pst_scraps_size(void *piece)
{
	return malloc_usable_size(piece);
}

void pst_scraps_give(struct pst_scraps *s, void *piece)
{
	size_t size = piece ? pst_scraps_size(piece) : 0;
	/* The largest class whose pieces are not larger. */
	size_t class = size >= ODD ? (size - ODD) / PST_SCRAPS_UNIT : PST_SCRAPS_CLASSES;

	if (IS_CHECKED || class >= PST_SCRAPS_CLASSES || s->classes[class].n >= PST_SCRAPS_MOST) {
		free(piece);
		return;
	}
	*(void **)piece = s->classes[class].first;
	s->classes[class].first = piece;
	s->classes[class].n++;
}

void pst_scraps_trim(struct pst_scraps *s)
{
	for (size_t i = 0; i < PST_SCRAPS_CLASSES; i++) {
		struct pst_scraps_class *c = &s->classes[i];

		while (c->first) {
			void *next = *(void **)c->first;

			free(c->first);
			c->first = next;
		}
		c->n = 0;
	}
}
