/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The ring of kept bytes for native tests, and what else bpf/judge.h asks for. Include it before
 * bpf/judge.h.
 */

#include "bpf/tests/core.h"

#include "bpf/raw.h"

/* Which shard the next bytes are kept in; out of range: there is none. */
extern __u32 t_ring_here;

/* Requests that were allowed, since the test began. */
extern __u32 t_ring_allowed;

struct pst_raw *t_ring_shard(__u32 shard);

static inline struct pst_raw *pst_raw_shard(__u32 shard)
{
	return t_ring_shard(shard);
}

static inline __u32 pst_raw_here(void)
{
	return t_ring_here;
}

struct pst_judge;

static inline void pst_judge_allowed(const struct pst_judge *j)
{
	(void)j;
	t_ring_allowed++;
}
