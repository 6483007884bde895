// SPDX-License-Identifier: Apache-2.0
#include "enforcer/inject.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/bucket.h"
#include "enforcer/clock.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* The receiver of a FIN has little left to send; most connections scale this up. */
enum { WINDOW = 512 };

/* Indexes of the sockets. */
enum { V4, V6, N_SOCKETS };

struct pst_inject {
	int fds[N_SOCKETS];
	uint64_t cookies[N_SOCKETS];
	struct pst_bucket bucket;
	struct pst_inject_stats stats;
};

static struct pst_segment as_server(const struct pst_inject_request *req)
{
	bool counts_as_sent = req->dir == PST_DIR_INGRESS;

	return (struct pst_segment){
		.src = req->dst,
		.dst = req->src,
		.sport = req->dport,
		.dport = req->sport,
		.seq = req->ack,
		.ack = counts_as_sent ? req->seq + req->len : req->seq,
		.flags = PST_TCP_PSH | PST_TCP_ACK | PST_TCP_FIN,
		.window = WINDOW,
		.has_ts = req->has_ts,
		.tsval = req->tsecr,
		.tsecr = req->tsval,
		.payload = req->response,
		.payload_len = req->response_len,
	};
}

static struct pst_segment reset_as_client(const struct pst_inject_request *req)
{
	return (struct pst_segment){
		.src = req->src,
		.dst = req->dst,
		.sport = req->sport,
		.dport = req->dport,
		.seq = req->seq,
		.ack = req->ack,
		.flags = PST_TCP_RST | PST_TCP_ACK,
		.has_ts = req->has_ts,
		.tsval = req->tsval,
		.tsecr = req->tsecr,
	};
}

static struct pst_segment relayed_as_client(const struct pst_inject_request *req)
{
	return (struct pst_segment){
		.src = req->src,
		.dst = req->dst,
		.sport = req->sport,
		.dport = req->dport,
		.seq = req->seq,
		.ack = req->ack,
		.flags = PST_TCP_PSH | PST_TCP_ACK,
		.window = req->window,
		.has_ts = req->has_ts,
		.tsval = req->tsval,
		.tsecr = req->tsecr,
		.payload = req->response,
		.payload_len = req->response_len,
	};
}

size_t pst_inject_plan(const struct pst_inject_request *req,
		       struct pst_segment segs[PST_INJECT_SEGMENTS])
{
	segs[0] = as_server(req);
	if (req->dir == PST_DIR_INGRESS)
		return 1;
	segs[1] = reset_as_client(req);
	return 2;
}

static socklen_t destination(const struct pst_segment *seg, struct sockaddr_storage *ret_addr)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret_addr;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_addr;

	memset(ret_addr, 0, sizeof(*ret_addr));
	if (pst_segment_is_v4(&seg->dst)) {
		v4->sin_family = AF_INET;
		memcpy(&v4->sin_addr, seg->dst.b + 12, 4);
		return sizeof(*v4);
	}
	/* The port of a raw IPv6 address is a protocol number and stays 0. */
	v6->sin6_family = AF_INET6;
	memcpy(&v6->sin6_addr, seg->dst.b, sizeof(seg->dst.b));
	return sizeof(*v6);
}

static int send_segment(struct pst_inject *inj, const struct pst_segment *seg)
{
	int fd = inj->fds[pst_segment_is_v4(&seg->dst) ? V4 : V6];
	struct sockaddr_storage to;
	socklen_t to_len = destination(seg, &to);
	uint8_t packet[PST_SEGMENT_MAX];
	size_t len;
	int r;

	r = pst_segment_build(seg, packet, sizeof(packet), &len);
	if (r)
		return r;
	if (fd < 0)
		return -EAFNOSUPPORT;
	if (sendto(fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, to_len) <
	    0)
		return -errno;
	inj->stats.sent++;
	return 0;
}

int pst_inject_send(struct pst_inject *inj, const struct pst_inject_request *req)
{
	struct pst_segment segs[PST_INJECT_SEGMENTS];
	size_t n = pst_inject_plan(req, segs);
	int err = 0;

	if (!pst_bucket_take(&inj->bucket, (uint32_t)n, pst_clock_ns())) {
		inj->stats.limited++;
		return -EBUSY;
	}
	/* The second is worth sending when the first has failed, too: it goes to the other end. */
	for (size_t i = 0; i < n; i++) {
		int r = send_segment(inj, &segs[i]);

		if (!err)
			err = r;
	}
	if (err)
		inj->stats.failed++;
	return err;
}

int pst_inject_relay(struct pst_inject *inj, const struct pst_inject_request *req)
{
	struct pst_segment seg = relayed_as_client(req);
	int r;

	if (!pst_bucket_take(&inj->bucket, 1, pst_clock_ns())) {
		inj->stats.limited++;
		return -EBUSY;
	}
	r = send_segment(inj, &seg);
	if (r)
		inj->stats.failed++;
	return r;
}

/* Packets of protocol 255 could be received; nobody reads them. */
static int drop_all(int fd)
{
	struct sock_filter insn = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {.len = 1, .filter = &insn};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

/* IPPROTO_RAW implies that the header is included, for both families. */
static int open_raw(int family, int *ret_fd, uint64_t *ret_cookie)
{
	pst_auto_fd int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	socklen_t len = sizeof(*ret_cookie);
	uint64_t cookie;
	int r;

	if (fd < 0)
		return -errno;
	r = drop_all(fd);
	if (r)
		return r;
	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
		return -errno;
	*ret_cookie = cookie;
	*ret_fd = PST_TAKE_FD(fd);
	return 0;
}

int pst_inject_open(uint32_t rate, uint32_t burst, struct pst_inject **ret_inj)
{
	pst_cleanup(pst_inject_close) struct pst_inject *inj = pst_mem_calloc(1, sizeof(*inj));
	int r;

	if (!inj)
		return -ENOMEM;
	inj->fds[V4] = inj->fds[V6] = -1;
	pst_bucket_init(&inj->bucket, rate, burst, pst_clock_ns());
	r = open_raw(AF_INET, &inj->fds[V4], &inj->cookies[V4]);
	if (r)
		return pst_log_err(r, "cannot open a raw IPv4 socket (CAP_NET_RAW)");
	r = open_raw(AF_INET6, &inj->fds[V6], &inj->cookies[V6]);
	if (r && r != -EAFNOSUPPORT)
		return pst_log_err(r, "cannot open a raw IPv6 socket (CAP_NET_RAW)");
	*ret_inj = PST_TAKE_PTR(inj);
	return 0;
}

void pst_inject_close(struct pst_inject **inj)
{
	if (!*inj)
		return;
	pst_cleanup_fd(&(*inj)->fds[V4]);
	pst_cleanup_fd(&(*inj)->fds[V6]);
	free(*inj);
	*inj = NULL;
}

void pst_inject_cookies(const struct pst_inject *inj, uint64_t ret_cookies[2])
{
	ret_cookies[0] = inj->cookies[V4];
	ret_cookies[1] = inj->cookies[V6];
}

void pst_inject_stats(const struct pst_inject *inj, struct pst_inject_stats *ret_stats)
{
	*ret_stats = inj->stats;
}
