// SPDX-License-Identifier: Apache-2.0
#include "proxy/h2_memory.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What stands before each piece. As large as any type wants to be aligned. */
union front {
	size_t size; /* of all of it */
	max_align_t align;
};

/* The sizes, in nghttp2 1.52: a frame of the largest payload, and a table of 256 streams. If they
 * are others, nothing rests. */
enum { A_FRAME = 9 + 1 + 16384, A_TABLE = 256 * 16 };

static void count(struct pst_h2_memory *m, size_t size)
{
	m->used += size;
	m->all->used += size;
}

static void discount(struct pst_h2_memory *m, size_t size)
{
	m->used -= size;
	m->all->used -= size;
}

static struct pst_h2_piece *find_piece(struct pst_h2_memory *m, const char *at)
{
	for (int i = 0; i < PST_H2_PIECES; i++) {
		if (m->pieces[i].at == at)
			return &m->pieces[i];
	}
	return NULL;
}

/* NULL: it is to be allocated as everything else. */
static void *allocate_piece(struct pst_h2_memory *m, size_t size)
{
	struct pst_h2_piece *p =
		m->is_creating && (size == A_FRAME || size == A_TABLE) ? find_piece(m, NULL) : NULL;

	if (!p)
		return NULL;
	p->at = pst_pages_take(&m->all->pages, size);
	p->size = size;
	if (p->at)
		count(m, size);
	return p->at;
}

static bool release_piece(struct pst_h2_memory *m, char *at)
{
	struct pst_h2_piece *p = find_piece(m, at);

	if (!p)
		return false;
	pst_pages_give(&m->all->pages, at, p->size);
	discount(m, p->size);
	p->at = NULL;
	return true;
}

void pst_h2_memory_create(struct pst_h2_memory *m, bool begin)
{
	m->is_creating = begin;
}

static bool is_zero(const char *at, size_t size)
{
	return !*at && !memcmp(at, at + 1, size - 1);
}

void pst_h2_memory_rest(struct pst_h2_memory *m)
{
	if (m->is_resting)
		return;
	m->is_resting = true;
	for (int i = 0; i < PST_H2_PIECES; i++) {
		const struct pst_h2_piece *p = &m->pieces[i];

		if (!p->at)
			continue;
		/* A table without streams is one of zeros; what it is else must stay. */
		if (p->size == A_FRAME || is_zero(p->at, p->size))
			pst_pages_empty(p->at, p->size);
		discount(m, p->size);
	}
}

void pst_h2_memory_wake(struct pst_h2_memory *m)
{
	if (!m->is_resting)
		return;
	m->is_resting = false;
	for (int i = 0; i < PST_H2_PIECES; i++) {
		if (m->pieces[i].at)
			count(m, m->pieces[i].size);
	}
}

static void *allocate(size_t size, void *ctx)
{
	struct pst_h2_memory *m = ctx;
	void *piece = allocate_piece(m, size);
	size_t all = sizeof(union front) + size;
	union front *f = NULL;

	if (piece)
		return piece;
	if (size < SIZE_MAX - sizeof(*f))
		f = pst_mem_calloc(1, all);
	/* Tests make single allocations fail, but none that nghttp2 would hear of. */
	if (!f && size < SIZE_MAX - sizeof(*f))
		f = pst_mem_calloc(1, all);
	if (!f) {
		pst_log(PST_LOG_ERROR, "no memory");
		abort();
	}
	f->size = all;
	count(m, all);
	return f + 1;
}

static void release(void *p, void *ctx)
{
	struct pst_h2_memory *m = ctx;
	union front *f = p;

	if (!f || release_piece(m, p))
		return;
	f--;
	discount(m, f->size);
	free(f);
}

static void *allocate_array(size_t n, size_t size, void *ctx)
{
	return allocate(size && n > SIZE_MAX / size ? SIZE_MAX : n * size, ctx);
}

static void *resize(void *p, size_t size, void *ctx)
{
	const union front *old = p;
	const struct pst_h2_piece *piece = p ? find_piece(ctx, p) : NULL;
	void *next = allocate(size, ctx);
	size_t had;

	if (!old)
		return next;
	had = piece ? piece->size : old[-1].size - sizeof(*old);
	memcpy(next, p, had < size ? had : size);
	release(p, ctx);
	return next;
}

void pst_h2_memory_init(struct pst_h2_memory *m, struct pst_memory *all)
{
	*m = (struct pst_h2_memory){
		.all = all,
		.mem = {.mem_user_data = m,
			.malloc = allocate,
			.free = release,
			.calloc = allocate_array,
			.realloc = resize},
	};
}

bool pst_h2_memory_is_over(const struct pst_h2_memory *m)
{
	return m->used > PST_H2_MEMORY || !pst_memory_fits(m->all, 0);
}
