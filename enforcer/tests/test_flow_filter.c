// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_filter.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct pst_flow_header headers[] = {{"X-Id", "7"}};
static const char *labels[] = {"k8s:app=backend", "k8s:tier", "reserved:host"};

/* A denied request of shop/front-1 to kube-system/back-1. */
static struct pst_flow request(void)
{
	return (struct pst_flow){
		.uuid = "u-1",
		.node_name = "node-1",
		.verdict = PST_FLOW_DROPPED,
		.drop_reason_desc = "POLICY_DENIED",
		.source = {.ip = "10.0.0.1",
			   .port = 40000,
			   .identity = 300,
			   .ns = "shop",
			   .pod = "front-1"},
		.destination = {.ip = "fd00::2",
				.port = 8080,
				.identity = 1,
				.ns = "kube-system",
				.pod = "back-1",
				.labels = labels,
				.n_labels = 3},
		.protocol = 6,
		.l7 = PST_FLOW_REQUEST,
		.code = 403,
		.method = "GET",
		.url = "http://host/api/v1?q=/no",
		.http_protocol = "HTTP/1.1",
		.headers = headers,
		.n_headers = 1,
		.event_type = PST_FLOW_EVENT_L7,
		.direction = PST_FLOW_INGRESS,
		.reason = "no-rule-l7",
		.answer = "daemon",
		.summary = "",
	};
}

/* FILTERS: "name=value !name=value", "A" for any namespace. */
static bool matches(const char *filters)
{
	struct pst_flow flow = request();
	struct pst_flow_filter *f = NULL;
	char *copy = strdup(filters), *save = NULL, why[256];
	bool r;

	cr_assert_eq(pst_flow_filter_new(&f), 0);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		bool negated = *w == '!';
		char *value = strchr(w, '=');

		if (!strcmp(w, "A")) {
			pst_flow_filter_any_namespace(f);
			continue;
		}
		*value++ = '\0';
		cr_assert_eq(pst_flow_filter_add(f, w + negated, value, negated, why, sizeof(why)),
			     0, "%s: %s", filters, why);
	}
	r = pst_flow_filter_matches(f, &flow);
	pst_flow_filter_free(&f);
	free(copy);
	return r;
}

static void expect(bool wanted, const char *const *filters)
{
	for (; *filters; filters++)
		cr_expect_eq(matches(*filters), wanted, "%s", *filters);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(flow_filter, each_kind_matches_what_it_names)
{
	expect(true,
	       LIST("", "verdict=DROPPED", "verdict=dropped", "pod=shop/front", "pod=kube-system/",
		    "from-pod=shop/front-1", "to-pod=kube-system/back", "namespace=shop",
		    "from-namespace=shop", "ip=10.0.0.1", "ip=10.0.0.0/8", "to-ip=fd00::/16",
		    "port=8080", "to-port=8080", "from-port=40000", "label=app=backend",
		    "to-label=k8s:app=backend", "identity=300", "to-identity=host", "protocol=tcp",
		    "protocol=http", "type=l7", "traffic-direction=ingress", "http-method=get",
		    "http-path=^/api/v[0-9]$", "http-path=api", "http-url=host/api",
		    "http-status=403", "http-status=4+", "http-header=x-id:7",
		    "drop-reason-desc=POLICY_DENIED", "drop-reason-desc=no-rule-l7", "ip-version=4",
		    "node-name=node-1", "uuid=U-1"));
}

Test(flow_filter, a_near_miss_is_none)
{
	expect(false,
	       LIST("verdict=FORWARDED", "pod=shop/ront", "pod=sho/front", "pod=shop/front-12",
		    "to-pod=shop/front", "from-pod=kube-system/", "namespace=sho",
		    "to-namespace=shop", "ip=10.0.0.2", "ip=11.0.0.0/8", "from-ip=fd00::/16",
		    "ip=10.0.0.2/31", "port=808", "from-port=8080", "label=app=back",
		    "from-label=app=backend", "label=any", "identity=30", "identity=world",
		    "from-identity=host", "protocol=udp", "protocol=icmp", "type=drop",
		    "traffic-direction=egress", "http-method=GE", "http-path=^api",
		    "http-path=q=", "http-url=^host", "http-status=404", "http-status=5+",
		    "http-header=x-id:8", "http-header=x-i:7", "drop-reason-desc=POLICY_DENY",
		    "ip-version=6", "node-name=node", "uuid=u-2"));
}

Test(flow_filter, prefixes_end_at_any_bit)
{
	expect(true, LIST("ip=10.0.0.0/31", "ip=8.0.0.0/6", "ip=0.0.0.0/0", "ip=::/0"));
	expect(false, LIST("ip=12.0.0.0/6", "ip=10.0.0.2/32"));
}

Test(flow_filter, the_same_twice_is_either_and_different_ones_are_all)
{
	expect(true, LIST("verdict=FORWARDED verdict=DROPPED", "port=1 port=8080",
			  "verdict=DROPPED protocol=tcp type=l7"));
	expect(false, LIST("verdict=DROPPED protocol=udp", "to-port=8080 from-port=1"));
}

Test(flow_filter, filters_of_either_end_are_met_by_one_end)
{
	expect(true, LIST("namespace=kube-system port=8080", "pod=shop/ port=40000"));
	expect(false, LIST("pod=shop/ port=8080"));
	expect(true, LIST("from-pod=shop/ to-port=8080", "pod=shop/ to-port=8080"));
}

Test(flow_filter, negated_ones_are_one_filter_together)
{
	expect(false, LIST("!verdict=DROPPED", "!pod=shop/", "!port=8080", "!to-port=8080",
			   "!verdict=DROPPED !pod=shop/", "!verdict=FORWARDED !verdict=DROPPED",
			   "!from-pod=shop/ !to-port=8080", "type=l7 !http-method=GET"));
	expect(true, LIST("!verdict=FORWARDED", "!pod=other/", "!from-port=8080",
			  "!verdict=FORWARDED !pod=shop/", "!verdict=DROPPED !pod=other/",
			  "!pod=shop/ !port=8080", "type=l7 !http-method=POST"));
}

Test(flow_filter, a_pod_without_namespace_is_of_the_one_that_is_asked_for)
{
	expect(false, LIST("pod=front"));
	expect(true, LIST("A pod=front", "namespace=shop pod=front", "pod=front namespace=shop"));
	expect(false, LIST("from-namespace=other pod=front"));
}

Test(flow_filter, labels_may_be_wanted_or_unwanted)
{
	expect(true,
	       LIST("label=tier", "label=k8s:tier", "label=!color", "label=app!=frontend",
		    "to-label=app=backend,tier,!color", "label=reserved:host", "label=color!=red"));
	expect(false, LIST("to-label=!tier", "to-label=app!=backend", "to-label=app=backend,color",
			   "to-label=!app", "label=k8s:host"));
}

static int add(const char *name, const char *value, char *why)
{
	struct pst_flow_filter *f = NULL;
	int r;

	cr_assert_eq(pst_flow_filter_new(&f), 0);
	r = pst_flow_filter_add(f, name, value, false, why, 256);
	pst_flow_filter_free(&f);
	return r;
}

Test(flow_filter, what_cannot_be_is_refused_with_what_was_expected)
{
	static const char *const bad[][2] = {
		{"verdict", "X"},
		{"ip", "10.0.0"},
		{"ip", "10.0.0.0/33"},
		{"port", "65536"},
		{"port", "-1"},
		{"port", "http"},
		{"port", ""},
		{"identity", "nobody"},
		{"identity", "4294967296"},
		{"label", ""},
		{"label", "a in (b)"},
		{"protocol", "quic"},
		{"type", "flow"},
		{"traffic-direction", "up"},
		{"http-path", "("},
		{"http-path", "a)|(b"},
		{"http-status", "40"},
		{"http-status", "x+"},
		{"http-status", "4000"},
		{"http-header", "x"},
		{"ip-version", "5"},
	};
	char why[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		why[0] = '\0';
		cr_expect_eq(add(bad[i][0], bad[i][1], why), -EINVAL, "%s=%s", bad[i][0],
			     bad[i][1]);
		cr_expect_gt(strlen(why), 5, "%s=%s", bad[i][0], bad[i][1]);
	}
	cr_expect_eq(add("colour", "x", why), -ENOENT);
	cr_expect_eq(add("from-verdict", "DROPPED", why), -ENOENT, "a verdict has no ends");
	cr_expect_eq(add("from-", "x", why), -ENOENT);
}

Test(flow_filter, without_memory_nothing_is_added_nor_lost)
{
	char why[256];

	for (long n = 0; n < 200; n++) {
		struct pst_flow_filter *f = NULL;
		int r;

		pst_mem_fail_after(n);
		r = pst_flow_filter_new(&f);
		if (!r)
			r = pst_flow_filter_add(f, "http-path", "^/a", false, why, sizeof(why));
		if (!r)
			r = pst_flow_filter_add(f, "namespace", "shop", false, why, sizeof(why));
		pst_flow_filter_free(&f);
		if (!pst_mem_failed()) {
			pst_mem_fail_after(-1);
			cr_assert_eq(r, 0);
			return;
		}
		cr_assert_eq(r, -ENOMEM, "%ld: %d", n, r);
	}
}
