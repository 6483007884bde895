// SPDX-License-Identifier: Apache-2.0
#include "proxy/loop.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "proxy/confine.h"
#include "proxy/team.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

struct loop {
	const struct pst_proxy_options *o;
	struct pst_team team;
	struct pst_proxy_policy *policy; /* whose twins the workers have */
	struct pst_clock clock;
	int epoll_fd, signal_fd;
	bool ending;
	int error; /* it cannot go on */
};

static int die(int error, const char *what)
{
	return pst_log_err(error, "%s", what);
}

static void end(struct loop *l)
{
	if (!l->ending)
		pst_team_end(&l->team, l->clock.now_ms);
	l->ending = true;
}

static int load_policy(const struct loop *l, const struct pst_proxy_sources *sources,
		       struct pst_proxy_policy **ret_policy)
{
	const struct pst_proxy_judging how = {
		.name_rules = l->o->events == PST_PROXY_EVENTS_ALL,
		.wish = l->team.managed.wish,
		.any_form = l->o->any_form,
		.normal = l->o->normal,
	};

	return pst_proxy_policy_load(sources, &how, ret_policy);
}

static int take_over(struct loop *l, const struct pst_proxy_sources *sources)
{
	struct pst_proxy_policy *next = NULL;
	int r = load_policy(l, sources, &next);

	if (r)
		return r;
	pst_clock_read(&l->clock);
	r = pst_team_renew(&l->team, next, l->clock.now_ms);
	if (r) {
		pst_proxy_policy_unref(&next);
		return r;
	}
	pst_proxy_policy_unref(&l->policy);
	l->policy = next;
	return 0;
}

static void reload(struct loop *l)
{
	if (l->team.managed.control >= 0)
		return; /* the daemon says when */
	if (take_over(l, &l->o->sources))
		pst_log(PST_LOG_ERROR, "not reloaded; the policy before stays in force");
	else
		pst_log(PST_LOG_INFO, "the policy was read again");
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
		pst_team_log_counters(&l->team);
		break;
	default:
		end(l);
	}
}

/* FD is a memory that nobody changes any more. */
static int take_policy(struct loop *l, int fd, uint32_t id)
{
	struct pst_proxy_sources sources = {.bundle = "the daemon's policy", .id = id};
	struct stat st;
	void *bytes;
	int r;

	if (fstat(fd, &st) || st.st_size <= 0)
		return die(-EPROTO, "what the daemon gives is no policy");
	sources.n_bytes = (size_t)st.st_size;
	bytes = mmap(NULL, sources.n_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return die(-errno, "cannot read the daemon's policy");
	sources.bytes = bytes;
	r = take_over(l, &sources);
	munmap(bytes, sources.n_bytes);
	return r;
}

/* The workers accept from FRONT, whose reference is taken over. */
static int listen_at(struct loop *l, struct pst_front *front)
{
	int r = front ? pst_team_listen(&l->team, front, l->clock.now_ms) : -ENOMEM;

	pst_front_unref(&front);
	return r;
}

/* False: the daemon is gone, or does not speak as it should. */
static bool obey(struct loop *l, const struct pst_wire *w, int *fd)
{
	struct pst_wire done = {.kind = PST_WIRE_DONE, .id = w->id};
	const struct pst_wire yes = {.kind = PST_WIRE_PING};

	switch (w->kind) {
	case PST_WIRE_POLICY:
		done.error = take_policy(l, *fd, w->id);
		return !pst_wire_write(l->team.managed.answers, &done);
	case PST_WIRE_PING:
		return !pst_wire_write(l->team.managed.answers, &yes);
	case PST_WIRE_LISTENER:
		if (!l->policy || *fd < 0)
			return false;
		return !listen_at(l, pst_managed_listen(w->id, PST_TAKE_FD(*fd)));
	case PST_WIRE_FORGET:
		return !pst_team_forget(&l->team, w->id, l->clock.now_ms);
	default:
		return false;
	}
}

static void on_control(struct loop *l)
{
	while (l->team.managed.control >= 0) {
		struct pst_wire w;
		pst_auto_fd int fd = -1;
		int r = pst_wire_recv(l->team.managed.control, MSG_DONTWAIT, &w, &fd);

		if (r == -EAGAIN)
			return;
		if (!r && obey(l, &w, &fd))
			continue;
		close(PST_TAKE_FD(l->team.managed.control));
		end(l);
	}
}

/* Without the helper there is no way to any server: its end is the end. */
static void on_legs(struct loop *l)
{
	for (;;) {
		struct pst_mail mail = {.kind = PST_MAIL_ANSWER};
		uint32_t worker;
		int r = pst_managed_answer(&l->team.managed, &mail.wire, &mail.fd, &worker);

		if (r == -EAGAIN)
			return;
		if (r) {
			end(l);
			return;
		}
		/* An answer that is lost would let the next one be taken for it. */
		l->error = pst_mailbox_post(&l->team.workers[worker].mail, &mail, l->clock.now_ms);
		if (l->error) {
			pst_cleanup_fd(&mail.fd);
			return;
		}
	}
}

static int watch(const struct loop *l, int *fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = fd};

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, *fd, &event) ? -errno : 0;
}

/* At the first event of each kind everything is read; those behind it find nothing. */
static void dispatch(struct loop *l, const struct epoll_event *event)
{
	uint64_t times;

	if (event->data.ptr == &l->signal_fd)
		on_signal(l);
	else if (event->data.ptr == &l->team.managed.control)
		on_control(l);
	else if (event->data.ptr == &l->team.managed.legs)
		on_legs(l);
	else if (read(l->team.ended_fd, &times, sizeof(times)) == sizeof(times))
		end(l);
}

static int turn(struct loop *l)
{
	struct epoll_event events[4];
	int n = epoll_wait(l->epoll_fd, events, 4, -1);

	if (n < 0 && errno != EINTR)
		return die(-errno, "cannot wait for events");
	pst_clock_read(&l->clock);
	for (int i = 0; i < n; i++)
		dispatch(l, &events[i]);
	return l->error;
}

static int open_listener(struct loop *l)
{
	const struct pst_proxy_endpoint *at = &l->o->listen;
	const int on = 1;
	int fd = socket(at->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return die(-errno, "cannot open a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at->addr, at->len) || listen(fd, BACKLOG)) {
		int error = -errno;

		close(fd);
		return die(error, "cannot listen");
	}
	return listen_at(l, pst_front_new(fd, 0, 0));
}

/* Threads inherit that they are blocked: this one alone reads them. */
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

/* Where connections come from. */
static int open_front(struct loop *l)
{
	struct pst_managed *m = &l->team.managed;

	if (!l->o->managed) {
		int r = take_over(l, &l->o->sources);

		return r ? r : open_listener(l);
	}
	return watch(l, &m->control) || watch(l, &m->legs) ? die(-errno, "cannot watch sockets")
							   : 0;
}

/* What strangers send is read by workers that have gone, and the way there is narrow. */
static int start(struct loop *l)
{
	int r = pst_team_start(&l->team, l->o);

	if (!r && l->o->managed)
		r = pst_managed_open(&l->team.managed);
	pst_team_count(&l->team);
	if (!r && l->o->managed)
		r = pst_confine();
	if (r)
		return r;
	pst_team_go(&l->team);
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd < 0 || watch(l, &l->signal_fd) || watch(l, &l->team.ended_fd))
		return die(-errno, "cannot watch sockets");
	return open_front(l);
}

/* What is on its way when there is an error is given up. */
static void stop(struct loop *l)
{
	pst_team_free(&l->team);
	pst_proxy_policy_unref(&l->policy);
	pst_cleanup_fd(&l->signal_fd);
	pst_cleanup_fd(&l->epoll_fd);
}

int pst_loop_run(const struct pst_proxy_options *o)
{
	struct loop l = {.o = o, .epoll_fd = -1, .signal_fd = -1};
	int error = 0, r = open_signals(&l);

	if (r)
		return r;
	pst_clock_init(&l.clock);
	r = start(&l);
	if (!r)
		pst_log(PST_LOG_INFO, "listening");
	while (!r && !pst_team_has_ended(&l.team, &error))
		r = turn(&l);
	r = r ? r : error;
	if (!r)
		pst_team_log_counters(&l.team);
	stop(&l);
	return r;
}
