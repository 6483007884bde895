// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <string.h>

#include "lint/cover.h"

static struct pst_port port(const char *name, uint16_t first, uint16_t last,
			    enum pst_protocol protocol)
{
	return (struct pst_port){
		.name = {.s = name, .len = name ? strlen(name) : 0},
		.port = first,
		.end_port = last,
		.protocol = protocol,
	};
}

#define TCP PST_PROTOCOL_TCP
#define UDP PST_PROTOCOL_UDP
#define ANY PST_PROTOCOL_ANY

static const struct {
	const char *a_name;
	uint16_t a_first, a_last;
	enum pst_protocol a_protocol;
	const char *b_name;
	uint16_t b_first, b_last;
	enum pst_protocol b_protocol;
	bool covers, overlap;
} ports[] = {
	{NULL, 80, 80, TCP, NULL, 80, 80, TCP, true, true},
	{NULL, 80, 80, TCP, NULL, 81, 81, TCP, false, false},
	{NULL, 80, 80, TCP, NULL, 80, 80, UDP, false, false},
	{NULL, 80, 80, ANY, NULL, 80, 80, UDP, true, true},
	{NULL, 80, 80, TCP, NULL, 80, 80, ANY, false, true},
	{NULL, 80, 80, ANY, NULL, 80, 80, PST_PROTOCOL_GRE, false, false},
	{NULL, 80, 90, TCP, NULL, 80, 90, TCP, true, true},
	{NULL, 80, 90, TCP, NULL, 80, 91, TCP, false, true},
	{NULL, 80, 90, TCP, NULL, 79, 90, TCP, false, true},
	{NULL, 80, 90, TCP, NULL, 90, 99, TCP, false, true},
	{NULL, 80, 90, TCP, NULL, 91, 99, TCP, false, false},
	{NULL, 80, 90, TCP, NULL, 70, 80, TCP, false, true},
	{NULL, 80, 90, TCP, NULL, 70, 79, TCP, false, false},
	{NULL, 0, 0, TCP, NULL, 80, 80, TCP, true, true},
	{NULL, 0, 0, TCP, "web", 0, 0, TCP, true, true},
	{NULL, 80, 80, TCP, NULL, 0, 0, TCP, false, true},
	{NULL, 1, 65535, TCP, NULL, 0, 0, TCP, true, true},
	{NULL, 1, 65534, TCP, NULL, 0, 0, TCP, false, true},
	{NULL, 2, 65535, TCP, NULL, 0, 0, TCP, false, true},
	{"web", 0, 0, TCP, "web", 0, 0, TCP, true, true},
	{"web", 0, 0, TCP, "api", 0, 0, TCP, false, false},
	{"web", 0, 0, TCP, NULL, 80, 80, TCP, false, false},
	{NULL, 1, 65534, TCP, "web", 0, 0, TCP, false, false},
	{"web", 0, 0, TCP, NULL, 0, 0, TCP, false, true},
};

Test(cover, ports)
{
	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		const struct pst_port a = port(ports[i].a_name, ports[i].a_first, ports[i].a_last,
					       ports[i].a_protocol);
		const struct pst_port b = port(ports[i].b_name, ports[i].b_first, ports[i].b_last,
					       ports[i].b_protocol);

		cr_expect_eq(pst_cover_port(&a, &b), ports[i].covers, "row %zu", i);
		cr_expect_eq(pst_ports_overlap(&a, &b), ports[i].overlap, "row %zu", i);
		cr_expect_eq(pst_ports_overlap(&b, &a), ports[i].overlap, "row %zu, turned", i);
	}
}

static struct pst_prefix prefix(uint8_t first, uint8_t second, uint8_t len)
{
	return (struct pst_prefix){.addr = {first, second}, .len = len};
}

Test(cover, prefixes)
{
	const struct pst_prefix everything = prefix(0, 0, 0), byte = prefix(0x20, 0, 8),
				odd = prefix(0x20, 0x80, 9), other = prefix(0x21, 0, 8),
				low = prefix(0x20, 0x40, 10);
	struct pst_prefix v4 = odd;

	v4.is_v4 = true;
	cr_expect(pst_cover_prefix(&everything, &byte));
	cr_expect(pst_cover_prefix(&byte, &byte));
	cr_expect(pst_cover_prefix(&byte, &odd));
	cr_expect_not(pst_cover_prefix(&odd, &byte));
	cr_expect_not(pst_cover_prefix(&byte, &other));
	cr_expect_not(pst_cover_prefix(&odd, &low), "the last bit differs");
	cr_expect_not(pst_cover_prefix(&byte, &v4), "IPv4 is not part of IPv6");
}

static bool covers(const struct pst_selector *outer, const struct pst_selector *inner)
{
	const struct pst_rule a = {
		.peer_kind = PST_PEER_SELECTORS,
		.peers = (struct pst_selector *)outer,
		.n_peers = 1,
	};
	const struct pst_rule b = {
		.peer_kind = PST_PEER_SELECTORS,
		.peers = (struct pst_selector *)inner,
		.n_peers = 1,
	};

	return pst_cover_peers(&a, &b);
}

#define CLUSTER	  "io.cilium.k8s.policy.cluster"
#define NAMESPACE "io.kubernetes.pod.namespace"

/* Pods are of the own cluster unless they say otherwise. */
Test(cover, the_pods_of_the_own_cluster)
{
	const char *own[] = {"default"}, *far[] = {"far"}, *ns[] = {"ns"};
	struct pst_requirement of_own = {.source = "k8s", .key = CLUSTER, .op = PST_LABEL_IN};
	struct pst_requirement in_ns = {.source = "k8s", .key = NAMESPACE, .op = PST_LABEL_IN};
	struct pst_requirement both[2], app = {.source = "k8s", .key = "app"};
	struct pst_selector cluster = {.reqs = &of_own, .n_reqs = 1};
	struct pst_selector pods = {.reqs = &in_ns, .n_reqs = 1};

	of_own.values = own;
	of_own.n_values = 1;
	in_ns.values = ns;
	in_ns.n_values = 1;
	cr_expect(covers(&cluster, &pods));
	cr_expect_not(covers(&pods, &cluster));
	of_own.values = far;
	cr_expect_not(covers(&cluster, &pods));
	of_own.op = PST_LABEL_EXISTS;
	of_own.n_values = 0;
	cr_expect(covers(&cluster, &pods));
	of_own.op = PST_LABEL_DOES_NOT_EXIST;
	cr_expect_not(covers(&cluster, &pods));

	of_own = (struct pst_requirement){
		.source = "k8s", .key = CLUSTER, .op = PST_LABEL_IN, .values = own, .n_values = 1};
	both[0] = in_ns;
	both[1] = of_own;
	both[1].values = far;
	pods = (struct pst_selector){.reqs = both, .n_reqs = 2};
	cr_expect_not(covers(&cluster, &pods), "pods of another cluster");

	app.op = PST_LABEL_EXISTS;
	pods = (struct pst_selector){.reqs = &app, .n_reqs = 1};
	cr_expect_not(covers(&cluster, &pods), "not only pods have labels");
}

Test(cover, services_and_groups_are_covered_by_everybody_only)
{
	struct pst_service_peer service = {.name = {.s = "a", .len = 1}};
	struct pst_group_peer group = {.n_conditions = 1};
	struct pst_selector everybody = {0};
	struct pst_requirement world = {
		.source = "reserved", .key = "world", .op = PST_LABEL_EXISTS};
	struct pst_selector outside = {.reqs = &world, .n_reqs = 1};
	const struct pst_rule to_service = {
		.peer_kind = PST_PEER_SELECTORS, .services = &service, .n_services = 1};
	const struct pst_rule to_group = {
		.peer_kind = PST_PEER_SELECTORS, .groups = &group, .n_groups = 1};
	struct pst_rule outer = {
		.peer_kind = PST_PEER_SELECTORS, .peers = &everybody, .n_peers = 1};

	cr_expect(pst_cover_peers(&outer, &to_service));
	cr_expect(pst_cover_peers(&outer, &to_group));
	cr_expect_not(pst_cover_peers(&to_service, &to_service));
	cr_expect_not(pst_cover_peers(&to_group, &to_group));
	outer.peers = &outside;
	cr_expect_not(pst_cover_peers(&outer, &to_service), "it may stand for pods");
	cr_expect(pst_cover_peers(&outer, &to_group), "it stands for addresses outside");
}

Test(cover, nodes_are_no_endpoints)
{
	struct pst_selector everybody = {0};
	struct pst_rule nodes = {.peer_kind = PST_PEER_SELECTORS,
				 .member = PST_MEMBER_NODES,
				 .peers = &everybody,
				 .n_peers = 1};
	struct pst_requirement app = {.source = "any", .key = "app", .op = PST_LABEL_EXISTS};
	struct pst_selector with_app = {.reqs = &app, .n_reqs = 1};
	const struct pst_rule endpoints = {.peer_kind = PST_PEER_SELECTORS,
					   .member = PST_MEMBER_ENDPOINTS,
					   .peers = &with_app,
					   .n_peers = 1};

	cr_expect_not(pst_cover_peers(&nodes, &endpoints));
	cr_expect(pst_cover_peers(&nodes, &nodes));
}
