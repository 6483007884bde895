// SPDX-License-Identifier: Apache-2.0
/* HTTP rules that others make superfluous. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "lint/cover.h"
#include "lint/tests/checked.h"

#define LIST(rules)   T_IN("{" T_HTTP_80(rules) "}")
#define FROM(peer)    "fromEndpoints: [{matchLabels: {" peer "}}], "
#define POLICY(rules) T_IN("{" FROM("role: a") T_HTTP_80(rules) "}")

enum which { NONE, SUBSET, EQUAL };

struct pair {
	const char *text;
	enum which which;
};

static void check_all(const struct pair *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cr_expect_eq(t_count(v[i].text, "http-rule-subset"), v[i].which == SUBSET, "%s",
			     v[i].text);
		cr_expect_eq(t_count(v[i].text, "http-rule-equal"), v[i].which == EQUAL, "%s",
			     v[i].text);
	}
}

#define CHECK_ALL(v) check_all(v, sizeof(v) / sizeof(*(v)))

Test(subset, rules_of_one_list_are_compared_by_what_their_patterns_match)
{
	static const struct pair v[] = {
		{LIST("{path: /a/.*}, {path: /a/b}"), SUBSET},
		{LIST("{path: /a/b}, {path: /a/.*}"), SUBSET},
		{LIST("{path: /a/.*}, {path: /b/b}"), NONE},
		{LIST("{path: '/a/[0-9]+'}, {path: '/a/[0-9]{1,5}'}"), SUBSET},
		{LIST("{path: '/a/[0-9]+'}, {path: '/a/[0-9a]{1,5}'}"), NONE},
		{LIST("{path: '/a/[0-9]+'}, {path: '/a/[0-9]*'}"), SUBSET},
		{LIST("{path: /a}, {path: /a}"), EQUAL},
		{LIST("{path: /a}, {path: '/(a)'}"), EQUAL},
		{LIST("{path: '/a|/b'}, {path: '/[ab]'}"), EQUAL},
		{LIST("{path: '/a|/b'}, {path: '/[abc]'}"), SUBSET},
		{LIST("{path: /a}, {path: /b}"), NONE},
	};

	CHECK_ALL(v);
}

Test(subset, all_fields_count)
{
	static const struct pair v[] = {
		{LIST("{method: GET, path: /a}, {path: /a}"), SUBSET},
		{LIST("{method: GET, path: /a}, {method: 'GET|HEAD', path: /a}"), SUBSET},
		{LIST("{method: GET, path: /a/.*}, {method: 'GET|HEAD', path: /a}"), NONE},
		{LIST("{method: PUT, path: /a}, {method: 'GET|HEAD', path: /a}"), NONE},
		{LIST("{path: /a, host: x}, {path: /a}"), SUBSET},
		{LIST("{path: /a, host: x}, {path: /a, host: z}"), NONE},
		{LIST("{path: /a, host: x}, {path: /a, host: 'x|z'}"), SUBSET},
		/* A pattern does not match a Host that is missing; the absence of a pattern does.
		 */
		{LIST("{path: /a, host: '[^/]*'}, {path: /a}"), SUBSET},
	};

	CHECK_ALL(v);
}

Test(subset, conditions_on_headers_hold_back_nobody_beside_a_rule_without_them)
{
	static const struct pair v[] = {
		{LIST("{path: /a, headers: ['X: 1']}, {path: /a}"), SUBSET},
		{LIST("{path: /a, headers: ['X: 1', 'Y: 2']}, {path: /a, headers: ['Y: 2']}"),
		 SUBSET},
		{LIST("{path: /a, headers: ['X: 1']}, {path: /a, headers: ['X: 2']}"), NONE},
		{LIST("{path: /a, headers: ['X: 1']}, {path: /a, headers: ['x: 1']}"), EQUAL},
		{LIST("{path: /a, headers: ['X: 1']}, {path: /b}"), NONE},
		{LIST("{path: /a, headerMatches: [{name: X, value: '1'}]}, {path: /a}"), SUBSET},
		{LIST("{path: /a, headerMatches: [{name: X, value: '1'}]}, "
		      "{path: /a, headerMatches: [{name: X, value: '2'}]}"),
		 NONE},
		/* It changes the request, so it is not superfluous. */
		{LIST("{path: /a, headerMatches: [{name: X, value: '1', mismatch: REPLACE}]}, "
		      "{path: /a}"),
		 NONE},
	};
	static const char text[] = LIST("{path: /a, headers: ['X: 1']}, {path: /a}");

	CHECK_ALL(v);
	cr_expect(strstr(t_says(text, "http-rule-subset"), "header conditions"), "%s",
		  t_says(text, "http-rule-subset"));
}

Test(subset, the_other_rule_is_named_with_what_it_allows_besides)
{
	static const char text[] = LIST("{path: /a/.*}, {path: /a/b}");

	cr_expect_str_eq(t_marked(text, "http-rule-subset"), "{path: /a/b}");
	cr_expect_str_eq(t_note(text, "http-rule-subset"),
			 "allowed here, by policy ns/p, and so is the path \"/a/a\"");
}

/* Of equal ones, the later. */
Test(subset, of_two_equal_rules_the_second_is_told)
{
	cr_expect_str_eq(t_marked(LIST("{path: /a}, {path: '/(a)'}"), "http-rule-equal"),
			 "{path: '/(a)'}");
}

Test(subset, rules_of_other_policies_count_when_they_apply_to_the_same)
{
	static const struct pair v[] = {
		{POLICY("{path: /a/b}") POLICY("{path: /a/.*}"), SUBSET},
		{POLICY("{path: /a}") POLICY("{path: /a}"), EQUAL},
		/* Another peer, another subject, another namespace, another port. */
		{POLICY("{path: /a}") T_IN("{" FROM("role: b") T_HTTP_80("{path: /a}") "}"), NONE},
		{POLICY("{path: /a}") T_CNP("{endpointSelector: {matchLabels: {app: db}}, ingress: "
					    "[{" FROM("role: a") T_HTTP_80("{path: /a}") "}]}"),
		 NONE},
		{POLICY("{path: /a}") T_CNP_IN("other", "{endpointSelector: {matchLabels: {app: "
							"web}}, ingress: [{" FROM("role: a")
								T_HTTP_80("{path: /a}") "}]}"),
		 NONE},
		{POLICY("{path: /a}") T_IN(
			 "{" FROM("role: a") "toPorts: [{ports: [{port: '81', "
					     "protocol: TCP}], rules: {http: [{path: /a}]}}]}"),
		 NONE},
		/* Wider: all peers, all subjects, more ports. */
		{POLICY("{path: /a}") LIST("{path: /a}"), EQUAL},
		{POLICY("{path: /a}") T_CCNP(
			 "{endpointSelector: {}, ingress: [{" T_HTTP_80("{path: /a/?.*}") "}]}"),
		 SUBSET},
		{POLICY("{path: /a}") T_IN(
			 "{" FROM("role: a") "toPorts: [{ports: [{port: '80', "
					     "protocol: TCP}, {port: '81', protocol: TCP}], rules: "
					     "{http: [{path: /a}]}}]}"),
		 EQUAL},
		/* The other direction. */
		{POLICY("{path: /a}") T_OUT("{" T_HTTP_80("{path: /a}") "}"), NONE},
	};

	CHECK_ALL(v);
}

/* http-shadowed says it already; a dead rule is told as such. */
Test(subset, what_other_findings_say_is_not_said_again)
{
	static const struct pair v[] = {
		{LIST("{path: /a}, {path: '.*'}"), NONE},
		{LIST("{path: '/.*'}, {path: '/a$b'}"), NONE},
	};

	CHECK_ALL(v);
}

/* It would do something else if it were taken out. */
Test(subset, lists_with_more_than_http_rules_are_left_alone)
{
	static const char text[] =
		T_OUT("{toPorts: [{" T_ON_80 ", originatingTLS: {secret: {name: s}}, "
		      "rules: {http: [{path: /a}]}}]}") T_OUT("{" T_HTTP_80("{path: /a}") "}");

	cr_expect_eq(t_count(text, "http-rule-equal"), 0);
}

enum { MANY = 3000, RULE_SIZE = 64 };

/* A list of MANY rules that have nothing in common, and EXTRA. */
static char *t_long_list(const char *extra)
{
	const size_t size = 1024 + (size_t)MANY * RULE_SIZE;
	char *text = malloc(size);
	size_t len;

	cr_assert_not_null(text);
	len = (size_t)snprintf(
		text, size, "%s%s",
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		"spec: {endpointSelector: {}, ingress: [{toPorts: [{" T_ON_80 ", rules: {http: [\n",
		extra);
	for (int i = 0; i < MANY; i++)
		len += (size_t)snprintf(text + len, size - len, "{path: '/v%d/items/[0-9]+'},\n",
					i);
	snprintf(text + len, size - len, "]}}]}]}\n");
	return text;
}

Test(subset, a_list_of_thousands_is_compared_to_the_end)
{
	pst_auto_free char *apart = t_long_list("");
	pst_auto_free char *twice = t_long_list("{path: '/v2999/items/[0-9]{1,}'},\n");
	pst_auto_free char *wide = t_long_list("{path: '/v.*'},\n");

	cr_expect_eq(t_count(apart, "lint-budget"), 0);
	cr_expect_eq(t_count(apart, "http-rule-subset"), 0);
	cr_expect_eq(t_count(apart, "http-rule-equal"), 0);
	cr_expect_eq(t_count(twice, "http-rule-equal"), 1);
	cr_expect_eq(t_count(wide, "http-rule-subset"), MANY);
	cr_expect_eq(t_count(wide, "lint-budget"), 0);
}

static size_t n_looks;

bool real_cover(const struct pst_port *outer,
		const struct pst_port *inner) __asm__("__real_pst_cover_port");
bool counted_cover(const struct pst_port *outer,
		   const struct pst_port *inner) __asm__("__wrap_pst_cover_port");

bool counted_cover(const struct pst_port *outer, const struct pst_port *inner)
{
	n_looks++;
	return real_cover(outer, inner);
}

/*
 * One list for each of 20,000 ports: none is compared with all others for ever, and that is told.
 * Counted in looks at two ports, 400 million for all pairs, by the linker (the Makefile's
 * LINT_COUNTED).
 */
Test(subset, a_rule_of_thousands_of_lists_is_soon_given_up)
{
	enum { LISTS = 20000 };
	const size_t size = 80 * LISTS;
	pst_auto_free char *text = malloc(size);
	size_t len;

	cr_assert_not_null(text);
	len = (size_t)snprintf(
		text, size,
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		"spec: {endpointSelector: {}, ingress: [{toPorts: [\n");
	for (int i = 0; i < LISTS; i++)
		len += (size_t)snprintf(text + len, size - len,
					"{ports: [{port: '%d', protocol: TCP}], "
					"rules: {http: [{path: /%d}]}},\n",
					i + 1, i);
	snprintf(text + len, size - len, "]}]}\n");
	cr_expect_geq(t_count(text, "lint-budget"), 1);
	cr_expect_gt(n_looks, LISTS, "%zu", n_looks);
	cr_expect_lt(n_looks, 1000 * (size_t)LISTS, "%zu", n_looks);
}
