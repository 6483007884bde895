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
 * What a pod sends from an address that is not its own must not be taken for another's. Only here
 *it is known who has sent it: by the device.
 *
 * The filters on the devices (pst_to_pod, pst_from_pod) only jump: filters outlive the daemon, but
 * the kernel empties pst_tc_calls when its last descriptor and pin are gone, and from then on they
 * pass everything. So these programs end with the enforcement that they belong to, however the
 * daemon ends, and all devices change over to new ones in one step. What passes goes on to other
 * filters on the device.
 */
#include "bpf/exchange.bpf.h"
#include "bpf/kept.bpf.h"
#include "bpf/told.h"

#include <linux/pkt_cls.h>

enum {
	MAX_DEVICES = 1 << 14,
	ARP_SENDER = 14, /* offset of its address of IPv4 */
	ARP_TARGET = 24,
	ICMPV6_ADVERTISEMENT = 136,
	ADVERTISED = 8, /* offset of the address that it is about */
	VLAN_ID = 0xfff,
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

/* Index of a device -> what its other end is in. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, MAX_DEVICES);
	__type(key, __u32);
	__type(value, struct pst_device);
} pst_tc_devices SEC(".maps");

/* Who may send from which address. Filled by the daemon, and adopted by the next one. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PST_HOME_ENTRIES);
	__type(key, struct pst_home_key);
	__type(value, __u8);
} pst_homes SEC(".maps");

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

/* Is ADDR of a pod or a node, wherever that is? Policies know these by more than their address. */
static __always_inline int is_somebodys(const __u8 addr[16], const struct pst_config *config)
{
	const struct pst_addr_value *v = pst_addr_find(config->generation % PST_GEN_SLOTS, addr);

	return v && (v->flags & (PST_ADDR_ENDPOINT | PST_ADDR_HOST) ||
		     v->identity >> PST_ID_SCOPE_SHIFT == PST_ID_SCOPE_NODES ||
		     v->identity == PST_ID_REMOTE_NODE || v->identity == PST_ID_KUBE_APISERVER);
}

/*
 * Does the pod behind DEVICE use ADDR, which is somebody else's? An address that nobody has, as
 * pods that route for others use, is none.
 */
static __always_inline int is_anothers(const struct pst_device *device, const __u8 addr[16],
				       const struct pst_config *config)
{
	struct pst_home_key key = {.netns = device->netns};

	if (pst_same_addr(addr, device->own[0]) || pst_same_addr(addr, device->own[1]))
		return 0;
	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	return !bpf_map_lookup_elem(&pst_homes, &key) && is_somebodys(addr, config);
}

/* Told with the pod that has sent it as the subject, and the address that it has used as source. */
static __always_inline void tell_spoofed(struct __sk_buff *skb, const struct packet *p,
					 const struct pst_config *config,
					 const struct pst_device *device)
{
	__u32 slot = config->generation % PST_GEN_SLOTS;
	const struct pst_addr_value *v;
	struct pst_event *e = report_begin(skb, p, PST_ROLE_CLIENT);

	if (!e)
		return;
	v = pst_addr_find(slot, device->own[0]);
	e->subject = v ? v->identity : PST_ID_ANY;
	v = pst_addr_find(slot, p->h.dst);
	e->peer = v ? v->identity : PST_ID_WORLD;
	e->generation = config->generation;
	e->rule = ~0U;
	e->reason = PST_REASON_SPOOFED_SOURCE;
	e->layer = PST_LAYER_L3L4;
	if (pst_is_audit())
		e->outcome = PST_OUTCOME_AUDITED;
	__builtin_memcpy(e->sender, device->own[0], sizeof(e->sender));
	bpf_ringbuf_submit(e, 0);
}

/* What becomes of P, which the pod behind DEVICE has sent as somebody else. */
static __always_inline int drop_spoofed(struct __sk_buff *skb, const struct packet *p,
					const struct pst_config *config,
					const struct pst_device *device)
{
	if (pst_told_is_news(told, skb->ifindex, PST_REASON_SPOOFED_SOURCE, bpf_ktime_get_ns()))
		tell_spoofed(skb, p, config, device);
	return verdict(PST_REASON_SPOOFED_SOURCE, PST_DIR_EGRESS, SKB_DROP);
}

/* What becomes of P, as far as it matters that its sender uses P's source. */
PST_OUTLINE int on_source(struct __sk_buff *skb, const struct packet *p,
			  const struct pst_config *config)
{
	const struct pst_device *device = find_device(skb);

	if (!device || !device->is_checked || !is_anothers(device, p->h.src, config))
		return SKB_PASS;
	return drop_spoofed(skb, p, config, device);
}

/* Who answers for another's address gets what is sent there. An address of 0 asks for it only. */
static __always_inline int on_arp(struct __sk_buff *skb, struct packet *p,
				  const struct pst_config *config)
{
	__u8 sender[4], target[4];

	if (bpf_skb_load_bytes(skb, ETH_HLEN + ARP_SENDER, sender, sizeof(sender)) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + ARP_TARGET, target, sizeof(target)))
		return SKB_PASS; /* no address of IPv4 in it */
	pst_map_v4(p->h.src, sender);
	pst_map_v4(p->h.dst, target);
	return on_source(skb, p, config);
}

/* The same over IPv6: an advertisement is about an address that need not be its source. */
static __always_inline int on_advertisement(struct __sk_buff *skb, struct packet *p,
					    const struct pst_config *config)
{
	if (bpf_skb_load_bytes(skb, p->h.transport + ADVERTISED, p->h.src, sizeof(p->h.src)))
		return SKB_PASS; /* too short to be one */
	return on_source(skb, p, config);
}

/*
 * Behind one tag of a VLAN that is none the kernel reads a second one, and then IP: from which
 * address that comes is not seen here, and nobody needs it. The first tag has been taken off.
 */
PST_OUTLINE int on_tag(struct __sk_buff *skb, const struct packet *p,
		       const struct pst_config *config)
{
	const struct pst_device *device = find_device(skb);

	if (skb->vlan_tci & VLAN_ID || !device || !device->is_checked)
		return SKB_PASS;
	return drop_spoofed(skb, p, config, device);
}

static __always_inline int is_tag(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_8021Q) || skb->protocol == bpf_htons(ETH_P_8021AD);
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

	if (!config || !config->generation || !is_ip(skb))
		return SKB_PASS;
	unread = pst_read_headers(skb, &p->h, ETH_HLEN);
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

/* Is the sender of a segment whose socket is not found bound by HTTP rules? */
static __always_inline int may_be_judged(const struct packet *p, const struct pst_config *config)
{
	struct pst_decision d;

	if (!is_endpoint(p->h.src, config))
		return 0;
	decide(&d, p, PST_ROLE_CLIENT, config);
	return d.verdict == PST_VERDICT_JUDGE;
}

/*
 * Why the packet of F, which was judged, may not leave; 0: it may. Its framing is made its own
 * first, and then it must say what was judged: what leaves nobody can change any more. Below ACKED
 * nobody needs it, and what the judge knows of it may be forgotten; beyond what is judged it is of
 * a stream that the socket has given up. A fragment holds a part only, and the others do not say
 * whose they are: none of them can be put together without the first.
 */
static __always_inline __u32 why_not_sent(struct __sk_buff *skb, const struct packet *p,
					  const struct pst_flow *f, __u32 acked)
{
	struct pst_src src = {.skb = skb, .packet = p};
	__u32 start = p->h.seq, end = start + (p->len - p->h.payload), framed = f->framed;

	if (p->h.fragment || pst_seq_diff(start, acked) < 0 || pst_seq_diff(end, f->judged) > 0)
		return PST_REASON_REPEAT_PARTIAL;
	if (!pst_raw_newest(f) || pst_seq_diff(start, framed) >= 0)
		return 0; /* a body */
	if (pst_seq_diff(end, framed) > 0)
		end = framed;
	if (bpf_skb_pull_data(skb, p->h.payload + (end - start)))
		return PST_REASON_READ_FAILED;
	switch (pst_proof_of(f, &src, p->h.payload, start, end)) {
	case PST_PROOF_SAME:
		return 0;
	case PST_PROOF_DIFFERS:
		return PST_REASON_REPEAT_DIFFERS;
	default:
		return PST_REASON_REPEAT_PARTIAL;
	}
}

/* The same for what SK has sent, whoever it is. */
PST_OUTLINE int why_not_from(struct __sk_buff *skb, const struct packet *p, struct bpf_sock *sk)
{
	struct pst_flow *f = bpf_sk_storage_get(&pst_flows, sk, NULL, 0);
	struct bpf_tcp_sock *tcp;

	if (!f || f->role != PST_ROLE_CLIENT || f->verdict != PST_VERDICT_JUDGE ||
	    (f->flags & (PST_FLOW_OURS | PST_FLOW_STREAM_KNOWN)) != PST_FLOW_STREAM_KNOWN ||
	    f->follow & PST_FOLLOW_OPAQUE)
		return 0;
	tcp = bpf_tcp_sock(sk);
	return (int)(tcp ? why_not_sent(skb, p, f, tcp->snd_una) : PST_REASON_NO_STATE);
}

/* The same for a packet that does not know its socket. */
PST_OUTLINE int why_not_by_lookup(struct __sk_buff *skb, const struct packet *p,
				  const struct pst_config *config)
{
	struct bpf_sock *sk = find_socket(skb, p);
	int why;

	if (!sk)
		return may_be_judged(p, config) ? PST_REASON_UNKNOWN_FLOW : 0;
	why = why_not_from(skb, p, sk);
	bpf_sk_release(sk);
	return why;
}

/*
 * A process may write to pages that it has sent (sendfile, splice), until somebody copies them: so
 * what the judge has seen at the sender's socket may have changed on its way here, and what TCP
 * sends once more comes from the same pages. A packet knows its socket until somebody takes it from
 * it on the way; one that is bound to a device is not found from here.
 */
static __always_inline int on_sent(struct __sk_buff *skb, const struct packet *p,
				   const struct pst_config *config)
{
	struct bpf_sock *sk = skb->sk;
	int why;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (sk && sk->type == SOCKET_STREAM)
		why = why_not_from(skb, p, sk);
	else
		why = why_not_by_lookup(skb, p, config);
	return why ? drop(skb, p, config, (__u32)why) : SKB_PASS;
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
		return SKB_PASS;
	unread = pst_read_headers(skb, &p->h, ETH_HLEN);
	if (on_source(skb, p, config) != SKB_PASS)
		return SKB_DROP;
	if (p->h.fragment & PST_FRAGMENT_LATER)
		return SKB_PASS; /* the first one decides */
	if (!unread && p->h.protocol == IPPROTO_ICMPV6 && p->h.icmp_type == ICMPV6_ADVERTISEMENT)
		return on_advertisement(skb, p, config);
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
