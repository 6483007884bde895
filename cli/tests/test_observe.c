// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/observe_time.h"
#include "cli/tests/fake_daemon.h"
#include "cli/tests/run.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "enforcer/flow_test.h"

#define FLOWS "testdata/flows/flows.jsonl"

static const char denied[] =
	"Nov 27 04:31:31.665: default/frontend:51436 (ID:258) -> default/backend:8080 (ID:257) "
	"http-request DROPPED (HTTP/1.1 GET http://10.77.0.4:8080/admin)\n";
static const char allowed[] =
	"Nov 27 04:31:32.132: default/frontend:51456 (ID:258) -> default/backend:8080 (ID:257) "
	"http-request FORWARDED (HTTP/1.1 GET http://10.77.0.4:8080/api/x)\n";
static const char answered[] =
	"Nov 27 04:31:32.133: default/frontend:51456 (ID:258) <- default/backend:8080 (ID:257) "
	"http-response FORWARDED (HTTP/1.1 200 0ms (GET http://10.77.0.4:8080/api/x))\n";
static const char dropped[] =
	"Nov 27 04:31:32.544: default/other:45432 (ID:259) -> default/backend:8080 (ID:257) "
	"policy-verdict:none INGRESS DENIED (TCP)\n";

/* What `postern observe --input-file FLOWS WORDS` prints, which must be PARTS, one after the other.
 */
static void expect_parts(const char *words, const char *const *parts)
{
	char line[256], wanted[8192];
	int n = 0;
	struct run r;

	wanted[0] = '\0';
	for (; *parts; parts++)
		n += snprintf(wanted + n, sizeof(wanted) - (size_t)n, "%s", *parts);
	snprintf(line, sizeof(line), "observe --input-file " FLOWS " %s", words);
	r = run_words(line);
	cr_expect_eq(r.status, PST_EXIT_OK, "%s", r.err);
	cr_expect_str_eq(r.out, wanted, "%s: %s", words, r.out);
	run_fini(&r);
}

#define EXPECT(words, ...) expect_parts(words, (const char *const[]){__VA_ARGS__, NULL})

Test(cli_observe, compact_is_hubbles_line)
{
	EXPECT("", denied, allowed, answered, dropped);
}

Test(cli_observe, the_last_and_the_first_are_counted_after_the_filters)
{
	EXPECT("--last 1", dropped);
	EXPECT("--first 1", denied);
	EXPECT("--last 1 --protocol http", answered);
	EXPECT("--first 1 --verdict FORWARDED", allowed);
	EXPECT("--last 0", "");
}

Test(cli_observe, filters_have_hubbles_names)
{
	EXPECT("--verdict DROPPED", denied, dropped);
	EXPECT("--not --verdict DROPPED", allowed, answered);
	EXPECT("--verdict DROPPED --not --from-pod other", denied);
	EXPECT("--from-pod default/back", answered);
	EXPECT("-n default --http-status 2+", answered);
	EXPECT("--http-path ^/admin$ --http-method GET", denied);
	EXPECT("-l app=other -t policy-verdict", dropped);
	EXPECT("--to-ip fd77::/64", dropped);
	EXPECT("--identity 259 --to-port 8080", dropped);
	EXPECT("--pod kube-system/", "");
}

Test(cli_observe, the_version_of_ip_has_short_names)
{
	EXPECT("-4", denied, allowed, answered);
	EXPECT("-6", dropped);
	EXPECT("-4 -6 --last 1", dropped);
	EXPECT("--not -6 --last 1", answered);
	EXPECT("--not --ipv4", dropped);
}

Test(cli_observe, verdicts_are_coloured_when_it_is_asked_for)
{
	EXPECT("--color always --first 1",
	       "Nov 27 04:31:31.665: default/frontend:51436 (ID:258) -> default/backend:8080 (ID:257) "
	       "http-request \033[31mDROPPED\033[0m (HTTP/1.1 GET http://10.77.0.4:8080/admin)\n");
	EXPECT("--color never --first 1", denied);
	EXPECT("--color auto --first 1", denied); /* it is no terminal */
}

Test(cli_observe, times_bound_what_is_shown)
{
	EXPECT("--since 2026-11-27T04:31:32.133Z", answered, dropped);
	EXPECT("--until 2026-11-27T04:31:32Z", denied);
	EXPECT("--since 1s", "");
}

Test(cli_observe, dict_and_table_are_hubbles)
{
	EXPECT("-o dict --verdict DROPPED",
	       "  TIMESTAMP: Nov 27 04:31:31.665\n     SOURCE: default/frontend:51436\n"
	       "DESTINATION: default/backend:8080\n       TYPE: http-request\n"
	       "    VERDICT: DROPPED\n    SUMMARY: HTTP/1.1 GET http://10.77.0.4:8080/admin\n"
	       "------------\n"
	       "  TIMESTAMP: Nov 27 04:31:32.544\n     SOURCE: default/other:45432\n"
	       "DESTINATION: default/backend:8080\n       TYPE: policy-verdict:none INGRESS\n"
	       "    VERDICT: DENIED\n    SUMMARY: TCP\n");
	EXPECT("-o table --last 1",
	       "TIMESTAMP             SOURCE                DESTINATION            TYPE                  "
	       "        VERDICT   SUMMARY\n"
	       "Nov 27 04:31:32.544   default/other:45432   default/backend:8080   policy-verdict:none "
	       "INGRESS   DENIED    TCP\n");
}

Test(cli_observe, more_can_be_shown)
{
	EXPECT("--last 1 --print-node-name --numeric --time-format RFC3339Nano",
	       "2026-11-27T04:31:32.544736582Z [node-1]: [fd77::3]:45432 (ID:259) -> [fd77::4]:8080 "
	       "(ID:257) policy-verdict:none INGRESS DENIED (TCP)\n");
	EXPECT("--first 1 --print-policy-names",
	       "Nov 27 04:31:31.665: default/frontend:51436 (ID:258) -> default/backend:8080 (ID:257) "
	       "http-request DROPPED (HTTP/1.1 GET http://10.77.0.4:8080/admin; DENIED BY "
	       "default/backend-api (backend-api.yaml:21:17); no-rule-l7)\n");
}

Test(cli_observe, json_is_what_came_in_loss_included)
{
	struct run r = run_words("observe -o jsonpb --input-file " FLOWS);
	FILE *f = fopen(FLOWS, "r");
	char text[16384];

	cr_assert_not_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	/* Loss stands where it is met, before the flows that were kept for their number. */
	cr_assert_eq(strlen(r.out), strlen(text));
	cr_assert_not_null(strstr(r.out, "{\"lost_events\":{\"source\":\"HUBBLE_RING_BUFFER\","
					 "\"num_events_lost\":\"3\"}"));
	run_fini(&r);
}

Test(cli_observe, loss_is_said_beside_the_flows)
{
	expect_run("observe --input-file " FLOWS, PST_EXIT_OK, "DROPPED",
		   "EVENTS LOST: HUBBLE_RING_BUFFER 3\n");
}

/* `postern observe WORDS` with a daemon that says ANSWER; what it was asked in ASKED. */
static struct run with_daemon(const char *words, const char *answer, char asked[256])
{
	struct fake_daemon d;
	char line[256];
	struct run r;

	fake_daemon_start(&d, answer);
	snprintf(line, sizeof(line), "observe --socket %s %s", d.socket, words);
	r = run_words(line);
	fake_daemon_stop(&d);
	memcpy(asked, d.asked, 256);
	return r;
}

static void expect_asked(const char *words, const char *wanted)
{
	char asked[256];
	struct run r = with_daemon(words, "", asked);

	cr_expect_str_eq(asked, wanted, "%s: %s", words, asked);
	run_fini(&r);
}

Test(cli_observe, the_daemon_is_asked_for_what_is_needed)
{
	expect_asked("", "{\"version\":1,\"request\":\"observe\",\"last\":20}\n");
	expect_asked("--last 5", "{\"version\":1,\"request\":\"observe\",\"last\":5}\n");
	expect_asked("--all", "{\"version\":1,\"request\":\"observe\"}\n");
	expect_asked("--last 5 --verdict DROPPED", "{\"version\":1,\"request\":\"observe\"}\n");
	expect_asked("-f", "{\"version\":1,\"request\":\"observe\",\"last\":0,\"follow\":true,"
			   "\"mark\":true}\n");
}

Test(cli_observe, following_shows_what_was_there_up_to_the_mark_by_number)
{
	char asked[256];
	struct run r = with_daemon("-f --last 1 --verdict DROPPED",
				   "{\"flow\":{\"verdict\":\"DROPPED\",\"Summary\":\"one\"}}\n"
				   "{\"flow\":{\"verdict\":\"DROPPED\",\"Summary\":\"two\"}}\n"
				   "{\"flow\":{\"verdict\":\"FORWARDED\",\"Summary\":\"three\"}}\n"
				   "{\"version\":1,\"live\":true}\n"
				   "{\"flow\":{\"verdict\":\"DROPPED\",\"Summary\":\"four\"}}\n"
				   "{\"flow\":{\"verdict\":\"FORWARDED\",\"Summary\":\"five\"}}\n",
				   asked);

	cr_expect_eq(r.status, PST_EXIT_FAILED, "the daemon has ended");
	cr_expect_null(strstr(r.out, "one"));
	cr_expect_not_null(strstr(r.out, "(two)\n"));
	cr_expect_null(strstr(r.out, "three"));
	cr_expect_not_null(strstr(r.out, "(four)\n"));
	cr_expect_null(strstr(r.out, "five"));
	cr_expect_not_null(strstr(r.err, "the daemon has ended"));
	run_fini(&r);
}

Test(cli_observe, what_a_terminal_obeys_is_shown_not_sent)
{
	static const char evil[] =
		"{\"flow\":{\"verdict\":\"DROPPED\",\"node_name\":\"\\u001b]0;x\\u0007\",\"Summary\":"
		"\"\\u001b[2J\\n\\u009b\",\"source\":{\"pod_name\":\"\\u001b\"},"
		"\"drop_reason_desc\":\"\\u001b\",\"event_type\":{\"type\":1},"
		"\"ingress_denied_by\":[{\"name\":\"\\u001b\"}]}}\n";
	static const char *const forms[] = {"compact", "dict", "table", "json"};
	const char *path = write_temp("evil", evil, strlen(evil));

	for (size_t i = 0; i < 4; i++) {
		char line[256];
		struct run r;

		snprintf(line, sizeof(line),
			 "observe --print-node-name --print-policy-names -o %s --input-file %s",
			 forms[i], path);
		r = run_words(line);
		cr_expect_eq(r.status, PST_EXIT_OK);
		cr_expect_null(strchr(r.out, '\033'), "%s: %s", forms[i], r.out);
		cr_expect_null(strstr(r.out, "\xc2\x9b"), "%s: %s", forms[i], r.out);
		run_fini(&r);
	}
}

Test(cli_observe, lines_that_are_no_flows_are_counted_not_fatal)
{
	static const char text[] = "nonsense\n\n{\"a\":1}\n{\"flow\":{\"verdict\":\"DROPPED\"}}\n";
	const char *path = write_temp("mixed", text, strlen(text));
	char line[256];

	snprintf(line, sizeof(line), "observe --input-file %s", path);
	expect_run(line, PST_EXIT_OK, "DROPPED", "2 lines of");
}

Test(cli_observe, a_file_of_other_lines_only_is_a_failure)
{
	const char *path = write_temp("other", "kind: Pod\n\nmetadata:\n", 21);
	char line[256];

	snprintf(line, sizeof(line), "observe --input-file %s", path);
	expect_run(line, PST_EXIT_FAILED, NULL, "2 lines of");
	path = write_temp("other", "\n", 1);
	expect_run(line, PST_EXIT_OK, NULL, NULL);
	unlink(path);
}

Test(cli_observe, what_cannot_be_read_is_a_failure)
{
	expect_run("observe --input-file /nonexistent", PST_EXIT_FAILED, NULL,
		   "cannot open /nonexistent: No such file");
	expect_run("observe --input-file /", PST_EXIT_FAILED, NULL,
		   "cannot read /: Is a directory");
	expect_run("observe --input-file /dev/null", PST_EXIT_FAILED, NULL,
		   "cannot read /dev/null: not a regular file; \"-\" reads standard input");
	expect_run("observe --socket /nonexistent/sock", PST_EXIT_FAILED, NULL,
		   "no posternd answers");
}

Test(cli_observe, mistakes_in_the_call_are_usage)
{
	static const char *const calls[][2] = {
		{"--verdict MAYBE", "expected FORWARDED"},
		{"--http-path (", "--http-path \"(\": expected ')'"},
		{"--port 70000", "expected a port"},
		{"--ip 10.0.0.0/33", "expected an address"},
		{"--http-status 5xx", "expected a status"},
		{"--not", "expected a filter behind it"},
		{"--not --follow", "is no filter"},
		{"--not --last 5", "is no filter"},
		{"-o xml", "expected compact"},
		{"-f -o table", "drawn at the end"},
		{"--time-format now", "expected StampMilli"},
		{"--since yesterday", "expected RFC 3339"},
		{"--last -1", "expected a number"},
		{"--first 1 --last 1", "not with --last"},
		{"--first 1 -f", "not with --follow"},
		{"-f --input-file x", "cannot be followed"},
		{"flows", "operands"},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		char line[128];

		snprintf(line, sizeof(line), "observe %s", calls[i][0]);
		expect_run(line, PST_EXIT_USAGE, NULL, calls[i][1]);
	}
}

static bool has_option(const char *prefix, const char *name)
{
	const struct pst_cli_verb *v = pst_cli_verb_find("observe");
	char full[64];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	for (size_t i = 0; i < v->n_options; i++)
		if (!strcmp(v->options[i].name, full))
			return v->options[i].many && v->options[i].arg;
	return false;
}

Test(cli_observe, each_filter_that_there_is_has_its_options)
{
	for (const struct pst_flow_test_kind *k = pst_flow_test_kinds; k->name; k++) {
		cr_expect(has_option("", k->name), "--%s", k->name);
		cr_expect_eq(has_option("from-", k->name), k->of_end, "--from-%s", k->name);
		cr_expect_eq(has_option("to-", k->name), k->of_end, "--to-%s", k->name);
	}
}

Test(cli_observe, durations_are_sums_of_their_parts)
{
	int64_t t = 0;

	cr_assert_eq(pst_observe_time_parse("1h30m", INT64_C(5400000000007), &t), 0);
	cr_assert_eq(t, 7);
	cr_assert_eq(pst_observe_time_parse("1s500ms", INT64_C(1500000000), &t), 0);
	cr_assert_eq(t, 0);
	for (const char *const *bad = (const char *const[]){"", "1", "s", "1d", "1hh", "99999999s",
							    "9999999h", NULL};
	     *bad; bad++)
		cr_assert_neq(pst_observe_time_parse(*bad, 0, &t), 0, "%s", *bad);
}
