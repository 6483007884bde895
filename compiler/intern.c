// SPDX-License-Identifier: Apache-2.0
#include "compiler/intern.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"

enum { FIRST_CAP = 64 };

struct pst_intern_slot {
	uint32_t hash;
	uint32_t id_plus_one; /* 0: free */
};

/* The slot of the equal thing, or the free slot where it belongs. */
static struct pst_intern_slot *find(const struct pst_intern *t, uint32_t hash,
				    pst_intern_equal_fn equal, const void *ctx)
{
	for (size_t i = hash & (t->cap - 1);; i = (i + 1) & (t->cap - 1)) {
		struct pst_intern_slot *slot = &t->slots[i];

		if (!slot->id_plus_one)
			return slot;
		if (equal && slot->hash == hash && equal(ctx, slot->id_plus_one - 1))
			return slot;
	}
}

static int grow(struct pst_intern *t)
{
	struct pst_intern bigger = {.cap = t->cap ? 2 * t->cap : FIRST_CAP, .n = t->n};

	bigger.slots = pst_mem_calloc(bigger.cap, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->cap; i++) {
		if (t->slots[i].id_plus_one)
			*find(&bigger, t->slots[i].hash, NULL, NULL) = t->slots[i];
	}
	free(t->slots);
	*t = bigger;
	return 0;
}

int pst_intern_get(struct pst_intern *t, uint32_t hash, pst_intern_equal_fn equal, const void *ctx,
		   uint32_t candidate, uint32_t *ret_id)
{
	struct pst_intern_slot *slot;

	if (2 * (t->n + 1) > t->cap) {
		int r = grow(t);

		if (r)
			return r;
	}
	slot = find(t, hash, equal, ctx);
	if (!slot->id_plus_one) {
		*slot = (struct pst_intern_slot){.hash = hash, .id_plus_one = candidate + 1};
		t->n++;
	}
	*ret_id = slot->id_plus_one - 1;
	return 0;
}

void pst_intern_fini(struct pst_intern *t)
{
	free(t->slots);
	*t = (struct pst_intern){0};
}

size_t pst_intern_bytes(const struct pst_intern *t)
{
	return t->cap * sizeof(*t->slots);
}
