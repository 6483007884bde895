/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Many changes of one BPF map in few system calls.
 *
 * Changes are collected and written when there are PST_BATCH_CHANGES of them, and at the end.
 * Removals come before additions within a batch only: whoever fills a map to its limit removes
 * first.
 */

#include <stddef.h>
#include <stdint.h>

enum { PST_BATCH_CHANGES = 4096 };

struct pst_batch; /* of one map */

/* NULL: no memory. The map stays the caller's. */
struct pst_batch *pst_batch_new(int map_fd, size_t key_size, size_t value_size);

/* NULL is fine; *B becomes NULL. What was not flushed is not written. */
void pst_batch_free(struct pst_batch **b);

/* KEY gets VALUE. 0 or -errno of the map, which may be that of an earlier change. */
int pst_batch_put(struct pst_batch *b, const void *key, const void *value);

/* KEY is removed; it is fine when it is not there. The same results. */
int pst_batch_drop(struct pst_batch *b, const void *key);

int pst_batch_flush(struct pst_batch *b);

/* Changes that were written. */
size_t pst_batch_written(const struct pst_batch *b);
