// SPDX-License-Identifier: Apache-2.0
#include "enforcer/segment.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define V4(a, b, c, d)                                                      \
	{                                                                   \
		{                                                           \
			[10] = 0xff, [11] = 0xff, [12] = (a), (b), (c), (d) \
		}                                                           \
	}

static const struct pst_segment v4 = {
	.src = V4(10, 0, 0, 9),
	.dst = V4(192, 168, 1, 20),
	.sport = 80,
	.dport = 51234,
	.seq = 0x01020304,
	.ack = 0xfffffff0,
	.flags = PST_TCP_PSH | PST_TCP_ACK | PST_TCP_FIN,
	.window = 512,
	.has_ts = true,
	.tsval = 0x11223344,
	.tsecr = 0x55667788,
	.payload = "abc",
	.payload_len = 3,
};

static const struct pst_segment v6 = {
	.src = {{0xfd, [15] = 1}},
	.dst = {{0x20, 0x01, 0x0d, 0xb8, [14] = 0xab, [15] = 0xcd}},
	.sport = 8080,
	.dport = 40000,
	.seq = 0x7fffffff,
	.ack = 1,
	.flags = PST_TCP_RST | PST_TCP_ACK,
};

/* Written by another program, from the RFCs. */
static const uint8_t v4_bytes[] = {
	0x45, 0x00, 0x00, 0x37, 0x00, 0x00, 0x40, 0x00,
	0x40, 0x06, 0x6e, 0xfc,				/* IP */
	0x0a, 0x00, 0x00, 0x09, 0xc0, 0xa8, 0x01, 0x14, /* addresses */
	0x00, 0x50, 0xc8, 0x22, 0x01, 0x02, 0x03, 0x04,
	0xff, 0xff, 0xff, 0xf0,				/* ports, seq, ack */
	0x80, 0x19, 0x02, 0x00, 0x06, 0xcb, 0x00, 0x00, /* offset, flags, window, checksum */
	0x01, 0x01, 0x08, 0x0a, 0x11, 0x22, 0x33, 0x44,
	0x55, 0x66, 0x77, 0x88, /* timestamps */
	0x61, 0x62, 0x63,
};

static const uint8_t v6_bytes[] =
	{
		0x60, 0x00, 0x00, 0x00, 0x00, 0x14, 0x06, 0x40, /* IP */
		0xfd, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x01, 0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xab, 0xcd, 0x1f, 0x90, 0x9c, 0x40,
		0x7f, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, /* ports, seq, ack */
		0x50, 0x14, 0x00, 0x00, 0x9d, 0x77, 0x00, 0x00, /* offset, flags, window, checksum
								 */
};

static size_t build(const struct pst_segment *seg, uint8_t buf[PST_SEGMENT_MAX])
{
	size_t len = 0;

	cr_assert_eq(pst_segment_build(seg, buf, PST_SEGMENT_MAX, &len), 0);
	return len;
}

/*
 * The receiver's check, written another way than the sender's sum: one 16-bit word at a time with
 * end-around carry, over the bytes on the wire. A good packet gives 0xffff.
 */
static uint16_t sum(uint16_t start, const uint8_t *p, size_t len)
{
	uint32_t s = start;

	for (size_t i = 0; i < len; i++) {
		s += i % 2 ? p[i] : p[i] * 256u;
		if (s > 0xffff)
			s -= 0xffff;
	}
	return (uint16_t)s;
}

static uint16_t tcp_sum(const uint8_t *packet, size_t len)
{
	bool is_v4 = packet[0] >> 4 == 4;
	size_t header = is_v4 ? 20 : 40, tcp = len - header;
	uint8_t protocol_and_length[4] = {0, 6, (uint8_t)(tcp >> 8), (uint8_t)tcp};
	uint16_t s = sum(0, protocol_and_length, sizeof(protocol_and_length));

	s = is_v4 ? sum(s, packet + 12, 8) : sum(s, packet + 8, 32);
	return sum(s, packet + header, tcp);
}

Test(segment, an_ipv4_segment_with_timestamps_is_right_byte_for_byte)
{
	uint8_t buf[PST_SEGMENT_MAX];
	size_t len = build(&v4, buf);

	cr_assert_eq(len, sizeof(v4_bytes));
	cr_assert_arr_eq(buf, v4_bytes, sizeof(v4_bytes));
}

Test(segment, an_ipv6_reset_without_options_is_right_byte_for_byte)
{
	uint8_t buf[PST_SEGMENT_MAX];
	size_t len = build(&v6, buf);

	cr_assert_eq(len, sizeof(v6_bytes));
	cr_assert_arr_eq(buf, v6_bytes, sizeof(v6_bytes));
}

Test(segment, the_checksums_are_right_for_payloads_of_every_length)
{
	uint8_t payload[PST_SEGMENT_PAYLOAD], buf[PST_SEGMENT_MAX];

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 151 + 7);
	for (size_t n = 0; n <= sizeof(payload); n++) {
		struct pst_segment seg = n % 3 ? v4 : v6;
		size_t len;

		seg.payload = payload;
		seg.payload_len = n;
		len = build(&seg, buf);
		cr_assert_eq(tcp_sum(buf, len), 0xffff, "payload of %zu bytes", n);
		if (n % 3)
			cr_assert_eq(sum(0, buf, 20), 0xffff);
	}
}

Test(segment, the_checksum_notices_one_changed_bit)
{
	uint8_t buf[PST_SEGMENT_MAX];
	size_t len = build(&v4, buf);

	buf[len - 1] ^= 1;
	cr_assert_neq(tcp_sum(buf, len), 0xffff);
}

Test(segment, an_ipv4_and_an_ipv6_address_do_not_go_together)
{
	struct pst_segment seg = v4;
	uint8_t buf[PST_SEGMENT_MAX];
	size_t len = 77;

	seg.dst = v6.dst;
	cr_assert_eq(pst_segment_build(&seg, buf, sizeof(buf), &len), -EAFNOSUPPORT);
	seg.dst = v4.dst;
	seg.src = v6.src;
	cr_assert_eq(pst_segment_build(&seg, buf, sizeof(buf), &len), -EAFNOSUPPORT);
	cr_assert_eq(len, 77, "untouched on failure");
}

Test(segment, a_payload_over_the_limit_is_refused)
{
	uint8_t payload[PST_SEGMENT_PAYLOAD + 1] = {0}, buf[PST_SEGMENT_MAX + 1];
	struct pst_segment seg = v4;
	size_t len;

	seg.payload = payload;
	seg.payload_len = sizeof(payload);
	cr_assert_eq(pst_segment_build(&seg, buf, sizeof(buf), &len), -EMSGSIZE);
}

Test(segment, a_buffer_one_byte_too_small_is_refused_and_not_written)
{
	uint8_t buf[sizeof(v4_bytes)] = {0};
	size_t len;

	cr_assert_eq(pst_segment_build(&v4, buf, sizeof(buf) - 1, &len), -ENOSPC);
	cr_assert_eq(buf[0], 0);
	cr_assert_eq(pst_segment_build(&v4, buf, sizeof(buf), &len), 0);
}

Test(segment, only_the_whole_mapped_prefix_makes_an_address_ipv4)
{
	struct pst_addr near_miss = v4.src;

	cr_assert(pst_segment_is_v4(&v4.src));
	cr_assert_not(pst_segment_is_v4(&v6.src));
	near_miss.b[11] = 0xfe;
	cr_assert_not(pst_segment_is_v4(&near_miss));
	near_miss = v4.src;
	near_miss.b[0] = 1;
	cr_assert_not(pst_segment_is_v4(&near_miss));
}
