// SPDX-License-Identifier: Apache-2.0
#include "enforcer/legs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "enforcer/netns.h"
#include "enforcer/wire.h"

union name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* What the accepted connection says of itself. */
struct ends {
	union name client, server;
	socklen_t len;
};

static uint16_t port_of(const union name *n)
{
	return ntohs(n->any.sa_family == AF_INET ? n->v4.sin_port : n->v6.sin6_port);
}

static void addr_of(const union name *n, uint8_t ret_addr[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (n->any.sa_family == AF_INET) {
		memcpy(ret_addr, mapped, sizeof(mapped));
		memcpy(ret_addr + 12, &n->v4.sin_addr, 4);
	} else {
		memcpy(ret_addr, &n->v6.sin6_addr, 16);
	}
}

static bool is_accepted(const struct pst_legs_maps *maps, int fd)
{
	uint32_t kind = 0;

	return !bpf_map_lookup_elem(maps->ours, &fd, &kind) && kind == PST_OURS_LISTENER;
}

static int read_ends(int fd, struct ends *ret)
{
	socklen_t len = sizeof(ret->client);

	ret->len = sizeof(ret->server);
	if (getpeername(fd, &ret->client.any, &len) || getsockname(fd, &ret->server.any, &ret->len))
		return -errno;
	if (len != ret->len || ret->client.any.sa_family != ret->server.any.sa_family ||
	    (ret->client.any.sa_family != AF_INET && ret->client.any.sa_family != AF_INET6))
		return -EPROTO;
	return 0;
}

/* A socket of the namespace that FD belongs to. */
static int socket_beside(int fd, int family)
{
	pst_auto_fd int there = ioctl(fd, SIOCGSKNS);
	pst_auto_fd int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int leg;

	if (there < 0 || here < 0 || setns(there, CLONE_NEWNET))
		return -errno;
	leg = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (leg < 0)
		leg = -errno;
	/* In a stranger's namespace nothing else may be done. */
	if (setns(here, CLONE_NEWNET)) {
		pst_log_err(-errno, "cannot return to the own network namespace");
		abort();
	}
	return leg;
}

/* The leg gets its port here, so that the map knows it before anybody sees the connection. */
static int bind_leg(int leg, const struct ends *e, union name *ret_from)
{
	socklen_t len = e->len;

	*ret_from = e->server;
	if (ret_from->any.sa_family == AF_INET)
		ret_from->v4.sin_port = 0;
	else
		ret_from->v6.sin6_port = 0;
	if (bind(leg, &ret_from->any, e->len) || getsockname(leg, &ret_from->any, &len))
		return -errno;
	return 0;
}

static int introduce(const struct pst_legs_maps *maps, int leg, const struct ends *e,
		     const union name *from)
{
	const uint32_t kind = PST_OURS_LEG;
	struct pst_leg_key key = {.port = port_of(from), .server_port = port_of(&e->server)};
	struct pst_end client = {.port = port_of(&e->client)};
	uint64_t cookie;
	int r = pst_netns_cookie(leg, &cookie);

	if (r)
		return r;
	key.netns_cookie = cookie;
	addr_of(&e->server, key.addr);
	addr_of(&e->client, client.addr);
	if (bpf_map_update_elem(maps->ours, &leg, &kind, BPF_ANY) ||
	    bpf_map_update_elem(maps->legs, &key, &client, BPF_ANY))
		return -errno;
	return 0;
}

static int prepare(const struct pst_legs_maps *maps, int leg, const struct ends *e)
{
	const int on = 1;
	union name from;
	int r = bind_leg(leg, e, &from);

	if (!r)
		r = introduce(maps, leg, e, &from);
	if (r)
		return r;
	setsockopt(leg, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return connect(leg, &e->server.any, e->len) && errno != EINPROGRESS ? -errno : 0;
}

int pst_legs_open(const struct pst_legs_maps *maps, int client_fd)
{
	pst_auto_fd int leg = -1;
	struct ends e = {.len = 0};
	int r;

	if (!is_accepted(maps, client_fd))
		return -EPROTO;
	r = read_ends(client_fd, &e);
	if (r)
		return r;
	leg = socket_beside(client_fd, e.server.any.sa_family);
	if (leg < 0)
		return leg;
	r = prepare(maps, leg, &e);
	return r ? r : PST_TAKE_FD(leg);
}

int pst_legs_run(const struct pst_legs_maps *maps, int fd)
{
	for (;;) {
		struct pst_wire w;
		pst_auto_fd int client = -1;
		pst_auto_fd int leg = -1;
		int r = pst_wire_recv(fd, 0, &w, &client);

		if (r == -EPIPE)
			return 0;
		if (r == -EPROTO || (!r && w.kind != PST_WIRE_LEG)) {
			w = (struct pst_wire){.kind = PST_WIRE_LEG, .error = -EPROTO};
		} else if (r) {
			pst_log_err(r, "cannot read what the proxy asks for");
			return 1;
		} else {
			leg = pst_legs_open(maps, client);
			w.error = leg < 0 ? leg : 0;
		}
		r = pst_wire_send(fd, &w, leg < 0 ? -1 : leg);
		if (r)
			return r == -EPIPE ? 0 : 1;
	}
}
