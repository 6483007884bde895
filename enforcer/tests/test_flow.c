// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "enforcer/flow_pack.h"
#include "enforcer/flow_ring.h"

/* What FLOW is written as. */
static char *written(const struct pst_flow *flow)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(pst_flow_write(out, flow), 0);
	fclose(out);
	return text;
}

static struct pst_flow denied(void)
{
	static const char *labels[] = {"k8s:app=a"};
	static struct pst_flow_policy policy = {"ns", "p", "CiliumNetworkPolicy", "p.yaml:3:5", 9};
	static struct pst_flow_header header = {"Accept", "HUBBLE_REDACTED"};
	static const char *missing[] = {"x-a", "x-b"}, *rejected[] = {"x-c"};

	return (struct pst_flow){
		.time = INT64_C(1700000000000000042),
		.uuid = "u",
		.node_name = "n",
		.verdict = PST_FLOW_DROPPED,
		.drop_reason = 133,
		.drop_reason_desc = "POLICY_DENIED",
		.source = {.ip = "10.0.0.1",
			   .port = 40000,
			   .identity = 300,
			   .ns = "ns",
			   .pod = "a",
			   .labels = labels,
			   .n_labels = 1},
		.destination = {.ip = "10.0.0.2", .port = 80, .identity = 2, .ns = "", .pod = ""},
		.protocol = 6,
		.l7 = PST_FLOW_RESPONSE,
		.latency_ns = UINT64_C(18446744073709551615),
		.code = 200,
		.method = "GET",
		.url = "http://h/",
		.http_protocol = "HTTP/1.1",
		.headers = &header,
		.n_headers = 1,
		.event_type = PST_FLOW_EVENT_L7,
		.direction = PST_FLOW_EGRESS,
		.has_is_reply = true,
		.socket_cookie = 77,
		.policies = &policy,
		.n_policies = 1,
		.reason = "no-rule-l7",
		.answer = "daemon",
		.judged_by = "",
		.missing = missing,
		.n_missing = 2,
		.rejected = rejected,
		.n_rejected = 1,
		.summary = "s",
	};
}

Test(flow, is_written_in_hubbles_words)
{
	struct pst_flow f = denied();
	char *text = written(&f);

	cr_assert_str_eq(
		text,
		"{\"flow\":{\"time\":\"2023-11-14T22:13:20.000000042Z\",\"uuid\":\"u\","
		"\"emitter\":{\"name\":\"postern\",\"version\":\"0.1\"},\"verdict\":\"DROPPED\","
		"\"drop_reason\":133,\"IP\":{\"source\":\"10.0.0.1\",\"destination\":\"10.0.0.2\","
		"\"ipVersion\":\"IPv4\"},\"l4\":{\"TCP\":{\"source_port\":40000,"
		"\"destination_port\":80}},\"source\":{\"identity\":300,\"namespace\":\"ns\","
		"\"labels\":[\"k8s:app=a\"],\"pod_name\":\"a\"},\"destination\":{\"identity\":2},"
		"\"Type\":\"L7\",\"node_name\":\"n\",\"l7\":{\"type\":\"RESPONSE\","
		"\"latency_ns\":\"18446744073709551615\",\"http\":{\"code\":200,\"method\":\"GET\","
		"\"url\":\"http://h/\",\"protocol\":\"HTTP/1.1\",\"headers\":[{\"key\":\"Accept\","
		"\"value\":\"HUBBLE_REDACTED\"}]}},\"event_type\":{\"type\":129},"
		"\"traffic_direction\":\"EGRESS\",\"drop_reason_desc\":\"POLICY_DENIED\","
		"\"is_reply\":false,\"socket_cookie\":\"77\",\"egress_denied_by\":[{\"name\":\"p\","
		"\"namespace\":\"ns\",\"labels\":["
		"\"k8s:io.cilium.k8s.policy.derived-from=CiliumNetworkPolicy\","
		"\"k8s:io.cilium.k8s.policy.name=p\",\"k8s:io.cilium.k8s.policy.namespace=ns\","
		"\"postern:rule=p.yaml:3:5\"],\"revision\":\"9\",\"kind\":\"CiliumNetworkPolicy\"}],"
		"\"extensions\":{\"@type\":\"type.googleapis.com/google.protobuf.Struct\","
		"\"value\":{\"reason\":\"no-rule-l7\",\"answer\":\"daemon\","
		"\"missing_headers\":[\"x-a\",\"x-b\"],\"rejected_headers\":[\"x-c\"]}},"
		"\"Summary\":\"s\"},"
		"\"node_name\":\"n\",\"time\":\"2023-11-14T22:13:20.000000042Z\"}\n");
	free(text);
}

static int read_text(const char *text, struct pst_arena *a, json_t **json, struct pst_flow *f)
{
	*json = json_loads(text, 0, NULL);
	return pst_flow_read(*json, a, f);
}

Test(flow, what_is_written_is_read_back_the_same)
{
	struct pst_flow f = denied(), back;
	struct pst_arena *a = pst_arena_new();
	char *text = written(&f), *again;
	json_t *json;

	cr_assert_eq(read_text(text, a, &json, &back), 0);
	again = written(&back);
	cr_assert_str_eq(again, text);
	cr_assert_str_eq(back.policies[0].rule, "p.yaml:3:5");
	free(text);
	free(again);
	json_decref(json);
	pst_arena_free(&a);
}

/* Nothing of it points to where it was made. */
Test(flow, what_is_kept_of_one_is_written_as_itself)
{
	struct pst_flow f = denied(), *packed;
	struct pst_arena *a = pst_arena_new();
	char *text = written(&f), *again;
	json_t *json = NULL;
	size_t bytes = 0;

	cr_assert_eq(read_text(text, a, &json, &f), 0);
	pst_mem_fail_after(0);
	cr_expect_null(pst_flow_pack(&f, &bytes));
	packed = pst_flow_pack(&f, &bytes);
	json_decref(json);
	pst_arena_free(&a);
	cr_assert_not_null(packed);
	again = written(packed);
	cr_expect_str_eq(again, text);
	cr_expect_lt(bytes, 4096);
	free(again);
	free(text);
	free(packed);
}

Test(flow, becomes_a_line_when_the_ring_is_asked)
{
	struct pst_flow f = denied();
	struct pst_flow_ring *ring = NULL;
	char *text = written(&f), *line = NULL;
	size_t len;
	FILE *out = open_memstream(&line, &len);

	cr_assert_eq(pst_flow_ring_new(2, 1 << 16, &ring), 0);
	pst_flow_ring_add(ring, &f);
	cr_assert_eq(pst_flow_ring_write(ring, 0, out), 0);
	fclose(out);
	cr_expect_str_eq(line, text);
	pst_flow_ring_free(&ring);
	free(line);
	free(text);
}

Test(flow, hubbles_own_and_older_lines_are_read)
{
	struct pst_arena *a = pst_arena_new();
	struct pst_flow f;
	json_t *json;

	cr_assert_eq(read_text("{\"time\":\"2023-11-14T22:13:20Z\",\"verdict\":1,\"ethernet\":{},"
			       "\"l4\":{\"UDP\":{\"source_port\":53}},\"Type\":\"L3_L4\","
			       "\"source\":{\"ID\":5,\"identity\":\"16777217\"},\"is_reply\":true}",
			       a, &json, &f),
		     0);
	cr_assert_eq(f.verdict, PST_FLOW_FORWARDED);
	cr_assert_eq(f.protocol, 17);
	cr_assert_eq(f.source.port, 53);
	cr_assert_eq(f.source.identity, 16777217);
	cr_assert(f.has_is_reply && f.is_reply);
	cr_assert_eq(f.l7, PST_FLOW_L7_NONE);
	json_decref(json);
	pst_arena_free(&a);
}

Test(flow, fields_of_a_wrong_type_are_absent)
{
	static const char *const texts[] = {
		"{\"flow\":{\"verdict\":\"WHATEVER\",\"IP\":7,\"l4\":[],\"source\":\"x\"}}",
		"{\"flow\":{\"verdict\":99,\"source\":{\"labels\":{\"a\":1},\"identity\":-5}}}",
		"{\"flow\":{\"Type\":3,\"l7\":{\"type\":9,\"http\":{\"headers\":[1,{}],\"code\":{}}}}}",
		"{\"flow\":{\"Type\":3,\"ingress_denied_by\":[1,\"x\",{\"labels\":[2]}],\"time\":5}}",
	};
	struct pst_arena *a = pst_arena_new();

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct pst_flow f;
		json_t *json;
		char *text;

		cr_assert_eq(read_text(texts[i], a, &json, &f), 0, "%s", texts[i]);
		cr_assert_eq(f.verdict, PST_FLOW_VERDICT_UNKNOWN);
		text = written(&f);
		free(text);
		json_decref(json);
	}
	pst_arena_free(&a);
}

Test(flow, what_is_no_flow_is_refused)
{
	static const char *const texts[] = {
		"{}",	   "[]", "{\"flow\":[]}", "{\"flow\":{\"a\":1}}", "{\"lost_events\":{}}",
		"nonsense"};
	struct pst_arena *a = pst_arena_new();

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct pst_flow f;
		json_t *json;

		cr_assert_eq(read_text(texts[i], a, &json, &f), -EINVAL, "%s", texts[i]);
		json_decref(json);
	}
	pst_arena_free(&a);
}
