// SPDX-License-Identifier: Apache-2.0
#include "policy/cluster.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/tests/helper.h"

#define OBJECT(api, kind, meta, rest) \
	"{apiVersion: " api ", kind: " kind ", metadata: {" meta "}, " rest "}\n---\n"
#define SERVICE(meta, rest) OBJECT("v1", "Service", meta, rest)
#define SLICE(meta, rest)   OBJECT("discovery.k8s.io/v1", "EndpointSlice", meta, rest)
#define SECRET(meta, rest)  OBJECT("v1", "Secret", meta, rest)
#define BEHIND(service)	    "labels: {kubernetes.io/service-name: " service "}"

static void t_expect_addrs(const struct pst_addr *addrs, size_t n, const char *expected)
{
	char text[256] = "", one[64];
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", i ? " " : "",
					 pst_addr_to_str(&addrs[i], one, sizeof(one)));
		cr_assert_lt(used, sizeof(text));
	}
	cr_expect_str_eq(text, expected);
}

Test(cluster, a_service_selects_pods_of_its_namespace)
{
	struct t_inventory i =
		t_inventory_parse(SERVICE("name: web, namespace: shop, labels: {tier: front}",
					  "spec: {selector: {app: web}}"));
	const struct pst_service *s;

	cr_assert_eq(i.inv->n_services, 1);
	s = &i.inv->services[0];
	cr_expect_str_eq(pst_labels_get(&s->labels, "k8s", "tier"), "front");
	cr_expect(t_matches(&s->pods, 1, "k8s:app=web k8s:io.kubernetes.pod.namespace=shop"));
	cr_expect_not(t_matches(&s->pods, 1, "k8s:app=web k8s:io.kubernetes.pod.namespace=other"));
	cr_expect_not(t_matches(&s->pods, 1, "k8s:app=db k8s:io.kubernetes.pod.namespace=shop"));
	t_inventory_free(&i);
}

Test(cluster, a_service_without_a_selector_has_none)
{
	struct t_inventory i = t_inventory_parse(SERVICE("name: outside", "spec: {ports: []}"));

	cr_assert_eq(i.inv->n_services, 1);
	cr_expect_eq(i.inv->services[0].pods.n_reqs, 0);
	t_inventory_free(&i);
}

Test(cluster, backends_of_slices_and_endpoints_are_joined_and_each_counts_once)
{
	struct t_inventory i = t_inventory_parse(
		SLICE("name: b-1, namespace: ns, " BEHIND("b"),
		      "endpoints: [{addresses: [10.0.0.2]}, {addresses: [10.0.0.1, 'fd00::1']}]")
			SERVICE("name: b, namespace: ns",
				"spec: {}") SERVICE("name: a, namespace: ns", "spec: {}")
				OBJECT("v1", "Endpoints", "name: b, namespace: ns",
				       "subsets: [{addresses: [{ip: 10.0.0.1}, {ip: 10.0.0.3}]}]")
					SLICE("name: other, namespace: elsewhere, " BEHIND("b"),
					      "endpoints: [{addresses: [10.9.9.9]}]"));

	cr_assert_eq(pst_diags_count(i.diags), 0);
	cr_assert_eq(i.inv->n_services, 2);
	cr_expect_str_eq(i.inv->services[0].name, "a");
	cr_expect_eq(i.inv->services[0].n_addrs, 0);
	t_expect_addrs(i.inv->services[1].addrs, i.inv->services[1].n_addrs,
		       "10.0.0.1 10.0.0.2 10.0.0.3 fd00::1");
	t_inventory_free(&i);
}

Test(cluster, a_backend_that_is_not_ready_is_left_out)
{
	struct t_inventory i = t_inventory_parse(SERVICE("name: s", "spec: {}") SLICE(
		"name: s-1, " BEHIND("s"),
		"endpoints: [{addresses: [10.0.0.1], conditions: {ready: false}},"
		" {addresses: [10.0.0.2], conditions: {ready: true}},"
		" {addresses: [10.0.0.3], conditions: {}}]"));

	t_expect_addrs(i.inv->services[0].addrs, i.inv->services[0].n_addrs, "10.0.0.2 10.0.0.3");
	t_inventory_free(&i);
}

Test(cluster, slices_of_names_and_of_nobody_are_passed_over)
{
	struct t_inventory i = t_inventory_parse(
		SERVICE("name: s", "spec: {}")
			SLICE("name: s-1, " BEHIND("s"),
			      "addressType: FQDN, endpoints: [{addresses: [db.example.com]}]")
				SLICE("name: lone", "endpoints: [{addresses: [10.0.0.1]}]"));

	cr_expect_eq(pst_diags_count(i.diags), 0);
	cr_expect_eq(i.inv->services[0].n_addrs, 0);
	t_inventory_free(&i);
}

Test(cluster, a_service_of_another_group_is_another_kind)
{
	struct t_inventory i = t_inventory_parse(
		OBJECT("serving.knative.dev/v1", "Service", "name: k", "spec: {}"));

	cr_expect_eq(i.inv->n_services, 0);
	cr_expect_eq(i.inv->n_skipped, 1);
	t_inventory_free(&i);
}

Test(cluster, a_node_has_labels_of_its_own_source_and_its_addresses_but_not_its_names)
{
	struct t_inventory i = t_inventory_parse(OBJECT(
		"v1", "Node", "name: n1, labels: {zone: a}",
		"status: {addresses: [{type: Hostname, address: n1},"
		" {type: InternalIP, address: 192.0.2.1}, {type: ExternalIP, address: 'fd00::9'}]}"));

	cr_assert_eq(i.inv->n_nodes, 1);
	cr_expect_str_eq(pst_labels_get(&i.inv->nodes[0].labels, "node", "zone"), "a");
	t_expect_addrs(i.inv->nodes[0].addrs, i.inv->nodes[0].n_addrs, "192.0.2.1 fd00::9");
	t_inventory_free(&i);
}

Test(cluster, a_secret_with_one_entry_has_a_value)
{
	struct t_inventory i = t_inventory_parse(
		SECRET("name: a, namespace: ns", "data: {token: aGVsbG8=}")
			SECRET("name: b, namespace: ns", "stringData: {token: plain}")
				SECRET("name: c, namespace: ns", "data: {one: YQ==, two: Yg==}")
					SECRET("name: d, namespace: ns", "data: {}"));

	cr_assert_eq(i.inv->n_secrets, 2);
	cr_expect_str_eq(i.inv->secrets[0].value, "hello");
	cr_expect_eq(i.inv->secrets[0].len, 5);
	cr_expect_str_eq(i.inv->secrets[1].value, "plain");
	t_inventory_free(&i);
}

Test(cluster, what_is_not_base64_is_refused_without_showing_it)
{
	static const char *const bad[] = {
		"Q", "QZ", "QZx", "QZx4Q", "Q===", "QZ=x", "QZ x", "====", "QZ==QZ==", "QZx-",
	};

	for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
		char text[256];
		struct t_inventory i;

		snprintf(text, sizeof(text), SECRET("name: a", "data: {token: '%s'}"), bad[k]);
		i = t_inventory_parse(text);
		cr_expect(t_has(i.diags, "secret-invalid"), "%s", bad[k]);
		cr_expect_null(strchr(t_message(i.diags, "secret-invalid"), 'Q'));
		cr_expect_eq(i.inv->n_secrets, 0);
		t_inventory_free(&i);
	}
}

Test(cluster, bytes_of_any_kind_may_be_in_a_secret)
{
	struct t_inventory i = t_inventory_parse(SECRET("name: a", "data: {k: AP8Q}"));

	cr_assert_eq(i.inv->n_secrets, 1);
	cr_expect_eq(i.inv->secrets[0].len, 3);
	cr_expect_eq(memcmp(i.inv->secrets[0].value, "\x00\xff\x10", 4), 0);
	t_inventory_free(&i);
}

Test(cluster, the_second_of_two_with_one_name_is_refused)
{
	struct t_inventory i = t_inventory_parse(
		SERVICE("name: s, namespace: a", "spec: {selector: {app: one}}")
			SERVICE("name: s, namespace: b", "spec: {}")
				SERVICE("name: s, namespace: a", "spec: {selector: {app: two}}"));

	cr_expect(t_has(i.diags, "duplicate-object"));
	cr_expect_eq(pst_diags_errors(i.diags), 1);
	cr_assert_eq(i.inv->n_services, 2);
	cr_expect(t_matches(&i.inv->services[0].pods, 1,
			    "k8s:app=one k8s:io.kubernetes.pod.namespace=a"));
	t_inventory_free(&i);
}
