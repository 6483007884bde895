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
	int r = pst_prefix_cmp(&a->prefix, &b->prefix);

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

/* OUTER without the bits behind its length: what lies in it is not before this. */
static struct pst_prefix first_of(const struct pst_prefix *outer)
{
	struct pst_prefix p = *outer;

	for (unsigned int bit = outer->len; bit < 128; bit++)
		p.addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	p.len = 0;
	return p;
}

/* Is IN's address in OUTER, whatever its family? */
static bool is_within(const struct pst_prefix *outer, const struct pst_prefix *in)
{
	struct pst_prefix addr = *in;

	addr.is_v4 = outer->is_v4;
	addr.len = 128;
	return pst_prefix_contains(outer, &addr);
}

void pst_prefixindex_ask(struct pst_prefixindex *x, const struct pst_prefix *outer,
			 void (*take)(void *ctx, uint32_t slot), void *ctx)
{
	const struct pst_prefix first = first_of(outer);
	size_t low = 0, high;

	settle(x);
	high = x->all.n;
	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (pst_prefix_cmp(&x->all.v[mid].prefix, &first) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < x->all.n && is_within(outer, &x->all.v[low].prefix); low++) {
		if (pst_prefix_contains(outer, &x->all.v[low].prefix))
			take(ctx, x->all.v[low].slot);
	}
}

static int compare_prefixes(const void *a, const void *b)
{
	return pst_prefix_cmp(a, b);
}

size_t pst_prefixes_disjoint(struct pst_prefix *list, size_t n)
{
	size_t last[2] = {SIZE_MAX, SIZE_MAX}; /* of each family */
	size_t kept = 0;

	if (n)
		qsort(list, n, sizeof(*list), compare_prefixes);
	for (size_t i = 0; i < n; i++) {
		size_t *before = &last[list[i].is_v4];

		if (*before != SIZE_MAX && pst_prefix_contains(&list[*before], &list[i]))
			continue;
		*before = kept;
		list[kept++] = list[i];
	}
	return kept;
}
