// SPDX-License-Identifier: Apache-2.0
#include "proxy/events.h"

#include "base/json.h"
#include "compiler/explain.h"
#include "compiler/head.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST = 1024, LONGEST_NAME = 64 };

static void put_time(struct pst_json *j)
{
	struct timespec now;
	struct tm utc;
	char text[40];
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text + n, sizeof(text) - n, ".%06ldZ", now.tv_nsec / 1000);
	pst_json_str(j, "time", text);
}

static void put_end(struct pst_json *j, const char *key, const struct pst_addr *at, uint16_t port)
{
	char addr[64], text[80];

	pst_addr_to_str(at, addr, sizeof(addr));
	snprintf(text, sizeof(text), strchr(addr, ':') ? "[%s]:%u" : "%s:%u", addr, port);
	pst_json_str(j, key, text);
}

/* What all lines begin with. */
static void put_begin(struct pst_json *j, const char *layer, enum pst_dir direction,
		      enum pst_outcome outcome, enum pst_reason reason)
{
	static const char *const verdicts[] = {
		[PST_OUTCOME_DENIED] = "deny",
		[PST_OUTCOME_ALLOWED] = "allow",
		[PST_OUTCOME_AUDITED] = "audit",
	};

	put_time(j);
	pst_json_str(j, "layer", layer);
	pst_json_str(j, "direction", direction == PST_DIR_INGRESS ? "ingress" : "egress");
	pst_json_str(j, "verdict", verdicts[outcome]);
	pst_json_str(j, "reason", pst_explain_reason_name(reason));
}

static void put_rule(struct pst_json *j, const struct pst_conn *c, uint32_t index)
{
	const struct pst_bundle *b = pst_ruler_bundle(pst_conn_policy(c)->ruler);
	const struct pst_bundle_rule *rule;
	char text[512];

	if (index >= b->n_rules)
		return;
	rule = &b->rules[index];
	pst_json_str(j, "policy", rule->policy);
	snprintf(text, sizeof(text), "%s:%u:%u", rule->pos.file ? rule->pos.file : "-",
		 rule->pos.line, rule->pos.col);
	pst_json_str(j, "rule", text);
}

static void put_span(struct pst_json *j, const char *key, const struct pst_span *s)
{
	if (s->s && s->len)
		pst_json_strn(j, key, s->s, s->len < LONGEST ? s->len : LONGEST);
}

/* Long ones are cut off: a line fits into a pipe as a whole. */
static void put_path(struct pst_json *j, const struct pst_span *path, bool show_query)
{
	const char *query = path->s ? memchr(path->s, '?', path->len) : NULL;
	size_t len = query && !show_query ? (size_t)(query - path->s) : path->len;
	char text[LONGEST + 16];

	if (!path->s)
		return;
	snprintf(text, sizeof(text), "%.*s%s", (int)(len < LONGEST ? len : LONGEST), path->s,
		 query && !show_query ? "?[redacted]" : "");
	pst_json_str(j, "path", text);
}

/* Names alone: what a header should have been may be a Secret's, what it was a client's. */
static void put_mismatches(struct pst_json *j, const char *key, const struct pst_pair_event *event,
			   bool missing)
{
	bool any = false;

	for (size_t i = 0; i < event->n_mismatches; i++) {
		const struct pst_ruler_mismatch *m = &event->mismatches[i];

		if (m->is_missing != missing)
			continue;
		if (!any)
			pst_json_array(j, key);
		any = true;
		pst_json_strn(j, NULL, m->name, strnlen(m->name, LONGEST_NAME));
	}
	if (any)
		pst_json_end(j);
}

static void put_event(struct pst_json *j, const struct pst_proxy_options *o,
		      const struct pst_conn *c, const struct pst_pair_event *event)
{
	struct pst_head head;

	put_begin(j, "l7", c->direction, event->allowed ? PST_OUTCOME_ALLOWED : PST_OUTCOME_DENIED,
		  event->reason);
	put_end(j, "client", &c->client, c->client_port);
	pst_json_u64(j, "number", event->number);
	put_rule(j, c, event->rule);
	if (event->head_len) {
		pst_head_split(event->head, event->head_len, &head);
		put_span(j, "method", &head.field[PST_FIELD_METHOD]);
		put_path(j, &head.field[PST_FIELD_PATH], o->show_queries);
		put_span(j, "host", &head.field[PST_FIELD_HOST]);
	}
	put_mismatches(j, "missing_headers", event, true);
	put_mismatches(j, "rejected_headers", event, false);
}

/* A reader that stands still must not hold up requests: then the line is lost. */
static int write_line(const char *line, size_t len)
{
	static pthread_mutex_t writing = PTHREAD_MUTEX_INITIALIZER;
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
	bool written;

	/* Another thread's line may take the room that was there. */
	pthread_mutex_lock(&writing);
	written = len <= PIPE_BUF && poll(&out, 1, 0) == 1 && out.revents & POLLOUT &&
		  write(STDOUT_FILENO, line, len) == (ssize_t)len;
	pthread_mutex_unlock(&writing);
	return written ? 0 : -EIO;
}

/* Where a line is composed. */
struct page {
	char line[2 * PIPE_BUF];
	FILE *out;
	struct pst_json j;
};

static int begin_line(struct page *p)
{
	p->out = fmemopen(p->line, sizeof(p->line), "w");
	if (!p->out)
		return -EIO;
	pst_json_init(&p->j, p->out);
	pst_json_object(&p->j, NULL);
	return 0;
}

static int end_line(struct page *p)
{
	int r = pst_json_finish(&p->j);
	long len = ftell(p->out);

	fclose(p->out);
	return r || len < 0 ? -EIO : write_line(p->line, (size_t)len);
}

int pst_proxy_event_write_connection(const struct pst_conn_start *known, enum pst_outcome outcome,
				     enum pst_reason reason)
{
	struct page p;

	if (begin_line(&p))
		return -EIO;
	put_begin(&p.j, "l4", known->direction, outcome, reason);
	if (known->client_port)
		put_end(&p.j, "client", &known->client, known->client_port);
	if (known->server_port)
		put_end(&p.j, "server", &known->server, known->server_port);
	pst_json_end(&p.j);
	return end_line(&p);
}

int pst_proxy_event_write(const struct pst_proxy_options *o, const struct pst_conn *c,
			  const struct pst_pair_event *event)
{
	struct page p;

	if (begin_line(&p))
		return -EIO;
	put_event(&p.j, o, c, event);
	pst_json_end(&p.j);
	return end_line(&p);
}
