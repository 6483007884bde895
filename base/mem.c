// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"

#include <errno.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	FIRST_BLOCK = 1024,
	NEXT_BLOCK = 512, /* and then a quarter of what is there */
	ARENA_BLOCK = 64 * 1024,
	LARGE_PAGE = 2 << 20,
	LARGE_FROM = LARGE_PAGE / 8, /* bytes that an arena holds, or asks for at once */
};

/* The leak checker looks for pointers in the heap only. */
#ifdef __SANITIZE_ADDRESS__
static const bool uses_large_pages = false;
#else
static const bool uses_large_pages = true;
#endif

/* Objects are handed out from the beginning, strings, which need no alignment, from the end. */
struct block {
	struct block *next;
	size_t used, strings;
	size_t size;
	size_t mapped; /* bytes; 0: it is of the heap */
	alignas(max_align_t) unsigned char data[];
};

struct pst_arena {
	struct block *head;
	size_t used, size;
};

static long fail_countdown = -1;
static bool fail_happened;

/* Consulted by every allocation of the project. */
static bool should_fail(void)
{
	if (fail_countdown < 0)
		return false;
	if (fail_countdown-- > 0)
		return false;
	fail_happened = true;
	return true;
}

void pst_mem_fail_after(long n)
{
	fail_countdown = n;
	fail_happened = false;
}

bool pst_mem_failed(void)
{
	return fail_happened;
}

/* The size of N elements of SIZE bytes, if an object can be that large: at most PTRDIFF_MAX. */
static bool object_size(size_t n, size_t size, size_t *ret_bytes)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > PTRDIFF_MAX)
		return false;
	*ret_bytes = bytes;
	return true;
}

void *pst_mem_calloc(size_t n, size_t size)
{
	size_t bytes;

	if (!object_size(n, size, &bytes) || should_fail())
		return NULL;
	return calloc(1, bytes ? bytes : 1);
}

void *pst_mem_alloc(size_t size)
{
	size_t bytes;

	if (!object_size(1, size, &bytes) || should_fail())
		return NULL;
	return malloc(bytes ? bytes : 1);
}

char *pst_mem_strndup(const char *s, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		return NULL;
	copy = pst_mem_calloc(1, len + 1);
	if (copy && len)
		memcpy(copy, s, len);
	return copy;
}

int pst_mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
	void **array = p;
	size_t want = *cap ? *cap : 8;
	size_t bytes;
	void *grown;

	if (need <= *cap)
		return 0;
	while (want < need) {
		if (__builtin_mul_overflow(want, 2, &want))
			return -ENOMEM;
	}
	if (!object_size(want, size, &bytes) || should_fail())
		return -ENOMEM;
	grown = realloc(*array, bytes);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*cap = want;
	return 0;
}

struct pst_arena *pst_arena_new(void)
{
	return pst_mem_calloc(1, sizeof(struct pst_arena));
}

static void block_free(struct block *b)
{
	if (b->mapped)
		munmap(b, b->mapped);
	else
		free(b);
}

void pst_arena_free(struct pst_arena **a)
{
	struct block *b, *next;

	if (!*a)
		return;
	for (b = (*a)->head; b; b = next) {
		next = b->next;
		block_free(b);
	}
	free(*a);
	*a = NULL;
}

void pst_arena_reset(struct pst_arena *a)
{
	struct block *kept = NULL, *next;

	for (struct block *b = a->head; b; b = next) {
		next = b->next;
		if (kept || b->size > ARENA_BLOCK) {
			block_free(b);
			continue;
		}
		memset(b->data, 0, b->used);
		memset(b->data + b->size - b->strings, 0, b->strings);
		b->used = b->strings = 0;
		b->next = NULL;
		kept = b;
	}
	a->head = kept;
	a->used = 0;
	a->size = kept ? kept->size : 0;
}

/*
 * Large arenas come and go with each reading of the files. Pages of their own are given back with
 * them, whatever the heap holds beside; and one large page costs one fault, not 512.
 */
static struct block *block_map(size_t bytes)
{
	const size_t mapped = (bytes + LARGE_PAGE - 1) & ~(size_t)(LARGE_PAGE - 1);
	unsigned char *at = mmap(NULL, mapped + LARGE_PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct block *b;
	size_t before;

	if (at == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)at & (LARGE_PAGE - 1);
	if (before)
		munmap(at, before);
	munmap(at + before + mapped, LARGE_PAGE - before);
	b = (struct block *)(at + before);
	madvise(b, mapped, MADV_HUGEPAGE); /* else it works all the same */
	b->mapped = mapped;
	b->size = mapped - sizeof(*b);
	return b;
}

/* pst_arena_alloc() has consulted the test's wish already. */
static struct block *block_new(size_t size)
{
	size_t bytes;
	struct block *b;

	if (__builtin_add_overflow(size, sizeof(*b), &bytes) || !object_size(1, bytes, &bytes))
		return NULL;
	if (uses_large_pages && size >= LARGE_FROM && bytes <= PTRDIFF_MAX - 2 * LARGE_PAGE)
		return block_map(bytes);
	b = calloc(1, bytes);
	if (b)
		b->size = size;
	return b;
}

/* There may be thousands of small arenas, and what a block holds is cleared. */
static size_t block_size(const struct pst_arena *a, size_t need)
{
	size_t size = a->head ? NEXT_BLOCK : FIRST_BLOCK;

	if (a->size >= LARGE_FROM && need < LARGE_FROM)
		return LARGE_FROM;
	while (size < ARENA_BLOCK && (size < need || size < a->size / 4))
		size += NEXT_BLOCK;
	return size < need ? need : size;
}

/* A block with SIZE bytes to spare, or NULL. */
static struct block *block_with(struct pst_arena *a, size_t size)
{
	struct block *b = a->head;

	if (b && b->size - b->used - b->strings >= size)
		return b;
	b = block_new(block_size(a, size));
	if (!b)
		return NULL;
	b->next = a->head;
	a->head = b;
	a->size += b->size;
	return b;
}

void *pst_arena_alloc(struct pst_arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct block *b;
	size_t rounded;
	void *p;

	if (__builtin_add_overflow(size ? size : 1, align - 1, &rounded) || should_fail())
		return NULL;
	rounded &= ~(align - 1);
	b = block_with(a, rounded);
	if (!b)
		return NULL;
	p = b->data + b->used;
	b->used += rounded;
	a->used += rounded;
	return p;
}

/* SIZE zeroed bytes without alignment; more than none. */
static char *alloc_string(struct pst_arena *a, size_t size)
{
	struct block *b = should_fail() ? NULL : block_with(a, size);

	if (!b)
		return NULL;
	b->strings += size;
	a->used += size;
	return (char *)b->data + b->size - b->strings;
}

void *pst_arena_calloc(struct pst_arena *a, size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return pst_arena_alloc(a, bytes);
}

char *pst_arena_strndup(struct pst_arena *a, const char *s, size_t len)
{
	char *copy;

	if (len == SIZE_MAX)
		return NULL;
	copy = alloc_string(a, len + 1);
	if (copy && len)
		memcpy(copy, s, len);
	return copy;
}

char *pst_arena_join(struct pst_arena *arena, const char *a, char between, const char *b)
{
	const size_t n_a = strlen(a), n_b = strlen(b);
	char *s = alloc_string(arena, n_a + n_b + 2);

	if (!s)
		return NULL;
	memcpy(s, a, n_a);
	s[n_a] = between;
	memcpy(s + n_a + 1, b, n_b);
	return s;
}

char *pst_arena_printf(struct pst_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n >= 0)
		s = alloc_string(a, (size_t)n + 1);
	if (s)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(ap);
	return s;
}

size_t pst_arena_used(const struct pst_arena *a)
{
	return a->used;
}
