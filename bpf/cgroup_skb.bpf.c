// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The authority: cgroup_skb, ingress and egress, at wire order, with the socket at hand
 * (kernel-facts 6.1-6.3).
 *
 * Every packet of a socket below the enforced cgroup comes through here. Connection set-up is
 * decided by L3/L4; then a connection's request direction is judged (bpf/judge.h) where the subject
 * is, and its response direction is followed (bpf/follow.h). Nothing returns "pass" because
 * something failed: each way of giving up is a reason of bpf/reason.h, counted.
 */
#include "bpf/context.bpf.h"
#include "bpf/exchange.bpf.h"
#include "bpf/l7.bpf.h"
#include "bpf/proxy.bpf.h"

/* The client's SYN on its way out: the flow begins here. */
PST_OUTLINE int client_begins(struct __sk_buff *skb, struct bpf_sock *sk, const struct packet *p,
			      const struct pst_config *config)
{
	struct pst_flow *f = bpf_sk_storage_get(&pst_flows, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	struct pst_question q;
	struct pst_decision d;

	if (!f)
		return verdict(PST_REASON_NO_STATE, PST_DIR_EGRESS, SKB_DROP);
	ask(&q, p, PST_ROLE_CLIENT);
	pst_decide(&d, &q, config->generation);
	if (pst_is_denial(&d) && pst_deny_l3l4(skb, p, &d, PST_ROLE_CLIENT) != SKB_PASS)
		return SKB_DROP;
	if (p->h.payload != p->len && !pst_is_lenient(&d))
		return verdict(PST_REASON_HANDSHAKE_DATA, PST_DIR_EGRESS, SKB_DROP);
	/* A socket may have been connected before, connect(AF_UNSPEC) does not free its storage:
	 * what is left of the old stream, such as an endless body, is none of this one's. */
	__builtin_memset(f, 0, sizeof(*f));
	f->role = PST_ROLE_CLIENT;
	f->flags = pst_is_ours(sk) ? PST_FLOW_OURS : PST_FLOW_STREAM_KNOWN;
	f->judged = p->h.seq + 1;
	adopt_decision(f, &d);
	return SKB_PASS;
}

/*
 * An urgent pointer takes a byte out of what the server reads, one that may come much later and in
 * packets without the flag; the packet that announces it needs no payload. It is dropped, not a
 * reason to end the connection: anybody can forge such a packet without knowing a sequence number.
 */
static __always_inline int is_urgent(const struct packet *p)
{
	return p->direction == PST_DIR_INGRESS && p->h.tcp_flags & PST_TCP_URG;
}

/*
 * Who gives his kernel segments over lo, as from somebody else, has a server of his own that
 * answers that one. Honest ones among them (a transparent proxy's) are answered over lo.
 */
static __always_inline void remember_stranger(const struct packet *p)
{
	if (!p->on_loopback || pst_same_addr(p->h.src, p->h.dst) || pst_is_loopback(p->h.src))
		return;
	pst_hears_strangers = 1;
	remember_exchange(p);
}

/* What reaches a listener: SYNs, and the last packet of a handshake. */
PST_OUTLINE int at_listener(struct __sk_buff *skb, const struct packet *p,
			    const struct pst_config *config)
{
	struct pst_question q;
	struct pst_decision d;

	ask(&q, p, PST_ROLE_SERVER);
	pst_decide(&d, &q, config->generation);
	if (d.verdict == PST_VERDICT_DENY || (pst_is_denial(&d) && p->h.tcp_flags & PST_TCP_SYN))
		return pst_deny_l3l4(skb, p, &d, PST_ROLE_SERVER);
	if (is_urgent(p) && !pst_is_lenient(&d))
		return verdict(PST_REASON_URGENT, PST_DIR_INGRESS, SKB_DROP);
	if (p->h.payload != p->len && !pst_is_lenient(&d))
		return verdict(PST_REASON_HANDSHAKE_DATA, PST_DIR_INGRESS, SKB_DROP);
	remember_stranger(p);
	return SKB_PASS;
}

/* Would the connection be free of rules whichever side began it, or these be in audit? */
PST_OUTLINE int free_of_rules(const struct packet *p, const struct pst_config *config)
{
	struct pst_question q;
	struct pst_decision d;

	ask(&q, p, PST_ROLE_CLIENT);
	pst_decide(&d, &q, config->generation);
	if (!pst_is_lenient(&d))
		return 0;
	ask(&q, p, PST_ROLE_SERVER);
	pst_decide(&d, &q, config->generation);
	return pst_is_lenient(&d);
}

/*
 * A connection without state is older than the daemon, or was made by other means than a handshake.
 * Which side began it is not known: it passes only when neither direction would be restricted.
 */
PST_OUTLINE int unknown_flow(struct __sk_buff *skb, struct bpf_sock *sk, const struct packet *p,
			     const struct pst_config *config)
{
	struct pst_flow *f;

	if (config->flags & PST_CONFIG_OLD_SOCKETS_PASS || free_of_rules(p, config))
		return SKB_PASS;
	f = bpf_sk_storage_get(&pst_flows, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (f && !(f->flags & PST_FLOW_DENIED)) {
		f->generation = config->generation;
		f->rule = ~0U;
		f->role = p->direction == PST_DIR_EGRESS ? PST_ROLE_CLIENT : PST_ROLE_SERVER;
		f->judged = p->h.seq;
		if (pst_has_netns_cookie)
			f->netns_cookie = bpf_get_netns_cookie(skb);
		pst_deny_l7(skb, p, f, pst_ruling(PST_ACTION_KILL, PST_REASON_UNKNOWN_FLOW));
	}
	return verdict(PST_REASON_UNKNOWN_FLOW, p->direction, SKB_DROP);
}

static __always_inline int established(struct __sk_buff *skb, struct bpf_sock *sk, struct packet *p,
				       const struct pst_config *config)
{
	struct pst_flow *f;
	int empty = p->h.payload == p->len, ends;

	f = bpf_sk_storage_get(&pst_flows, sk, NULL, 0);
	if (!f || f->role == PST_ROLE_NONE)
		return empty ? SKB_PASS : unknown_flow(skb, sk, p, config);
	ends = is_end(p, f);
	/* Other control packets carry nothing to judge: set-up was decided. */
	if (empty && !ends && !is_urgent(p))
		return answer_deferred(skb, sk, p, f);
	/* Nothing to judge and nothing to learn: the common case of an endpoint without HTTP rules.
	 */
	if (f->verdict == PST_VERDICT_ALLOW && f->generation == config->generation &&
	    !(f->flags & (PST_FLOW_COURTESY | PST_FLOW_STREAM_KNOWN | PST_FLOW_DENIED)))
		return SKB_PASS;
	if (is_urgent(p) && f->role == PST_ROLE_SERVER && f->verdict != PST_VERDICT_AUDIT) {
		if (!f->generation || f->verdict != PST_VERDICT_ALLOW)
			return verdict(PST_REASON_URGENT, p->direction, SKB_DROP);
		f->flags &= ~PST_FLOW_STREAM_KNOWN; /* HTTP rules can never apply to it */
	}
	if (empty && !ends)
		return SKB_PASS;
	if (!read_positions(p, sk))
		return verdict(PST_REASON_NO_STATE, p->direction, SKB_DROP);
	if (is_request_side(p, f)) {
		if (is_unacceptable(p))
			return verdict(PST_REASON_UNACCEPTABLE, p->direction, SKB_DROP);
		return pst_judge_side(skb, p, f, config);
	}
	return pst_follow_side(skb, p, f, config);
}

/*
 * TCP from a socket that is not TCP's: the daemon's answers, known by the socket's cookie (a mark
 * could be set by a pod), or somebody's raw socket, which has no stream to judge.
 */
PST_OUTLINE int on_raw(struct __sk_buff *skb, const struct packet *p,
		       const struct pst_config *config)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct pst_question q;
	struct pst_decision d;

	if (p->direction == PST_DIR_INGRESS)
		return SKB_PASS; /* a copy for a listener on raw sockets: it takes part in no
				    connection */
	if (cookie && (cookie == config->own_sockets[0] || cookie == config->own_sockets[1]))
		return SKB_PASS;
	ask(&q, p, PST_ROLE_CLIENT);
	pst_decide(&d, &q, config->generation);
	if (d.verdict == PST_VERDICT_ALLOW && !pst_is_denial(&d))
		return SKB_PASS;
	if (!pst_is_denial(&d))
		d.reason = PST_REASON_RAW_SOCKET;
	return pst_deny_l3l4(skb, p, &d, PST_ROLE_CLIENT);
}

/* Does P tell somebody else what is for the stranger that has begun its connection over lo? */
PST_OUTLINE int leaves_inward(struct bpf_sock *sk, const struct packet *p)
{
	struct pst_flow *f;

	if (p->direction != PST_DIR_EGRESS || p->on_loopback || p->h.payload == p->len)
		return 0;
	f = bpf_sk_storage_get(&pst_flows, sk, NULL, 0);
	return f && f->follow & PST_FOLLOW_INWARD;
}

static __always_inline int on_tcp(struct __sk_buff *skb, struct bpf_sock *sk, struct packet *p,
				  const struct pst_config *config)
{
	if (p->direction == PST_DIR_INGRESS && sk->state == BPF_TCP_LISTEN)
		return at_listener(skb, p, config);
	if (p->direction == PST_DIR_EGRESS &&
	    (p->h.tcp_flags & (PST_TCP_SYN | PST_TCP_ACK)) == PST_TCP_SYN)
		return client_begins(skb, sk, p, config);
	if (pst_hears_strangers && leaves_inward(sk, p))
		return verdict(PST_REASON_RAW_SOCKET, PST_DIR_EGRESS, SKB_DROP);
	return established(skb, sk, p, config);
}

/* UDP, ICMP and what else has no connection: allowed by policy, or as the reply to what was
 * allowed. */
PST_OUTLINE int on_datagram(struct __sk_buff *skb, const struct packet *p,
			    const struct pst_config *config)
{
	__u32 role = p->direction == PST_DIR_EGRESS ? PST_ROLE_CLIENT : PST_ROLE_SERVER;
	struct pst_question q;
	struct pst_decision d;

	if (is_neighbour_discovery(p) || is_reply(p))
		return SKB_PASS;
	ask(&q, p, role);
	/* Policies tell ICMP messages apart by type; the identifier only pairs them (is_reply()).
	 */
	if (p->h.protocol == IPPROTO_ICMP || p->h.protocol == IPPROTO_ICMPV6)
		q.port = p->h.icmp_type;
	pst_decide(&d, &q, config->generation);
	if ((d.verdict != PST_VERDICT_ALLOW || pst_is_denial(&d)) &&
	    pst_deny_l3l4(skb, p, &d, role) != SKB_PASS)
		return SKB_DROP;
	/* The node's own traffic needs no memory; for the others a full table costs a reply. */
	if (d.reason != PST_REASON_NO_POLICY || d.subject >= PST_ID_LOCAL)
		remember_exchange(p);
	return SKB_PASS;
}

static __always_inline int on_packet(struct __sk_buff *skb, __u32 direction)
{
	const struct pst_config *config = pst_config_get();
	struct packet p = {
		.direction = direction,
		.len = skb->len,
		.device = device_of(skb),
		.on_loopback = skb->ifindex == LOOPBACK_IFINDEX,
	};
	struct bpf_sock *sk;

	if (!config)
		return SKB_DROP;
	if (pst_read_headers(skb, &p.h, 0))
		return verdict(PST_REASON_BAD_PACKET, direction, SKB_DROP);
	if (p.h.protocol != IPPROTO_TCP)
		return on_datagram(skb, &p, config);
	sk = skb->sk;
	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk)
		return verdict(PST_REASON_NO_STATE, direction, SKB_DROP);
	if (sk->type != SOCKET_STREAM)
		return on_raw(skb, &p, config);
	return on_tcp(skb, sk, &p, config);
}

SEC("cgroup_skb/ingress")
int pst_ingress(struct __sk_buff *skb)
{
	return on_packet(skb, PST_DIR_INGRESS) == SKB_PASS;
}

SEC("cgroup_skb/egress")
int pst_egress(struct __sk_buff *skb)
{
	return on_packet(skb, PST_DIR_EGRESS) == SKB_PASS;
}

char LICENSE[] __weak SEC("license") = "Dual BSD/GPL";
