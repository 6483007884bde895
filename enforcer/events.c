// SPDX-License-Identifier: Apache-2.0
#include "enforcer/events.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "compiler/explain.h"
#include "compiler/head.h"
#include "compiler/judge.h"
#include "enforcer/generation.h"
#include "enforcer/verdict.h"
#include "policy/inventory.h"

enum { ADDR_TEXT = 64 };

/* Everything that the parts of one line need. */
struct line {
	struct pst_json j;
	const struct pst_events_opts *opts;
	const struct pst_generations *gens;
	const struct pst_event *e;
	const struct pst_bundle *bundle; /* NULL: the generation is gone */
};

static void write_time(struct pst_json *j, uint64_t event_ns)
{
	struct timespec now, mono;
	struct tm tm;
	int64_t ns;
	time_t sec;
	char text[64], date[40];

	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	ns = (now.tv_sec - mono.tv_sec) * INT64_C(1000000000) + now.tv_nsec - mono.tv_nsec +
	     (int64_t)event_ns;
	sec = (time_t)(ns / 1000000000);
	gmtime_r(&sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%09" PRId64 "Z", date, ns % 1000000000);
	pst_json_str(j, "time", text);
}

static void write_end(struct pst_json *j, const char *key, const uint8_t addr[16], uint16_t port)
{
	char text[ADDR_TEXT], addr_text[46];
	struct pst_addr a;

	memcpy(a.b, addr, sizeof(a.b));
	pst_addr_to_str(&a, addr_text, sizeof(addr_text));
	snprintf(text, sizeof(text), strchr(addr_text, ':') ? "[%s]:%u" : "%s:%u", addr_text, port);
	pst_json_str(j, key, text);
}

static void write_identity(struct line *l, const char *key, uint32_t id, const uint8_t addr[16])
{
	pst_json_object(&l->j, key);
	pst_json_u64(&l->j, "identity", id);
	pst_json_str(&l->j, "name", pst_generations_name(l->gens, l->e->generation, addr));
	pst_json_end(&l->j);
}

static const char *protocol_name(uint8_t protocol, char *buf, size_t size)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {{1, "ICMP"}, {6, "TCP"}, {17, "UDP"}, {58, "ICMPv6"}, {132, "SCTP"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].number == protocol)
			return names[i].name;
	snprintf(buf, size, "%u", protocol);
	return buf;
}

static const char *answer_name(const struct pst_event *e)
{
	if (e->outcome != PST_OUTCOME_DENIED)
		return "none";
	if (e->answered)
		return "kernel";
	if (e->request == PST_REQUEST_INJECT)
		return "daemon";
	if (e->request == PST_REQUEST_DEFER)
		return "deferred";
	return e->request == PST_REQUEST_KILL ? "kill" : "none";
}

static const char *rule_place(const struct pst_bundle_rule *r, char *buf, size_t size)
{
	snprintf(buf, size, "%s:%u:%u", r->pos.file ? r->pos.file : "", r->pos.line, r->pos.col);
	return buf;
}

/* The rule that decided, as policy and place; null where none did. */
static void write_rule(struct line *l, uint32_t rule)
{
	const struct pst_bundle_rule *r;
	char place[512];

	if (!l->bundle || rule >= l->bundle->n_rules) {
		pst_json_null(&l->j, "policy");
		pst_json_null(&l->j, "rule");
		return;
	}
	r = &l->bundle->rules[rule];
	pst_json_str(&l->j, "policy", r->policy);
	pst_json_str(&l->j, "rule", rule_place(r, place, sizeof(place)));
}

/* The HTTP rules that a denied request did not match. */
static void write_candidates(struct line *l)
{
	const struct pst_bundle *b = l->bundle;
	const struct pst_bundle_ruleset *set;
	char place[512];

	if (!b || l->e->ruleset >= b->n_rulesets)
		return;
	set = &b->rulesets[l->e->ruleset];
	pst_json_array(&l->j, "rules");
	for (size_t i = 0; i < set->n_rules && i < 16; i++)
		pst_json_str(&l->j, NULL,
			     rule_place(&b->rules[set->rules[i]], place, sizeof(place)));
	pst_json_end(&l->j);
}

static void write_path(struct line *l, const char *s, size_t len)
{
	const char *query = memchr(s, '?', len);
	char text[PST_EVENT_HEAD + 16];

	if (!query || l->opts->show_queries) {
		pst_json_strn(&l->j, "path", s, len);
		return;
	}
	snprintf(text, sizeof(text), "%.*s?[redacted]", (int)(query - s), s);
	pst_json_str(&l->j, "path", text);
}

/*
 * Method and path by the spaces of the first line, whether or not the head is one: an operator
 * wants to see what was refused.
 */
static void write_request_line(struct line *l)
{
	const char *s = (const char *)l->e->head, *end = memchr(s, '\r', l->e->head_len);
	const char *sp, *target;

	if (!end)
		end = s + l->e->head_len;
	sp = memchr(s, ' ', (size_t)(end - s));
	if (!sp) {
		pst_json_strn(&l->j, "method", s, end - s > 32 ? 32 : (size_t)(end - s));
		return;
	}
	pst_json_strn(&l->j, "method", s, (size_t)(sp - s));
	target = sp + 1;
	sp = memchr(target, ' ', (size_t)(end - target));
	write_path(l, target, (size_t)((sp ? sp : end) - target));
}

static void write_request(struct line *l)
{
	struct pst_judge *judge = pst_generations_judge(l->gens, l->e->generation);
	const char *head = (const char *)l->e->head;
	struct pst_l7_result result = {.rule = UINT32_MAX};
	struct pst_head parts = {0};

	if (!l->e->head_len) {
		write_rule(l, UINT32_MAX);
		return;
	}
	if (judge)
		pst_judge_request(judge, l->e->ruleset, head, l->e->head_len, 0, &result);
	if (result.head_len)
		pst_head_split(result.head, result.head_len, &parts);
	write_rule(l, l->e->outcome == PST_OUTCOME_ALLOWED ? result.rule : UINT32_MAX);
	pst_json_u64(&l->j, "number", l->e->number);
	write_request_line(l);
	if (parts.field[PST_FIELD_HOST].s)
		pst_json_strn(&l->j, "host", parts.field[PST_FIELD_HOST].s,
			      parts.field[PST_FIELD_HOST].len);
	if (l->e->reason == PST_REASON_NO_RULE_L7)
		write_candidates(l);
}

static void write_flow(struct line *l)
{
	const struct pst_event *e = l->e;
	bool server = e->direction == PST_DIR_INGRESS;
	bool spoofed = e->reason == PST_REASON_SPOOFED_SOURCE;
	char buf[8];

	write_end(&l->j, "client", e->client, e->client_port);
	write_end(&l->j, "server", e->server, e->server_port);
	pst_json_str(&l->j, "protocol", protocol_name(e->protocol, buf, sizeof(buf)));
	write_identity(l, "subject", e->subject,
		       spoofed ? e->sender : (server ? e->server : e->client));
	write_identity(l, "peer", e->peer, server ? e->client : e->server);
}

/* What the server said to an allowed request, and how long that took. */
static void write_answer(struct line *l)
{
	pst_json_u64(&l->j, "number", l->e->number);
	pst_json_u64(&l->j, "status", l->e->status);
	pst_json_u64(&l->j, "latency_us", l->e->latency_us);
}

static const char *verdict_name(uint8_t outcome)
{
	if (outcome == PST_OUTCOME_ALLOWED)
		return "allow";
	return outcome == PST_OUTCOME_AUDITED ? "audit" : "deny";
}

static const char *layer_name(uint8_t layer)
{
	if (layer == PST_LAYER_L7)
		return "l7";
	return layer == PST_LAYER_ANSWER ? "answer" : "l3l4";
}

int pst_events_write(const struct pst_events_opts *opts, const struct pst_generations *gens,
		     const struct pst_event *event)
{
	struct line l = {
		.opts = opts,
		.gens = gens,
		.e = event,
		.bundle = pst_generations_bundle(gens, event->generation),
	};
	uint32_t reason = event->reason < PST_REASON_MAX ? event->reason : PST_REASON_IMPOSSIBLE;

	if (!opts->out)
		return 0;
	pst_json_init(&l.j, opts->out);
	pst_json_object(&l.j, NULL);
	write_time(&l.j, event->time_ns);
	pst_json_u64(&l.j, "generation", event->generation);
	pst_json_str(&l.j, "layer", layer_name(event->layer));
	pst_json_str(&l.j, "direction", event->direction == PST_DIR_INGRESS ? "ingress" : "egress");
	pst_json_str(&l.j, "verdict", verdict_name(event->outcome));
	pst_json_str(&l.j, "reason", pst_explain_reason_name(reason));
	pst_json_str(&l.j, "answer", answer_name(event));
	write_flow(&l);
	if (event->layer == PST_LAYER_L7)
		write_request(&l);
	else if (event->layer == PST_LAYER_ANSWER)
		write_answer(&l);
	else
		write_rule(&l, event->rule);
	pst_json_end(&l.j);
	return pst_json_finish(&l.j);
}

/* ---- of the proxy ---- */

static void write_told_rule(struct line *l)
{
	const uint32_t rule = l->e->rule;

	if (l->bundle && rule < l->bundle->n_rules)
		write_rule(l, rule);
}

static void write_told_names(struct line *l, const struct pst_verdict_record *v, const char *key,
			     bool missing)
{
	bool any = false;

	for (size_t i = 0; l->bundle && i < v->n_wishes; i++) {
		const struct pst_verdict_wish *w = &v->wishes[i];

		if (w->is_missing != missing)
			continue;
		if (!any)
			pst_json_array(&l->j, key);
		any = true;
		pst_json_str(&l->j, NULL, l->bundle->rules[w->rule].headers[w->header].name);
	}
	if (any)
		pst_json_end(&l->j);
}

static void write_told_request(struct line *l, const struct pst_verdict_record *v)
{
	struct pst_head parts = {0};
	const struct pst_span *host = &parts.field[PST_FIELD_HOST];

	pst_json_u64(&l->j, "number", l->e->number);
	write_told_rule(l);
	if (l->e->head_len) {
		pst_head_split((const char *)l->e->head, l->e->head_len, &parts);
		write_request_line(l);
	}
	if (host->s)
		pst_json_strn(&l->j, "host", host->s, host->len);
	write_told_names(l, v, "missing_headers", true);
	write_told_names(l, v, "rejected_headers", false);
}

/* Ends that the proxy does not know are left out. */
static void write_told_ends(struct line *l)
{
	const struct pst_event *e = l->e;

	if (e->client_port)
		write_end(&l->j, "client", e->client, e->client_port);
	if (e->server_port && e->layer == PST_LAYER_L3L4)
		write_end(&l->j, "server", e->server, e->server_port);
}

int pst_events_write_proxied(const struct pst_events_opts *opts, const struct pst_generations *gens,
			     const struct pst_event *event, const struct pst_verdict_record *v)
{
	struct line l = {
		.opts = opts,
		.gens = gens,
		.e = event,
		.bundle = pst_generations_bundle(gens, event->generation),
	};

	if (!opts->out)
		return 0;
	pst_json_init(&l.j, opts->out);
	pst_json_object(&l.j, NULL);
	write_time(&l.j, event->time_ns);
	pst_json_str(&l.j, "layer",
		     event->layer == PST_LAYER_L3L4 ? "l4" : layer_name(event->layer));
	pst_json_str(&l.j, "direction", event->direction == PST_DIR_INGRESS ? "ingress" : "egress");
	pst_json_str(&l.j, "verdict", verdict_name(event->outcome));
	pst_json_str(&l.j, "reason", pst_explain_reason_name(event->reason));
	write_told_ends(&l);
	if (event->layer == PST_LAYER_L7)
		write_told_request(&l, v);
	else if (event->layer == PST_LAYER_ANSWER)
		write_answer(&l);
	pst_json_u64(&l.j, "generation", event->generation);
	pst_json_str(&l.j, "judged_by", "proxy");
	pst_json_end(&l.j);
	return pst_json_finish(&l.j);
}
