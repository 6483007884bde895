// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_port.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "policy/tests/verdict.h"

#define CASES(v)    (v), sizeof(v) / sizeof(*(v))
#define PORTS(v)    "{toPorts: [{ports: [" v "]}]}"
#define TEN(v)	    v "," v "," v "," v "," v "," v "," v "," v "," v "," v
#define FORTY(v)    TEN(v) "," TEN(v) "," TEN(v) "," TEN(v)
#define ON_80(v)    "{toPorts: [{ports: [{port: '80', protocol: TCP}], " v "}]}"
#define CONFIG	    "envoyConfig: {name: c}"
#define LISTENER(v) ON_80("listener: {" v "}")

static const struct t_reading t_lint = {.lint = true};
static const struct t_reading t_enforce = {0};
static const struct t_reading t_extended = {
	.lint = true,
	.features = PST_FEATURE_EXTENDED_IP_PROTOCOLS,
};

/* The same verdict in each section and whoever asks. */
static const struct t_case numbers[] = {
	{PORTS("{port: '0'}"), ""},
	{PORTS("{port: '1'}"), ""},
	{PORTS("{port: '65535'}"), ""},
	{PORTS("{port: '65536'}"), "port-range"},
	{PORTS("{port: '010'}"), "~port-octal"},
	{PORTS("{port: '080'}"), "port-invalid"},
	{PORTS("{port: '-1'}"), "port-invalid"},
	{PORTS("{port: '1-2'}"), "port-invalid"},
	{PORTS("{port: 80}"), "type-mismatch"},
	{PORTS("{port: ''}"), "port-missing"},
	{PORTS("{port: null}"), "port-missing"},
	{PORTS("{protocol: TCP}"), "port-missing"},
	{PORTS("{}"), "port-missing"},
	{PORTS("{port: '80', endPort: 81}"), ""},
	{PORTS("{port: '80', endPort: 80}"), ""},
	{PORTS("{port: '80', endPort: 79}"), "~end-port-ignored"},
	{PORTS("{port: '80', endPort: 65535}"), ""},
	{PORTS("{port: '80', endPort: 65536}"), "number-invalid"},
	{PORTS("{port: '0', endPort: 1}"), "end-port-without-port"},
	{PORTS("{port: '80', protocol: TCP}, {port: '80', protocol: UDP}, {port: '80', protocol: "
	       "SCTP}, {port: '80', protocol: ANY}"),
	 ""},
	{PORTS("{port: '80', protocol: tcp}"), "unknown-protocol"},
	{PORTS("{port: '80', protocol: ''}"), "unknown-protocol"},
	{PORTS("{port: '80', protocol: ICMP}"), "unknown-protocol"},
	{PORTS(FORTY("{port: '80'}")), ""},
	{PORTS(FORTY("{port: '80'}") ", {port: '81'}"), "too-many-ports"},
	{"{toPorts: [{ports: []}]}", "~ports-missing"},
	{"{toPorts: [{}]}", "~ports-missing"},
};

Test(cnp_port, numbers_and_protocols_are_checked_alike_whoever_asks)
{
	static const char *const sections[] = {"ingress", "egress", "ingressDeny", "egressDeny"};

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		t_ids_are(&t_lint, sections[i], CASES(numbers));
		t_ids_are(&t_enforce, sections[i], CASES(numbers));
	}
}

Test(cnp_port, a_name_is_one_of_at_most_15_characters_with_a_letter)
{
	static const struct t_case cases[] = {
		{PORTS("{port: http}"), ""},
		{PORTS("{port: HTTP-8080}"), ""},
		{PORTS("{port: a12345678901234}"), ""},
		{PORTS("{port: a123456789012345}"), "port-invalid"},
		{PORTS("{port: '0x10'}"), ""},
		{PORTS("{port: '-a'}"), "port-invalid"},
		{PORTS("{port: 'a-'}"), "port-invalid"},
		{PORTS("{port: 'a--b'}"), "port-invalid"},
		{PORTS("{port: 'a_b'}"), "port-invalid"},
		{PORTS("{port: a, endPort: 80}"), "~end-port-ignored"},
		{PORTS("{port: a, endPort: 0}"), "~end-port-ignored"},
	};

	t_ids_are(&t_lint, "ingress", CASES(cases));
	t_ids_are(&t_lint, "egressDeny", CASES(cases));
	t_ids_are(&t_enforce, "ingress", CASES(cases));
}

Test(cnp_port, protocols_without_ports_need_1_20_and_an_option)
{
	static const struct t_reading before = {
		.minor = 19, .lint = true, .features = PST_FEATURE_EXTENDED_IP_PROTOCOLS};
	static const char *const names[] = {"VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"};
	char rule[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(rule, sizeof(rule), PORTS("{port: '0', protocol: %s}"), names[i]);
		cr_expect_str_eq(t_ids(&t_lint, "ingress", rule), "extended-protocol");
		cr_expect_str_eq(t_ids(&before, "ingress", rule), "unknown-protocol");
		cr_expect_str_eq(t_ids(&t_extended, "ingress", rule), "");
	}
}

Test(cnp_port, with_that_option_a_port_may_be_missing)
{
	static const struct t_case cases[] = {
		{PORTS("{protocol: GRE}"), ""},
		{PORTS("{port: '', protocol: GRE}"), ""},
		{PORTS("{port: '00', protocol: GRE}"), "~port-octal protocol-with-port"},
		{PORTS("{port: '80', protocol: GRE}"), "protocol-with-port"},
		{PORTS("{port: a, protocol: GRE}"), ""},
		{PORTS("{protocol: TCP}"), ""},
		{PORTS("{}"), ""},
	};
	static const struct t_reading before = {
		.minor = 19, .lint = true, .features = PST_FEATURE_EXTENDED_IP_PROTOCOLS};

	t_ids_are(&t_extended, "ingress", CASES(cases));
	cr_assert_str_eq(t_ids(&before, "ingress", PORTS("{}")), "port-missing");
}

Test(cnp_port, a_deny_rule_knows_ports_only)
{
	static const struct t_case cases[] = {
		{ON_80("rules: {}"), "http-in-deny"},
		{ON_80("terminatingTLS: {}"), "not-in-deny"},
		{ON_80("originatingTLS: {}"), "not-in-deny"},
		{ON_80("serverNames: [a]"), "not-in-deny"},
		{ON_80("listener: {}"), "not-in-deny"},
	};

	t_ids_are(&t_lint, "ingressDeny", CASES(cases));
	t_ids_are(&t_enforce, "egressDeny", CASES(cases));
}

Test(cnp_port, a_tls_context_needs_a_secret_with_a_name)
{
	static const struct t_case cases[] = {
		{ON_80("terminatingTLS: {secret: {name: a}}"), "~unsupported-tls"},
		{ON_80("originatingTLS: {secret: {namespace: ns, name: a}, trustedCA: a, "
		       "certificate: b, privateKey: c}"),
		 "~unsupported-tls"},
		{ON_80("terminatingTLS: {}"), "tls-secret-missing"},
		{ON_80("originatingTLS: {trustedCA: a}"), "tls-secret-missing"},
		{ON_80("terminatingTLS: {secret: {}}"), "secret-name-missing"},
		{ON_80("terminatingTLS: {secret: {name: ''}}"), "secret-name-missing"},
		{ON_80("terminatingTLS: {secret: {name: a}, key: b}"), "unknown-field"},
		{ON_80("terminatingTLS: {secret: {name: 1}}"), "type-mismatch"},
		{ON_80("terminatingTLS: {secret: {name: a}, trustedCA: 1}"), "type-mismatch"},
	};

	t_ids_are(&t_lint, "egress", CASES(cases));
	cr_assert_str_eq(t_ids(&t_enforce, "egress", cases[0].rule), "unsupported-tls");
}

Test(cnp_port, server_names_are_names_with_wildcards_from_1_18_on)
{
	static const struct t_case now[] = {
		{ON_80("serverNames: [a.example.com]"), "~unsupported-server-names"},
		{ON_80("serverNames: ['*.example.com', '**.example.com', '*']"),
		 "~unsupported-server-names"},
		{ON_80("serverNames: []"), "server-names-empty"},
		{ON_80("serverNames: ['']"), "server-name-invalid"},
		{ON_80("serverNames: ['a..b']"), "server-name-invalid"},
		{ON_80("serverNames: ['a/b']"), "server-name-invalid"},
		{ON_80("serverNames: a"), "type-mismatch"},
		{ON_80("serverNames: [a], rules: {http: [{}]}"),
		 "server-names-need-tls ~unsupported-server-names"},
		{ON_80("serverNames: [a], rules: {http: []}"),
		 "~http-empty ~unsupported-server-names"},
		{ON_80("serverNames: [a], terminatingTLS: {secret: {name: s}}, rules: {http: "
		       "[{}]}"),
		 "~unsupported-tls ~unsupported-server-names"},
		{ON_80("serverNames: [a], originatingTLS: {secret: {name: s}}, rules: {http: "
		       "[{}]}"),
		 "server-names-need-tls ~unsupported-tls ~unsupported-server-names"},
	};
	static const struct t_case before[] = {
		{ON_80("serverNames: [a]"), "~unsupported-server-names"},
		{ON_80("serverNames: ['*.a']"), "~server-name-wildcard ~unsupported-server-names"},
		{ON_80("serverNames: ['a/b']"), "~unsupported-server-names"},
		{ON_80("serverNames: ['']"), "server-name-invalid"},
	};
	static const struct t_reading v18 = {.minor = 18, .lint = true};
	static const struct t_reading v17 = {.minor = 17, .lint = true};

	t_ids_are(&t_lint, "egress", CASES(now));
	t_ids_are(&v18, "ingress", CASES(now));
	t_ids_are(&v17, "egress", CASES(before));
	cr_assert_str_eq(t_ids(&t_enforce, "egress", now[0].rule), "unsupported-server-names");
}

Test(cnp_port, a_listener_has_a_config_and_a_name_and_stands_in_egress)
{
	static const struct t_case cases[] = {
		{LISTENER(CONFIG ", name: l"), "~unsupported-listener"},
		{LISTENER(CONFIG ", name: l, priority: 1"), "~unsupported-listener"},
		{LISTENER(CONFIG ", name: l, priority: 100"), "~unsupported-listener"},
		{LISTENER(CONFIG ", name: l, priority: 0"), "listener-priority"},
		{LISTENER(CONFIG ", name: l, priority: 101"), "listener-priority"},
		{LISTENER(CONFIG), "missing-field"},
		{LISTENER(CONFIG ", name: ''"), "listener-name-missing"},
		{LISTENER("name: l"), "missing-field"},
		{LISTENER("envoyConfig: {}, name: l"), "missing-field"},
		{LISTENER("envoyConfig: {name: ''}, name: l"), "listener-name-missing"},
		{LISTENER("envoyConfig: {kind: CiliumEnvoyConfig, name: c}, name: l"),
		 "~unsupported-listener"},
		{LISTENER("envoyConfig: {kind: CiliumClusterwideEnvoyConfig, name: c}, name: l"),
		 "~unsupported-listener"},
		{LISTENER("envoyConfig: {kind: EnvoyConfig, name: c}, name: l"), "listener-kind"},
		{ON_80("listener: {" CONFIG ", name: l}, rules: {http: [{}]}"),
		 "listener-with-l7 ~unsupported-listener"},
		{ON_80("listener: {" CONFIG ", name: l}, rules: {}"), "~unsupported-listener"},
	};

	t_ids_are(&t_lint, "egress", CASES(cases));
	cr_assert_str_eq(t_ids(&t_lint, "ingress", cases[0].rule), "listener-on-ingress");
	cr_assert_str_eq(t_ids(&t_enforce, "egress", cases[0].rule), "unsupported-listener");
}
