// SPDX-License-Identifier: Apache-2.0
/* Checks that look at several rules, but for test_check_shadow.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "lint/tests/checked.h"

#define FROM_A	"fromEndpoints: [{matchLabels: {app: a}}]"
#define GET_X	T_HTTP_80("{path: /x}")
#define PORT_80 "toPorts: [{" T_ON_80 "}]"

static void expect(const char *text, const char *id, size_t n)
{
	cr_expect_eq(t_count(text, id), n, "%s, not %zu times: %s", id, n, text);
}

Test(check_sets, peers_and_http_rules_in_two_elements)
{
	expect(T_IN("{" FROM_A "}, {" GET_X "}"), "two-entries-or", 1);
	expect(T_IN("{" FROM_A ", " GET_X "}"), "two-entries-or", 0);
	expect(T_IN("{" FROM_A "}, {" PORT_80 "}"), "two-entries-or", 0);
	expect(T_IN("{" FROM_A ", " PORT_80 "}, {" GET_X "}"), "two-entries-or", 0);
	expect(T_IN("{fromEntities: [host]}, {" GET_X "}"), "two-entries-or", 0);
	expect(T_IN("{" FROM_A "}, {" FROM_A ", " GET_X "}"), "two-entries-or", 0);
	expect(T_CNP("{endpointSelector: {}, ingress: [{" FROM_A "}], egress: [{" GET_X "}]}"),
	       "two-entries-or", 0);
}

#define OFF(subject)                                                                             \
	"{endpointSelector: " subject ", enableDefaultDeny: {ingress: false}, ingress: [{" GET_X \
	"}]}"
#define OFF_ALL(subject)                                                                          \
	"{endpointSelector: " subject ", enableDefaultDeny: {ingress: false}, ingress: [{" FROM_A \
	"}]}"

Test(check_sets, http_rules_without_default_deny)
{
	expect(T_CNP(OFF("{}")), "default-deny-off", 1);
	expect(T_CNP(OFF("{}")) T_IN("{}"), "default-deny-off", 0);
	expect(T_CNP(OFF("{matchLabels: {app: b}}")) T_IN("{}"), "default-deny-off", 1);
	expect(T_CNP(OFF("{}")) T_OUT("{}"), "default-deny-off", 1);
	expect(T_CNP(OFF("{}")) T_CNP_IN("far", "{endpointSelector: {}, ingress: [{}]}"),
	       "default-deny-off", 1);
	expect(T_CNP(OFF("{}")) T_CCNP("{endpointSelector: {}, ingress: [{}]}"), "default-deny-off",
	       0);
	expect(T_CNP(OFF_ALL("{}")), "default-deny-off", 0);
	expect(T_IN("{" GET_X "}"), "default-deny-off", 0);
}

Test(check_sets, the_text_depends_on_what_the_version_does)
{
	struct pst_diags *now = t_check(T_CNP(OFF("{}")), 18);
	struct pst_diags *then = t_check(T_CNP(OFF("{}")), 17);

	cr_assert_eq(pst_diags_count(now), pst_diags_count(then));
	for (size_t i = 0; i < pst_diags_count(now); i++) {
		const struct pst_diag *a = pst_diags_at(now, i), *b = pst_diags_at(then, i);

		cr_expect_str_eq(a->id, b->id);
		if (!strcmp(a->id, "default-deny-off"))
			cr_expect_str_neq(a->message, b->message);
	}
	pst_diags_free(&now);
	pst_diags_free(&then);
}

#define NAME "{toFQDNs: [{matchName: a.example}]}"
#define DNS_ON(port)                                               \
	"{toEntities: [cluster], toPorts: [{ports: [{port: '" port \
	"', protocol: UDP}], rules: {dns: "                        \
	"[{matchPattern: '*.example'}]}}]}"

Test(check_sets, names_need_a_dns_rule_of_the_same_endpoints)
{
	expect(T_OUT(NAME), "fqdn-without-dns", 1);
	expect(T_OUT(NAME ", " DNS_ON("53")), "fqdn-without-dns", 0);
	expect(T_OUT(NAME) T_CNP("{endpointSelector: {}, egress: [" DNS_ON("53") "]}"),
	       "fqdn-without-dns", 0);
	expect(T_OUT(NAME) T_CCNP("{endpointSelector: {}, egress: [" DNS_ON("53") "]}"),
	       "fqdn-without-dns", 0);
	expect(T_CCNP("{endpointSelector: {}, egress: [" NAME "]}") T_OUT(DNS_ON("53")),
	       "fqdn-without-dns", 0);
	expect(T_OUT(NAME) T_CNP(
		       "{endpointSelector: {matchLabels: {app: b}}, egress: [" DNS_ON("53") "]}"),
	       "fqdn-without-dns", 1);
	expect(T_OUT(NAME) T_CNP_IN("far", "{endpointSelector: {}, egress: [" DNS_ON("53") "]}"),
	       "fqdn-without-dns", 1);
	expect(T_OUT(NAME ", {toEntities: [cluster]}"), "fqdn-without-dns", 1);
}

Test(check_sets, dns_servers_listen_on_53)
{
	expect(T_OUT(DNS_ON("53")), "dns-port", 0);
	expect(T_OUT(DNS_ON("5353")), "dns-port", 0);
	expect(T_OUT(DNS_ON("54")), "dns-port", 1);
}

static size_t count_in(const char *text, unsigned int minor, const char *id)
{
	struct pst_diags *diags = t_check(text, minor);
	size_t n = 0;

	for (size_t i = 0; i < pst_diags_count(diags); i++)
		n += !strcmp(pst_diags_at(diags, i)->id, id);
	pst_diags_free(&diags);
	return n;
}

#define RANGE(from, to) \
	"{" FROM_A ", toPorts: [{ports: [{port: '" from "', endPort: " to ", protocol: TCP}]}]}"

Test(check_sets, a_range_over_http_rules_is_a_matter_of_one_version)
{
	static const char over[] = T_IN("{" GET_X "}, " RANGE("70", "80"));
	static const char beside[] = T_IN("{" GET_X "}, " RANGE("81", "90"));

	cr_expect_eq(count_in(over, 16, "range-over-http"), 1);
	cr_expect_eq(count_in(over, 17, "range-over-http"), 0);
	cr_expect_eq(count_in(beside, 16, "range-over-http"), 0);
}

#define DENY(allow, deny) \
	T_CNP("{endpointSelector: {}, egress: [{toCIDR: [" allow "]}], egressDeny: [" deny "]}")

Test(check_sets, an_allowed_prefix_within_a_denied_one)
{
	static const char id[] = "cidr-in-denied-cidr";

	expect(DENY("192.0.2.0/25", "{toCIDR: [192.0.2.0/24]}"), id, 1);
	expect(DENY("192.0.2.0/24", "{toCIDR: [192.0.2.0/24]}"), id, 0);
	expect(DENY("192.0.2.0/24", "{toCIDR: [192.0.2.0/25]}"), id, 0);
	expect(DENY("192.0.2.0/25", "{toCIDRSet: [{cidr: 192.0.2.0/24, except: [192.0.2.0/25]}]}"),
	       id, 0);
	expect(DENY("192.0.2.0/25",
		    "{toCIDRSet: [{cidr: 192.0.2.0/24, except: [192.0.2.128/25]}]}"),
	       id, 1);
	expect(DENY("192.0.2.0/25", "{toCIDR: [198.51.100.0/24]}"), id, 0);
}
