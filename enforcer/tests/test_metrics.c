// SPDX-License-Identifier: Apache-2.0
#include "enforcer/metrics.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "bpf/abi.h"
#include "bpf/reason.h"
#include "enforcer/flow.h"
#include "enforcer/loader.h"

static struct pst_metrics *metrics;
static struct pst_loader_counter counters[PST_REASON_MAX + 1];

static void set_up(void)
{
	cr_assert_eq(pst_metrics_new(&metrics), 0);
}

static void tear_down(void)
{
	pst_metrics_free(&metrics);
}

TestSuite(metrics, .init = set_up, .fini = tear_down);

static char *written(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	const struct pst_metrics_view view = {
		.counters = counters,
		.has_homes = true,
		.verified = 3,
		.unverified = 2,
		.big_namespaces = 1,
		.lost_exports = 5,
		.lost_lines = 6,
	};

	pst_metrics_write(metrics, &view, out);
	fclose(out);
	return text;
}

static void expect(const char *line)
{
	char *text = written();

	cr_expect_not_null(strstr(text, line), "no \"%s\" in:\n%s", line, text);
	free(text);
}

static void answer(const char *method, uint32_t code, uint64_t ms)
{
	const struct pst_flow f = {
		.l7 = PST_FLOW_RESPONSE,
		.verdict = PST_FLOW_FORWARDED,
		.direction = PST_FLOW_INGRESS,
		.method = method,
		.http_protocol = "HTTP/1.1",
		.code = code,
		.latency_ns = ms * 1000000,
	};

	pst_metrics_flow(metrics, &f);
}

Test(metrics, answers_are_counted_by_method_and_status_and_timed)
{
	answer("GET", 200, 7);
	answer("GET", 200, 20000);
	answer("PUT", 503, 1);
	expect("\nhubble_http_requests_total{method=\"GET\",protocol=\"HTTP/1.1\",status=\"200\","
	       "reporter=\"server\"} 2\n");
	expect("{method=\"PUT\",protocol=\"HTTP/1.1\",status=\"503\",reporter=\"server\"} 1\n");
	expect("_bucket{method=\"GET\",reporter=\"server\",le=\"0.005\"} 0\n");
	expect("_bucket{method=\"GET\",reporter=\"server\",le=\"0.01\"} 1\n");
	expect("_bucket{method=\"GET\",reporter=\"server\",le=\"10\"} 1\n");
	expect("_bucket{method=\"GET\",reporter=\"server\",le=\"+Inf\"} 2\n");
	expect("_sum{method=\"GET\",reporter=\"server\"} 20.007\n");
	expect("_count{method=\"GET\",reporter=\"server\"} 2\n");
}

Test(metrics, whose_sources_are_not_checked_is_told)
{
	expect("\npostern_source_verified_pods 3\n");
	expect("\npostern_source_unverified_namespaces 2\n");
	expect("\npostern_source_big_namespaces 1\n");
}

Test(metrics, what_could_not_be_told_is_told_by_whom_it_was_lost)
{
	expect("\nhubble_lost_events_total{source=\"export\"} 5\n");
	expect("\nhubble_lost_events_total{source=\"events\"} 6\n");
}

Test(metrics, no_client_chooses_a_label)
{
	size_t lines = 0;
	char *text;

	answer("EVIL\"} 1\n", 200, 1);
	answer("GET", 7, 1);
	answer("GET", 100000, 1);
	expect("{method=\"other\",protocol=\"HTTP/1.1\",status=\"200\",reporter=\"server\"} 1\n");
	expect("{method=\"GET\",protocol=\"HTTP/1.1\",status=\"other\",reporter=\"server\"} 2\n");
	for (uint32_t code = 100; code < 600; code++)
		answer("POST", code, 1);
	text = written();
	cr_expect_null(strstr(text, "EVIL"));
	for (const char *s = text; (s = strstr(s, "\nhubble_http_requests_total{")); s++)
		lines++;
	cr_expect_eq(lines, PST_METRICS_REQUESTS);
	cr_expect_not_null(strstr(text, "{method=\"other\",protocol=\"other\",status=\"other\","
					"reporter=\"client\"} 247\n"));
	free(text);
}

Test(metrics, verdicts_are_counted_by_what_they_looked_at)
{
	struct pst_flow f = {.verdict = PST_FLOW_DROPPED,
			     .direction = PST_FLOW_EGRESS,
			     .match_type = PST_FLOW_MATCH_L3_L4};

	pst_metrics_flow(metrics, &f);
	f.l7 = PST_FLOW_REQUEST;
	f.direction = PST_FLOW_INGRESS;
	pst_metrics_flow(metrics, &f);
	f.l7 = PST_FLOW_L7_NONE;
	f.match_type = 99;
	pst_metrics_flow(metrics, &f);
	expect("hubble_policy_verdicts_total{direction=\"egress\",match=\"l3-l4\","
	       "action=\"dropped\"} 1\n");
	expect("hubble_policy_verdicts_total{direction=\"ingress\",match=\"l7/http\","
	       "action=\"dropped\"} 1\n");
}

Test(metrics, requests_are_forwarded_denied_or_in_error)
{
	counters[PST_REASON_RULE].n[PST_DIR_INGRESS] = 5;
	counters[PST_REASON_NO_RULE_L7].n[PST_DIR_EGRESS] = 3;
	counters[PST_REASON_LINE_END].n[PST_DIR_INGRESS] = 2;
	counters[PST_REASON_NO_RULE_L4].n[PST_DIR_INGRESS] = 7;
	counters[PST_REASON_MAX].n[0] = 4;
	expect("cilium_policy_l7_total{rule=\"received\",proxy_type=\"postern\"} 10\n");
	expect("cilium_policy_l7_total{rule=\"forwarded\",proxy_type=\"postern\"} 5\n");
	expect("cilium_policy_l7_total{rule=\"denied\",proxy_type=\"postern\"} 3\n");
	expect("cilium_policy_l7_total{rule=\"parse_errors\",proxy_type=\"postern\"} 2\n");
	expect("cilium_drop_count_total{reason=\"no-rule-l4\",direction=\"INGRESS\"} 7\n");
	expect("cilium_forward_count_total{reason=\"rule-matched\",direction=\"INGRESS\"} 5\n");
	expect("hubble_lost_events_total{source=\"perf_event_ring_buffer\"} 4\n");
}

Test(metrics, what_audit_lets_pass_is_no_drop)
{
	counters[PST_REASON_NO_RULE_L7].audited[PST_DIR_INGRESS] = 4;
	expect("cilium_policy_l7_total{rule=\"denied\",proxy_type=\"postern\"} 4\n");
	expect("postern_audit_count_total{reason=\"no-rule-l7\",direction=\"INGRESS\"} 4\n");
	expect("cilium_drop_count_total counter\n# HELP");
}

Test(metrics, readings_are_counted_and_timed_when_they_succeed)
{
	pst_metrics_read(metrics, true, 30 * 1000000);
	pst_metrics_read(metrics, false, 1);
	expect("operation=\"reload\",outcome=\"success\"} 1\n");
	expect("operation=\"reload\",outcome=\"fail\"} 1\n");
	expect("cilium_policy_implementation_delay_bucket{source=\"file\",le=\"0.025\"} 0\n");
	expect("cilium_policy_implementation_delay_bucket{source=\"file\",le=\"0.05\"} 1\n");
	expect("cilium_policy_implementation_delay_count{source=\"file\"} 1\n");
	expect("cilium_bpf_map_pressure{map_name=\"cells\"} 0\n");
}

Test(metrics, without_memory_there_are_none)
{
	struct pst_metrics *m = NULL;

	pst_mem_fail_after(0);
	cr_assert_eq(pst_metrics_new(&m), -ENOMEM);
}
