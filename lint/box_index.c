// SPDX-License-Identifier: Apache-2.0
#include "lint/box_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define HASH_START  UINT32_C(2166136261)
#define HASH_FACTOR UINT32_C(16777619)

static uint32_t mix(uint32_t hash, char c)
{
	return (hash ^ (unsigned char)c) * HASH_FACTOR;
}

/* What all paths of BOX begin with. */
static size_t start_of(const struct pst_http_box *box, const char **ret_start)
{
	const struct pst_meaning *path = box->field[PST_FIELD_PATH];

	*ret_start = path ? path->prefix : "";
	return path ? path->prefix_len : 0;
}

static uint32_t hash_of(const char *s, size_t len)
{
	uint32_t hash = HASH_START;

	for (size_t i = 0; i < len; i++)
		hash = mix(hash, s[i]);
	return hash;
}

int pst_box_index_init(struct pst_box_index *index, const struct pst_http_box *v, size_t n)
{
	*index = (struct pst_box_index){.v = v, .n = n, .n_heads = 1};
	while (index->n_heads < n)
		index->n_heads *= 2;
	index->heads = pst_mem_calloc(index->n_heads, sizeof(*index->heads));
	index->next = pst_mem_calloc(n ? n : 1, sizeof(*index->next));
	if (!index->heads || !index->next) {
		pst_box_index_fini(index);
		return -ENOMEM;
	}
	/* From the end, so that a chain has the order of the list. */
	for (size_t i = n; i-- > 0;) {
		const char *start;
		const size_t len = start_of(&v[i], &start);
		uint32_t *head = &index->heads[hash_of(start, len) & (index->n_heads - 1)];

		index->next[i] = *head;
		*head = (uint32_t)i + 1;
		index->max_len = len > index->max_len ? len : index->max_len;
	}
	return 0;
}

void pst_box_index_fini(struct pst_box_index *index)
{
	free(index->heads);
	free(index->next);
	index->heads = index->next = NULL;
}

struct pst_box_cursor pst_box_cursor_init(const struct pst_box_index *index,
					  const struct pst_http_box *inner)
{
	const struct pst_meaning *path = inner->field[PST_FIELD_PATH];
	/* Without a path it takes every target, "/" among them. */
	struct pst_box_cursor c = {.text = path ? path->sample : "/", .hash = HASH_START};

	if (!c.text) {
		c.at = index->n ? 1 : 0;
		return c;
	}
	c.max = strlen(c.text) < index->max_len ? strlen(c.text) : index->max_len;
	c.at = index->heads[c.hash & (index->n_heads - 1)];
	return c;
}

/* Does box number AT begin with the first LEN bytes of the text, and no more? */
static bool is_candidate(const struct pst_box_index *index, const struct pst_box_cursor *c)
{
	const char *start;
	const size_t len = start_of(&index->v[c->at - 1], &start);

	return len == c->len && !memcmp(start, c->text, len);
}

const struct pst_http_box *pst_box_index_next(const struct pst_box_index *index,
					      struct pst_box_cursor *c)
{
	if (!c->text)
		return c->at && c->at <= index->n ? &index->v[c->at++ - 1] : NULL;
	for (;;) {
		while (c->at) {
			const struct pst_http_box *box = &index->v[c->at - 1];
			const bool found = is_candidate(index, c);

			c->at = index->next[c->at - 1];
			if (found)
				return box;
		}
		if (c->len == c->max)
			return NULL;
		c->hash = mix(c->hash, c->text[c->len++]);
		c->at = index->heads[c->hash & (index->n_heads - 1)];
	}
}
