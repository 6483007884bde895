// SPDX-License-Identifier: Apache-2.0
#include "enforcer/proxied.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/json.h"
#include "compiler/explain.h"

static const char *const legs[PST_TALLY_LEGS] = {"downstream", "upstream"};
static const char *const protocols[PST_TALLY_PROTOCOLS] = {"http1", "http2"};
static const char *const failures[PST_TALLY_FAILURES] = {"connect", "timeout", "reset"};

/* What becomes of a request; what is no decision about one has no word here. */
enum verdict { FORWARDED, DENIED, PARSE_ERRORS, VERDICTS };

static const char *const verdicts[VERDICTS] = {"forwarded", "denied", "parse_errors"};

static const enum verdict verdict_of[PST_REASON_MAX] = {
#define KIND_ALLOW			 FORWARDED
#define KIND_L7				 DENIED
#define KIND_PARSE			 PARSE_ERRORS
#define KIND_DROP			 VERDICTS
#define KIND_KILL			 VERDICTS
#define VERDICT(name, kebab, kind, text) KIND_##kind,
	PST_REASONS(VERDICT)
#undef VERDICT
};

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP postern_proxy_%s %s\n# TYPE postern_proxy_%s %s\n", name, help, name,
		type);
}

static uint64_t count(const struct pst_proxied *p, enum pst_tally_protocol protocol,
		      enum verdict verdict)
{
	uint64_t n = 0;

	for (size_t i = 0; i < PST_REASON_MAX; i++) {
		if (verdict_of[i] == verdict)
			n += p->sums.n[pst_tally_decided(protocol, (enum pst_reason)i)];
	}
	return n;
}

struct pst_proxied_requests pst_proxied_count(const struct pst_proxied *p)
{
	struct pst_proxied_requests r = {0};

	for (unsigned int i = 0; i < PST_TALLY_PROTOCOLS; i++) {
		r.forwarded += count(p, i, FORWARDED);
		r.denied += count(p, i, DENIED);
		r.parse_errors += count(p, i, PARSE_ERRORS);
	}
	return r;
}

/* A proxy that lies has fewer open than it has closed. */
static uint64_t open_of(const struct pst_proxied *p, unsigned int begun, unsigned int over)
{
	const uint64_t *n = p->sums.n;

	return n[begun] > n[over] ? n[begun] - n[over] : 0;
}

static uint64_t open_conns(const struct pst_proxied *p, unsigned int leg)
{
	return open_of(p, PST_TALLY_OPENED + leg, PST_TALLY_CLOSED + leg);
}

static uint64_t open_streams(const struct pst_proxied *p)
{
	return open_of(p, PST_TALLY_STREAMS, PST_TALLY_STREAMS_OVER);
}

/* A number for each leg. */
static void write_legs(FILE *out, const char *name, const uint64_t n[PST_TALLY_LEGS])
{
	for (size_t i = 0; i < PST_TALLY_LEGS; i++)
		fprintf(out, "postern_proxy_%s{leg=\"%s\"} %" PRIu64 "\n", name, legs[i], n[i]);
}

/* Connections by reason, from sum FIRST on; what there was none of is left out. */
static void write_by_reason(FILE *out, const struct pst_proxied *p, const char *name, size_t first)
{
	for (size_t i = 0; i < PST_REASON_MAX; i++) {
		if (p->sums.n[first + i])
			fprintf(out, "postern_proxy_%s{reason=\"%s\"} %" PRIu64 "\n", name,
				pst_explain_reason_name((enum pst_reason)i), p->sums.n[first + i]);
	}
}

static void write_connections(const struct pst_proxied *p, FILE *out)
{
	const uint64_t active[PST_TALLY_LEGS] = {open_conns(p, 0), open_conns(p, 1)};

	head(out, "cx_total", "counter", "Connections of clients, and to servers.");
	write_legs(out, "cx_total", p->sums.n + PST_TALLY_OPENED);
	head(out, "cx_active", "gauge", "Connections that are open.");
	write_legs(out, "cx_active", active);
	head(out, "cx_rx_bytes_total", "counter", "Bytes received.");
	write_legs(out, "cx_rx_bytes_total", p->sums.n + PST_TALLY_RECEIVED);
	head(out, "cx_tx_bytes_total", "counter", "Bytes sent.");
	write_legs(out, "cx_tx_bytes_total", p->sums.n + PST_TALLY_SENT);
	head(out, "cx_refused_total", "counter",
	     "Connections refused when they began, or ended by a new policy, by reason.");
	write_by_reason(out, p, "cx_refused_total", PST_TALLY_REFUSED);
	head(out, "cx_audited_total", "counter",
	     "Connections of policies in audit, which pass unjudged, by reason.");
	write_by_reason(out, p, "cx_audited_total", PST_TALLY_AUDITED);
	head(out, "cx_idle_timeout_total", "counter", "Connections on which nothing moved.");
	fprintf(out, "postern_proxy_cx_idle_timeout_total %" PRIu64 "\n",
		p->sums.n[PST_TALLY_IDLE]);
}

static void write_requests(const struct pst_proxied *p, FILE *out)
{
	head(out, "rq_total", "counter", "Requests that were judged.");
	for (unsigned int i = 0; i < PST_TALLY_PROTOCOLS; i++) {
		for (int v = 0; v < VERDICTS; v++)
			fprintf(out,
				"postern_proxy_rq_total{protocol=\"%s\",verdict=\"%s\"} %" PRIu64
				"\n",
				protocols[i], verdicts[v], count(p, i, v));
	}
	head(out, "rq_denied_total", "counter",
	     "Requests denied, answers refused and connections ended, by reason.");
	for (unsigned int i = 0; i < PST_TALLY_PROTOCOLS; i++) {
		for (size_t k = 0; k < PST_REASON_MAX; k++) {
			uint64_t n = p->sums.n[pst_tally_decided(i, (enum pst_reason)k)];

			if (n && verdict_of[k] != FORWARDED)
				fprintf(out,
					"postern_proxy_rq_denied_total{protocol=\"%s\",reason="
					"\"%s\"} %" PRIu64 "\n",
					protocols[i], pst_explain_reason_name((enum pst_reason)k),
					n);
		}
	}
	head(out, "streams_total", "counter", "Streams of HTTP/2 that clients began.");
	fprintf(out, "postern_proxy_streams_total %" PRIu64 "\n", p->sums.n[PST_TALLY_STREAMS]);
	head(out, "streams_active", "gauge", "Streams that are open.");
	fprintf(out, "postern_proxy_streams_active %" PRIu64 "\n", open_streams(p));
}

void pst_proxied_write_metrics(const struct pst_proxied *p, FILE *out)
{
	head(out, "up", "gauge", "Whether the userspace proxy runs.");
	fprintf(out, "postern_proxy_up %d\n", p->is_up);
	head(out, "starts_total", "counter", "How often it was started.");
	fprintf(out, "postern_proxy_starts_total %" PRIu64 "\n", p->starts);
	write_connections(p, out);
	write_requests(p, out);
	head(out, "upstream_failures_total", "counter", "Connections to servers that failed.");
	for (size_t i = 0; i < PST_TALLY_FAILURES; i++)
		fprintf(out, "postern_proxy_upstream_failures_total{kind=\"%s\"} %" PRIu64 "\n",
			failures[i], p->sums.n[PST_TALLY_FAILED + i]);
	head(out, "lost_events_total", "counter", "Verdicts that nobody took as a line.");
	fprintf(out, "postern_proxy_lost_events_total %" PRIu64 "\n",
		p->sums.n[PST_TALLY_LOST_EVENTS]);
}

static void write_leg(struct pst_json *j, const struct pst_proxied *p, unsigned int leg)
{
	pst_json_object(j, legs[leg]);
	pst_json_u64(j, "open", open_conns(p, leg));
	pst_json_u64(j, "total", p->sums.n[PST_TALLY_OPENED + leg]);
	pst_json_u64(j, "received", p->sums.n[PST_TALLY_RECEIVED + leg]);
	pst_json_u64(j, "sent", p->sums.n[PST_TALLY_SENT + leg]);
	pst_json_end(j);
}

static void write_protocol(struct pst_json *j, const struct pst_proxied *p, unsigned int protocol)
{
	pst_json_object(j, protocols[protocol]);
	for (int v = 0; v < VERDICTS; v++)
		pst_json_u64(j, verdicts[v], count(p, protocol, v));
	pst_json_end(j);
}

/* By reason: what was denied, of both protocols, and what was refused before it was asked. */
static void write_refusals(struct pst_json *j, const struct pst_proxied *p)
{
	pst_json_array(j, "refused");
	for (size_t i = 0; i < PST_REASON_MAX; i++) {
		const enum pst_reason reason = (enum pst_reason)i;
		uint64_t conns = p->sums.n[PST_TALLY_REFUSED + i], requests = 0;

		for (unsigned int k = 0; k < PST_TALLY_PROTOCOLS; k++)
			requests += p->sums.n[pst_tally_decided(k, reason)];
		if (verdict_of[i] == FORWARDED || !(conns + requests))
			continue;
		pst_json_object(j, NULL);
		pst_json_str(j, "reason", pst_explain_reason_name(reason));
		pst_json_u64(j, "connections", conns);
		pst_json_u64(j, "requests", requests);
		pst_json_end(j);
	}
	pst_json_end(j);
}

void pst_proxied_write_status(struct pst_json *j, const char *key, const struct pst_proxied *p)
{
	pst_json_object(j, key);
	pst_json_bool(j, "is_up", p->is_up);
	pst_json_u64(j, "starts", p->starts);
	for (unsigned int leg = 0; leg < PST_TALLY_LEGS; leg++)
		write_leg(j, p, leg);
	for (unsigned int i = 0; i < PST_TALLY_PROTOCOLS; i++)
		write_protocol(j, p, i);
	pst_json_object(j, "streams");
	pst_json_u64(j, "open", open_streams(p));
	pst_json_u64(j, "total", p->sums.n[PST_TALLY_STREAMS]);
	pst_json_end(j);
	pst_json_object(j, "upstream_failures");
	for (size_t i = 0; i < PST_TALLY_FAILURES; i++)
		pst_json_u64(j, failures[i], p->sums.n[PST_TALLY_FAILED + i]);
	pst_json_end(j);
	pst_json_u64(j, "idle_timeouts", p->sums.n[PST_TALLY_IDLE]);
	pst_json_u64(j, "lost_events", p->sums.n[PST_TALLY_LOST_EVENTS]);
	write_refusals(j, p);
	pst_json_end(j);
}
