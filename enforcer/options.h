/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* posternd's command line. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "enforcer/reply.h"

enum pst_courtesy_mode {
	PST_COURTESY_AUTO, /* on where the probe finds that it harms no application */
	PST_COURTESY_ON,
	PST_COURTESY_OFF,
};

enum pst_events_mode {
	PST_EVENTS_DENIED,
	PST_EVENTS_ALL,
	PST_EVENTS_NONE,
};

enum pst_options_action {
	PST_RUN,
	PST_RUN_PROBE,
	PST_RUN_DETACH,
	PST_SHOW_HELP,
	PST_SHOW_VERSION,
	PST_SHOW_COMPLETION,
};

struct pst_options_export {
	const char *path; /* NULL: none */
	uint32_t mib, files;
	const char **allow, **deny; /* filters of flows */
	size_t n_allow, n_deny;
};

struct pst_options {
	enum pst_options_action action;
	const char **policies; /* strings belong to argv */
	size_t n_policies;
	const char **inventories;
	size_t n_inventories;
	const char *bundle;	 /* in place of both; NULL: none */
	const char *pin_dir;	 /* never NULL */
	const char *cgroup;	 /* NULL: none was given */
	const char *events_file; /* NULL: stdout */
	const char *proxy;	 /* of postern-proxy; NULL: beside this program; "off": none */
	const char *socket;	 /* never NULL; "" : none */
	enum pst_events_mode events;
	/* Where Prometheus asks, ADDRESS:PORT; NULL: nowhere. */
	const char *metrics;
	struct pst_options_export export;
	/* Headers whose values flows tell. */
	const char **shown_headers;
	size_t n_shown_headers;
	enum pst_courtesy_mode courtesy;
	struct pst_reply_opts reply; /* how a denied request is answered */
	bool is_socket_asked_for;    /* not the default: without it there is no start */
	bool no_pins;
	bool audit; /* nothing is denied */
	bool old_sockets_pass;
	bool any_source;	     /* pods may send from the address of another */
	bool any_form;		     /* paths need not be in normal form */
	const char *paths, *slashes; /* what was said about them, for the proxy; or NULL */
	const char *proxy_threads, *workload_connections, *workload_memory; /* likewise: numbers */
	bool show_queries;
	bool json;
	bool debug;
	const char *shell; /* whose completion is shown: bash, zsh or fish */
};

/* One option: parsing, help and completion read the same table. */
struct pst_options_row {
	int id;
	const char *name;
	const char *arg; /* NULL: a switch */
	const char *help;
};

/* 0; -EINVAL after telling on stderr what was expected; -ENOMEM. Release with pst_options_fini().
 */
int pst_options_parse(int argc, char **argv, struct pst_options *ret_opts);

/*
 * What the daemon needs beside policies, and its reader does not: where to enforce is never
 * guessed, because below the root of the hierarchy is the whole machine. 0; -EINVAL as above.
 */
int pst_options_check_run(const struct pst_options *opts);

void pst_options_fini(struct pst_options *opts);

void pst_options_help(FILE *out);

const struct pst_options_row *pst_options_rows(size_t *ret_n);
