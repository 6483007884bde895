// SPDX-License-Identifier: Apache-2.0
#include "enforcer/segment.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TCP_HEADER = 20,
	TCP_TIMESTAMP = 12,
	TTL = 64,
	DONT_FRAGMENT = 0x4000,
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* Adds LEN bytes to a ones' complement sum; an odd last byte counts as if followed by 0 (RFC 1071).
 */
static uint64_t add_bytes(uint64_t sum, const uint8_t *p, size_t len)
{
	for (; len >= 2; p += 2, len -= 2)
		sum += (uint32_t)p[0] << 8 | p[1];
	return len ? sum + ((uint32_t)p[0] << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

bool pst_segment_is_v4(const struct pst_addr *addr)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return !memcmp(addr->b, prefix, sizeof(prefix));
}

static size_t put_ipv4(const struct pst_segment *seg, uint8_t *p, size_t tcp_len)
{
	memset(p, 0, IPV4_HEADER);
	p[0] = 0x45;
	put16(p + 2, (uint32_t)(IPV4_HEADER + tcp_len));
	put16(p + 6, DONT_FRAGMENT);
	p[8] = TTL;
	p[9] = IPPROTO_TCP;
	memcpy(p + 12, seg->src.b + 12, 4);
	memcpy(p + 16, seg->dst.b + 12, 4);
	put16(p + 10, fold(add_bytes(0, p, IPV4_HEADER)));
	return IPV4_HEADER;
}

static size_t put_ipv6(const struct pst_segment *seg, uint8_t *p, size_t tcp_len)
{
	memset(p, 0, IPV6_HEADER);
	p[0] = 0x60;
	put16(p + 4, (uint32_t)tcp_len);
	p[6] = IPPROTO_TCP;
	p[7] = TTL;
	memcpy(p + 8, seg->src.b, sizeof(seg->src.b));
	memcpy(p + 24, seg->dst.b, sizeof(seg->dst.b));
	return IPV6_HEADER;
}

static void put_timestamps(const struct pst_segment *seg, uint8_t *p)
{
	static const uint8_t nop_nop_timestamp_10[] = {1, 1, 8, 10};

	memcpy(p, nop_nop_timestamp_10, sizeof(nop_nop_timestamp_10));
	put32(p + 4, seg->tsval);
	put32(p + 8, seg->tsecr);
}

static size_t tcp_header_len(const struct pst_segment *seg)
{
	return seg->has_ts ? TCP_HEADER + TCP_TIMESTAMP : TCP_HEADER;
}

static void put_tcp(const struct pst_segment *seg, uint8_t *p)
{
	memset(p, 0, TCP_HEADER);
	put16(p, seg->sport);
	put16(p + 2, seg->dport);
	put32(p + 4, seg->seq);
	put32(p + 8, seg->ack);
	p[12] = (uint8_t)(tcp_header_len(seg) / 4 << 4);
	p[13] = seg->flags;
	put16(p + 14, seg->window);
	if (seg->has_ts)
		put_timestamps(seg, p + TCP_HEADER);
	if (seg->payload_len)
		memcpy(p + tcp_header_len(seg), seg->payload, seg->payload_len);
}

/*
 * The pseudo headers of IPv4 and IPv6 hold the same numbers in different places, and a sum does not
 * mind: the addresses, the protocol and the length. A mapped address adds its prefix, which is not
 * on the wire.
 */
static uint16_t tcp_checksum(const struct pst_segment *seg, const uint8_t *tcp, size_t len)
{
	size_t skip = pst_segment_is_v4(&seg->src) ? 12 : 0;
	uint64_t sum = IPPROTO_TCP + len;

	sum = add_bytes(sum, seg->src.b + skip, sizeof(seg->src.b) - skip);
	sum = add_bytes(sum, seg->dst.b + skip, sizeof(seg->dst.b) - skip);
	return fold(add_bytes(sum, tcp, len));
}

int pst_segment_build(const struct pst_segment *seg, uint8_t *buf, size_t size, size_t *ret_len)
{
	bool v4 = pst_segment_is_v4(&seg->src);
	size_t tcp_len = tcp_header_len(seg) + seg->payload_len, ip_len;

	if (v4 != pst_segment_is_v4(&seg->dst))
		return -EAFNOSUPPORT;
	if (seg->payload_len > PST_SEGMENT_PAYLOAD)
		return -EMSGSIZE;
	if (size < (v4 ? IPV4_HEADER : IPV6_HEADER) + tcp_len)
		return -ENOSPC;

	ip_len = v4 ? put_ipv4(seg, buf, tcp_len) : put_ipv6(seg, buf, tcp_len);
	put_tcp(seg, buf + ip_len);
	put16(buf + ip_len + 16, tcp_checksum(seg, buf + ip_len, tcp_len));
	*ret_len = ip_len + tcp_len;
	return 0;
}
