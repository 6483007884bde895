// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "enforcer/flow.h"
#include "enforcer/flow_pack.h"

/* Neither: lost. */
struct record {
	struct pst_flow *flow;
	char *line;
	size_t bytes;
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

	r->bytes -= old->bytes;
	free(old->flow);
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

/* Takes NEW over. */
static void add(struct pst_flow_ring *r, struct record new)
{
	if (new.bytes > r->max_bytes) {
		free(new.flow);
		free(new.line);
		new = (struct record){0};
	}
	while (r->next - r->first == r->size ||
	       (r->first < r->next && r->bytes + new.bytes > r->max_bytes))
		drop_oldest(r);
	*at(r, r->next++) = new;
	r->bytes += new.bytes;
}

void pst_flow_ring_add(struct pst_flow_ring *r, const struct pst_flow *f)
{
	struct record new = {0};

	new.flow = pst_flow_pack(f, &new.bytes);
	add(r, new);
}

void pst_flow_ring_add_line(struct pst_flow_ring *r, const char *line, size_t len)
{
	struct record new = {.line = pst_mem_strndup(line, len)};

	new.bytes = new.line ? len : 0;
	add(r, new);
}

uint64_t pst_flow_ring_first(const struct pst_flow_ring *r)
{
	return r->first;
}

uint64_t pst_flow_ring_next(const struct pst_flow_ring *r)
{
	return r->next;
}

bool pst_flow_ring_has(const struct pst_flow_ring *r, uint64_t number)
{
	return number >= r->first && number < r->next && at(r, number)->bytes;
}

int pst_flow_ring_write(const struct pst_flow_ring *r, uint64_t number, FILE *out)
{
	const struct record *found = at(r, number);

	if (!pst_flow_ring_has(r, number))
		return 0;
	if (found->flow)
		return pst_flow_write(out, found->flow);
	return fwrite(found->line, 1, found->bytes, out) == found->bytes ? 0 : -EIO;
}
