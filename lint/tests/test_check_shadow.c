// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>

#include "lint/tests/checked.h"

#define FROM_A	   "fromEndpoints: [{matchLabels: {app: a}}]"
#define FROM_B	   "fromEndpoints: [{matchLabels: {app: b}}]"
#define GET_X	   "{method: GET|HEAD, path: /x}"
#define RESTRICTED "{" FROM_A ", " T_HTTP_80(GET_X) "}"
#define OPEN(port) "toPorts: [{ports: [" port "]}]"
#define OPEN_80	   OPEN("{port: '80', protocol: TCP}")
#define ALL(rule)  "{endpointSelector: {}, ingress: [" rule "]}"

static size_t shadowed(const char *text)
{
	return t_count(text, "http-shadowed");
}

Test(check_shadow, an_http_rule_alone_is_not_shadowed)
{
	cr_expect_eq(shadowed(T_IN(RESTRICTED)), 0);
}

Test(check_shadow, an_allow_of_all_ports_to_the_same_peers_shadows)
{
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {" FROM_A "}")), 1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {fromEntities: [all]}")), 1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {fromEndpoints: [{}]}")), 1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {" FROM_B "}")), 0);
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {fromEntities: [host, world]}")), 0);
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {}")), 0, "this allows nothing");
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {fromEndpoints: []}")), 0);
}

Test(check_shadow, an_allow_of_the_port_shadows_when_it_covers_number_and_protocol)
{
	static const struct {
		const char *text;
		size_t n;
	} cases[] = {
		{T_IN(RESTRICTED ", {" OPEN_80 "}"), 1},
		{T_IN(RESTRICTED ", {" OPEN("{port: '80'}") "}"), 1},
		{T_IN(RESTRICTED ", {" OPEN("{port: '0', protocol: TCP}") "}"), 1},
		{T_IN(RESTRICTED ", {" OPEN("{port: '79', endPort: 80, protocol: TCP}") "}"), 1},
		{T_IN(RESTRICTED ", {" OPEN("{port: '81', endPort: 90, protocol: TCP}") "}"), 0},
		{T_IN(RESTRICTED ", {" OPEN("{port: '80', protocol: UDP}") "}"), 0},
		{T_IN(RESTRICTED ", {" OPEN("{port: http, protocol: TCP}") "}"), 0},
		{T_IN(RESTRICTED ", {toPorts: [{}]}"), 0},
		{T_IN(RESTRICTED ", {icmps: [{fields: [{type: 8}]}]}"), 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_eq(shadowed(cases[i].text), cases[i].n, "%s", cases[i].text);
}

Test(check_shadow, a_list_that_matches_every_request_shadows_as_no_list_does)
{
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {" T_HTTP_80("{}") "}")), 1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {" T_HTTP_80("{path: '.*'}") "}")), 1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED ", {" T_HTTP_80("{path: '/.*'}") "}")), 0);
	cr_expect_eq(shadowed(T_IN("{" T_HTTP_80("{}") "}")), 0,
		     "this one restricts nothing itself");
	cr_expect_eq(shadowed(T_IN("{" T_HTTP_80(GET_X ", {}") "}")), 1, "its own list");
}

#define TO_A "{toEndpoints: [{matchLabels: {app: a}}], " T_HTTP_80(GET_X) "}, "

Test(check_shadow, what_restricts_in_another_way_does_not_shadow)
{
	cr_expect_eq(shadowed(T_OUT(TO_A "{toPorts: [{" T_ON_80 ", serverNames: [a.example]}]}")),
		     0);
	cr_expect_eq(shadowed(T_OUT(TO_A "{toPorts: [{" T_ON_80 "}]}")), 1);
}

Test(check_shadow, an_entry_of_the_same_rule_may_shadow)
{
	cr_expect_eq(shadowed(T_IN("{toPorts: [{" T_ON_80 ", rules: {http: [" GET_X "]}}, {" T_ON_80
				   "}]}")),
		     1);
}

Test(check_shadow, subjects_must_be_covered)
{
	cr_expect_eq(shadowed(T_IN(RESTRICTED) T_CNP(ALL("{" FROM_A "}"))), 1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED) T_CNP_IN("far", ALL("{fromEntities: [all]}"))), 0);
	cr_expect_eq(shadowed(T_CNP(ALL(RESTRICTED)) T_IN("{" FROM_A "}")), 0,
		     "only app=web is open");
	cr_expect_eq(shadowed(T_IN(RESTRICTED) T_CCNP(ALL("{fromEntities: [cluster]}"))), 1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED) T_CCNP(ALL("{fromEntities: [world]}"))), 0);
	cr_expect_eq(shadowed(T_IN(RESTRICTED) T_CCNP(
			     "{endpointSelector: {matchLabels: {app: web}}, ingress: "
			     "[{fromEntities: [all]}]}")),
		     1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED) T_CCNP(
			     "{endpointSelector: {matchLabels: {k8s:io.kubernetes.pod.namespace: "
			     "ns}}, ingress: [{fromEntities: [all]}]}")),
		     1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED) T_CCNP(
			     "{nodeSelector: {}, ingress: [{fromEntities: [all]}]}")),
		     0, "a host policy");
}

Test(check_shadow, a_selector_with_less_requirements_covers_one_with_more)
{
	static const char narrow[] = T_CNP(
		"{endpointSelector: {matchLabels: {app: web, tier: front}}, ingress: [" RESTRICTED
		", {fromEndpoints: [{matchExpressions: [{key: app, operator: In, values: [a, b]}]}]}]}");

	cr_expect_eq(shadowed(narrow), 1);
	cr_expect_eq(shadowed(T_CNP("{endpointSelector: {matchLabels: {app: web, tier: front}}, "
				    "ingress: [" RESTRICTED "]}") T_IN("{" FROM_A "}")),
		     1);
	cr_expect_eq(shadowed(T_IN(RESTRICTED) T_CNP(
			     "{endpointSelector: {matchLabels: {app: web, tier: front}}, "
			     "ingress: [{" FROM_A "}]}")),
		     0);
}

Test(check_shadow, directions_are_apart)
{
	cr_expect_eq(shadowed(T_IN(RESTRICTED) T_OUT("{toEntities: [all]}")), 0);
}

Test(check_shadow, addresses_are_covered_by_prefixes_and_by_the_world)
{
#define TO(cidr) "{toCIDR: [" cidr "], " T_HTTP_80(GET_X) "}"
	cr_expect_eq(shadowed(T_OUT(TO("192.0.2.0/25") ", {toCIDR: [192.0.2.0/24]}")), 1);
	cr_expect_eq(shadowed(T_OUT(TO("192.0.2.0/24") ", {toCIDR: [192.0.2.0/25]}")), 0);
	cr_expect_eq(shadowed(T_OUT(TO("192.0.2.0/24") ", {toCIDR: [192.0.2.0/24]}")), 1);
	cr_expect_eq(shadowed(T_OUT(TO("192.0.2.0/24") ", {toEntities: [world]}")), 1);
	cr_expect_eq(shadowed(T_OUT(TO("192.0.2.0/24") ", {toEntities: [cluster]}")), 0);
	cr_expect_eq(
		shadowed(T_OUT(TO(
			"192.0.2.0/25") ", {toCIDRSet: [{cidr: 192.0.2.0/24, except: [192.0.2.8/32]}]}")),
		0);
	cr_expect_eq(
		shadowed(T_OUT(TO(
			"192.0.2.0/25") ", {toCIDRSet: [{cidr: 192.0.2.0/24, except: [192.0.2.128/25]}]}")),
		1);
	cr_expect_eq(shadowed(T_OUT(TO("'::/1'") ", {toCIDR: [0.0.0.0/0]}")), 0);
#undef TO
}

Test(check_shadow, names_are_covered_by_themselves_and_by_the_world)
{
#define TO "{toFQDNs: [{matchName: a.example}], " T_HTTP_80(GET_X) "}"
	cr_expect_eq(shadowed(T_OUT(TO ", {toFQDNs: [{matchName: a.example}]}")), 1);
	cr_expect_eq(shadowed(T_OUT(TO ", {toFQDNs: [{matchName: b.example}]}")), 0);
	cr_expect_eq(shadowed(T_OUT(TO ", {toEntities: [world]}")), 1);
#undef TO
}

Test(check_shadow, allows_without_default_deny_count)
{
	cr_expect_eq(shadowed(T_IN(RESTRICTED)
				      T_CNP("{endpointSelector: {}, enableDefaultDeny: {ingress: "
					    "false}, ingress: [{" FROM_A "}]}")),
		     1);
}

Test(check_shadow, both_places_are_named)
{
	static const char text[] = T_IN(RESTRICTED) T_CCNP(ALL("{fromEntities: [all]}"));

	cr_expect_str_eq(t_marked(text, "http-shadowed"), "http");
	cr_expect_str_eq(t_note(text, "http-shadowed"),
			 "allowed here without HTTP or DNS rules, by policy c");
}

Test(check_shadow, dns_rules_are_shadowed_as_well)
{
#define DNS(pattern)                                                                       \
	"{toEntities: [cluster], toPorts: [{ports: [{port: '53', protocol: UDP}], rules: " \
	"{dns: [{matchPattern: '" pattern "'}]}}]}"
	cr_expect_eq(t_count(T_OUT(DNS("*.a.example") ", {toEntities: [cluster]}"), "dns-shadowed"),
		     1);
	cr_expect_eq(t_count(T_OUT(DNS("*.a.example") ", " DNS("*")), "dns-shadowed"), 1);
	cr_expect_eq(t_count(T_OUT(DNS("*.a.example") ", " DNS("*.b.example")), "dns-shadowed"), 0);
	cr_expect_eq(t_count(T_OUT(DNS("*") ", {toEntities: [cluster]}"), "dns-shadowed"), 0,
		     "it restricts nothing itself");
#undef DNS
}

static size_t denied(const char *text)
{
	return t_count(text, "allow-denied");
}

#define WITH_DENY(allow, deny)                                                 \
	T_CNP("{endpointSelector: {matchLabels: {app: web}}, ingress: [" allow \
	      "], ingressDeny: [" deny "]}")

Test(check_shadow, an_allow_that_a_deny_covers_is_found)
{
	cr_expect_eq(denied(WITH_DENY("{" FROM_A "}", "{fromEntities: [all]}")), 1);
	cr_expect_eq(denied(WITH_DENY("{" FROM_A "}", "{" FROM_A "}")), 1);
	cr_expect_eq(denied(WITH_DENY("{" FROM_A "}", "{" FROM_B "}")), 0);
	cr_expect_eq(denied(WITH_DENY("{fromEndpoints: [{}]}", "{" FROM_A "}")), 0);
	cr_expect_eq(denied(T_IN("{" FROM_A "}")
				    T_CCNP("{endpointSelector: {}, ingressDeny: [{fromEntities: "
					   "[all]}]}")),
		     1);
}

Test(check_shadow, a_deny_of_some_ports_cancels_an_allow_of_these_only)
{
	cr_expect_eq(denied(WITH_DENY("{" FROM_A "}", "{" OPEN_80 "}")), 0);
	cr_expect_eq(denied(WITH_DENY("{" FROM_A ", " OPEN_80 "}", "{" OPEN_80 "}")), 1);
	cr_expect_eq(denied(WITH_DENY("{" FROM_A ", " OPEN("{port: '80', protocol: TCP}, {port: "
							   "'81', protocol: TCP}") "}",
				      "{" OPEN_80 "}")),
		     0);
	cr_expect_eq(denied(WITH_DENY("{" FROM_A ", " OPEN_80 "}", "{toPorts: [{}]}")), 0);
	cr_expect_eq(
		denied(WITH_DENY("{" FROM_A ", icmps: [{fields: [{type: 8}]}]}", "{" OPEN_80 "}")),
		0);
	cr_expect_eq(
		denied(WITH_DENY("{" FROM_A ", icmps: [{fields: [{type: 8}]}]}", "{" FROM_A "}")),
		1);
}
