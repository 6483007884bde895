// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>

#include "lint/tests/checked.h"

#define FROM_A	"fromEndpoints: [{matchLabels: {app: a}}]"
#define PORT_80 "toPorts: [{" T_ON_80 "}]"

struct found {
	const char *text, *id;
	size_t n;
};

static void check_all(const struct found *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(t_count(v[i].text, v[i].id), v[i].n, "%s: %s", v[i].id, v[i].text);
}

#define CHECK_ALL(v) check_all(v, sizeof(v) / sizeof(*(v)))

Test(check_peers, empty_lists)
{
	static const struct found cases[] = {
		{T_IN("{fromEndpoints: [], " PORT_80 "}"), "peers-empty", 1},
		{T_IN("{fromEndpoints: []}"), "peers-empty", 1},
		{T_IN("{fromEndpoints: [{}]}"), "peers-empty", 0},
		{T_IN("{" PORT_80 "}"), "peers-empty", 0},
		{T_IN("{fromEntities: [none]}"), "peers-empty", 0},
		{T_OUT("{toFQDNs: [], " PORT_80 "}"), "peers-empty-open", 1},
		{T_OUT("{toGroups: [], " PORT_80 "}"), "peers-empty-open", 1},
		{T_IN("{fromGroups: [], " PORT_80 "}"), "peers-empty-open", 1},
		{T_OUT("{toFQDNs: []}"), "peers-empty-open", 0},
		{T_OUT("{toFQDNs: []}"), "peers-empty", 1},
		{T_OUT("{toCIDR: [], " PORT_80 "}"), "peers-empty-open", 0},
	};

	CHECK_ALL(cases);
}

Test(check_peers, an_empty_rule_matters_beside_others_of_its_section)
{
	static const struct found cases[] = {
		{T_IN("{}"), "rule-empty", 0},
		{T_IN("{}, {" FROM_A "}"), "rule-empty", 1},
		{T_CNP("{endpointSelector: {}, ingress: [{}], egress: [{}]}"), "rule-empty", 0},
		{T_CNP("{endpointSelector: {}, ingress: [{}], ingressDeny: [{" FROM_A "}]}"),
		 "rule-empty", 0},
	};

	CHECK_ALL(cases);
}

Test(check_peers, an_element_that_another_one_covers)
{
	static const struct found cases[] = {
		{T_OUT("{toCIDR: [192.0.2.0/24, 192.0.2.0/25]}"), "peer-redundant", 1},
		{T_OUT("{toCIDR: [192.0.2.0/25, 192.0.2.0/24]}"), "peer-redundant", 1},
		{T_OUT("{toCIDR: [192.0.2.0/24, 192.0.2.0/24]}"), "peer-redundant", 1},
		{T_OUT("{toCIDR: [192.0.2.0/25, 192.0.2.128/25]}"), "peer-redundant", 0},
		{T_OUT("{toCIDR: [0.0.0.0/0, '::/0']}"), "peer-redundant", 0},
		{T_OUT("{toCIDRSet: [{cidr: 192.0.2.0/24, except: [192.0.2.0/25]}, {cidr: "
		       "192.0.2.0/25}]}"),
		 "peer-redundant", 0},
		{T_IN("{fromEndpoints: [{}, {matchLabels: {app: a}}]}"), "peer-redundant", 1},
		{T_IN("{fromEndpoints: [{matchLabels: {app: b}}, {matchLabels: {app: a}}]}"),
		 "peer-redundant", 0},
		{T_IN("{fromEntities: [cluster, host]}"), "peer-redundant", 0},
	};

	CHECK_ALL(cases);
}

Test(check_peers, prefixes_of_services_and_of_everything)
{
	static const struct found cases[] = {
		{T_OUT("{toCIDR: [10.96.0.1/32]}"), "cidr-of-services", 1},
		{T_OUT("{toCIDR: [10.96.0.0/12]}"), "cidr-of-services", 1},
		{T_OUT("{toCIDR: [10.0.0.0/8]}"), "cidr-of-services", 0},
		{T_OUT("{toCIDR: [10.112.0.0/12]}"), "cidr-of-services", 0},
		{T_OUT("{toCIDR: [0.0.0.0/0]}"), "cidr-everything", 1},
		{T_OUT("{toCIDR: ['::/0']}"), "cidr-everything", 1},
		{T_OUT("{toCIDR: [0.0.0.0/1]}"), "cidr-everything", 0},
	};

	CHECK_ALL(cases);
}

#define FROM(selector)	  T_IN("{fromEndpoints: [{" selector "}]}")
#define OF(selector)	  T_CNP("{endpointSelector: {" selector "}, ingress: [{}]}")
#define WIDE_OF(selector) T_CCNP("{endpointSelector: {" selector "}, ingress: [{}]}")
#define EXPR(key, op)	  "matchExpressions: [{key: " key ", operator: " op "}]"

Test(check_peers, labels_that_no_identity_has)
{
	static const struct found cases[] = {
		{FROM("matchLabels: {pod-template-hash: x}"), "label-not-identity", 1},
		{OF("matchLabels: {k8s:statefulset.kubernetes.io/pod-name: x}"),
		 "label-not-identity", 1},
		{FROM("matchLabels: {app.kubernetes.io/name: x}"), "label-not-identity", 0},
		{FROM("matchLabels: {io.cilium.k8s.policy.serviceaccount: x}"),
		 "label-not-identity", 0},
		{FROM("matchLabels: {io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name: "
		      "x}"),
		 "label-not-identity", 0},
		{FROM("matchLabels: {k8s.io.kubernetes.pod.namespace: x}"), "label-dotted-source",
		 1},
		{FROM("matchLabels: {k8s.io.kubernetes.pod.namespace: x}"), "label-not-identity",
		 0},
		{FROM("matchLabels: {k8s:io.kubernetes.pod.namespace: x}"), "label-dotted-source",
		 0},
		{FROM("matchLabels: {k8s.example/app: x}"), "label-dotted-source", 0},
	};

	CHECK_ALL(cases);
}

Test(check_peers, reserved_labels_of_subjects)
{
	static const struct found cases[] = {
		{WIDE_OF(EXPR("reserved:host", "Exists")), "subject-reserved", 1},
		{WIDE_OF(EXPR("reserved:ingress", "Exists")), "subject-reserved", 0},
		{OF(EXPR("reserved:ingress", "Exists")), "subject-reserved", 1},
		{WIDE_OF(EXPR("reserved:host", "DoesNotExist")), "subject-reserved", 0},
		{FROM(EXPR("reserved:host", "Exists")), "subject-reserved", 0},
	};

	CHECK_ALL(cases);
}

Test(check_peers, contradictions)
{
	static const struct found cases[] = {
		{FROM("matchLabels: {app: a}, " EXPR("app", "DoesNotExist")), "selector-impossible",
		 1},
		{OF("matchLabels: {app: a}, matchExpressions: [{key: app, operator: NotIn, values: "
		    "[a, b]}]"),
		 "selector-impossible", 1},
		{OF("matchLabels: {app: a}, matchExpressions: [{key: app, operator: NotIn, values: "
		    "[b]}]"),
		 "selector-impossible", 0},
		{OF("matchLabels: {k8s:app: a, any:app: a}"), "selector-impossible", 0},
	};

	CHECK_ALL(cases);
}

Test(check_peers, the_dns_of_the_cluster_is_in_a_namespace_of_its_own)
{
	static const struct found cases[] = {
		{FROM("matchLabels: {k8s-app: kube-dns}"), "peer-namespace", 1},
		{FROM("matchLabels: {k8s-app: other}"), "peer-namespace", 0},
		{FROM("matchLabels: {k8s-app: kube-dns, io.kubernetes.pod.namespace: kube-system}"),
		 "peer-namespace", 0},
		{T_CNP_IN("kube-system", "{endpointSelector: {}, ingress: [{fromEndpoints: "
					 "[{matchLabels: {k8s-app: kube-dns}}]}]}"),
		 "peer-namespace", 0},
		{T_CCNP("{endpointSelector: {}, ingress: [{fromEndpoints: [{matchLabels: {k8s-app: "
			"kube-dns}}]}]}"),
		 "peer-namespace", 0},
	};

	CHECK_ALL(cases);
}
