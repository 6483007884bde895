/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the programs know of the userspace proxy (docs/decisions/0021-two-legs.md).
 *
 * Its sockets carry a storage that only user space with a descriptor of the map can write, and that
 * the kernel copies from a listener to what it accepts. No mark, no port, no address that a pod
 * could choose says anything about it.
 */

#include "bpf/maps.bpf.h"

/* The proxy's own sockets: enum pst_ours. Written by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u32);
} pst_ours __weak SEC(".maps");

/* Whom a leg speaks for, from before it connects until its server has taken it. LRU: a lost entry
 * costs an application the name of its peer. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PST_LEGS);
	__type(key, struct pst_leg_key);
	__type(value, struct pst_end);
} pst_legs __weak SEC(".maps");

/* The peer that an application is told, where the one on its socket is the proxy. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pst_end);
} pst_peers __weak SEC(".maps");

PST_INLINE int pst_is_ours(struct bpf_sock *sk)
{
	return bpf_sk_storage_get(&pst_ours, sk, NULL, 0) != NULL;
}
