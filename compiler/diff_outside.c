// SPDX-License-Identifier: Apache-2.0
#include "compiler/diff_outside.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/prefix.h"

enum { ADDR_BITS = 128, V4_BITS = 96 };

static int cmp_prefix(const void *a, const void *b)
{
	return pst_prefix_cmp(a, b);
}

void pst_prefix_list_sort(struct pst_prefix_list *list)
{
	size_t kept = 0;

	if (list->n)
		qsort(list->v, list->n, sizeof(*list->v), cmp_prefix);
	for (size_t i = 0; i < list->n; i++) {
		if (!kept || pst_prefix_cmp(&list->v[kept - 1], &list->v[i]))
			list->v[kept++] = list->v[i];
	}
	list->n = kept;
}

/* The first of LIST that is not before the block ADDR/LEN. */
static size_t lower_bound(const struct pst_prefix_list *list, const uint8_t *addr, unsigned int len)
{
	struct pst_prefix key = {.len = (uint8_t)len};
	size_t lo = 0, hi = list->n;

	memcpy(key.addr, addr, sizeof(key.addr));
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (pst_prefix_cmp(&list->v[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool is_inside(const struct pst_prefix *p, const uint8_t *addr, unsigned int len)
{
	unsigned int bytes = len / 8, rest = len % 8;

	return p->len >= len && !memcmp(p->addr, addr, bytes) &&
	       (!rest || !((p->addr[bytes] ^ addr[bytes]) >> (8 - rest)));
}

/*
 * Halves the block ADDR/LEN until a half has no prefix of the list in it. OWN: a prefix of exactly
 * this block is the one that asks, and does not count.
 */
static bool find(const struct pst_prefix_list *list, uint8_t *addr, unsigned int len, bool own)
{
	size_t i = lower_bound(list, addr, len);
	uint8_t half[16];

	if (i < list->n && list->v[i].len == len && !memcmp(list->v[i].addr, addr, 16)) {
		if (!own)
			return false;
		i++;
	}
	if (i == list->n || !is_inside(&list->v[i], addr, len))
		return true;
	/* Longer ones have the lower half first. */
	memcpy(half, addr, sizeof(half));
	if (find(list, addr, len + 1, false))
		return true;
	memcpy(addr, half, sizeof(half));
	addr[len / 8] |= (uint8_t)(0x80 >> len % 8);
	return find(list, addr, len + 1, false);
}

bool pst_prefix_list_find(const struct pst_prefix_list *list, const struct pst_prefix *p,
			  struct pst_addr *ret_addr)
{
	uint8_t addr[16];

	memcpy(addr, p->addr, sizeof(addr));
	if (!find(list, addr, p->len, true))
		return false;
	memcpy(ret_addr->b, addr, sizeof(addr));
	return true;
}

/* Is ADDR in a prefix of the list, whatever its family? */
static bool is_covered(const struct pst_prefix_list *list, const uint8_t *addr)
{
	for (size_t i = 0; i < list->n; i++) {
		struct pst_prefix at = {.len = ADDR_BITS};

		memcpy(at.addr, addr, sizeof(at.addr));
		if (is_inside(&at, list->v[i].addr, list->v[i].len))
			return true;
	}
	return false;
}

/* Of IPv4 first: that is what people expect to see. */
bool pst_prefix_list_find_outside(const struct pst_prefix_list *list, struct pst_addr *ret_addr)
{
	static const struct {
		uint8_t addr[16];
		unsigned int len;
	} blocks[] = {
		/* 198.51.100.1, which is for documentation */
		{{[10] = 0xff, [11] = 0xff, [12] = 198, [13] = 51, [14] = 100, [15] = 1}, 128},
		{{[10] = 0xff, [11] = 0xff}, V4_BITS},
		{{0}, 0},
	};
	uint8_t addr[16];

	for (size_t i = 0; i < sizeof(blocks) / sizeof(*blocks); i++) {
		memcpy(addr, blocks[i].addr, sizeof(addr));
		if (find(list, addr, blocks[i].len, false) && !is_covered(list, addr)) {
			memcpy(ret_addr->b, addr, sizeof(addr));
			return true;
		}
	}
	return false;
}
