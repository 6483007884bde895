// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_make.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpf/reason.h"
#include "compiler/bundle.h"
#include "compiler/explain.h"
#include "enforcer/flow_request.h"
#include "enforcer/flow_time.h"
#include "enforcer/flow_wishes.h"
#include "enforcer/identity.h"
#include "enforcer/verdict.h"
#include "policy/inventory.h"

enum { REMEMBERED = 2048, METHOD_TEXT = 40, URL_TEXT = 640, LABEL_TEXT = 1024 };

/* A request that may be answered. */
struct asked {
	uint64_t socket_cookie;
	uint32_t number;
	uint8_t direction;
	char method[METHOD_TEXT], url[URL_TEXT], protocol[16];
};

struct pst_flow_maker {
	struct pst_flow_maker_opts opts;
	struct pst_arena *arena; /* of the last flow */
	struct pst_flow flow;
	struct asked *asked[2]; /* of the kernel's, of the proxy's */
};

int pst_flow_maker_new(const struct pst_flow_maker_opts *opts, struct pst_flow_maker **ret_maker)
{
	struct pst_flow_maker *m = pst_mem_calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->opts = *opts;
	m->arena = pst_arena_new();
	for (int i = 0; i < 2; i++)
		m->asked[i] = pst_mem_calloc(REMEMBERED, sizeof(*m->asked[i]));
	if (!m->arena || !m->asked[0] || !m->asked[1]) {
		pst_flow_maker_free(&m);
		return -ENOMEM;
	}
	*ret_maker = m;
	return 0;
}

void pst_flow_maker_free(struct pst_flow_maker **m)
{
	if (!*m)
		return;
	pst_arena_free(&(*m)->arena);
	free((*m)->asked[0]);
	free((*m)->asked[1]);
	free(*m);
	*m = NULL;
}

static struct asked *asked_at(const struct pst_flow_maker *m, const struct pst_flow_event *fe)
{
	const struct pst_event *e = fe->e;
	uint64_t h = (e->socket_cookie * 31 + e->number) * 2 + e->direction;

	return &m->asked[fe->proxy != NULL][(h * UINT64_C(0x9e3779b97f4a7c15)) >> 53];
}

static void remember(struct pst_flow_maker *m, const struct pst_flow_event *fe)
{
	const struct pst_event *e = fe->e;
	struct asked *a = asked_at(m, fe);

	a->socket_cookie = e->socket_cookie;
	a->number = e->number;
	a->direction = e->direction;
	snprintf(a->method, sizeof(a->method), "%s", m->flow.method);
	snprintf(a->url, sizeof(a->url), "%s", m->flow.url);
	snprintf(a->protocol, sizeof(a->protocol), "%s", m->flow.http_protocol);
}

/* The request that FE answers, or NULL. */
static const struct asked *recall(const struct pst_flow_maker *m, const struct pst_flow_event *fe)
{
	const struct pst_event *e = fe->e;
	const struct asked *a = asked_at(m, fe);

	if (!e->socket_cookie || a->socket_cookie != e->socket_cookie || a->number != e->number ||
	    a->direction != e->direction)
		return NULL;
	return a;
}

static const char *random_uuid(struct pst_arena *a)
{
	uint8_t b[16];

	arc4random_buf(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	return pst_arena_printf(
		a, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
		b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
		b[14], b[15]);
}

/* 0 or -ENOMEM. */
static int make_labels(struct pst_flow_maker *m, const struct pst_bundle *b, struct pst_flow_end *e)
{
	const struct pst_labels *labels = pst_identity_labels(b, e->identity);
	size_t n = labels ? labels->n : 0;

	e->labels = pst_arena_calloc(m->arena, n + 1, sizeof(*e->labels));
	for (size_t i = 0; e->labels && i < n; i++) {
		char text[LABEL_TEXT];

		pst_identity_label_text(&labels->v[i], text, sizeof(text));
		e->labels[i] = pst_arena_strndup(m->arena, text, strlen(text));
		if (!e->labels[i])
			return -ENOMEM;
		e->n_labels++;
	}
	return e->labels ? 0 : -ENOMEM;
}

/* Whose ADDR is; of a packet with a spoofed source, who has sent it. */
static const char *name_of(const struct pst_flow_maker *m, const struct pst_event *ev,
			   const uint8_t addr[16])
{
	const bool is_sender = ev->reason == PST_REASON_SPOOFED_SOURCE && addr == ev->client;

	return m->opts.source.name(m->opts.source.arg, ev->generation,
				   is_sender ? ev->sender : addr);
}

/* Who has ADDR, PORT and IDENTITY. 0 or -ENOMEM. */
static int make_end(struct pst_flow_maker *m, const struct pst_event *ev, const uint8_t addr[16],
		    struct pst_flow_end *e)
{
	const char *name = name_of(m, ev, addr);
	const char *slash = name ? strchr(name, '/') : NULL;
	struct pst_addr a;
	char text[46];

	memcpy(a.b, addr, sizeof(a.b));
	pst_addr_to_str(&a, text, sizeof(text));
	e->ip = pst_arena_strndup(m->arena, text, strlen(text));
	e->ns = slash ? pst_arena_strndup(m->arena, name, (size_t)(slash - name)) : "";
	e->pod = slash ? slash + 1 : "";
	if (!e->ip || !e->ns)
		return -ENOMEM;
	if (!e->port && ev->protocol == IPPROTO_TCP)
		e->ip = ""; /* the proxy does not know it */
	return make_labels(m, m->opts.source.bundle(m->opts.source.arg, ev->generation), e);
}

/* A response goes from the server to the client. */
static int make_ends(struct pst_flow_maker *m, const struct pst_event *e)
{
	struct pst_flow *f = &m->flow;
	bool reply = e->layer == PST_LAYER_ANSWER, ingress = e->direction == PST_DIR_INGRESS;
	struct pst_flow_end *client = reply ? &f->destination : &f->source;
	struct pst_flow_end *server = reply ? &f->source : &f->destination;
	int r;

	client->port = e->client_port;
	server->port = e->server_port;
	client->identity = ingress ? e->peer : e->subject;
	server->identity = ingress ? e->subject : e->peer;
	r = make_end(m, e, e->client, client);
	if (!r)
		r = make_end(m, e, e->server, server);
	f->is_ipv6 = strchr(client->ip ? client->ip : "", ':') ||
		     strchr(server->ip ? server->ip : "", ':');
	f->has_is_reply = true;
	f->is_reply = reply;
	return r;
}

static void set_drop_reason(struct pst_flow *f, enum pst_reason reason)
{
	static const struct {
		enum pst_reason reason;
		uint32_t number;
		const char *word;
	} rows[] = {
		{PST_REASON_DENY_RULE, 181, "POLICY_DENY"},
		{PST_REASON_SPOOFED_SOURCE, 132, "INVALID_SOURCE_IP"},
		{PST_REASON_BAD_PACKET, 134, "INVALID_PACKET_DROPPED"},
		{PST_REASON_READ_FAILED, 134, "INVALID_PACKET_DROPPED"},
		{PST_REASON_UNSUPPORTED, 166, "UNSUPPORTED_L2_PROTOCOL"},
		{PST_REASON_NO_GENERATION, 165,
		 "NO_CONFIGURATION_AVAILABLE_TO_PERFORM_POLICY_DECISION"},
	};

	f->drop_reason = 133;
	f->drop_reason_desc = "POLICY_DENIED";
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].reason != reason)
			continue;
		f->drop_reason = rows[i].number;
		f->drop_reason_desc = rows[i].word;
	}
}

static const char *answer_name(const struct pst_flow_event *fe)
{
	const struct pst_event *e = fe->e;
	static const char *const names[] = {
		[PST_REQUEST_NONE] = "none",
		[PST_REQUEST_INJECT] = "daemon",
		[PST_REQUEST_KILL] = "kill",
		[PST_REQUEST_DEFER] = "deferred",
	};

	if (e->outcome != PST_OUTCOME_DENIED)
		return "";
	if (fe->proxy)
		return "proxy";
	if (e->answered)
		return "kernel";
	return e->request < sizeof(names) / sizeof(*names) ? names[e->request] : "none";
}

static enum pst_flow_verdict verdict_of(uint8_t outcome)
{
	if (outcome == PST_OUTCOME_ALLOWED)
		return PST_FLOW_FORWARDED;
	return outcome == PST_OUTCOME_AUDITED ? PST_FLOW_AUDIT : PST_FLOW_DROPPED;
}

static void set_verdict(struct pst_flow *f, const struct pst_flow_event *fe)
{
	const struct pst_event *e = fe->e;
	enum pst_reason reason =
		e->reason < PST_REASON_MAX ? (enum pst_reason)e->reason : PST_REASON_IMPOSSIBLE;

	f->verdict = verdict_of(e->outcome);
	f->direction = e->direction == PST_DIR_INGRESS ? PST_FLOW_INGRESS : PST_FLOW_EGRESS;
	f->reason = pst_explain_reason_name(reason);
	f->answer = answer_name(fe);
	f->judged_by = fe->proxy ? "proxy" : "";
	f->drop_reason_desc = "";
	if (f->verdict == PST_FLOW_DROPPED)
		set_drop_reason(f, reason);
}

/* Hubble's summary of a message. */
static int summarize(struct pst_flow_maker *m)
{
	struct pst_flow *f = &m->flow;
	const char *name = pst_flow_protocol_name(f->protocol);

	if (f->l7 == PST_FLOW_RESPONSE)
		f->summary =
			pst_arena_printf(m->arena, "%s %u %" PRIu64 "ms (%s %s)", f->http_protocol,
					 f->code, f->latency_ns / 1000000, f->method, f->url);
	else if (f->l7 && *f->method)
		f->summary =
			pst_arena_printf(m->arena, "%s %s %s", f->http_protocol, f->method, f->url);
	else if (f->l7)
		f->summary = f->http_protocol;
	else
		f->summary = name ? name : "";
	return f->summary ? 0 : -ENOMEM;
}

/* What was found only behind a request's head is about that request. */
static void name_request(struct pst_flow_maker *m, const struct asked *a)
{
	if (!a)
		return;
	m->flow.method = a->method;
	m->flow.url = a->url;
	m->flow.http_protocol = a->protocol;
}

static int make_request(struct pst_flow_maker *m, const struct pst_flow_event *fe)
{
	const struct pst_event *e = fe->e;
	const struct pst_flow_request_opts opts = {
		.show_queries = m->opts.show_queries,
		.shown_headers = m->opts.shown_headers,
		.n_shown_headers = m->opts.n_shown_headers,
	};
	int r;

	m->flow.l7 = PST_FLOW_REQUEST;
	m->flow.event_type = PST_FLOW_EVENT_L7;
	r = pst_flow_request_read(&opts, (const char *)e->head,
				  e->head_len < PST_EVENT_HEAD ? e->head_len : PST_EVENT_HEAD,
				  m->arena, &m->flow);
	/* The head is as HTTP/1.1 says it, also that of a stream. */
	if (fe->proxy && fe->proxy->is_h2)
		m->flow.http_protocol = "HTTP/2.0";
	else if (fe->proxy && !*m->flow.http_protocol)
		m->flow.http_protocol = "HTTP/1.1";
	if (!r && fe->proxy && !e->head_len)
		name_request(m, recall(m, fe));
	/* Without a head there is nothing new, and what is old is where it would be written to. */
	if (!r && e->outcome != PST_OUTCOME_DENIED && (e->head_len || !fe->proxy))
		remember(m, fe);
	return r ? r : pst_flow_wishes(&m->opts.source, fe, m->arena, &m->flow);
}

static void make_answer(struct pst_flow_maker *m, const struct pst_flow_event *fe)
{
	const struct pst_event *e = fe->e;
	struct pst_flow *f = &m->flow;

	f->l7 = PST_FLOW_RESPONSE;
	f->event_type = PST_FLOW_EVENT_L7;
	f->code = e->status;
	f->latency_ns = (uint64_t)e->latency_us * 1000;
	f->http_protocol = fe->proxy && fe->proxy->is_h2 ? "HTTP/2.0" : "HTTP/1.1";
	name_request(m, recall(m, fe));
}

static int make(struct pst_flow_maker *m, const struct pst_flow_event *fe)
{
	const struct pst_event *e = fe->e;
	struct pst_flow *f = &m->flow;
	int r = make_ends(m, e);

	f->time = pst_flow_time_of(e->time_ns);
	f->uuid = random_uuid(m->arena);
	f->protocol = e->protocol;
	f->socket_cookie =
		fe->proxy ? 0 : e->socket_cookie; /* the proxy's is a number of its own */
	set_verdict(f, fe);
	if (r || !f->uuid)
		return -ENOMEM;
	if (e->layer == PST_LAYER_L7)
		r = make_request(m, fe);
	else if (e->layer == PST_LAYER_ANSWER)
		make_answer(m, fe);
	else
		f->event_type = PST_FLOW_EVENT_POLICY_VERDICT;
	if (!r)
		r = pst_flow_policies(&m->opts.source, fe, m->arena, f);
	return r ? r : summarize(m);
}

static const struct pst_flow *begin_and_make(struct pst_flow_maker *m,
					     const struct pst_flow_event *fe)
{
	pst_arena_reset(m->arena);
	m->flow = (struct pst_flow){
		.node_name = m->opts.node_name,
		.method = "",
		.url = "",
		.http_protocol = "",
		.summary = "",
	};
	return make(m, fe) ? NULL : &m->flow;
}

const struct pst_flow *pst_flow_make(struct pst_flow_maker *m, const struct pst_event *event)
{
	return begin_and_make(m, &(struct pst_flow_event){.e = event});
}

const struct pst_flow *pst_flow_make_proxied(struct pst_flow_maker *m,
					     const struct pst_event *event,
					     const struct pst_verdict_record *v)
{
	return begin_and_make(m, &(struct pst_flow_event){.e = event, .proxy = v});
}
