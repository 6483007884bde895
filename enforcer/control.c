// SPDX-License-Identifier: Apache-2.0
#include "enforcer/control.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "enforcer/client.h"
#include "enforcer/clock.h"
#include "enforcer/flow_lost.h"
#include "enforcer/flow_ring.h"
#include "enforcer/listen.h"

enum {
	LISTENER = PST_CONTROL_CLIENTS, /* its number among those of the clients */
	BATCH = 1 << 16,		/* bytes of flows handed to one client at a time */
	STUCK_MS = 5000,
};

struct client {
	int fd;		   /* -1: free */
	uint64_t moved_ms; /* when something came or went last */
	size_t request_len;
	char *out; /* owned */
	size_t out_len, out_at;
	uint64_t next, end; /* flows that he has not got yet; END: what was there when he asked */
	bool wants_mark;    /* wants to be told when he has got these */
	bool has_asked, observes, follows, is_polled_out;
	char request[PST_CONTROL_REQUEST];
};

struct pst_control {
	struct pst_control_source source;
	struct pst_listen listen;
	int epoll_fd;
	int spare_fd; /* given up for a moment when no other is free */
	bool is_followed;
	struct client clients[PST_CONTROL_CLIENTS];
};

static void poll_for(struct pst_control *c, struct client *cl, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u32 = (uint32_t)(cl - c->clients)};

	epoll_ctl(c->epoll_fd, EPOLL_CTL_MOD, cl->fd, &ev);
	cl->is_polled_out = events & EPOLLOUT;
}

/* Tells when following begins and ends. */
static void count_followers(struct pst_control *c)
{
	bool any = false;

	for (size_t i = 0; i < PST_CONTROL_CLIENTS; i++)
		any = any || (c->clients[i].fd >= 0 && c->clients[i].follows);
	if (any != c->is_followed && c->source.followed)
		c->source.followed(any, c->source.arg);
	c->is_followed = any;
}

static void drop(struct pst_control *c, struct client *cl)
{
	bool followed = cl->follows;

	close(cl->fd);
	free(cl->out);
	*cl = (struct client){.fd = -1};
	if (followed)
		count_followers(c);
}

/* Makes LINE, which is owned by the client then, what is sent next. */
static void set_out(struct client *cl, char *line, size_t len)
{
	free(cl->out);
	cl->out = line;
	cl->out_len = len;
	cl->out_at = 0;
}

/* One line: the answer that WRITE gives, or ERROR. False: no memory. */
static bool answer(struct pst_control *c, struct client *cl, const char *key,
		   pst_control_write_fn write, const char *error)
{
	struct pst_json j;
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	if (!out)
		return false;
	pst_json_init(&j, out);
	pst_json_object(&j, NULL);
	pst_json_u64(&j, "version", PST_CONTROL_VERSION);
	if (error)
		pst_json_str(&j, "error", error);
	else
		write(&j, key, c->source.arg);
	pst_json_end(&j);
	if (pst_json_finish(&j) | fclose(out)) {
		free(line);
		return false;
	}
	set_out(cl, line, len);
	return true;
}

static void put_lost(const struct pst_control *c, uint64_t lost, FILE *out)
{
	if (lost)
		pst_flow_lost_write(out, PST_LOST_OBSERVER, lost, c->source.node_name);
}

/* Appends records to the batch until it is full; what has gone already as one record of loss. */
static void fill_batch(struct pst_control *c, struct client *cl, FILE *out)
{
	const struct pst_flow_ring *ring = c->source.flows;
	uint64_t end = cl->follows && !cl->wants_mark ? pst_flow_ring_next(ring) : cl->end;
	uint64_t lost = 0;

	while (cl->next < end && ftell(out) < BATCH) {
		if (pst_flow_ring_has(ring, cl->next)) {
			put_lost(c, lost, out);
			lost = 0;
			pst_flow_ring_write(ring, cl->next++, out);
			continue;
		}
		lost++;
		cl->next++;
		if (cl->next < pst_flow_ring_first(ring)) {
			uint64_t first = pst_flow_ring_first(ring);
			uint64_t to = first < end ? first : end;

			lost += to - cl->next;
			cl->next = to;
		}
	}
	put_lost(c, lost, out);
}

/* Tells him that what comes now is new. */
static void put_mark(struct client *cl, FILE *out)
{
	fprintf(out, "{\"version\":%d,\"live\":true}\n", PST_CONTROL_VERSION);
	cl->wants_mark = false;
}

static bool is_marked_here(const struct client *cl)
{
	return cl->wants_mark && cl->next >= cl->end;
}

/* False when there is nothing more to send now, or no memory for it. */
static bool refill(struct pst_control *c, struct client *cl)
{
	char *batch = NULL;
	size_t len = 0;
	FILE *out;

	if (!cl->observes)
		return false;
	if (!is_marked_here(cl) &&
	    cl->next == (cl->follows ? pst_flow_ring_next(c->source.flows) : cl->end))
		return false;
	out = open_memstream(&batch, &len);
	if (!out)
		return false;
	fill_batch(c, cl, out);
	if (is_marked_here(cl))
		put_mark(cl, out);
	if (fclose(out) || !len) {
		free(batch);
		return false;
	}
	set_out(cl, batch, len);
	return true;
}

/*
 * Sends until the socket is full or there is nothing more; one batch at most, so that others have
 * their turn. The client may be gone afterwards.
 */
static void pump(struct pst_control *c, struct client *cl)
{
	ssize_t n;

	if (cl->out_at == cl->out_len && !refill(c, cl)) {
		if (!cl->follows)
			drop(c, cl);
		else if (cl->is_polled_out)
			poll_for(c, cl, EPOLLRDHUP);
		return;
	}
	n = send(cl->fd, cl->out + cl->out_at, cl->out_len - cl->out_at,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop(c, cl);
		return;
	}
	if (n > 0) {
		cl->out_at += (size_t)n;
		cl->moved_ms = pst_clock_ms();
	}
	if (!cl->is_polled_out)
		poll_for(c, cl, EPOLLOUT | EPOLLRDHUP);
}

/*
 * {"request": "observe", "last": N, "follow": true, "mark": true}: N records from the end, all when
 * it is not said; with a mark behind the last of those that were there.
 */
static const char *begin_observe(struct pst_control *c, struct client *cl, const json_t *request)
{
	const json_t *last = json_object_get(request, "last");
	uint64_t first, next;

	if (!c->source.flows)
		return "this daemon keeps no flows";
	if (last && (!json_is_integer(last) || json_integer_value(last) < 0))
		return "last: expected a number of flows";
	first = pst_flow_ring_first(c->source.flows);
	next = pst_flow_ring_next(c->source.flows);
	if (last && (uint64_t)json_integer_value(last) < next - first)
		first = next - (uint64_t)json_integer_value(last);
	cl->observes = true;
	cl->follows = json_is_true(json_object_get(request, "follow"));
	cl->wants_mark = cl->follows && json_is_true(json_object_get(request, "mark"));
	cl->next = first;
	cl->end = next;
	count_followers(c);
	return NULL;
}

/* False: no memory for the answer. */
static bool serve(struct pst_control *c, struct client *cl, const json_t *request)
{
	const struct {
		const char *name;
		pst_control_write_fn write;
	} kinds[] = {{"status", c->source.status},
		     {"endpoints", c->source.endpoints},
		     {"policy", c->source.policy}};
	const char *kind = json_string_value(json_object_get(request, "request"));
	const char *error;

	if (json_integer_value(json_object_get(request, "version")) != PST_CONTROL_VERSION)
		return answer(c, cl, NULL, NULL, "expected a JSON object of \"version\": 1");
	if (!kind)
		return answer(c, cl, NULL, NULL, "expected a \"request\"");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (!strcmp(kind, kinds[i].name))
			return answer(c, cl, kind, kinds[i].write, NULL);
	}
	if (strcmp(kind, "observe"))
		return answer(c, cl, NULL, NULL,
			      "unknown request: expected status, endpoints, policy or observe");
	error = begin_observe(c, cl, request);
	return !error || answer(c, cl, NULL, NULL, error);
}

static void on_request(struct pst_control *c, struct client *cl, size_t len)
{
	json_t *request = json_loadb(cl->request, len, JSON_REJECT_DUPLICATES, NULL);
	bool ok;

	cl->has_asked = true;
	poll_for(c, cl, EPOLLOUT | EPOLLRDHUP);
	ok = serve(c, cl, request);
	json_decref(request);
	if (ok)
		pump(c, cl);
	else
		drop(c, cl);
}

static void receive(struct pst_control *c, struct client *cl)
{
	size_t room = sizeof(cl->request) - cl->request_len;
	char *at = cl->request + cl->request_len;
	ssize_t n = recv(cl->fd, at, room, MSG_DONTWAIT);
	const char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(c, cl);
		return;
	}
	cl->moved_ms = pst_clock_ms();
	cl->request_len += (size_t)n;
	end = memchr(at, '\n', (size_t)n);
	if (end) {
		on_request(c, cl, (size_t)(end - cl->request));
	} else if (cl->request_len == sizeof(cl->request)) {
		cl->has_asked = true;
		if (answer(c, cl, NULL, NULL, "the request is too long"))
			pump(c, cl);
		else
			drop(c, cl);
	}
}

/* Has everything that there is for him, and waits. */
static bool is_waiting(const struct client *cl)
{
	return cl->follows && cl->out_at == cl->out_len && !cl->is_polled_out;
}

/* A free place, or that of the one who has not moved for longest; NULL when all are alive. */
static struct client *find_place(struct pst_control *c)
{
	struct client *stuck = NULL;

	for (size_t i = 0; i < PST_CONTROL_CLIENTS; i++) {
		struct client *cl = &c->clients[i];

		if (cl->fd < 0)
			return cl;
		if (!is_waiting(cl) && (!stuck || cl->moved_ms < stuck->moved_ms))
			stuck = cl;
	}
	if (!stuck || pst_clock_ms() - stuck->moved_ms < STUCK_MS)
		return NULL;
	drop(c, stuck);
	return stuck;
}

static void refuse(int fd)
{
	static const char words[] = "{\"version\":1,\"error\":\"too many connections\"}\n";

	send(fd, words, sizeof(words) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * The next client; -1: there is none to serve. Who is not accepted stays there, and is told of
 * again at once: so he is, and is refused, also where no descriptor is free.
 */
static int take(struct pst_control *c)
{
	int fd = accept4(c->listen.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0 || (errno != EMFILE && errno != ENFILE))
		return fd;
	pst_cleanup_fd(&c->spare_fd);
	fd = accept4(c->listen.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		refuse(fd);
		close(fd);
	}
	c->spare_fd = fcntl(c->epoll_fd, F_DUPFD_CLOEXEC, 0);
	return -1;
}

static void accept_one(struct pst_control *c)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP};
	pst_auto_fd int fd = take(c);
	struct client *cl;

	if (fd < 0)
		return;
	cl = find_place(c);
	if (!cl) {
		refuse(fd);
		return;
	}
	ev.data.u32 = (uint32_t)(cl - c->clients);
	if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		return;
	*cl = (struct client){.fd = PST_TAKE_FD(fd), .moved_ms = pst_clock_ms()};
}

static void on_client(struct pst_control *c, struct client *cl, uint32_t events)
{
	if (cl->fd < 0)
		return;
	if (events & (EPOLLHUP | EPOLLERR))
		drop(c, cl);
	else if (!cl->has_asked && events & (EPOLLIN | EPOLLRDHUP))
		receive(c, cl);
	else if (events & EPOLLOUT)
		pump(c, cl);
	else if (events & EPOLLRDHUP) /* he has said all; he may still read */
		poll_for(c, cl, cl->is_polled_out ? EPOLLOUT : 0);
}

void pst_control_dispatch(struct pst_control *c)
{
	struct epoll_event ready[PST_CONTROL_CLIENTS + 1];
	int n = epoll_wait(c->epoll_fd, ready, PST_CONTROL_CLIENTS + 1, 0);
	bool asked = false;

	for (int i = 0; i < n; i++) {
		if (ready[i].data.u32 == LISTENER)
			asked = true;
		else
			on_client(c, &c->clients[ready[i].data.u32], ready[i].events);
	}
	/* Behind the others: it may get the place of one, whose events are not its own. */
	if (asked)
		accept_one(c);
}

void pst_control_flows_added(struct pst_control *c)
{
	for (size_t i = 0; i < PST_CONTROL_CLIENTS; i++) {
		if (c->clients[i].fd >= 0 && is_waiting(&c->clients[i]))
			pump(c, &c->clients[i]);
	}
}

unsigned int pst_control_count_clients(const struct pst_control *c)
{
	unsigned int n = 0;

	for (size_t i = 0; i < PST_CONTROL_CLIENTS; i++)
		n += c->clients[i].fd >= 0;
	return n;
}

int pst_control_fd(const struct pst_control *c)
{
	return c->epoll_fd;
}

int pst_control_open(const char *path, const struct pst_control_source *source,
		     struct pst_control **ret_control, const char **ret_why)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = LISTENER};
	struct pst_control *c = pst_mem_calloc(1, sizeof(*c));
	int r;

	*ret_why = "cannot listen there";
	if (!c)
		return -ENOMEM;
	c->source = *source;
	c->listen.fd = -1;
	for (size_t i = 0; i < PST_CONTROL_CLIENTS; i++)
		c->clients[i].fd = -1;
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	c->spare_fd = c->epoll_fd < 0 ? -1 : fcntl(c->epoll_fd, F_DUPFD_CLOEXEC, 0);
	r = c->spare_fd < 0 ? -errno : pst_listen_open(path, &c->listen, ret_why);
	if (!r && epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->listen.fd, &ev))
		r = -errno;
	if (r)
		pst_control_close(&c);
	else
		*ret_control = c;
	return r;
}

void pst_control_close(struct pst_control **c)
{
	if (!*c)
		return;
	(*c)->source.followed = NULL;
	for (size_t i = 0; i < PST_CONTROL_CLIENTS; i++) {
		if ((*c)->clients[i].fd >= 0)
			drop(*c, &(*c)->clients[i]);
	}
	pst_listen_close(&(*c)->listen);
	pst_cleanup_fd(&(*c)->epoll_fd);
	pst_cleanup_fd(&(*c)->spare_fd);
	free(*c);
	*c = NULL;
}
