// SPDX-License-Identifier: Apache-2.0
#include "enforcer/reporter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/clock.h"
#include "enforcer/confine.h"
#include "enforcer/control.h"
#include "enforcer/errand.h"
#include "enforcer/events.h"
#include "enforcer/export.h"
#include "enforcer/flow_lost.h"
#include "enforcer/flow_make.h"
#include "enforcer/flow_ring.h"
#include "enforcer/flow_time.h"
#include "enforcer/generation.h"
#include "enforcer/homes.h"
#include "enforcer/http_serve.h"
#include "enforcer/loader.h"
#include "enforcer/metrics.h"
#include "enforcer/options.h"
#include "enforcer/outlet.h"
#include "enforcer/proxied.h"
#include "enforcer/reader.h"
#include "enforcer/redirect.h"
#include "enforcer/status.h"

enum { LOST_CHECK_MS = 1000, LOST_LOG_MS = 60 * 1000 };

struct pst_reporter {
	struct pst_reporter_parts parts;
	struct pst_events_opts events;
	struct pst_outlet *outlet; /* of events; NULL: none */
	struct pst_status status;
	struct pst_flow_ring *flows;
	struct pst_flow_maker *maker;
	/* Events that the kernel, and the proxy, could not report. */
	uint64_t lost, lost_by_proxy, lost_checked_ms;
	uint64_t lost_lines, lost_lines_ms; /* when the log has told of so many */
	struct pst_redirect *redirect;	    /* NULL: none yet */
	struct pst_control *control;	    /* NULL: none */
	struct pst_export *export;	    /* NULL: none */
	struct pst_metrics *metrics;
	struct pst_http_serve *serve; /* NULL: none */
	uint64_t reading_ns;	      /* when it began */
	int epoll_fd;
	char node_name[256];
};

static int open_events(struct pst_reporter *r)
{
	const struct pst_options *o = r->parts.opts;
	pst_auto_fd int fd = -1;
	int e;

	r->events.show_queries = o->show_queries;
	if (o->events == PST_EVENTS_NONE)
		return 0;
	if (o->events_file) {
		fd = open(o->events_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK,
			  0666);
		/* It was only not to be waited for. */
		if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND))
			return errno == ENXIO
				       ? pst_log_err(0,
						     "cannot write events to %s: nobody reads it",
						     o->events_file)
				       : pst_log_err(-errno, "cannot write events to %s",
						     o->events_file);
	}
	e = pst_outlet_open(fd < 0 ? STDOUT_FILENO : fd, &r->outlet);
	if (e)
		return pst_log_err(e, "cannot write events to %s",
				   fd < 0 ? "standard output" : o->events_file);
	r->events.out = pst_outlet_file(r->outlet);
	return 0;
}

static void write_status(struct pst_json *j, const char *key, void *arg)
{
	pst_status_write(j, key, &((struct pst_reporter *)arg)->status);
}

static void write_endpoints(struct pst_json *j, const char *key, void *arg)
{
	pst_status_write_endpoints(j, key, &((struct pst_reporter *)arg)->status);
}

static void write_policy(struct pst_json *j, const char *key, void *arg)
{
	pst_status_write_policy(j, key, &((struct pst_reporter *)arg)->status);
}

/* Allowed requests are reported while somebody looks. */
static void on_followed(bool by_anybody, void *arg)
{
	const struct pst_reporter *r = arg;

	if (r->parts.opts->events == PST_EVENTS_ALL)
		return;
	pst_generations_set_flag(r->parts.gens, PST_CONFIG_EVENTS_ALL, by_anybody);
	if (r->redirect)
		pst_redirect_want_all(r->redirect, by_anybody);
}

/* Of all that the programs have counted since they were loaded. */
static uint64_t count_lost(const struct pst_reporter *r)
{
	struct pst_loader_counter counters[PST_REASON_MAX + 1];

	if (pst_loader_counters(r->parts.loader, counters))
		return r->lost;
	return counters[PST_REASON_MAX].n[0] + counters[PST_REASON_MAX].n[1];
}

static int watch(struct pst_reporter *r, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

/* A daemon is more use without the socket that it has by default than not at all. */
static int open_control(struct pst_reporter *r)
{
	const struct pst_options *o = r->parts.opts;
	const struct pst_control_source source = {
		.status = write_status,
		.endpoints = write_endpoints,
		.policy = write_policy,
		.flows = r->flows,
		.followed = on_followed,
		.node_name = r->node_name,
		.arg = r,
	};
	const char *why = NULL;
	int e;

	if (!*o->socket)
		return 0;
	e = pst_control_open(o->socket, &source, &r->control, &why);
	if (e && o->is_socket_asked_for)
		return pst_log_err(e, "the control socket %s: %s", o->socket, why);
	if (e) {
		pst_log(PST_LOG_WARNING,
			"nobody can ask for status: the control socket %s: %s: %s (see --socket)",
			o->socket, why, strerror(-e));
		return 0;
	}
	r->status.control = r->control;
	return watch(r, pst_control_fd(r->control));
}

static const struct pst_bundle *find_bundle(const void *arg, uint32_t generation)
{
	return pst_generations_bundle(arg, generation);
}

static struct pst_judge *find_judge(const void *arg, uint32_t generation)
{
	return pst_generations_judge(arg, generation);
}

static const char *find_name(const void *arg, uint32_t generation, const uint8_t addr[16])
{
	return pst_generations_name(arg, generation, addr);
}

static bool find_addr(const void *arg, uint32_t generation, const uint8_t addr[16],
		      struct pst_addr_value *ret_value)
{
	return pst_generations_find(arg, generation, addr, ret_value);
}

static int open_flows(struct pst_reporter *r)
{
	const struct pst_options *o = r->parts.opts;
	const struct pst_flow_maker_opts opts = {
		.source = {find_bundle, find_judge, find_name, r->parts.gens},
		.node_name = r->node_name,
		.show_queries = o->show_queries,
		.shown_headers = o->shown_headers,
		.n_shown_headers = o->n_shown_headers,
	};
	int e = pst_flow_maker_new(&opts, &r->maker);

	r->lost = count_lost(r);
	return e ? e : pst_flow_ring_new(PST_FLOW_RING, PST_FLOW_RING_BYTES, &r->flows);
}

static void write_metrics(const struct pst_reporter *r, FILE *out)
{
	struct pst_loader_counter counters[PST_REASON_MAX + 1] = {0};
	struct pst_reader_stats reader;
	struct pst_proxied proxied;
	struct pst_metrics_view view = {
		.counters = counters,
		.gens = r->parts.gens,
		.host = r->parts.host,
		.lost_exports = r->export ? pst_export_stats(r->export).lost : 0,
		.lost_lines = r->outlet ? pst_outlet_lost(r->outlet) : 0,
	};

	if (r->status.redirect) {
		pst_redirect_count(r->status.redirect, &proxied);
		view.proxied = &proxied;
	}
	pst_reader_stats(r->parts.reader, &reader);
	view.is_reader_up = reader.is_up;
	view.reader_ends = reader.ended;
	view.proxy_ends = pst_redirect_ends();
	view.refused_calls = pst_confine_refused();
	view.has_homes = r->status.homes;
	if (view.has_homes) {
		view.verified = pst_homes_count(r->status.homes, &view.unverified);
		view.big_namespaces = pst_homes_big(r->status.homes);
	}
	pst_loader_counters(r->parts.loader, counters);
	pst_metrics_write(r->metrics, &view, out);
}

/* Alive is who answers; ready is who has a policy in force. */
static bool write_page(const char *path, FILE *out, unsigned int *ret_status, void *arg)
{
	const struct pst_reporter *r = arg;

	if (!strcmp(path, "/metrics")) {
		write_metrics(r, out);
	} else if (!strcmp(path, "/healthz")) {
		fputs("ok\n", out);
	} else if (!strcmp(path, "/readyz")) {
		bool ready = pst_generations_current(r->parts.gens) && r->status.published;

		*ret_status = ready ? 200 : 503;
		fputs(ready ? "ok\n" : "no policy is in force yet\n", out);
	} else {
		return false;
	}
	return true;
}

static int open_exported(void *arg)
{
	return pst_errand_run(arg, PST_START_OPENER, NULL, 0);
}

static int open_export(struct pst_reporter *r)
{
	const struct pst_options_export *o = &r->parts.opts->export;
	const struct pst_export_opts opts = {
		.path = o->path,
		.max_bytes = (uint64_t)o->mib << 20,
		.n_backups = o->files,
		.allow = o->allow,
		.n_allow = o->n_allow,
		.deny = o->deny,
		.n_deny = o->n_deny,
		.node_name = r->node_name,
		.open = open_exported,
		.arg = r->parts.starter,
	};
	int e = o->path ? pst_export_open(&opts, &r->export) : 0;

	r->status.export = r->export;
	return e;
}

static int open_metrics(struct pst_reporter *r)
{
	const char *address = r->parts.opts->metrics;
	int e = pst_metrics_new(&r->metrics);

	if (e || !address)
		return e;
	e = pst_http_serve_open(address, write_page, r, &r->serve);
	if (e == -EINVAL)
		return pst_log_err(e,
				   "--metrics %s: expected 127.0.0.1:9970, [::1]:9970 or the like",
				   address);
	if (e)
		return pst_log_err(e, "cannot serve metrics at %s", address);
	return watch(r, pst_http_serve_fd(r->serve));
}

int pst_reporter_open(const struct pst_reporter_parts *parts, struct pst_reporter **ret_reporter)
{
	struct pst_reporter *r = pst_mem_calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->parts = *parts;
	if (gethostname(r->node_name, sizeof(r->node_name) - 1))
		snprintf(r->node_name, sizeof(r->node_name), "localhost");
	r->status = (struct pst_status){
		.opts = parts->opts,
		.loader = parts->loader,
		.gens = parts->gens,
		.host = parts->host,
		.homes = parts->homes,
		.reader = parts->reader,
		.node_name = r->node_name,
		.courtesy = parts->courtesy,
		.answers = parts->answers,
		.started = pst_flow_time_now(),
	};
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	e = r->epoll_fd < 0 ? -errno : open_events(r);
	if (!e)
		e = open_flows(r);
	if (!e)
		e = open_export(r);
	if (!e)
		e = open_metrics(r);
	if (!e)
		e = open_control(r);
	if (e)
		pst_reporter_close(&r);
	else
		*ret_reporter = r;
	return e;
}

void pst_reporter_close(struct pst_reporter **r)
{
	if (!*r)
		return;
	pst_http_serve_close(&(*r)->serve);
	pst_control_close(&(*r)->control);
	pst_metrics_free(&(*r)->metrics);
	pst_export_close(&(*r)->export);
	pst_flow_maker_free(&(*r)->maker);
	pst_flow_ring_free(&(*r)->flows);
	pst_status_fini(&(*r)->status);
	pst_outlet_close(&(*r)->outlet);
	pst_cleanup_fd(&(*r)->epoll_fd);
	free(*r);
	*r = NULL;
}

void pst_reporter_know(struct pst_reporter *reporter, struct pst_redirect *r)
{
	reporter->redirect = r;
	reporter->status.redirect = r;
	pst_redirect_want_all(r, reporter->parts.opts->events == PST_EVENTS_ALL);
}

static void export_flow(struct pst_reporter *r, const struct pst_flow *flow)
{
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	if (!out)
		return;
	pst_flow_write(out, flow);
	if (!fclose(out))
		pst_export_add(r->export, line, len);
	free(line);
}

/* Lines are made for whoever wants some: of most flows of a storm nobody does. */
static void add_flow(struct pst_reporter *r, const struct pst_flow *flow)
{
	if (!flow)
		return;
	pst_metrics_flow(r->metrics, flow);
	pst_flow_ring_add(r->flows, flow);
	if (r->export && pst_export_wants(r->export, flow))
		export_flow(r, flow);
}

/* NOW are lost by SOURCE in all, *BEFORE of which have been told. */
static void tell_loss(struct pst_reporter *r, const char *source, uint64_t now, uint64_t *before)
{
	char *line = NULL;
	size_t len = 0;
	FILE *out = now > *before ? open_memstream(&line, &len) : NULL;

	if (!out)
		return;
	pst_flow_lost_write(out, source, now - *before, r->node_name);
	if (!fclose(out)) {
		pst_flow_ring_add_line(r->flows, line, len);
		if (r->export)
			pst_export_add_record(r->export, line, len);
	}
	free(line);
	*before = now;
}

static uint64_t count_lost_by_proxy(const struct pst_reporter *r)
{
	struct pst_proxied p;

	if (!r->redirect)
		return 0;
	pst_redirect_count(r->redirect, &p);
	return p.sums.n[PST_TALLY_LOST_EVENTS];
}

static void log_lost_lines(struct pst_reporter *r, uint64_t now_ms)
{
	const uint64_t lost = r->outlet ? pst_outlet_lost(r->outlet) : 0;

	if (lost == r->lost_lines || now_ms < r->lost_lines_ms)
		return;
	pst_log(PST_LOG_WARNING, "%" PRIu64 " events were not written: who reads them is too slow",
		lost - r->lost_lines);
	r->lost_lines = lost;
	r->lost_lines_ms = now_ms + LOST_LOG_MS;
}

/* Where the kernel or the proxy had to leave events out, the flows say so; looked at once a second.
 */
static void add_loss(struct pst_reporter *r)
{
	uint64_t now = pst_clock_ms();

	if (now - r->lost_checked_ms < LOST_CHECK_MS)
		return;
	r->lost_checked_ms = now;
	tell_loss(r, PST_LOST_KERNEL, count_lost(r), &r->lost);
	tell_loss(r, PST_LOST_PROXY, count_lost_by_proxy(r), &r->lost_by_proxy);
	log_lost_lines(r, now);
}

void pst_reporter_event(struct pst_reporter *r, const struct pst_event *event)
{
	pst_events_write(&r->events, r->parts.gens, event);
	add_flow(r, pst_flow_make(r->maker, event));
}

static void on_proxied(void *arg, const struct pst_event *event, const struct pst_verdict_record *v)
{
	struct pst_reporter *r = arg;

	pst_events_write_proxied(&r->events, r->parts.gens, event, v);
	add_flow(r, pst_flow_make_proxied(r->maker, event, v));
}

struct pst_judged_opts pst_reporter_judged(struct pst_reporter *r)
{
	return (struct pst_judged_opts){
		.bundle = find_bundle,
		.find = find_addr,
		.arg = r->parts.gens,
		.tell = on_proxied,
		.tell_arg = r,
	};
}

void pst_reporter_drained(struct pst_reporter *r)
{
	add_loss(r);
	if (r->export)
		pst_export_flush(r->export);
	if (r->control)
		pst_control_flows_added(r->control);
}

void pst_reporter_reading(struct pst_reporter *r)
{
	r->reading_ns = pst_clock_ns();
}

void pst_reporter_read(struct pst_reporter *r, struct pst_diags **diags, int result)
{
	if (r->reading_ns)
		pst_metrics_read(r->metrics, !result, pst_clock_ns() - r->reading_ns);
	pst_status_read(&r->status, diags, result);
}

int pst_reporter_fd(const struct pst_reporter *r)
{
	return r->epoll_fd;
}

void pst_reporter_dispatch(struct pst_reporter *r)
{
	if (r->control)
		pst_control_dispatch(r->control);
	if (r->serve)
		pst_http_serve_dispatch(r->serve);
}
