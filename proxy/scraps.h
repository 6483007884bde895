/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Small pieces of memory that come and go with every request of HTTP/2: what one lets go of is kept
 * for the next one that asks for as much, and is then still in the processor's caches. Of one
 * thread. Tools that look for mistakes with memory get every piece anew.
 */

#include <stddef.h>

enum {
	PST_SCRAPS_UNIT = 16, /* pieces differ by so much */
	PST_SCRAPS_CLASSES = 40,
	PST_SCRAPS_LARGEST = PST_SCRAPS_UNIT * (PST_SCRAPS_CLASSES - 1), /* that is kept */
	PST_SCRAPS_MOST = 256,						 /* of each class */
};

/* Zeroed, it is empty. What it keeps lies in lists. */
struct pst_scraps {
	struct pst_scraps_class {
		void *first;
		size_t n;
	} classes[PST_SCRAPS_CLASSES];
};

/* SIZE bytes or more of any content. NULL: there is no memory. */
void *pst_scraps_take(struct pst_scraps *s, size_t size);

/* How many bytes a piece has that was taken: as long as it lives, always the same. */
size_t pst_scraps_size(void *piece);

/* PIECE is one that was taken, or NULL. */
void pst_scraps_give(struct pst_scraps *s, void *piece);

/* Gives back all that is kept. */
void pst_scraps_trim(struct pst_scraps *s);
