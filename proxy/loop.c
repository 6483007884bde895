// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "compiler/explain.h"
#include "proxy/conn.h"
#include "proxy/events.h"
#include "proxy/managed.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BATCH = 256, BACKLOG = 4096, ACCEPTS = 64, TRIM_MS = 1000 };

struct loop {
	const struct pst_proxy_options *o;
	struct pst_conn_home home;
	struct pst_proxy_policy *policy;
	struct pst_reply denied[2];
	struct pst_managed managed;
	int listen_fd, signal_fd;
	int spare_fd; /* to be closed when there are no more, so that a connection can be refused */
	struct pst_conn all;  /* a list with a head of its own */
	struct pst_conn dead; /* likewise: events may still name them, until the turn is over */
	struct {
		bool signal, control, legs;
	} ready;	    /* to be read at the end of the turn */
	bool look_for_dead; /* some were ended without a look at the list */
	size_t n_conns;
	struct PST_VEC(struct pst_conn *) queue; /* have more to do */
	uint64_t drain_end_ms;			 /* 0: not ending */
	uint64_t trim_at_ms;			 /* not before */
	uint64_t allowed, denied_by[PST_REASON_MAX], lost_events;
};

static int die(int error, const char *what)
{
	return pst_log_err(error, "%s", what);
}

static void on_event(void *ctx, const struct pst_conn *c, const struct pst_pair_event *event)
{
	struct loop *l = ctx;

	if (event->allowed)
		l->allowed++;
	else
		l->denied_by[event->reason]++;
	if (l->o->events == PST_PROXY_EVENTS_ALL ||
	    (l->o->events == PST_PROXY_EVENTS_DENIED && !event->allowed))
		l->lost_events += pst_proxy_event_write(l->o, c, event) != 0;
}

static void log_counters(const struct loop *l)
{
	pst_log(PST_LOG_INFO, "%llu requests allowed", (unsigned long long)l->allowed);
	if (l->lost_events)
		pst_log(PST_LOG_INFO, "%llu events lost", (unsigned long long)l->lost_events);
	for (int i = 0; i < PST_REASON_MAX; i++) {
		if (l->denied_by[i])
			pst_log(PST_LOG_INFO, "%llu denied: %s",
				(unsigned long long)l->denied_by[i],
				pst_explain_reason_name((enum pst_reason)i));
	}
}

static struct pst_l4_result ask(const struct loop *l, enum pst_dir direction,
				const struct pst_addr *client, const struct pst_addr *server,
				uint16_t port)
{
	bool ingress = direction == PST_DIR_INGRESS;
	const struct pst_proxy_question q = {
		.direction = direction,
		.subject = l->o->has_subject ? &l->o->subject : (ingress ? server : client),
		.peer = l->o->has_peer ? &l->o->peer : (ingress ? client : server),
		.port = l->o->port ? (uint16_t)l->o->port : port,
	};

	return pst_proxy_policy_ask(l->policy, &q);
}

static void refuse(struct loop *l, int fd, enum pst_reason reason)
{
	const struct linger hard = {.l_onoff = 1, .l_linger = 0};

	l->denied_by[reason]++;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

static void unlink_conn(struct pst_conn *c)
{
	c->prev->next = c->next;
	c->next->prev = c->prev;
}

static void link_conn(struct pst_conn *list, struct pst_conn *c)
{
	c->next = list;
	c->prev = list->prev;
	list->prev->next = c;
	list->prev = c;
}

static void bury_if_done(struct loop *l, struct pst_conn *c)
{
	if (!c->done || c->queued || c->buried)
		return;
	c->buried = true;
	unlink_conn(c);
	link_conn(&l->dead, c);
	l->n_conns--;
}

static void run(struct loop *l, struct pst_conn *c)
{
	if (l->drain_end_ms)
		pst_pair_drain(c->pair);
	if (!c->done && !c->queued && pst_conn_run(c)) {
		c->queued = !pst_vec_push(&l->queue, c);
		if (!c->queued)
			pst_conn_kill(c);
	}
	if (l->drain_end_ms)
		pst_conn_end_if_idle(c);
	bury_if_done(l, c);
}

static void begin(struct loop *l, int fd, struct pst_conn_start *start)
{
	struct pst_l4_result r =
		ask(l, start->direction, &start->client, &start->server, start->server_port);
	struct pst_conn *c = NULL;
	const int on = 1;

	start->fd = fd;
	start->policy = l->policy;
	start->ruleset = r.ruleset;
	start->opaque = r.verdict == PST_VERDICT_ALLOW;
	if (r.verdict == PST_VERDICT_DENY) {
		refuse(l, fd, r.reason);
		return;
	}
	if (l->n_conns >= l->o->max_connections) {
		refuse(l, fd, PST_REASON_PROXY_LIMIT);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (pst_conn_new(&l->home, start, &c)) {
		refuse(l, fd, PST_REASON_NO_STATE);
		return;
	}
	link_conn(&l->all, c);
	l->n_conns++;
	run(l, c);
}

/* LISTENER is NULL when there is one server for all. */
static void begin_from(struct loop *l, const struct pst_front *listener, int fd,
		       const struct sockaddr_storage *from)
{
	struct pst_conn_start start = {
		.upstream = &l->o->upstream.addr,
		.upstream_len = l->o->upstream.len,
		.direction = l->o->direction,
	};
	struct sockaddr_storage at = l->o->upstream.addr;
	socklen_t len = sizeof(at);

	start.client = pst_proxy_addr(from, &start.client_port);
	if (listener && getsockname(fd, (struct sockaddr *)&at, &len)) {
		refuse(l, fd, PST_REASON_NO_STATE);
		return;
	}
	start.server = pst_proxy_addr(&at, &start.server_port);
	/* Sent to the listener itself: by connect.bpf.c, which has noted why, or by somebody. */
	if (listener && start.server_port == listener->port) {
		if (pst_managed_ask_origin(&l->managed, fd))
			refuse(l, fd, PST_REASON_PROXY_LIMIT);
		return;
	}
	begin(l, fd, &start);
}

static struct pst_addr addr_of(const struct pst_end *end)
{
	struct pst_addr addr;

	memcpy(addr.b, end->addr, sizeof(addr.b));
	return addr;
}

/* The connection of a workload to a server outside. */
static void begin_out(struct loop *l, const struct pst_managed_answer *a)
{
	struct pst_conn_start start = {
		.upstream = &l->o->upstream.addr,
		.upstream_len = l->o->upstream.len,
		.client = addr_of(&a->client),
		.server = addr_of(&a->server),
		.client_port = a->client.port,
		.server_port = a->server.port,
		.direction = PST_DIR_EGRESS,
	};

	if (a->error || l->drain_end_ms)
		refuse(l, a->fd, PST_REASON_UNKNOWN_LOCAL);
	else
		begin(l, a->fd, &start);
}

/* No descriptor is left: one connection is taken in order to be refused. */
static void refuse_next(struct loop *l, int listen_fd)
{
	int fd;

	if (l->spare_fd < 0)
		return;
	close(PST_TAKE_FD(l->spare_fd));
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		refuse(l, fd, PST_REASON_PROXY_LIMIT);
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_some(struct loop *l, const struct pst_front *listener)
{
	const int listen_fd = listener ? listener->fd : l->listen_fd;

	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		int fd = accept4(listen_fd, (struct sockaddr *)&from, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0)
			begin_from(l, listener, fd, &from);
		else if (errno == EMFILE || errno == ENFILE)
			refuse_next(l, listen_fd);
		else if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

/* What the policy that is in force now says about an open connection. */
static void renew(struct loop *l, struct pst_conn *c)
{
	struct pst_l4_result r = ask(l, c->direction, &c->client, &c->server, c->server_port);

	if (c->done)
		return;
	/* A stream that nobody looks into cannot be judged later. */
	if (r.verdict == PST_VERDICT_DENY || r.verdict == PST_VERDICT_ALLOW ||
	    pst_pair_is_tunnel(c->pair)) {
		if (r.verdict != PST_VERDICT_ALLOW || !pst_pair_is_tunnel(c->pair)) {
			l->denied_by[PST_REASON_POLICY_CHANGED]++;
			pst_conn_kill(c);
		}
		return;
	}
	pst_conn_renew(c, l->policy, r.ruleset);
}

static int load_policy(const struct loop *l, const struct pst_proxy_sources *sources,
		       struct pst_proxy_policy **ret_policy)
{
	const struct pst_proxy_judging how = {
		.name_rules = l->o->events == PST_PROXY_EVENTS_ALL,
		.any_form = l->o->any_form,
	};

	return pst_proxy_policy_load(sources, &how, ret_policy);
}

static int take_over(struct loop *l, const struct pst_proxy_sources *sources)
{
	struct pst_proxy_policy *next = NULL;
	int r = load_policy(l, sources, &next);

	if (r)
		return r;
	pst_proxy_policy_unref(&l->policy);
	l->policy = next;
	for (struct pst_conn *c = l->all.next; c != &l->all; c = c->next)
		renew(l, c);
	l->look_for_dead = true;
	return 0;
}

static void reload(struct loop *l)
{
	if (l->managed.control >= 0)
		return; /* the daemon says when */
	if (take_over(l, &l->o->sources))
		pst_log(PST_LOG_ERROR, "not reloaded; the policy before stays in force");
	else
		pst_log(PST_LOG_INFO, "the policy was read again");
}

static void end(struct loop *l)
{
	if (l->drain_end_ms)
		return;
	l->drain_end_ms = l->home.clock.now_ms + 1000ULL * l->o->drain_timeout_s;
	if (l->listen_fd >= 0)
		close(PST_TAKE_FD(l->listen_fd));
	pst_managed_forget_all(&l->managed);
	for (struct pst_conn *c = l->all.next, *next; c != &l->all; c = next) {
		next = c->next;
		run(l, c);
	}
}

static void on_signal(struct loop *l)
{
	struct signalfd_siginfo info;

	if (read(l->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGHUP:
		reload(l);
		break;
	case SIGUSR1:
		log_counters(l);
		break;
	default:
		end(l);
	}
}

/* Listeners are told from what else is polled by their lowest bit. */
static int watch_listener(const struct loop *l, const struct pst_front *listener)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uintptr_t)listener | 1};

	return epoll_ctl(l->home.epoll_fd, EPOLL_CTL_ADD, listener->fd, &event) ? -errno : 0;
}

static int take_policy(struct loop *l, int fd)
{
	char path[32];
	const struct pst_proxy_sources sources = {.bundle = path};

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return take_over(l, &sources);
}

/* False: the daemon is gone, or does not speak as it should. */
static bool obey(struct loop *l, const struct pst_wire *w, int *fd)
{
	struct pst_wire done = {.kind = PST_WIRE_DONE, .id = w->id};
	const struct pst_front *listener;

	switch (w->kind) {
	case PST_WIRE_POLICY:
		done.error = take_policy(l, *fd);
		return !pst_wire_send(l->managed.control, &done, -1);
	case PST_WIRE_LISTENER:
		if (!l->policy || *fd < 0)
			return false;
		listener = pst_managed_listen(&l->managed, w->id, PST_TAKE_FD(*fd));
		return listener && !watch_listener(l, listener);
	case PST_WIRE_FORGET:
		pst_managed_forget(&l->managed, w->id);
		return true;
	default:
		return false;
	}
}

static void on_control(struct loop *l)
{
	for (;;) {
		struct pst_wire w;
		pst_auto_fd int fd = -1;
		int r = pst_wire_recv(l->managed.control, MSG_DONTWAIT, &w, &fd);

		if (r == -EAGAIN)
			return;
		if (!r && obey(l, &w, &fd))
			continue;
		close(PST_TAKE_FD(l->managed.control));
		end(l);
		return;
	}
}

/* Without the helper there is no way to any server: its end is the end. */
static void on_legs(struct loop *l)
{
	for (;;) {
		struct pst_managed_answer a;
		int r = pst_managed_answer(&l->managed, &a);

		if (r == -EAGAIN)
			return;
		if (r) {
			close(PST_TAKE_FD(l->managed.legs));
			end(l);
			return;
		}
		if (a.fd >= 0)
			begin_out(l, &a);
		if (a.conn)
			run(l, a.conn);
	}
}

static int reach(void *ctx, struct pst_conn *c)
{
	struct loop *l = ctx;

	return pst_managed_reach(&l->managed, c);
}

static void give_up(void *ctx, const struct pst_conn *c)
{
	struct loop *l = ctx;

	pst_managed_give_up(&l->managed, c);
}

static void run_queue(struct loop *l)
{
	size_t n = l->queue.n;

	for (size_t i = 0; i < n; i++) {
		struct pst_conn *c = l->queue.v[i];

		c->queued = false;
		run(l, c);
	}
	l->queue.n -= n;
	for (size_t i = 0; i < l->queue.n; i++)
		l->queue.v[i] = l->queue.v[i + n];
}

static void run_timers(struct loop *l)
{
	struct pst_timer *t;

	while ((t = pst_clock_due(&l->home.clock))) {
		struct pst_conn *c =
			(struct pst_conn *)((char *)t - offsetof(struct pst_conn, timer));

		pst_conn_time_out(c);
		bury_if_done(l, c);
	}
}

/* What lies between the long-lived pieces of many connections is whole pages, too. */
static void trim_heap(struct loop *l)
{
	const uint64_t now = l->home.clock.now_ms;

	if (!l->home.rested || now < l->trim_at_ms)
		return;
	l->home.rested = 0;
	l->trim_at_ms = now + TRIM_MS;
	pst_memory_trim(&l->home.memory);
	malloc_trim(0);
}

static void free_list(struct pst_conn *list)
{
	while (list->next != list) {
		struct pst_conn *c = list->next;

		unlink_conn(c);
		pst_conn_free(&c);
	}
}

static void free_dead(struct loop *l)
{
	for (struct pst_conn *c = l->all.next, *next; l->look_for_dead && c != &l->all; c = next) {
		next = c->next;
		bury_if_done(l, c);
	}
	l->look_for_dead = false;
	free_list(&l->dead);
}

static int next_timeout(const struct loop *l)
{
	int ms = pst_clock_next(&l->home.clock);

	if (l->queue.n)
		return 0;
	if (l->home.rested && (ms < 0 || ms > TRIM_MS))
		ms = TRIM_MS;
	return l->drain_end_ms && (ms < 0 || ms > 100) ? 100 : ms;
}

static bool is_over(const struct loop *l)
{
	return l->drain_end_ms && (!l->n_conns || l->home.clock.now_ms >= l->drain_end_ms);
}

static void dispatch(struct loop *l, const struct epoll_event *event)
{
	struct pst_conn_end *end = event->data.ptr;

	if (event->data.u64 & 1) {
		accept_some(l, (const struct pst_front *)(uintptr_t)(event->data.u64 & ~1ULL));
	} else if (event->data.ptr == &l->listen_fd) {
		if (l->listen_fd >= 0)
			accept_some(l, NULL);
	} else if (event->data.ptr == &l->managed.control) {
		l->ready.control = true;
	} else if (event->data.ptr == &l->managed.legs) {
		l->ready.legs = true;
	} else if (event->data.ptr == &l->signal_fd) {
		l->ready.signal = true;
	} else if (!end->conn->done) {
		pst_conn_notice(end, event->events);
		run(l, end->conn);
	}
}

/* Last of a turn: it may free listeners, which other events name. */
static void run_ready(struct loop *l)
{
	if (l->ready.signal)
		on_signal(l);
	if (l->ready.control && l->managed.control >= 0)
		on_control(l);
	if (l->ready.legs && l->managed.legs >= 0)
		on_legs(l);
	l->ready.signal = l->ready.control = l->ready.legs = false;
}

static int turn(struct loop *l)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(l->home.epoll_fd, events, BATCH, next_timeout(l));

	if (n < 0 && errno != EINTR)
		return die(-errno, "cannot wait for events");
	pst_clock_read(&l->home.clock);
	for (int i = 0; i < n; i++)
		dispatch(l, &events[i]);
	run_ready(l);
	run_queue(l);
	run_timers(l);
	trim_heap(l);
	free_dead(l);
	return 0;
}

static int watch(const struct loop *l, int *fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

	return epoll_ctl(l->home.epoll_fd, EPOLL_CTL_ADD, *fd, &event) ? -errno : 0;
}

static int open_listener(struct loop *l)
{
	const struct pst_proxy_endpoint *at = &l->o->listen;
	const int on = 1;

	l->listen_fd = socket(at->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->listen_fd < 0)
		return die(-errno, "cannot open a socket");
	setsockopt(l->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(l->listen_fd, (const struct sockaddr *)&at->addr, at->len) ||
	    listen(l->listen_fd, BACKLOG))
		return die(-errno, "cannot listen");
	return 0;
}

static int open_signals(struct loop *l)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return die(-errno, "cannot block signals");
	signal(SIGPIPE, SIG_IGN);
	l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	return l->signal_fd < 0 ? die(-errno, "cannot receive signals") : 0;
}

static void set_up(struct loop *l)
{
	struct pst_clock *c = &l->home.clock;

	pst_clock_init(c);
	c->after_ms[PST_WAIT_CONNECT] = 10 * 1000;
	c->after_ms[PST_WAIT_HEAD] = l->o->head_timeout_s * 1000;
	c->after_ms[PST_WAIT_IDLE] = l->o->idle_timeout_s * 1000;
	c->after_ms[PST_WAIT_REST] = 500;
	c->after_ms[PST_WAIT_LINGER] = 2 * 1000;
	l->home.memory.limit = (size_t)l->o->max_memory_mib << 20;
	l->home.on_event = on_event;
	l->home.ctx = l;
	if (l->o->managed) {
		l->home.reach = reach;
		l->home.give_up = give_up;
	}
	for (int i = 0; i < 2; i++)
		l->home.denied[i] = &l->denied[i];
	l->all.prev = l->all.next = &l->all;
	l->dead.prev = l->dead.next = &l->dead;
}

/* Where connections come from. */
static int open_front(struct loop *l)
{
	int r = l->o->managed ? pst_managed_open(&l->managed) : open_listener(l);

	if (r)
		return r;
	if (l->o->managed)
		r = watch(l, &l->managed.control) || watch(l, &l->managed.legs);
	else
		r = watch(l, &l->listen_fd);
	return r ? die(-errno, "cannot watch sockets") : 0;
}

static int open_all(struct loop *l)
{
	int r = l->o->managed ? 0 : load_policy(l, &l->o->sources, &l->policy);

	if (!r)
		r = pst_reply_make(&l->o->reply, false, &l->denied[0]);
	if (!r)
		r = pst_reply_make(&l->o->reply, true, &l->denied[1]);
	if (r)
		return r;
	l->home.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->home.epoll_fd < 0)
		return die(-errno, "cannot watch sockets");
	l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = open_signals(l);
	if (!r)
		r = open_front(l);
	if (r)
		return r;
	return watch(l, &l->signal_fd) ? die(-errno, "cannot watch sockets") : 0;
}

static void close_all(struct loop *l)
{
	free_list(&l->dead);
	free_list(&l->all);
	pst_managed_close(&l->managed);
	pst_vec_free(&l->queue);
	pst_memory_fini(&l->home.memory);
	pst_proxy_policy_unref(&l->policy);
	pst_cleanup_fd(&l->listen_fd);
	pst_cleanup_fd(&l->signal_fd);
	pst_cleanup_fd(&l->spare_fd);
	pst_cleanup_fd(&l->home.epoll_fd);
}

int pst_loop_run(const struct pst_proxy_options *o)
{
	struct loop l = {
		.o = o,
		.listen_fd = -1,
		.signal_fd = -1,
		.spare_fd = -1,
		.home.epoll_fd = -1,
		.managed = {.control = -1, .legs = -1},
	};
	int r;

	set_up(&l);
	r = open_all(&l);
	if (!r)
		pst_log(PST_LOG_INFO, "listening");
	while (!r && !is_over(&l))
		r = turn(&l);
	if (!r)
		log_counters(&l);
	close_all(&l);
	return r;
}
