/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The maps, with who writes and who reads them, and accessors that make a wrong key type a compile
 * error. They are weak: each program file includes this header, the linker (bpftool gen object)
 * keeps one of each.
 */

#include "bpf/abi.h"
#include "bpf/compat.h"
#include "bpf/flow.h"

/* Which generation holds, and the switches. Written by the daemon, read by every program. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pst_config);
} pst_config __weak SEC(".maps");

/*
 * The tables of the generations, one slot each. The daemon writes a slot through mmap while no
 * generation uses it; 4 x 4.3 MiB. The walker looks a slot up once per head.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PST_GEN_SLOTS);
	__type(key, __u32);
	__type(value, struct pst_table);
} pst_tables __weak SEC(".maps");

/* Address -> identity and what is enforced there. Written by the daemon per slot, read at
 * connection set-up. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PST_GEN_SLOTS *PST_ADDR_ENTRIES);
	__type(key, struct pst_addr_key);
	__type(value, struct pst_addr_value);
} pst_addrs __weak SEC(".maps");

/* (subject, peer, direction, protocol, port) -> verdict. Written by the daemon per slot. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PST_GEN_SLOTS *PST_POLICY_ENTRIES);
	__type(key, struct pst_policy_key);
	__type(value, struct pst_policy_value);
} pst_policies __weak SEC(".maps");

/* State per connection; written by the programs, freed by the kernel with the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pst_flow);
} pst_flows __weak SEC(".maps");

/* When an exchange without connection was last allowed (ns). LRU: a lost entry costs a reply, not
 * safety. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, PST_EXCHANGE_ENTRIES);
	__type(key, struct pst_exchange_key);
	__type(value, __u64);
} pst_exchanges __weak SEC(".maps");

/* Has a listener ever heard over lo from an address that is not its own? */
__u32 pst_hears_strangers __weak;

/* Verdicts for the daemon. A full ring loses the event, never the verdict; losses are counted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, PST_RING_BYTES);
} pst_events __weak SEC(".maps");

/* Verdicts per reason (index) and direction; one more slot counts lost events. Read by the daemon.
 */
struct pst_counter {
	__u64 by_direction[2];
	__u64 audited[2]; /* denials that passed, by direction */
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PST_REASON_MAX + 1);
	__type(key, __u32);
	__type(value, struct pst_counter);
} pst_counters __weak SEC(".maps");

/* Client sockets in courtesy mode; entered by sockops, left by close(). */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, PST_COURTESY_SOCKETS);
	__type(key, struct pst_socket_key);
	__type(value, __u64);
} pst_courtesy __weak SEC(".maps");

PST_INLINE int pst_same_addr(const __u8 a[16], const __u8 b[16])
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return x[0] == y[0] && x[1] == y[1];
}

PST_INLINE const struct pst_config *pst_config_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&pst_config, &zero);
}

/* The table of GENERATION; NULL when its slot has been given to another one. */
PST_INLINE const struct pst_table *pst_table_get(__u32 generation)
{
	__u32 slot = generation % PST_GEN_SLOTS;
	const struct pst_table *t = bpf_map_lookup_elem(&pst_tables, &slot);

	if (!t || t->generation != generation || t->abi_version != PST_ABI_VERSION)
		return NULL;
	return t;
}

PST_INLINE void pst_count_as(__u32 reason, __u32 direction, int audited)
{
	struct pst_counter *c = bpf_map_lookup_elem(&pst_counters, &reason);

	if (!c)
		return;
	if (audited)
		c->audited[direction & 1]++;
	else
		c->by_direction[direction & 1]++;
}

PST_INLINE void pst_count(__u32 reason, __u32 direction)
{
	pst_count_as(reason, direction, 0);
}

PST_INLINE void pst_count_audited(__u32 reason, __u32 direction)
{
	pst_count_as(reason, direction, 1);
}

/* Does the daemon only audit? Asked where something is about to be denied. */
PST_INLINE int pst_is_audit(void)
{
	const struct pst_config *config = pst_config_get();

	return config && config->flags & PST_CONFIG_AUDIT;
}

/* One owner at a time; 0 when it is not to be had in a bounded time (kernel-facts 6.2). */
PST_INLINE int pst_lock(__u32 *lock)
{
	PST_UNROLL
	for (int i = 0; i < 16; i++)
		if (__sync_val_compare_and_swap(lock, 0, 1) == 0)
			return 1;
	return 0;
}

PST_INLINE void pst_unlock(__u32 *lock)
{
	__sync_lock_test_and_set(lock, 0);
}
