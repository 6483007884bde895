// SPDX-License-Identifier: Apache-2.0
#include "proxy/share.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Addresses of one subnet differ in their last bytes. */
static struct pst_share **bucket(struct pst_shares *s, const struct pst_addr *workload)
{
	const uint8_t *b = workload->b;

	return &s->buckets[(b[15] ^ b[14] * 31u ^ b[13] * 7u) % PST_SHARE_BUCKETS];
}

void pst_shares_init(struct pst_shares *s, size_t most_conns, size_t most_bytes)
{
	*s = (struct pst_shares){.most_conns = most_conns, .most_bytes = most_bytes};
	pthread_mutex_init(&s->lock, NULL);
}

void pst_shares_fini(struct pst_shares *s)
{
	pthread_mutex_destroy(&s->lock);
}

/* Under the lock, as long as the shares are. NULL: there is no memory. */
static struct pst_share *find(struct pst_shares *s, const struct pst_addr *workload)
{
	struct pst_share **at = bucket(s, workload), *share = *at;

	while (share && memcmp(&share->workload, workload, sizeof(*workload)) != 0)
		share = share->next;
	if (share)
		return share;
	share = pst_mem_calloc(1, sizeof(*share));
	if (!share)
		return NULL;
	share->most_bytes = s->most_bytes;
	share->workload = *workload;
	share->next = *at;
	*at = share;
	return share;
}

int pst_share_take(struct pst_shares *s, const struct pst_addr *workload,
		   struct pst_share **ret_share)
{
	struct pst_share *share;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	share = find(s, workload);
	if (!share)
		r = -ENOMEM;
	else if (share->conns >= s->most_conns)
		r = -EDQUOT;
	else
		share->conns++;
	pthread_mutex_unlock(&s->lock);
	if (!r)
		*ret_share = share;
	return r;
}

void pst_share_give(struct pst_shares *s, struct pst_share *share)
{
	struct pst_share **at;
	bool last;

	pthread_mutex_lock(&s->lock);
	last = !--share->conns;
	if (last) {
		for (at = bucket(s, &share->workload); *at != share; at = &(*at)->next)
			;
		*at = share->next;
	}
	pthread_mutex_unlock(&s->lock);
	if (last)
		free(share);
}

bool pst_share_take_bytes(struct pst_share *share, size_t n)
{
	size_t has = share->bytes;

	do {
		if (has > share->most_bytes || n > share->most_bytes - has)
			return false;
	} while (!atomic_compare_exchange_weak(&share->bytes, &has, has + n));
	return true;
}

void pst_share_give_bytes(struct pst_share *share, size_t n)
{
	share->bytes -= n;
}

void pst_share_count_bytes(struct pst_share *share, size_t n)
{
	share->bytes += n;
}

bool pst_share_is_over(const struct pst_share *share)
{
	return share->bytes > share->most_bytes;
}
