// SPDX-License-Identifier: Apache-2.0
/* A worker's thread: events, then mail, then what is late. */
#include "base/cleanup.h"
#include "base/log.h"
#include "proxy/entry.h"
#include "proxy/team.h"

#include <errno.h>
#include <sys/epoll.h>

enum { BATCH = 256 };

/* Fronts are told from what else is polled by their lowest bit. Each connection wakes one thread.
 */
static int watch_front(const struct pst_worker *w, const struct pst_front *front)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE,
				    .data.u64 = (uintptr_t)front | 1};

	return epoll_ctl(w->home.epoll_fd, EPOLL_CTL_ADD, front->fd, &event) ? -errno : 0;
}

static void listen_at(struct pst_worker *w, struct pst_front *front)
{
	int r = w->drain_end_ms ? -ECANCELED : pst_vec_push(&w->fronts, front);

	if (r) {
		pst_front_unref(&front);
		if (r != -ECANCELED)
			w->error = r;
		return;
	}
	r = watch_front(w, front);
	if (r)
		w->error = pst_log_err(r, "cannot watch a listener");
}

/* The descriptor is polled as long as any thread holds it. */
static void forget(struct pst_worker *w, size_t i)
{
	epoll_ctl(w->home.epoll_fd, EPOLL_CTL_DEL, w->fronts.v[i]->fd, NULL);
	pst_front_unref(&w->fronts.v[i]);
	w->fronts.v[i] = w->fronts.v[--w->fronts.n];
}

static void forget_place(struct pst_worker *w, uint32_t place)
{
	for (size_t i = w->fronts.n; i-- > 0;) {
		if (w->fronts.v[i]->place == place)
			forget(w, i);
	}
}

static void end(struct pst_worker *w)
{
	if (w->drain_end_ms)
		return;
	while (w->fronts.n)
		forget(w, w->fronts.n - 1);
	pst_worker_drain(w);
}

static void hear_answer(struct pst_worker *w, const struct pst_mail *mail)
{
	struct pst_asking_answer a;

	pst_asking_answered(&w->asking, &mail->wire, mail->fd, &a);
	if (a.fd >= 0)
		pst_entry_begin_out(w, &a);
	if (a.conn)
		pst_worker_run(w, a.conn);
}

static void read_one(struct pst_worker *w, const struct pst_mail *mail)
{
	switch (mail->kind) {
	case PST_MAIL_CONN:
		pst_entry_take(w, mail->fd, &mail->from, mail->port);
		break;
	case PST_MAIL_ANSWER:
		hear_answer(w, mail);
		break;
	case PST_MAIL_LISTEN:
		listen_at(w, mail->front);
		break;
	case PST_MAIL_FORGET:
		forget_place(w, mail->place);
		break;
	}
}

/* Behind all events: it may free fronts, which they name. */
static void read_mail(struct pst_worker *w)
{
	struct pst_mail_taken *taken = &w->taken;

	pst_mailbox_take(&w->mail, taken);
	if (taken->policy) {
		pst_worker_renew(w, PST_TAKE_PTR(taken->policy));
		pst_team_renewed(w);
	}
	for (size_t i = 0; i < taken->mails.n; i++)
		read_one(w, &taken->mails.v[i]);
	taken->mails.n = 0;
	if (taken->end)
		end(w);
	w->has_mail = false;
}

static void dispatch(struct pst_worker *w, const struct epoll_event *event)
{
	struct pst_conn_end *end = event->data.ptr;

	if (event->data.u64 & 1) {
		pst_entry_accept(w, (const struct pst_front *)(uintptr_t)(event->data.u64 & ~1ULL));
	} else if (event->data.ptr == &w->mail) {
		w->has_mail = true;
	} else if (!end->conn->done) {
		pst_conn_notice(end, event->events);
		pst_worker_run(w, end->conn);
	}
}

static int turn(struct pst_worker *w)
{
	struct epoll_event events[BATCH];
	int n;

	w->busy_since_ms = 0;
	n = epoll_wait(w->home.epoll_fd, events, BATCH, pst_worker_timeout(w));
	if (n < 0 && errno != EINTR)
		return pst_log_err(-errno, "cannot wait for events");
	pst_clock_read(&w->home.clock);
	w->busy_since_ms = w->home.clock.now_ms;
	for (int i = 0; i < n; i++)
		dispatch(w, &events[i]);
	if (w->has_mail)
		read_mail(w);
	pst_worker_settle(w);
	return w->error;
}

static bool is_over(const struct pst_worker *w)
{
	return w->team->given_up || (w->drain_end_ms && (w->all.next == &w->all ||
							 w->home.clock.now_ms >= w->drain_end_ms));
}

void *pst_worker_main(void *ctx)
{
	struct pst_worker *w = ctx;

	if (!pst_team_enter(w))
		return NULL;
	while (!w->error && !is_over(w))
		w->error = turn(w);
	pst_team_leave(w);
	return NULL;
}
