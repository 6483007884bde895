// SPDX-License-Identifier: Apache-2.0
#include "proxy/pages.h"

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

	if (size > PST_PAGES_LARGEST ||
	    (!p->classes[i].unused.n && !add_chunk(&p->classes[i], sizes[i])))
		return NULL;
	return p->classes[i].unused.v[--p->classes[i].unused.n];
}

void pst_pages_give(struct pst_pages *p, char *at, size_t size)
{
	struct pst_pages_class *c = &p->classes[class_of(size)];

	pst_pages_empty(at, size);
	c->unused.v[c->unused.n++] = at;
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
