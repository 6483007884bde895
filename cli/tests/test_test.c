// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/tests/run.h"

/* Policies relative to a file in /tmp: as an absolute path. */
static const char *head(void)
{
	static char text[1024];
	char cwd[512];

	cr_assert_not_null(getcwd(cwd, sizeof(cwd)));
	snprintf(text, sizeof(text),
		 "policies: %s/testdata/semantics/demo.yaml\n"
		 "pods: {empire: org=empire, web: {labels: {app: web}}}\n"
		 "defaults: {from: empire, to: web, port: 80}\n",
		 cwd);
	return text;
}

/* Runs "test OPTIONS" on HEAD and TESTS. */
static struct run run_tests(const char *options, const char *tests)
{
	char text[4096], words[512];
	struct run r;
	const char *path;

	snprintf(text, sizeof(text), "%s%s", head(), tests);
	path = write_temp("tests.yaml", text, strlen(text));
	snprintf(words, sizeof(words), "test %s %s", path, options);
	r = run_words(words);
	unlink(path);
	return r;
}

static void expect_tests(const char *options, const char *tests, int status, const char *out,
			 const char *err)
{
	struct run r = run_tests(options, tests);

	cr_expect_eq(r.status, status, "%s: status %d\n%s%s", tests, r.status, r.out, r.err);
	cr_expect(!out || strstr(r.out, out), "%s: expected \"%s\" in\n%s", tests, out, r.out);
	cr_expect(!err || strstr(r.err, err), "%s: expected \"%s\" in\n%s", tests, err, r.err);
	run_fini(&r);
}

Test(test, the_examples_pass)
{
	expect_run("test testdata/tests", 0, "testdata/tests/demo.yaml: 10 of 10 passed\n",
		   " 0 failed\n");
}

Test(test, an_expectation_that_is_not_met_fails_with_what_was_found_and_the_rule)
{
	expect_tests("", "tests: [{name: t, request: POST /v1/request-landing, expect: deny}]\n", 1,
		     "tests.yaml:4:9: failed: t\n  expected deny, found allow\n"
		     "  reason  rule-matched: an HTTP rule matches (ingress, l7)\n",
		     "1 tests: 0 passed, 1 failed");
	expect_tests("", "tests: [{name: t, request: POST /v1/request-landing, expect: deny}]\n", 1,
		     "demo.yaml:12:22 default/demo spec.ingress[0].toPorts[0].rules.http[0]\n",
		     NULL);
	expect_tests("", "tests: [{name: t, request: POST /v1/x, expect: allow}]\n", 1,
		     "expected allow, found deny", NULL);
}

Test(test, each_other_expectation_is_compared)
{
#define LANDING "tests: [{name: t, request: POST /v1/request-landing, expect: allow, "
	expect_tests("", LANDING "layer: l7, reason: rule-matched}]\n", 0, NULL, NULL);
	expect_tests("", LANDING "layer: l3l4}]\n", 1, "expected the layer l3l4, found l7", NULL);
	expect_tests("", LANDING "reason: l4-allowed}]\n", 1,
		     "expected the reason l4-allowed, found rule-matched", NULL);
	expect_tests("", LANDING "rule: demo}]\n", 0, NULL, NULL);
	expect_tests("", LANDING "rule: default/demo}]\n", 0, NULL, NULL);
	expect_tests("", LANDING "rule: 'semantics/demo.yaml:12:22'}]\n", 0, NULL, NULL);
	expect_tests("", LANDING "rule: 'demo.yaml:12'}]\n", 0, NULL, NULL);
	/* The L3/L4 rule through which the request came. */
	expect_tests("", LANDING "rule: 'demo.yaml:9'}]\n", 0, NULL, NULL);
	/* Near misses: another line, another column, half a file name, another policy. */
	expect_tests("", LANDING "rule: 'demo.yaml:13'}]\n", 1, "expected the rule demo.yaml:13",
		     NULL);
	expect_tests("", LANDING "rule: 'demo.yaml:12:2'}]\n", 1, "expected the rule", NULL);
	expect_tests("", LANDING "rule: 'mo.yaml:12'}]\n", 1, "expected the rule", NULL);
	expect_tests("", LANDING "rule: other/demo}]\n", 1, "expected the rule", NULL);
}

Test(test, a_table_is_a_case_for_each_combination)
{
	expect_tests("",
		     "tests: [{name: t, from: [empire, org=alliance], "
		     "requests: [GET /, {path: /x, host: h}], expect: deny}]\n",
		     0, "4 of 4 passed", NULL);
	expect_tests("",
		     "tests: [{name: t, from: [empire, org=alliance], "
		     "requests: [POST /v1/request-landing, GET /x], expect: deny}]\n",
		     1, "failed: t, from empire: POST /v1/request-landing\n", "3 passed, 1 failed");
}

Test(test, both_sides_are_asked_unless_the_test_names_one)
{
	/* No policy restricts what the empire sends. */
	expect_tests("",
		     "tests: [{name: t, direction: egress, request: GET /x, expect: allow, "
		     "reason: no-policy}]\n",
		     0, NULL, NULL);
	expect_tests("", "tests: [{name: t, direction: ingress, request: GET /x, expect: deny}]\n",
		     0, NULL, NULL);
	expect_tests("", "tests: [{name: t, direction: both, request: GET /x, expect: deny}]\n", 0,
		     NULL, NULL);
	/* An address outside has no policy of its own: the other side decides. */
	expect_tests("", "tests: [{name: t, from: 192.0.2.1, expect: deny, reason: no-rule-l4}]\n",
		     0, NULL, NULL);
	expect_tests("", "tests: [{name: t, from: web, to: 192.0.2.1, expect: allow}]\n", 0, NULL,
		     NULL);
}

Test(test, names_choose_what_is_run)
{
#define TWO                                                                           \
	"tests: [{name: landing, request: POST /v1/request-landing, expect: allow}, " \
	"{name: other, request: POST /v1/request-landing, expect: deny}]\n"
	expect_tests("", TWO, 1, NULL, "2 tests: 1 passed, 1 failed");
	expect_tests("--run land*", TWO, 0, NULL, "1 tests: 1 passed, 0 failed");
	expect_tests("--run land", TWO, 0, NULL, "0 tests: 0 passed, 0 failed");
	expect_tests("--run land --require-tests", TWO, 1, NULL, "0 tests");
	expect_tests("--require-tests", "tests: []\n", 1, NULL, "0 tests");
	expect_tests("", "tests: []\n", 0, NULL, "0 tests");
}

/* Each with its place: line 4 is the first behind the head. */
Test(test, mistakes_in_a_test_file_are_told_with_their_place)
{
	static const struct {
		const char *tests, *message;
	} rows[] = {
		{"test: []\n", ":4:1: error: a test file has no field \"test\"; did you mean"},
		{"tests: {}\n", ":4:8: error: tests: expected a list, found a mapping"},
		{"tests: [{name: t, expect: maybe}]\n",
		 ":4:27: error: expect: expected allow, deny or audit, found \"maybe\""},
		{"tests: [{name: t, from: empir, expect: deny}]\n", "did you mean \"empire\"?"},
		{"tests: [{name: t, from: 7, expect: deny}]\n", ":4:25: error: "},
		{"tests: [{name: t, port: 65536, expect: deny}]\n",
		 ":4:25: error: expected a decimal integer from 0 to 65535, found 65536"},
		{"tests: [{name: t, port: http, expect: deny}]\n", ":4:25: error: port: expected"},
		{"tests: [{name: t, protocol: XYZ, expect: deny}]\n",
		 ":4:29: error: protocol: expected TCP"},
		{"tests: [{name: t, direction: in, expect: deny}]\n",
		 ":4:30: error: direction: expected both, ingress or egress, found \"in\""},
		{"tests: [{name: t, layer: l8, expect: deny}]\n",
		 ":4:26: error: layer: expected l3l4 or l7"},
		{"tests: [{name: t, reason: no-rule, expect: deny}]\n",
		 ":4:27: error: reason: expected the name of a reason"},
		{"tests: [{name: t}]\n", ":4:9: error: a test needs the field \"expect\""},
		{"tests: [{expect: deny}]\n", ":4:9: error: a test needs the field \"name\""},
		{"tests: [{name: t, expct: deny}]\n",
		 ":4:19: error: a test has no field \"expct\"; did you mean \"expect\"?"},
		{"tests: [{name: t, from: [], expect: deny}]\n",
		 ":4:25: error: expected at least one peer"},
		{"tests: [{name: t, requests: [], expect: deny}]\n",
		 ":4:29: error: expected at least one request"},
		{"tests: [{name: t, request: {paht: /}, expect: deny}]\n",
		 ":4:29: error: a request has no field \"paht\"; did you mean \"path\"?"},
		{"tests: [{name: t, request: {headers: [nocolon]}, expect: deny}]\n",
		 ":4:28: error: expected a header like 'Name: value'"},
		{"tests: [{name: t, protocol: UDP, request: /x, expect: deny}]\n",
		 "needs the protocol TCP"},
		{"tests: [{name: t, from: {labels: {a: 1}}, expect: deny}]\n",
		 ":4:38: error: a: expected a string, found a number; quote it"},
		{"tests: [{name: t, from: 'a=b,a=c', expect: deny}]\n",
		 ":4:26: error: the label k8s:a is given twice"},
		{"tests: []\ninventory: [none.yaml]\n", ":5:13: error: expected a file"},
		{"tests: [\n", "yaml-syntax"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		expect_tests("", rows[i].tests, 1, NULL, rows[i].message);
}

Test(test, a_file_that_is_no_test_file_is_refused_by_name_and_passed_over_in_a_directory)
{
	expect_run("test testdata/semantics/demo.yaml", 1, NULL, "a test file has no field");
	expect_run("test testdata/semantics/demo.yaml", 1, NULL, "missing-field");
	expect_run("test testdata/policies/good", 0, NULL, "0 tests: 0 passed, 0 failed\n");
	expect_run("test /nowhere.yaml", 3, NULL, "No such file");
	expect_run("test", 2, NULL, "expected a FILE or DIR");
	expect_run("test --format xml a", 2, NULL, "expected text, json or junit");
}

Test(test, policies_with_errors_are_an_error_of_their_suite_in_every_format)
{
	static const char bad[] = "policies: ../no/such\ntests: []\n";
	static const char broken[] = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
				     "metadata: {name: a}\nspec: {endpointSelector: {}, in: []}\n";
	char policy[256], text[1024], words[512];
	const char *path = write_temp("bad.yaml", broken, strlen(broken));
	static const char *const found[][2] = {
		{"text", ": error: the policies or inventories have errors"},
		{"json", "\"error\":\"the policies"},
		{"junit", "errors=\"1\""},
	};

	snprintf(policy, sizeof(policy), "%s", path);
	snprintf(text, sizeof(text),
		 "policies: %s\ntests: [{name: t, from: a=b, to: c=d, port: 80, expect: deny}]\n",
		 strrchr(policy, '/') + 1);
	path = write_temp("tests.yaml", text, strlen(text));
	for (int i = 0; i < 3; i++) {
		snprintf(words, sizeof(words), "test %s --format %s", path, found[i][0]);
		expect_run(words, 1, found[i][1], "1 suites could not be judged");
	}
	unlink(policy);
	write_temp("tests.yaml", bad, strlen(bad));
	snprintf(words, sizeof(words), "test %s", path);
	expect_run(words, 1, NULL, "there is none: ");
	unlink(path);
}

Test(test, what_stands_in_names_cannot_break_the_xml)
{
	expect_tests("--format junit",
		     "tests: [{name: \"<&>\\\"'\\x01\", request: /x, expect: allow}]\n", 1,
		     "name=\"&lt;&amp;&gt;&quot;&apos;\\x01\"", NULL);
}

Test(test, ten_thousand_tests_compile_their_policies_once, .timeout = 60)
{
	char *text = NULL, words[512];
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	struct timespec from, to;
	const char *path;

	fputs(head(), f);
	fputs("tests:\n", f);
	for (int i = 0; i < 10000; i++)
		fprintf(f, "- {name: t%d, request: POST /v1/%d, expect: deny}\n", i, i);
	fclose(f);
	path = write_temp("many.yaml", text, len);
	snprintf(words, sizeof(words), "test %s", path);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	expect_run(words, 0, "10000 of 10000 passed", "10000 passed, 0 failed");
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	/* Once is some 0.1 s; with a compilation for each it would be minutes. */
	cr_expect_lt(to.tv_sec - from.tv_sec, 15);
	unlink(path);
	free(text);
}

Test(test, a_file_without_tests_is_a_failure_where_tests_are_required)
{
	expect_tests("", "tests: []\n", 0, "0 of 0 passed", "");
	expect_tests("testdata/tests", "tests: []\n", 0, "10 of 10 passed", "");
	expect_tests("testdata/tests --require-tests", "tests: []\n", 1, "10 of 10 passed",
		     "has no tests, and --require-tests was given");
}

/* One policy in audit for the receiver, one in force for the sender "strict". */
static void expect_audit(const char *options, const char *tests, int status, const char *out)
{
	static const char policies[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
		"metadata: {name: a, annotations: {postern.io/audit: \"true\"}}\n"
		"spec: {endpointSelector: {matchLabels: {app: web}}, ingress: [{toPorts: [{ports: "
		"[{port: \"80\", protocol: TCP}], rules: {http: [{path: /a}]}}]}]}\n---\n"
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: b}\n"
		"spec: {endpointSelector: {matchLabels: {app: strict}}, egress: [{toPorts: "
		"[{ports: [{port: \"81\"}]}]}]}\n";
	char path[256], text[2048], file[256], words[1024];

	snprintf(path, sizeof(path), "%s", write_temp("p.yaml", policies, strlen(policies)));
	snprintf(text, sizeof(text),
		 "policies: %s\ndefaults: {from: app=x, to: app=web, port: 80}\ntests: [%s]\n",
		 path, tests);
	snprintf(file, sizeof(file), "%s", write_temp("t.yaml", text, strlen(text)));
	snprintf(words, sizeof(words), "test %s %s", file, options);
	expect_run(words, status, out, "");
	unlink(path);
	unlink(file);
}

Test(test, what_is_only_reported_is_expected_as_audit)
{
	expect_audit("", "{name: t, request: /b, expect: audit, reason: no-rule-l7}", 0,
		     "1 of 1 passed");
	expect_audit("", "{name: t, request: /b, expect: deny}", 1, "expected deny, found audit");
	expect_audit("", "{name: t, request: /b, expect: allow}", 1, "expected allow, found audit");
	expect_audit("", "{name: t, request: /a, expect: audit}", 1, "expected audit, found allow");
	expect_audit("", "{name: t, port: 81, expect: audit}", 0, "1 of 1 passed");
	expect_audit("--format json", "{name: t, port: 81, expect: audit}", 0,
		     "\"expect\":\"audit\",\"verdict\":\"audit\"");
	expect_audit("--in-force", "{name: t, request: /b, expect: deny}", 0, "1 of 1 passed");
}

Test(test, a_denial_of_the_other_side_goes_before_audit)
{
	expect_audit("", "{name: t, from: app=strict, expect: deny, reason: no-rule-l4}", 0,
		     "1 of 1 passed");
	expect_audit("", "{name: t, from: app=strict, port: 81, expect: audit}", 0,
		     "1 of 1 passed");
}
