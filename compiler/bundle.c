// SPDX-License-Identifier: Apache-2.0
#include "compiler/bundle.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void pst_bundle_free(struct pst_bundle **b)
{
	struct pst_arena *arena;

	if (!*b)
		return;
	pst_arena_free(&(*b)->entry_arena);
	/* The bundle itself lies in its arena. */
	arena = (*b)->arena;
	*b = NULL;
	pst_arena_free(&arena);
}

void pst_bundle_forget_entries(struct pst_bundle *b)
{
	b->entries = NULL;
	b->n_entries = 0;
	pst_arena_free(&b->entry_arena);
}

static int cmp_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

int pst_bundle_entry_cmp(const struct pst_bundle_entry *a, const struct pst_bundle_entry *b)
{
	int r = cmp_u32(a->key.subject, b->key.subject);

	if (!r)
		r = cmp_u32(a->key.direction, b->key.direction);
	if (!r)
		r = cmp_u32(a->key.peer, b->key.peer);
	if (!r)
		r = cmp_u32(a->key.prefixlen, b->key.prefixlen);
	if (!r)
		r = cmp_u32(a->key.protocol, b->key.protocol);
	if (!r)
		r = memcmp(a->key.port_be, b->key.port_be, sizeof(a->key.port_be));
	return r;
}

size_t pst_bundle_lower_bound(const struct pst_bundle *b, uint32_t subject, enum pst_dir direction,
			      uint32_t peer)
{
	struct pst_bundle_entry first = {
		.key = {.subject = subject, .direction = (uint8_t)direction, .peer = peer},
	};
	size_t low = 0, high = b->n_entries;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (pst_bundle_entry_cmp(&b->entries[mid], &first) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool pst_bundle_has_entries(const struct pst_bundle *b, uint32_t subject, enum pst_dir direction)
{
	size_t i = pst_bundle_lower_bound(b, subject, direction, PST_ID_ANY);

	return i < b->n_entries && b->entries[i].key.subject == subject &&
	       b->entries[i].key.direction == direction;
}

static void copy(void *to, const void *from, size_t bytes)
{
	if (bytes)
		memcpy(to, from, bytes);
}

/* SIZE bytes at TO become those at FROM; of what was there before, up to OLD bytes, nothing is
 * left.
 */
static void renew(void *to, const void *from, size_t size, size_t old)
{
	copy(to, from, size);
	if (old > size)
		memset((char *)to + size, 0, old - size);
}

static size_t at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

static void renew_rulesets(const struct pst_bundle *b, struct pst_table *t)
{
	/* Rule sets that the table has no room for are fallbacks: nobody looks them up. */
	const size_t n = at_most(b->n_rulesets, PST_RULESETS);
	const size_t old = at_most(t->n_rulesets, PST_RULESETS);

	for (size_t i = 0; i < n; i++)
		t->rulesets[i] = b->rulesets[i].packed;
	if (old > n)
		memset(&t->rulesets[n], 0, (old - n) * sizeof(*t->rulesets));
	t->n_rulesets = (uint32_t)n;
}

void pst_bundle_renew_table(const struct pst_bundle *b, struct pst_table *t)
{
	renew_rulesets(b, t);
	renew(t->tags, b->tags, b->n_tags * sizeof(*t->tags),
	      at_most(t->n_tags, PST_TAGS) * sizeof(*t->tags));
	renew(t->classes, b->classes, b->n_class_bytes, at_most(t->n_class_bytes, PST_CLASS_BYTES));
	renew(t->cells, b->cells, b->n_cells * sizeof(*t->cells),
	      at_most(t->n_cells, PST_CELLS) * sizeof(*t->cells));
	t->n_cells = (uint32_t)b->n_cells;
	t->n_class_bytes = (uint32_t)b->n_class_bytes;
	t->n_tags = (uint32_t)b->n_tags;
	t->name_start = b->name_start;
	t->name_classes = b->name_classes;
	t->abi_version = PST_ABI_VERSION;
}

void pst_bundle_fill_table(const struct pst_bundle *b, struct pst_table *t)
{
	memset(t, 0, sizeof(*t));
	pst_bundle_renew_table(b, t);
}
