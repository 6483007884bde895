// SPDX-License-Identifier: Apache-2.0
#include "proxy/h2_memory.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "proxy/squeeze.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What stands before each part of a piece. As large as any type wants to be aligned. */
struct front {
	_Alignas(max_align_t) size_t size; /* without it */
};

/* Bytes that a part of SIZE takes. */
#define PART(size) (sizeof(struct front) * (2 + ((size)-1) / sizeof(struct front)))

enum {
	/* The room for a frame, in nghttp2 1.52: what is in it is sent, or worth nothing. If the
	 * size is another one, it is kept as everything else. */
	A_FRAME = 9 + 1 + 16384,
	OF_ITS_OWN = 8 * 1024, /* so large a part has a piece for itself */
	A_GROUND = 3 * 4096,
};

void pst_h2_memory_settle(struct pst_h2_memory *m)
{
	if (m->used > m->counted)
		pst_purse_count(m->purse, m->used - m->counted);
	else if (m->used < m->counted)
		pst_purse_give(m->purse, m->counted - m->used);
	m->counted = m->used;
}

void pst_h2_memory_hold(struct pst_h2_memory *m, size_t n)
{
	m->used += n;
}

void pst_h2_memory_let_go(struct pst_h2_memory *m, size_t n)
{
	m->used -= n;
}

static struct pst_h2_piece *find_piece(struct pst_h2_memory *m, const char *at)
{
	for (int i = 0; i < PST_H2_PIECES; i++) {
		struct pst_h2_piece *p = &m->pieces[i];

		if (p->at && at >= p->at && at < p->at + p->size)
			return p;
	}
	return NULL;
}

/* NULL: there is none. */
static struct pst_h2_piece *take_piece(struct pst_h2_memory *m, size_t size)
{
	struct pst_h2_piece *p = NULL;

	for (int i = 0; i < PST_H2_PIECES; i++) {
		if (!m->pieces[i].at)
			p = &m->pieces[i];
	}
	if (!p)
		return NULL;
	*p = (struct pst_h2_piece){.at = pst_pages_take(&m->purse->all->pages, size), .size = size};
	if (!p->at)
		return NULL;
	m->used += size;
	return p;
}

/* SIZE bytes of a session that is made; NULL: they are to be allocated as everything else. */
static struct front *allocate_part(struct pst_h2_memory *m, size_t size)
{
	struct pst_h2_piece *p = m->ground;
	size_t all;

	if (!m->is_creating || !size || size > PST_PAGES_LARGEST - PART(1))
		return NULL;
	all = PART(size);
	if (all >= OF_ITS_OWN)
		p = take_piece(m, all);
	else if (!p || p->size - p->used < all)
		p = m->ground = take_piece(m, A_GROUND);
	if (!p)
		return NULL;
	p->used += all;
	p->parts++;
	return (void *)(p->at + p->used - all);
}

static bool release_part(struct pst_h2_memory *m, const char *at)
{
	struct pst_h2_piece *p = find_piece(m, at);

	if (!p)
		return false;
	if (--p->parts)
		return true;
	if (p == m->ground)
		m->ground = NULL;
	pst_pages_give(&m->purse->all->pages, p->at, p->size);
	m->used -= p->size;
	p->at = NULL;
	return true;
}

void pst_h2_memory_create(struct pst_h2_memory *m, bool begin)
{
	m->is_creating = begin;
	m->ground = NULL;
}

/* Without memory for the copy it stays as it is. */
static void rest_piece(struct pst_h2_memory *m, struct pst_h2_piece *p)
{
	p->kept = NULL;
	p->kept_size = 0;
	if (p->used != PART(A_FRAME) && pst_squeeze(p->at, p->used, &p->kept, &p->kept_size))
		return;
	pst_pages_empty(p->at, p->size);
	m->used += p->kept_size - p->size;
	p->is_resting = true;
}

static void wake_piece(struct pst_h2_memory *m, struct pst_h2_piece *p)
{
	p->is_resting = false;
	pst_unsqueeze(p->kept, p->at, p->used);
	free(PST_TAKE_PTR(p->kept));
	m->used += p->size - p->kept_size;
}

void pst_h2_memory_rest(struct pst_h2_memory *m)
{
	if (m->is_resting)
		return;
	m->is_resting = true;
	for (int i = 0; i < PST_H2_PIECES; i++) {
		if (m->pieces[i].at)
			rest_piece(m, &m->pieces[i]);
	}
	pst_h2_memory_settle(m);
}

void pst_h2_memory_wake(struct pst_h2_memory *m)
{
	if (!m->is_resting)
		return;
	m->is_resting = false;
	for (int i = 0; i < PST_H2_PIECES; i++) {
		if (m->pieces[i].is_resting)
			wake_piece(m, &m->pieces[i]);
	}
	pst_h2_memory_settle(m);
}

static void *allocate(size_t size, void *ctx)
{
	struct pst_h2_memory *m = ctx;
	struct pst_scraps *scraps = &m->purse->all->scraps;
	struct front *f = allocate_part(m, size);
	void *p;

	if (f) {
		f->size = size;
		return f + 1;
	}
	p = pst_scraps_take(scraps, size);
	/* Tests make single allocations fail, but none that nghttp2 would hear of. */
	if (!p)
		p = pst_scraps_take(scraps, size);
	if (!p) {
		pst_log(PST_LOG_ERROR, "no memory");
		abort();
	}
	m->used += pst_scraps_size(p);
	return p;
}

static void release(void *p, void *ctx)
{
	struct pst_h2_memory *m = ctx;

	if (!p || release_part(m, p))
		return;
	m->used -= pst_scraps_size(p);
	pst_scraps_give(&m->purse->all->scraps, p);
}

static void *allocate_array(size_t n, size_t size, void *ctx)
{
	const size_t all = size && n > SIZE_MAX / size ? SIZE_MAX : n * size;
	void *p = allocate(all, ctx);

	/* Pages are zeros, and stay what they are as long as nobody writes. */
	if (!find_piece(ctx, p))
		memset(p, 0, all);
	return p;
}

static void *resize(void *p, size_t size, void *ctx)
{
	void *next = allocate(size, ctx);
	size_t had;

	if (!p)
		return next;
	had = find_piece(ctx, p) ? ((const struct front *)p)[-1].size : pst_scraps_size(p);
	memcpy(next, p, had < size ? had : size);
	release(p, ctx);
	return next;
}

void pst_h2_memory_init(struct pst_h2_memory *m, struct pst_purse *purse)
{
	*m = (struct pst_h2_memory){
		.purse = purse,
		.mem = {.mem_user_data = m,
			.malloc = allocate,
			.free = release,
			.calloc = allocate_array,
			.realloc = resize},
	};
}

bool pst_h2_memory_is_over(struct pst_h2_memory *m)
{
	pst_h2_memory_settle(m);
	return m->used > PST_H2_MEMORY;
}
