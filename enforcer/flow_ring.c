// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct record {
	char *line; /* NULL: lost */
	size_t len;
};

struct pst_flow_ring {
	struct record *records; /* number modulo size */
	size_t size;
	size_t bytes, max_bytes;
	uint64_t first, next;
};

int pst_flow_ring_new(size_t max_records, size_t max_bytes, struct pst_flow_ring **ret_ring)
{
	struct pst_flow_ring *r = pst_mem_calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->records = pst_mem_calloc(max_records, sizeof(*r->records));
	if (!r->records) {
		free(r);
		return -ENOMEM;
	}
	r->size = max_records;
	r->max_bytes = max_bytes;
	*ret_ring = r;
	return 0;
}

static struct record *at(const struct pst_flow_ring *r, uint64_t number)
{
	return &r->records[number % r->size];
}

static void drop_oldest(struct pst_flow_ring *r)
{
	struct record *old = at(r, r->first++);

	r->bytes -= old->len;
	free(old->line);
	*old = (struct record){0};
}

void pst_flow_ring_free(struct pst_flow_ring **r)
{
	if (!*r)
		return;
	while ((*r)->first < (*r)->next)
		drop_oldest(*r);
	free((*r)->records);
	free(*r);
	*r = NULL;
}

void pst_flow_ring_add(struct pst_flow_ring *r, const char *line, size_t len)
{
	char *copy = len <= r->max_bytes ? pst_mem_calloc(1, len ? len : 1) : NULL;

	if (!copy)
		len = 0;
	while (r->next - r->first == r->size ||
	       (r->first < r->next && r->bytes + len > r->max_bytes))
		drop_oldest(r);
	if (copy)
		memcpy(copy, line, len);
	*at(r, r->next++) = (struct record){copy, len};
	r->bytes += len;
}

uint64_t pst_flow_ring_first(const struct pst_flow_ring *r)
{
	return r->first;
}

uint64_t pst_flow_ring_next(const struct pst_flow_ring *r)
{
	return r->next;
}

const char *pst_flow_ring_line(const struct pst_flow_ring *r, uint64_t number, size_t *ret_len)
{
	const struct record *found;

	if (number < r->first || number >= r->next)
		return NULL;
	found = at(r, number);
	*ret_len = found->len;
	return found->line;
}
