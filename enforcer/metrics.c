// SPDX-License-Identifier: Apache-2.0
#include "enforcer/metrics.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpf/reason.h"
#include "compiler/bundle.h"
#include "compiler/explain.h"
#include "enforcer/fill.h"
#include "enforcer/flow.h"
#include "enforcer/generation.h"
#include "enforcer/loader.h"
#include "enforcer/proxied.h"

enum { BUCKETS = 11, METHODS = 10, PROTOCOLS = 4, DIRECTIONS = 2 };

/* Prometheus' usual bounds, in seconds; and those of Cilium's delay of policies. */
static const double request_bounds[BUCKETS] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
static const double delay_bounds[BUCKETS] = {.001, .005, .01, .025, .05, .1, .25, .5, 1, 2, 10};
static const char *const methods[METHODS] = {"GET",   "HEAD",	 "POST",    "PUT",   "DELETE",
					     "PATCH", "OPTIONS", "CONNECT", "TRACE", "other"};
static const char *const protocols[PROTOCOLS] = {"HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "other"};
static const char *const reporters[DIRECTIONS] = {"client", "server"};
static const char *const directions[DIRECTIONS] = {"egress", "ingress"};

struct histogram {
	uint64_t bucket[BUCKETS + 1];
	double sum;
};

/* How often requests of one kind were answered with one status. */
struct requests {
	uint8_t method, protocol, reporter;
	uint16_t status; /* 0: other */
	uint64_t n;
};

struct pst_metrics {
	struct requests requests[PST_METRICS_REQUESTS];
	size_t n_requests;
	struct histogram durations[METHODS][DIRECTIONS];
	uint64_t verdicts[DIRECTIONS][PST_FLOW_MATCH_MAX + 1][PST_FLOW_VERDICT_MAX];
	uint64_t readings[2]; /* refused, in force */
	struct histogram delay;
};

int pst_metrics_new(struct pst_metrics **ret_metrics)
{
	struct pst_metrics *m = pst_mem_calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*ret_metrics = m;
	return 0;
}

void pst_metrics_free(struct pst_metrics **m)
{
	free(*m);
	*m = NULL;
}

static void observe(struct histogram *h, const double bounds[BUCKETS], double seconds)
{
	size_t i = 0;

	while (i < BUCKETS && seconds > bounds[i])
		i++;
	h->bucket[i]++;
	h->sum += seconds;
}

/* The place of TEXT among N words, of which the last is for all others. */
static uint8_t word(const char *const *words, uint8_t n, const char *text)
{
	uint8_t i = 0;

	while (i < n - 1 && strcmp(words[i], text) != 0)
		i++;
	return i;
}

/* One row is left for what has no row. */
static struct requests *find_requests(struct pst_metrics *m, struct requests like)
{
	static const struct requests rest = {.method = METHODS - 1, .protocol = PROTOCOLS - 1};

	for (int again = 0; again < 2; again++, like = rest) {
		for (size_t i = 0; i < m->n_requests; i++) {
			struct requests *r = &m->requests[i];

			if (r->method == like.method && r->protocol == like.protocol &&
			    r->reporter == like.reporter && r->status == like.status)
				return r;
		}
		if (m->n_requests + 1 < PST_METRICS_REQUESTS + (size_t)again) {
			m->requests[m->n_requests] = like;
			return &m->requests[m->n_requests++];
		}
	}
	return &m->requests[PST_METRICS_REQUESTS - 1];
}

static void count_answer(struct pst_metrics *m, const struct pst_flow *f, uint8_t reporter)
{
	const struct requests like = {
		.method = word(methods, METHODS, f->method),
		.protocol = word(protocols, PROTOCOLS, f->http_protocol),
		.reporter = reporter,
		.status = f->code >= 100 && f->code < 600 ? (uint16_t)f->code : 0,
	};

	find_requests(m, like)->n++;
	observe(&m->durations[like.method][reporter], request_bounds, (double)f->latency_ns / 1e9);
}

void pst_metrics_flow(struct pst_metrics *m, const struct pst_flow *f)
{
	uint8_t ingress = f->direction == PST_FLOW_INGRESS;
	uint32_t match = f->l7 ? PST_FLOW_MATCH_MAX : f->match_type;

	if (f->l7 == PST_FLOW_RESPONSE)
		count_answer(m, f, ingress);
	else if (match <= PST_FLOW_MATCH_MAX && f->verdict < PST_FLOW_VERDICT_MAX)
		m->verdicts[ingress][match][f->verdict]++;
}

void pst_metrics_read(struct pst_metrics *m, bool in_force, uint64_t delay_ns)
{
	m->readings[in_force]++;
	if (in_force)
		observe(&m->delay, delay_bounds, (double)delay_ns / 1e9);
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* LABELS is "" or ends with a comma. */
static void write_histogram(FILE *out, const char *name, const char *labels,
			    const struct histogram *h, const double bounds[BUCKETS])
{
	uint64_t n = 0;

	for (size_t i = 0; i < BUCKETS; i++) {
		n += h->bucket[i];
		fprintf(out, "%s_bucket{%sle=\"%g\"} %" PRIu64 "\n", name, labels, bounds[i], n);
	}
	n += h->bucket[BUCKETS];
	fprintf(out, "%s_bucket{%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, n);
	fprintf(out, "%s_sum{%.*s} %.9g\n", name, (int)strlen(labels) - (*labels != 0), labels,
		h->sum);
	fprintf(out, "%s_count{%.*s} %" PRIu64 "\n", name, (int)strlen(labels) - (*labels != 0),
		labels, n);
}

static void write_requests(const struct pst_metrics *m, FILE *out)
{
	head(out, "hubble_http_requests_total", "counter", "Answered requests.");
	for (size_t i = 0; i < m->n_requests; i++) {
		const struct requests *r = &m->requests[i];
		char status[8] = "other";

		if (r->status)
			snprintf(status, sizeof(status), "%u", r->status);
		fprintf(out,
			"hubble_http_requests_total{method=\"%s\",protocol=\"%s\",status=\"%s\","
			"reporter=\"%s\"} %" PRIu64 "\n",
			methods[r->method], protocols[r->protocol], status, reporters[r->reporter],
			r->n);
	}
	head(out, "hubble_http_request_duration_seconds", "histogram",
	     "From a request to the end of its answer.");
	for (size_t i = 0; i < METHODS; i++) {
		for (size_t d = 0; d < DIRECTIONS; d++) {
			const struct histogram *h = &m->durations[i][d];
			char labels[64];

			snprintf(labels, sizeof(labels), "method=\"%s\",reporter=\"%s\",",
				 methods[i], reporters[d]);
			if (h->sum > 0 || h->bucket[0])
				write_histogram(out, "hubble_http_request_duration_seconds", labels,
						h, request_bounds);
		}
	}
}

/* Hubble's metrics have in small letters what its flows have in capitals. */
static const char *lower(const char *text, char *buf, size_t size)
{
	size_t n = 0;

	for (; text[n] && n + 1 < size; n++)
		buf[n] = (char)tolower((unsigned char)text[n]);
	buf[n] = '\0';
	return buf;
}

static void write_verdict(FILE *out, size_t direction, uint32_t match, int verdict, uint64_t n)
{
	char match_text[24], action[24];

	lower(match == PST_FLOW_MATCH_MAX ? "l7/http" : pst_flow_match_name(match), match_text,
	      sizeof(match_text));
	lower(pst_flow_verdict_name((enum pst_flow_verdict)verdict), action, sizeof(action));
	fprintf(out,
		"hubble_policy_verdicts_total{direction=\"%s\",match=\"%s\",action=\"%s\"} %" PRIu64
		"\n",
		directions[direction], match_text, action, n);
}

static void write_verdicts(const struct pst_metrics *m, FILE *out)
{
	head(out, "hubble_policy_verdicts_total", "counter", "Verdicts that were reported.");
	for (size_t d = 0; d < DIRECTIONS; d++) {
		for (uint32_t i = 0; i <= PST_FLOW_MATCH_MAX; i++) {
			for (int v = 0; v < PST_FLOW_VERDICT_MAX; v++) {
				if (m->verdicts[d][i][v])
					write_verdict(out, d, i, v, m->verdicts[d][i][v]);
			}
		}
	}
}

static enum pst_reason_kind kind_of(size_t reason)
{
	static const uint8_t kinds[] = {
#define KIND(name, kebab, kind, text) PST_KIND_##kind,
		PST_REASONS(KIND)
#undef KIND
	};

	return (enum pst_reason_kind)kinds[reason];
}

static uint64_t sum(const uint64_t by_direction[2])
{
	return by_direction[0] + by_direction[1];
}

/* The four words of Cilium's proxies; a request that is received is one of the other three. */
static void write_l7_of(const char *who, const struct pst_proxied_requests *n, FILE *out)
{
	const struct {
		const char *rule;
		uint64_t n;
	} rows[] = {{"received", n->forwarded + n->denied + n->parse_errors},
		    {"forwarded", n->forwarded},
		    {"denied", n->denied},
		    {"parse_errors", n->parse_errors}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		fprintf(out, "cilium_policy_l7_total{rule=\"%s\",proxy_type=\"%s\"} %" PRIu64 "\n",
			rows[i].rule, who, rows[i].n);
}

static void write_l7(const struct pst_metrics_view *v, FILE *out)
{
	const struct pst_loader_counter *counters = v->counters;
	struct pst_proxied_requests kernel = {.forwarded = sum(counters[PST_REASON_RULE].n)};

	for (size_t i = 0; i < PST_REASON_MAX; i++) {
		uint64_t n = sum(counters[i].n) + sum(counters[i].audited);

		kernel.denied += kind_of(i) == PST_KIND_L7 ? n : 0;
		kernel.parse_errors += kind_of(i) == PST_KIND_PARSE ? n : 0;
	}
	head(out, "cilium_policy_l7_total", "counter", "Requests that HTTP rules apply to.");
	write_l7_of("postern", &kernel, out);
	if (v->proxied) {
		const struct pst_proxied_requests proxy = pst_proxied_count(v->proxied);

		write_l7_of("postern-proxy", &proxy, out);
	}
}

/* One series of a kind of decision: by reason and direction. */
static void write_reasons(FILE *out, const char *name, const struct pst_loader_counter *counters,
			  bool allow, bool audited)
{
	static const char *const directions_in_capitals[2] = {
		[PST_DIR_INGRESS] = "INGRESS", [PST_DIR_EGRESS] = "EGRESS"};

	for (size_t i = 0; i < PST_REASON_MAX; i++) {
		const uint64_t *n = audited ? counters[i].audited : counters[i].n;

		for (int d = 0; d < 2; d++)
			if (n[d] && (kind_of(i) == PST_KIND_ALLOW) == allow)
				fprintf(out, "%s{reason=\"%s\",direction=\"%s\"} %" PRIu64 "\n",
					name, pst_explain_reason_name((enum pst_reason)i),
					directions_in_capitals[d], n[d]);
	}
}

static void write_kernel(const struct pst_metrics_view *v, FILE *out)
{
	const struct pst_loader_counter *counters = v->counters;

	head(out, "cilium_forward_count_total", "counter", "Decisions to let pass, by reason.");
	write_reasons(out, "cilium_forward_count_total", counters, true, false);
	head(out, "cilium_drop_count_total", "counter", "Dropped packets, by reason.");
	write_reasons(out, "cilium_drop_count_total", counters, false, false);
	head(out, "postern_audit_count_total", "counter",
	     "What audit has let pass that would have been denied, by reason.");
	write_reasons(out, "postern_audit_count_total", counters, false, true);
	write_l7(v, out);
	head(out, "hubble_lost_events_total", "counter", "Verdicts that could not be reported.");
	fprintf(out, "hubble_lost_events_total{source=\"perf_event_ring_buffer\"} %" PRIu64 "\n",
		sum(counters[PST_REASON_MAX].n));
	fprintf(out, "hubble_lost_events_total{source=\"export\"} %" PRIu64 "\n", v->lost_exports);
	fprintf(out, "hubble_lost_events_total{source=\"events\"} %" PRIu64 "\n", v->lost_lines);
}

static void write_policy(const struct pst_metrics *m, const struct pst_metrics_view *v, FILE *out)
{
	uint32_t generation = v->gens ? pst_generations_current(v->gens) : 0;
	const struct pst_bundle *b = v->gens ? pst_generations_bundle(v->gens, generation) : NULL;
	struct pst_fill fill[PST_FILL_MAX];
	size_t policies = 0;

	for (size_t i = 0; b && i < b->n_rules; i++)
		policies += !i || strcmp(b->rules[i].policy, b->rules[i - 1].policy) != 0;
	head(out, "cilium_policy", "gauge", "Policies in force.");
	fprintf(out, "cilium_policy %zu\n", policies);
	head(out, "cilium_policy_max_revision", "gauge", "The generation in force.");
	fprintf(out, "cilium_policy_max_revision %u\n", generation);
	head(out, "cilium_policy_change_total", "counter", "Readings of the files.");
	fprintf(out,
		"cilium_policy_change_total{source=\"file\",operation=\"reload\",outcome=\"success\"} %" PRIu64
		"\ncilium_policy_change_total{source=\"file\",operation=\"reload\",outcome=\"fail\"} %" PRIu64
		"\n",
		m->readings[1], m->readings[0]);
	head(out, "cilium_policy_implementation_delay", "histogram",
	     "From a change that was noticed to its generation in force, in seconds.");
	write_histogram(out, "cilium_policy_implementation_delay", "source=\"file\",", &m->delay,
			delay_bounds);
	head(out, "postern_reader_up", "gauge", "Whether changes of the files are read.");
	fprintf(out, "postern_reader_up %d\n", v->is_reader_up);
	head(out, "postern_reader_ends_total", "counter",
	     "Unwanted ends of the process that reads the files.");
	fprintf(out, "postern_reader_ends_total %" PRIu64 "\n", v->reader_ends);
	head(out, "postern_proxy_ends_total", "counter", "Unwanted ends of the userspace proxy.");
	fprintf(out, "postern_proxy_ends_total %" PRIu64 "\n", v->proxy_ends);
	head(out, "postern_refused_calls_total", "counter",
	     "System calls of the daemon that are not on its list.");
	fprintf(out, "postern_refused_calls_total %" PRIu64 "\n", v->refused_calls);
	if (v->has_homes) {
		head(out, "postern_source_verified_pods", "gauge",
		     "Pods that may send from their own addresses alone.");
		fprintf(out, "postern_source_verified_pods %zu\n", v->verified);
		head(out, "postern_source_unverified_namespaces", "gauge",
		     "Network namespaces behind devices whose sources are not checked.");
		fprintf(out, "postern_source_unverified_namespaces %zu\n", v->unverified);
		head(out, "postern_source_big_namespaces", "gauge",
		     "Network namespaces behind devices with more addresses than are read.");
		fprintf(out, "postern_source_big_namespaces %zu\n", v->big_namespaces);
	}
	head(out, "cilium_bpf_map_pressure", "gauge", "How full a table is, 0 to 1.");
	pst_fill_read(v->gens, v->host, fill);
	for (size_t i = 0; i < PST_FILL_MAX; i++)
		fprintf(out, "cilium_bpf_map_pressure{map_name=\"%s\"} %.6g\n", fill[i].name,
			(double)fill[i].used / (double)fill[i].size);
}

void pst_metrics_write(const struct pst_metrics *m, const struct pst_metrics_view *v, FILE *out)
{
	write_kernel(v, out);
	write_verdicts(m, out);
	write_requests(m, out);
	write_policy(m, v, out);
	if (v->proxied)
		pst_proxied_write_metrics(v->proxied, out);
}
