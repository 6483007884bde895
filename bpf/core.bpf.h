/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The core (bpf/judge.h, bpf/follow.h) in the kernel: where it finds bytes, time, and room to keep
 * framing.
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

/* A look at the clock costs a twentieth of a judged request. */
static __always_inline __u32 pst_clock_us(const struct pst_src *src)
{
	return src->events ? (__u32)(bpf_ktime_get_ns() / 1000) : 0;
}

#include "bpf/follow.h"
#include "bpf/judge.h"

/* The bytes of heads and chunk framing that TCP may not have taken yet (bpf/raw.h): 4 x 2.5 MiB. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PST_RAW_SHARDS);
	__type(key, __u32);
	__type(value, struct pst_raw);
} pst_kept __weak SEC(".maps");

static __always_inline struct pst_raw *pst_raw_shard(__u32 shard)
{
	return bpf_map_lookup_elem(&pst_kept, &shard);
}

static __always_inline __u32 pst_raw_here(void)
{
	return bpf_get_smp_processor_id();
}
