// SPDX-License-Identifier: Apache-2.0
/* Prefixes, nodes, named ports and ICMP types as peers and ports, one rule at a time. */
#include "compiler/judge.h"
#include "compiler/prefix.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>

static bool contains(const char *outer, const char *inner)
{
	const struct pst_prefix o = model_prefix(outer), i = model_prefix(inner);

	return pst_prefix_contains(&o, &i);
}

Test(prefix, it_contains_itself_and_what_is_longer_but_nothing_shorter_or_beside_it)
{
	cr_assert(contains("10.0.0.0/8", "10.0.0.0/8"));
	cr_assert(contains("10.0.0.0/8", "10.255.255.255/32"));
	cr_assert_not(contains("10.0.0.0/8", "10.0.0.0/7"));
	cr_assert_not(contains("10.0.0.0/8", "11.0.0.0/8"));
	cr_assert_not(contains("192.0.2.128/25", "192.0.2.127/32"));
	cr_assert(contains("2001:db8::/33", "2001:db8:7fff::/48"));
	cr_assert_not(contains("2001:db8::/33", "2001:db8:8000::/48"));
}

Test(prefix, everything_of_one_family_is_nothing_of_the_other)
{
	cr_assert(contains("0.0.0.0/0", "255.255.255.255/32"));
	cr_assert(contains("::/0", "2001:db8::/32"));
	cr_assert_not(contains("::/0", "10.0.0.0/8"));
	cr_assert_not(contains("::/0", "0.0.0.0/0"));
	cr_assert_not(contains("0.0.0.0/0", "::/0"));
}

static struct model m;
static struct pst_diags *diags;
static struct pst_bundle *b;
static struct pst_spec *web;

static void setup(void)
{
	model_init(&m);
	diags = pst_diags_new();
	b = NULL;
	model_endpoint(&m, "web", "k8s:app=web", "10.0.0.1");
	model_named_port(&m, "http", PST_PROTOCOL_TCP, 8080);
	model_endpoint(&m, "db", "k8s:app=db", "10.0.0.2");
	model_named_port(&m, "http", PST_PROTOCOL_TCP, 80);
	model_endpoint(&m, "db2", "k8s:app=db", "10.0.0.3");
	model_named_port(&m, "http", PST_PROTOCOL_TCP, 81);
	model_node(&m, "node", "node:zone=a", "10.0.1.1");
	web = model_policy(&m, "p", "k8s:app=web");
}

static void teardown(void)
{
	pst_bundle_free(&b);
	pst_diags_free(&diags);
	model_fini(&m);
}

/* May the pod web reach (egress) or be reached by (ingress) PEER? */
static bool passes(enum pst_dir direction, const char *peer, uint8_t protocol, uint16_t port)
{
	struct pst_l4_query q = {.direction = direction, .protocol = protocol, .port = port};
	struct pst_addr addr;

	if (!b)
		b = model_compile(&m, diags);
	cr_assert_eq(pst_addr_from_str("10.0.0.1", &addr), 0);
	q.subject = pst_judge_addr(b, addr.b);
	cr_assert_eq(pst_addr_from_str(peer, &addr), 0);
	q.peer = pst_judge_addr(b, addr.b).identity;
	return pst_judge_l4(b, &q).verdict == PST_VERDICT_ALLOW;
}

static bool reaches(const char *peer, uint8_t protocol, uint16_t port)
{
	return passes(PST_DIR_EGRESS, peer, protocol, port);
}

static struct pst_rule *egress(bool deny)
{
	return model_rule(&m, web, PST_DIRECTION_EGRESS, deny);
}

TestSuite(peers, .init = setup, .fini = teardown);

Test(peers, a_prefix_selects_addresses_outside_but_no_pod_and_no_node)
{
	model_cidr(&m, egress(false), "10.0.0.0/8", NULL);
	cr_assert(reaches("10.0.0.0", 6, 1));
	cr_assert(reaches("10.255.255.255", 17, 1));
	cr_assert_not(reaches("11.0.0.0", 6, 1));
	cr_assert_not(reaches("10.0.0.2", 6, 1), "a pod");
	cr_assert_not(reaches("10.0.1.1", 6, 1), "a node");
}

Test(peers, a_prefix_that_is_a_pods_address_does_not_select_the_pod)
{
	model_cidr(&m, egress(false), "10.0.0.2/32", NULL);
	cr_assert_not(reaches("10.0.0.2", 6, 80));
}

Test(peers, an_exception_is_cut_out_and_ends_where_it_says)
{
	model_cidr(&m, egress(false), "192.0.2.0/24", "192.0.2.128/25");
	cr_assert(reaches("192.0.2.127", 6, 80));
	cr_assert_not(reaches("192.0.2.128", 6, 80));
	cr_assert_not(reaches("192.0.2.255", 6, 80));
	cr_assert_not(reaches("192.0.3.0", 6, 80));
}

Test(peers, all_of_ipv6_is_not_ipv4_and_the_other_way_round)
{
	model_cidr(&m, egress(false), "::/0", NULL);
	cr_assert(reaches("2001:db8::1", 6, 80));
	cr_assert_not(reaches("192.0.2.1", 6, 80));
	pst_bundle_free(&b);
	web->n_rules = 0;
	model_cidr(&m, egress(false), "0.0.0.0/0", NULL);
	cr_assert_not(reaches("2001:db8::1", 6, 80));
	cr_assert(reaches("192.0.2.1", 6, 80));
}

/* As Cilium has it: an IPv6 prefix, and no packet of IPv6 has such an address. */
Test(peers, a_prefix_of_ipv6_that_looks_like_ipv4_is_nobody)
{
	model_cidr(&m, egress(false), "::ffff:192.0.2.0/120", NULL);
	cr_assert_not(reaches("192.0.2.1", 6, 80));
	cr_assert_not(reaches("2001:db8::1", 6, 80));
}

Test(peers, a_prefix_that_looks_like_another_does_not_take_its_addresses_out_of_a_deny_rule)
{
	model_cidr(&m, egress(false), "::ffff:192.0.2.0/120", NULL);
	model_cidr(&m, egress(false), "0.0.0.0/0", NULL);
	model_cidr(&m, egress(true), "192.0.2.0/24", NULL);
	cr_assert_not(reaches("192.0.2.1", 6, 80));
	cr_assert(reaches("192.0.3.1", 6, 80));
}

Test(peers, the_world_covers_every_prefix_that_another_rule_names)
{
	model_peer(&m, egress(false), "reserved:world");
	model_cidr(&m, egress(true), "192.0.2.0/24", "192.0.2.128/25");
	cr_assert(reaches("198.51.100.1", 6, 80));
	cr_assert(reaches("192.0.2.200", 6, 80), "in the exception of a deny rule");
	cr_assert_not(reaches("192.0.2.1", 6, 80));
	cr_assert_not(reaches("10.0.0.2", 6, 80), "a pod");
}

static void name_port(struct pst_rule *rule, enum pst_protocol protocol)
{
	struct pst_port *p = &model_port(&m, rule, protocol, 0, 0)->ports[0];

	p->name = (struct pst_text){.s = "http", .len = 4};
}

Test(peers, a_named_port_of_egress_is_each_peers_own)
{
	struct pst_rule *rule = egress(false);

	model_peer(&m, rule, "k8s:app=db");
	name_port(rule, PST_PROTOCOL_ANY);
	cr_assert(reaches("10.0.0.2", 6, 80));
	cr_assert_not(reaches("10.0.0.2", 6, 81));
	cr_assert(reaches("10.0.0.3", 6, 81));
	cr_assert_not(reaches("10.0.0.3", 6, 80));
	cr_assert_not(reaches("10.0.0.2", 17, 80), "the container's port is of TCP");
	cr_assert_not(reaches("192.0.2.1", 6, 80), "nobody outside has named ports");
}

Test(peers, a_named_port_of_ingress_is_the_subjects)
{
	name_port(model_rule(&m, web, PST_DIRECTION_INGRESS, false), PST_PROTOCOL_TCP);
	cr_assert(passes(PST_DIR_INGRESS, "10.0.0.2", 6, 8080));
	cr_assert_not(passes(PST_DIR_INGRESS, "10.0.0.2", 6, 80));
}

Test(peers, any_protocol_is_the_three_with_ports)
{
	model_port(&m, egress(false), PST_PROTOCOL_ANY, 0, 0);
	cr_assert(reaches("192.0.2.1", 6, 1));
	cr_assert(reaches("192.0.2.1", 17, 65535));
	cr_assert(reaches("192.0.2.1", 132, 1));
	cr_assert_not(reaches("192.0.2.1", 1, 8));
	cr_assert_not(reaches("192.0.2.1", 47, 0));
}

Test(peers, an_icmp_type_is_of_one_family_and_no_port)
{
	model_icmp(&m, egress(false), false, 8);
	cr_assert(reaches("192.0.2.1", 1, 8));
	cr_assert_not(reaches("192.0.2.1", 1, 13));
	cr_assert_not(reaches("192.0.2.1", 58, 8));
	cr_assert_not(reaches("192.0.2.1", 6, 8));
}

Test(peers, a_group_is_its_prefixes_without_the_exceptions)
{
	model_group(&m, "partners", "cidrgroup:zone=eu", "192.0.2.0/24");
	model_group(&m, "others", "cidrgroup:zone=us", "198.51.100.0/24");
	model_to_group(&m, egress(false), "partners", NULL, "192.0.2.128/25");
	cr_assert(reaches("192.0.2.127", 6, 80));
	cr_assert_not(reaches("192.0.2.128", 6, 80));
	cr_assert_not(reaches("198.51.100.1", 6, 80));
	pst_bundle_free(&b);
	web->n_rules = 0;
	model_to_group(&m, egress(false), NULL, "any:zone=us", NULL);
	cr_assert(reaches("198.51.100.1", 6, 80));
	cr_assert_not(reaches("192.0.2.1", 6, 80));
}

Test(peers, a_group_that_nobody_has_is_nobody_or_if_denied_everything_outside)
{
	model_to_group(&m, egress(false), "forgotten", NULL, NULL);
	cr_assert_not(reaches("192.0.2.1", 6, 80));
	cr_assert_eq(pst_diags_count(diags), 1);
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "cidr-group-unknown");
	pst_bundle_free(&b);
	web->n_rules = 0;
	model_peer(&m, egress(false), "");
	model_to_group(&m, egress(true), "forgotten", NULL, "192.0.2.0/24");
	cr_assert_not(reaches("192.0.2.1", 6, 80));
	cr_assert_not(reaches("198.51.100.1", 6, 80));
	cr_assert(reaches("10.0.0.2", 6, 80), "a pod");
}

Test(peers, a_service_that_nobody_has_is_nobody_or_if_denied_everybody)
{
	model_to_service(&m, egress(false), "forgotten");
	cr_assert_not(reaches("10.0.0.2", 6, 80));
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "service-unknown");
	pst_bundle_free(&b);
	web->n_rules = 0;
	model_peer(&m, egress(false), "");
	cr_assert(reaches("10.0.0.2", 6, 80));
	pst_bundle_free(&b);
	model_to_service(&m, egress(true), "forgotten");
	cr_assert_not(reaches("10.0.0.2", 6, 80));
	cr_assert_not(reaches("192.0.2.1", 6, 80));
}

Test(peers, a_name_is_the_addresses_that_the_inventory_gives_it)
{
	model_name(&m, "api.example.com", "192.0.2.1");
	model_name(&m, "www.example.com", "10.0.0.2");
	model_fqdn(&m, egress(false), NULL, "*.example.com");
	cr_assert(reaches("192.0.2.1", 6, 80));
	cr_assert_not(reaches("192.0.2.2", 6, 80));
	cr_assert_not(reaches("10.0.0.2", 6, 80), "a pod, whatever its name");
	cr_assert_eq(pst_diags_count(diags), 0);
	pst_bundle_free(&b);
	model_fqdn(&m, egress(false), "other.example.com", NULL);
	cr_assert_not(reaches("192.0.2.2", 6, 80));
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "name-unknown");
}

Test(peers, what_wants_authentication_is_denied_whatever_else_allows_it)
{
	struct pst_rule *rule = egress(false);

	model_peer(&m, egress(false), "");
	model_peer(&m, rule, "k8s:app=db");
	model_port(&m, rule, PST_PROTOCOL_TCP, 80, 0);
	rule->auth = PST_AUTH_REQUIRED;
	cr_assert_not(reaches("10.0.0.2", 6, 80));
	cr_assert(reaches("10.0.0.2", 6, 81));
	cr_assert(reaches("192.0.2.1", 6, 80));
	pst_bundle_free(&b);
	rule->auth = PST_AUTH_DISABLED;
	cr_assert(reaches("10.0.0.2", 6, 80));
}

Test(peers, the_api_server_is_known_by_its_addresses_on_a_node_and_outside)
{
	model_service(&m, "kubernetes", "", "192.0.2.1");
	model_backend(&m, "10.0.1.1");
	model_peer(&m, egress(false), "reserved:kube-apiserver");
	cr_assert(reaches("192.0.2.1", 6, 443));
	cr_assert(reaches("10.0.1.1", 6, 443), "the node");
	cr_assert_not(reaches("192.0.2.2", 6, 443));
	cr_assert_not(reaches("10.0.0.2", 6, 443));
	pst_bundle_free(&b);
	web->n_rules = 0;
	model_cidr(&m, egress(false), "192.0.2.0/24", NULL);
	cr_assert(reaches("192.0.2.1", 6, 443), "it is outside all the same");
}
