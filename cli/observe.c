// SPDX-License-Identifier: Apache-2.0
/*
 * What the daemon decides, as it decides it: flows from its socket or from a file, filtered here.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/file.h"
#include "cli/observe_print.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "enforcer/client.h"
#include "enforcer/flow_filter.h"
#include "enforcer/flow_time.h"

enum { DEFAULT_LAST = 20, MAX_LAST = 1000000, MAX_LINE = 1 << 20 };

/* What was asked for, and what has come so far. */
struct observer {
	const struct pst_cli_verb *verb;
	const char *input, *socket; /* INPUT NULL: the daemon */
	struct pst_flow_filter *filter;
	struct pst_observe_printer printer;
	struct pst_observe_mask *mask;
	int64_t since, until;	   /* 0: not given */
	unsigned long first, last; /* 0: not given; LAST of all: ULONG_MAX */
	bool follow, has_filter;
	struct pst_arena *arena; /* of the flow at hand */
	char **kept;		 /* the last lines that matched: a ring of LAST */
	size_t n_matched;
	bool is_live;		/* no longer among those that are the last ones */
	bool is_full;		/* has the first ones */
	unsigned long bad_line; /* the first that was no flow */
	unsigned long n_lines, n_filled, n_bad;
};

static int usage(const struct observer *o, const char *what, const char *value,
		 const char *expected)
{
	pst_cli_usage_error(o->verb, "--%s \"%s\": %s", what, value, expected);
	return -EINVAL;
}

static int parse_count(const struct observer *o, const char *name, const char *value,
		       unsigned long *ret_count)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!*value || *end || strspn(value, "0123456789") != strlen(value) || n > MAX_LAST)
		return usage(o, name, value, "expected a number, 0 to 1000000");
	*ret_count = n;
	return 0;
}

static int add_filter(struct observer *o, const char *name, const char *value, bool negated)
{
	char why[256];
	int r = pst_flow_filter_add(o->filter, name, value, negated, why, sizeof(why));

	if (r == -EINVAL)
		return usage(o, name, value, why);
	o->has_filter = o->has_filter || !r;
	return r;
}

/* -4 and -6 are --ip-version in short. */
static int add_given(struct observer *o, const struct pst_cli_given *g, bool negated)
{
	if (!strcmp(g->option->name, "ipv4") || !strcmp(g->option->name, "ipv6"))
		return add_filter(o, "ip-version", g->option->name + 3, negated);
	return g->option->arg ? add_filter(o, g->option->name, g->value, negated) : -ENOENT;
}

/* The options that are filters, in their order: --not is about the next one. */
static int read_filters(struct observer *o, const struct pst_cli_args *args)
{
	bool negated = false;
	int r = 0;

	for (size_t i = 0; i < args->given.n && !r; i++) {
		const struct pst_cli_given *g = &args->given.v[i];

		if (!strcmp(g->option->name, "not")) {
			negated = true;
			continue;
		}
		r = add_given(o, g, negated);
		if (r == -ENOENT && negated)
			return usage(o, "not", g->option->name, "is no filter");
		negated = negated && r == -ENOENT;
		r = r == -ENOENT ? 0 : r;
	}
	if (!r && negated)
		return usage(o, "not", "", "expected a filter behind it");
	return r;
}

static int read_time(const struct observer *o, const struct pst_cli_args *args, const char *name,
		     int64_t *ret_time)
{
	const char *text = pst_cli_value(args, name);

	if (text && pst_observe_time_parse(text, pst_flow_time_now(), ret_time))
		return usage(o, name, text, "expected RFC 3339, or how long ago: 90s, 1h30m");
	return 0;
}

/* auto: a terminal that is none of "dumb" and nobody has asked for plain text (no-color.org). */
static int read_color(struct observer *o, const struct pst_cli_args *args)
{
	const char *when = pst_cli_value(args, "color");
	const char *off = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!when || !strcmp(when, "auto"))
		o->printer.color =
			isatty(STDOUT_FILENO) && !(off && *off) && term && strcmp(term, "dumb");
	else if (!strcmp(when, "always") || !strcmp(when, "never"))
		o->printer.color = *when == 'a';
	else
		return usage(o, "color", when, "expected auto, always or never");
	return 0;
}

static int read_mask(struct observer *o, const struct pst_cli_args *args)
{
	const struct pst_cli_strings *given = pst_cli_all(args, "field-mask");
	char why[256];
	int r = 0;

	if (!given->n)
		return 0;
	if (o->printer.form != PST_OBSERVE_JSON)
		return usage(o, "field-mask", given->v[0], "only with --output json or jsonpb");
	if (pst_observe_mask_new(&o->mask))
		return -ENOMEM;
	for (size_t i = 0; i < given->n && !r; i++) {
		r = pst_observe_mask_add(o->mask, given->v[i], why, sizeof(why));
		if (r)
			usage(o, "field-mask", given->v[i], why);
	}
	o->printer.mask = o->mask;
	return r;
}

static int read_forms(struct observer *o, const struct pst_cli_args *args)
{
	const char *form = pst_cli_value(args, "output"),
		   *time = pst_cli_value(args, "time-format");

	if (form && pst_observe_form_parse(form, &o->printer.form))
		return usage(o, "output", form, "expected compact, dict, table, json or jsonpb");
	if (time && pst_observe_time_form(time, &o->printer.time))
		return usage(
			o, "time-format", time,
			"expected StampMilli, RFC3339, RFC3339Milli, RFC3339Micro or RFC3339Nano");
	o->printer.node_name = pst_cli_value(args, "print-node-name");
	o->printer.policy_names = pst_cli_value(args, "print-policy-names");
	o->printer.numeric = pst_cli_value(args, "numeric");
	if (o->follow && o->printer.form == PST_OBSERVE_TABLE)
		return usage(o, "output", "table", "cannot be followed: it is drawn at the end");
	return read_color(o, args);
}

/* How many: without a word about it the last 20 of the daemon, all of a file. */
static int read_counts(struct observer *o, const struct pst_cli_args *args)
{
	const char *first = pst_cli_value(args, "first"), *last = pst_cli_value(args, "last");
	bool all = pst_cli_value(args, "all");

	if (!!first + !!last + all > 1)
		return usage(o, "first", first ? first : "", "not with --last or --all");
	if (first && o->follow)
		return usage(o, "first", first, "not with --follow");
	if (first)
		return parse_count(o, "first", first, &o->first);
	if (last)
		return parse_count(o, "last", last, &o->last);
	if (all || o->input || o->since || o->until)
		o->last = MAX_LAST;
	else
		o->last = o->follow ? 0 : DEFAULT_LAST;
	return 0;
}

static int read_args(struct observer *o, const struct pst_cli_args *args)
{
	int r;

	o->input = pst_cli_value(args, "input-file");
	o->socket = pst_cli_value(args, "socket");
	o->follow = pst_cli_value(args, "follow");
	if (args->operands.n) {
		pst_cli_usage_error(o->verb, "takes no operands");
		return -EINVAL;
	}
	if (o->input && o->follow)
		return usage(o, "input-file", o->input, "cannot be followed");
	if (pst_cli_value(args, "all-namespaces"))
		pst_flow_filter_any_namespace(o->filter);
	r = read_filters(o, args);
	if (!r)
		r = read_time(o, args, "since", &o->since);
	if (!r)
		r = read_time(o, args, "until", &o->until);
	if (!r)
		r = read_forms(o, args);
	if (!r)
		r = read_mask(o, args);
	return r ? r : read_counts(o, args);
}

static bool is_wanted(const struct observer *o, const struct pst_flow *f)
{
	if ((o->since && f->time < o->since) || (o->until && f->time > o->until))
		return false;
	return pst_flow_filter_matches(o->filter, f);
}

/* Keeps LINE among the last ones. */
static int keep(struct observer *o, const char *line, size_t len)
{
	char **place;

	if (!o->last)
		return 0;
	place = &o->kept[o->n_matched++ % o->last];
	free(*place);
	*place = pst_mem_strndup(line, len);
	return *place ? 0 : -ENOMEM;
}

static int show(struct observer *o, const json_t *json, const struct pst_flow *f)
{
	int r = pst_observe_print(&o->printer, json, f, stdout);

	if (o->first && !--o->first)
		o->is_full = true;
	if (!r && o->follow && fflush(stdout))
		return -EIO;
	return r;
}

/* A line that is read; all that matches is shown at once, or kept while the end is not known. */
static int take_flow(struct observer *o, const json_t *json, const char *line, size_t len,
		     bool at_once)
{
	struct pst_flow flow;
	int r;

	pst_arena_reset(o->arena);
	r = pst_flow_read(json, o->arena, &flow);
	if (r == -EINVAL) {
		if (!o->n_bad++)
			o->bad_line = o->n_lines;
		return 0;
	}
	if (r || (!at_once && !is_wanted(o, &flow)))
		return r;
	return at_once || o->first || o->is_live ? show(o, json, &flow) : keep(o, line, len);
}

static int show_kept(struct observer *o);

static int take_line(struct observer *o, const char *line, size_t len, bool at_once)
{
	json_t *json = len <= MAX_LINE ? json_loadb(line, len, 0, NULL) : NULL;
	const char *error = json_string_value(json_object_get(json, "error"));
	int r = 0;

	if (error)
		r = pst_log_err(-EPROTO, "the daemon says: %s", error);
	else if (json_object_get(json, "lost_events"))
		pst_observe_print_lost(&o->printer, json, stdout, stderr);
	else if (!o->input && json_object_get(json, "live"))
		r = show_kept(o);
	else
		r = take_flow(o, json, line, len, at_once);
	json_decref(json);
	return r;
}

/* What was there is known now: its last ones are shown, and what comes is shown as it comes. */
static int show_kept(struct observer *o)
{
	size_t n = o->n_matched < o->last ? o->n_matched : o->last;
	int r = 0;

	o->is_live = true;
	for (size_t i = o->n_matched - n; i < o->n_matched && !r; i++) {
		const char *line = o->kept[i % o->last];

		r = take_line(o, line, strlen(line), true);
	}
	if (!r && o->follow && fflush(stdout))
		r = -EIO;
	return r;
}

static int read_lines(struct observer *o, FILE *in)
{
	const char *name = o->input ? o->input : "what the daemon says";
	struct cli_line line = {0};
	int r = 0;

	while (!o->is_full && (r = cli_file_read_line(in, name, o->n_lines + 1, &line)) > 0) {
		while (line.n && line.v[line.n - 1] == '\r')
			line.n--;
		o->n_lines++;
		o->n_filled += line.n > 0;
		r = line.n ? take_line(o, line.v, line.n, false) : 0;
		if (r)
			break;
	}
	pst_vec_free(&line);
	if (!r && !o->is_live)
		r = show_kept(o);
	return r;
}

static int open_source(const struct observer *o, FILE **ret_in)
{
	char last[40] = "", request[128];

	if (o->input)
		return cli_file_open(o->input, ret_in);
	/* Only the daemon's last ones are wanted, whatever they are. */
	if (!o->has_filter && !o->first && o->last < MAX_LAST)
		snprintf(last, sizeof(last), ",\"last\":%lu", o->last);
	snprintf(request, sizeof(request), "{\"version\":%d,\"request\":\"observe\"%s%s}",
		 PST_CONTROL_VERSION, last, o->follow ? ",\"follow\":true,\"mark\":true" : "");
	return pst_client_ask(o->socket, request, ret_in);
}

static int run(struct observer *o)
{
	FILE *in = NULL;
	int r = open_source(o, &in);

	if (r)
		return r;
	r = read_lines(o, in);
	cli_file_close(in);
	pst_observe_end(&o->printer, stdout);
	if (o->n_bad)
		pst_log(PST_LOG_WARNING, "%lu lines of %s were no flows, the first is line %lu",
			o->n_bad, o->input ? o->input : "the daemon", o->bad_line);
	if (!r && o->follow)
		r = pst_log_err(-EPIPE, "the daemon has ended");
	/* Another file than was meant must not look like one in which nothing happened. */
	if (!r && o->n_bad && o->n_bad == o->n_filled)
		r = -EINVAL;
	return r;
}

static int observe(struct observer *o, const struct pst_cli_args *args)
{
	int r = read_args(o, args);

	if (r)
		return r == -EINVAL ? PST_EXIT_USAGE : PST_EXIT_FAILED;
	o->kept = pst_mem_calloc(o->last ? o->last : 1, sizeof(*o->kept));
	return o->kept && !run(o) ? PST_EXIT_OK : PST_EXIT_FAILED;
}

static void observer_fini(struct observer *o)
{
	for (size_t i = 0; o->kept && i < o->last; i++)
		free(o->kept[i]);
	free(o->kept);
	pst_observe_mask_free(&o->mask);
	pst_arena_free(&o->arena);
	pst_flow_filter_free(&o->filter);
}

int pst_cli_observe(int argc, char **argv)
{
	struct observer o = {.verb = pst_cli_verb_find("observe")};
	struct pst_cli_args args;
	int status, r = pst_cli_parse(o.verb, argc, argv, &args);

	if (r)
		return r == -EINVAL ? PST_EXIT_USAGE : PST_EXIT_FAILED;
	o.arena = pst_arena_new();
	status = o.arena && !pst_flow_filter_new(&o.filter) ? observe(&o, &args) : PST_EXIT_FAILED;
	observer_fini(&o);
	pst_cli_args_fini(&args);
	return status;
}
