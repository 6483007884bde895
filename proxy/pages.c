// SPDX-License-Identifier: Apache-2.0
#include "proxy/pages.h"

#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, PIECES = 128 }; /* of a chunk */

static const size_t sizes[PST_PAGES_CLASSES] = {PAGE, 2 * PAGE, 3 * PAGE, PST_PAGES_LARGEST};

/* Of a size that is not too large. */
static int class_of(size_t size)
{
	int i = 0;

	while (i < PST_PAGES_CLASSES - 1 && size > sizes[i])
		i++;
	return i;
}

/* Room for all pieces is in the list from the beginning, so that to give one back never fails. */
static bool add_chunk(struct pst_pages_class *c, size_t size)
{
	char *at;

	if (pst_vec_reserve(&c->chunks, c->chunks.n + 1) ||
	    pst_vec_reserve(&c->unused, (c->chunks.n + 1) * PIECES))
		return false;
	at = mmap(NULL, PIECES * size, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return false;
	/* A huge page would come back as a whole with the first byte that is touched. */
	madvise(at, PIECES * size, MADV_NOHUGEPAGE);
	c->chunks.v[c->chunks.n++] = at;
	for (size_t i = PIECES; i-- > 0;)
		c->unused.v[c->unused.n++] = at + i * size;
	return true;
}

char *pst_pages_take(struct pst_pages *p, size_t size)
{
	int i = class_of(size);
	struct pst_pages_class *c = &p->classes[i];

	if (size > PST_PAGES_LARGEST)
		return NULL;
	if (c->n_kept)
		return memset(c->kept[--c->n_kept], 0, sizes[i]);
	if (!c->unused.n && !add_chunk(c, sizes[i]))
		return NULL;
	return c->unused.v[--c->unused.n];
}

void pst_pages_give(struct pst_pages *p, char *at, size_t size)
{
	struct pst_pages_class *c = &p->classes[class_of(size)];

	if (c->n_kept < PST_PAGES_KEPT) {
		c->kept[c->n_kept++] = at;
		return;
	}
	pst_pages_empty(at, size);
	c->unused.v[c->unused.n++] = at;
}

void pst_pages_trim(struct pst_pages *p)
{
	for (int i = 0; i < PST_PAGES_CLASSES; i++) {
		struct pst_pages_class *c = &p->classes[i];

		while (c->n_kept) {
			char *at = c->kept[--c->n_kept];

			pst_pages_empty(at, sizes[i]);
			c->unused.v[c->unused.n++] = at;
		}
	}
}

void pst_pages_empty(char *at, size_t size)
{
	madvise(at, sizes[class_of(size)], MADV_DONTNEED);
}

void pst_pages_fini(struct pst_pages *p)
{
	for (int i = 0; i < PST_PAGES_CLASSES; i++) {
		struct pst_pages_class *c = &p->classes[i];

		while (c->chunks.n)
			munmap(c->chunks.v[--c->chunks.n], PIECES * sizes[i]);
		pst_vec_free(&c->chunks);
		pst_vec_free(&c->unused);
	}
}
