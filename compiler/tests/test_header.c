// SPDX-License-Identifier: Apache-2.0
#include "compiler/header.h"

#include "compiler/compile.h"
#include "compiler/judge.h"
#include "policy/inventory.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A policy whose only port has the HTTP rules HTTP, compiled with two Secrets at hand. */
struct compiled {
	struct pst_diags *diags;
	struct pst_policy_set *set;
	struct pst_inventory *inventory;
	struct pst_bundle *b;
	struct pst_judge *judge;
};

static const char inventory[] =
	"apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: default, labels: {app: web}}\n"
	"status: {podIPs: [{ip: 10.0.0.1}]}\n"
	"---\napiVersion: v1\nkind: Secret\nmetadata: {name: token, namespace: default}\n"
	"stringData: {t: s3cret}\n"
	"---\napiVersion: v1\nkind: Secret\nmetadata: {name: empty, namespace: other}\n"
	"stringData: {t: ''}\n"
	"---\napiVersion: v1\nkind: Secret\nmetadata: {name: line, namespace: default}\n"
	"stringData: {t: \"s3cret\\n\"}\n"
	"---\napiVersion: v1\nkind: Secret\nmetadata: {name: latin, namespace: default}\n"
	"data: {t: YeRi}\n"; /* a, E4, b */

static struct compiled compile(const char *http)
{
	struct compiled c = {.diags = pst_diags_new()};
	char text[8192];

	snprintf(text, sizeof(text),
		 "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		 "spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{toPorts: [{ports: "
		 "[{port: '80', protocol: TCP}], rules: {http: [%s]}}]}]}\n",
		 http);
	cr_assert_eq(pst_policy_parse("p", text, strlen(text), c.diags, &c.set), 0);
	cr_assert_eq(pst_inventory_parse("i", inventory, strlen(inventory), c.diags, &c.inventory),
		     0);
	cr_assert_eq(pst_diags_errors(c.diags), 0, "%s", http);
	cr_assert_eq(pst_compile(c.set, c.inventory, NULL, c.diags, &c.b), 0);
	cr_assert_eq(pst_bundle_verify(c.b, c.diags), 0, "%s", http);
	cr_assert_eq(pst_judge_new(c.b, &c.judge), 0);
	return c;
}

static void release(struct compiled *c)
{
	pst_judge_free(&c->judge);
	pst_bundle_free(&c->b);
	pst_inventory_free(&c->inventory);
	pst_policy_set_free(&c->set);
	pst_diags_free(&c->diags);
}

/* GET / of host "h" with the field lines FIELDS. */
static struct pst_l7_result ask(struct compiled *c, const char *fields)
{
	struct pst_l7_result r;
	char head[8192];
	int n = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);

	cr_assert_lt(n, (int)sizeof(head));
	pst_judge_request(c->judge, 0, head, (size_t)n, 0, &r);
	return r;
}

struct header_case {
	const char *rule, *fields;
	bool allow;
};

/* One rule with "headers" or "headerMatches". */
static void expect_cases(const struct header_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct compiled c = compile(cases[i].rule);
		struct pst_l7_result r = ask(&c, cases[i].fields);

		cr_expect_eq(r.allowed, cases[i].allow, "%s: %s", cases[i].rule, cases[i].fields);
		/* The automata and the slow way that names the rule are two implementations. */
		cr_expect_eq(r.rule == UINT32_MAX, !cases[i].allow, "%s: %s", cases[i].rule,
			     cases[i].fields);
		release(&c);
	}
}

#define EXPECT(cases) expect_cases(cases, sizeof(cases) / sizeof(*(cases)))
#define ROLE	      "{headers: ['X-Role: admin']}"
#define LIST	      "{headers: ['X-List: a,b']}"

Test(header, a_value_is_compared_whole_and_exactly_behind_trimming)
{
	static const struct header_case cases[] = {
		{ROLE, "X-Role: admin\r\n", true},
		{ROLE, "x-rOLE:admin\r\n", true},
		{ROLE, "X-Role: \t admin\t \r\n", true},
		{ROLE, "A: b\r\nX-Role: admin\r\nC: d\r\n", true},
		{ROLE, "", false},
		{ROLE, "X-Role:\r\n", false},
		{ROLE, "X-Role: Admin\r\n", false},
		{ROLE, "X-Role: admi\r\n", false},
		{ROLE, "X-Role: admins\r\n", false},
		{ROLE, "X-Role: xadmin\r\n", false},
		{ROLE, "X-Role: admin x\r\n", false},
		{ROLE, "X-Role: admin,\r\n", false},
		{ROLE, "X-Rol: admin\r\n", false},
		{ROLE, "X-Roles: admin\r\n", false},
		{ROLE, "X_Role: admin\r\n", false},
		{"{headers: ['X-Role admin']}", "X-Role: admin\r\n", true},
		{"{headers: ['X-A: a.*[b]']}", "X-A: a.*[b]\r\n", true},
		{"{headers: ['X-A: a.*[b]']}", "X-A: axxb\r\n", false},
		{"{headers: ['X-A: a b']}", "X-A: a b\r\n", true},
		{"{headers: ['X-A: a b']}", "X-A: a  b\r\n", false},
		{"{headers: ['X-A: \xc3\xa4']}", "X-A: \xc3\xa4\r\n", true},
		{"{headers: ['X-A: \xc3\xa4']}", "X-A: \xe4\r\n", false},
		{"{headers: ['X.A+: b']}", "X.A+: b\r\n", true},
		{"{headers: ['X.A+: b']}", "XXAA: b\r\n", false},
		{"{headers: ['X-A: ']}", "X-A:\r\n", true},
		{"{headers: ['X-A: ']}", "X-A: \t\r\n", true},
		{"{headers: ['X-A: ']}", "X-A: b\r\n", false},
		{"{headers: ['X-A: ']}", "", false},
	};

	EXPECT(cases);
}

Test(header, repeated_lines_are_joined)
{
	static const struct header_case cases[] = {
		{ROLE, "X-Role: admin\r\nX-Role: user\r\n", false},
		{ROLE, "X-Role: user\r\nX-Role: admin\r\n", false},
		{ROLE, "X-Role: admin\r\nX-Role: admin\r\n", false},
		{ROLE, "X-Role: admin\r\nx-role:\r\n", false},
		{ROLE, "X-Role:\r\nx-role: admin\r\n", false},
		{ROLE, "X-Role: ad\r\nX-Role: min\r\n", false},
		{LIST, "X-List: a,b\r\n", true},
		{LIST, "X-List: a\r\nX-List: b\r\n", true},
		{LIST, "X-List: a \r\nB: c\r\nX-List:  b\r\n", true},
		{LIST, "X-List: b\r\nX-List: a\r\n", false},
		{LIST, "X-List: a, b\r\n", false},
		{LIST, "X-List: a\r\nX-List: b\r\nX-List: c\r\n", false},
		{LIST, "X-List: a\r\n", false},
		{LIST, "X-List: a,\r\nX-List: b\r\n", false},
		{"{headers: ['X-List: a, b']}", "X-List: a, b\r\n", true},
		{"{headers: ['X-List: a, b']}", "X-List: a\r\nX-List: b\r\n", false},
		{"{headers: ['X-List: a ,b']}", "X-List: a \r\nX-List: b\r\n", false},
		{"{headers: ['X-List: a,,b']}", "X-List: a\r\nX-List:\r\nX-List: b\r\n", true},
		{"{headers: ['X-List: a,,b']}", "X-List: a,\r\nX-List: b\r\n", true},
		{"{headers: ['X-List: ,']}", "X-List:\r\nX-List:\r\n", true},
		{"{headers: ['X-List: ,']}", "X-List:\r\n", false},
		{"{headers: ['X-List: a,']}", "X-List: a\r\nX-List: \r\n", true},
	};

	EXPECT(cases);
}

Test(header, presence_wants_the_field_and_not_a_value)
{
	static const struct header_case cases[] = {
		{"{headers: [X-A]}", "X-A: b\r\n", true},
		{"{headers: [X-A]}", "X-A:\r\n", true},
		{"{headers: [X-A]}", "X-A: b\r\nX-A: c\r\n", true},
		{"{headers: [X-A]}", "X-A: \xff\r\n", true},
		{"{headers: [X-A]}", "X-B: b\r\n", false},
		{"{headers: [X-A]}", "", false},
		{"{headers: [X-A, X-B]}", "X-B: b\r\nX-A: a\r\n", true},
		{"{headers: [X-A, X-B]}", "X-B: b\r\n", false},
		{"{headers: [X-A, 'x-a: b']}", "X-A: b\r\n", true},
		{"{headers: [X-A, 'x-a: b']}", "X-A: c\r\n", false},
		{"{headerMatches: [{name: X-A}]}", "X-A: c\r\n", true},
		{"{headerMatches: [{name: X-A}]}", "", false},
		{"{headerMatches: [{name: X-A, value: ''}]}", "X-A: c\r\n", true},
		{"{headerMatches: [{name: X-A, value: c}]}", "X-A: c\r\n", true},
		{"{headerMatches: [{name: X-A, value: c}]}", "X-A: d\r\n", false},
		{"{headerMatches: [{name: X-A, value: c, mismatch: LOG}]}", "X-A: d\r\n", true},
		{"{headerMatches: [{name: X-A, value: c, mismatch: LOG}]}", "", true},
		{"{headerMatches: [{name: X-A, value: c, mismatch: LOG}]}", "X_A: d\r\n", true},
		{"{headerMatches: [{name: Host, value: c, mismatch: LOG}]}", "", true},
		{"{headerMatches: [{name: ':path', value: c, mismatch: LOG}]}", "", true},
		{"{headerMatches: [{name: X-A, value: ' c', mismatch: LOG}]}", "X-A: c\r\n", true},
		{"{headers: ['X-A: b'], headerMatches: [{name: X-A, value: c, mismatch: LOG}]}",
		 "X-A: b\r\n", true},
		{"{headers: ['X-A: b'], headerMatches: [{name: X-A, value: c, mismatch: LOG}]}",
		 "X-A: c\r\n", false},
	};

	EXPECT(cases);
}

Test(header, secrets_give_values_and_never_pass_when_they_are_missing)
{
	static const struct header_case cases[] = {
		{"{headerMatches: [{name: X-T, secret: {name: token}}]}", "X-T: s3cret\r\n", true},
		{"{headerMatches: [{name: X-T, secret: {name: token}}]}", "X-T: other\r\n", false},
		{"{headerMatches: [{name: X-T, secret: {name: token}}]}", "", false},
		{"{headerMatches: [{name: X-T, secret: {name: token, namespace: x}}]}",
		 "X-T: s3cret\r\n", false},
		{"{headerMatches: [{name: X-T, secret: {name: none}}]}", "X-T: a\r\n", false},
		{"{headerMatches: [{name: X-T, secret: {name: none}}]}", "X-T:\r\n", false},
		{"{headerMatches: [{name: X-T, secret: {name: none}}]}", "", false},
		{"{headerMatches: [{name: X-T, value: v, secret: {name: none}}]}", "X-T: v\r\n",
		 true},
		{"{headerMatches: [{name: X-T, value: v, secret: {name: token}}]}", "X-T: v\r\n",
		 false},
		{"{headerMatches: [{name: X-T, secret: {name: empty, namespace: other}}]}",
		 "X-T: a\r\n", true},
		{"{headerMatches: [{name: X-T, secret: {name: empty, namespace: other}}]}", "",
		 false},
		{"{headerMatches: [{name: X-T, secret: {name: line}}]}", "X-T: s3cret\r\n", false},
		{"{headerMatches: [{name: X-T, secret: {name: latin}}]}",
		 "X-T: a\xe4"
		 "b\r\n",
		 false},
		{"{headerMatches: [{name: X-T, secret: {name: none}, mismatch: LOG}]}", "", false},
		{"{headerMatches: [{name: X-T, secret: {name: none}, mismatch: REPLACE}]}", "",
		 false},
	};

	EXPECT(cases);
}

Test(header, fields_of_the_recogniser_can_be_asked_for_as_well)
{
	static const struct header_case cases[] = {
		{"{headers: ['Connection: close']}", "Connection: close\r\n", true},
		{"{headers: ['Connection: close']}", "Connection: keep-alive\r\n", false},
		{"{headers: ['Connection: te,close']}", "Connection: te\r\nConnection: close\r\n",
		 true},
		{"{headers: ['Upgrade: websocket']}",
		 "Connection: upgrade\r\nUpgrade: websocket\r\n", true},
		{"{headers: ['Upgrade: websocket']}",
		 "Connection: upgrade\r\nUpgrade: WebSocket\r\n", false},
		{"{headers: ['Upgrade: websocket']}", "", false},
		{"{headers: ['Content-Length: 0']}", "Content-Length: 0\r\n", true},
		{"{headers: ['Content-Length: 0']}", "", false},
		{"{headers: [Expect]}", "Expect: 100-continue\r\n", true},
		{"{headers: ['Expect: 100-continue']}", "Expect: 100-continue \r\n", true},
		{"{headers: ['Expect: 100-continue']}", "", false},
		{"{headers: ['Host: h']}", "", true},
		{"{headers: ['hOST: g']}", "", false},
		{"{headers: [Host]}", "", true},
		{"{headers: [':authority h']}", "", true},
		{"{host: '[a-h]', headers: ['Host: h']}", "", true},
		{"{host: '[a-g]', headers: ['Host: h']}", "", false},
		{"{headers: [':path /']}", "", false},
	};

	EXPECT(cases);
}

Test(header, combinations_are_kept_apart)
{
	static const char rules[] = "{method: GET, headers: ['A: 1', 'B: 1']}, "
				    "{method: GET, headers: ['A: 2', 'B: 2']}, "
				    "{method: GET, headers: [C]}";
	static const struct header_case cases[] = {
		{rules, "A: 1\r\nB: 1\r\n", true},  {rules, "B: 2\r\nA: 2\r\n", true},
		{rules, "A: 1\r\nB: 2\r\n", false}, {rules, "A: 2\r\nB: 1\r\n", false},
		{rules, "A: 1\r\n", false},	    {rules, "C: x\r\nA: 2\r\nB: 1\r\n", true},
		{rules, "C: x\r\n", true},	    {rules, "", false},
	};

	EXPECT(cases);
}

static bool has_diag(const struct compiled *c, const char *id)
{
	for (size_t i = 0; i < pst_diags_count(c->diags); i++) {
		if (!strcmp(pst_diags_at(c->diags, i)->id, id))
			return true;
	}
	return false;
}

Test(header, a_rule_that_matches_nothing_is_said_so_and_its_neighbours_stay)
{
	static const char *const rules[] = {
		"{headers: ['X-A:  b']}",
		"{headers: ['X-A: b ']}",
		"{headers: ['X-A:b']}",
		"{headers: ['']}",
		"{headers: [\"X-A: \\x01\"]}",
		"{headers: ['X-A: b', 'x-a: c']}",
		"{headerMatches: [{name: X-A, secret: {name: none}}]}",
		"{headerMatches: [{name: Host, value: a, mismatch: REPLACE}]}",
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		char text[512];
		struct compiled c = compile(rules[i]);

		cr_expect(has_diag(&c, "header-never"), "%s", rules[i]);
		cr_expect_not(ask(&c, "X-A: b\r\n").allowed, "%s", rules[i]);
		release(&c);
		snprintf(text, sizeof(text), "%s, {path: /}", rules[i]);
		c = compile(text);
		cr_expect(ask(&c, "X-A: b\r\n").allowed, "%s", text);
		release(&c);
	}
}

Test(header, actions_mark_the_rule_set_for_the_fallback_and_are_decided_offline)
{
	static const char rules[] =
		"{headers: [X-A], headerMatches: [{name: X-B, value: c, mismatch: REPLACE}]}, "
		"{headers: ['X-C: d']}";
	struct compiled c = compile(rules);
	struct pst_l7_result r = ask(&c, "X-A: b\r\n");

	cr_expect(c.b->rulesets[0].fallback);
	cr_expect(strstr(c.b->rulesets[0].why, "header-action"));
	cr_expect(has_diag(&c, "ruleset-fallback"));
	cr_expect(r.allowed);
	cr_expect_eq(r.reason, PST_REASON_RULE_FALLBACK);
	cr_expect(ask(&c, "X-C: d\r\n").allowed);
	r = ask(&c, "X-B: c\r\n");
	cr_expect_not(r.allowed);
	cr_expect_eq(r.reason, PST_REASON_NO_RULE_L7);
	release(&c);
}

Test(header, eight_fields_fit_one_rule_set_and_nine_do_not)
{
	for (int n = 8; n <= 9; n++) {
		char rules[1024] = "", fields[1024] = "";
		struct compiled c;

		for (int i = 0; i < n; i++) {
			size_t at = strlen(rules);

			snprintf(rules + at, sizeof(rules) - at, "%s{headers: ['X-%d: %d']}",
				 i ? ", " : "", i, i);
		}
		c = compile(rules);
		cr_expect_eq(c.b->rulesets[0].fallback, n == 9);
		for (int i = 0; i < n && n == 8; i++) {
			snprintf(fields, sizeof(fields), "X-%d: %d\r\n", i, i);
			cr_expect(ask(&c, fields).allowed, "%s", fields);
			snprintf(fields, sizeof(fields), "X-%d: %d\r\n", i, i + 1);
			cr_expect_not(ask(&c, fields).allowed, "%s", fields);
		}
		release(&c);
	}
}

Test(header, a_trailer_that_a_rule_asks_for_is_refused)
{
	static const char bytes[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
				    "X-Role: admin\r\n\r\n0\r\nx-role: admin\r\n\r\n";
	struct compiled c = compile(ROLE);
	struct pst_l7_result r;

	pst_judge_request(c.judge, 0, bytes, strlen(bytes), 0, &r);
	cr_expect_not(r.allowed);
	cr_expect_eq(r.reason, PST_REASON_TRAILER);
	release(&c);
}

/* What joined lines are, written down without automata. */
struct model {
	char joined[2][512];
	int lines[2];
};

static void add_line(struct model *m, int name, const char *value)
{
	size_t at = strlen(m->joined[name]);

	snprintf(m->joined[name] + at, sizeof(m->joined[name]) - at, "%s%s",
		 m->lines[name]++ ? "," : "", value);
}

/* X-Role and X_Role are one variable to applications behind WSGI or CGI. */
Test(header, a_name_that_some_applications_see_as_a_judged_one_is_refused)
{
	const struct {
		const char *rule, *fields;
		enum pst_reason reason;
	} cases[] = {
		{"{headers: [X-A-B y]}", "X-A-B: y\r\n", PST_REASON_RULE},
		{"{headers: [X-A-B y]}", "X-A-B: y\r\nX_A_B: n\r\n", PST_REASON_JUDGED_ALIAS},
		{"{headers: [X-A-B y]}", "x_a-b: n\r\nX-A-B: y\r\n", PST_REASON_JUDGED_ALIAS},
		{"{headers: [X-A-B y]}", "X-A.b: n\r\nX-A-B: y\r\n", PST_REASON_JUDGED_ALIAS},
		{"{headers: [X-A-B y]}", "X-A-B: y\r\nX^A`B: n\r\n", PST_REASON_JUDGED_ALIAS},
		{"{headers: [X-A-B y]}", "X-A-B: y\r\nX-A--B: n\r\n", PST_REASON_RULE},
		{"{headers: [X-A-B y]}", "X-A-B: y\r\nX-AB: n\r\nXA_B: n\r\n", PST_REASON_RULE},
		{"{headers: [X-A-B y]}", "X-A-B: y\r\nX_A_B_: n\r\nX-A-Bb: n\r\n", PST_REASON_RULE},
		{"{headers: [x_a y]}", "X_A: y\r\n", PST_REASON_RULE},
		{"{headers: [x_a y]}", "X_A: y\r\nX-A: n\r\n", PST_REASON_JUDGED_ALIAS},
		{"{headers: [Role y]}", "Role: y\r\nR-ole: n\r\n", PST_REASON_RULE},
		{"{headers: [Content-Length]}", "Content-Length: 0\r\n", PST_REASON_RULE},
		{"{headers: [Transfer_Encoding]}", "Content_Length: 0\r\n", PST_REASON_FIELD_ALIAS},
		{"{path: /}", "X-A-B: y\r\nX_A_B: n\r\n", PST_REASON_RULE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct compiled c = compile(cases[i].rule);
		struct pst_l7_result r = ask(&c, cases[i].fields);

		cr_expect_eq(r.reason, cases[i].reason, "%s: %s", cases[i].rule, cases[i].fields);
		cr_expect_eq(r.allowed, cases[i].reason == PST_REASON_RULE);
		release(&c);
	}
}

/* Random lines of two fields against random values; few letters, so that they often meet. */
Test(header, random_lines_are_joined_as_the_model_joins_them)
{
	static const char *const parts[] = {"", "a", "b", "a,b", "a, b", ",", "a b", ",a", "a,"};
	enum { PARTS = sizeof(parts) / sizeof(*parts) };
	size_t allowed = 0;

	srand(20261126);
	for (int round = 0; round < 40; round++) {
		char want[2][32], rules[256];
		const char *halves[2][2];
		struct compiled c;

		for (int k = 0; k < 2; k++) {
			halves[k][0] = parts[rand() % PARTS];
			halves[k][1] = parts[rand() % PARTS];
			snprintf(want[k], sizeof(want[k]), "%s,%s", halves[k][0], halves[k][1]);
		}
		snprintf(rules, sizeof(rules),
			 "{headers: ['X-0: %s']}, {headers: ['X-1: %s', X-0]}", want[0], want[1]);
		c = compile(rules);
		for (int i = 0; i < 200; i++) {
			struct model m = {.lines = {0}};
			char fields[512] = "";
			bool expected;

			for (int n = rand() % 4; n >= 0; n--) {
				int name = rand() % 2;
				const char *value = rand() % 4 ? halves[name][m.lines[name] & 1]
							       : parts[rand() % PARTS];
				size_t at = strlen(fields);

				add_line(&m, name, value);
				snprintf(fields + at, sizeof(fields) - at, "%s-%d:%s%s%s\r\n",
					 rand() % 2 ? "X" : "x", name, rand() % 2 ? " " : "", value,
					 rand() % 2 ? "\t " : "");
			}
			expected = m.lines[0] && !strcmp(m.joined[0], want[0]);
			expected |= m.lines[0] && m.lines[1] && !strcmp(m.joined[1], want[1]);
			cr_assert_eq(ask(&c, fields).allowed, expected, "%s: %s", rules, fields);
			allowed += expected;
		}
		release(&c);
	}
	cr_assert_gt(allowed, 200);
}
