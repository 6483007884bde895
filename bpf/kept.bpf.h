/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The bytes of a packet in the kernel, and those that the judge has kept (bpf/raw.h): for the
 * judge, and for who looks once more whether a packet says what was judged (bpf/tc.bpf.c).
 */

#include "bpf/context.bpf.h"

struct pst_src {
	struct __sk_buff *skb;
	const struct packet *packet;
	__u32 events; /* 1: report what is allowed, too */
};

static __always_inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	/* 6.1 refuses a length masked as n & 31 with a test for zero behind it. */
	return bpf_skb_load_bytes(src->skb, off, buf, ((n - 1) & (PST_HTTP_CHUNK - 1)) + 1);
}

#include "bpf/raw.h"

/* The bytes of heads and chunk framing that TCP may not have taken yet (bpf/raw.h): 4 x 2.5 MiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PST_RAW_SHARDS);
	__type(key, __u32);
	__type(value, struct pst_raw);
} pst_kept __weak SEC(".maps");

/* Has a request been judged at its sender since the programs were loaded? Never 0 again. */
__u32 pst_senders_judged __weak;

static __always_inline struct pst_raw *pst_raw_shard(__u32 shard)
{
	return bpf_map_lookup_elem(&pst_kept, &shard);
}

static __always_inline __u32 pst_raw_here(void)
{
	return bpf_get_smp_processor_id();
}
