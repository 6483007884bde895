/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Pieces of memory that can be emptied while somebody holds them: each one begins at a page and has
 * its pages for itself, so the kernel can take them back and give others, of zeros, when they are
 * touched again. For what must stay where it is and is needed now and then.
 */

#include "base/vec.h"

#include <stddef.h>

enum {
	PST_PAGES_CLASSES = 4,
	PST_PAGES_LARGEST = 5 * 4096,
	PST_PAGES_KEPT = 64, /* of each class */
};

/* All zeros: nothing yet. */
struct pst_pages {
	struct pst_pages_class {
		struct PST_VEC(char *) chunks; /* of many pieces each */
		struct PST_VEC(char *) unused; /* pieces, of zeros */
		char *kept[PST_PAGES_KEPT];    /* pieces as they were given back */
		size_t n_kept;
	} classes[PST_PAGES_CLASSES];
};

/* A piece of SIZE zeros; NULL: no memory, or no piece can be so large. */
char *pst_pages_take(struct pst_pages *p, size_t size);

/*
 * Gives back AT, which was taken with SIZE. Some are kept with their memory for who takes the next
 * ones: the kernel takes long to take pages from a process of several threads.
 */
void pst_pages_give(struct pst_pages *p, char *at, size_t size);

/* Gives back the memory that is kept. */
void pst_pages_trim(struct pst_pages *p);

/* AT, of SIZE, holds zeros again, and no memory. */
void pst_pages_empty(char *at, size_t size);

/* Pieces must have been given back. */
void pst_pages_fini(struct pst_pages *p);
