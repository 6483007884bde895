// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/tests/run.h"

#define ASK                                                                               \
	"explain --policy testdata/semantics/demo.yaml --direction ingress --to app=web " \
	"--port 80 "
#define EMPIRE ASK "--from org=empire "

Test(explain, a_request_is_decided_with_rule_and_reason)
{
	expect_run(EMPIRE "--method POST --path /v1/request-landing --host h", 0,
		   "allow: an HTTP rule matches\n"
		   "  reason  rule-matched\n"
		   "  layer   l7\n"
		   "  rule    testdata/semantics/demo.yaml:12:22 default/demo "
		   "spec.ingress[0].toPorts[0].rules.http[0]\n"
		   "  l4 rule testdata/semantics/demo.yaml:9:5 default/demo spec.ingress[0]\n",
		   NULL);
	expect_run(EMPIRE "--method PUT --path /v1/exhaust-port --host h", 1,
		   "deny: no HTTP rule matches the request\n  reason  no-rule-l7\n  layer   l7\n",
		   NULL);
	expect_run(EMPIRE "--path /../x --host h", 1, "target-dot-segment", NULL);
}

Test(explain, paths_may_be_judged_as_they_stand)
{
	expect_run(EMPIRE "--path /../x --host h --paths any", 1, "no-rule-l7", NULL);
	expect_run(EMPIRE "--path /../x --host h --paths normal", 1, "target-dot-segment", NULL);
	expect_run(EMPIRE "--path /x --host h --paths odd", 2, NULL,
		   "expected normal or any behind --paths");
}

Test(explain, without_a_request_the_http_rules_are_listed)
{
	expect_run(EMPIRE, 0, "HTTP rules decide on each request", NULL);
	expect_run(EMPIRE, 0, "method POST  path /v1/request-landing  host (any)", NULL);
	expect_run(EMPIRE "--format json", 0, "\"http_rules\":[{\"rule\":{", NULL);
	expect_run(ASK "--from org=alliance", 1, "  layer   l3l4\n", NULL);
}

Test(explain, json_names_the_same_things)
{
	struct run r = run_words(EMPIRE "--method POST --path /v1/request-landing --format json");
	json_t *j = json_loads(r.out, 0, NULL);
	const char *verdict = NULL, *reason = NULL, *layer = NULL, *path = NULL;
	int line = 0;

	cr_assert_eq(json_unpack(j, "{s:s,s:s,s:s,s:{s:s,s:i}}", "verdict", &verdict, "reason",
				 &reason, "layer", &layer, "rule", "path", &path, "line", &line),
		     0, "%s", r.out);
	cr_assert_str_eq(verdict, "allow");
	cr_assert_str_eq(reason, "rule-matched");
	cr_assert_str_eq(layer, "l7");
	cr_assert_str_eq(path, "spec.ingress[0].toPorts[0].rules.http[0]");
	cr_assert_eq(line, 12);
	json_decref(j);
	run_fini(&r);
}

Test(explain, parts_that_would_end_a_line_are_refused)
{
	static const char *const words[] = {
		"explain",
		"--policy",
		"testdata/semantics/demo.yaml",
		"--direction",
		"ingress",
		"--to",
		"app=web",
		"--port",
		"80",
		"--from",
		"org=empire",
		"--path",
		"/x HTTP/1.1\r\nHost: a\r\n\r\n",
		NULL,
	};
	struct run r = run_list(words);

	cr_assert_eq(r.status, 2);
	cr_assert(strstr(r.err, "use --raw"));
	run_fini(&r);
	expect_run(EMPIRE "--header nocolon", 2, NULL, "there is no colon");
}

Test(explain, policies_with_errors_are_not_asked)
{
	static const char bad[] = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
				  "metadata: {name: a}\n"
				  "spec: {endpointSelector: {}, ingress: [{toPort: []}]}\n";
	const char *path = write_temp("bad.yaml", bad, strlen(bad));
	char words[512];

	snprintf(words, sizeof(words),
		 "explain --policy %s --direction ingress --from a=b --to c=d --port 80", path);
	expect_run(words, 1, NULL, "could mislead");
	expect_run(words, 1, NULL, "toPort");
	unlink(path);
	expect_run(words, 3, NULL, "No such file");
}

Test(explain, a_peer_outside_is_an_address_or_has_a_name)
{
	static const struct expected to[] = {
		{"cidr:10.95.0.1/32", 0, "allow", NULL},
		{"10.96.0.1", 1, "deny", NULL},
		{"cidr:10.95.0.1/33", 2, NULL, "expected a prefix behind \"cidr:\""},
		{"cidr:10.0.0.0/8,cidr:11.0.0.0/8", 2, NULL, "one label of source cidr"},
	};
	static const struct expected names[] = {
		{"fqdn:api.example.com", 0, "allow", "[name-unknown]"},
		{"fqdn:api.example.org", 1, "deny", "[name-unknown]"},
	};

	expect_each("explain --policy testdata/semantics/cidr.yaml --direction egress "
		    "--from app=web --port 80 --to ",
		    to, sizeof(to) / sizeof(*to));
	expect_each("explain --policy testdata/semantics/names.yaml --direction egress "
		    "--from app=web --port 443 --to ",
		    names, sizeof(names) / sizeof(*names));
}

Test(explain, peers_are_labels_or_addresses_of_the_inventory)
{
	static const char inventory[] =
		"apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\n"
		"status: {podIP: 10.0.0.1}\n---\n"
		"apiVersion: v1\nkind: Pod\nmetadata: {name: tie, labels: {org: empire}}\n"
		"status: {podIP: 10.0.0.2}\n";
	static const struct expected peers[] = {
		{"--from 10.0.0.2 --to 10.0.0.1", 0, "HTTP rules decide", NULL},
		{"--from 10.0.0.3 --to 10.0.0.1", 1, "no-rule-l4", NULL},
		{"--from org=empire --to 10.0.0.1", 0, "HTTP rules decide", NULL},
		{"--from k8s:org=empire,io.kubernetes.pod.namespace=other --to 10.0.0.1", 1,
		 "no-rule-l4", NULL},
		{"--from 10.0.0.1 --to 10.0.0.1", 0, "same-address", NULL},
		{"--from reserved:host --to 10.0.0.1", 0, "l4-allowed", NULL},
		{"--from 10.0.0.2 --to 10.0.0.9", 1, "unknown-endpoint", NULL},
	};
	const char *path = write_temp("inv.yaml", inventory, strlen(inventory));
	char words[512];

	snprintf(words, sizeof(words),
		 "explain --policy testdata/semantics/demo.yaml --inventory %s "
		 "--direction ingress --port 80 ",
		 path);
	expect_each(words, peers, sizeof(peers) / sizeof(*peers));
	unlink(path);
}

/* What a run of --cases says about the lines of FILE. */
struct totals {
	size_t lines, met, missed, errors;
};

static const json_t *next_line(FILE *f, json_t **keep)
{
	char *line = NULL;
	size_t cap = 0;

	json_decref(*keep);
	*keep = NULL;
	if (getline(&line, &cap, f) > 0)
		*keep = json_loads(line, 0, NULL);
	free(line);
	return *keep;
}

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* Is ID ("v171") in CELL, a list of ids and ranges ("v171-v184 v228")? */
static bool is_listed_in(const char *cell, const char *id)
{
	long want = strtol(id + 1, NULL, 10);

	for (const char *s = cell; *s && *s != '|';) {
		char *end;
		long first, last;

		if (*s != 'v') {
			s++;
			continue;
		}
		first = last = strtol(s + 1, &end, 10);
		if (!strncmp(end, "-v", 2))
			last = strtol(end + 2, &end, 10);
		if (want >= first && want <= last)
			return true;
		s = end;
	}
	return false;
}

/* Does docs/differences.md say that the case ID is decided otherwise? */
static bool is_known_difference(const char *id)
{
	FILE *f = fopen("docs/differences.md", "r");
	bool found = false;
	char *line = NULL;
	size_t cap = 0;

	cr_assert_not_null(f);
	while (!found && getline(&line, &cap, f) > 0)
		found = !strncmp(line, "| v", 3) && is_listed_in(line + 2, id);
	free(line);
	fclose(f);
	return found;
}

static bool is_as_expected(const json_t *said, const json_t *asked)
{
	if (json_object_get(said, "upstream") && strcmp(str(said, "upstream"), "met"))
		return false;
	return !strcmp(str(said, "verdict"), str(asked, "expect")) &&
	       !strcmp(str(said, "deny_as"), str(asked, "deny_as"));
}

/* FEW: the cases of docs/differences.md, and no others, are decided otherwise. */
static struct totals check_cases(const char *file, bool few)
{
	char words[512];
	FILE *in = fopen(file, "r"), *out;
	json_t *asked = NULL, *said = NULL;
	struct totals t = {0};
	struct run r;

	snprintf(words, sizeof(words), "explain --cases %s%s", file,
		 few ? " --inventory testdata/semantics/secrets.yaml" : "");
	r = run_words(words);
	out = fmemopen(r.out, strlen(r.out), "r");
	while (next_line(in, &asked)) {
		cr_assert_not_null(next_line(out, &said), "an answer for each line");
		cr_assert_str_eq(str(said, "id"), str(asked, "id"));
		t.lines++;
		if (is_as_expected(said, asked)) {
			cr_expect_not(few && is_known_difference(str(asked, "id")),
				      "%s is decided as expected: take it out of the list",
				      str(asked, "id"));
			t.met++;
			continue;
		}
		if (strcmp(str(said, "verdict"), "error"))
			t.missed++;
		else
			t.errors++;
		cr_expect(few && is_known_difference(str(asked, "id")),
			  "%s: %s as %s, expected %s as %s (%s)", str(said, "id"),
			  str(said, "verdict"), str(said, "deny_as"), str(asked, "expect"),
			  str(asked, "deny_as"), str(said, "reason"));
	}
	cr_expect_eq(r.status, t.missed || t.errors ? 1 : 0);
	json_decref(asked);
	json_decref(said);
	fclose(in);
	fclose(out);
	run_fini(&r);
	return t;
}

/* Ids are the numbers of the mini-cases in the policy semantics. */
Test(explain, the_mini_cases_of_the_semantics_hold, .timeout = 300)
{
	struct totals t = check_cases("testdata/semantics/cases.jsonl", false);

	cr_assert_geq(t.lines, 102);
	cr_assert_eq(t.met, t.lines);
}

Test(explain, a_list_of_cases_has_ids_and_ranges)
{
	static const char cell[] = " v171-v184 v228 | v300 ";

	cr_expect(is_listed_in(cell, "v171"));
	cr_expect(is_listed_in(cell, "v184"));
	cr_expect(is_listed_in(cell, "v228"));
	cr_expect_not(is_listed_in(cell, "v170"));
	cr_expect_not(is_listed_in(cell, "v185"));
	cr_expect_not(is_listed_in(cell, "v227"));
	cr_expect_not(is_listed_in(cell, "v300"), "of another cell");
}

Test(explain, the_corpus_of_the_reference_holds_but_for_the_listed_differences, .timeout = 300)
{
	static const char corpus[] = "../shared/corpus/verdicts.jsonl";
	struct totals t;

	if (access(corpus, R_OK))
		cr_skip_test("%s is not there", corpus);
	t = check_cases(corpus, true);
	fprintf(stderr, "%s: %zu lines, %zu as expected, %zu without a verdict\n", corpus, t.lines,
		t.met, t.errors);
	cr_assert_geq(t.lines, 141);
}

/* Or it says by name what is closed. */
Test(explain, every_valid_policy_of_the_corpus_compiles_or_names_what_does_not, .timeout = 300)
{
	glob_t g;

	if (glob("../shared/corpus/valid/*.yaml", 0, NULL, &g))
		cr_skip_test("../shared/corpus/valid is not there");
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char words[512];
		struct run r;

		snprintf(words, sizeof(words), "compile %s --output /dev/null", g.gl_pathv[i]);
		r = run_words(words);
		cr_expect(r.status == 0 || (r.status == 1 && strstr(r.err, "[unsupported-")),
			  "%s: %d, %s", g.gl_pathv[i], r.status, r.err);
		run_fini(&r);
	}
	globfree(&g);
}

Test(explain, a_case_that_cannot_be_answered_is_an_error_and_never_met)
{
	static const char lines[] =
		"not json\n"
		"{\"id\":\"a\",\"policy_file\":\"missing.yaml\",\"expect\":\"deny\"}\n"
		"{\"id\":\"b\",\"expect\":\"deny\"}\n"
		"{\"id\":\"c\",\"policy_file\":\"x\",\"policy_file\":\"y\"}\n";
	const char *path = write_temp("cases.jsonl", lines, strlen(lines));
	char words[512];

	snprintf(words, sizeof(words), "explain --cases %s", path);
	expect_run(words, 1, "\"id\":\"a\",\"verdict\":\"error\"",
		   "4 cases: 0 as expected, 0 not, 4 without");
	expect_run(words, 1, "\"id\":\"b\",\"verdict\":\"error\"", "4 without");
	unlink(path);
	expect_run(words, 3, NULL, "cannot open");
	write_temp("cases.jsonl", "", 0);
	expect_run(words, 3, NULL, "holds no case");
	unlink(path);
}

Test(explain, what_is_wrong_with_a_case_has_its_line)
{
	static const char lines[] = "{\"id\":\"a\"}\n"
				    "\n"
				    "{\"id\":\"b\",\n"
				    "[1]\n"
				    "{\"id\":\"c\",\"policy_file\":\"missing.yaml\"}\n"
				    "{\"id\":\"d\",\"expct\":\"deny\"}\n";
	const char *path = write_temp("places.jsonl", lines, strlen(lines));
	char words[512];

	snprintf(words, sizeof(words), "explain --cases %s", path);
	expect_run(words, 1, "places.jsonl:1: expected a string: policy_file\"", "5 without");
	expect_run(words, 1, "places.jsonl:3:10: expected a JSON object: string or '}' expected",
		   "5 without");
	expect_run(words, 1, "places.jsonl:4: expected a JSON object, found JSON of another kind",
		   "5 without");
	expect_run(words, 1, "/missing.yaml: No such file or directory [file-missing]\"",
		   "5 without");
	expect_run(words, 1, "places.jsonl:6: a case has no field expct\"", "5 without");
	unlink(path);
}

Test(explain, a_case_with_another_verdict_than_expected_gives_status_1)
{
	static const char form[] =
		"{\"id\":\"x\",\"policy_file\":\"%s\",\"direction\":\"ingress\","
		"\"src_labels\":[\"org=alliance\"],\"dst_labels\":[\"app=web\"],\"dport\":80,"
		"\"proto\":\"TCP\",\"expect\":\"allow\"}\n";
	static const char policy[] = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
				     "metadata: {name: a}\n"
				     "spec: {endpointSelector: {}, ingress: [{}]}\n";
	char policy_path[256], line[1024], words[512];
	const char *path = write_temp("none.yaml", policy, strlen(policy));

	snprintf(policy_path, sizeof(policy_path), "%s", path);
	snprintf(line, sizeof(line), form, strrchr(path, '/') + 1);
	path = write_temp("cases.jsonl", line, strlen(line));
	snprintf(words, sizeof(words), "explain --cases %s", path);
	expect_run(words, 1, "\"verdict\":\"deny\",\"layer\":\"l3l4\",\"deny_as\":\"drop\"",
		   "1 cases: 0 as expected, 1 not");
	unlink(path);
	unlink(policy_path);
}

/* The case ID of a POST that has X-A: 1, with UPSTREAM as what is expected at the server. */
static void expect_upstream(const char *action, const char *upstream, int status, const char *out,
			    const char *err)
{
	char policy[1024], policy_path[256], line[1024], words[512];
	const char *path;

	snprintf(policy, sizeof(policy),
		 "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\n"
		 "spec: {endpointSelector: {}, ingress: [{toPorts: [{ports: [{port: '80', "
		 "protocol: TCP}], rules: {http: [{method: POST%s}]}}]}]}\n",
		 action);
	path = write_temp("upstream.yaml", policy, strlen(policy));
	snprintf(policy_path, sizeof(policy_path), "%s", path);
	snprintf(line, sizeof(line),
		 "{\"id\":\"x\",\"policy_file\":\"%s\",\"direction\":\"ingress\","
		 "\"src_labels\":[\"org=a\"],\"dst_labels\":[\"app=web\"],\"dport\":80,"
		 "\"proto\":\"TCP\",\"method\":\"POST\",\"path\":\"/\",\"host\":\"h\","
		 "\"headers\":{\"X-A\":\"1\"},\"expect\":\"allow\",%s}\n",
		 strrchr(path, '/') + 1, upstream);
	path = write_temp("cases.jsonl", line, strlen(line));
	snprintf(words, sizeof(words), "explain --cases %s", path);
	expect_run(words, status, out, err);
	unlink(path);
	unlink(policy_path);
}

Test(explain, what_a_case_expects_at_the_server_is_the_request_itself)
{
	expect_upstream("", "\"expect_upstream_headers\":{\"x-a\":\"1\"}", 0,
			"\"upstream\":\"met\",\"met\":true", "1 cases: 1 as expected");
	expect_upstream("", "\"expect_upstream_headers\":{\"x-a\":\"2\"}", 1,
			"\"upstream\":\"missed\",\"met\":false", "0 as expected, 1 not");
	expect_upstream("", "\"expect_upstream_absent\":[\"X-B\"]", 0, "\"upstream\":\"met\"",
			"1 cases: ");
	expect_upstream("", "\"expect_upstream_absent\":[\"x-a\"]", 1, "\"upstream\":\"missed\"",
			"1 cases: ");
}

Test(explain, a_case_that_expects_changed_headers_is_unsupported_and_never_met)
{
	static const char action[] =
		", headerMatches: [{name: X-B, mismatch: REPLACE, value: '1'}]";

	expect_upstream(
		action, "\"expect_upstream_headers\":{\"x-b\":\"1\"}", 1,
		"\"upstream\":\"unsupported: ", "0 as expected, 0 not, 0 without a verdict, 1");
	expect_upstream(action, "\"expect_upstream_headers\":{\"x-a\":\"1\"}", 1, "\"met\":false",
			"0 as expected, 0 not, 0 without a verdict, 1");
}

Test(explain, what_a_case_expects_at_the_server_has_to_have_a_form)
{
	expect_upstream("", "\"expect_upstream_headers\":[]", 1, "expected an object", "1 without");
	expect_upstream("", "\"expect_upstream_headers\":{\"x-a\":1}", 1, "is not a string",
			"1 cases: ");
	expect_upstream("", "\"expect_upstream_absent\":{}", 1, "expected a list", "1 cases: ");
	expect_upstream("", "\"expect_upstream_absent\":[1]", 1, "is not a string", "1 cases: ");
}

#define SHOP                                                             \
	"explain --policy testdata/diff/old --direction ingress --from " \
	"app=frontend,io.kubernetes.pod.namespace=shop --to "            \
	"app=checkout,io.kubernetes.pod.namespace=shop "

Test(explain, a_denied_request_names_the_rules_that_nearly_matched)
{
	expect_run(SHOP "--port 8080 --path /v1/item/1 --host a", 1,
		   "  near    testdata/diff/old/checkout.yaml:13:17 shop/checkout "
		   "spec.ingress[0].toPorts[0].rules.http[0]\n"
		   "          method matches, path does not: \"/v1/item/1\" leaves "
		   "\"/v1/items(/[0-9]+)?\" at byte 8\n"
		   "  near    testdata/diff/old/checkout.yaml:14:17 ",
		   NULL);
	expect_run(SHOP "--port 8080 --path /v1/item", 1,
		   "path does not: \"/v1/item\" ends too early for \"/v1/items(/[0-9]+)?\"\n",
		   NULL);
	expect_run(SHOP "--port 8080 --method POST --path /v1/pay/x --format json", 1,
		   "\"near_misses\":[{\"rule\":{\"policy\":\"shop/checkout\",", NULL);
	expect_run(SHOP "--port 8080 --method POST --path /v1/pay/x --format json", 1,
		   "\"path\":{\"pattern\":\"/v1/pay\",\"text\":\"/v1/pay/x\",\"how\":\"leaves\","
		   "\"byte\":7}",
		   NULL);
}

Test(explain, a_denied_connection_names_the_rules_that_nearly_matched)
{
	expect_run(SHOP "--port 80", 1,
		   "  near    testdata/diff/old/checkout.yaml:7:7 shop/checkout spec.ingress[0]\n"
		   "          the peer matches, the port does not: TCP 8080\n",
		   NULL);
	expect_run(
		"explain --policy testdata/diff/old --direction ingress --from app=frontend --to "
		"app=checkout,io.kubernetes.pod.namespace=shop --port 8080",
		1,
		"the port matches, the peer does not: io.kubernetes.pod.namespace=shop is asked "
		"for, the peer has io.kubernetes.pod.namespace=default\n",
		NULL);
	expect_run(
		"explain --policy testdata/diff/old --direction ingress --from reserved:world --to "
		"app=checkout,io.kubernetes.pod.namespace=shop --port 80 --format json",
		1,
		"\"near_misses\":[],\"near_misses_left_out\":0,"
		"\"rules_that_miss_peer_and_port\":1}",
		NULL);
}

/* HTTP rules for jobs and the database, and a reader of DNS for jobs alone. */
static const char at_odds[] =
	"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
	"spec:\n  endpointSelector: {}\n  egress:\n"
	"  - toEndpoints: [{matchLabels: {app: job}}, {matchLabels: {app: db}}]\n"
	"    toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {http: [{path: /a}]}}]\n"
	"  - toEndpoints: [{matchLabels: {app: job}}]\n"
	"    toPorts: [{ports: [{port: '80', protocol: TCP}], rules: {dns: [{matchName: a}]}}]\n";

Test(explain, what_two_conflicting_rules_both_mean_is_denied_and_both_are_named)
{
	const char *path = write_temp("odds.yaml", at_odds, strlen(at_odds));
	char words[512], near[512];

#define ODDS(accept, to)                                                                      \
	snprintf(words, sizeof(words),                                                        \
		 "explain --policy %s --accept unsupported-dns " accept "--direction egress " \
		 "--from app=web --to app=" to " --port 80 --path /a",                        \
		 path)
	ODDS("", "job");
	expect_run(words, 1, NULL, "error: two readers of one connection");
	ODDS("--accept conflict-l7 ", "job");
	snprintf(near, sizeof(near),
		 "  near    %s:7:5 default/p spec.egress[0]\n          conflict-l7, so that what "
		 "both mean is denied: %s:9:5 default/p spec.egress[1]\n",
		 path, path);
	expect_run(words, 1, near, "warning: two readers of one connection");
	ODDS("--accept conflict-l7 ", "db");
	expect_run(words, 0, "allow: an HTTP rule matches", "warning: two readers");
	ODDS("--accept path-glob ", "db");
	expect_run(words, 2, NULL, "unsupported-..., conflict-...");
#undef ODDS
	unlink(path);
}

Test(explain, what_is_denied_for_another_reason_has_no_near_misses)
{
	struct run r = run_words(SHOP "--port 8080 --path //x --host a");

	cr_expect_eq(r.status, 1);
	cr_expect_null(strstr(r.out, "near"), "%s", r.out);
	run_fini(&r);
}

Test(explain, a_header_that_is_missed_is_named_with_the_rule)
{
	static const char policy[] =
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: a}\n"
		"spec:\n  endpointSelector: {matchLabels: {app: a}}\n  ingress:\n  - toPorts:\n"
		"    - ports: [{port: \"80\", protocol: TCP}]\n"
		"      rules: {http: [{path: /x, headers: [\"X-Team: shop\"]}]}\n";
	const char *path = write_temp("headers.yaml", policy, sizeof(policy) - 1);
	char words[512];

	snprintf(words, sizeof(words),
		 "explain --policy %s --direction ingress --from app=b --to app=a --port 80 "
		 "--path /x --host h",
		 path);
	expect_run(words, 1, "path matches, header does not: x-team is missing\n", NULL);
	snprintf(words + strlen(words), sizeof(words) - strlen(words), " --header X-Team:pay");
	expect_run(words, 1, "path matches, header does not: x-team is not \"shop\"\n", NULL);
	snprintf(words + strlen(words), sizeof(words) - strlen(words), " --format json");
	expect_run(words, 1,
		   "\"headers\":{\"how\":\"missed\",\"missed\":1,\"name\":\"x-team\","
		   "\"present\":true,\"value\":\"shop\"}",
		   NULL);
	unlink(path);
}

/* Ingress of the pod web on port 80, by a policy that only reports. */
static const char audited[] = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n"
			      "metadata: {name: a, annotations: {postern.io/audit: \"true\"}}\n"
			      "spec:\n  endpointSelector: {matchLabels: {app: web}}\n  ingress:\n"
			      "  - toPorts:\n    - ports: [{port: \"80\", protocol: TCP}]\n"
			      "      rules: {http: [{path: \"/v1/.*\"}]}\n";

static void expect_audited(const char *options, int status, const char *out)
{
	char path[256], words[1024];

	snprintf(path, sizeof(path), "%s", write_temp("audit.yaml", audited, strlen(audited)));
	snprintf(words, sizeof(words),
		 "explain --policy %s --direction ingress --from app=x --to app=web %s", path,
		 options);
	expect_run(words, status, out, NULL);
	unlink(path);
}

Test(explain, what_a_policy_in_audit_would_deny_is_forwarded_and_told_as_audit)
{
	expect_audited("--port 80 --path /v2", 0,
		       "audit: forwarded, and reported as AUDIT; in force it would be denied: no "
		       "HTTP rule matches the request\n  reason  no-rule-l7\n");
	expect_audited("--port 80 --path /v1/a", 0, "allow: an HTTP rule matches");
	expect_audited("--port 81", 0,
		       "audit: forwarded, and reported as AUDIT; in force it "
		       "would be denied: default deny");
	expect_audited("--port 80", 0,
		       "what they do not allow is forwarded, and reported as AUDIT");
	expect_audited("--port 81 --format json", 0,
		       "{\"verdict\":\"audit\",\"in_force\":\"deny\",\"audited\":true,");
	expect_audited("--port 80 --path /v1/a --format json", 0,
		       "{\"verdict\":\"allow\",\"in_force\":\"allow\",\"audited\":true,");
}

Test(explain, a_policy_in_audit_can_be_asked_as_if_it_were_in_force)
{
	expect_audited("--port 80 --path /v2 --in-force", 1, "deny: no HTTP rule matches");
	expect_audited("--port 81 --in-force", 1, "deny: default deny");
	expect_audited("--port 81 --in-force --format json", 1,
		       "{\"verdict\":\"deny\",\"in_force\":\"deny\",\"audited\":false,");
}

Test(explain, raw_bytes_under_audit_all_pass)
{
	static const char bytes[] = "GET /v2 HTTP/1.1\r\nHost: a\r\n\r\n"
				    "GET //v1 HTTP/1.1\r\nHost: a\r\n\r\n";
	char raw[256], words[512];

	snprintf(raw, sizeof(raw), "%s", write_temp("raw", bytes, strlen(bytes)));
	snprintf(words, sizeof(words), "--port 80 --raw %s", raw);
	expect_audited(words, 0, "0 audit no-rule-l7\n29 audit target-empty-segment\n");
	snprintf(words, sizeof(words), "--port 80 --raw %s --format json", raw);
	expect_audited(words, 0, "{\"verdict\":\"audit\",\"in_force\":\"deny\",\"layer\":\"l7\",");
	snprintf(words, sizeof(words), "--port 80 --raw %s --in-force", raw);
	expect_audited(words, 1, "0 deny no-rule-l7\n29 deny target-empty-segment\n");
	unlink(raw);
}

/* That what has no end does not take the memory: tests/lint, where it can be standard input. */
Test(explain, what_cannot_be_read_says_why)
{
	static const struct expected raw[] = {
		{"testdata", 3, NULL, "cannot read testdata: Is a directory"},
		{"/dev/zero", 3, NULL, "cannot read /dev/zero: not a regular file; \"-\" reads"},
	};
	static const struct expected cases[] = {
		{"testdata", 3, NULL, "cannot read testdata: Is a directory"},
		{"/dev/zero", 3, NULL, "cannot read /dev/zero: not a regular file; \"-\" reads"},
	};

	expect_each("explain --policy testdata/semantics/demo.yaml --direction ingress --port 80 "
		    "--from org=empire --to org=empire --raw ",
		    raw, sizeof(raw) / sizeof(*raw));
	expect_each("explain --cases ", cases, sizeof(cases) / sizeof(*cases));
}
