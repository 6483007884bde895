// SPDX-License-Identifier: Apache-2.0
#include "enforcer/reporter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "enforcer/control.h"
#include "enforcer/events.h"
#include "enforcer/flow_ring.h"
#include "enforcer/flow_time.h"
#include "enforcer/generation.h"
#include "enforcer/options.h"
#include "enforcer/status.h"

struct pst_reporter {
	struct pst_reporter_parts parts;
	struct pst_events_opts events;
	FILE *events_file;
	struct pst_status status;
	struct pst_flow_ring *flows;
	struct pst_control *control; /* NULL: none */
	int epoll_fd;
	char node_name[256];
};

static int open_events(struct pst_reporter *r)
{
	const struct pst_options *o = r->parts.opts;

	r->events.show_queries = o->show_queries;
	if (o->events == PST_EVENTS_NONE)
		return 0;
	r->events.out = stdout;
	if (!o->events_file)
		return 0;
	r->events_file = fopen(o->events_file, "ae");
	if (!r->events_file)
		return pst_log_err(-errno, "cannot write events to %s", o->events_file);
	r->events.out = r->events_file;
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

	if (r->parts.opts->events != PST_EVENTS_ALL)
		pst_generations_set_flag(r->parts.gens, PST_CONFIG_EVENTS_ALL, by_anybody);
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
		.node_name = r->node_name,
		.courtesy = parts->courtesy,
		.answers = parts->answers,
		.started = pst_flow_time_now(),
	};
	r->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	e = r->epoll_fd < 0 ? -errno : open_events(r);
	if (!e)
		e = pst_flow_ring_new(PST_FLOW_RING, PST_FLOW_RING_BYTES, &r->flows);
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
	pst_control_close(&(*r)->control);
	pst_flow_ring_free(&(*r)->flows);
	pst_status_fini(&(*r)->status);
	pst_cleanup_file(&(*r)->events_file);
	pst_cleanup_fd(&(*r)->epoll_fd);
	free(*r);
	*r = NULL;
}

void pst_reporter_event(struct pst_reporter *r, const struct pst_event *event)
{
	pst_events_write(&r->events, r->parts.gens, event);
}

void pst_reporter_drained(struct pst_reporter *r)
{
	if (r->control)
		pst_control_flows_added(r->control);
}

void pst_reporter_read(struct pst_reporter *r, struct pst_diags **diags, int result)
{
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
}
