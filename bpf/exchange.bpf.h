/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What has no connection (UDP, ICMP, SCTP): which packets answer others that were allowed. An
 * answer leaves by the device by which the question has come: what a pod gives to itself as from
 * somebody else, over lo or a device that it has made, lets nothing out to that one.
 */

#include "bpf/context.bpf.h"

static const __u64 exchange_timeout_ns = 60 * 1000 * 1000 * 1000ULL;

static __always_inline void exchange_key(struct pst_exchange_key *k, const struct packet *p,
					 __u32 began)
{
	int out = p->direction == PST_DIR_EGRESS;

	__builtin_memset(k, 0, sizeof(*k));
	__builtin_memcpy(k->local, out ? p->h.src : p->h.dst, 16);
	__builtin_memcpy(k->remote, out ? p->h.dst : p->h.src, 16);
	k->local_port = out ? p->h.src_port : p->h.dst_port;
	k->remote_port = out ? p->h.dst_port : p->h.src_port;
	k->protocol = p->h.protocol;
	k->direction = (__u8)began;
	k->device = began == PST_DIR_INGRESS ? p->device : 0;
}

/* Neighbour discovery is part of the link, not of anybody's policy (RFC 4861). */
static __always_inline int is_neighbour_discovery(const struct packet *p)
{
	return p->h.protocol == IPPROTO_ICMPV6 && p->h.icmp_type >= 133 && p->h.icmp_type <= 137;
}

/* Was what KEY says allowed, not long ago? */
static __always_inline int is_recent(const struct pst_exchange_key *key)
{
	__u64 *seen = bpf_map_lookup_elem(&pst_exchanges, key);

	return seen && bpf_ktime_get_ns() - *seen < exchange_timeout_ns;
}

/* Is the packet the reply in an exchange that was allowed the other way, not long ago? */
PST_OUTLINE int is_reply(const struct packet *p)
{
	struct pst_exchange_key key;

	exchange_key(&key, p, !p->direction);
	return is_recent(&key);
}

PST_OUTLINE int remember_exchange(const struct packet *p)
{
	__u64 now = bpf_ktime_get_ns();
	struct pst_exchange_key key;

	exchange_key(&key, p, p->direction);
	return bpf_map_update_elem(&pst_exchanges, &key, &now, BPF_ANY);
}
