// SPDX-License-Identifier: Apache-2.0
#include "proxy/team.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "compiler/explain.h"

#include <errno.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Who was silent for so long gets no further connection. */
enum { HELD_UP_MS = 20 };

/* The processors that this process may use. */
static size_t count_processors(cpu_set_t *ret_set)
{
	if (sched_getaffinity(0, sizeof(*ret_set), ret_set))
		CPU_ZERO(ret_set);
	return (size_t)CPU_COUNT(ret_set);
}

static size_t count_threads(const struct pst_proxy_options *o, size_t processors)
{
	if (o->threads)
		return o->threads;
	if (!processors)
		return 1;
	return processors < PST_PROXY_THREADS_UNASKED ? processors : PST_PROXY_THREADS_UNASKED;
}

/* The scheduler may move a thread that it is told nothing about: slower, and no mistake. */
static void pin(pthread_t thread, size_t number, const cpu_set_t *all, size_t processors)
{
	size_t left = number % processors;
	cpu_set_t one;

	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, all) || left--)
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		pthread_setaffinity_np(thread, sizeof(one), &one);
		return;
	}
}

static int start_one(struct pst_team *t, const cpu_set_t *all, size_t processors, size_t n)
{
	struct pst_worker *w = &t->workers[t->n_workers];
	char name[16];
	int r = pst_worker_init(w, t, (uint32_t)t->n_workers);

	if (!r)
		r = -pthread_create(&w->thread, NULL, pst_worker_main, w);
	if (r) {
		pst_worker_fini(w);
		return r;
	}
	snprintf(name, sizeof(name), "worker-%zu", t->n_workers);
	pthread_setname_np(w->thread, name);
	if (n > 1 && processors)
		pin(w->thread, t->n_workers, all, processors);
	t->n_workers++;
	return 0;
}

static int start_all(struct pst_team *t)
{
	cpu_set_t all;
	size_t processors = count_processors(&all), n = count_threads(t->o, processors);
	int r = 0;

	t->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->ended_fd < 0)
		return -errno;
	pst_memory_pool_init(&t->memory, (size_t)t->o->max_memory_mib << 20, n);
	t->workers = pst_mem_calloc(n, sizeof(*t->workers));
	if (!t->workers)
		return -ENOMEM;
	while (!r && t->n_workers < n)
		r = start_one(t, &all, processors, n);
	/* What a thread does when it begins is done. */
	pthread_mutex_lock(&t->lock);
	while (t->n_ready < t->n_workers)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
	return r;
}

int pst_team_start(struct pst_team *t, const struct pst_proxy_options *o)
{
	int r;

	*t = (struct pst_team){.o = o, .ended_fd = -1};
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	pst_shares_init(&t->shares, o->workload_connections, (size_t)o->workload_memory_mib << 20);
	pst_managed_init(&t->managed);
	r = pst_reply_make(&o->reply, false, &t->denied[0]);
	if (!r)
		r = pst_reply_make(&o->reply, true, &t->denied[1]);
	if (!r)
		r = start_all(t);
	return r ? pst_log_err(r, "cannot start threads") : 0;
}

static void set_state(struct pst_team *t, int state)
{
	pthread_mutex_lock(&t->lock);
	if (t->state == PST_TEAM_WAITS)
		t->state = state;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
}

void pst_team_go(struct pst_team *t)
{
	set_state(t, PST_TEAM_GOES);
}

void pst_team_free(struct pst_team *t)
{
	t->given_up = true;
	pst_team_end(t, 1);
	set_state(t, PST_TEAM_CANCELLED);
	for (size_t i = 0; i < t->n_workers; i++)
		pthread_join(t->workers[i].thread, NULL);
	/* One may have left mail for another that had ended. */
	for (size_t i = 0; i < t->n_workers; i++)
		pst_worker_fini(&t->workers[i]);
	free(t->workers);
	pst_managed_close(&t->managed);
	pst_cleanup_fd(&t->ended_fd);
	pst_shares_fini(&t->shares);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
}

bool pst_team_enter(struct pst_worker *w)
{
	struct pst_team *t = w->team;
	bool goes;

	pthread_mutex_lock(&t->lock);
	t->n_ready++;
	pthread_cond_broadcast(&t->changed);
	while (t->state == PST_TEAM_WAITS)
		pthread_cond_wait(&t->changed, &t->lock);
	goes = t->state == PST_TEAM_GOES;
	pthread_mutex_unlock(&t->lock);
	return goes;
}

void pst_team_renewed(struct pst_worker *w)
{
	pthread_mutex_lock(&w->team->lock);
	w->generation++;
	pthread_cond_broadcast(&w->team->changed);
	pthread_mutex_unlock(&w->team->lock);
}

void pst_team_leave(struct pst_worker *w)
{
	struct pst_team *t = w->team;
	const uint64_t one = 1;

	pthread_mutex_lock(&t->lock);
	w->ended = true;
	t->n_ended++;
	t->error = t->error ? t->error : w->error;
	pthread_cond_broadcast(&t->changed);
	if (write(t->ended_fd, &one, sizeof(one)) < 0)
		pst_log(PST_LOG_ERROR, "a thread has ended unheard");
	pthread_mutex_unlock(&t->lock);
}

bool pst_team_has_ended(struct pst_team *t, int *ret_error)
{
	bool all;

	pthread_mutex_lock(&t->lock);
	all = t->n_ended == t->n_workers;
	*ret_error = t->error;
	pthread_mutex_unlock(&t->lock);
	return all;
}

/* Who has ended judges nothing. */
static void wait_for(struct pst_team *t, const struct pst_worker *w)
{
	pthread_mutex_lock(&t->lock);
	while (w->generation < t->generation && !w->ended)
		pthread_cond_wait(&t->changed, &t->lock);
	pthread_mutex_unlock(&t->lock);
}

static int make_twins(const struct pst_team *t, struct pst_proxy_policy *policy,
		      struct pst_proxy_policy **twins)
{
	for (size_t i = 0; i < t->n_workers; i++) {
		int r = pst_proxy_policy_twin(policy, &twins[i]);

		if (r)
			return r;
	}
	return 0;
}

int pst_team_renew(struct pst_team *t, struct pst_proxy_policy *policy, uint64_t now_ms)
{
	struct pst_proxy_policy *twins[PST_PROXY_THREADS] = {NULL};
	int r = make_twins(t, policy, twins);

	if (r) {
		for (size_t i = 0; i < t->n_workers; i++)
			pst_proxy_policy_unref(&twins[i]);
		return r;
	}
	/* Only this thread posts policies, and waits for each. */
	t->generation++;
	for (size_t i = 0; i < t->n_workers; i++)
		pst_mailbox_post_policy(&t->workers[i].mail, twins[i], now_ms);
	for (size_t i = 0; i < t->n_workers; i++)
		wait_for(t, &t->workers[i]);
	return 0;
}

int pst_team_listen(struct pst_team *t, struct pst_front *front, uint64_t now_ms)
{
	struct pst_mail mail = {.kind = PST_MAIL_LISTEN, .fd = -1};
	int r = 0;

	for (size_t i = 0; !r && i < t->n_workers; i++) {
		mail.front = pst_front_ref(front);
		r = pst_mailbox_post(&t->workers[i].mail, &mail, now_ms);
		if (r)
			pst_front_unref(&mail.front);
	}
	return r;
}

int pst_team_forget(struct pst_team *t, uint32_t place, uint64_t now_ms)
{
	const struct pst_mail mail = {.kind = PST_MAIL_FORGET, .fd = -1, .place = place};
	int r = 0;

	for (size_t i = 0; !r && i < t->n_workers; i++)
		r = pst_mailbox_post(&t->workers[i].mail, &mail, now_ms);
	return r;
}

void pst_team_end(struct pst_team *t, uint64_t now_ms)
{
	for (size_t i = 0; i < t->n_workers; i++)
		pst_mailbox_post_end(&t->workers[i].mail, now_ms);
}

bool pst_team_take_conn(struct pst_team *t)
{
	size_t n = t->n_conns;

	do {
		if (n >= t->o->max_connections)
			return false;
	} while (!atomic_compare_exchange_weak(&t->n_conns, &n, n + 1));
	return true;
}

static bool is_held_up(struct pst_worker *w, uint64_t now_ms)
{
	uint64_t busy = w->busy_since_ms, waits = w->mail.since_ms;

	return (busy && now_ms > busy + HELD_UP_MS) || (waits && now_ms > waits + HELD_UP_MS);
}

struct pst_worker *pst_team_choose(struct pst_worker *w)
{
	struct pst_team *t = w->team;
	size_t least = w->load;
	struct pst_worker *best = w;

	for (size_t i = 0; i < t->n_workers; i++) {
		struct pst_worker *other = &t->workers[i];
		size_t load = other->load;

		/* To hand a connection over costs something, too. */
		if (load + 1 < w->load && load < least &&
		    !is_held_up(other, w->home.clock.now_ms)) {
			least = load;
			best = other;
		}
	}
	return best;
}

void pst_team_count(struct pst_team *t)
{
	_Static_assert((int)PST_PROXY_THREADS <= (int)PST_TALLY_ROWS, "a row for each thread");

	for (size_t i = 0; t->managed.tally && i < t->n_workers; i++)
		t->workers[i].home.tally = &t->managed.tally->rows[i];
}

static uint64_t sum(const struct pst_team *t, unsigned int what)
{
	uint64_t all = 0;

	for (size_t i = 0; i < t->n_workers; i++)
		all += t->workers[i].home.tally->n[what];
	return all;
}

static uint64_t sum_decided(const struct pst_team *t, enum pst_reason reason)
{
	return sum(t, pst_tally_decided(PST_TALLY_HTTP1, reason)) +
	       sum(t, pst_tally_decided(PST_TALLY_HTTP2, reason));
}

void pst_team_log_counters(const struct pst_team *t)
{
	static const enum pst_reason allowed[] = {PST_REASON_RULE, PST_REASON_RULE_FALLBACK};
	uint64_t lost = sum(t, PST_TALLY_LOST_EVENTS), n = 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		n += sum_decided(t, allowed[i]);
	pst_log(PST_LOG_INFO, "%llu requests allowed", (unsigned long long)n);
	if (lost)
		pst_log(PST_LOG_INFO, "%llu events lost", (unsigned long long)lost);
	for (enum pst_reason i = 0; i < PST_REASON_MAX; i++) {
		n = sum(t, PST_TALLY_REFUSED + i) + sum_decided(t, i);
		if (n && i != PST_REASON_RULE && i != PST_REASON_RULE_FALLBACK)
			pst_log(PST_LOG_INFO, "%llu denied: %s", (unsigned long long)n,
				pst_explain_reason_name(i));
	}
}
