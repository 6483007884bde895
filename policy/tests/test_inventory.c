// SPDX-License-Identifier: Apache-2.0
#include "policy/inventory.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/tests/helper.h"

#define POD(name, rest) "{apiVersion: v1, kind: Pod, metadata: {name: " name "}, " rest "}\n---\n"

static struct t_inventory t_demo(const char *file)
{
	struct t_inventory i = {.diags = pst_diags_new()};
	const char *dir = t_find("testdata/inventory");
	const char *path;
	char text[512];

	cr_assert_not_null(dir);
	snprintf(text, sizeof(text), "%s/%s", dir, file);
	path = text;
	cr_assert_eq(pst_inventory_load(&path, 1, i.diags, &i.inv), 0);
	cr_assert_eq(pst_diags_count(i.diags), 0);
	return i;
}

static const char *t_addr(const struct pst_endpoint *ep, size_t i)
{
	static char buf[64];

	cr_assert_lt(i, ep->n_addrs);
	return pst_addr_to_str(&ep->addrs[i], buf, sizeof(buf));
}

static const char *t_label(const struct pst_endpoint *ep, const char *key)
{
	return pst_labels_get(&ep->labels, "k8s", key);
}

Test(inventory, the_demo_has_its_four_pods)
{
	static const struct {
		const char *name, *v4, *v6;
	} pods[] = {
		{"frontend", "10.77.0.2", "fd77::2"},
		{"other", "10.77.0.3", "fd77::3"},
		{"backend", "10.77.0.4", "fd77::4"},
		{"admin", "10.77.0.5", "fd77::5"},
	};
	struct t_inventory i = t_demo("demo.yaml");

	cr_assert_eq(i.inv->n_endpoints, 4);
	for (size_t k = 0; k < 4; k++) {
		const struct pst_endpoint *ep = &i.inv->endpoints[k];

		cr_expect_str_eq(ep->name, pods[k].name);
		cr_expect_str_eq(ep->ns, "default");
		cr_expect_str_eq(t_label(ep, "app"), pods[k].name);
		cr_expect_eq(ep->n_addrs, 2);
		cr_expect_str_eq(t_addr(ep, 0), pods[k].v4);
		cr_expect_str_eq(t_addr(ep, 1), pods[k].v6);
	}
	t_inventory_free(&i);
}

Test(inventory, what_kubectl_prints_is_an_inventory)
{
	struct t_inventory i = t_demo("kubectl.yaml");
	const struct pst_endpoint *web = &i.inv->endpoints[0];

	cr_assert_eq(i.inv->n_endpoints, 3);
	cr_assert_eq(i.inv->n_host_network, 1);
	cr_assert_eq(i.inv->n_nodes, 1);
	cr_assert_eq(i.inv->n_skipped, 0);
	cr_assert_eq(web->n_addrs, 2);
	cr_assert_str_eq(t_label(web, "app"), "web");
	cr_assert_str_eq(t_label(web, "app.kubernetes.io/name"), "web");
	cr_assert_str_eq(t_label(web, "io.kubernetes.pod.namespace"), "shop");
	cr_assert_str_eq(t_label(web, "io.cilium.k8s.policy.cluster"), "default");
	cr_assert_str_eq(t_label(web, "io.cilium.k8s.policy.serviceaccount"), "web");
	cr_assert_str_eq(t_label(web, "io.cilium.k8s.namespace.labels.team"), "sales");
	cr_assert_eq(web->labels.n, 7);
	t_inventory_free(&i);
}

Test(inventory, labels_are_sorted)
{
	struct t_inventory i = t_demo("kubectl.yaml");
	const struct pst_labels *labels = &i.inv->endpoints[0].labels;

	for (size_t k = 1; k < labels->n; k++)
		cr_assert_lt(strcmp(labels->v[k - 1].key, labels->v[k].key), 0);
	t_inventory_free(&i);
}

Test(inventory, the_addresses_of_pods_that_have_ended_belong_to_others)
{
	static const char *const phases[] = {"Succeeded", "Failed"};
	char text[512];

	for (size_t k = 0; k < 2; k++) {
		struct t_inventory i;

		snprintf(text, sizeof(text),
			 POD("a", "status: {phase: %s, podIP: 10.0.0.1}")
				 POD("b", "status: {phase: Running, podIP: 10.0.0.1}"),
			 phases[k]);
		i = t_inventory_parse(text);
		cr_assert_eq(pst_diags_count(i.diags), 0);
		cr_assert_eq(i.inv->endpoints[0].n_addrs, 0);
		cr_assert_eq(i.inv->endpoints[1].n_addrs, 1);
		t_inventory_free(&i);
	}
}

Test(inventory, a_pod_that_has_not_started_has_no_addresses)
{
	struct t_inventory i = t_inventory_parse(POD("a", "") POD("b", "status: {podIP: ''}") POD(
		"c", "status: {podIPs: []}") POD("d", "status: {podIPs: , podIP: null}"));

	cr_assert_eq(pst_diags_count(i.diags), 0);
	cr_assert_eq(i.inv->n_endpoints, 4);
	for (size_t k = 0; k < 4; k++)
		cr_assert_eq(i.inv->endpoints[k].n_addrs, 0);
	t_inventory_free(&i);
}

Test(inventory, an_address_of_one_pod_counts_once)
{
	struct t_inventory i = t_inventory_parse(POD(
		"a",
		"status: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: '::ffff:10.0.0.1'}]}"));

	cr_assert_eq(pst_diags_count(i.diags), 0);
	cr_assert_eq(i.inv->endpoints[0].n_addrs, 1);
	t_inventory_free(&i);
}

Test(inventory, two_pods_with_one_address_are_an_error_that_names_both)
{
	struct t_inventory i = t_inventory_parse(POD("a", "status: {podIP: 10.0.0.1}") POD(
		"b", "status: {podIP: '::ffff:10.0.0.1'}"));

	cr_assert_eq(pst_diags_errors(i.diags), 1);
	cr_assert_eq(pst_diags_at(i.diags, 0)->pos.line, 3);
	cr_assert_not_null(
		strstr(t_message(i.diags, "duplicate-address"), "default/a has at test.yaml:1:"));
	cr_assert_not_null(strstr(t_message(i.diags, "duplicate-address"), "default/b"));
	t_inventory_free(&i);
}

Test(inventory, an_address_that_stands_twice_stays_with_the_first_pod_only)
{
	struct t_inventory i = t_inventory_parse(
		POD("a", "status: {podIP: 10.0.0.1}") POD(
			"b", "status: {podIPs: [{ip: 10.0.0.2}, {ip: 10.0.0.1}]}")
			POD("c",
			    "status: {podIPs: [{ip: 10.0.0.1}, {ip: 10.0.0.2}, {ip: 10.0.0.3}]}"));

	cr_assert_eq(pst_diags_errors(i.diags), 3);
	cr_assert_eq(i.inv->endpoints[0].n_addrs, 1);
	cr_assert_eq(i.inv->endpoints[1].n_addrs, 1);
	cr_assert_str_eq(t_addr(&i.inv->endpoints[1], 0), "10.0.0.2");
	cr_assert_eq(i.inv->endpoints[2].n_addrs, 1);
	cr_assert_str_eq(t_addr(&i.inv->endpoints[2], 0), "10.0.0.3");
	t_inventory_free(&i);
}

Test(inventory, a_pod_with_a_mistake_leaves_the_others)
{
	struct t_inventory i = t_inventory_parse(POD("a", "status: {podIP: nowhere}")
							 POD("b", "status: {podIP: 10.0.0.1}"));

	cr_assert_eq(pst_diags_errors(i.diags), 1);
	cr_assert_eq(i.inv->n_endpoints, 1);
	cr_assert_str_eq(i.inv->endpoints[0].name, "b");
	t_inventory_free(&i);
}

Test(inventory, namespace_labels_apply_whatever_the_order_of_the_objects)
{
	struct t_inventory i = t_inventory_parse(
		"{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}}\n---\n"
		"{apiVersion: v1, kind: Namespace, metadata: {name: other, labels: {team: b}}}\n---\n"
		"{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: a}}}\n");

	cr_assert_str_eq(t_label(&i.inv->endpoints[0], "io.cilium.k8s.namespace.labels.team"), "a");
	t_inventory_free(&i);
}

Test(inventory, a_pod_cannot_claim_another_namespace_by_its_labels)
{
	struct t_inventory i = t_inventory_parse(
		"{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {"
		"io.kubernetes.pod.namespace: admin, io.cilium.k8s.policy.serviceaccount: root, "
		"io.cilium.k8s.namespace.labels.team: admin}}}");
	const struct pst_endpoint *ep = &i.inv->endpoints[0];

	cr_assert_str_eq(t_label(ep, "io.kubernetes.pod.namespace"), "shop");
	cr_assert_null(t_label(ep, "io.cilium.k8s.policy.serviceaccount"));
	cr_assert_null(t_label(ep, "io.cilium.k8s.namespace.labels.team"));
	cr_assert_eq(ep->labels.n, 2);
	t_inventory_free(&i);
}

Test(inventory, no_paths_are_an_empty_inventory)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_inventory *inv = NULL;

	cr_assert_eq(pst_inventory_load(NULL, 0, diags, &inv), 0);
	cr_assert_eq(inv->n_endpoints, 0);
	pst_inventory_free(&inv);
	cr_assert_null(inv);
	pst_inventory_free(&inv);
	pst_diags_free(&diags);
}

Test(addr, text_and_bytes_are_the_same)
{
	static const struct {
		const char *text, *back;
	} cases[] = {
		{"10.0.0.1", "10.0.0.1"},	 {"255.255.255.255", "255.255.255.255"},
		{"fd00::1", "fd00::1"},		 {"FD00:0::1", "fd00::1"},
		{"::ffff:10.0.0.1", "10.0.0.1"}, {"::", "::"},
	};
	char buf[46];

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct pst_addr a;

		cr_assert_eq(pst_addr_from_str(cases[k].text, &a), 0);
		cr_assert_str_eq(pst_addr_to_str(&a, buf, sizeof(buf)), cases[k].back);
	}
}

Test(addr, ipv4_is_mapped_into_ipv6)
{
	static const uint8_t expected[16] = {[10] = 0xff, 0xff, 10, 0, 0, 1};
	struct pst_addr a;

	cr_assert_eq(pst_addr_from_str("10.0.0.1", &a), 0);
	cr_assert_eq(memcmp(a.b, expected, 16), 0);
}

Test(addr, what_is_no_address_is_refused_and_leaves_the_result_alone)
{
	static const char *const bad[] = {
		"",	 "10.0.0",    "10.0.0.256", "10.0.0.01", "10.0.0.1/32", "fd00::1%eth0",
		"::1::", " 10.0.0.1",
	};
	struct pst_addr a, before;

	memset(&a, 7, sizeof(a));
	before = a;
	for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++)
		cr_assert_lt(pst_addr_from_str(bad[k], &a), 0, "%s", bad[k]);
	cr_assert_eq(memcmp(&a, &before, sizeof(a)), 0);
}

Test(inventory, named_ports_of_containers_are_kept_in_lower_case)
{
	struct t_inventory i = t_inventory_parse(
		POD("p", "spec: {containers: [{ports: [{name: HTTP-Alt, containerPort: 8080},"
			 " {containerPort: 81}, {name: dns, containerPort: 53, protocol: UDP}]}],"
			 " initContainers: [{ports: [{name: side, containerPort: 15090}]}]}"));
	const struct pst_endpoint *ep;

	cr_assert_eq(pst_diags_count(i.diags), 0);
	cr_assert_eq(i.inv->n_endpoints, 1);
	ep = &i.inv->endpoints[0];
	cr_assert_eq(ep->n_ports, 3);
	cr_expect_str_eq(ep->ports[0].name, "http-alt");
	cr_expect_eq(ep->ports[0].port, 8080);
	cr_expect_eq(ep->ports[0].protocol, PST_PROTOCOL_TCP);
	cr_expect_eq(ep->ports[1].protocol, PST_PROTOCOL_UDP);
	cr_expect_str_eq(ep->ports[2].name, "side");
	t_inventory_free(&i);
}

Test(inventory, a_container_port_must_be_one)
{
	static const char *const bad[] = {
		"{name: a, containerPort: 65536}",
		"{name: a, containerPort: '80'}",
		"{name: a, containerPort: 80, protocol: tcp}",
		"{name: 5, containerPort: 80}",
	};

	for (size_t k = 0; k < sizeof(bad) / sizeof(*bad); k++) {
		struct t_inventory i;
		char text[256];

		snprintf(text, sizeof(text), POD("p", "spec: {containers: [{ports: [%s]}]}"),
			 bad[k]);
		i = t_inventory_parse(text);
		cr_expect_eq(pst_diags_errors(i.diags), 1, "%s", bad[k]);
		cr_expect_eq(i.inv->n_endpoints, 0);
		t_inventory_free(&i);
	}
}

static struct t_inventory with_mode(const char *mode)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{apiVersion: v1, kind: Pod, metadata: {name: p,"
		 " annotations: {other: x, postern.io/mode: %s}}}",
		 mode);
	return t_inventory_parse(text);
}

Test(inventory, a_pod_may_ask_for_the_proxy)
{
	struct t_inventory i = with_mode("proxy");

	cr_assert_eq(i.inv->n_endpoints, 1);
	cr_expect(i.inv->endpoints[0].proxied);
	t_inventory_free(&i);
	i = with_mode("kernel");
	cr_assert_eq(i.inv->n_endpoints, 1);
	cr_expect_not(i.inv->endpoints[0].proxied);
	t_inventory_free(&i);
}

Test(inventory, another_mode_is_refused_by_name)
{
	struct t_inventory i = with_mode("proxied");

	cr_expect_eq(i.inv->n_endpoints, 0);
	cr_assert_eq(pst_diags_errors(i.diags), 1);
	cr_expect_str_eq(pst_diags_at(i.diags, 0)->id, "mode-unknown");
	t_inventory_free(&i);
}
