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

/* The leg's port of its server's end, or the client's: what programs know a connection by. */
static int key_of(int fd, const union name *from, const union name *to, struct pst_leg_key *ret_key)
{
	struct pst_leg_key key = {.port = port_of(from), .server_port = port_of(to)};
	uint64_t cookie;
	int r = pst_netns_cookie(fd, &cookie);

	if (r)
		return r;
	key.netns_cookie = cookie;
	addr_of(from, key.addr);
	*ret_key = key;
	return 0;
}

static int introduce(const struct pst_legs_maps *maps, int leg, const struct ends *e,
		     const union name *from)
{
	struct pst_leg_key key;
	struct pst_end client = {.port = port_of(&e->client)};
	int r = key_of(leg, from, &e->server, &key);

	if (r)
		return r;
	addr_of(&e->client, client.addr);
	return bpf_map_update_elem(maps->legs, &key, &client, BPF_ANY) ? -errno : 0;
}

static socklen_t name_of(const struct pst_end *end, union name *ret_name)
{
	union name name = {.any.sa_family = AF_INET};
	uint8_t addr[16];

	memcpy(&name.v4.sin_addr, end->addr + 12, 4);
	name.v4.sin_port = htons(end->port);
	addr_of(&name, addr);
	if (memcmp(addr, end->addr, sizeof(addr))) {
		name = (union name){.any.sa_family = AF_INET6};
		memcpy(&name.v6.sin6_addr, end->addr, sizeof(addr));
		name.v6.sin6_port = htons(end->port);
	}
	*ret_name = name;
	return name.any.sa_family == AF_INET ? sizeof(name.v4) : sizeof(name.v6);
}

/*
 * Binds to the client's own address and port. The client's socket has that port, with the
 * loopback's address, and others may have it to other servers: that is no obstacle, TCP tells
 * connections apart by all four numbers. The kernel lets a socket in repair mode bind so.
 */
static int bind_as_client(int leg, const union name *from, socklen_t len)
{
	const int on = TCP_REPAIR_ON, off = TCP_REPAIR_OFF_NO_WP;
	int r = 0;

	if (setsockopt(leg, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)))
		return -errno;
	if (bind(leg, &from->any, len))
		r = -errno;
	if (setsockopt(leg, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)))
		return -errno;
	return r;
}

static int connect_leg(const struct pst_legs_maps *maps, int leg, const union name *to,
		       socklen_t len)
{
	const uint32_t kind = PST_OURS_LEG;
	const int on = 1;

	if (bpf_map_update_elem(maps->ours, &leg, &kind, BPF_ANY))
		return -errno;
	setsockopt(leg, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return connect(leg, &to->any, len) && errno != EINPROGRESS ? -errno : 0;
}

/* From FROM, which is not in the pod's namespace only if the pod has changed meanwhile. */
static int leg_from(const struct pst_legs_maps *maps, int client_fd, const union name *from,
		    const union name *to, socklen_t len)
{
	pst_auto_fd int leg = socket_beside(client_fd, to->any.sa_family);
	int r = leg < 0 ? leg : bind_as_client(leg, from, len);

	if (!r)
		r = connect_leg(maps, leg, to, len);
	return r ? r : PST_TAKE_FD(leg);
}

/* The last connection there with these four numbers may not be over yet: then another port. */
static int leg_out(const struct pst_legs_maps *maps, int client_fd, const struct pst_ends *meant)
{
	struct pst_end local = meant->local;
	union name from, to;
	socklen_t len = name_of(&meant->peer, &to);
	int leg;

	if (name_of(&local, &from) != len)
		return -EPROTO;
	leg = leg_from(maps, client_fd, &from, &to, len);
	if (leg != -EADDRNOTAVAIL && leg != -EADDRINUSE)
		return leg;
	local.port = 0;
	name_of(&local, &from);
	return leg_from(maps, client_fd, &from, &to, len);
}

static int prepare(const struct pst_legs_maps *maps, int leg, const struct ends *e)
{
	union name from;
	int r = bind_leg(leg, e, &from);

	if (!r)
		r = introduce(maps, leg, e, &from);
	return r ? r : connect_leg(maps, leg, &e->server, e->len);
}

int pst_legs_origin(const struct pst_legs_maps *maps, int client_fd, struct pst_ends *ret_ends)
{
	struct ends e = {.len = 0};
	struct pst_leg_key key;
	struct pst_ends meant;
	int r = is_accepted(maps, client_fd) ? read_ends(client_fd, &e) : -EPROTO;

	if (!r)
		r = key_of(client_fd, &e.client, &e.server, &key);
	if (r)
		return r;
	if (bpf_map_lookup_elem(maps->origins, &key, &meant))
		return -errno;
	bpf_map_delete_elem(maps->origins, &key);
	if (bpf_map_update_elem(maps->meant, &client_fd, &meant, BPF_ANY))
		return -errno;
	*ret_ends = meant;
	return 0;
}

int pst_legs_open(const struct pst_legs_maps *maps, int client_fd)
{
	pst_auto_fd int leg = -1;
	struct ends e = {.len = 0};
	struct pst_ends meant;
	int r;

	if (!is_accepted(maps, client_fd))
		return -EPROTO;
	if (!bpf_map_lookup_elem(maps->meant, &client_fd, &meant))
		return leg_out(maps, client_fd, &meant);
	r = read_ends(client_fd, &e);
	if (r)
		return r;
	leg = socket_beside(client_fd, e.server.any.sa_family);
	if (leg < 0)
		return leg;
	r = prepare(maps, leg, &e);
	return r ? r : PST_TAKE_FD(leg);
}

/* One question; the answer is in W, and a descriptor, or -1. */
static int answer(const struct pst_legs_maps *maps, int client, struct pst_wire *w)
{
	struct pst_ends ends;
	int leg = -1;

	switch (w->kind) {
	case PST_WIRE_LEG:
		leg = pst_legs_open(maps, client);
		w->error = leg < 0 ? leg : 0;
		return leg;
	case PST_WIRE_ORIGIN:
		w->error = pst_legs_origin(maps, client, &ends);
		if (!w->error) {
			w->client = ends.local;
			w->server = ends.peer;
		}
		return -1;
	default:
		w->error = -EPROTO;
		return -1;
	}
}

int pst_legs_run(const struct pst_legs_maps *maps, int fd)
{
	for (;;) {
		struct pst_wire w = {0};
		pst_auto_fd int client = -1;
		pst_auto_fd int leg = -1;
		int r = pst_wire_recv(fd, 0, &w, &client);

		if (r == -EPIPE)
			return 0;
		if (r && r != -EPROTO) {
			pst_log_err(r, "cannot read what the proxy asks for");
			return 1;
		}
		leg = answer(maps, client, &w);
		r = pst_wire_send(fd, &w, leg < 0 ? -1 : leg);
		if (r)
			return r == -EPIPE ? 0 : 1;
	}
}
