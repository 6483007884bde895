// SPDX-License-Identifier: Apache-2.0
#include "enforcer/inject.h"

#include "base/cleanup.h"
#include "enforcer/tests/net_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define AUTO_INJECT pst_cleanup(pst_inject_close) struct pst_inject *

static const char refusal[] = "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\n"
			      "content-length: 15\r\nconnection: close\r\n\r\nAccess denied\r\n";

static const char request[] = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n";

/* ---- the numbers ---- */

static const struct pst_inject_request denied = {
	.src = {{[10] = 0xff, [11] = 0xff, [12] = 10, 0, 0, 1}},
	.dst = {{[10] = 0xff, [11] = 0xff, [12] = 10, 0, 0, 2}},
	.sport = 40000,
	.dport = 80,
	.seq = 0xfffffffe,
	.ack = 5000,
	.len = 33,
	.has_ts = true,
	.tsval = 111,
	.tsecr = 222,
	.dir = PST_DIR_INGRESS,
	.response = refusal,
	.response_len = sizeof(refusal) - 1,
};

static void assert_is_from_the_server(const struct pst_segment *s)
{
	cr_assert_arr_eq(s->src.b, denied.dst.b, 16);
	cr_assert_arr_eq(s->dst.b, denied.src.b, 16);
	cr_assert_eq(s->sport, 80);
	cr_assert_eq(s->dport, 40000);
	cr_assert_eq(s->flags, PST_TCP_PSH | PST_TCP_ACK | PST_TCP_FIN);
	cr_assert_eq(s->seq, 5000);
	cr_assert_eq(s->tsval, 222);
	cr_assert_eq(s->tsecr, 111);
	cr_assert_eq(s->payload, refusal);
}

Test(inject_plan, at_the_server_acknowledges_the_denied_bytes_across_the_wrap)
{
	struct pst_segment segs[PST_INJECT_SEGMENTS];

	cr_assert_eq(pst_inject_plan(&denied, segs), 1);
	assert_is_from_the_server(&segs[0]);
	cr_assert_eq(segs[0].ack, 31);
}

Test(inject_plan, at_the_client_acknowledges_nothing_new_and_resets_the_server)
{
	struct pst_inject_request req = denied;
	struct pst_segment segs[PST_INJECT_SEGMENTS];

	req.dir = PST_DIR_EGRESS;
	cr_assert_eq(pst_inject_plan(&req, segs), 2);
	assert_is_from_the_server(&segs[0]);
	cr_assert_eq(segs[0].ack, 0xfffffffe);
	cr_assert_arr_eq(segs[1].src.b, denied.src.b, 16);
	cr_assert_arr_eq(segs[1].dst.b, denied.dst.b, 16);
	cr_assert_eq(segs[1].sport, 40000);
	cr_assert_eq(segs[1].dport, 80);
	cr_assert(segs[1].flags & PST_TCP_RST);
	cr_assert_eq(segs[1].seq, 0xfffffffe);
	cr_assert_eq(segs[1].tsval, 111);
	cr_assert_eq(segs[1].tsecr, 222);
	cr_assert_eq(segs[1].payload_len, 0);
}

Test(inject_plan, without_timestamps_sends_none)
{
	struct pst_inject_request req = denied;
	struct pst_segment segs[PST_INJECT_SEGMENTS];

	req.dir = PST_DIR_EGRESS;
	req.has_ts = false;
	pst_inject_plan(&req, segs);
	cr_assert_not(segs[0].has_ts);
	cr_assert_not(segs[1].has_ts);
}

/* ---- the wire ---- */

static struct pst_inject *open_inject(uint32_t rate, uint32_t burst)
{
	struct pst_inject *inj = NULL;

	cr_assert_eq(pst_inject_open(rate, burst, &inj), 0);
	return inj;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void read_addresses(const uint8_t *ip, struct pst_inject_request *req)
{
	if (ip[0] >> 4 == 6) {
		memcpy(req->src.b, ip + 8, 16);
		memcpy(req->dst.b, ip + 24, 16);
		return;
	}
	req->src = req->dst = (struct pst_addr){{[10] = 0xff, [11] = 0xff}};
	memcpy(req->src.b + 12, ip + 12, 4);
	memcpy(req->dst.b + 12, ip + 16, 4);
}

/* Linux sends NOP NOP TIMESTAMP and no other option on data. */
static void read_tcp(const uint8_t *tcp, size_t len, struct pst_inject_request *req)
{
	size_t header = (size_t)(tcp[12] >> 4) * 4;

	req->sport = get16(tcp);
	req->dport = get16(tcp + 2);
	req->seq = get32(tcp + 4);
	req->ack = get32(tcp + 8);
	req->len = (uint32_t)(len - header);
	req->has_ts = header == 32;
	if (req->has_ts) {
		req->tsval = get32(tcp + 24);
		req->tsecr = get32(tcp + 28);
	}
}

/* Waits for the packet that carries the request: what the kernel program would have reported. */
static void capture(int tap, struct pst_inject_request *req)
{
	uint8_t p[2048];
	int n;

	do {
		n = t_recv(tap, p, sizeof(p));
		cr_assert_gt(n, 0, "the request was not seen on the wire");
		size_t ip = p[0] >> 4 == 6 ? 40 : 20;

		read_addresses(p, req);
		read_tcp(p + ip, (size_t)n - ip, req);
	} while (req->len != sizeof(request) - 1);
}

static int open_tap(void)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));

	cr_assert_geq(fd, 0);
	return fd;
}

/* Stands in for the judge: FD accepts no packet with payload any more, as if dropped before TCP. */
static void drop_payload(int fd)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x3c),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {sizeof(insns) / sizeof(insns[0]), insns};

	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)), 0);
}

struct exchange {
	struct t_pair pair;
	struct pst_inject_request req;
};

/* A request that is sent and does not arrive. */
static struct exchange deny_one(enum t_family family, enum pst_dir dir)
{
	pst_auto_fd int tap = open_tap();
	struct exchange e = {.pair = t_connect(family)};

	drop_payload(e.pair.server);
	cr_assert_gt(send(e.pair.client, request, sizeof(request) - 1, 0), 0);
	capture(tap, &e.req);
	e.req.dir = dir;
	e.req.response = refusal;
	e.req.response_len = sizeof(refusal) - 1;
	return e;
}

static void assert_client_reads_the_refusal(int client)
{
	char buf[1024];

	cr_assert_eq(t_recv(client, buf, sizeof(buf)), (int)sizeof(refusal) - 1);
	cr_assert_arr_eq(buf, refusal, sizeof(refusal) - 1);
	cr_assert_eq(t_recv(client, buf, sizeof(buf)), 0, "end of stream after the refusal");
}

static void refuse_at_the_server(enum t_family family)
{
	t_enter_new_netns();
	AUTO_INJECT inj = open_inject(PST_INJECT_RATE, PST_INJECT_BURST);
	struct exchange e = deny_one(family, PST_DIR_INGRESS);

	cr_assert_eq(pst_inject_send(inj, &e.req), 0);
	assert_client_reads_the_refusal(e.pair.client);
	t_disconnect(&e.pair);
}

Test(inject, at_the_server_reaches_an_ipv4_client)
{
	refuse_at_the_server(T_V4);
}

Test(inject, at_the_server_reaches_an_ipv6_client)
{
	refuse_at_the_server(T_V6);
}

Test(inject, at_a_dual_stack_server_reaches_an_ipv4_client)
{
	refuse_at_the_server(T_MAPPED);
}

static void refuse_at_the_client(enum t_family family)
{
	char byte;

	t_enter_new_netns();
	AUTO_INJECT inj = open_inject(PST_INJECT_RATE, PST_INJECT_BURST);
	struct exchange e = deny_one(family, PST_DIR_EGRESS);

	cr_assert_eq(pst_inject_send(inj, &e.req), 0);
	assert_client_reads_the_refusal(e.pair.client);
	cr_assert_eq(t_recv(e.pair.server, &byte, 1), -ECONNRESET);
	t_disconnect(&e.pair);
}

Test(inject, at_the_client_answers_it_and_resets_the_ipv4_server)
{
	refuse_at_the_client(T_V4);
}

Test(inject, at_the_client_answers_it_and_resets_the_ipv6_server)
{
	refuse_at_the_client(T_V6);
}

Test(inject, with_wrong_numbers_does_not_disturb_the_connection)
{
	char buf[8];

	t_enter_new_netns();
	AUTO_INJECT inj = open_inject(PST_INJECT_RATE, PST_INJECT_BURST);
	struct exchange e = deny_one(T_V4, PST_DIR_INGRESS);

	e.req.ack += 0x40000000;
	cr_assert_eq(pst_inject_send(inj, &e.req), 0);
	cr_assert_eq(send(e.pair.server, "ok", 2, 0), 2);
	cr_assert_eq(t_recv(e.pair.client, buf, sizeof(buf)), 2);
	t_disconnect(&e.pair);
}

Test(inject, over_the_rate_is_counted_and_not_sent)
{
	struct pst_inject_stats st;
	struct pst_inject_request req = denied;

	t_enter_new_netns();
	AUTO_INJECT inj = open_inject(1, 3);

	req.dst.b[12] = req.src.b[12] = 127;
	req.dir = PST_DIR_EGRESS;
	cr_assert_eq(pst_inject_send(inj, &req), 0);
	cr_assert_eq(pst_inject_send(inj, &req), -EBUSY, "one token left, two segments");
	req.dir = PST_DIR_INGRESS;
	cr_assert_eq(pst_inject_send(inj, &req), 0);
	cr_assert_eq(pst_inject_send(inj, &req), -EBUSY);
	pst_inject_stats(inj, &st);
	cr_assert_eq(st.sent, 3);
	cr_assert_eq(st.limited, 2);
	cr_assert_eq(st.failed, 0);
}

Test(inject, without_a_route_fails_and_is_counted)
{
	struct pst_inject_stats st;

	t_enter_new_netns();
	AUTO_INJECT inj = open_inject(PST_INJECT_RATE, PST_INJECT_BURST);

	cr_assert_eq(pst_inject_send(inj, &denied), -ENETUNREACH);
	pst_inject_stats(inj, &st);
	cr_assert_eq(st.sent, 0);
	cr_assert_eq(st.failed, 1);
}

Test(inject, its_two_sockets_have_cookies_of_their_own)
{
	uint64_t cookies[2] = {0, 0};

	t_enter_new_netns();
	AUTO_INJECT inj = open_inject(PST_INJECT_RATE, PST_INJECT_BURST);

	pst_inject_cookies(inj, cookies);
	cr_assert_neq(cookies[0], 0);
	cr_assert_neq(cookies[1], 0);
	cr_assert_neq(cookies[0], cookies[1]);
}
