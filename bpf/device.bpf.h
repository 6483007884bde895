/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the programs at the host's side of a pod (tc.bpf.c) have in common: which pod is behind the
 * device, which of its sockets a packet is of, and what the policy says about it.
 */

#include "bpf/exchange.bpf.h"
#include "bpf/told.h"

enum { MAX_DEVICES = 1 << 14 };

/* Index of a device -> what its other end is in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_DEVICES);
	__type(key, __u32);
	__type(value, struct pst_device);
} pst_tc_devices SEC(".maps");

/* Not adopted by the next daemon: it tells of what it sees. */
static __u64 told[PST_TOLD_PLACES];

static __always_inline int is_ipv4(const struct packet *p)
{
	const __u64 *high = (const __u64 *)p->h.dst;
	const __u32 *words = (const __u32 *)p->h.dst;

	return !high[0] && words[2] == bpf_htonl(0xffff);
}

/* As the pod sees it: the source is the peer, also of what the pod itself has sent. */
static __always_inline __u32 fill_tuple(struct bpf_sock_tuple *t, const struct packet *p)
{
	int out = p->direction == PST_DIR_EGRESS;
	const __u8 *peer = out ? p->h.dst : p->h.src, *pod = out ? p->h.src : p->h.dst;
	__u16 peer_port = bpf_htons(out ? p->h.dst_port : p->h.src_port);
	__u16 pod_port = bpf_htons(out ? p->h.src_port : p->h.dst_port);

	__builtin_memset(t, 0, sizeof(*t));
	if (is_ipv4(p)) {
		__builtin_memcpy(&t->ipv4.saddr, peer + 12, 4);
		__builtin_memcpy(&t->ipv4.daddr, pod + 12, 4);
		t->ipv4.sport = peer_port;
		t->ipv4.dport = pod_port;
		return sizeof(t->ipv4);
	}
	__builtin_memcpy(&t->ipv6.saddr, peer, 16);
	__builtin_memcpy(&t->ipv6.daddr, pod, 16);
	t->ipv6.sport = peer_port;
	t->ipv6.dport = pod_port;
	return sizeof(t->ipv6);
}

static __always_inline const struct pst_device *find_device(const struct __sk_buff *skb)
{
	__u32 index = skb->ifindex;

	return bpf_map_lookup_elem(&pst_tc_devices, &index);
}

/*
 * The pod's socket that will take the packet, or has sent it, to be released; NULL: none, or the
 * device is not known. Constant sizes, which the verifier wants to see.
 */
static __always_inline struct bpf_sock *find_socket(struct __sk_buff *skb, const struct packet *p)
{
	const struct pst_device *known = find_device(skb);
	struct bpf_sock_tuple t;
	__u32 size;
	__u64 netns;

	if (!known)
		return NULL;
	netns = (__u32)known->netns;
	size = fill_tuple(&t, p);
	if (p->h.protocol == IPPROTO_TCP)
		return size == sizeof(t.ipv4)
			       ? bpf_sk_lookup_tcp(skb, &t, sizeof(t.ipv4), netns, 0)
			       : bpf_sk_lookup_tcp(skb, &t, sizeof(t.ipv6), netns, 0);
	return size == sizeof(t.ipv4) ? bpf_sk_lookup_udp(skb, &t, sizeof(t.ipv4), netns, 0)
				      : bpf_sk_lookup_udp(skb, &t, sizeof(t.ipv6), netns, 0);
}

static __always_inline int is_icmp(const struct packet *p)
{
	return p->h.protocol == IPPROTO_ICMP || p->h.protocol == IPPROTO_ICMPV6;
}

static __always_inline int is_first_syn(const struct packet *p)
{
	return (p->h.tcp_flags & (PST_TCP_SYN | PST_TCP_ACK)) == PST_TCP_SYN;
}

/* What the policy says about P, of which the local end, known to it by LOCAL, has ROLE. */
static __always_inline void decide_as(struct pst_decision *d, const struct packet *p,
				      const __u8 local[16], __u32 role,
				      const struct pst_config *config)
{
	struct pst_question q;

	ask(&q, p, role);
	__builtin_memcpy(q.local, local, sizeof(q.local));
	if (is_icmp(p))
		q.port = p->h.icmp_type;
	pst_decide(d, &q, config->generation);
}

static __always_inline void decide(struct pst_decision *d, const struct packet *p, __u32 role,
				   const struct pst_config *config)
{
	decide_as(d, p, p->direction == PST_DIR_EGRESS ? p->h.src : p->h.dst, role, config);
}

/*
 * What becomes of P, which must not go on for REASON, whatever the policy says: it is dropped, but
 * in audit, counted, and told of now and then. The event names the L3/L4 rule that P falls under.
 */
PST_OUTLINE int drop(struct __sk_buff *skb, const struct packet *p, const struct pst_config *config,
		     __u32 reason)
{
	__u32 role = p->direction == PST_DIR_EGRESS ? PST_ROLE_CLIENT : PST_ROLE_SERVER;
	struct pst_decision d;

	if (!pst_told_is_news(told, skb->ifindex, reason, bpf_ktime_get_ns()))
		return verdict(reason, p->direction, SKB_DROP);
	decide(&d, p, role, config);
	d.verdict = pst_is_audit() ? PST_VERDICT_ALLOW : PST_VERDICT_DENY;
	d.reason = (__u8)reason;
	return pst_deny_l3l4(skb, p, &d, role);
}

/* Is ADDR one of an endpoint's? The node's own addresses and strangers pass by. */
static __always_inline int is_endpoint(const __u8 addr[16], const struct pst_config *config)
{
	const struct pst_addr_value *v = pst_addr_find(config->generation % PST_GEN_SLOTS, addr);

	return v && v->flags & PST_ADDR_ENDPOINT;
}
