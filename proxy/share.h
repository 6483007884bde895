/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What each workload has of the proxy: connections, and bytes that are held for them. So one whose
 * clients are many, or read nothing, does not use up the proxy for the others.
 *
 * A workload is known by the address that the policy is asked about. There are no more shares than
 * connections: the last one of a workload takes its share away. All threads have the same shares,
 * and neither count is ever above its limit because two of them were fast.
 */

#include "policy/inventory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct pst_share {
	atomic_size_t bytes;
	size_t most_bytes;
	/* Of the shares, under their lock. */
	struct pst_addr workload;
	size_t conns;
	struct pst_share *next;
};

enum { PST_SHARE_BUCKETS = 256 };

struct pst_shares {
	size_t most_conns, most_bytes; /* of each workload */
	pthread_mutex_t lock;	       /* what follows */
	struct pst_share *buckets[PST_SHARE_BUCKETS];
};

/* Nobody has anything. */
void pst_shares_init(struct pst_shares *s, size_t most_conns, size_t most_bytes);

/* Everything must have been given back. */
void pst_shares_fini(struct pst_shares *s);

/* One more connection of WORKLOAD. 0; -EDQUOT when it has as many as it may have; -ENOMEM. */
int pst_share_take(struct pst_shares *s, const struct pst_addr *workload,
		   struct pst_share **ret_share);

/* One fewer, which has no bytes any more. SHARE may be gone then. */
void pst_share_give(struct pst_shares *s, struct pst_share *share);

/* N more bytes, or fewer. False: there would be more than there may be. */
bool pst_share_take_bytes(struct pst_share *share, size_t n);
void pst_share_give_bytes(struct pst_share *share, size_t n);

/* N more, of what has been taken already: there may be too many then. */
void pst_share_count_bytes(struct pst_share *share, size_t n);
bool pst_share_is_over(const struct pst_share *share);
