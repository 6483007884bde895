/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What leaves a pod as a part of a connection of its kernel's: it must say what the judge has seen
 * at the sender's socket, and a reset must not tell who is not to know.
 */

#include "bpf/device.bpf.h"
#include "bpf/kept.bpf.h"

/* Has the pod ever begun this connection? A lost entry costs a reset, not safety. */
PST_OUTLINE int has_begun(const struct packet *p)
{
	struct pst_exchange_key key;

	exchange_key(&key, p, PST_DIR_EGRESS);
	return bpf_map_lookup_elem(&pst_exchanges, &key) != NULL;
}

/*
 * POD is the pod's address. A reset without ACK answers a segment of no connection, or one that a
 * listener does not want. It goes to a server that the pod has called, and to whoever may connect
 * to the pod; others learn nothing. (A reset that ends a connection has ACK.)
 */
static __always_inline int on_reset(struct __sk_buff *skb, const struct packet *p,
				    const __u8 pod[16], const struct pst_config *config)
{
	struct pst_decision d;

	if (has_begun(p))
		return SKB_PASS;
	decide_as(&d, p, pod, PST_ROLE_SERVER, config);
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
