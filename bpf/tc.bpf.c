// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * At the host's side of a pod's veth: what the judge at the sockets (cgroup_skb.bpf.c) cannot do.
 *
 * Bytes that it will judge, or has judged, are made the packet's own (make_private(), on_sent()).
 * And what it cannot see, since no socket takes it and the pod's kernel answers by itself, is
 * decided here:
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
 * Only here it is known, too, by the device, who has sent something: whoever uses another's address
 * (source.bpf.h), and whatever no socket has sent (stray.bpf.h).
 *
 * The filters on the devices (pst_to_pod, pst_from_pod) only jump: filters outlive the daemon, but
 * the kernel empties pst_tc_calls when its last descriptor and pin are gone, and from then on they
 * pass everything. So these programs end with the enforcement that they belong to, however the
 * daemon ends, and all devices change over to new ones in one step. What passes goes on to other
 * filters on the device.
 */
#include "bpf/frame.bpf.h"
#include "bpf/source.bpf.h"
#include "bpf/stray.bpf.h"

#include <linux/pkt_cls.h>

enum {
	ICMPV6_ADVERTISEMENT = 136,
	SMALL_PACKET = 2 << 10,
};

enum call { CALL_TO_POD, CALL_FROM_POD, CALL_MAX };

/* Filled by the daemon when a generation is in force; emptied by the kernel. */
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, CALL_MAX);
	__type(key, __u32);
	__type(value, __u32);
} pst_tc_calls SEC(".maps");

PST_OUTLINE int has_socket(struct __sk_buff *skb, const struct packet *p)
{
	struct bpf_sock *sk = find_socket(skb, p);

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

/* Echo, timestamp, extended echo: no request is the reply to another one with its identifier. */
static __always_inline int is_request(const struct packet *p)
{
	__u32 type = p->h.icmp_type;

	return p->h.protocol == IPPROTO_ICMP ? type == 8 || type == 13 || type == 42
					     : type == 128 || type == 160;
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
		return is_request(p) || (!is_network_message(p) && !is_reply(p));
	default:
		return !is_reply(p);
	}
}

static __always_inline int is_ip(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IP) || skb->protocol == bpf_htons(ETH_P_IPV6);
}

/* Does anything of the packet lie in pages that its sender may still write to? */
static __always_inline int is_shared(const struct __sk_buff *skb)
{
	long linear = (long)skb->data_end - (long)skb->data;

	return linear < (long)skb->len;
}

/*
 * Does the packet lie wholly in the body under way? Whoever judges this flow at the moment moves
 * its positions: then it is not known. A body's end stays where it is while packets are under way
 * between here and the judge.
 */
static __always_inline int is_in_body(struct pst_flow *f, const struct packet *p)
{
	volatile __u32 *at = &f->judged;
	volatile __u64 *left = &f->body_left;
	__u32 held = __sync_fetch_and_add(&f->judge_lock, 0);
	__u32 judged = *at;
	__u64 body = *left;

	held |= __sync_fetch_and_add(&f->judge_lock, 0);
	if (held || *at != judged || pst_seq_diff(p->h.seq, judged) < 0)
		return 0;
	return (__u32)(p->h.seq - judged) + (p->len - p->h.payload) <= body;
}

/* What of a connection to SK is never judged again behind this point. */
static __always_inline int is_free(struct bpf_sock *sk, const struct packet *p,
				   const struct pst_config *config)
{
	struct pst_flow *f;

	/* The judge may meet the packet when the connection is made. */
	if (sk->state == BPF_TCP_LISTEN || sk->state == BPF_TCP_SYN_RECV ||
	    sk->state == BPF_TCP_NEW_SYN_RECV)
		return 0;
	f = bpf_sk_storage_get(&pst_flows, sk, NULL, 0);
	if (!f || f->role != PST_ROLE_SERVER || f->follow & PST_FOLLOW_OPAQUE)
		return 1;
	if (f->verdict == PST_VERDICT_ALLOW && f->generation == config->generation)
		return 1;
	return is_in_body(f, p);
}

/* Does nobody judge what the packet holds? */
PST_OUTLINE int may_be_shared(struct __sk_buff *skb, const struct packet *p,
			      const struct pst_config *config)
{
	struct bpf_sock *sk = find_socket(skb, p);
	int may;

	if (!sk)
		return !is_endpoint(p->h.dst, config);
	may = is_free(sk, p, config);
	bpf_sk_release(sk);
	return may;
}

/*
 * The pages of what a process of this node sends (sendfile, splice) come here as they are, and are
 * copied only when the server reads: until then the sender may write to them what nobody has
 * judged. So bytes that may be judged as a head or as framing are copied before that. Bodies, and
 * what has come over a wire, are not; but of little it costs less to copy it than to look for the
 * socket that says whether one must.
 */
PST_OUTLINE int make_private(struct __sk_buff *skb, const struct packet *p,
			     const struct pst_config *config)
{
	int is_small = p->len <= SMALL_PACKET;

	if (!is_small && may_be_shared(skb, p, config))
		return SKB_PASS;
	if (!bpf_skb_pull_data(skb, skb->len))
		return SKB_PASS;
	if (is_small && may_be_shared(skb, p, config))
		return SKB_PASS;
	return drop(skb, p, config, PST_REASON_READ_FAILED);
}

/* A segment of a connection: the judge's, but for what it cannot do. */
static __always_inline int on_segment(struct __sk_buff *skb, const struct packet *p,
				      const struct pst_config *config)
{
	if (p->h.payload >= p->len || !is_shared(skb))
		return SKB_PASS;
	return make_private(skb, p, config);
}

static __always_inline int on_later_fragment(struct __sk_buff *skb, struct packet *p,
					     const struct pst_config *config)
{
	/* The first one decides for the others, which nobody can put together without it. */
	if (p->h.protocol != IPPROTO_TCP || !is_shared(skb) || !is_endpoint(p->h.dst, config) ||
	    !bpf_skb_pull_data(skb, skb->len))
		return SKB_PASS;
	p->h.src_port = p->h.dst_port = 0; /* what was read is payload */
	return drop(skb, p, config, PST_REASON_READ_FAILED);
}

static __always_inline int to_pod(struct __sk_buff *skb, struct packet *p)
{
	const struct pst_config *config = pst_config_get();
	struct pst_decision d;
	int unread;

	if (!config || !config->generation || skb->protocol == bpf_htons(ETH_P_ARP))
		return SKB_PASS;
	if (!is_ip(skb))
		return on_frame(skb, p, config);
	unread = pst_read_headers(skb, &p->h, ETH_HLEN);
	/* Not told of: it is as usual on a bridge that has forgotten where somebody is. */
	if (is_for_another(skb, p, config) &&
	    verdict(PST_REASON_FOR_ANOTHER, PST_DIR_INGRESS, SKB_DROP) != SKB_PASS)
		return SKB_DROP;
	if (p->h.fragment & PST_FRAGMENT_LATER)
		return on_later_fragment(skb, p, config);
	if (!unread && p->h.protocol == IPPROTO_TCP && !is_first_syn(p))
		return on_segment(skb, p, config);
	if (!is_endpoint(p->h.dst, config))
		return SKB_PASS;
	if (unread)
		return drop(skb, p, config, PST_REASON_BAD_PACKET);
	if (!answers_itself(skb, p))
		return SKB_PASS;
	decide(&d, p, PST_ROLE_SERVER, config);
	if (pst_is_denial(&d) && pst_deny_l3l4(skb, p, &d, PST_ROLE_SERVER) != SKB_PASS)
		return SKB_DROP;
	/* So that the reply may leave, or the error. What HTTP rules would allow nobody judges
	 * without a socket. */
	if (is_icmp(p) ||
	    (d.verdict == PST_VERDICT_ALLOW && (has_strays || p->h.protocol != IPPROTO_TCP)))
		remember_exchange(p);
	return SKB_PASS;
}

static __always_inline int from_pod(struct __sk_buff *skb, struct packet *p)
{
	const struct pst_config *config = pst_config_get();
	__u32 flags;
	int unread;

	if (!config || !config->generation)
		return SKB_PASS;
	if (skb->protocol == bpf_htons(ETH_P_ARP))
		return on_arp(skb, p, config);
	if (is_tag(skb))
		return on_tag(skb, p, config);
	if (!is_ip(skb))
		return on_frame(skb, p, config);
	unread = pst_read_headers(skb, &p->h, ETH_HLEN);
	if (on_source(skb, p, config) != SKB_PASS)
		return SKB_DROP;
	if (has_source_route(skb, p) && drop(skb, p, config, PST_REASON_BAD_PACKET) != SKB_PASS)
		return SKB_DROP;
	if (!unread && !(p->h.fragment & PST_FRAGMENT_LATER) && p->h.protocol == IPPROTO_ICMPV6 &&
	    p->h.icmp_type == ICMPV6_ADVERTISEMENT)
		return on_advertisement(skb, p, config);
	if (!is_of_socket(skb, p, unread))
		return without_socket(skb, p, config, unread);
	if (p->h.fragment & PST_FRAGMENT_LATER)
		return SKB_PASS; /* the first one decides */
	if (unread)
		return pst_senders_judged && is_endpoint(p->h.src, config)
			       ? drop(skb, p, config, PST_REASON_BAD_PACKET)
			       : SKB_PASS;
	if (p->h.protocol == IPPROTO_TCP && pst_senders_judged &&
	    (p->h.payload < p->len || p->h.fragment))
		return on_sent(skb, p, config);
	flags = p->h.tcp_flags & (PST_TCP_SYN | PST_TCP_RST | PST_TCP_ACK);
	if (p->h.protocol != IPPROTO_TCP || (flags != PST_TCP_SYN && flags != PST_TCP_RST) ||
	    !is_endpoint(p->h.src, config))
		return SKB_PASS;
	if (flags == PST_TCP_RST)
		return on_reset(skb, p, p->h.src, config);
	remember_exchange(p);
	return SKB_PASS;
}

SEC("tc")
int pst_to_pod_call(struct __sk_buff *skb)
{
	struct packet p = {.direction = PST_DIR_INGRESS, .len = skb->len, .device = device_of(skb)};

	return to_pod(skb, &p) == SKB_PASS ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

SEC("tc")
int pst_from_pod_call(struct __sk_buff *skb)
{
	struct packet p = {.direction = PST_DIR_EGRESS, .len = skb->len, .device = device_of(skb)};

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
