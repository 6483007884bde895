// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * At the host's side of a pod's veth: what the judge at the sockets (cgroup_skb.bpf.c) cannot see,
 * because no socket takes it and the pod's kernel answers by itself.
 *
 *	a SYN for a closed port			a reset
 *	a segment of no connection		a reset
 *	a datagram for a closed port		"port unreachable"
 *	an echo or timestamp request		its reply
 *	a protocol that nobody listens to	"protocol unreachable"
 *
 * Who is denied must get none of these, or he can tell what is there. What a socket takes is left
 * to the judge at the socket: it knows more, and a socket outside of the enforced cgroup is none of
 * ours.
 *
 * The filters on the devices (pst_to_pod, pst_from_pod) only jump: filters outlive the daemon, but
 * the kernel empties pst_tc_calls when its last descriptor and pin are gone, and from then on they
 * pass everything. So these programs end with the enforcement that they belong to, however the
 * daemon ends, and all devices change over to new ones in one step. What passes goes on to other
 * filters on the device.
 */
#include "bpf/context.bpf.h"
#include "bpf/exchange.bpf.h"

#include <linux/pkt_cls.h>

enum { MAX_DEVICES = 1 << 14 };

enum call { CALL_TO_POD, CALL_FROM_POD, CALL_MAX };

/* Filled by the daemon when a generation is in force; emptied by the kernel. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, CALL_MAX);
	__type(key, __u32);
	__type(value, __u32);
} pst_tc_calls SEC(".maps");

/* Index of a device -> id, in the daemon's network namespace, of the namespace of its other end. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_DEVICES);
	__type(key, __u32);
	__type(value, __s32);
} pst_tc_devices SEC(".maps");

static __always_inline int is_ipv4(const struct packet *p)
{
	const __u64 *high = (const __u64 *)p->h.dst;
	const __u32 *words = (const __u32 *)p->h.dst;

	return !high[0] && words[2] == bpf_htonl(0xffff);
}

static __always_inline __u32 fill_tuple(struct bpf_sock_tuple *t, const struct packet *p)
{
	__builtin_memset(t, 0, sizeof(*t));
	if (is_ipv4(p)) {
		__builtin_memcpy(&t->ipv4.saddr, p->h.src + 12, 4);
		__builtin_memcpy(&t->ipv4.daddr, p->h.dst + 12, 4);
		t->ipv4.sport = bpf_htons(p->h.src_port);
		t->ipv4.dport = bpf_htons(p->h.dst_port);
		return sizeof(t->ipv4);
	}
	__builtin_memcpy(&t->ipv6.saddr, p->h.src, 16);
	__builtin_memcpy(&t->ipv6.daddr, p->h.dst, 16);
	t->ipv6.sport = bpf_htons(p->h.src_port);
	t->ipv6.dport = bpf_htons(p->h.dst_port);
	return sizeof(t->ipv6);
}

/* Will a socket of the pod take the packet? A device of which nothing is known has none. */
PST_OUTLINE int has_socket(struct __sk_buff *skb, const struct packet *p)
{
	__u32 device = skb->ifindex, size;
	__s32 *netns = bpf_map_lookup_elem(&pst_tc_devices, &device);
	struct bpf_sock_tuple tuple;
	struct bpf_sock *sk;

	if (!netns)
		return 0;
	size = fill_tuple(&tuple, p);
	/* Constant sizes, which the verifier wants to see. */
	if (p->h.protocol == IPPROTO_TCP)
		sk = size == sizeof(tuple.ipv4)
			     ? bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv4), (__u32)*netns, 0)
			     : bpf_sk_lookup_tcp(skb, &tuple, sizeof(tuple.ipv6), (__u32)*netns, 0);
	else
		sk = size == sizeof(tuple.ipv4)
			     ? bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv4), (__u32)*netns, 0)
			     : bpf_sk_lookup_udp(skb, &tuple, sizeof(tuple.ipv6), (__u32)*netns, 0);
	if (!sk)
		return 0;
	bpf_sk_release(sk);
	return 1;
}

/*
 * Messages that answer nothing and are part of the network, not of anybody's traffic: what went
 * wrong with a packet that the pod has sent (its kernel looks for the socket, and answers nothing),
 * neighbours, multicast listeners.
 */
static __always_inline int is_network_message(const struct packet *p)
{
	__u32 type = p->h.icmp_type;

	if (p->h.protocol == IPPROTO_ICMP)
		return type == 3 || type == 4 || type == 11 || type == 12;
	return (type >= 1 && type <= 4) || (type >= 130 && type <= 137) || type == 143;
}

static __always_inline int is_icmp(const struct packet *p)
{
	return p->h.protocol == IPPROTO_ICMP || p->h.protocol == IPPROTO_ICMPV6;
}

static __always_inline int is_first_syn(const struct packet *p)
{
	return (p->h.tcp_flags & (PST_TCP_SYN | PST_TCP_ACK)) == PST_TCP_SYN;
}

/* Does the pod's kernel answer by itself, if it is let? */
static __always_inline int answers_itself(struct __sk_buff *skb, const struct packet *p)
{
	switch (p->h.protocol) {
	case IPPROTO_TCP:
		return !has_socket(skb, p);
	case IPPROTO_UDP:
		return !is_reply(p) && !has_socket(skb, p);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return !is_network_message(p) && !is_reply(p);
	default:
		return !is_reply(p);
	}
}

/* What the policy says about P, of which the local end has ROLE. */
static __always_inline void decide(struct pst_decision *d, const struct packet *p, __u32 role,
				   const struct pst_config *config)
{
	struct pst_question q;

	ask(&q, p, role);
	if (is_icmp(p))
		q.port = p->h.icmp_type;
	pst_decide(d, &q, config->generation);
}

/* Is ADDR one of an endpoint's? The node's own addresses and strangers pass by. */
static __always_inline int is_endpoint(const __u8 addr[16], const struct pst_config *config)
{
	const struct pst_addr_value *v = pst_addr_find(config->generation % PST_GEN_SLOTS, addr);

	return v && v->flags & PST_ADDR_ENDPOINT;
}

static __always_inline int is_ip(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IP) || skb->protocol == bpf_htons(ETH_P_IPV6);
}

static __always_inline int to_pod(struct __sk_buff *skb, struct packet *p)
{
	const struct pst_config *config = pst_config_get();
	struct pst_decision d;
	int unread;

	if (!config || !config->generation || !is_ip(skb))
		return SKB_PASS;
	unread = pst_read_headers(skb, &p->h, ETH_HLEN);
	/* The common case: of a connection, which is the judge's. */
	if (!unread && p->h.protocol == IPPROTO_TCP && !is_first_syn(p))
		return SKB_PASS;
	/* The first fragment decides for the others, which nobody can put together without it. */
	if (p->h.later_fragment || !is_endpoint(p->h.dst, config))
		return SKB_PASS;
	if (unread)
		return verdict(PST_REASON_BAD_PACKET, PST_DIR_INGRESS, SKB_DROP);
	if (!answers_itself(skb, p))
		return SKB_PASS;
	decide(&d, p, PST_ROLE_SERVER, config);
	if (d.verdict == PST_VERDICT_DENY)
		return pst_deny_l3l4(skb, p, &d, PST_ROLE_SERVER);
	if (is_icmp(p))
		remember_exchange(p); /* so that the reply may leave */
	return SKB_PASS;
}

/* Has the pod ever begun this connection? A lost entry costs a reset, not safety. */
PST_OUTLINE int has_begun(const struct packet *p)
{
	struct pst_exchange_key key;

	exchange_key(&key, p, PST_DIR_EGRESS);
	return bpf_map_lookup_elem(&pst_exchanges, &key) != NULL;
}

/*
 * A reset without ACK answers a segment of no connection, or one that a listener does not want. It
 * goes to a server that the pod has called, and to whoever may connect to the pod; others learn
 * nothing. (A reset that ends a connection has ACK.)
 */
static __always_inline int on_reset(struct __sk_buff *skb, const struct packet *p,
				    const struct pst_config *config)
{
	struct pst_decision d;

	if (has_begun(p))
		return SKB_PASS;
	decide(&d, p, PST_ROLE_SERVER, config);
	return d.verdict == PST_VERDICT_DENY ? pst_deny_l3l4(skb, p, &d, PST_ROLE_SERVER)
					     : SKB_PASS;
}

static __always_inline int from_pod(struct __sk_buff *skb, struct packet *p)
{
	const struct pst_config *config = pst_config_get();
	__u32 flags;

	if (!config || !config->generation || !is_ip(skb) ||
	    pst_read_headers(skb, &p->h, ETH_HLEN) || p->h.later_fragment)
		return SKB_PASS;
	flags = p->h.tcp_flags & (PST_TCP_SYN | PST_TCP_RST | PST_TCP_ACK);
	if (p->h.protocol != IPPROTO_TCP || (flags != PST_TCP_SYN && flags != PST_TCP_RST) ||
	    !is_endpoint(p->h.src, config))
		return SKB_PASS;
	if (flags == PST_TCP_RST)
		return on_reset(skb, p, config);
	remember_exchange(p);
	return SKB_PASS;
}

SEC("tc")
int pst_to_pod_call(struct __sk_buff *skb)
{
	struct packet p = {.direction = PST_DIR_INGRESS, .len = skb->len};

	return to_pod(skb, &p) == SKB_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int pst_from_pod_call(struct __sk_buff *skb)
{
	struct packet p = {.direction = PST_DIR_EGRESS, .len = skb->len};

	return from_pod(skb, &p) == SKB_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int pst_to_pod(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &pst_tc_calls, CALL_TO_POD);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int pst_from_pod(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &pst_tc_calls, CALL_FROM_POD);
	return TC_ACT_UNSPEC;
}

char LICENSE[] __weak SEC("license") = "Dual BSD/GPL";
