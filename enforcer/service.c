// SPDX-License-Identifier: Apache-2.0
#include "enforcer/service.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/cgroup.h"
#include "enforcer/clock.h"
#include "enforcer/confine.h"
#include "enforcer/crew.h"
#include "enforcer/destroy.h"
#include "enforcer/errand.h"
#include "enforcer/export.h"
#include "enforcer/generation.h"
#include "enforcer/homes.h"
#include "enforcer/hostaddr.h"
#include "enforcer/inject.h"
#include "enforcer/judged.h"
#include "enforcer/loader.h"
#include "enforcer/netns.h"
#include "enforcer/notify.h"
#include "enforcer/pins.h"
#include "enforcer/probe.h"
#include "enforcer/reader.h"
#include "enforcer/reader_run.h"
#include "enforcer/redirect.h"
#include "enforcer/reporter.h"
#include "enforcer/respond.h"
#include "enforcer/starter.h"
#include "enforcer/tc.h"

struct service {
	const struct pst_options *opts;
	char proxy_path[PATH_MAX]; /* empty: there is to be none */
	struct pst_crew_proxy proxy;
	struct pst_starter *starter;
	struct pst_pins *pins; /* NULL: --no-pins */
	struct pst_loader *loader;
	struct pst_reader *reader;
	struct pst_generations *gens;
	struct pst_hostaddr *host;
	struct pst_netns_set *netns;
	struct pst_destroy_queue *destroy;
	struct pst_inject *inject;
	struct pst_redirect *redirect;
	struct pst_reporter *reporter;
	struct pst_homes *homes; /* NULL: sources are not checked */
	struct pst_tc *tc;
	struct pst_reply reply;
	uint64_t since_ns; /* when this daemon began to listen */
	int epoll_fd;
	int signal_fd;
	int cgroup_fd;
	bool courtesy;
	bool has_filters;  /* of this daemon on devices */
	bool is_reloading; /* the service manager waits */
	bool stop;
	bool has_failed; /* it stops, and is to be started again */
};

static void service_fini(struct service *s)
{
	pst_redirect_free(&s->redirect);
	pst_loader_close(&s->loader); /* first: what is not pinned must not outlive its daemon */
	if (s->has_filters && !s->pins)
		pst_tc_remove();
	pst_pins_close(&s->pins);
	pst_reporter_close(&s->reporter);
	pst_generations_free(&s->gens);
	pst_tc_close(&s->tc);
	pst_homes_free(&s->homes);
	pst_reader_close(&s->reader);
	pst_inject_close(&s->inject);
	pst_destroy_queue_free(&s->destroy);
	pst_netns_set_free(&s->netns);
	pst_hostaddr_close(&s->host);
	pst_starter_close(&s->starter);
	pst_cleanup_fd(&s->epoll_fd);
	pst_cleanup_fd(&s->signal_fd);
	pst_cleanup_fd(&s->cgroup_fd);
}

/* A manager that cannot be told waits in vain, so it is logged; enforcement does not depend on it.
 */
static void notify(const char *state)
{
	int r = pst_notify(state);

	if (r)
		pst_log(PST_LOG_WARNING, "cannot tell the service manager %s: %s", state,
			strerror(-r));
}

static int publish(struct service *s, struct pst_bundle **bundle)
{
	size_t n_rules = (*bundle)->n_rules, n_entries = (*bundle)->n_entries, n_host;
	const struct pst_host_prefix *host = pst_hostaddr_list(s->host, &n_host);
	uint32_t generation;
	int r;

	pst_redirect_prepare(s->redirect, *bundle, host, n_host);
	if (s->homes)
		pst_homes_know(s->homes, *bundle);
	r = pst_generations_publish(s->gens, bundle, host, n_host, &generation);
	if (r)
		return r;
	pst_redirect_published(s->redirect, generation);
	pst_redirect_look(s->redirect);
	pst_log(PST_LOG_INFO, "generation %u is in force: %zu rules, %zu policy entries",
		generation, n_rules, n_entries);
	pst_notify_status("generation %u is in force: %zu rules", generation, n_rules);
	return 0;
}

/* Who has asked the manager to wait for the files to be read waits no more. */
static void end_reloading(struct service *s)
{
	if (s->is_reloading)
		notify("READY=1");
	s->is_reloading = false;
}

static void stay(struct service *s, bool stale)
{
	const uint32_t generation = pst_generations_current(s->gens);

	pst_log(stale ? PST_LOG_ERROR : PST_LOG_INFO, "not reloaded; generation %u stays in force",
		generation);
	if (stale)
		pst_notify_status("generation %u stays in force: the files as they are are refused",
				  generation);
}

/* The files were read. */
static void reload(struct service *s, struct pst_reader_word *word)
{
	struct pst_reading *reading = &word->reading;
	bool stale = word->error || pst_diags_errors(reading->standing);
	int r = word->error;

	if (reading->bundle && !word->is_late) {
		r = publish(s, &reading->bundle);
		if (r)
			pst_reader_refused(s->reader);
	} else {
		stay(s, stale);
	}
	if (word->is_late)
		pst_log(PST_LOG_ERROR,
			"what was good last is not known any more: mend the files, then they are in force");
	if (reading->n_refused)
		pst_log(PST_LOG_ERROR,
			"%zu policies are not in force as they are written: postern status tells which",
			reading->n_refused);
	pst_reporter_read(s->reporter, &reading->standing, stale ? -EINVAL : r);
	pst_reading_fini(reading);
	if (word->is_asked)
		end_reloading(s);
}

static void on_reader(struct service *s)
{
	struct pst_reader_word word;

	pst_reader_dispatch(s->reader, &word);
	switch (word.kind) {
	case PST_READER_BEGUN:
		pst_reporter_reading(s->reporter);
		break;
	case PST_READER_READ:
		reload(s, &word);
		break;
	case PST_READER_GONE:
		stay(s, true);
		end_reloading(s);
		break;
	case PST_READER_NOTHING:
		break;
	}
}

/* The next connection there can be judged, by the proxy. */
static void learn(struct service *s, const struct pst_event *event)
{
	const struct pst_bundle *bundle =
		pst_generations_bundle(s->gens, pst_generations_current(s->gens));
	bool out = event->direction == PST_DIR_EGRESS;
	struct pst_end server = {.port = event->server_port};
	const struct pst_host_prefix *host;
	size_t n_host;

	memcpy(server.addr, event->server, sizeof(server.addr));
	if (!bundle ||
	    !pst_redirect_learn(s->redirect, bundle, out ? event->client : event->server, &server))
		return;
	host = pst_hostaddr_list(s->host, &n_host);
	pst_redirect_prepare(s->redirect, bundle, host, n_host);
	pst_redirect_published(s->redirect, pst_generations_current(s->gens));
	pst_redirect_look(s->redirect);
}

static void on_event(const struct pst_event *event, void *arg)
{
	struct service *s = arg;
	const struct pst_respond respond = {
		.since_ns = s->since_ns,
		.inject = s->inject,
		.destroy = s->destroy,
		.reply = &s->reply,
	};

	pst_respond(&respond, event); /* somebody waits for the answer */
	if (!event->again)
		pst_reporter_event(s->reporter, event);
	if (event->reason == PST_REASON_FALLBACK_GONE)
		pst_redirect_missed(s->redirect);
	if (event->outcome == PST_OUTCOME_DENIED &&
	    (event->reason == PST_REASON_HTTP2 || event->reason == PST_REASON_H2C))
		learn(s, event);
}

static void on_signal(struct service *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		pst_notify_reloading(pst_clock_ns());
		s->is_reloading = true;
		pst_reader_ask(s->reader, PST_ANEW_WHEN_CLEAN);
	} else {
		s->stop = true;
	}
}

static void on_host(struct service *s)
{
	bool changed = false;

	if (!pst_hostaddr_dispatch(s->host, &changed) && changed)
		pst_reader_ask(s->reader, PST_ANEW_ALWAYS);
}

static void on_ring(struct service *s)
{
	pst_loader_events_dispatch(s->loader);
	pst_reporter_drained(s->reporter);
}

/* An answer knows everything that was decided before its question. */
static void on_reporter(struct service *s)
{
	pst_redirect_hear(s->redirect);
	on_ring(s);
	pst_reporter_dispatch(s->reporter);
}

static void on_destroy(struct service *s)
{
	pst_destroy_dispatch(s->destroy);
}

static void on_links(struct service *s)
{
	pst_tc_dispatch(s->tc);
}

/* Without it nothing could be started again; a new daemon has one, and what is pinned judges. */
static void on_starter(struct service *s)
{
	pst_log(PST_LOG_ERROR, "the starter of processes has ended");
	s->has_failed = true;
}

static const struct pst_bundle *current(const struct service *s)
{
	return pst_generations_bundle(s->gens, pst_generations_current(s->gens));
}

static void on_homes(struct service *s)
{
	if (s->homes)
		pst_homes_dispatch(s->homes, current(s));
}

static void on_redirect(struct service *s)
{
	pst_redirect_dispatch(s->redirect);
	pst_reporter_drained(s->reporter);
}

typedef void (*handler_fn)(struct service *s);

static const handler_fn handlers[] = {on_signal,   on_ring,  on_destroy,  on_reader,  on_host,
				      on_reporter, on_links, on_redirect, on_starter, on_homes};

enum { N_HANDLERS = sizeof(handlers) / sizeof(*handlers) };

static int watch_fds(struct service *s)
{
	const int fds[] = {s->signal_fd,
			   pst_loader_events_fd(s->loader),
			   pst_destroy_fd(s->destroy),
			   pst_reader_fd(s->reader),
			   pst_hostaddr_fd(s->host),
			   pst_reporter_fd(s->reporter),
			   pst_tc_fd(s->tc),
			   pst_redirect_fd(s->redirect),
			   pst_starter_fd(s->starter),
			   s->homes ? pst_homes_fd(s->homes) : -1};

	static_assert(sizeof(fds) / sizeof(*fds) == N_HANDLERS, "a handler for each");
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll_fd < 0)
		return pst_log_err(-errno, "cannot create an epoll instance");
	for (uint32_t i = 0; i < N_HANDLERS; i++) {
		struct epoll_event ev = {.events = EPOLLIN, .data.u32 = i};

		if (fds[i] < 0)
			continue;
		if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fds[i], &ev))
			return pst_log_err(-errno, "cannot poll a descriptor");
	}
	return 0;
}

static int loop(struct service *s)
{
	struct pst_notify_watchdog watchdog;

	pst_notify_watchdog_init(&watchdog);
	notify("READY=1");
	while (!s->stop && !s->has_failed) {
		struct epoll_event ready[N_HANDLERS];
		int n;

		pst_notify_watchdog_ping(&watchdog, pst_clock_ns());
		n = epoll_wait(s->epoll_fd, ready, N_HANDLERS,
			       pst_notify_watchdog_timeout(&watchdog, pst_clock_ns()));
		if (n < 0 && errno != EINTR)
			return pst_log_err(-errno, "cannot wait for events");
		for (int i = 0; i < n; i++)
			handlers[ready[i].data.u32](s);
		pst_confine_tell(pst_clock_ms());
	}
	notify("STOPPING=1");
	pst_loader_events_dispatch(s->loader); /* what was decided until now is still reported */
	pst_redirect_hear(s->redirect);
	pst_reporter_drained(s->reporter);
	return s->has_failed ? -EIO : 0;
}

/* Blocks the signals that the loop reads, before anything is attached. */
static int open_signals(struct service *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* a reader of events that went away is a write error */
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? pst_log_err(-errno, "cannot read signals") : 0;
}

/* Refuses to start where the kernel cannot enforce; chooses the courtesy mode. */
static int probe(struct service *s)
{
	struct pst_probe_report report;
	int r = pst_probe_run(&report);

	if (r)
		return r;
	if (!pst_probe_has(&report, PST_PROBE_ESSENTIAL)) {
		pst_probe_print(&report, stderr);
		r = pst_log_err(-EOPNOTSUPP,
				"this kernel, or this user, cannot enforce (see above)");
	} else if (!pst_probe_has(&report, PST_PROBE_ENDING)) {
		pst_log(PST_LOG_WARNING,
			"denied connections will be dropped, not answered or ended: posternd --probe tells why");
	}
	s->courtesy = s->opts->courtesy == PST_COURTESY_ON ||
		      (s->opts->courtesy == PST_COURTESY_AUTO &&
		       pst_probe_has(&report, PST_PROBE_COURTESY));
	if (!r)
		pst_log(PST_LOG_INFO, "courtesy (403 in the kernel at a local sender): %s",
			s->courtesy ? "on" : "off");
	pst_probe_report_fini(&report);
	return r;
}

/* What makes denials polite. Without it they are denials all the same. */
static int open_answers(struct service *s)
{
	int r = pst_netns_set_new(&s->netns);

	if (!r)
		r = pst_destroy_queue_new(s->netns, &s->destroy);
	if (r)
		return pst_log_err(r, "cannot prepare to end denied connections");
	if (pst_inject_open(PST_INJECT_RATE, PST_INJECT_BURST, &s->inject))
		pst_log(PST_LOG_WARNING, "denied requests will not be answered with a 403");
	return 0;
}

/* One daemon has the pins, and they enforce where it is to enforce: known before anything is
 * touched. */
static int open_pins(struct service *s)
{
	struct stat cgroup;
	int r;

	if (s->opts->no_pins)
		return 0;
	r = pst_pins_open(s->opts->pin_dir, true, &s->pins);
	if (r)
		return r;
	if (fstat(s->cgroup_fd, &cgroup))
		return pst_log_err(-errno, "cannot examine the cgroup");
	return pst_pins_check(s->pins, cgroup.st_ino);
}

/* The answer of the daemon closes the connection, that of the kernel keeps it. */
static int open_loader(struct service *s)
{
	struct pst_reply courtesy;
	int r = pst_reply_make(&s->opts->reply, true, &s->reply);

	if (!r)
		r = pst_reply_make(&s->opts->reply, false, &courtesy);
	if (r)
		return pst_log_err(r, "cannot make the answer to denied requests");
	return pst_loader_open(&courtesy, s->pins, &s->loader);
}

static int open_generations(struct service *s)
{
	struct pst_config config = {0};

	if (s->opts->events == PST_EVENTS_ALL)
		config.flags |= PST_CONFIG_EVENTS_ALL;
	if (s->opts->old_sockets_pass)
		config.flags |= PST_CONFIG_OLD_SOCKETS_PASS;
	if (s->courtesy)
		config.flags |= PST_CONFIG_COURTESY;
	if (s->opts->audit)
		config.flags |= PST_CONFIG_AUDIT;
	if (s->opts->any_form)
		config.flags |= PST_CONFIG_ANY_FORM;
	if (s->inject)
		pst_inject_cookies(s->inject, (uint64_t *)config.own_sockets);
	return pst_generations_new(s->loader, &config, &s->gens);
}

static int open_devices(struct service *s)
{
	const struct pst_homes_maps maps = {.homes = pst_loader_map(s->loader, "pst_homes"),
					    .devices = pst_loader_map(s->loader, "pst_tc_devices")};
	int r = s->opts->any_source ? 0 : pst_homes_new(&maps, &s->homes);

	return r ? r : pst_tc_open(s->homes, &s->tc);
}

static int open_reporter(struct service *s)
{
	const struct pst_reporter_parts parts = {
		.opts = s->opts,
		.loader = s->loader,
		.gens = s->gens,
		.host = s->host,
		.homes = s->homes,
		.reader = s->reader,
		.starter = s->starter,
		.courtesy = s->courtesy,
		.answers = s->inject,
	};

	return pst_reporter_open(&parts, &s->reporter);
}

static int open_redirect(struct service *s)
{
	const struct pst_judged_opts judged = pst_reporter_judged(s->reporter);
	const struct pst_redirect_opts opts = {
		.is_off = !*s->proxy_path,
		.starter = s->starter,
		.judged = &judged,
	};
	int r = pst_redirect_new(s->loader, s->netns, &opts, &s->redirect);

	if (!r)
		pst_reporter_know(s->reporter, s->redirect);
	return r;
}

/* Beside what other schemas have pinned, which then goes: somebody judges at each instant. */
static int attach(struct service *s)
{
	unsigned int adopted = s->pins ? pst_pins_count_links(s->pins) : 0;
	int r = pst_loader_attach(s->loader, s->cgroup_fd);

	if (r || !s->pins)
		return r;
	if (adopted)
		pst_log(PST_LOG_INFO, "adopted what is pinned in %s", s->opts->pin_dir);
	if (pst_pins_remove(s->pins, NULL))
		pst_log(PST_LOG_ERROR,
			"programs of another version go on judging beside these: posternd --detach removes them");
	return 0;
}

/* Beside the judge at the sockets, which does not need it: what fails is a warning. */
static void attach_tc(struct service *s)
{
	struct pst_tc_programs programs;
	size_t n, refused;

	s->has_filters = true;
	if (pst_loader_arm_tc(s->loader, &programs) || pst_tc_attach(s->tc, &programs)) {
		pst_log(PST_LOG_WARNING,
			"the kernels of pods answer by themselves who is denied (resets, echo replies)");
		return;
	}
	n = pst_tc_count(s->tc, &refused);
	pst_log(PST_LOG_INFO, "filters at the host's side of %zu pods; %zu devices refused them", n,
		refused);
	if (!s->homes || !current(s))
		return;
	pst_homes_look(s->homes, current(s));
	n = pst_homes_count(s->homes, &refused);
	pst_log(PST_LOG_INFO,
		"source addresses of %zu pods are verified; of %zu namespaces it is not known who they are",
		n, refused);
}

/* Everything up to and including the attachment; the policy is in the maps before a packet comes.
 */
static int start(struct service *s, struct pst_reading *reading)
{
	pst_auto_free char *cgroup = NULL;
	int r = probe(s);

	if (!r) {
		s->cgroup_fd = pst_cgroup_open(s->opts->cgroup, &cgroup);
		r = s->cgroup_fd < 0 ? s->cgroup_fd : open_signals(s);
	}
	if (!r)
		r = open_pins(s);
	if (!r)
		r = pst_hostaddr_open(&s->host);
	if (!r)
		r = open_answers(s);
	if (!r)
		r = open_loader(s);
	if (!r)
		r = open_devices(s);
	if (!r)
		r = pst_loader_events(s->loader, on_event, s);
	if (!r)
		r = open_generations(s);
	if (!r)
		r = open_reporter(s);
	if (!r)
		r = open_redirect(s);
	if (!r)
		r = watch_fds(s);
	if (!r)
		r = publish(s, &reading->bundle);
	if (!r)
		pst_reporter_read(s->reporter, &reading->standing, 0);
	if (!r)
		r = attach(s);
	if (r)
		return r;
	attach_tc(s);
	if (s->opts->audit)
		pst_log(PST_LOG_WARNING,
			"audit: nothing is denied; what would be is reported (verdict AUDIT)");
	pst_log(PST_LOG_INFO, "enforcing below %s", cgroup);
	pst_generations_fill(s->gens);
	malloc_trim(0); /* the first reading is the largest by far */
	return r;
}

/* A start that fails ends nobody's enforcement. */
static void tell_what_stays(const struct pst_options *o)
{
	if (!o->no_pins && pst_pins_in_force(o->pin_dir))
		pst_log(PST_LOG_WARNING, "what is pinned in %s stays in force", o->pin_dir);
}

/* Before there is anything in this process that strangers wrote. */
static int open_starter(struct service *s)
{
	const struct pst_options *o = s->opts;
	const struct pst_start_job jobs[PST_START_MAX] = {
		[PST_START_READER] = {pst_reader_be, (void *)o},
		[PST_START_HELPER] = {pst_crew_be_helper, NULL},
		[PST_START_PROXY] = {pst_crew_be_proxy, &s->proxy},
		[PST_START_LINKER] = {pst_errand_be_linker, NULL},
		[PST_START_OPENER] = {pst_export_be_opener, (void *)o->export.path},
	};
	/* In audit there is none: it denies. */
	int r = pst_crew_path(o->audit ? "off" : o->proxy, s->proxy_path);

	if (r)
		return pst_log_err(r, "cannot tell where postern-proxy is");
	if (o->proxy && *s->proxy_path && access(s->proxy_path, X_OK))
		return pst_log_err(-errno, "cannot run %s, which --proxy names", s->proxy_path);
	s->proxy = (struct pst_crew_proxy){
		.path = s->proxy_path,
		.reply = &o->reply,
		.paths = o->paths,
		.slashes = o->slashes,
		.threads = o->proxy_threads,
		.workload_connections = o->workload_connections,
		.workload_memory = o->workload_memory,
	};
	return pst_starter_open(jobs, &s->starter);
}

/* What has been opened needs more than what is to come. */
static int confine(void)
{
	int r = pst_confine_caps(PST_CAPS_DAEMON);

	return r ? r : pst_confine_daemon();
}

/* A start is all or nothing: there is no last good version of anything. An exit status. */
static int read_first(struct service *s, struct pst_reading *ret_reading)
{
	const struct pst_reader_opts opts = {.start = pst_reader_start, .arg = s->starter};
	struct pst_reader_word word;

	if (pst_reader_open(&opts, &s->reader) || pst_reader_first(s->reader, &word))
		return PST_EXIT_FAILED;
	*ret_reading = word.reading;
	if (!word.error && !pst_diags_errors(word.reading.standing))
		return word.is_blind ? PST_EXIT_FAILED : PST_EXIT_OK;
	pst_log(PST_LOG_ERROR, "not started: the policies or the inventory have errors");
	return PST_EXIT_INVALID;
}

int pst_service_run(const struct pst_options *opts)
{
	struct service s = {
		.opts = opts,
		.since_ns = pst_clock_ns(),
		.epoll_fd = -1,
		.signal_fd = -1,
		.cgroup_fd = -1,
	};
	struct pst_reading reading = {0};
	int exit_code = open_starter(&s) ? PST_EXIT_FAILED : read_first(&s, &reading);

	if (!exit_code && (start(&s, &reading) || confine() || loop(&s)))
		exit_code = PST_EXIT_FAILED;
	if (exit_code)
		tell_what_stays(opts);
	pst_reading_fini(&reading);
	service_fini(&s);
	return exit_code;
}
