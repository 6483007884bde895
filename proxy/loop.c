// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "compiler/explain.h"
#include "proxy/entry.h"
#include "proxy/events.h"
#include "proxy/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { BATCH = 256, BACKLOG = 4096 };

static int die(int error, const char *what)
{
	return pst_log_err(error, "%s", what);
}

static void on_event(void *ctx, const struct pst_conn *c, const struct pst_pair_event *event)
{
	struct pst_worker *l = ctx;

	if (event->allowed)
		l->allowed++;
	else
		l->denied_by[event->reason]++;
	if (l->o->events == PST_PROXY_EVENTS_ALL ||
	    (l->o->events == PST_PROXY_EVENTS_DENIED && !event->allowed))
		l->lost_events += pst_proxy_event_write(l->o, c, event) != 0;
}

static void log_counters(const struct pst_worker *l)
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

static int load_policy(const struct pst_worker *l, const struct pst_proxy_sources *sources,
		       struct pst_proxy_policy **ret_policy)
{
	const struct pst_proxy_judging how = {
		.name_rules = l->o->events == PST_PROXY_EVENTS_ALL,
		.any_form = l->o->any_form,
		.normal = l->o->normal,
	};

	return pst_proxy_policy_load(sources, &how, ret_policy);
}

static int take_over(struct pst_worker *l, const struct pst_proxy_sources *sources)
{
	struct pst_proxy_policy *next = NULL;
	int r = load_policy(l, sources, &next);

	if (r)
		return r;
	pst_worker_renew(l, next);
	return 0;
}

static void reload(struct pst_worker *l)
{
	if (l->managed.control >= 0)
		return; /* the daemon says when */
	if (take_over(l, &l->o->sources))
		pst_log(PST_LOG_ERROR, "not reloaded; the policy before stays in force");
	else
		pst_log(PST_LOG_INFO, "the policy was read again");
}

static void end(struct pst_worker *l)
{
	if (l->drain_end_ms)
		return;
	if (l->listen_fd >= 0)
		close(PST_TAKE_FD(l->listen_fd));
	pst_managed_forget_all(&l->managed);
	pst_worker_drain(l);
}

static void on_signal(struct pst_worker *l)
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
static int watch_listener(const struct pst_worker *l, const struct pst_front *listener)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uintptr_t)listener | 1};

	return epoll_ctl(l->home.epoll_fd, EPOLL_CTL_ADD, listener->fd, &event) ? -errno : 0;
}

static int take_policy(struct pst_worker *l, int fd)
{
	char path[32];
	const struct pst_proxy_sources sources = {.bundle = path};

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return take_over(l, &sources);
}

/* False: the daemon is gone, or does not speak as it should. */
static bool obey(struct pst_worker *l, const struct pst_wire *w, int *fd)
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

static void on_control(struct pst_worker *l)
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
static void on_legs(struct pst_worker *l)
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
			pst_entry_begin_out(l, &a);
		if (a.conn)
			pst_worker_run(l, a.conn);
	}
}

static int reach(void *ctx, struct pst_conn *c)
{
	struct pst_worker *l = ctx;

	return pst_managed_reach(&l->managed, c);
}

static void give_up(void *ctx, const struct pst_conn *c)
{
	struct pst_worker *l = ctx;

	pst_managed_give_up(&l->managed, c);
}

static bool is_over(const struct pst_worker *l)
{
	return l->drain_end_ms && (!l->n_conns || l->home.clock.now_ms >= l->drain_end_ms);
}

static void dispatch(struct pst_worker *l, const struct epoll_event *event)
{
	struct pst_conn_end *end = event->data.ptr;

	if (event->data.u64 & 1) {
		pst_entry_accept(l, (const struct pst_front *)(uintptr_t)(event->data.u64 & ~1ULL));
	} else if (event->data.ptr == &l->listen_fd) {
		if (l->listen_fd >= 0)
			pst_entry_accept(l, NULL);
	} else if (event->data.ptr == &l->managed.control) {
		l->ready.control = true;
	} else if (event->data.ptr == &l->managed.legs) {
		l->ready.legs = true;
	} else if (event->data.ptr == &l->signal_fd) {
		l->ready.signal = true;
	} else if (!end->conn->done) {
		pst_conn_notice(end, event->events);
		pst_worker_run(l, end->conn);
	}
}

/* Last of a turn: it may free listeners, which other events name. */
static void run_ready(struct pst_worker *l)
{
	if (l->ready.signal)
		on_signal(l);
	if (l->ready.control && l->managed.control >= 0)
		on_control(l);
	if (l->ready.legs && l->managed.legs >= 0)
		on_legs(l);
	l->ready.signal = l->ready.control = l->ready.legs = false;
}

static int turn(struct pst_worker *l)
{
	struct epoll_event events[BATCH];
	int n = epoll_wait(l->home.epoll_fd, events, BATCH, pst_worker_timeout(l));

	if (n < 0 && errno != EINTR)
		return die(-errno, "cannot wait for events");
	pst_clock_read(&l->home.clock);
	for (int i = 0; i < n; i++)
		dispatch(l, &events[i]);
	run_ready(l);
	pst_worker_settle(l);
	return 0;
}

static int watch(const struct pst_worker *l, int *fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

	return epoll_ctl(l->home.epoll_fd, EPOLL_CTL_ADD, *fd, &event) ? -errno : 0;
}

static int open_listener(struct pst_worker *l)
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

static int open_signals(struct pst_worker *l)
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

static void set_up(struct pst_worker *l)
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
static int open_front(struct pst_worker *l)
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

static int open_all(struct pst_worker *l)
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

static void close_all(struct pst_worker *l)
{
	pst_worker_clear(l);
	pst_managed_close(&l->managed);
	pst_memory_fini(&l->home.memory);
	pst_proxy_policy_unref(&l->policy);
	pst_cleanup_fd(&l->listen_fd);
	pst_cleanup_fd(&l->signal_fd);
	pst_cleanup_fd(&l->spare_fd);
	pst_cleanup_fd(&l->home.epoll_fd);
}

int pst_loop_run(const struct pst_proxy_options *o)
{
	struct pst_worker l = {
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
