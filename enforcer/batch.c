// SPDX-License-Identifier: Apache-2.0
#include "enforcer/batch.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct pst_batch {
	int fd;
	size_t key_size, value_size;
	uint8_t *gone, *keys, *values;
	size_t gone_cap, keys_cap, values_cap;
	uint32_t n_gone, n_put;
	size_t written;
};

struct pst_batch *pst_batch_new(int map_fd, size_t key_size, size_t value_size)
{
	struct pst_batch *b = pst_mem_calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->fd = map_fd;
	b->key_size = key_size;
	b->value_size = value_size;
	return b;
}

void pst_batch_free(struct pst_batch **b)
{
	if (!*b)
		return;
	free((*b)->gone);
	free((*b)->keys);
	free((*b)->values);
	free(*b);
	*b = NULL;
}

static int write_gone(struct pst_batch *b)
{
	uint32_t done = 0;

	while (done < b->n_gone) {
		uint32_t n = b->n_gone - done;
		int r = bpf_map_delete_batch(b->fd, b->gone + done * b->key_size, &n, NULL);

		if (r && errno != ENOENT)
			return -errno;
		/* It stops at the first that is not there. */
		done += r ? n + 1 : n;
	}
	b->written += b->n_gone;
	b->n_gone = 0;
	return 0;
}

static int write_put(struct pst_batch *b)
{
	uint32_t n = b->n_put;

	if (n && bpf_map_update_batch(b->fd, b->keys, b->values, &n, NULL))
		return -errno;
	b->written += b->n_put;
	b->n_put = 0;
	return 0;
}

int pst_batch_put(struct pst_batch *b, const void *key, const void *value)
{
	int r = b->n_put == PST_BATCH_CHANGES ? pst_batch_flush(b) : 0;

	if (!r)
		r = pst_mem_grow(&b->keys, &b->keys_cap, b->n_put + 1, b->key_size);
	if (!r)
		r = pst_mem_grow(&b->values, &b->values_cap, b->n_put + 1, b->value_size);
	if (r)
		return r;
	memcpy(b->keys + b->n_put * b->key_size, key, b->key_size);
	memcpy(b->values + b->n_put * b->value_size, value, b->value_size);
	b->n_put++;
	return 0;
}

int pst_batch_drop(struct pst_batch *b, const void *key)
{
	int r = b->n_gone == PST_BATCH_CHANGES ? write_gone(b) : 0;

	if (!r)
		r = pst_mem_grow(&b->gone, &b->gone_cap, b->n_gone + 1, b->key_size);
	if (r)
		return r;
	memcpy(b->gone + b->n_gone * b->key_size, key, b->key_size);
	b->n_gone++;
	return 0;
}

int pst_batch_flush(struct pst_batch *b)
{
	int r = write_gone(b);

	return r ? r : write_put(b);
}

size_t pst_batch_written(const struct pst_batch *b)
{
	return b->written;
}
