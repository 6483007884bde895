// SPDX-License-Identifier: Apache-2.0
#include "enforcer/link.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BUFFER = 1 << 16 };

struct links PST_VEC(struct pst_link);
struct addrs PST_VEC(struct pst_link_addr);

/* Called for each message of a dump. */
typedef int (*message_fn)(const struct nlmsghdr *h, void *arg);

static int open_route(unsigned int groups, int flags)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = groups};
	pst_auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return -errno;
	return PST_TAKE_FD(fd);
}

/* How a dump has ended: 1, well; or why not. */
static int ended(const struct nlmsghdr *h)
{
	int err = 0;

	if (NLMSG_PAYLOAD(h, 0) >= sizeof(err))
		memcpy(&err, NLMSG_DATA(h), sizeof(err));
	return err < 0 ? err : 1;
}

/* 1: the dump has ended. */
static int take(const char *buf, size_t n, message_fn fn, void *arg)
{
	int r = 0;

	for (const struct nlmsghdr *h = (const void *)buf; !r && NLMSG_OK(h, n);
	     h = NLMSG_NEXT(h, n)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return ended(h);
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((const struct nlmsgerr *)NLMSG_DATA(h))->error;
		r = fn(h, arg);
	}
	return r;
}

/*
 * Sends REQUEST, which asks for a dump, and calls FN for what comes. The kernel looks at all of it:
 * else it would not know that another namespace is meant.
 */
static int dump(const struct nlmsghdr *request, message_fn fn, void *arg)
{
	pst_auto_fd int fd = open_route(0, 0);
	pst_auto_free char *buf = pst_mem_calloc(1, BUFFER);
	const int strict = 1;
	int r = 0;

	if (fd < 0)
		return fd;
	if (setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &strict, sizeof(strict)))
		return -errno;
	if (!buf)
		return -ENOMEM;
	if (send(fd, request, request->nlmsg_len, 0) < 0)
		return -errno;
	while (!r) {
		ssize_t n = recv(fd, buf, BUFFER, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			r = take(buf, (size_t)n, fn, arg);
	}
	return r < 0 ? r : 0;
}

static bool is_veth(const struct rtattr *info)
{
	int left = (int)RTA_PAYLOAD(info);

	for (const struct rtattr *a = RTA_DATA(info); RTA_OK(a, left); a = RTA_NEXT(a, left))
		if (a->rta_type == IFLA_INFO_KIND)
			return RTA_PAYLOAD(a) >= 4 && !strncmp(RTA_DATA(a), "veth", 5);
	return false;
}

/* One device of the list, if it is one of ours. */
static int take_link(const struct nlmsghdr *h, void *arg)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	int left = (int)IFLA_PAYLOAD(h);
	struct pst_link link = {.index = (uint32_t)info->ifi_index};
	bool veth = false, elsewhere = false;

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	for (const struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFLA_LINKINFO) {
			veth = is_veth(a);
		} else if (a->rta_type == IFLA_IFNAME) {
			strncpy(link.name, RTA_DATA(a), sizeof(link.name) - 1);
		} else if (a->rta_type == IFLA_LINK_NETNSID) {
			memcpy(&link.peer_netns, RTA_DATA(a), sizeof(link.peer_netns));
			elsewhere = link.peer_netns >= 0;
		}
	}
	return veth && elsewhere ? pst_vec_push((struct links *)arg, link) : 0;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = ((const struct pst_link *)a)->index, y = ((const struct pst_link *)b)->index;

	return (x > y) - (x < y);
}

int pst_link_list(struct pst_link **ret_links, size_t *ret_n)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} request = {
		.head = {.nlmsg_len = sizeof(request),
			 .nlmsg_type = RTM_GETLINK,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.info = {.ifi_family = AF_UNSPEC},
	};
	struct links links = {0};
	int r = dump(&request.head, take_link, &links);

	if (r) {
		pst_vec_free(&links);
		return r;
	}
	if (links.n)
		qsort(links.v, links.n, sizeof(*links.v), compare);
	*ret_links = links.v;
	*ret_n = links.n;
	return 0;
}

static bool is_local(const uint8_t addr[16])
{
	const struct in6_addr *a = (const struct in6_addr *)addr;

	if (IN6_IS_ADDR_V4MAPPED(a))
		return addr[12] == IN_LOOPBACKNET || (addr[12] == 169 && addr[13] == 254);
	return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_LINKLOCAL(a);
}

struct addr_walk {
	pst_link_addr_fn fn;
	void *arg;
	size_t n;
	int result;
};

/* Of the ends of a point-to-point link IFA_LOCAL is this one. */
static int take_addr(const struct nlmsghdr *h, void *arg)
{
	struct addr_walk *walk = arg;
	const struct ifaddrmsg *info = NLMSG_DATA(h);
	const size_t size = info->ifa_family == AF_INET ? 4 : 16;
	struct pst_link_addr addr = {
		.b = {[10] = size == 4 ? 0xff : 0, [11] = size == 4 ? 0xff : 0}};
	int left = (int)IFA_PAYLOAD(h);
	const void *local = NULL;

	if (h->nlmsg_type != RTM_NEWADDR)
		return 0;
	for (const struct rtattr *a = IFA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (RTA_PAYLOAD(a) != size)
			continue;
		if (a->rta_type == IFA_LOCAL || (a->rta_type == IFA_ADDRESS && !local))
			local = RTA_DATA(a);
	}
	if (!local)
		return 0;
	memcpy(addr.b + 16 - size, local, size);
	walk->result = walk->n++ < PST_LINK_MAX_ADDRS ? walk->fn(&addr, walk->arg) : -E2BIG;
	return walk->result ? -ECANCELED : 0;
}

static int dump_addrs(int32_t netns, uint8_t family, struct addr_walk *walk)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg info;
		struct rtattr attr;
		int32_t netns;
	} request = {
		.head = {.nlmsg_len = sizeof(request),
			 .nlmsg_type = RTM_GETADDR,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.info = {.ifa_family = family},
		.attr = {.rta_len = RTA_LENGTH(sizeof(netns)), .rta_type = IFA_TARGET_NETNSID},
		.netns = netns,
	};

	if (netns == PST_LINK_HERE)
		request.head.nlmsg_len -= RTA_SPACE(sizeof(netns));
	return dump(&request.head, take_addr, walk);
}

int pst_link_each_addr(int32_t netns, pst_link_addr_fn fn, void *arg)
{
	struct addr_walk walk = {.fn = fn, .arg = arg};
	int r = dump_addrs(netns, AF_INET, &walk);

	if (!r)
		r = dump_addrs(netns, AF_INET6, &walk);
	return walk.result ? walk.result : r;
}

static int keep_addr(const struct pst_link_addr *addr, void *arg)
{
	return is_local(addr->b) ? 0 : pst_vec_push((struct addrs *)arg, *addr);
}

int pst_link_addrs(int32_t netns, struct pst_link_addr **ret_addrs, size_t *ret_n)
{
	struct addrs addrs = {0};
	int r = pst_link_each_addr(netns, keep_addr, &addrs);

	if (r && r != -E2BIG) {
		pst_vec_free(&addrs);
		return r;
	}
	*ret_addrs = addrs.v;
	*ret_n = addrs.n;
	return r == -E2BIG;
}

int pst_link_watch(void)
{
	return open_route(RTMGRP_LINK, SOCK_NONBLOCK);
}

bool pst_link_drain(int fd, void (*gone)(uint32_t index, void *arg), void *arg)
{
	static char buf[BUFFER];
	bool lost = false;
	ssize_t n;

	do {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0 && errno == ENOBUFS)
			lost = true;
		for (const struct nlmsghdr *h = (const void *)buf; n > 0 && NLMSG_OK(h, n);
		     h = NLMSG_NEXT(h, n))
			if (h->nlmsg_type == RTM_DELLINK)
				gone((uint32_t)((const struct ifinfomsg *)NLMSG_DATA(h))->ifi_index,
				     arg);
	} while (n > 0 || (n < 0 && (errno == ENOBUFS || errno == EINTR)));
	return lost;
}

static int take_filter(const struct nlmsghdr *h, void *arg)
{
	int *found = arg;

	*found |= h->nlmsg_type == RTM_NEWTFILTER;
	return 0;
}

int pst_link_has_filters(uint32_t index, uint32_t parent)
{
	struct {
		struct nlmsghdr head;
		struct tcmsg tc;
	} request = {
		.head = {.nlmsg_len = sizeof(request),
			 .nlmsg_type = RTM_GETTFILTER,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.tc = {.tcm_family = AF_UNSPEC, .tcm_ifindex = (int)index, .tcm_parent = parent},
	};
	int found = 0, r = dump(&request.head, take_filter, &found);

	return r ? r : found;
}
