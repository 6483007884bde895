// SPDX-License-Identifier: Apache-2.0
#include "enforcer/redirect.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "enforcer/clock.h"
#include "enforcer/crew.h"
#include "enforcer/dues.h"
#include "enforcer/handover.h"
#include "enforcer/judged.h"
#include "enforcer/learned.h"
#include "enforcer/loader.h"
#include "enforcer/places.h"
#include "enforcer/proxied.h"
#include "enforcer/said.h"
#include "enforcer/wire.h"
#include "enforcer/wish.h"

enum {
	LOOK_MS = 1000,	    /* while workloads may still be starting */
	LOOK_SOON_MS = 250, /* while there is more to open than was at once */
	LOOK_LATER_MS = 10 * 1000,
	LOOK_PAUSE_MS = 200, /* between one and the next that somebody asks for, at least ... */
	LOOK_SHARE = 9,	     /* ... and as many times as long as it took */
	STARTING_MS = 30 * 1000,
	RESTART_MS = 1000, /* the first time; then twice as long each time */
	RESTART_MAX_MS = 60 * 1000,
	STAYS_MS = 60 * 1000, /* a proxy that ran that long begins anew with the first time */
};

/* Whose stderr is listened to. */
enum { SAID_PROXY, SAID_HELPER, N_SAID };

static uint64_t ends;

struct numbers PST_VEC(uint32_t);

struct pst_redirect {
	struct pst_crew_opts crew_opts;
	struct pst_crew crew;
	int epoll_fd, timer_fd;
	int policy_fd;		    /* what the proxy has, or is to have; -1: nothing yet */
	struct pst_places *places;  /* of the workloads */
	struct pst_learned learned; /* whose clients try HTTP/2 */
	struct pst_said said[N_SAID];
	struct pst_dues dues; /* nothing is steered before it has taken the policy over */
	bool is_off;	      /* there is to be no proxy */
	int http2_map;
	uint64_t starting_until_ms, started_ms, may_look_ms, timer_ms;
	unsigned int restart_ms;
	struct pst_judged judged;
	struct pst_wish *wish;
	int wish_fd;
	const struct pst_tally *tally; /* of the proxy that runs; NULL: none */
	struct pst_proxied counted;    /* by those before it; and how many there were */
};

static bool is_up(const struct pst_redirect *r)
{
	return r->crew.control >= 0;
}

static void set_timer(struct pst_redirect *r, unsigned int ms)
{
	const struct itimerspec t = {
		.it_value = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L}};

	timerfd_settime(r->timer_fd, 0, &t, NULL);
	r->timer_ms = pst_clock_ms() + ms;
}

/* Never waits. What it was not sent is made up for by the next one: this one is ended. */
static int tell(void *arg, const struct pst_wire *w, int pass)
{
	struct pst_redirect *r = arg;
	int e = is_up(r) ? pst_wire_send(r->crew.control, w, pass) : 0;

	r->dues.is_deaf |= e != 0;
	return e;
}

/* Nobody writes there any more. */
static void close_tally(struct pst_redirect *r)
{
	pst_tally_sum(r->tally, &r->counted.sums);
	pst_tally_end(&r->counted.sums);
	pst_tally_free(&r->tally);
}

/* The proxy is gone, or does not do what it should: then WHY. */
static void down(struct pst_redirect *r, const char *why)
{
	if (why)
		pst_log(PST_LOG_ERROR, "the proxy is ended: %s", why);
	pst_crew_kill(&r->crew);
	/* What it has judged has happened, also if it is ended for something else. */
	pst_judged_drain(&r->judged);
	pst_judged_end(&r->judged);
	for (size_t i = 0; i < N_SAID; i++)
		pst_said_end(&r->said[i]);
	close_tally(r);
	pst_places_drop(r->places);
	ends++;
	if (pst_clock_ms() - r->started_ms > STAYS_MS)
		r->restart_ms = RESTART_MS;
	pst_log(PST_LOG_ERROR,
		"the proxy has ended: its connections ended, new ones are denied; it is started again in %u s",
		r->restart_ms / 1000);
	set_timer(r, r->restart_ms);
	r->restart_ms = r->restart_ms * 2 < RESTART_MAX_MS ? r->restart_ms * 2 : RESTART_MAX_MS;
}

/* True: it is ended. */
static bool end_if(struct pst_redirect *r, const char *why)
{
	if (why)
		down(r, why == pst_dues_gone ? NULL : why);
	return why != NULL;
}

static void hand_over(struct pst_redirect *r)
{
	const struct pst_wire w = {.kind = PST_WIRE_POLICY, .id = r->dues.policy_id};

	r->dues.policy_ms = pst_clock_ms();
	tell(r, &w, r->policy_fd);
}

static int watch(const struct pst_redirect *r, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN};

	return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int up(struct pst_redirect *r)
{
	struct pst_crew_said said;
	pst_auto_fd int fd = -1;
	int e = pst_tally_new(&r->tally, &fd);

	if (e)
		return pst_log_err(e, "cannot share memory with the proxy");
	r->crew_opts.tally_fd = fd;
	r->crew_opts.wish_fd = r->wish_fd;
	e = pst_crew_start(&r->crew_opts, &r->crew, &said);
	if (e)
		return e;
	r->counted.starts++;
	r->started_ms = pst_clock_ms();
	r->dues.policy_ms = r->dues.ping_ms = 0;
	r->dues.is_deaf = false;
	pst_said_take(&r->said[SAID_PROXY], said.proxy);
	pst_said_take(&r->said[SAID_HELPER], said.helper);
	pst_judged_begin(&r->judged, said.verdicts);
	if (watch(r, r->crew.answers) || watch(r, said.proxy) || watch(r, said.helper) ||
	    watch(r, said.verdicts))
		return pst_log_err(-errno, "cannot poll the proxy");
	return 0;
}

/* Sends the proxy the present policy, with a start where that is needed. False: it is down. */
static bool bring_up(struct pst_redirect *r)
{
	if (!is_up(r) && up(r)) {
		down(r, NULL);
		return false;
	}
	hand_over(r);
	set_timer(r, LOOK_MS);
	return !end_if(r, pst_dues_missed(&r->dues));
}

/* How long it is until the next look behind one that ended with E. */
static unsigned int rest_of(const struct pst_redirect *r, int e)
{
	if (e == -EINPROGRESS)
		return LOOK_SOON_MS;
	return e || pst_clock_ms() < r->starting_until_ms ? LOOK_MS : LOOK_LATER_MS;
}

void pst_redirect_look(struct pst_redirect *r)
{
	const uint64_t begin = pst_clock_ms();
	uint64_t end, pause;
	int e;

	if (!is_up(r) || r->dues.policy_ms)
		return;
	e = pst_places_look(r->places);
	end = pst_clock_ms();
	pause = (end - begin) * LOOK_SHARE;
	r->may_look_ms = end + (pause > LOOK_PAUSE_MS ? pause : LOOK_PAUSE_MS);
	set_timer(r, rest_of(r, e));
	/* Late is who has not answered when he is listened to, and that was not now. */
	if (r->dues.is_deaf)
		end_if(r, pst_dues_missed(&r->dues));
}

/* A look enters all namespaces, and whoever is denied can ask for one after the other. */
void pst_redirect_missed(struct pst_redirect *r)
{
	const uint64_t now = pst_clock_ms();

	if (now >= r->may_look_ms)
		pst_redirect_look(r);
	else if (is_up(r) && !r->dues.policy_ms && r->may_look_ms < r->timer_ms)
		set_timer(r, (unsigned int)(r->may_look_ms - now));
}

/* Subjects of which some entry is for the proxy. Entries ascend by subject. */
static int list_subjects(const struct pst_bundle *b, struct numbers *subjects)
{
	for (size_t i = 0; i < b->n_entries; i++) {
		const uint32_t subject = b->entries[i].key.subject;

		if (b->entries[i].value.verdict != PST_VERDICT_FALLBACK ||
		    (subjects->n && subjects->v[subjects->n - 1] == subject))
			continue;
		if (pst_vec_push(subjects, subject))
			return -ENOMEM;
	}
	return 0;
}

static int cmp_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool is_among(const struct numbers *subjects, uint32_t subject)
{
	return subjects->n &&
	       bsearch(&subject, subjects->v, subjects->n, sizeof(*subjects->v), cmp_number);
}

bool pst_redirect_learn(struct pst_redirect *r, const struct pst_bundle *bundle,
			const uint8_t workload[16], const struct pst_end *server)
{
	const uint32_t yes = 1;
	const bool known = pst_learned_has(&r->learned, workload);

	if (r->is_off || !pst_learned_is_endpoint(bundle, workload) ||
	    pst_learned_add(&r->learned, workload))
		return false;
	/* Where that fails the next client is refused, too, and it is tried again. */
	bpf_map_update_elem(r->http2_map, server, &yes, BPF_ANY);
	return !known;
}

static int serve(struct pst_redirect *r, const uint8_t addr[16])
{
	int e = pst_places_want(r->places, addr);

	return e ? e : pst_judged_serve(&r->judged, addr);
}

/* Workloads for which, or to which, the proxy speaks. Addresses of a bundle ascend. */
static int want(struct pst_redirect *r, const struct pst_bundle *b)
{
	struct numbers subjects = {0};
	int e = list_subjects(b, &subjects);

	pst_places_want_none(r->places);
	pst_learned_keep(&r->learned, b);
	for (size_t i = 0; i < b->n_addrs && !e; i++) {
		const struct pst_bundle_addr *a = &b->addrs[i];

		if (!(a->value.flags & PST_ADDR_ENDPOINT) || a->prefix != 128)
			continue;
		if (is_among(&subjects, a->value.identity) || pst_learned_has(&r->learned, a->addr))
			e = serve(r, a->addr);
	}
	pst_vec_free(&subjects);
	return e;
}

void pst_redirect_prepare(struct pst_redirect *r, const struct pst_bundle *bundle,
			  const struct pst_host_prefix *host, size_t n_host)
{
	int fd, e = want(r, bundle);

	pst_judged_skip(&r->judged); /* until it is given this one */
	if (r->is_off || (!e && !pst_places_is_any_wanted(r->places) && !is_up(r)))
		return;
	fd = e ? e : pst_handover_write(bundle, host, n_host);
	if (fd < 0) {
		pst_log_err(fd, "cannot hand the policy to the proxy");
		if (is_up(r))
			down(r, "it has not the present policy");
		return;
	}
	pst_cleanup_fd(&r->policy_fd);
	r->policy_fd = fd;
	pst_judged_policy(&r->judged, ++r->dues.policy_id, bundle);
	r->starting_until_ms = pst_clock_ms() + STARTING_MS;
	if (bring_up(r))
		end_if(r, pst_dues_wait(&r->dues, r->crew.answers));
}

void pst_redirect_published(struct pst_redirect *r, uint32_t generation)
{
	pst_judged_published(&r->judged, generation);
}

void pst_redirect_want_all(struct pst_redirect *r, bool all)
{
	atomic_store_explicit(&r->wish->all, all, memory_order_relaxed);
}

void pst_redirect_hear(struct pst_redirect *r)
{
	if (is_up(r))
		end_if(r, pst_judged_drain(&r->judged));
}

void pst_redirect_count(const struct pst_redirect *r, struct pst_proxied *ret_proxied)
{
	*ret_proxied = r->counted;
	ret_proxied->is_up = is_up(r);
	pst_tally_sum(r->tally, &ret_proxied->sums);
}

int pst_redirect_fd(const struct pst_redirect *r)
{
	return r->epoll_fd;
}

static void ask_whether_it_lives(struct pst_redirect *r)
{
	const struct pst_wire w = {.kind = PST_WIRE_PING};

	if (r->dues.ping_ms || r->dues.policy_ms)
		return;
	r->dues.ping_ms = pst_clock_ms();
	tell(r, &w, -1);
}

static void on_timer(struct pst_redirect *r)
{
	uint64_t times;

	if (read(r->timer_fd, &times, sizeof(times)) != sizeof(times))
		return;
	if (!is_up(r)) {
		if (r->policy_fd >= 0)
			bring_up(r);
		return;
	}
	ask_whether_it_lives(r);
	if (end_if(r, pst_dues_missed(&r->dues)))
		return;
	set_timer(r, LOOK_MS); /* unless there is something to look for */
	pst_redirect_look(r);
}

/* The kernel's policy is what it was, so nobody waits for a proxy that begins anew. */
static void on_word(struct pst_redirect *r)
{
	const bool has_owed = r->dues.policy_ms;

	if (is_up(r) && !end_if(r, pst_dues_hear(&r->dues, r->crew.answers)) && has_owed &&
	    !r->dues.policy_ms)
		pst_redirect_look(r);
}

void pst_redirect_dispatch(struct pst_redirect *r)
{
	for (size_t i = 0; i < N_SAID; i++)
		pst_said_read(&r->said[i]);
	if (is_up(r))
		end_if(r, pst_judged_read(&r->judged, NULL));
	on_word(r);
	on_timer(r);
}

uint64_t pst_redirect_ends(void)
{
	return ends;
}

static int open_all(struct pst_redirect *r)
{
	struct epoll_event ev = {.events = EPOLLIN};

	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (r->epoll_fd < 0 || r->timer_fd < 0 ||
	    epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, r->timer_fd, &ev))
		return -errno;
	return pst_wish_new(&r->wish, &r->wish_fd);
}

int pst_redirect_new(const struct pst_loader *l, struct pst_netns_set *netns,
		     const struct pst_redirect_opts *opts, struct pst_redirect **ret_redirect)
{
	struct pst_redirect *r = pst_mem_calloc(1, sizeof(*r));
	const struct pst_places_opts places = {
		.loader = l, .netns = netns, .starter = opts->starter, .tell = tell, .tell_arg = r};
	int e;

	if (!r)
		return -ENOMEM;
	*r = (struct pst_redirect){
		.is_off = opts->is_off,
		.crew_opts = {.starter = opts->starter,
			      .tally_fd = -1,
			      .maps = {.ours = pst_loader_map(l, "pst_ours"),
				       .legs = pst_loader_map(l, "pst_legs"),
				       .origins = pst_loader_map(l, "pst_origins"),
				       .meant = pst_loader_map(l, "pst_meant")}},
		.http2_map = pst_loader_map(l, "pst_http2"),
		.crew = {.control = -1, .answers = -1},
		.policy_fd = -1,
		.wish_fd = -1,
		.epoll_fd = -1,
		.timer_fd = -1,
		.restart_ms = RESTART_MS,
	};
	pst_judged_init(&r->judged, opts->judged);
	pst_said_init(&r->said[SAID_PROXY], "proxy");
	pst_said_init(&r->said[SAID_HELPER], "helper");
	e = pst_places_new(&places, &r->places);
	if (!e)
		e = open_all(r);
	if (e) {
		pst_redirect_free(&r);
		return pst_log_err(e, "cannot prepare to steer connections");
	}
	*ret_redirect = r;
	return 0;
}

void pst_redirect_free(struct pst_redirect **r)
{
	if (!*r)
		return;
	pst_places_free(&(*r)->places); /* as long as the proxy can be told */
	pst_crew_leave(&(*r)->crew);
	for (size_t i = 0; i < N_SAID; i++)
		pst_said_end(&(*r)->said[i]);
	pst_judged_fini(&(*r)->judged);
	pst_tally_free(&(*r)->tally);
	pst_wish_free((const struct pst_wish **)&(*r)->wish);
	pst_learned_fini(&(*r)->learned);
	pst_cleanup_fd(&(*r)->policy_fd);
	pst_cleanup_fd(&(*r)->wish_fd);
	pst_cleanup_fd(&(*r)->timer_fd);
	pst_cleanup_fd(&(*r)->epoll_fd);
	free(*r);
	*r = NULL;
}
