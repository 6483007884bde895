/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the programs know of the userspace proxy (docs/decisions/0021-two-legs.md).
 *
 * Its sockets carry a storage that only user space with a descriptor of the map can write, and that
 * the kernel copies from a listener to what it accepts. No mark, no port, no address that a pod
 * could choose says anything about it.
 */

#include "bpf/decide.bpf.h"

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

/* What an application is told, where the one at the other end of its socket is the proxy. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pst_ends);
} pst_peers __weak SEC(".maps");

/*
 * Servers whose clients have tried HTTP/2, which the kernel refuses: what begins there now is for
 * the proxy. Written by the daemon when it learns of a refusal. LRU: what is forgotten is refused
 * once more.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PST_HTTP2_SERVERS);
	__type(key, struct pst_end);
	__type(value, __u32);
} pst_http2 __weak SEC(".maps");

/* The namespaces where the proxy listens, by cookie. Written by the daemon. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PST_PLACES);
	__type(key, __u64);
	__type(value, struct pst_place);
} pst_places __weak SEC(".maps");

/*
 * Where a connection was to go that goes to the proxy instead, from its SYN until the helper has
 * asked. The key is that of a leg, with the client's end in the leg's place. LRU: who loses his
 * entry is reset.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PST_ORIGINS);
	__type(key, struct pst_leg_key);
	__type(value, struct pst_ends);
} pst_origins __weak SEC(".maps");

/* The same, as the helper has found it, for what the proxy has accepted. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pst_ends);
} pst_meant __weak SEC(".maps");

PST_INLINE int pst_is_ours(struct bpf_sock *sk)
{
	return bpf_sk_storage_get(&pst_ours, sk, NULL, 0) != NULL;
}

/* Is a connection with that decision one that the proxy judges? */
PST_INLINE int pst_is_for_proxy(const struct pst_decision *d, const struct pst_end *server)
{
	return d->verdict == PST_VERDICT_FALLBACK ||
	       (d->verdict == PST_VERDICT_JUDGE && bpf_map_lookup_elem(&pst_http2, server));
}
