// SPDX-License-Identifier: Apache-2.0
#include "enforcer/hostaddr.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

enum { AGAIN_S = 1 }; /* behind a reading that has failed */

struct prefixes PST_VEC(struct pst_host_prefix);

struct pst_hostaddr {
	int epoll_fd, notices_fd, timer_fd;
	struct prefixes list;
};

static const struct pst_host_prefix always[] = {
	{.addr = {{[10] = 0xff, [11] = 0xff, [12] = 127}}, .len = 104},
	{.addr = {{[15] = 1}}, .len = 128},
};

static bool is_loopback_v4(const struct pst_addr *addr)
{
	return !memcmp(addr->b, always[0].addr.b, 13);
}

/* False: an entry without an internet address (a link without one, a packet address). */
static bool from_sockaddr(const struct sockaddr *sa, struct pst_addr *ret_addr)
{
	if (sa && sa->sa_family == AF_INET) {
		*ret_addr = (struct pst_addr){{[10] = 0xff, [11] = 0xff}};
		memcpy(ret_addr->b + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr,
		       4);
		return true;
	}
	if (sa && sa->sa_family == AF_INET6) {
		memcpy(ret_addr->b, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr,
		       16);
		return true;
	}
	return false;
}

static int compare(const void *a, const void *b)
{
	const struct pst_host_prefix *x = a, *y = b;
	int r = memcmp(x->addr.b, y->addr.b, sizeof(x->addr.b));

	return r ? r : x->len - y->len;
}

static void sort_unique(struct prefixes *list)
{
	size_t kept = 0;

	qsort(list->v, list->n, sizeof(*list->v), compare);
	for (size_t i = 0; i < list->n; i++)
		if (!kept || compare(&list->v[kept - 1], &list->v[i]))
			list->v[kept++] = list->v[i];
	list->n = kept;
}

static int collect(const struct ifaddrs *first, struct prefixes *list)
{
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(always) / sizeof(always[0]); i++)
		r = pst_vec_push(list, always[i]);
	for (const struct ifaddrs *i = first; !r && i; i = i->ifa_next) {
		struct pst_host_prefix p = {.len = 128};

		if (from_sockaddr(i->ifa_addr, &p.addr) && !is_loopback_v4(&p.addr))
			r = pst_vec_push(list, p);
	}
	return r;
}

static int read_list(struct prefixes *ret_list)
{
	struct prefixes list = {0};
	struct ifaddrs *first;
	int r;

	if (getifaddrs(&first))
		return -errno;
	r = collect(first, &list);
	freeifaddrs(first);
	if (r) {
		pst_vec_free(&list);
		return r;
	}
	sort_unique(&list);
	*ret_list = list;
	return 0;
}

static int subscribe(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	pst_auto_fd int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return PST_TAKE_FD(fd);
}

static int open_fds(struct pst_hostaddr *h)
{
	struct epoll_event ev = {.events = EPOLLIN};

	h->notices_fd = subscribe();
	if (h->notices_fd < 0)
		return h->notices_fd;
	h->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	h->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return h->epoll_fd < 0 || h->timer_fd < 0 ||
			       epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->notices_fd, &ev) ||
			       epoll_ctl(h->epoll_fd, EPOLL_CTL_ADD, h->timer_fd, &ev)
		       ? -errno
		       : 0;
}

int pst_hostaddr_open(struct pst_hostaddr **ret_host)
{
	pst_cleanup(pst_hostaddr_close) struct pst_hostaddr *h = pst_mem_calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	*h = (struct pst_hostaddr){.epoll_fd = -1, .notices_fd = -1, .timer_fd = -1};
	r = open_fds(h);
	if (r)
		return pst_log_err(r, "cannot watch the addresses of this host");
	r = read_list(&h->list);
	if (r)
		return pst_log_err(r, "cannot read the addresses of this host");
	*ret_host = PST_TAKE_PTR(h);
	return 0;
}

void pst_hostaddr_close(struct pst_hostaddr **host)
{
	if (!*host)
		return;
	pst_cleanup_fd(&(*host)->epoll_fd);
	pst_cleanup_fd(&(*host)->notices_fd);
	pst_cleanup_fd(&(*host)->timer_fd);
	pst_vec_free(&(*host)->list);
	free(*host);
	*host = NULL;
}

const struct pst_host_prefix *pst_hostaddr_list(const struct pst_hostaddr *h, size_t *ret_n)
{
	*ret_n = h->list.n;
	return h->list.v;
}

int pst_hostaddr_fd(const struct pst_hostaddr *h)
{
	return h->epoll_fd;
}

/* ENOBUFS means that notices were lost, and is reported once: reading goes on. */
static void drain(int fd)
{
	char buf[8192];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), 0);
	while (n > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR)));
}

static bool is_same(const struct prefixes *a, const struct prefixes *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (compare(&a->v[i], &b->v[i]))
			return false;
	return true;
}

int pst_hostaddr_dispatch(struct pst_hostaddr *h, bool *ret_changed)
{
	const struct itimerspec again = {.it_value = {.tv_sec = AGAIN_S}};
	struct prefixes now = {0};
	uint64_t times;
	int r;

	(void)!read(h->timer_fd, &times, sizeof(times));
	drain(h->notices_fd);
	r = read_list(&now);
	if (r) {
		timerfd_settime(h->timer_fd, 0, &again, NULL);
		return pst_log_err(r, "cannot read the addresses of this host");
	}
	*ret_changed = !is_same(&h->list, &now);
	pst_vec_free(&h->list);
	h->list = now;
	return 0;
}
