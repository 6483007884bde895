// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/tests/ring.h"

__u32 t_ring_here;
__u32 t_ring_allowed;

static struct pst_raw shards[PST_RAW_SHARDS];

struct pst_raw *t_ring_shard(__u32 shard)
{
	return shard < PST_RAW_SHARDS ? &shards[shard] : NULL;
}
