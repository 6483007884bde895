// SPDX-License-Identifier: Apache-2.0
#include "enforcer/destroy.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/clock.h"
#include "enforcer/netns.h"
#include "enforcer/segment.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum {
	GRAIN_MS = 10,
	RETRY_MS = 300,
	MAX_TRIES = 10,
};

/* Slot i: cookies[i] 0 = free. */
struct pst_destroy_queue {
	struct pst_netns_set *set;
	int timer;
	uint64_t armed_ms; /* 0: not armed */
	uint64_t cookies[PST_DESTROY_PENDING];
	uint64_t due_ms[PST_DESTROY_PENDING];
	struct pst_destroy_request requests[PST_DESTROY_PENDING];
	uint8_t tries[PST_DESTROY_PENDING];
	struct pst_destroy_stats stats;
};

struct message {
	struct nlmsghdr nlh;
	struct inet_diag_req_v2 req;
};

/* inet_diag keeps an IPv4 address in the first of its four words. */
static void put_address(const struct pst_addr *addr, bool v4, __be32 words[4])
{
	if (v4)
		memcpy(words, addr->b + 12, 4);
	else
		memcpy(words, addr->b, sizeof(addr->b));
}

static int make_message(const struct pst_destroy_request *req, struct message *ret_msg)
{
	bool v4 = pst_segment_is_v4(&req->local);
	struct inet_diag_sockid *id = &ret_msg->req.id;

	if (!req->sk_cookie || v4 != pst_segment_is_v4(&req->remote))
		return -EINVAL;
	*ret_msg = (struct message){
		.nlh = {.nlmsg_len = sizeof(*ret_msg),
			.nlmsg_type = SOCK_DESTROY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.req = {.sdiag_family = v4 ? AF_INET : AF_INET6,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = UINT32_MAX},
	};
	id->idiag_sport = htons(req->local_port);
	id->idiag_dport = htons(req->remote_port);
	put_address(&req->local, v4, id->idiag_src);
	put_address(&req->remote, v4, id->idiag_dst);
	id->idiag_if = req->ifindex;
	id->idiag_cookie[0] = (uint32_t)req->sk_cookie;
	id->idiag_cookie[1] = (uint32_t)(req->sk_cookie >> 32);
	return 0;
}

/* The kernel has answered by the time send() returns. */
static int read_ack(int fd)
{
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
		uint8_t rest[512];
	} reply;
	ssize_t n = recv(fd, &reply, sizeof(reply), MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(reply.nlh) + sizeof(reply.err) ||
	    reply.nlh.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return reply.err.error;
}

static int ask_kernel(struct pst_netns_set *set, uint64_t netns_cookie, const struct message *msg)
{
	int r = pst_netns_socket(set, netns_cookie, AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
	pst_auto_fd int fd = r;

	if (r < 0)
		return r;
	if (send(fd, msg, sizeof(*msg), 0) < 0)
		return -errno;
	return read_ack(fd);
}

int pst_destroy_socket(struct pst_netns_set *set, const struct pst_destroy_request *req)
{
	struct message msg;
	int r = make_message(req, &msg);

	if (r)
		return r;
	r = ask_kernel(set, req->netns_cookie, &msg);
	/* No namespace, no socket; and a cookie that differs is another socket. */
	return r == -ESRCH || r == -ESTALE ? -ENOENT : r;
}

static void count(struct pst_destroy_stats *stats, int r)
{
	if (!r)
		stats->destroyed++;
	else if (r == -ENOENT)
		stats->gone++;
	else
		stats->failed++;
}

int pst_destroy_queue_new(struct pst_netns_set *set, struct pst_destroy_queue **ret_queue)
{
	struct pst_destroy_queue *q = pst_mem_calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	q->set = set;
	q->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (q->timer < 0) {
		r = -errno;
		pst_destroy_queue_free(&q);
		return pst_log_err(r, "cannot create a timer");
	}
	*ret_queue = q;
	return 0;
}

void pst_destroy_queue_free(struct pst_destroy_queue **queue)
{
	if (!*queue)
		return;
	pst_cleanup_fd(&(*queue)->timer);
	free(*queue);
	*queue = NULL;
}

/* At DUE_MS, or never when that is 0. An absolute time that has passed fires at once. */
static void arm(struct pst_destroy_queue *q, uint64_t due_ms)
{
	struct itimerspec t = {
		.it_value = {.tv_sec = (time_t)(due_ms / 1000),
			     .tv_nsec = (long)(due_ms % 1000) * PST_NS_PER_MS},
	};

	timerfd_settime(q->timer, TFD_TIMER_ABSTIME, &t, NULL);
	q->armed_ms = due_ms;
}

static void arm_for_next(struct pst_destroy_queue *q)
{
	uint64_t next = 0;

	for (size_t i = 0; i < PST_DESTROY_PENDING; i++)
		if (q->cookies[i] && (!next || q->due_ms[i] < next))
			next = q->due_ms[i];
	arm(q, next);
}

/* The slot that holds COOKIE, else a free one, else PST_DESTROY_PENDING. */
static size_t find_slot(const struct pst_destroy_queue *q, uint64_t cookie)
{
	size_t free_slot = PST_DESTROY_PENDING;

	for (size_t i = 0; i < PST_DESTROY_PENDING; i++) {
		if (q->cookies[i] == cookie)
			return i;
		if (!q->cookies[i])
			free_slot = i;
	}
	return free_slot;
}

static int destroy_at_once(struct pst_destroy_queue *q, const struct pst_destroy_request *req)
{
	int r = pst_destroy_socket(q->set, req);

	q->stats.overflows++;
	count(&q->stats, r);
	return r;
}

static void put(struct pst_destroy_queue *q, size_t slot, const struct pst_destroy_request *req,
		uint64_t due_ms)
{
	q->cookies[slot] = req->sk_cookie;
	q->requests[slot] = *req;
	q->due_ms[slot] = due_ms;
	q->tries[slot] = 0;
	q->stats.pending++;
}

int pst_destroy_after(struct pst_destroy_queue *q, const struct pst_destroy_request *req,
		      uint32_t ms)
{
	uint64_t due = (pst_clock_ms() + ms + GRAIN_MS) / GRAIN_MS * GRAIN_MS;
	size_t slot;

	if (!req->sk_cookie)
		return -EINVAL;
	slot = find_slot(q, req->sk_cookie);
	if (slot == PST_DESTROY_PENDING)
		return destroy_at_once(q, req);
	if (!q->cookies[slot])
		put(q, slot, req, due);
	else
		q->stats.repeated++;
	if (due < q->due_ms[slot])
		q->due_ms[slot] = due;
	if (!q->armed_ms || due < q->armed_ms)
		arm(q, due);
	return 0;
}

int pst_destroy_fd(const struct pst_destroy_queue *q)
{
	return q->timer;
}

static void run_slot(struct pst_destroy_queue *q, size_t i, uint64_t now_ms)
{
	int r = pst_destroy_socket(q->set, &q->requests[i]);

	if (r == -EAGAIN && ++q->tries[i] < MAX_TRIES) {
		q->due_ms[i] = now_ms + RETRY_MS;
		q->stats.retried++;
		return;
	}
	count(&q->stats, r);
	q->cookies[i] = 0;
	q->stats.pending--;
}

void pst_destroy_dispatch(struct pst_destroy_queue *q)
{
	uint64_t expirations, now = pst_clock_ms();

	/* Nothing to read: a spurious wake-up, the times decide. */
	if (read(q->timer, &expirations, sizeof(expirations)) < 0)
		expirations = 0;
	for (size_t i = 0; i < PST_DESTROY_PENDING; i++)
		if (q->cookies[i] && q->due_ms[i] <= now)
			run_slot(q, i, now);
	arm_for_next(q);
}

void pst_destroy_stats(const struct pst_destroy_queue *q, struct pst_destroy_stats *ret_stats)
{
	*ret_stats = q->stats;
}
