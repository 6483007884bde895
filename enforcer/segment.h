/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One TCP segment, from the IP header to the last byte of payload.
 *
 * The daemon speaks in the name of one end of a connection it has no socket for, so it writes the
 * whole packet itself. The layout is fixed: an IPv4 header without options (20 bytes, RFC 791) or
 * an IPv6 header without extensions (40, RFC 8200), a TCP header of 20 bytes (RFC 9293), then, when
 * the connection uses timestamps, two NOPs and the option (12, RFC 7323 appendix A), then the
 * payload. A connection that negotiated timestamps drops segments without them, hence the option is
 * not optional there.
 *
 * Addresses have the 16-byte form of policy/inventory.h: when both are mapped the packet is IPv4,
 * whatever family the socket has; a dual-stack server is spoken to in the protocol that is on the
 * wire. One mapped address beside one that is not cannot be on any wire and is refused.
 *
 * Pure: no system call, no allocation. Numbers are in host order.
 */

#include "policy/inventory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of the TCP flags byte. */
enum pst_tcp_flag {
	PST_TCP_FIN = 0x01,
	PST_TCP_RST = 0x04,
	PST_TCP_PSH = 0x08,
	PST_TCP_ACK = 0x10,
};

enum {
	PST_SEGMENT_MAX = 1280,		    /* passes every IPv6 link whole */
	PST_SEGMENT_HEADERS = 40 + 20 + 12, /* at most, before the payload */
	PST_SEGMENT_PAYLOAD = PST_SEGMENT_MAX - PST_SEGMENT_HEADERS,
};

struct pst_segment {
	struct pst_addr src, dst;
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags; /* enum pst_tcp_flag */
	uint16_t window;
	bool has_ts;
	uint32_t tsval, tsecr;
	const void *payload; /* not owned; NULL when payload_len is 0 */
	size_t payload_len;
};

/* Is ADDR an IPv4 address in mapped form? */
bool pst_segment_is_v4(const struct pst_addr *addr);

/*
 * Writes the packet into BUF. 0, -EAFNOSUPPORT (one address is IPv4, the other IPv6), -EMSGSIZE
 * (payload over PST_SEGMENT_PAYLOAD), -ENOSPC (BUF too small; PST_SEGMENT_MAX always suffices).
 */
int pst_segment_build(const struct pst_segment *seg, uint8_t *buf, size_t size, size_t *ret_len);
