// SPDX-License-Identifier: Apache-2.0
#include "enforcer/tc.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "bpf/abi.h"
#include "enforcer/homes.h"
#include "enforcer/link.h"

enum {
	UNKNOWN = -1, /* of a device that has to be dealt with again */
	HANDLE = 0x7073,
	PRIORITY = 1, /* what comes first and says "pass" ends the chain */
	AGAIN_MS = 1000,
	AGAIN_MAX_MS = 64 * 1000,
};

/* What every version calls the programs that it attaches, and no other program is called. */
static const char *const names[] = {"pst_to_pod", "pst_from_pod"};
static const enum bpf_tc_attach_point points[] = {BPF_TC_EGRESS, BPF_TC_INGRESS};
static const uint32_t parents[] = {TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
				   TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)};

enum { SIDES = sizeof(points) / sizeof(*points) };

struct pst_tc {
	int epoll_fd, link_fd, timer_fd;
	unsigned int again_ms;	 /* how long to wait when something has failed */
	struct pst_homes *homes; /* NULL: none */
	struct pst_tc_programs programs;
	struct pst_link *links; /* those that have been dealt with */
	size_t n_links;
	size_t refused;
};

static int open_fds(struct pst_tc *tc)
{
	struct epoll_event ev = {.events = EPOLLIN};

	tc->link_fd = pst_link_watch();
	if (tc->link_fd < 0)
		return tc->link_fd;
	tc->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	tc->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return tc->epoll_fd < 0 || tc->timer_fd < 0 ||
			       epoll_ctl(tc->epoll_fd, EPOLL_CTL_ADD, tc->link_fd, &ev) ||
			       epoll_ctl(tc->epoll_fd, EPOLL_CTL_ADD, tc->timer_fd, &ev)
		       ? -errno
		       : 0;
}

int pst_tc_open(struct pst_homes *homes, struct pst_tc **ret_tc)
{
	struct pst_tc *tc = pst_mem_calloc(1, sizeof(*tc));
	int r;

	if (!tc)
		return -ENOMEM;
	*tc = (struct pst_tc){.epoll_fd = -1,
			      .link_fd = -1,
			      .timer_fd = -1,
			      .again_ms = AGAIN_MS,
			      .homes = homes};
	r = open_fds(tc);
	if (r) {
		pst_tc_close(&tc);
		return pst_log_err(r, "cannot watch the devices of this host");
	}
	*ret_tc = tc;
	return 0;
}

void pst_tc_close(struct pst_tc **tc)
{
	if (!*tc)
		return;
	pst_cleanup_fd(&(*tc)->link_fd);
	pst_cleanup_fd(&(*tc)->timer_fd);
	pst_cleanup_fd(&(*tc)->epoll_fd);
	free((*tc)->links);
	free(*tc);
	*tc = NULL;
}

int pst_tc_fd(const struct pst_tc *tc)
{
	return tc->epoll_fd;
}

size_t pst_tc_count(const struct pst_tc *tc, size_t *ret_refused)
{
	*ret_refused = tc->refused;
	return tc->n_links - tc->refused;
}

static int attach_side(const struct pst_link *link, int side, int prog)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)link->index, .attach_point = points[side]);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY, .prog_fd = prog,
		    .flags = BPF_TC_F_REPLACE);

	return bpf_tc_attach(&hook, &opts);
}

/* The map first: without it a filter takes every port for closed. */
static int attach_link(const struct pst_tc *tc, const struct pst_link *link)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)link->index,
		    .attach_point = (enum bpf_tc_attach_point)(BPF_TC_EGRESS | BPF_TC_INGRESS));
	struct pst_device device = {.netns = link->peer_netns};
	int r;

	if (tc->homes)
		pst_homes_device(tc->homes, link->peer_netns, &device);
	if (bpf_map_update_elem(tc->programs.devices, &link->index, &device, BPF_ANY))
		return -errno;
	r = bpf_tc_hook_create(&hook);
	if (r && r != -EEXIST)
		return r;
	r = attach_side(link, 0, tc->programs.to_pod);
	return r ? r : attach_side(link, 1, tc->programs.from_pod);
}

static const struct pst_link *find(const struct pst_link *links, size_t n, uint32_t index)
{
	for (size_t i = 0; i < n; i++)
		if (links[i].index == index)
			return &links[i];
	return NULL;
}

static bool is_known(const struct pst_tc *tc, const struct pst_link *link)
{
	const struct pst_link *known = find(tc->links, tc->n_links, link->index);

	return known && known->peer_netns == link->peer_netns;
}

/* What is gone leaves the map, also what went while there was no daemon. */
static void forget_gone(const struct pst_tc *tc, const struct pst_link *links, size_t n)
{
	const int map = tc->programs.devices;
	uint32_t kept, index;
	bool has_kept = false;

	while (!bpf_map_get_next_key(map, has_kept ? &kept : NULL, &index)) {
		if (!find(links, n, index)) {
			if (bpf_map_delete_elem(map, &index))
				return;
			continue;
		}
		kept = index;
		has_kept = true;
	}
}

static void warn_refused(const struct pst_link *link, int err)
{
	pst_log(PST_LOG_WARNING,
		"%s: no filter (%s): the pod behind it answers who is denied by itself (resets, echo replies, \"port unreachable\")",
		link->name, strerror(-err));
}

/* A device may be gone again by now: that is no refusal. */
static int sync_links(struct pst_tc *tc)
{
	struct pst_link *links = NULL;
	size_t n = 0, refused = 0;
	int r = pst_link_list(&links, &n);

	if (r)
		return pst_log_err(r, "cannot list the devices of this host");
	/* First: what a home was told may not be what another with its number is told. */
	if (tc->homes && pst_homes_links(tc->homes, links, n))
		pst_log(PST_LOG_WARNING, "no memory: sources of some pods are not checked");
	forget_gone(tc, links, n);
	for (size_t i = 0; i < n; i++) {
		r = is_known(tc, &links[i]) ? 0 : attach_link(tc, &links[i]);
		if (!r || r == -ENODEV)
			continue;
		refused++;
		if (!find(tc->links, tc->n_links, links[i].index))
			warn_refused(&links[i], r);
		links[i].peer_netns = UNKNOWN; /* tried again */
	}
	free(tc->links);
	tc->links = links;
	tc->n_links = n;
	tc->refused = refused;
	return 0;
}

/* A device that came while descriptors or memory were short says nothing a second time. */
static int sync_or_again(struct pst_tc *tc)
{
	const int r = sync_links(tc);
	const bool has_failed = r || tc->refused;
	const struct itimerspec t = {
		.it_value = {.tv_sec = has_failed ? (time_t)(tc->again_ms / 1000) : 0}};

	timerfd_settime(tc->timer_fd, 0, &t, NULL);
	if (!has_failed)
		tc->again_ms = AGAIN_MS;
	else if (tc->again_ms < AGAIN_MAX_MS)
		tc->again_ms *= 2;
	return r;
}

int pst_tc_attach(struct pst_tc *tc, const struct pst_tc_programs *programs)
{
	tc->programs = *programs;
	tc->n_links = 0;
	return sync_or_again(tc);
}

static void on_gone(uint32_t index, void *arg)
{
	struct pst_tc *tc = arg;

	for (size_t i = 0; i < tc->n_links; i++)
		if (tc->links[i].index == index)
			tc->links[i].peer_netns = UNKNOWN; /* a new one may have its index */
}

void pst_tc_dispatch(struct pst_tc *tc)
{
	uint64_t times;

	(void)!read(tc->timer_fd, &times, sizeof(times));
	if (pst_link_drain(tc->link_fd, on_gone, tc))
		for (size_t i = 0; i < tc->n_links; i++)
			tc->links[i].peer_netns = UNKNOWN;
	if (tc->programs.to_pod)
		sync_or_again(tc);
}

/* 1: a filter of ours was there. */
static int remove_side(const struct pst_link *link, int side)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)link->index, .attach_point = points[side]);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	pst_auto_fd int fd = -1;
	int r;

	if (bpf_tc_query(&hook, &opts))
		return 0;
	fd = bpf_prog_get_fd_by_id(opts.prog_id);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) || strcmp(info.name, names[side]))
		return 0;
	opts.prog_id = 0;
	opts.prog_fd = 0;
	opts.flags = 0;
	r = bpf_tc_detach(&hook, &opts);
	return r ? r : 1;
}

/* The qdisc without filters does nothing. */
static void remove_qdisc(const struct pst_link *link)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)link->index,
		    .attach_point = (enum bpf_tc_attach_point)(BPF_TC_EGRESS | BPF_TC_INGRESS));

	for (int side = 0; side < SIDES; side++)
		if (pst_link_has_filters(link->index, parents[side]))
			return;
	bpf_tc_hook_destroy(&hook);
}

int pst_tc_remove(void)
{
	struct pst_link *links = NULL;
	size_t n = 0;
	int err = pst_link_list(&links, &n);

	if (err)
		return pst_log_err(err, "cannot list the devices of this host");
	for (size_t i = 0; i < n; i++) {
		int found = 0;

		for (int side = 0; side < SIDES; side++) {
			int r = remove_side(&links[i], side);

			found += r > 0;
			if (r < 0 && r != -ENODEV)
				err = pst_log_err(r, "%s: cannot remove the filter", links[i].name);
		}
		if (found)
			remove_qdisc(&links[i]);
	}
	free(links);
	return err;
}
