// SPDX-License-Identifier: Apache-2.0
#include "enforcer/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "enforcer/client.h"
#include "enforcer/export.h"
#include "enforcer/flow_filter.h"
#include "enforcer/http_serve.h"
#include "enforcer/pins.h"

enum option_id {
	OPT_POLICY = 256,
	OPT_INVENTORY,
	OPT_BUNDLE,
	OPT_CGROUP,
	OPT_PIN_DIR,
	OPT_NO_PINS,
	OPT_DETACH,
	OPT_EVENTS,
	OPT_EVENTS_FILE,
	OPT_SOCKET,
	OPT_COURTESY,
	OPT_OLD_SOCKETS,
	OPT_SOURCES,
	OPT_PATHS,
	OPT_SLASHES,
	OPT_PROXY,
	OPT_PROXY_THREADS,
	OPT_WORKLOAD_CONNECTIONS,
	OPT_WORKLOAD_MEMORY,
	OPT_DENY_TYPE,
	OPT_DENY_BODY,
	OPT_DENY_HEADER,
	OPT_SHOW_QUERIES,
	OPT_SHOW_HEADER,
	OPT_METRICS,
	OPT_AUDIT,
	OPT_EXPORT,
	OPT_EXPORT_SIZE,
	OPT_EXPORT_FILES,
	OPT_EXPORT_ALLOW,
	OPT_EXPORT_DENY,
	OPT_PROBE,
	OPT_FORMAT,
	OPT_COMPLETION,
	OPT_DEBUG,
	OPT_HELP,
	OPT_VERSION,
};

static const struct pst_options_row rows[] = {
	{OPT_POLICY, "policy", "PATH", "policy file or directory; may be repeated"},
	{OPT_INVENTORY, "inventory", "FILE",
	 "Pod and Namespace objects: which workloads have which addresses; may be repeated"},
	{OPT_BUNDLE, "bundle", "FILE",
	 "what postern compile has made, in place of --policy and --inventory"},
	{OPT_CGROUP, "cgroup", "PATH",
	 "enforce below this cgroup v2 directory: kubepods.slice on a node of a cluster, "
	 "/sys/fs/cgroup for all of a machine"},
	{OPT_PIN_DIR, "pin-dir", "DIR",
	 "where enforcement lives while no daemon does, on a bpffs (default: " PST_PINS_DIR ")"},
	{OPT_NO_PINS, "no-pins", NULL, "enforcement ends with the daemon"},
	{OPT_DETACH, "detach", NULL, "take away what is pinned in --pin-dir, and exit"},
	{OPT_EVENTS, "events", "denied|all|none", "which verdicts are reported (default: denied)"},
	{OPT_EVENTS_FILE, "events-file", "FILE", "append the verdicts there (default: stdout)"},
	{OPT_SOCKET, "socket", "PATH",
	 "where postern status and observe ask; none: nowhere (default: " PST_CONTROL_PATH ")"},
	{OPT_COURTESY, "courtesy", "auto|on|off",
	 "403 in the kernel at a local sender (default: auto, where the probe allows it)"},
	{OPT_OLD_SOCKETS, "old-sockets", "kill|pass",
	 "connections older than the daemon (default: kill)"},
	{OPT_SOURCES, "source-ip-verification", "on|off",
	 "drop what a pod sends from the address of another pod or a node (default: on)"},
	{OPT_PATHS, "paths", "normal|any|normalize",
	 "normal denies paths not in normal form, any judges them as they stand, normalize: as "
	 "normal, but the proxy brings them into it first (default: normal)"},
	{OPT_SLASHES, "escaped-slashes", "redirect|reject|keep",
	 "with --paths normalize: what becomes of %2F and %5C (default: redirect)"},
	{OPT_PROXY, "proxy", "PATH|off",
	 "what judges where the kernel cannot (default: postern-proxy beside this program)"},
	{OPT_PROXY_THREADS, "proxy-threads", "N",
	 "of it that serve connections (default: one for each processor, at most 16)"},
	{OPT_WORKLOAD_CONNECTIONS, "workload-connections", "N",
	 "that one workload may have in the proxy at once (default: 7500, three in four of all)"},
	{OPT_WORKLOAD_MEMORY, "workload-memory", "MIB",
	 "that its buffers may hold there (default: 192, three in four of all)"},
	{OPT_DENY_BODY, "deny-body", "TEXT",
	 "body of the 403, at most 512 bytes (default: 'Access denied' and a line end)"},
	{OPT_DENY_TYPE, "deny-content-type", "TYPE", "its content type (default: text/plain)"},
	{OPT_DENY_HEADER, "deny-header", "'NAME: VALUE'",
	 "a header of the 403; may be repeated, up to eight"},
	{OPT_SHOW_QUERIES, "show-queries", NULL,
	 "do not redact the query of a path in events and flows"},
	{OPT_SHOW_HEADER, "show-header", "NAME",
	 "tell the values of this header in flows; may be repeated"},
	{OPT_METRICS, "metrics", "ADDRESS:PORT",
	 "serve /metrics, /healthz and /readyz there (default: nowhere)"},
	{OPT_EXPORT, "export", "FILE", "append flows to this file, which is rotated"},
	{OPT_EXPORT_SIZE, "export-size", "MIB",
	 "rotate the file before it is larger (default: 10)"},
	{OPT_EXPORT_FILES, "export-files", "N", "rotated files that are kept (default: 5)"},
	{OPT_EXPORT_ALLOW, "export-allow", "'FILTER...'",
	 "export only what these options of postern observe show; may be repeated"},
	{OPT_EXPORT_DENY, "export-deny", "'FILTER...'",
	 "do not export what these show; may be repeated"},
	{OPT_AUDIT, "audit", NULL, "deny nothing, and report what would be denied"},
	{OPT_PROBE, "probe", NULL, "tell what this kernel can do and which modes follow, and exit"},
	{OPT_FORMAT, "format", "text|json", "form of --probe (default: text)"},
	{OPT_COMPLETION, "completion", "bash|zsh|fish", "write what completes these options there"},
	{OPT_DEBUG, "debug", NULL, "log more"},
	{OPT_HELP, "help", NULL, "this text"},
	{OPT_VERSION, "version", NULL, "version"},
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

static bool is_many(int id)
{
	return id == OPT_POLICY || id == OPT_INVENTORY || id == OPT_DENY_HEADER ||
	       id == OPT_SHOW_HEADER || id == OPT_EXPORT_ALLOW || id == OPT_EXPORT_DENY;
}

/* Words of an option that takes one of a few. */
struct word {
	const char *text;
	int value;
};

static const struct word events_words[] = {
	{"denied", PST_EVENTS_DENIED}, {"all", PST_EVENTS_ALL}, {"none", PST_EVENTS_NONE}, {0}};
static const struct word courtesy_words[] = {
	{"auto", PST_COURTESY_AUTO}, {"on", PST_COURTESY_ON}, {"off", PST_COURTESY_OFF}, {0}};
static const struct word old_words[] = {{"kill", 0}, {"pass", 1}, {0}};
static const struct word source_words[] = {{"on", 0}, {"off", 1}, {0}};
static const struct word paths_words[] = {{"normal", 0}, {"any", 1}, {"normalize", 0}, {0}};
static const struct word slashes_words[] = {{"redirect", 0}, {"reject", 0}, {"keep", 0}, {0}};
static const struct word format_words[] = {{"text", 0}, {"json", 1}, {0}};
static const struct word shell_words[] = {{"bash", 0}, {"zsh", 0}, {"fish", 0}, {0}};

const struct pst_options_row *pst_options_rows(size_t *ret_n)
{
	*ret_n = N_ROWS;
	return rows;
}

void pst_options_help(FILE *out)
{
	fputs("usage: posternd --cgroup PATH --policy PATH... [--inventory FILE]... [OPTION]...\n"
	      "       posternd --cgroup PATH --bundle FILE [OPTION]...\n"
	      "       posternd --detach [--pin-dir DIR]\n"
	      "       posternd --probe [--format json]\n\n"
	      "Judges HTTP requests against CiliumNetworkPolicy files in the kernel.\n"
	      "SIGHUP and changed files reload; SIGTERM ends the daemon, and\n"
	      "enforcement goes on until posternd --detach.\n\n",
	      out);
	for (size_t i = 0; i < N_ROWS; i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", rows[i].name, rows[i].arg ? " " : "",
			 rows[i].arg ? rows[i].arg : "");
		fprintf(out, "  %-28s %s\n", left, rows[i].help);
	}
	fputs("\nExit status: 0 ended by a signal or detached, 1 invalid policy or inventory, 2 usage,\n"
	      "3 could not run (rights, kernel, cgroup).\n",
	      out);
}

static int usage_error(const char *what, const char *value, const char *expected)
{
	fprintf(stderr, "posternd: error: %s%s%s%s%s; see posternd --help\n", what,
		value ? " '" : "", value ? value : "", value ? "'" : "", expected);
	return -EINVAL;
}

static int word_value(const char *option, const struct word *words, const char *text, int *ret)
{
	const struct pst_options_row *row = rows;
	char what[64], expected[64];

	for (; words->text; words++) {
		if (!strcmp(words->text, text)) {
			*ret = words->value;
			return 0;
		}
	}
	while (strcmp(row->name, option) != 0)
		row++;
	snprintf(what, sizeof(what), "--%s: unknown value", option);
	snprintf(expected, sizeof(expected), ": expected %s", row->arg);
	return usage_error(what, text, expected);
}

static int add_header(struct pst_reply_opts *o, const char *arg)
{
	const char *why = pst_reply_header_error(arg);
	char text[128];

	if (!why && o->n_headers == PST_REPLY_HEADERS)
		why = "there are eight already";
	if (why) {
		snprintf(text, sizeof(text), ": %s", why);
		return usage_error("--deny-header: cannot use", arg, text);
	}
	o->headers[o->n_headers++] = arg;
	return 0;
}

static int set_content_type(struct pst_reply_opts *o, const char *arg)
{
	const char *why = pst_reply_content_type_error(arg);
	char text[128];

	if (why) {
		snprintf(text, sizeof(text), ": %s", why);
		return usage_error("--deny-content-type: cannot use", arg, text);
	}
	o->content_type = arg;
	return 0;
}

static int set_pin_dir(struct pst_options *o, const char *arg)
{
	if (*arg != '/')
		return usage_error("--pin-dir", arg, ": expected an absolute path");
	o->pin_dir = arg;
	return 0;
}

static int set_socket(struct pst_options *o, const char *arg)
{
	if (!strcmp(arg, "none"))
		arg = "";
	else if (*arg != '/')
		return usage_error("--socket", arg, ": expected an absolute path, or none");
	o->socket = arg;
	o->is_socket_asked_for = true;
	return 0;
}

/* Options that are any text. */
static void set_text(struct pst_options *o, int id, const char *arg)
{
	if (id == OPT_BUNDLE)
		o->bundle = arg;
	else if (id == OPT_CGROUP)
		o->cgroup = arg;
	else
		o->reply.body = arg;
}

static int set_number(const char *option, const char *arg, uint32_t min, uint32_t max,
		      uint32_t *ret)
{
	char text[96], *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg >= '0' && *arg <= '9' && !*end && n >= min && n <= max) {
		*ret = (uint32_t)n;
		return 0;
	}
	snprintf(text, sizeof(text), ": expected a number, %u to %u", min, max);
	return usage_error(option, arg, text);
}

static int apply_export(struct pst_options_export *e, int id, const char *arg)
{
	if (id == OPT_EXPORT)
		e->path = arg;
	else if (id == OPT_EXPORT_ALLOW)
		e->allow[e->n_allow++] = arg;
	else if (id == OPT_EXPORT_DENY)
		e->deny[e->n_deny++] = arg;
	else if (id == OPT_EXPORT_SIZE)
		return set_number("--export-size", arg, 1, PST_EXPORT_MIB_MAX, &e->mib);
	else
		return set_number("--export-files", arg, 0, PST_EXPORT_FILES_MAX, &e->files);
	return 0;
}

static int set_metrics(struct pst_options *o, const char *arg)
{
	if (!pst_http_serve_is_address(arg))
		return usage_error("--metrics", arg,
				   ": expected 127.0.0.1:9970, [::1]:9970 or the like");
	o->metrics = arg;
	return 0;
}

static int check_filter(const char *option, const char *text)
{
	struct pst_flow_filter *f = NULL;
	char why[256] = ": ";
	int r = pst_flow_filter_parse(text, &f, why + 2, sizeof(why) - 2);

	pst_flow_filter_free(&f);
	return r == -EINVAL ? usage_error(option, text, why) : r;
}

/* What can be known without looking at files. */
static int check_export(const struct pst_options_export *e)
{
	char text[64];
	int r = 0;

	for (size_t i = 0; !r && i < e->n_allow; i++)
		r = check_filter("--export-allow", e->allow[i]);
	for (size_t i = 0; !r && i < e->n_deny; i++)
		r = check_filter("--export-deny", e->deny[i]);
	if (r || !e->path || strlen(e->path) <= PST_EXPORT_PATH_MAX)
		return r;
	snprintf(text, sizeof(text), ": expected a path of at most %d bytes", PST_EXPORT_PATH_MAX);
	return usage_error("--export", NULL, text);
}

/* What is reported, and where. -ENOENT: it is another option. */
static int apply_report(struct pst_options *o, int id, const char *arg)
{
	int value = 0, r = 0;

	switch (id) {
	case OPT_EVENTS_FILE:
		o->events_file = arg;
		break;
	case OPT_SOCKET:
		r = set_socket(o, arg);
		break;
	case OPT_EVENTS:
		r = word_value("events", events_words, arg, &value);
		o->events = (enum pst_events_mode)value;
		break;
	case OPT_SHOW_QUERIES:
		o->show_queries = true;
		break;
	case OPT_METRICS:
		r = set_metrics(o, arg);
		break;
	case OPT_EXPORT:
	case OPT_EXPORT_SIZE:
	case OPT_EXPORT_FILES:
	case OPT_EXPORT_ALLOW:
	case OPT_EXPORT_DENY:
		r = apply_export(&o->export, id, arg);
		break;
	case OPT_SHOW_HEADER:
		o->shown_headers[o->n_shown_headers++] = arg;
		break;
	default:
		r = -ENOENT;
	}
	return r;
}

/* What the proxy is told, in the words that were given. */
static int apply_proxy(struct pst_options *o, int id, const char *arg)
{
	uint32_t unused;
	int value = 0, r;

	switch (id) {
	case OPT_PATHS:
		r = word_value("paths", paths_words, arg, &value);
		o->any_form = value;
		o->paths = arg;
		return r;
	case OPT_SLASHES:
		o->slashes = arg;
		return word_value("escaped-slashes", slashes_words, arg, &value);
	case OPT_PROXY_THREADS:
		o->proxy_threads = arg;
		return set_number("--proxy-threads", arg, 1, 64, &unused);
	case OPT_WORKLOAD_CONNECTIONS:
		o->workload_connections = arg;
		return set_number("--workload-connections", arg, 1, 1000000, &unused);
	case OPT_WORKLOAD_MEMORY:
		o->workload_memory = arg;
		return set_number("--workload-memory", arg, 1, 1024 * 1024, &unused);
	default:
		o->proxy = arg;
		return 0;
	}
}

static int apply(struct pst_options *o, int id, const char *arg)
{
	int value = 0, r = 0;

	switch (id) {
	case OPT_POLICY:
		o->policies[o->n_policies++] = arg;
		break;
	case OPT_INVENTORY:
		o->inventories[o->n_inventories++] = arg;
		break;
	case OPT_BUNDLE:
	case OPT_CGROUP:
	case OPT_DENY_BODY:
		set_text(o, id, arg);
		break;
	case OPT_PIN_DIR:
		r = set_pin_dir(o, arg);
		break;
	case OPT_NO_PINS:
		o->no_pins = true;
		break;
	case OPT_AUDIT:
		o->audit = true;
		break;
	case OPT_DETACH:
		o->action = PST_RUN_DETACH;
		break;
	case OPT_COURTESY:
		r = word_value("courtesy", courtesy_words, arg, &value);
		o->courtesy = (enum pst_courtesy_mode)value;
		break;
	case OPT_OLD_SOCKETS:
		r = word_value("old-sockets", old_words, arg, &value);
		o->old_sockets_pass = value;
		break;
	case OPT_SOURCES:
		r = word_value("source-ip-verification", source_words, arg, &value);
		o->any_source = value;
		break;
	case OPT_PROXY:
	case OPT_PATHS:
	case OPT_SLASHES:
	case OPT_PROXY_THREADS:
	case OPT_WORKLOAD_CONNECTIONS:
	case OPT_WORKLOAD_MEMORY:
		r = apply_proxy(o, id, arg);
		break;
	case OPT_FORMAT:
		r = word_value("format", format_words, arg, &value);
		o->json = value;
		break;
	case OPT_DENY_TYPE:
		r = set_content_type(&o->reply, arg);
		break;
	case OPT_DENY_HEADER:
		r = add_header(&o->reply, arg);
		break;
	case OPT_PROBE:
		o->action = PST_RUN_PROBE;
		break;
	case OPT_COMPLETION:
		r = word_value("completion", shell_words, arg, &value);
		o->action = PST_SHOW_COMPLETION;
		o->shell = arg;
		break;
	case OPT_DEBUG:
		o->debug = true;
		break;
	case OPT_HELP:
		o->action = PST_SHOW_HELP;
		break;
	case OPT_VERSION:
		o->action = PST_SHOW_VERSION;
		break;
	default:
		r = apply_report(o, id, arg);
	}
	return r;
}

static const struct pst_options_row *row_of(int id)
{
	const struct pst_options_row *row = rows;

	while (row->id != id)
		row++;
	return row;
}

/* WORD is what it was given as. getopt_long() takes the beginning of a name for the name: what that
 * means changes when there is another option. */
static int check_once(const struct pst_options_row *row, const char *word, bool *ret_is_given)
{
	const size_t n = strlen(row->name);
	char text[64];

	if (strncmp(word + 2, row->name, n) != 0 || (word[2 + n] && word[2 + n] != '=')) {
		snprintf(text, sizeof(text), ": expected --%s", row->name);
		return usage_error("unknown option", word, text);
	}
	if (*ret_is_given && !is_many(row->id)) {
		snprintf(text, sizeof(text), "--%s is given twice", row->name);
		return usage_error(text, NULL, "");
	}
	*ret_is_given = true;
	return 0;
}

/* Empty is a variable that nobody has set; as a cgroup it would be the root, all of the machine. */
static int check_value(const struct pst_options_row *row, const char *value)
{
	char what[64], expected[64];

	if (!row->arg || *value || row->id == OPT_DENY_BODY)
		return 0;
	snprintf(what, sizeof(what), "--%s", row->name);
	snprintf(expected, sizeof(expected), ": expected %s", row->arg);
	return usage_error(what, value, expected);
}

static int parse_options(int argc, char **argv, struct pst_options *o)
{
	struct option longs[N_ROWS + 1] = {0};
	bool is_given[N_ROWS] = {false};
	int r = 0;

	for (size_t i = 0; i < N_ROWS; i++)
		longs[i] =
			(struct option){rows[i].name, rows[i].arg ? required_argument : no_argument,
					NULL, rows[i].id};
	optind = 1;
	opterr = 0;
	while (!r) {
		const char *word = argv[optind];
		const int id = getopt_long(argc, argv, "+:", longs, NULL);
		const struct pst_options_row *row;

		if (id == -1)
			return 0;
		if (id == '?')
			return usage_error("unknown option, or one that takes no value", word, "");
		if (id == ':')
			return usage_error("a value is missing behind", word, "");
		row = row_of(id);
		r = check_once(row, word, &is_given[row - rows]);
		if (!r)
			r = check_value(row, optarg);
		if (!r)
			r = apply(o, id, optarg);
	}
	return r;
}

static int parse_all(int argc, char **argv, struct pst_options *o)
{
	struct pst_reply reply;
	int r = parse_options(argc, argv, o);

	if (!r && optind < argc)
		r = usage_error("unexpected operand", argv[optind],
				": policies are given with --policy PATH");
	if (!r && pst_reply_make(&o->reply, true, &reply))
		r = usage_error("the 403 is too long", NULL,
				": a body of 512 bytes, 1023 with all headers");
	if (!r && o->action == PST_RUN && !o->n_policies && !o->bundle)
		r = usage_error("no policy given: expected --policy PATH or --bundle FILE", NULL,
				"");
	if (!r && !o->export.path && (o->export.n_allow || o->export.n_deny))
		r = usage_error("--export-allow and --export-deny want --export FILE", NULL, "");
	if (!r && o->slashes && (!o->paths || strcmp(o->paths, "normalize") != 0))
		r = usage_error("--escaped-slashes wants --paths normalize", NULL, "");
	if (!r)
		r = check_export(&o->export);
	if (!r && o->bundle && (o->n_policies || o->n_inventories))
		r = usage_error("--bundle takes the place of --policy and --inventory", NULL, "");
	return r;
}

int pst_options_check_run(const struct pst_options *opts)
{
	if (!opts->cgroup)
		return usage_error(
			"no cgroup given: expected --cgroup kubepods.slice (or kubepods) on a node of a cluster, --cgroup /sys/fs/cgroup for all of this machine",
			NULL, "");
	return 0;
}

int pst_options_parse(int argc, char **argv, struct pst_options *ret_opts)
{
	struct pst_options o = {
		.pin_dir = PST_PINS_DIR,
		.socket = PST_CONTROL_PATH,
		.export = {.mib = 10, .files = 5},
	};
	int r = -ENOMEM;

	o.policies = pst_mem_calloc((size_t)argc, sizeof(*o.policies));
	o.inventories = pst_mem_calloc((size_t)argc, sizeof(*o.inventories));
	o.shown_headers = pst_mem_calloc((size_t)argc, sizeof(*o.shown_headers));
	o.export.allow = pst_mem_calloc((size_t)argc, sizeof(*o.export.allow));
	o.export.deny = pst_mem_calloc((size_t)argc, sizeof(*o.export.deny));
	if (o.policies && o.inventories && o.shown_headers && o.export.allow && o.export.deny)
		r = parse_all(argc, argv, &o);
	if (r) {
		pst_options_fini(&o);
		return r;
	}
	*ret_opts = o;
	return 0;
}

void pst_options_fini(struct pst_options *opts)
{
	free(opts->policies);
	free(opts->inventories);
	free(opts->shown_headers);
	free(opts->export.allow);
	free(opts->export.deny);
	*opts = (struct pst_options){0};
}
