// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_l7.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "policy/tests/helper.h"
#include "policy/tests/verdict.h"

#define CASES(v)      (v), sizeof(v) / sizeof(*(v))
#define ON(ports, v)  "{toPorts: [{ports: [" ports "], rules: {" v "}}]}"
#define TCP	      "{port: '80', protocol: TCP}"
#define HTTP(rule)    ON(TCP, "http: [" rule "]")
#define HEADER(match) HTTP("{headerMatches: [{" match "}]}")
#define DNS	      "dns: [{matchName: a}]"

static const struct t_reading t_lint = {.lint = true};
static const struct t_reading t_enforce = {0};

Test(cnp_l7, http_needs_tcp_on_every_port_in_whatever_order)
{
	static const struct t_case cases[] = {
		{HTTP("{}"), ""},
		{ON("{port: '80'}", "http: [{}]"), "http-needs-tcp"},
		{ON("{port: '80', protocol: ANY}", "http: [{}]"), "http-needs-tcp"},
		{ON("{port: '80', protocol: UDP}, " TCP, "http: [{}]"), "http-needs-tcp"},
		{ON(TCP ", {port: '80', protocol: UDP}", "http: [{}]"), "http-needs-tcp"},
		{ON("{port: '0', protocol: TCP}", "http: [{}]"), "http-port-zero"},
		{ON("{port: '0'}", ""), ""},
		{ON("{port: '0'}", "http: []"), "~http-empty"},
		{ON("{port: '80'}", "http: null"), ""},
		{ON("", "http: [{}]"), "~ports-missing"},
	};

	t_ids_are(&t_lint, "ingress", CASES(cases));
	t_ids_are(&t_enforce, "egress", CASES(cases));
}

Test(cnp_l7, the_name_of_a_port_is_no_port_zero)
{
	cr_assert_str_eq(t_ids(&t_lint, "ingress", ON("{port: http, protocol: TCP}", "http: [{}]")),
			 "");
	cr_assert_str_eq(
		t_ids(&t_enforce, "ingress", ON("{port: http, protocol: UDP}", "http: [{}]")),
		"http-needs-tcp");
}

Test(cnp_l7, ranges_with_http_are_allowed_from_1_17_on)
{
	static const struct t_reading v16 = {.minor = 16, .lint = true};
	static const struct t_reading v17 = {.minor = 17, .lint = true};
	const char *range = ON("{port: '80', endPort: 81, protocol: TCP}", "http: [{}]");
	const char *single = ON("{port: '80', endPort: 80, protocol: TCP}", "http: [{}]");

	cr_assert_str_eq(t_ids(&v16, "ingress", range), "l7-port-range");
	cr_assert_str_eq(t_ids(&v17, "ingress", range), "");
	cr_assert_str_eq(t_ids(&t_enforce, "ingress", range), "");
	cr_assert_str_eq(t_ids(&v16, "ingress", single), "");
}

Test(cnp_l7, dns_rules_stand_in_egress_with_single_ports_of_any_protocol)
{
	static const struct t_case cases[] = {
		{ON("{port: '53'}", DNS), "~unsupported-dns"},
		{ON("{port: '53', protocol: UDP}, {port: '5353', protocol: TCP}", DNS),
		 "~unsupported-dns"},
		{ON("{port: '0'}", DNS), "~unsupported-dns http-port-zero"},
		{ON("{port: '53', endPort: 54}", DNS), "~unsupported-dns dns-port-range"},
		{ON("{port: '53', endPort: 53}", DNS), "~unsupported-dns"},
		{ON("", DNS), "~unsupported-dns dns-without-ports"},
		{"{toPorts: [{rules: {" DNS "}}]}", "~unsupported-dns dns-without-ports"},
		{ON("{port: '53'}", "dns: []"), "~dns-empty"},
		{ON("{port: '53'}", "dns: [{}]"), "fqdn-empty ~unsupported-dns"},
	};

	t_ids_are(&t_lint, "egress", cases, sizeof(cases) / sizeof(*cases));
	cr_assert_str_eq(t_ids(&t_lint, "ingress", cases[0].rule), "dns-on-ingress");
	cr_assert_str_eq(t_ids(&t_enforce, "egress", cases[0].rule), "unsupported-dns");
}

Test(cnp_l7, an_entry_has_one_family_of_l7_rules)
{
	static const struct t_case cases[] = {
		{ON(TCP, "http: [{}], " DNS), "~unsupported-dns two-l7-kinds"},
		{ON(TCP, DNS ", http: []"), "~unsupported-dns ~http-empty two-l7-kinds"},
		{ON(TCP, "http: [{}], dns: null"), ""},
	};

	t_ids_are(&t_lint, "egress", CASES(cases));
}

Test(cnp_l7, kafka_and_generic_rules_are_gone_in_1_20)
{
	static const struct t_case now[] = {
		{ON(TCP, "kafka: []"), "removed-field"},
		{ON(TCP, "l7proto: x"), "removed-field"},
		{ON(TCP, "l7: []"), "removed-field"},
	};
	static const struct t_case v19[] = {
		{ON(TCP, "kafka: [{topic: a}]"), "~deprecated-field ~unsupported-kafka"},
		{ON("{port: '80'}", "kafka: [{topic: a}]"),
		 "~deprecated-field ~unsupported-kafka http-needs-tcp"},
		{ON(TCP, "kafka: [a]"), "~deprecated-field type-mismatch"},
		{ON(TCP, "l7proto: x, l7: [{a: b}]"), "~deprecated-field ~unsupported-l7proto"},
		{ON(TCP, "l7proto: x, http: [{}]"),
		 "~deprecated-field ~unsupported-l7proto two-l7-kinds"},
		{ON(TCP, "l7: [{a: b}]"), "~deprecated-field l7-without-l7proto"},
	};
	static const struct t_reading r19 = {.minor = 19, .lint = true};
	static const struct t_reading r17 = {.minor = 17, .lint = true};
	static const struct t_reading e17 = {.minor = 17};

	t_ids_are(&t_lint, "ingress", CASES(now));
	t_ids_are(&r19, "ingress", CASES(v19));
	cr_assert_str_eq(t_ids(&r17, "ingress", ON(TCP, "kafka: [{}]")), "~unsupported-kafka");
	cr_assert_str_eq(t_ids(&e17, "ingress", ON(TCP, "kafka: [{}]")), "unsupported-kafka");
}

Test(cnp_l7, header_matches_have_a_name_a_known_action_and_a_named_secret)
{
	static const struct t_case cases[] = {
		{HEADER("name: A"), ""},
		{HEADER("name: A, value: b, mismatch: LOG"), ""},
		{HEADER("name: A, value: b, mismatch: ADD"), "~unsupported-header-action"},
		{HEADER("name: A, value: b, mismatch: DELETE"), "~unsupported-header-action"},
		{HEADER("name: A, value: b, mismatch: REPLACE"), "~unsupported-header-action"},
		{HEADER("name: A, mismatch: log"), "unknown-header-action"},
		{HEADER("name: A, mismatch: ''"), "unknown-header-action"},
		{HEADER("name: A, mismatch: FAIL"), "unknown-header-action"},
		{HEADER("value: b"), "header-name-missing"},
		{HEADER("name: ''"), "header-name-missing"},
		{HEADER("name: A, secret: {name: s}"), ""},
		{HEADER("name: A, secret: {namespace: ns}"), "secret-name-missing"},
		{HEADER("name: A, secret: s"), "type-mismatch"},
		{HTTP("{headers: []}, {headerMatches: []}"), ""},
		{HTTP("{headers: ['X-A: b', X-A, 'X-A:b', '']}"), ""},
		{HTTP("{headers: [1]}"), "type-mismatch"},
		{HTTP("{headers: X}"), "type-mismatch"},
	};

	t_ids_are(&t_lint, "ingress", CASES(cases));
	cr_assert_str_eq(t_ids(&t_enforce, "ingress", cases[2].rule), "");
}

/* The only header rule of a policy that a linter reads, in the file's TEXT behind column 0. */
static struct pst_header_rule t_header(const char *header, struct pst_policy_set **set)
{
	const struct pst_policy_options options = {.lint = true};
	struct pst_policy_source source = {.name = "test.yaml"};
	struct pst_diags *diags = pst_diags_new();
	char text[1024];

	snprintf(text, sizeof(text),
		 "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		 "spec: {endpointSelector: {}, ingress: [" HTTP("{headers: [\n%s]}") "]}\n",
		 header);
	source.text = text;
	source.len = strlen(text);
	cr_assert_eq(pst_policy_parse_with(&options, &source, diags, set), 0);
	cr_assert_eq(pst_diags_errors(diags), 0);
	pst_diags_free(&diags);
	return (*set)->policies[0].specs[0].rules[0].ports[0].http[0].headers[0];
}

static void t_is_header(const char *header, const char *name, const char *value)
{
	struct pst_policy_set *set = NULL;
	struct pst_header_rule h = t_header(header, &set);

	cr_expect_str_eq(h.name.s, name, "%s", header);
	cr_expect_eq(h.name.len, strlen(name));
	cr_expect_eq(!h.value.s, !value, "%s", header);
	if (value && h.value.s)
		cr_expect_str_eq(h.value.s, value, "%s", header);
	pst_policy_set_free(&set);
}

Test(cnp_l7, a_header_is_cut_at_its_first_blank)
{
	t_is_header("'X-A: b'", "X-A", "b");
	t_is_header("'X-A b'", "X-A", "b");
	t_is_header("'X-A::  b c'", "X-A", " b c");
	t_is_header("'X-A:b'", "X-A:b", NULL);
	t_is_header("'X-A:'", "X-A:", NULL);
	t_is_header("X-A", "X-A", NULL);
	t_is_header("'X-A: '", "X-A", "");
	t_is_header("' b'", "", "b");
	t_is_header("''", "", NULL);
}

Test(cnp_l7, the_parts_of_a_header_have_their_places)
{
	struct pst_policy_set *set = NULL;
	struct pst_header_rule h = t_header("'X-A: bc'", &set);

	cr_assert_eq(h.name.pos.col, 2);
	cr_assert_eq(h.name.pos.end_col, 5);
	cr_assert_eq(h.value.pos.col, 7);
	cr_assert_eq(h.value.pos.end_col, 9);
	pst_policy_set_free(&set);
	/* Behind an escape the columns no longer count bytes: the whole text is the place. */
	h = t_header("\"X-A: \\x41bc\"", &set);
	cr_assert_str_eq(h.value.s, "Abc");
	cr_assert_eq(h.value.pos.col, h.text.pos.col);
	pst_policy_set_free(&set);
}
