// SPDX-License-Identifier: Apache-2.0
#include "proxy/worker.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "proxy/entry.h"
#include "proxy/events.h"
#include "proxy/team.h"
#include "proxy/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { TRIM_MS = 1000 };

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

static void bury_if_done(struct pst_worker *w, struct pst_conn *c)
{
	if (!c->done || c->queued || c->buried)
		return;
	c->buried = true;
	unlink_conn(c);
	link_conn(&w->dead, c);
	w->load--;
	w->team->n_conns--;
}

void pst_worker_run(struct pst_worker *w, struct pst_conn *c)
{
	if (w->drain_end_ms)
		pst_pair_drain(c->pair);
	if (!c->done && !c->queued && pst_conn_run(c)) {
		c->queued = !pst_vec_push(&w->queue, c);
		if (!c->queued)
			pst_conn_kill(c);
	}
	if (w->drain_end_ms)
		pst_conn_end_if_idle(c);
	bury_if_done(w, c);
}

/* Nothing is denied of C any more: what begins now would not come here, either. */
static void audit(struct pst_worker *w, struct pst_conn *c, const struct pst_l4_result *r)
{
	const struct pst_conn_start known = {
		.client = c->client,
		.server = c->server,
		.client_port = c->client_port,
		.server_port = c->server_port,
		.direction = c->direction,
		.rule = r->rule,
	};

	if (!c->audited)
		pst_entry_tell_audited(w, &known, r);
	c->audited = true;
	if (!pst_pair_is_tunnel(c->pair))
		pst_conn_renew(c, w->policy, PST_PAIR_UNJUDGED);
}

/* What the policy that is in force now says about an open connection. */
static void renew(struct pst_worker *w, struct pst_conn *c)
{
	struct pst_l4_result r =
		pst_entry_ask(w, c->direction, &c->client, &c->server, c->server_port);

	if (c->done)
		return;
	if (r.audited) {
		audit(w, c, &r);
		return;
	}
	c->audited = false;
	/* A stream that nobody looks into cannot be judged later. */
	if (r.verdict == PST_VERDICT_DENY || r.verdict == PST_VERDICT_ALLOW ||
	    pst_pair_is_tunnel(c->pair)) {
		if (r.verdict != PST_VERDICT_ALLOW || !pst_pair_is_tunnel(c->pair)) {
			pst_tally_add(w->home.tally, PST_TALLY_REFUSED + PST_REASON_POLICY_CHANGED,
				      1);
			pst_conn_kill(c);
		}
		return;
	}
	pst_conn_renew(c, w->policy, r.ruleset);
}

static void run_queue(struct pst_worker *w)
{
	size_t n = w->queue.n;

	for (size_t i = 0; i < n; i++) {
		struct pst_conn *c = w->queue.v[i];

		c->queued = false;
		pst_worker_run(w, c);
	}
	w->queue.n -= n;
	for (size_t i = 0; i < w->queue.n; i++)
		w->queue.v[i] = w->queue.v[i + n];
}

static void run_timers(struct pst_worker *w)
{
	struct pst_timer *t;

	while ((t = pst_clock_due(&w->home.clock))) {
		struct pst_conn *c =
			(struct pst_conn *)((char *)t - offsetof(struct pst_conn, timer));

		pst_conn_time_out(c);
		bury_if_done(w, c);
	}
}

/* What lies between the long-lived pieces of many connections is whole pages, too. */
static void trim_heap(struct pst_worker *w)
{
	const uint64_t now = w->home.clock.now_ms;

	if (!w->home.rested || now < w->trim_at_ms)
		return;
	w->home.rested = 0;
	w->trim_at_ms = now + TRIM_MS;
	pst_memory_trim(&w->home.memory);
	malloc_trim(0);
}

static void free_list(struct pst_worker *w, struct pst_conn *list)
{
	while (list->next != list) {
		struct pst_conn *c = list->next;
		struct pst_share *share = c->purse.share;

		unlink_conn(c);
		pst_conn_free(&c);
		pst_share_give(&w->team->shares, share);
	}
}

static void free_dead(struct pst_worker *w)
{
	for (struct pst_conn *c = w->all.next, *next; w->look_for_dead && c != &w->all; c = next) {
		next = c->next;
		bury_if_done(w, c);
	}
	w->look_for_dead = false;
	free_list(w, &w->dead);
}

int pst_worker_timeout(const struct pst_worker *w)
{
	int ms = pst_clock_next(&w->home.clock);

	if (w->queue.n)
		return 0;
	if (w->home.rested && (ms < 0 || ms > TRIM_MS))
		ms = TRIM_MS;
	return w->drain_end_ms && (ms < 0 || ms > 100) ? 100 : ms;
}

void pst_worker_add(struct pst_worker *w, struct pst_conn *c)
{
	link_conn(&w->all, c);
	pst_worker_run(w, c);
}

void pst_worker_renew(struct pst_worker *w, struct pst_proxy_policy *policy)
{
	pst_proxy_policy_unref(&w->policy);
	w->policy = policy;
	for (struct pst_conn *c = w->all.next; c != &w->all; c = c->next)
		renew(w, c);
	w->look_for_dead = true;
}

void pst_worker_drain(struct pst_worker *w)
{
	w->drain_end_ms = w->home.clock.now_ms + 1000ULL * w->o->drain_timeout_s;
	for (struct pst_conn *c = w->all.next, *next; c != &w->all; c = next) {
		next = c->next;
		pst_worker_run(w, c);
	}
}

void pst_worker_settle(struct pst_worker *w)
{
	run_queue(w);
	run_timers(w);
	trim_heap(w);
	pst_memory_settle(&w->home.memory);
	free_dead(w);
}

/* Denials, and what is allowed while somebody wants to know. */
static bool is_told(const struct pst_worker *w, bool allowed)
{
	if (w->o->managed)
		return !allowed || pst_wish_is_all(w->team->managed.wish);
	return w->o->events == PST_PROXY_EVENTS_ALL ||
	       (w->o->events == PST_PROXY_EVENTS_DENIED && !allowed);
}

static int tell(const struct pst_worker *w, const struct pst_conn *c,
		const struct pst_pair_event *event)
{
	return w->o->managed ? pst_tell_request(&w->team->managed, c, event)
			     : pst_proxy_event_write(w->o, c, event);
}

static void on_event(void *ctx, const struct pst_conn *c, const struct pst_pair_event *event)
{
	struct pst_worker *w = ctx;

	pst_tally_add(w->home.tally,
		      pst_tally_decided(pst_pair_is_h2(c->pair) ? PST_TALLY_HTTP2 : PST_TALLY_HTTP1,
					event->reason),
		      1);
	if (is_told(w, event->allowed) && tell(w, c, event))
		pst_tally_add(w->home.tally, PST_TALLY_LOST_EVENTS, 1);
}

static void on_answer(void *ctx, const struct pst_conn *c, const struct pst_pair_answer *answer)
{
	struct pst_worker *w = ctx;
	const struct pst_managed *m = &w->team->managed;

	if (pst_wish_is_all(m->wish) && pst_tell_answer(m, c, answer))
		pst_tally_add(w->home.tally, PST_TALLY_LOST_EVENTS, 1);
}

static int reach(void *ctx, struct pst_conn *c)
{
	struct pst_worker *w = ctx;

	return pst_asking_reach(&w->asking, c);
}

static void give_up(void *ctx, const struct pst_conn *c)
{
	struct pst_worker *w = ctx;

	pst_asking_give_up(&w->asking, c);
}

static void set_up_home(struct pst_worker *w)
{
	struct pst_clock *c = &w->home.clock;

	pst_clock_init(c);
	c->after_ms[PST_WAIT_CONNECT] = 10 * 1000;
	c->after_ms[PST_WAIT_HEAD] = w->o->head_timeout_s * 1000;
	c->after_ms[PST_WAIT_IDLE] = w->o->idle_timeout_s * 1000;
	c->after_ms[PST_WAIT_REST] = 500;
	c->after_ms[PST_WAIT_LINGER] = 2 * 1000;
	w->home.memory.pool = &w->team->memory;
	w->home.tally = &w->counted;
	w->home.on_event = on_event;
	w->home.last_number = (uint64_t)w->number << 48;
	w->home.ctx = w;
	if (w->o->managed) {
		w->home.on_answer = on_answer;
		w->home.reach = reach;
		w->home.give_up = give_up;
	}
	for (int i = 0; i < 2; i++)
		w->home.denied[i] = &w->team->denied[i];
}

static int watch_mail(struct pst_worker *w)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &w->mail};

	return epoll_ctl(w->home.epoll_fd, EPOLL_CTL_ADD, w->mail.fd, &event) ? -errno : 0;
}

int pst_worker_init(struct pst_worker *w, struct pst_team *team, uint32_t number)
{
	int r;

	*w = (struct pst_worker){
		.team = team,
		.o = team->o,
		.number = number,
		.asking = {.managed = &team->managed, .worker = number},
		.mail.fd = -1,
	};
	w->all.prev = w->all.next = &w->all;
	w->dead.prev = w->dead.next = &w->dead;
	set_up_home(w);
	w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pst_pipe_init(&w->home.pipe);
	w->home.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->home.epoll_fd < 0)
		return -errno;
	r = pst_mailbox_init(&w->mail);
	return r ? r : watch_mail(w);
}

void pst_worker_fini(struct pst_worker *w)
{
	free_list(w, &w->dead);
	free_list(w, &w->all);
	while (w->fronts.n)
		pst_front_unref(&w->fronts.v[--w->fronts.n]);
	pst_vec_free(&w->fronts);
	pst_vec_free(&w->queue);
	pst_vec_free(&w->taken.mails);
	pst_asking_fini(&w->asking);
	pst_mailbox_fini(&w->mail);
	pst_memory_fini(&w->home.memory);
	pst_pipe_fini(&w->home.pipe);
	pst_proxy_policy_unref(&w->policy);
	pst_cleanup_fd(&w->spare_fd);
	pst_cleanup_fd(&w->home.epoll_fd);
}
