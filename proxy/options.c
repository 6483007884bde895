// SPDX-License-Identifier: Apache-2.0
#include "proxy/options.h"

#include "base/mem.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum option_id {
	OPT_LISTEN = 256,
	OPT_UPSTREAM,
	OPT_POLICY,
	OPT_INVENTORY,
	OPT_BUNDLE,
	OPT_DIRECTION,
	OPT_SUBJECT,
	OPT_PEER,
	OPT_PORT,
	OPT_THREADS,
	OPT_MAX_CONNECTIONS,
	OPT_MAX_MEMORY,
	OPT_WORKLOAD_CONNECTIONS,
	OPT_WORKLOAD_MEMORY,
	OPT_HEAD_TIMEOUT,
	OPT_IDLE_TIMEOUT,
	OPT_DRAIN_TIMEOUT,
	OPT_EVENTS,
	OPT_SHOW_QUERIES,
	OPT_PATHS,
	OPT_SLASHES,
	OPT_DENY_BODY,
	OPT_DENY_TYPE,
	OPT_DENY_HEADER,
	OPT_MANAGED,
	OPT_HELP,
	OPT_VERSION,
};

/* One row per option: parsing and help read the same table. */
static const struct option_row {
	enum option_id id;
	const char *name;
	const char *arg; /* NULL: a switch */
	const char *help;
} rows[] = {
	{OPT_LISTEN, "listen", "ADDRESS:PORT", "where clients connect to (required)"},
	{OPT_UPSTREAM, "upstream", "ADDRESS:PORT", "the server (required)"},
	{OPT_POLICY, "policy", "PATH", "policy file or directory; may be repeated"},
	{OPT_INVENTORY, "inventory", "FILE",
	 "Pod and Namespace objects: which workloads have which addresses; may be repeated"},
	{OPT_BUNDLE, "bundle", "FILE", "a compiled policy, instead of --policy and --inventory"},
	{OPT_DIRECTION, "direction", "ingress|egress",
	 "whose policy decides: the server's or the client's (default: ingress)"},
	{OPT_SUBJECT, "subject", "ADDRESS",
	 "the workload that the policy is about (default: the server, or for egress the client)"},
	{OPT_PEER, "peer", "ADDRESS", "its peer (default: the other one)"},
	{OPT_PORT, "port", "N", "the port that policies speak about (default: the upstream's)"},
	{OPT_THREADS, "threads", "N",
	 "that serve connections (default: one for each processor, at most 16)"},
	{OPT_MAX_CONNECTIONS, "max-connections", "N", "at once (default: 10000)"},
	{OPT_MAX_MEMORY, "max-memory", "MIB", "of all buffers together (default: 256)"},
	{OPT_WORKLOAD_CONNECTIONS, "workload-connections", "N",
	 "of one workload at once (default: all; with --managed three in four)"},
	{OPT_WORKLOAD_MEMORY, "workload-memory", "MIB",
	 "of the buffers of one workload (default: all; with --managed three in four)"},
	{OPT_HEAD_TIMEOUT, "head-timeout", "SECONDS", "for a head that has begun (default: 10)"},
	{OPT_IDLE_TIMEOUT, "idle-timeout", "SECONDS", "without a byte (default: 300)"},
	{OPT_DRAIN_TIMEOUT, "drain-timeout", "SECONDS",
	 "for requests on their way at the end (default: 30)"},
	{OPT_EVENTS, "events", "denied|all|none", "which verdicts are reported (default: denied)"},
	{OPT_SHOW_QUERIES, "show-queries", NULL, "do not redact the query of a path in events"},
	{OPT_PATHS, "paths", "normal|any|normalize",
	 "normal denies paths not in normal form, any judges them as they stand, normalize brings "
	 "them into it first (default: normal)"},
	{OPT_SLASHES, "escaped-slashes", "redirect|reject|keep",
	 "with --paths normalize: what becomes of %2F and %5C (default: redirect)"},
	{OPT_DENY_BODY, "deny-body", "TEXT", "body of the 403 (default: Access denied)"},
	{OPT_DENY_TYPE, "deny-content-type", "TYPE", "its content type (default: text/plain)"},
	{OPT_DENY_HEADER, "deny-header", "'NAME: VALUE'",
	 "a further header of it; up to eight times"},
	{OPT_MANAGED, "managed", NULL,
	 "as posternd starts it: policies, connections and ways to servers come from there"},
	{OPT_HELP, "help", NULL, "this text"},
	{OPT_VERSION, "version", NULL, "version"},
};

enum { N_ROWS = sizeof(rows) / sizeof(*rows) };

static const char *const events_words[] = {
	[PST_PROXY_EVENTS_DENIED] = "denied",
	[PST_PROXY_EVENTS_ALL] = "all",
	[PST_PROXY_EVENTS_NONE] = "none",
};
enum { PATHS_NORMAL, PATHS_ANY, PATHS_NORMALIZE };
static const char *const paths_words[] = {
	[PATHS_NORMAL] = "normal",
	[PATHS_ANY] = "any",
	[PATHS_NORMALIZE] = "normalize",
};
/* In the order of enum pst_normal, from the first that is on. */
static const char *const slashes_words[] = {"redirect", "reject", "keep"};
static const char *const direction_words[] = {
	[PST_DIR_INGRESS] = "ingress",
	[PST_DIR_EGRESS] = "egress",
};

void pst_proxy_options_help(FILE *out)
{
	fputs("usage: postern-proxy --listen ADDRESS:PORT --upstream ADDRESS:PORT\n"
	      "                     {--policy PATH... [--inventory FILE]... | --bundle FILE}"
	      " [OPTION]...\n\n"
	      "Judges the requests of each connection and passes on what the policy allows.\n\n",
	      out);
	for (size_t i = 0; i < N_ROWS; i++)
		fprintf(out, "  --%s%s%s\n        %s\n", rows[i].name, rows[i].arg ? " " : "",
			rows[i].arg ? rows[i].arg : "", rows[i].help);
}

/* What options take that are numbers, and where it goes. */
static const struct range {
	enum option_id id;
	uint32_t min, max;
	size_t at;
} ranges[] = {
#define AT(member) offsetof(struct pst_proxy_options, member)
	{OPT_PORT, 1, 65535, AT(port)},
	{OPT_THREADS, 1, PST_PROXY_THREADS, AT(threads)},
	{OPT_MAX_CONNECTIONS, 1, 1000000, AT(max_connections)},
	{OPT_MAX_MEMORY, 1, 1024 * 1024, AT(max_memory_mib)},
	{OPT_WORKLOAD_CONNECTIONS, 1, 1000000, AT(workload_connections)},
	{OPT_WORKLOAD_MEMORY, 1, 1024 * 1024, AT(workload_memory_mib)},
	{OPT_HEAD_TIMEOUT, 1, 3600, AT(head_timeout_s)},
	{OPT_IDLE_TIMEOUT, 1, 86400, AT(idle_timeout_s)},
	{OPT_DRAIN_TIMEOUT, 0, 3600, AT(drain_timeout_s)},
#undef AT
};

/* NULL: no number. */
static const struct range *range_of(enum option_id id)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		if (ranges[i].id == id)
			return &ranges[i];
	}
	return NULL;
}

static int wrong(const struct option_row *row, const char *value)
{
	const struct range *range = range_of(row->id);

	fprintf(stderr, "postern-proxy: --%s: expected ", row->name);
	if (range)
		fprintf(stderr, "a number, %u to %u", range->min, range->max);
	else
		fputs(row->arg, stderr);
	fprintf(stderr, ", found \"%s\"\n", value);
	return -EINVAL;
}

static bool is_many(enum option_id id)
{
	return id == OPT_POLICY || id == OPT_INVENTORY || id == OPT_DENY_HEADER;
}

/* WORD is what it was given as: getopt_long() takes the beginning of a name for the name. */
static int check_option(const struct option_row *row, const char *word, const char *value,
			bool *ret_is_given)
{
	const size_t n = strlen(row->name);

	if (strncmp(word + 2, row->name, n) != 0 || (word[2 + n] && word[2 + n] != '=')) {
		fprintf(stderr, "postern-proxy: unknown option \"%s\": expected --%s\n", word,
			row->name);
		return -EINVAL;
	}
	if (*ret_is_given && !is_many(row->id)) {
		fprintf(stderr, "postern-proxy: --%s is given twice\n", row->name);
		return -EINVAL;
	}
	*ret_is_given = true;
	return row->arg && !*value && row->id != OPT_DENY_BODY ? wrong(row, value) : 0;
}

/* TEXT is a number from MIN to MAX. */
static int read_number(const char *text, uint32_t min, uint32_t max, uint32_t *ret_n)
{
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n < min || n > max)
		return -EINVAL;
	*ret_n = (uint32_t)n;
	return 0;
}

static void make_endpoint(const struct pst_addr *a, uint16_t port, struct pst_proxy_endpoint *ret)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	*ret = (struct pst_proxy_endpoint){.len = 0};
	if (!memcmp(a->b, mapped, sizeof(mapped))) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->addr;

		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		memcpy(&v4->sin_addr, a->b + 12, 4);
		ret->len = sizeof(*v4);
	} else {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->addr;

		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		memcpy(&v6->sin6_addr, a->b, 16);
		ret->len = sizeof(*v6);
	}
}

struct pst_addr pst_proxy_addr(const struct sockaddr_storage *addr, uint16_t *ret_port)
{
	struct pst_addr a = {.b = {[10] = 0xff, [11] = 0xff}};

	if (addr->ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)addr;

		memcpy(a.b + 12, &v4->sin_addr, 4);
		*ret_port = ntohs(v4->sin_port);
	} else {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)addr;

		memcpy(a.b, &v6->sin6_addr, 16);
		*ret_port = ntohs(v6->sin6_port);
	}
	return a;
}

/* "10.0.0.1:80" or "[fd00::1]:80". */
static int read_endpoint(const char *text, struct pst_proxy_endpoint *ret)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	struct pst_addr a;
	char host[64];
	uint32_t port;

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return -EINVAL;
	}
	if (!len || len >= sizeof(host) || read_number(colon + 1, 1, 65535, &port))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (pst_addr_from_str(host, &a))
		return -EINVAL;
	make_endpoint(&a, (uint16_t)port, ret);
	return 0;
}

static int read_word(const char *text, const char *const *words, size_t n, unsigned int *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(words[i], text)) {
			*ret = (unsigned int)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_addresses(struct pst_proxy_options *o, enum option_id id, const char *arg)
{
	switch (id) {
	case OPT_LISTEN:
		return read_endpoint(arg, &o->listen);
	case OPT_UPSTREAM:
		return read_endpoint(arg, &o->upstream);
	case OPT_SUBJECT:
		o->has_subject = true;
		return pst_addr_from_str(arg, &o->subject);
	default:
		o->has_peer = true;
		return pst_addr_from_str(arg, &o->peer);
	}
}

static int read_words(struct pst_proxy_options *o, enum option_id id, const char *arg)
{
	unsigned int i;
	int r;

	switch (id) {
	case OPT_EVENTS:
		r = read_word(arg, events_words, 3, &i);
		o->events = r ? o->events : i;
		return r;
	case OPT_PATHS:
		r = read_word(arg, paths_words, 3, &i);
		o->any_form = !r && i == PATHS_ANY;
		o->normal = !r && i == PATHS_NORMALIZE ? PST_NORMAL_REDIRECT : PST_NORMAL_OFF;
		return r;
	case OPT_SLASHES:
		r = read_word(arg, slashes_words, 3, &i);
		o->slashes = r ? PST_NORMAL_OFF : PST_NORMAL_REDIRECT + i;
		return r;
	default:
		r = read_word(arg, direction_words, 2, &i);
		o->direction = r ? o->direction : i;
		return r;
	}
}

/* Whether the whole fits is asked when all is there. */
static int read_reply(struct pst_proxy_options *o, enum option_id id, const char *arg)
{
	struct pst_reply_opts *reply = &o->reply;

	switch (id) {
	case OPT_DENY_BODY:
		reply->body = arg;
		return 0;
	case OPT_DENY_TYPE:
		reply->content_type = arg;
		return pst_reply_content_type_error(arg) ? -EINVAL : 0;
	default:
		if (reply->n_headers == PST_REPLY_HEADERS || pst_reply_header_error(arg))
			return -EINVAL;
		reply->headers[reply->n_headers++] = arg;
		return 0;
	}
}

static int read_numbers(struct pst_proxy_options *o, enum option_id id, const char *arg)
{
	const struct range *range = range_of(id);
	uint32_t *const n = (uint32_t *)((char *)o + range->at);

	return read_number(arg, range->min, range->max, n);
}

static int read_option(struct pst_proxy_options *o, enum option_id id, const char *arg)
{
	switch (id) {
	case OPT_LISTEN:
	case OPT_UPSTREAM:
	case OPT_SUBJECT:
	case OPT_PEER:
		return read_addresses(o, id, arg);
	case OPT_POLICY:
		o->sources.policies[o->sources.n_policies++] = arg;
		return 0;
	case OPT_INVENTORY:
		o->sources.inventories[o->sources.n_inventories++] = arg;
		return 0;
	case OPT_BUNDLE:
		o->sources.bundle = arg;
		return 0;
	case OPT_DIRECTION:
	case OPT_EVENTS:
	case OPT_PATHS:
	case OPT_SLASHES:
		return read_words(o, id, arg);
	case OPT_DENY_BODY:
	case OPT_DENY_TYPE:
	case OPT_DENY_HEADER:
		return read_reply(o, id, arg);
	case OPT_SHOW_QUERIES:
		o->show_queries = true;
		return 0;
	case OPT_MANAGED:
		o->managed = true;
		return 0;
	case OPT_HELP:
		o->help = true;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	default:
		return read_numbers(o, id, arg);
	}
}

static int check(const struct pst_proxy_options *o)
{
	const char *missing = NULL;
	struct pst_reply reply;

	if (o->help || o->version)
		return 0;
	if (o->slashes && !o->normal)
		missing = "--escaped-slashes is for --paths normalize";
	else if (pst_reply_make(&o->reply, true, &reply))
		missing = "the 403 is too long: a body of 512 bytes, 1023 with all headers";
	else if (o->managed && (o->listen.len || o->upstream.len || o->sources.bundle ||
				o->sources.n_policies || o->sources.n_inventories))
		missing = "--managed takes listeners, servers and policies from posternd";
	else if (o->managed)
		missing = NULL;
	else if (!o->listen.len)
		missing = "--listen is missing";
	else if (!o->upstream.len)
		missing = "--upstream is missing";
	else if (!o->sources.bundle == !o->sources.n_policies)
		missing = "expected either --policy or --bundle";
	else if (o->sources.bundle && o->sources.n_inventories)
		missing = "--bundle holds an inventory already";
	if (!missing)
		return 0;
	fprintf(stderr, "postern-proxy: %s\n", missing);
	return -EINVAL;
}

/* Before one server there is one workload; behind the daemon none may have everything. */
static void share_out(struct pst_proxy_options *o)
{
	const uint32_t part = o->managed ? 3 : 4;

	if (!o->workload_connections)
		o->workload_connections = o->max_connections * part / 4;
	if (!o->workload_memory_mib)
		o->workload_memory_mib = o->max_memory_mib * part / 4;
	if (!o->workload_connections)
		o->workload_connections = 1;
	if (!o->workload_memory_mib)
		o->workload_memory_mib = 1;
}

static int parse_all(int argc, char **argv, struct pst_proxy_options *o)
{
	struct option options[N_ROWS + 1] = {0};
	bool is_given[N_ROWS] = {false};
	int id, index, r = 0;

	for (size_t i = 0; i < N_ROWS; i++)
		options[i] = (struct option){.name = rows[i].name,
					     .has_arg = rows[i].arg != NULL,
					     .val = (int)rows[i].id};
	optind = 1;
	while (!r) {
		const char *word = argv[optind];

		id = getopt_long(argc, argv, "+", options, &index);
		if (id == -1)
			break;
		if (id == '?')
			return -EINVAL;
		r = check_option(&rows[index], word, optarg, &is_given[index]);
		if (!r && read_option(o, (enum option_id)id, optarg))
			r = wrong(&rows[index], optarg);
	}
	if (!r && optind < argc) {
		fprintf(stderr, "postern-proxy: expected options only, found \"%s\"\n",
			argv[optind]);
		r = -EINVAL;
	}
	if (!r)
		r = check(o);
	share_out(o);
	if (!r && o->slashes)
		o->normal = o->slashes;
	return r;
}

int pst_proxy_options_parse(int argc, char **argv, struct pst_proxy_options *ret_opts)
{
	struct pst_proxy_options o = {
		.max_connections = 10000,
		.max_memory_mib = 256,
		.head_timeout_s = 10,
		.idle_timeout_s = 300,
		.drain_timeout_s = 30,
	};
	size_t n = (size_t)argc + 1;
	int r = -ENOMEM;

	o.sources.policies = pst_mem_calloc(n, sizeof(*o.sources.policies));
	o.sources.inventories = pst_mem_calloc(n, sizeof(*o.sources.inventories));
	if (o.sources.policies && o.sources.inventories)
		r = parse_all(argc, argv, &o);
	if (r)
		pst_proxy_options_fini(&o);
	else
		*ret_opts = o;
	return r;
}

void pst_proxy_options_fini(struct pst_proxy_options *o)
{
	free(o->sources.policies);
	free(o->sources.inventories);
	o->sources.policies = o->sources.inventories = NULL;
}
