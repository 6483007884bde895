// SPDX-License-Identifier: Apache-2.0
#include "proxy/buffer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "proxy/purse.h"

static void move_down(struct pst_buffer *b)
{
	if (!b->begin)
		return;
	memmove(b->v, b->v + b->begin, b->end - b->begin);
	b->pass -= b->begin;
	b->end -= b->begin;
	b->begin = 0;
}

void pst_memory_pool_init(struct pst_memory_pool *p, size_t limit, size_t n_memories)
{
	const size_t most = 256 * 1024;

	p->left = limit;
	/* What lies unused in parts, two of each, is a quarter of the whole at most. */
	p->part = limit / (8 * n_memories);
	p->part = p->part < most ? p->part : most;
}

/* Takes MOST of it, or as much as there is if that is LEAST. 0: there is less. */
static size_t take_part(struct pst_memory_pool *p, size_t least, size_t most)
{
	size_t left = p->left, n;

	do {
		if (left < least)
			return 0;
		n = left < most ? left : most;
	} while (!atomic_compare_exchange_weak(&p->left, &left, left - n));
	return n;
}

/* Sessions of HTTP/2 may have taken more than there is. */
bool pst_memory_fits(struct pst_memory *m, size_t more)
{
	size_t missing;

	if (m->used <= m->limit && more <= m->limit - m->used)
		return true;
	if (!m->pool || more > SIZE_MAX / 2)
		return false;
	missing = m->used + more - m->limit;
	m->limit += take_part(m->pool, missing, missing > m->pool->part ? missing : m->pool->part);
	return m->used <= m->limit && more <= m->limit - m->used;
}

void pst_memory_settle(struct pst_memory *m)
{
	size_t spare = m->limit > m->used ? m->limit - m->used : 0;

	if (!m->pool || spare <= 2 * m->pool->part)
		return;
	m->limit -= spare - m->pool->part;
	atomic_fetch_add(&m->pool->left, spare - m->pool->part);
}

static void release_memory(struct pst_memory *m, char *v, size_t size)
{
	if (size <= PST_PAGES_LARGEST)
		pst_pages_give(&m->pages, v, size);
	else
		free(v);
}

void pst_memory_trim(struct pst_memory *m)
{
	for (int i = 0; i < PST_BUFFER_SIZES; i++) {
		struct pst_memory_spares *s = &m->spares[i];

		while (s->n)
			release_memory(m, s->v[--s->n], (size_t)PST_BUFFER_FIRST << i);
	}
	pst_scraps_trim(&m->scraps);
	pst_pages_trim(&m->pages);
}

void pst_memory_fini(struct pst_memory *m)
{
	pst_memory_trim(m);
	pst_pages_fini(&m->pages);
}

/* NULL: none of this size are kept. */
static struct pst_memory_spares *spares_of(struct pst_memory *m, size_t size)
{
	for (int i = 0; i < PST_BUFFER_SIZES; i++) {
		if (size == (size_t)PST_BUFFER_FIRST << i)
			return &m->spares[i];
	}
	return NULL;
}

static char *take_memory(struct pst_memory *m, size_t size)
{
	struct pst_memory_spares *s = spares_of(m, size);

	if (size < PST_BUFFER_FIRST)
		return pst_scraps_take(&m->scraps, size);
	if (s && s->n)
		return s->v[--s->n];
	return size <= PST_PAGES_LARGEST ? pst_pages_take(&m->pages, size)
					 : pst_mem_calloc(1, size);
}

static void give_memory(struct pst_memory *m, char *v, size_t size)
{
	const size_t most = size == PST_BUFFER_FIRST ? PST_BUFFER_SPARES : PST_BUFFER_LARGE_SPARES;
	struct pst_memory_spares *s = spares_of(m, size);

	if (size < PST_BUFFER_FIRST)
		pst_scraps_give(&m->scraps, v);
	else if (s && s->n < most)
		s->v[s->n++] = v;
	else
		release_memory(m, v, size);
}

static bool grow_to(struct pst_buffer *b, size_t cap, struct pst_purse *p)
{
	char *v;

	if (!pst_purse_take(p, cap - b->cap))
		return false;
	v = take_memory(p->all, cap);
	if (!v) {
		pst_purse_give(p, cap - b->cap);
		return false;
	}
	if (b->v) {
		memcpy(v, b->v, b->end);
		give_memory(p->all, b->v, b->cap);
	}
	b->v = v;
	b->cap = cap;
	return true;
}

static bool grow(struct pst_buffer *b, size_t limit, struct pst_purse *p)
{
	size_t cap = b->cap < PST_BUFFER_FIRST ? PST_BUFFER_FIRST : 2 * b->cap;

	return grow_to(b, cap < limit ? cap : limit, p);
}

size_t pst_buffer_room(struct pst_buffer *b, size_t limit, struct pst_purse *p, bool *ret_failed)
{
	*ret_failed = false;
	/* Little room is not worth a system call; moving a short rest is. */
	if (b->cap - b->end < b->cap / 4 && b->end - b->begin <= b->cap / 2)
		move_down(b);
	if (b->cap - b->end < b->cap / 8)
		move_down(b);
	if ((b->end == b->cap || (b->filled && !b->end)) && b->cap < limit && !grow(b, limit, p))
		*ret_failed = b->end == b->cap;
	b->filled = false;
	return b->cap - b->end;
}

bool pst_buffer_begin(struct pst_buffer *b, size_t len, struct pst_purse *p)
{
	return b->v || len > PST_BUFFER_LITTLE || grow_to(b, PST_BUFFER_LITTLE, p);
}

bool pst_buffer_append(struct pst_buffer *b, const char *bytes, size_t len, size_t limit,
		       struct pst_purse *p)
{
	const size_t most = b->end - b->begin + len;

	while (b->cap < most && b->cap < limit) {
		if (!grow(b, limit, p))
			return false;
	}
	if (b->cap < most)
		return false;
	if (b->cap - b->end < len)
		move_down(b);
	if (len)
		memcpy(b->v + b->end, bytes, len);
	b->end += len;
	b->pass = b->end;
	return true;
}

void pst_buffer_sent(struct pst_buffer *b, size_t n)
{
	b->begin += n;
	if (b->begin == b->end)
		b->begin = b->pass = b->end = 0;
}

void pst_buffer_trim(struct pst_buffer *b, struct pst_purse *p)
{
	if (b->begin == b->end)
		pst_buffer_fini(b, p);
}

void pst_buffer_fini(struct pst_buffer *b, struct pst_purse *p)
{
	if (b->v) {
		pst_purse_give(p, b->cap);
		give_memory(p->all, b->v, b->cap);
	}
	*b = (struct pst_buffer){.v = NULL};
}
