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

static void *allocate(size_t size, void *ctx)
{
	struct pst_h2_memory *m = ctx;
	size_t all = sizeof(union front) + size;
	union front *f = size < SIZE_MAX - sizeof(*f) ? pst_mem_calloc(1, all) : NULL;

	/* Tests make single allocations fail, but none that nghttp2 would hear of. */
	if (!f && size < SIZE_MAX - sizeof(*f))
		f = pst_mem_calloc(1, all);
	if (!f) {
		pst_log(PST_LOG_ERROR, "no memory");
		abort();
	}
	f->size = all;
	m->used += all;
	m->all->used += all;
	return f + 1;
}

static void release(void *p, void *ctx)
{
	struct pst_h2_memory *m = ctx;
	union front *f = p;

	if (!f)
		return;
	f--;
	m->used -= f->size;
	m->all->used -= f->size;
	free(f);
}

static void *allocate_array(size_t n, size_t size, void *ctx)
{
	return allocate(size && n > SIZE_MAX / size ? SIZE_MAX : n * size, ctx);
}

static void *resize(void *p, size_t size, void *ctx)
{
	const union front *old = p;
	void *next = allocate(size, ctx);
	size_t had;

	if (!old)
		return next;
	had = old[-1].size - sizeof(*old);
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
	return m->used > PST_H2_MEMORY || m->all->used > m->all->limit;
}
