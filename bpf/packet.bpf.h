/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Reading the headers of a packet, whose IP header is at BASE: 0 in cgroup_skb, behind the link's
 * header in tc. Lengths come from skb->len, never from the IP header: BIG TCP packets carry 0
 * there. Fragments arrive reassembled in cgroup_skb, and as they are in tc.
 */

#include "bpf/compat.h"

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>

struct pst_headers {
	__u8 src[16], dst[16];
	__u16 src_port, dst_port; /* for ICMP echo: the identifier, twice */
	__u8 protocol;
	__u8 tcp_flags;
	__u8 icmp_type;
	__u8 fragment;	 /* PST_FRAGMENT_* */
	__u32 transport; /* offset of the transport header */
	__u32 payload;	 /* offset of the payload */
	__u32 seq, ack;
};

enum {
	PST_TCP_FIN = 1,
	PST_TCP_SYN = 2,
	PST_TCP_RST = 4,
	PST_TCP_ACK = 16,
	PST_TCP_URG = 32,
	PST_MAX_EXTENSIONS = 6,
	PST_MAX_NEAR = 1 << 10, /* looked for in place; what is behind it is copied */
	PST_FRAGMENT_LATER = 1, /* what is called the transport header is none */
	PST_FRAGMENT_MORE = 2,	/* others follow */
	PST_OFFSET4 = 0x1fff,
	PST_MORE4 = 0x2000,
	PST_OFFSET6_LOW = 0xf8, /* the offset's lower byte; below it are flags */
	PST_MORE6 = 1,
};

PST_INLINE void pst_map_v4(__u8 out[16], const void *v4)
{
	__builtin_memset(out, 0, 10);
	out[10] = 0xff;
	out[11] = 0xff;
	__builtin_memcpy(out + 12, v4, 4);
}

/*
 * Copies the SIZE bytes of a header at OFF, SIZE being a constant. Headers lie in the linear part
 * of nearly every packet: there no helper is called.
 */
PST_INLINE int pst_load_header(struct __sk_buff *skb, __u32 off, void *ret, __u32 size)
{
	const __u8 *data = (const __u8 *)(long)skb->data, *end = (const __u8 *)(long)skb->data_end;

	if (off > PST_MAX_NEAR || data + off + size > end)
		return (int)bpf_skb_load_bytes(skb, off, ret, size);
	__builtin_memcpy(__builtin_assume_aligned(ret, 4), __builtin_assume_aligned(data + off, 4),
			 size);
	return 0;
}

PST_INLINE int pst_read_ipv4(struct __sk_buff *skb, struct pst_headers *h, __u32 base)
{
	struct iphdr ip;

	if (pst_load_header(skb, base, &ip, sizeof(ip)) || ip.ihl < 5)
		return -1;
	pst_map_v4(h->src, &ip.saddr);
	pst_map_v4(h->dst, &ip.daddr);
	h->protocol = ip.protocol;
	h->transport = base + ip.ihl * 4;
	if (ip.frag_off & bpf_htons(PST_OFFSET4))
		h->fragment = PST_FRAGMENT_LATER;
	if (ip.frag_off & bpf_htons(PST_MORE4))
		h->fragment |= PST_FRAGMENT_MORE;
	return 0;
}

PST_INLINE int pst_is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT;
}

/*
 * Steps over extension headers; too many make the packet unreadable, for the kernel reads on. So
 * does a routing header with segments left: the destination is not where the packet goes in the
 * end.
 */
PST_INLINE int pst_read_ipv6(struct __sk_buff *skb, struct pst_headers *h, __u32 base)
{
	struct ipv6hdr ip;
	__u32 off = base + sizeof(ip);
	__u8 next;

	if (pst_load_header(skb, base, &ip, sizeof(ip)))
		return -1;
	__builtin_memcpy(h->src, &ip.saddr, 16);
	__builtin_memcpy(h->dst, &ip.daddr, 16);
	next = ip.nexthdr;
	for (int i = 0; i < PST_MAX_EXTENSIONS; i++) {
		__u8 ext[4];

		if (!pst_is_extension(next))
			break;
		if (bpf_skb_load_bytes(skb, off, ext, sizeof(ext)))
			return -1;
		if (next == IPPROTO_ROUTING && ext[3])
			return -1;
		if (next == IPPROTO_FRAGMENT && (ext[2] || ext[3] & PST_OFFSET6_LOW))
			h->fragment |= PST_FRAGMENT_LATER;
		if (next == IPPROTO_FRAGMENT && ext[3] & PST_MORE6)
			h->fragment |= PST_FRAGMENT_MORE;
		off += next == IPPROTO_FRAGMENT ? 8 : (ext[1] + 1) * 8;
		next = ext[0];
	}
	if (pst_is_extension(next))
		return -1;
	h->protocol = next;
	h->transport = off;
	return 0;
}

PST_INLINE int pst_read_tcp(struct __sk_buff *skb, struct pst_headers *h)
{
	struct tcphdr tcp;

	if (pst_load_header(skb, h->transport, &tcp, sizeof(tcp)) || tcp.doff < 5)
		return -1;
	h->src_port = bpf_ntohs(tcp.source);
	h->dst_port = bpf_ntohs(tcp.dest);
	h->seq = bpf_ntohl(tcp.seq);
	h->ack = bpf_ntohl(tcp.ack_seq);
	h->tcp_flags = ((__u8 *)&tcp)[13];
	h->payload = h->transport + tcp.doff * 4;
	return h->payload > skb->len ? -1 : 0;
}

/* UDP, UDP-Lite, DCCP and SCTP begin with the two ports. */
PST_INLINE int pst_read_ports(struct __sk_buff *skb, struct pst_headers *h)
{
	__be16 ports[2];

	if (bpf_skb_load_bytes(skb, h->transport, ports, sizeof(ports)))
		return -1;
	h->src_port = bpf_ntohs(ports[0]);
	h->dst_port = bpf_ntohs(ports[1]);
	return 0;
}

PST_INLINE int pst_read_icmp(struct __sk_buff *skb, struct pst_headers *h)
{
	__u8 icmp[8];

	if (bpf_skb_load_bytes(skb, h->transport, icmp, sizeof(icmp)))
		return -1;
	h->icmp_type = icmp[0];
	h->src_port = h->dst_port = (__u16)(icmp[4] << 8 | icmp[5]);
	return 0;
}

/* Fills H from SKB; a negative number when the packet cannot be read. */
PST_SUBPROG int pst_read_headers(struct __sk_buff *skb, struct pst_headers *h, __u32 base)
{
	int err = -1;

	if (!h)
		return -1;
	__builtin_memset(h, 0, sizeof(*h));
	if (skb->protocol == bpf_htons(ETH_P_IP))
		err = pst_read_ipv4(skb, h, base);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		err = pst_read_ipv6(skb, h, base);
	if (err)
		return err;
	switch (h->protocol) {
	case IPPROTO_TCP:
		return pst_read_tcp(skb, h);
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return pst_read_ports(skb, h);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return pst_read_icmp(skb, h);
	default:
		return 0;
	}
}

enum { OPT_END = 0, OPT_NOP = 1, OPT_MPTCP = 30, MAX_OPTIONS = 40 };

struct option_scan {
	struct __sk_buff *skb;
	__u32 off, end;
	__u32 found;
};

PST_CALLBACK long next_option(__u32 i, void *ctx)
{
	struct option_scan *s = ctx;
	__u8 opt[2];

	(void)i;
	/* The last byte of the options can only be a one-byte one: the payload behind it is never
	 * empty. */
	if (s->off >= s->end || bpf_skb_load_bytes(s->skb, s->off, opt, sizeof(opt)))
		return 1;
	if (opt[0] == OPT_MPTCP)
		s->found = 1;
	if (opt[0] == OPT_END || opt[0] == OPT_MPTCP || (opt[0] != OPT_NOP && opt[1] < 2))
		return 1;
	s->off += opt[0] == OPT_NOP ? 1 : opt[1];
	return 0;
}

/*
 * Does the packet belong to a multipath connection? sock_create keeps new multipath sockets out; a
 * listener older than the daemon may still be one, and no single path shows what its application
 * reads (kernel-facts 3.5). OFF .. END are the TCP options; the usual ones, timestamps alone, are
 * told by their first four bytes.
 */
PST_SUBPROG int pst_is_multipath(struct __sk_buff *skb, __u32 off, __u32 end)
{
	struct option_scan s = {.skb = skb, .off = off, .end = end};
	__u8 usual[4] __attribute__((aligned(4)));

	if (off >= end || pst_load_header(skb, off, usual, sizeof(usual)))
		return 0;
	if (end - off == 12 && usual[0] == OPT_NOP && usual[1] == OPT_NOP && usual[2] == 8 &&
	    usual[3] == 10)
		return 0;
	bpf_loop(MAX_OPTIONS, next_option, &s, 0);
	return s.found;
}
