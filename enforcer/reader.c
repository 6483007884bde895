// SPDX-License-Identifier: Apache-2.0
#include "enforcer/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/clock.h"
#include "enforcer/parcel.h"
#include "enforcer/said.h"
#include "enforcer/wire.h"

enum { REAP_MS = 10, NS_PER_MS = 1000000 };

struct pst_reader {
	struct pst_reader_opts opts;
	int epoll, timer, fd;
	pid_t pid;	     /* 0: none */
	bool is_dying;	     /* killed, and not yet gone */
	bool is_fresh;	     /* no reading without mistakes has come from this process */
	bool is_late;	     /* the last one of such a process had mistakes */
	bool is_blind;	     /* it cannot watch files */
	bool is_silent;	     /* no reading has come from this process */
	bool has_begun;	     /* it has said that it reads, and not yet what */
	unsigned int missed; /* what was asked and could not be sent: bits 1 << enum pst_anew */
	unsigned int owed;   /* answers */
	uint64_t started_ns, heard_ns;
	uint64_t again_ns; /* when to start; while there is none */
	uint32_t again_ms; /* how long to wait the next time */
	uint64_t ended;
	struct pst_said said;
};

static int set_timer(const struct pst_reader *r, uint64_t ms)
{
	const struct itimerspec at = {
		.it_value = {.tv_sec = (time_t)(ms / 1000),
			     .tv_nsec = (long)(ms % 1000) * NS_PER_MS},
	};

	return timerfd_settime(r->timer, 0, &at, NULL) ? -errno : 0;
}

/* At least one: zero would stop the timer. */
static uint64_t left_ms(uint64_t since_ns, uint64_t limit_ms)
{
	const uint64_t past = (pst_clock_ns() - since_ns) / NS_PER_MS;

	return past < limit_ms ? limit_ms - past : 1;
}

/* ---- its life ---- */

static int begin(struct pst_reader *r)
{
	struct epoll_event ev = {.events = EPOLLIN}, said = {.events = EPOLLIN};
	struct pst_reader_process p;
	int e = r->opts.start(r->opts.arg, &p);

	if (e)
		return e;
	r->pid = p.pid;
	r->fd = p.fd;
	pst_said_take(&r->said, p.said);
	r->started_ns = r->heard_ns = pst_clock_ns();
	r->is_fresh = r->is_silent = true;
	r->is_blind = r->has_begun = false;
	r->owed = 1; /* it reads without being asked */
	ev.data.fd = r->fd;
	said.data.fd = p.said;
	/* It may never read what it is sent. */
	if (fcntl(r->fd, F_SETFL, O_NONBLOCK) || epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->fd, &ev) ||
	    epoll_ctl(r->epoll, EPOLL_CTL_ADD, p.said, &said))
		return pst_log_err(-errno, "cannot poll the reader of files");
	set_timer(r, r->opts.limit_ms);
	return 0;
}

/* In time; twice as late as the last time. */
static void plan(struct pst_reader *r)
{
	if (pst_clock_ns() - r->started_ns > (uint64_t)PST_READER_SETTLED_MS * NS_PER_MS)
		r->again_ms = r->opts.again_ms;
	r->again_ns = pst_clock_ns();
	set_timer(r, r->again_ms);
	pst_log(PST_LOG_INFO, "the reader of files is started again in %u ms", r->again_ms);
	r->again_ms *= 2;
	if (r->again_ms > PST_READER_AGAIN_MAX_MS)
		r->again_ms = PST_READER_AGAIN_MAX_MS;
}

static void tell_end(int status)
{
	if (WIFSIGNALED(status))
		pst_log(PST_LOG_ERROR, "the reader of files was ended by signal %d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		pst_log(PST_LOG_ERROR, "the reader of files has ended with status %d",
			WEXITSTATUS(status));
}

/* True when it is gone. One that waits for a dead disk does not go, not even when it is killed. */
static bool reap(struct pst_reader *r, int flags)
{
	int status = 0;
	pid_t got;

	do {
		got = waitpid(r->pid, &status, flags);
	} while (got < 0 && errno == EINTR);
	if (!got)
		return false;
	if (got == r->pid)
		tell_end(status);
	r->pid = 0;
	r->is_dying = false;
	return true;
}

/* WHY is NULL where its end shows it. */
static void end(struct pst_reader *r, const char *why)
{
	pst_said_end(&r->said);
	if (why)
		pst_log(PST_LOG_ERROR, "the reader of files is ended: %s", why);
	pst_cleanup_fd(&r->fd); /* and so it leaves the epoll set */
	r->fd = -1;
	if (r->pid > 0)
		kill(r->pid, SIGKILL);
	r->ended++;
	r->owed = 0;
	r->is_dying = true;
	set_timer(r, 1);
}

static bool send_word(struct pst_reader *r, enum pst_wire_kind kind, uint32_t id)
{
	const struct pst_wire w = {.kind = kind, .id = id};

	return r->fd >= 0 && !pst_wire_send(r->fd, &w, -1);
}

/* What to wait for next: an answer, or a reason to ask. */
static void wait_on(struct pst_reader *r)
{
	if (r->fd >= 0)
		set_timer(r, left_ms(r->heard_ns, r->owed ? r->opts.limit_ms : r->opts.ping_ms));
}

static void start_again(struct pst_reader *r)
{
	if (begin(r)) {
		end(r, "it cannot be used");
		if (r->pid <= 0) {
			r->is_dying = false;
			plan(r);
		}
	}
}

/* True: it is gone, just now. */
static bool on_timer(struct pst_reader *r)
{
	uint64_t n;

	if (read(r->timer, &n, sizeof(n)) != sizeof(n))
		return false;
	if (r->is_dying) {
		if (reap(r, WNOHANG))
			plan(r);
		else
			set_timer(r, REAP_MS);
	} else if (r->fd < 0) {
		start_again(r);
	} else if (r->owed && left_ms(r->heard_ns, r->opts.limit_ms) == 1) {
		end(r, "it does not answer");
		return true;
	} else {
		if (!r->owed && left_ms(r->heard_ns, r->opts.ping_ms) == 1) {
			r->heard_ns = pst_clock_ns();
			r->owed += send_word(r, PST_WIRE_PING, 0);
		}
		wait_on(r);
	}
	return false;
}

/* ---- what it says ---- */

bool pst_reader_is_wanted(const struct pst_reading *reading, enum pst_anew anew)
{
	return reading->changed || anew == PST_ANEW_ALWAYS ||
	       (anew == PST_ANEW_WHEN_CLEAN && !pst_diags_errors(reading->standing));
}

/* A bundle where there must be one, and nowhere else. */
static bool is_whole(const struct pst_reader_word *word)
{
	if (word->error && word->error != -EINVAL && word->error != -ENOMEM)
		return false;
	return !word->reading.bundle ==
	       (word->error || !pst_reader_is_wanted(&word->reading, word->anew));
}

/* Whether what it says counts, now that it has said this. */
static void note_late(struct pst_reader *r, struct pst_reader_word *word)
{
	const bool was_late = r->is_late;

	if (!word->error && !pst_diags_errors(word->reading.standing))
		r->is_fresh = false;
	word->is_late = r->is_late = r->is_fresh;
	if (r->is_late)
		send_word(r, PST_WIRE_REFUSED, 0);
	else if (was_late && !word->reading.bundle)
		pst_reader_ask(r, PST_ANEW_ALWAYS); /* it has not heard that nothing counted */
}

/* A new process reads everything: that answers what the former was not asked any more. */
static void note_missed(struct pst_reader *r, struct pst_reader_word *word)
{
	const unsigned int missed = r->missed;

	r->missed = 0;
	word->is_asked = word->anew == PST_ANEW_WHEN_CLEAN;
	if (r->is_silent)
		word->is_asked |= missed & 1U << PST_ANEW_WHEN_CLEAN;
	for (unsigned int a = PST_ANEW_NEVER; !r->is_silent && a < PST_ANEW_MAX; a++)
		if (missed & 1U << a)
			pst_reader_ask(r, (enum pst_anew)a);
	r->is_silent = false;
}

static int take_reading(struct pst_reader *r, const struct pst_wire *w, int pass,
			struct pst_reader_word *word)
{
	int e;

	if (w->id >= PST_ANEW_MAX || pass < 0)
		return -EPROTO;
	e = pst_parcel_read(pass, &word->reading);
	if (e)
		return e;
	r->has_begun = false;
	word->kind = PST_READER_READ;
	word->error = w->error;
	word->anew = (enum pst_anew)w->id;
	word->is_blind = r->is_blind;
	if (!is_whole(word)) {
		pst_reading_fini(&word->reading);
		return -EPROTO;
	}
	if (r->owed)
		r->owed--;
	note_missed(r, word);
	note_late(r, word);
	return 0;
}

static int take(struct pst_reader *r, const struct pst_wire *w, int pass,
		struct pst_reader_word *word)
{
	r->heard_ns = pst_clock_ns();
	switch (w->kind) {
	case PST_WIRE_BEGUN:
		if (pass >= 0 || r->has_begun)
			return -EPROTO;
		word->kind = PST_READER_BEGUN;
		r->has_begun = true;
		return 0;
	case PST_WIRE_PING:
		if (pass >= 0 || !r->owed)
			return -EPROTO;
		r->owed--;
		return 0;
	case PST_WIRE_READING:
		return take_reading(r, w, pass, word);
	case PST_WIRE_BLIND:
		r->is_blind = true; /* it has said why on stderr, and ends when it has read */
		return pass < 0 ? 0 : -EPROTO;
	default:
		return -EPROTO;
	}
}

static void on_message(struct pst_reader *r, struct pst_reader_word *word)
{
	pst_auto_fd int pass = -1;
	struct pst_wire w;
	int e = pst_wire_recv(r->fd, MSG_DONTWAIT, &w, &pass);

	if (e == -EAGAIN)
		return;
	if (!e)
		e = take(r, &w, pass, word);
	if (!e) {
		wait_on(r);
		return;
	}
	end(r, e == -EPIPE ? NULL : e == -EPROTO ? "what it says is no message" : strerror(-e));
	word->kind = PST_READER_GONE;
}

/* ---- outside ---- */

int pst_reader_open(const struct pst_reader_opts *opts, struct pst_reader **ret_reader)
{
	struct pst_reader *r = pst_mem_calloc(1, sizeof(*r));
	struct epoll_event ev = {.events = EPOLLIN};
	int e;

	if (!r)
		return -ENOMEM;
	*r = (struct pst_reader){.opts = *opts, .fd = -1};
	pst_said_init(&r->said, "reader");
	r->opts.limit_ms = opts->limit_ms ? opts->limit_ms : PST_READER_LIMIT_MS;
	r->opts.ping_ms = opts->ping_ms ? opts->ping_ms : PST_READER_PING_MS;
	r->opts.again_ms = opts->again_ms ? opts->again_ms : PST_READER_AGAIN_MS;
	r->again_ms = r->opts.again_ms;
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	ev.data.fd = r->timer;
	if (r->epoll < 0 || r->timer < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, r->timer, &ev))
		e = pst_log_err(-errno, "cannot wait for the reader of files");
	else
		e = begin(r);
	if (e) {
		pst_reader_close(&r);
		return e;
	}
	*ret_reader = r;
	return 0;
}

void pst_reader_close(struct pst_reader **reader)
{
	struct pst_reader *r = *reader;

	if (!r)
		return;
	pst_said_end(&r->said);
	pst_cleanup_fd(&r->fd);
	/* Not waited for: it may not go. */
	if (r->pid > 0)
		kill(r->pid, SIGKILL);
	pst_cleanup_fd(&r->timer);
	pst_cleanup_fd(&r->epoll);
	free(r);
	*reader = NULL;
}

int pst_reader_first(struct pst_reader *r, struct pst_reader_word *ret_word)
{
	for (;;) {
		struct pollfd p = {.fd = r->epoll, .events = POLLIN};

		if (poll(&p, 1, -1) < 0 && errno != EINTR)
			return pst_log_err(-errno, "cannot wait for the reader of files");
		pst_reader_dispatch(r, ret_word);
		if (ret_word->kind == PST_READER_READ)
			return 0;
		if (ret_word->kind == PST_READER_GONE) {
			reap(r, WNOHANG);
			return pst_log_err(-EIO, "the files could not be read");
		}
	}
}

int pst_reader_fd(const struct pst_reader *r)
{
	return r->epoll;
}

void pst_reader_dispatch(struct pst_reader *r, struct pst_reader_word *ret_word)
{
	*ret_word = (struct pst_reader_word){.kind = PST_READER_NOTHING};
	pst_said_read(&r->said);
	if (r->fd >= 0)
		on_message(r, ret_word);
	if (ret_word->kind == PST_READER_NOTHING && on_timer(r))
		ret_word->kind = PST_READER_GONE;
}

void pst_reader_ask(struct pst_reader *r, enum pst_anew anew)
{
	if (!send_word(r, PST_WIRE_READ, anew)) {
		r->missed |= 1U << anew;
		return;
	}
	if (!r->owed++)
		r->heard_ns = pst_clock_ns();
	wait_on(r);
}

void pst_reader_refused(struct pst_reader *r)
{
	send_word(r, PST_WIRE_REFUSED, 0);
}

void pst_reader_stats(const struct pst_reader *r, struct pst_reader_stats *ret_stats)
{
	*ret_stats = (struct pst_reader_stats){
		.state = r->fd >= 0    ? "running"
			 : r->is_dying ? "stuck"
				       : "restarting",
		.is_up = r->fd >= 0,
		.pid = r->pid,
		.ended = r->ended,
		.is_late = r->is_late,
	};
}
