// SPDX-License-Identifier: Apache-2.0
#include "enforcer/places.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "enforcer/abode.h"
#include "enforcer/clock.h"
#include "enforcer/link.h"
#include "enforcer/loader.h"
#include "enforcer/netns.h"
#include "enforcer/steer.h"
#include "enforcer/wire.h"

enum {
	BACKLOG = 4096,
	ROUND_MS = 1000, /* for places that are opened; then somebody else has his turn */
};

struct addr {
	uint8_t b[16];
};

struct place {
	uint64_t cookie;
	uint32_t id;
	bool is_seen;		/* in this round */
	struct pst_place known; /* to the kernel */
	struct pst_steer *steer;
};

struct pst_places {
	struct pst_places_opts opts;
	int ours_map, places_map;
	uint32_t next_id;
	uint64_t spent_ms;			  /* in this round, on opening */
	bool is_cut;				  /* there was more to open in it */
	struct addrs PST_VEC(struct addr) wanted; /* ascending */
	struct places PST_VEC(struct place) list;
};

/* ---- one place ---- */

static void drop(struct pst_places *p, size_t i)
{
	const struct pst_wire w = {.kind = PST_WIRE_FORGET, .id = p->list.v[i].id};

	bpf_map_delete_elem(p->places_map, &p->list.v[i].cookie);
	pst_steer_close(&p->list.v[i].steer);
	p->opts.tell(p->opts.tell_arg, &w, -1);
	p->list.v[i] = p->list.v[--p->list.n];
}

/* In the namespace of the place: a socket that listens on its loopback, at any port. */
static int open_listener(const struct pst_places *p, int family)
{
	const struct sockaddr_in v4 = {.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
	const struct sockaddr *at =
		family == AF_INET ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
	pst_auto_fd int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const uint32_t kind = PST_OURS_LISTENER;

	if (fd < 0 || bind(fd, at, family == AF_INET ? sizeof(v4) : sizeof(v6)) ||
	    listen(fd, BACKLOG) || bpf_map_update_elem(p->ours_map, &fd, &kind, BPF_ANY))
		return -errno;
	return PST_TAKE_FD(fd);
}

static int give_listeners(const struct pst_places *p, uint32_t id, const int listeners[2])
{
	const struct pst_wire w = {.kind = PST_WIRE_LISTENER, .id = id};
	int e = 0;

	for (int i = 0; i < 2 && !e; i++) {
		if (listeners[i] >= 0)
			e = p->opts.tell(p->opts.tell_arg, &w, listeners[i]);
	}
	return e;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 at = {0}; /* both families have it at the same place */
	socklen_t len = sizeof(at);

	return fd < 0 || getsockname(fd, (struct sockaddr *)&at, &len) ? 0 : ntohs(at.sin6_port);
}

/* What the kernel knows of the place: addresses come and go. */
static int show(const struct pst_places *p, struct place *place)
{
	struct pst_place now = place->known;

	pst_abode_read(now.addr);
	if (!memcmp(&now, &place->known, sizeof(now)))
		return 0;
	if (bpf_map_update_elem(p->places_map, &place->cookie, &now, BPF_ANY))
		return pst_log_err(-errno, "cannot tell the kernel where the proxy listens");
	place->known = now;
	return 0;
}

/* In the namespace: LISTENERS become a place that the proxy, what steers and the kernel know. */
static int settle(struct pst_places *p, struct place *place, int netns, const int listeners[2])
{
	int e = give_listeners(p, place->id, listeners);

	place->known.port[PST_PLACE_V4] = port_of(listeners[0]);
	place->known.port[PST_PLACE_V6] = port_of(listeners[1]);
	if (!e)
		e = pst_steer_open(p->opts.loader, p->opts.starter, netns, listeners,
				   &place->steer);
	return e ? e : show(p, place);
}

/* In the namespace. What a failure has left is dropped, or each new trial would add to it. */
static int open_place(struct pst_places *p, uint64_t cookie)
{
	const struct place place = {.cookie = cookie, .id = p->next_id++, .is_seen = true};
	pst_auto_fd int netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	pst_auto_fd int v4 = open_listener(p, AF_INET);
	pst_auto_fd int v6 = open_listener(p, AF_INET6); /* may be switched off there */
	int e = netns < 0 ? -errno : (v4 < 0 && v6 < 0 ? v4 : 0);

	if (!e)
		e = pst_vec_push(&p->list, place);
	if (e)
		return pst_log_err(e, "cannot listen for the proxy in a workload's namespace");
	e = settle(p, &p->list.v[p->list.n - 1], netns, (int[]){v4, v6}); /* logs */
	if (e)
		drop(p, p->list.n - 1);
	return e;
}

/* ---- all of them ---- */

static int addr_cmp(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

static int is_wanted(const struct pst_link_addr *at, void *arg)
{
	const struct pst_places *p = arg;

	return p->wanted.n && bsearch(at->b, p->wanted.v, p->wanted.n, sizeof(at->b), addr_cmp);
}

/* A namespace that fails is tried again in the next round; the others are not held up. */
static int visit(uint64_t cookie, void *arg)
{
	struct pst_places *p = arg;
	uint64_t begin;

	/* Whose address is not among the first PST_LINK_MAX_ADDRS has no place here. */
	if (pst_link_each_addr(PST_LINK_HERE, is_wanted, p) <= 0)
		return 0;
	for (size_t i = 0; i < p->list.n; i++) {
		if (p->list.v[i].cookie != cookie)
			continue;
		p->list.v[i].is_seen = true;
		show(p, &p->list.v[i]);
		return 0;
	}
	p->is_cut = p->spent_ms >= ROUND_MS;
	if (p->is_cut)
		return 0;
	begin = pst_clock_ms();
	open_place(p, cookie);
	p->spent_ms += pst_clock_ms() - begin;
	return 0;
}

int pst_places_look(struct pst_places *p)
{
	int e;

	for (size_t i = 0; i < p->list.n; i++)
		p->list.v[i].is_seen = false;
	p->spent_ms = 0;
	p->is_cut = false;
	e = pst_netns_each(p->opts.netns, visit, p);
	for (size_t i = p->list.n; !e && i-- > 0;) {
		if (!p->list.v[i].is_seen)
			drop(p, i);
	}
	return e ? e : p->is_cut ? -EINPROGRESS : 0;
}

void pst_places_drop(struct pst_places *p)
{
	while (p->list.n)
		drop(p, p->list.n - 1);
}

void pst_places_want_none(struct pst_places *p)
{
	p->wanted.n = 0;
}

int pst_places_want(struct pst_places *p, const uint8_t addr[16])
{
	struct addr a;

	memcpy(a.b, addr, sizeof(a.b));
	return pst_vec_push(&p->wanted, a);
}

bool pst_places_is_any_wanted(const struct pst_places *p)
{
	return p->wanted.n > 0;
}

static void forget_all(const struct pst_places *p)
{
	uint64_t cookie;

	while (!bpf_map_get_next_key(p->places_map, NULL, &cookie) &&
	       !bpf_map_delete_elem(p->places_map, &cookie))
		;
}

int pst_places_new(const struct pst_places_opts *opts, struct pst_places **ret_places)
{
	struct pst_places *p = pst_mem_calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->opts = *opts;
	p->ours_map = pst_loader_map(opts->loader, "pst_ours");
	p->places_map = pst_loader_map(opts->loader, "pst_places");
	forget_all(p);
	*ret_places = p;
	return 0;
}

void pst_places_free(struct pst_places **p)
{
	if (!*p)
		return;
	pst_places_drop(*p);
	pst_vec_free(&(*p)->list);
	pst_vec_free(&(*p)->wanted);
	free(*p);
	*p = NULL;
}
