/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What leaves a pod and no socket of its kernel has sent: from packet and XDP sockets, TUN devices,
 * a stack of the pod's own, tunnels, and what the pod forwards. The judge at the sockets has not
 * been asked, so the policy is asked here (docs/decisions/0037).
 */

#include "bpf/sent.bpf.h"
#include "bpf/source.bpf.h"

enum {
	FAMILY_IPV4 = 2, /* AF_INET */
	FAMILY_IPV6 = 10,
	ICMP_HEADER = 8,
	/* Of a neighbour, with the one option that Ethernet needs. */
	LONGEST_SOLICITATION = ETH_HLEN + sizeof(struct ipv6hdr) + 32,
	TCP_SUM = 16, /* offsets of checksums */
	UDP_SUM = 6,
	SUM_SIZE = 2,
	PROBED = 12,   /* offset of two bytes that each header of IP has */
	FRAGMENTS = 2, /* in the place of enum pst_dir: the first one may leave */
};

/* Which connection of the pod's kernel a segment is of, where it is not one that was judged. */
enum { OF_NONE = -1, OF_LISTENER = -2 };

/*
 * Can it be found out here where a checksum will be written (is_summed_over())? Set by the loader:
 * on 6.1 the answer of a stack behind a pod was taken for one that is summed over.
 */
const volatile __u8 pst_finds_sums __weak;

/* Has a pod ever sent something so? Then who is let in where no socket listens is remembered. */
static volatile __u32 has_strays;

/*
 * Is P what the socket that it names has sent, as the judge was asked, or the pod's kernel in
 * answer? What was wrapped on its way (a tunnel, VXLAN) still names the socket of what is inside,
 * and nobody was asked about the outside.
 */
static __always_inline int is_of_socket(struct __sk_buff *skb, const struct packet *p, int unread)
{
	struct bpf_sock *sk = skb->sk, *full;

	if (!sk || (sk->family != FAMILY_IPV4 && sk->family != FAMILY_IPV6))
		return 0;
	if (unread)
		return 1;
	full = bpf_sk_fullsock(sk);
	if (!full)
		return p->h.protocol == IPPROTO_TCP;
	/* As the pod's kernel answers; else a raw socket is asked about no more than a stray is.
	 * The kernel's ICMP is asked about, too: it may answer what the pod has given to itself. */
	if (full->type == SOCKET_RAW)
		return p->h.protocol == IPPROTO_TCP;
	if (full->protocol != p->h.protocol)
		return 0;
	/* Nothing wraps in TCP. A reset leaves when its socket has given up its port. */
	return p->h.fragment & PST_FRAGMENT_LATER || p->h.protocol != IPPROTO_UDP ||
	       full->src_port == p->h.src_port;
}

/*
 * Why P, which has lost its socket or never had one, may not leave as a segment of SK's connection;
 * 0: it may; OF_NONE: it is none, and the policy decides; OF_LISTENER: its part of a handshake,
 * which goes to who may connect. Only what SK has sent was judged.
 */
static __always_inline int why_not_of(struct __sk_buff *skb, const struct packet *p,
				      struct bpf_sock *sk, const struct pst_config *config)
{
	int has_payload = p->h.payload < p->len || p->h.fragment;
	struct pst_flow *f;

	if (sk->state == BPF_TCP_LISTEN)
		return !has_payload && p->h.tcp_flags & PST_TCP_ACK ? OF_LISTENER : OF_NONE;
	if (!has_payload)
		return 0;
	f = bpf_sk_storage_get(&pst_flows, sk, NULL, 0);
	if (!f)
		return OF_NONE;
	if (f->role != PST_ROLE_CLIENT || f->follow & PST_FOLLOW_OPAQUE)
		return 0;
	if (f->verdict != PST_VERDICT_JUDGE)
		return pst_is_audit() || (f->verdict == PST_VERDICT_ALLOW &&
					  f->generation == config->generation)
			       ? 0
			       : OF_NONE;
	if ((f->flags & (PST_FLOW_OURS | PST_FLOW_STREAM_KNOWN)) != PST_FLOW_STREAM_KNOWN)
		return PST_REASON_RAW_SOCKET;
	return why_not_from(skb, p, sk);
}

PST_OUTLINE int why_not_in_a_connection(struct __sk_buff *skb, const struct packet *p,
					const struct pst_config *config)
{
	struct bpf_sock *sk = find_socket(skb, p);
	int why;

	if (!sk)
		return OF_NONE;
	why = why_not_of(skb, p, sk, config);
	bpf_sk_release(sk);
	return why;
}

static __always_inline int is_to_many(const struct packet *p)
{
	return is_ipv4(p) ? p->h.dst[12] >= 224 : p->h.dst[0] == 0xff;
}

/* Is the destination at the pod's own link, as far as addresses say? */
PST_OUTLINE int is_near(const struct __sk_buff *skb, const struct packet *p, const __u8 subject[16],
			const struct pst_config *config)
{
	const struct pst_device *device = find_device(skb);
	const __u64 *dst = (const __u64 *)p->h.dst;

	if (p->h.dst[0] == 0xfe && (p->h.dst[1] & 0xc0) == 0x80)
		return 1;
	if (*(const __u64 *)subject == *dst)
		return 1;
	if (device &&
	    (*(const __u64 *)device->own[0] == *dst || *(const __u64 *)device->own[1] == *dst))
		return 1;
	return is_somebodys(p->h.dst, config) && !is_endpoint(p->h.dst, config); /* a node */
}

/*
 * Neighbours and multicast groups are a matter of the link: their packets have no socket. Who tells
 * one host alone of groups tells it something else; so does who asks it, or advertises, with more
 * than the one option that says where he is, or beyond the link.
 */
static __always_inline int is_of_link(const struct __sk_buff *skb, const struct packet *p,
				      const __u8 subject[16], const struct pst_config *config)
{
	if (!is_to_many(p))
		return p->h.protocol == IPPROTO_ICMPV6 &&
		       (p->h.icmp_type == 135 || p->h.icmp_type == 136) &&
		       p->len <= LONGEST_SOLICITATION && is_near(skb, p, subject, config);
	return is_neighbour_discovery(p) || p->h.protocol == IPPROTO_IGMP ||
	       (p->h.protocol == IPPROTO_ICMPV6 &&
		((p->h.icmp_type >= 130 && p->h.icmp_type <= 132) || p->h.icmp_type == 143));
}

/* Does P say what went wrong with a packet of its receiver's? */
static __always_inline int is_error(const struct packet *p)
{
	__u32 type = p->h.icmp_type;

	if (p->h.protocol == IPPROTO_ICMP)
		return type == 3 || type == 11 || type == 12;
	return p->h.protocol == IPPROTO_ICMPV6 && type >= 1 && type <= 4;
}

/*
 * Does P, an error, quote a packet of its receiver's that was let in, or that answers the pod? What
 * it quotes takes the place of P's headers for a moment.
 */
PST_OUTLINE int quotes_known(struct __sk_buff *skb, struct packet *p)
{
	struct pst_exchange_key key;
	int is_known = 0;

	exchange_key(&key, p, PST_DIR_INGRESS);
	if (!pst_read_headers(skb, &p->h, p->h.transport + ICMP_HEADER)) {
		key.local_port = p->h.dst_port;
		key.remote_port = p->h.src_port;
		key.protocol = p->h.protocol;
		is_known = is_recent(&key);
		key.direction = PST_DIR_EGRESS;
		key.device = 0;
		is_known |= is_recent(&key);
	}
	return !pst_read_headers(skb, &p->h, ETH_HLEN) && is_known;
}

/* May fragments follow to where P, a first one, may go, or has P, a later one, such a first one? */
static __always_inline void fragments_key(struct pst_exchange_key *key, const struct packet *p)
{
	exchange_key(key, p, FRAGMENTS);
	key->local_port = key->remote_port = 0;
}

PST_OUTLINE int has_first_fragment(const struct packet *p)
{
	struct pst_exchange_key key;

	fragments_key(&key, p);
	return is_recent(&key);
}

PST_OUTLINE int let_out(const struct packet *p)
{
	struct pst_exchange_key key;
	__u64 now = bpf_ktime_get_ns();

	fragments_key(&key, p);
	if (p->h.fragment)
		bpf_map_update_elem(&pst_exchanges, &key, &now, BPF_ANY);
	return SKB_PASS;
}

/* Does P come from 0.0.0.0 or ::, and go to all or many, as who asks for an address sends? */
static __always_inline int has_no_address_yet(const struct packet *p)
{
	const __u32 *src = (const __u32 *)p->h.src;

	if (src[0] | src[1] | src[3] || (src[2] && src[2] != bpf_htonl(0xffff)))
		return 0;
	return is_to_many(p);
}

static __always_inline int is_checked(const struct __sk_buff *skb)
{
	const struct pst_device *device = find_device(skb);

	return device && device->is_checked;
}

/*
 * By which address the policy knows who has sent P: its source, or one of the pod's behind the
 * device when that is nobody's. NULL: it is not known whose it is.
 */
static __always_inline const __u8 *find_subject(const struct __sk_buff *skb, const struct packet *p,
						const struct pst_config *config)
{
	const struct pst_device *device;

	if (is_endpoint(p->h.src, config))
		return p->h.src;
	device = find_device(skb);
	if (!device || !device->is_checked || !is_endpoint(device->own[0], config))
		return NULL;
	return device->own[0];
}

/* P is not simply allowed by D: what HTTP rules would have to allow nobody follows here. */
static __always_inline int deny_stray(struct __sk_buff *skb, const struct packet *p,
				      struct pst_decision *d, __u32 role)
{
	if (!pst_is_denial(d)) {
		d->reason = PST_REASON_RAW_SOCKET;
		if (!pst_is_audit())
			d->verdict = PST_VERDICT_DENY;
	}
	return pst_deny_l3l4(skb, p, d, role);
}

enum { NOT_LET_IN = -1 };

/*
 * What becomes of P if it is of a connection that was let in where no socket listens, to the pod
 * that is known as SUBJECT; NOT_LET_IN: it is of none. A connection may outlive what let it in.
 */
PST_OUTLINE int on_let_in(struct __sk_buff *skb, const struct packet *p, const __u8 subject[16],
			  const struct pst_config *config)
{
	struct pst_exchange_key key;
	struct pst_decision d;

	exchange_key(&key, p, PST_DIR_INGRESS);
	if (!subject || !bpf_map_lookup_elem(&pst_exchanges, &key))
		return NOT_LET_IN;
	decide_as(&d, p, subject, PST_ROLE_SERVER, config);
	if (d.verdict == PST_VERDICT_ALLOW && !pst_is_denial(&d))
		return SKB_PASS;
	return deny_stray(skb, p, &d, PST_ROLE_SERVER);
}

/*
 * What no socket of the pod has sent, the judge at the sockets has not seen. The policy is asked
 * here, for each packet, as for what a raw socket sends: what HTTP rules would have to allow is
 * dropped, since nobody follows it. So is a connection that the pod would take over such a way
 * where HTTP rules apply: it ends with the answer to its SYN.
 */
PST_OUTLINE int on_stray(struct __sk_buff *skb, struct packet *p, const struct pst_config *config,
			 int unread, int of)
{
	__u8 flags = p->h.tcp_flags & (PST_TCP_SYN | PST_TCP_RST | PST_TCP_ACK);
	int is_tcp = p->h.protocol == IPPROTO_TCP;
	const __u8 *subject;
	struct pst_decision d;
	int in;

	subject = has_no_address_yet(p) ? NULL : find_subject(skb, p, config);
	if (!subject)
		return SKB_PASS;
	if (p->h.fragment & PST_FRAGMENT_LATER) {
		if (has_first_fragment(p))
			return SKB_PASS;
		p->h.src_port = p->h.dst_port = 0; /* what was read is payload */
		is_tcp = 0;
	} else {
		if (unread)
			return drop(skb, p, config, PST_REASON_BAD_PACKET);
		if (is_of_link(skb, p, subject, config))
			return SKB_PASS;
		if (!is_tcp && (is_reply(p) || (is_error(p) && quotes_known(skb, p))))
			return let_out(p);
		has_strays = 1;
		in = is_tcp ? on_let_in(skb, p, subject, config) : NOT_LET_IN;
		if (in != NOT_LET_IN)
			return in;
		if (of == OF_LISTENER || (is_tcp && flags & PST_TCP_RST && p->h.payload >= p->len))
			return on_reset(skb, p, subject, config);
	}
	decide_as(&d, p, subject, PST_ROLE_CLIENT, config);
	if (d.verdict == PST_VERDICT_ALLOW && !pst_is_denial(&d) &&
	    !(is_tcp && flags == (PST_TCP_SYN | PST_TCP_ACK))) {
		/* What comes from an address that may be another's lets nothing in to that. */
		if ((!is_tcp || flags == PST_TCP_SYN) && is_checked(skb))
			remember_exchange(p);
		return let_out(p);
	}
	return deny_stray(skb, p, &d, PST_ROLE_CLIENT);
}

/* Up to where the kernel's own checksum of P would be written, which is behind what is read here.
 */
static __always_inline __u32 sum_end(const struct packet *p)
{
	if (p->h.fragment & PST_FRAGMENT_LATER)
		return p->h.transport + SUM_SIZE;
	return p->h.transport + (p->h.protocol == IPPROTO_TCP ? TCP_SUM : UDP_SUM) + SUM_SIZE;
}

/*
 * Will a checksum be written over what is read here? Packet sockets and TUN devices may leave that
 * to who needs it (virtio_net_hdr), of which bytes and where their user likes: a node that makes
 * fragments of P, or a device that sums for TCP and UDP alone, so writes another source or port.
 *
 * Whether a sum is due no field says: bpf_l4_csum_replace() then leaves alone what is not of the
 * pseudo header. Where it is due bpf_skb_change_tail() says: it refuses to cut that off. It has
 * only cut off what is dropped.
 */
PST_OUTLINE int is_summed_over(struct __sk_buff *skb, const struct packet *p)
{
	__u32 at = ETH_HLEN + PROBED;
	__u16 before, after;

	if (!pst_finds_sums)
		return 0;
	if (bpf_skb_load_bytes(skb, at, &before, sizeof(before)) ||
	    bpf_l4_csum_replace(skb, at, 0, 1, sizeof(before)) ||
	    bpf_skb_load_bytes(skb, at, &after, sizeof(after)))
		return 1;
	if (before != after)
		return bpf_skb_store_bytes(skb, at, &before, sizeof(before), 0) != 0;
	return !bpf_skb_change_tail(skb, sum_end(p) - 1, 0);
}

/* Packet sockets, XDP sockets, TUN devices, what is forwarded; and what was parted from its socket
 * on the way. */
static __always_inline int without_socket(struct __sk_buff *skb, struct packet *p,
					  const struct pst_config *config, int unread)
{
	int why = OF_NONE;

	if (is_summed_over(skb, p))
		return drop(skb, p, config, PST_REASON_BAD_PACKET);
	if (!unread && p->h.protocol == IPPROTO_TCP && !(p->h.fragment & PST_FRAGMENT_LATER))
		why = why_not_in_a_connection(skb, p, config);
	if (why < 0)
		return on_stray(skb, p, config, unread, why);
	if (why)
		return drop(skb, p, config, (__u32)why);
	if (is_first_syn(p) && is_endpoint(p->h.src, config))
		remember_exchange(p);
	return SKB_PASS;
}
