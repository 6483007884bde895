// SPDX-License-Identifier: Apache-2.0
#include "compiler/prefixindex.h"

#include "base/mem.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>

struct entry {
	struct pst_prefix prefix;
	uint32_t slot;
};

struct pst_prefixindex {
	struct PST_VEC(struct entry) all;
	bool is_sorted;
};

struct pst_prefixindex *pst_prefixindex_new(void)
{
	struct pst_prefixindex *x = pst_mem_calloc(1, sizeof(*x));

	if (x)
		x->is_sorted = true;
	return x;
}

void pst_prefixindex_free(struct pst_prefixindex **index)
{
	if (!*index)
		return;
	pst_vec_free(&(*index)->all);
	free(*index);
	*index = NULL;
}

static int compare(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	int r = a->prefix.is_v4 - b->prefix.is_v4;

	if (!r)
		r = pst_prefix_cmp(&a->prefix, &b->prefix);
	return r ? r : (a->slot > b->slot) - (a->slot < b->slot);
}

int pst_prefixindex_add(struct pst_prefixindex *x, uint32_t slot, const struct pst_prefix *prefix)
{
	const struct entry e = {.prefix = *prefix, .slot = slot};

	if (pst_vec_push(&x->all, e))
		return -ENOMEM;
	if (x->all.n > 1 && compare(&x->all.v[x->all.n - 2], &e) > 0)
		x->is_sorted = false;
	return 0;
}

size_t pst_prefixindex_count(const struct pst_prefixindex *x)
{
	return x->all.n;
}

/* Of a slot that comes again under the same prefix one entry is left. */
static void settle(struct pst_prefixindex *x)
{
	size_t n = 0;

	if (x->is_sorted)
		return;
	qsort(x->all.v, x->all.n, sizeof(*x->all.v), compare);
	for (size_t i = 0; i < x->all.n; i++) {
		if (!n || compare(&x->all.v[n - 1], &x->all.v[i]))
			x->all.v[n++] = x->all.v[i];
	}
	x->all.n = n;
	x->is_sorted = true;
}

/* The first place of what is not before WHOM. */
static size_t lower_bound(const struct pst_prefixindex *x, const struct entry *whom)
{
	size_t low = 0, high = x->all.n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (compare(&x->all.v[mid], whom) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* With bits of 0 behind its length, a prefix comes before all others in it, and all others that
 * come between it and its last address are in it. */
struct pst_span pst_prefixindex_find(struct pst_prefixindex *x, const struct pst_prefix *outer)
{
	struct entry first = {.prefix = *outer}, last = {.prefix = *outer, .slot = UINT32_MAX};

	settle(x);
	for (unsigned int bit = outer->len; bit < 128; bit++) {
		first.prefix.addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		last.prefix.addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	last.prefix.len = UINT8_MAX;
	return (struct pst_span){lower_bound(x, &first), lower_bound(x, &last)};
}

uint32_t pst_prefixindex_at(const struct pst_prefixindex *x, size_t place,
			    const struct pst_prefix **ret_prefix)
{
	*ret_prefix = &x->all.v[place].prefix;
	return x->all.v[place].slot;
}
