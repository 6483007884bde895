// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/tests/fake_daemon.h"
#include "cli/tests/run.h"
#include "cli/verbs.h"

/* `postern WORDS` with a daemon that gives ANSWER. */
static struct run with_answer(const char *words, const char *answer)
{
	struct fake_daemon d;
	char line[256];
	struct run r;

	fake_daemon_start(&d, answer);
	snprintf(line, sizeof(line), "%s --socket %s", words, d.socket);
	r = run_words(line);
	fake_daemon_stop(&d);
	return r;
}

static void expect(const char *words, const char *answer, int status, const char *out,
		   const char *err)
{
	struct run r = with_answer(words, answer);

	cr_expect_eq(r.status, status, "%d: %s", r.status, r.err);
	cr_expect(strstr(r.out, out), "%s", r.out);
	cr_expect(strstr(r.err, err), "%s", r.err);
	run_fini(&r);
}

static const char status[] =
	"{\"version\":1,\"status\":{\"version\":\"0.1\",\"pid\":7,\"node_name\":\"n\\u001b[2J\","
	"\"health\":\"stale\",\"started\":\"t\",\"published\":\"u\",\"read\":\"v\",\"generation\":3,"
	"\"mode\":{\"cgroup\":\"/\",\"pins\":\"/sys/fs/bpf/postern\",\"answers\":true,"
	"\"courtesy\":false},\"sources\":[{\"kind\":\"policy\",\"path\":\"p.yaml\"}],"
	"\"findings\":[{\"severity\":\"error\",\"file\":\"p.yaml\",\"line\":2,\"column\":5,"
	"\"message\":\"no\",\"rule\":\"field-unknown\"}],\"findings_left_out\":4,\"policies\":1,"
	"\"rules\":2,\"identities\":3,\"endpoint_addresses\":8,\"rulesets\":{\"kernel\":1,"
	"\"fallback\":1,\"fallback_because\":[{\"ruleset\":1,\"policy\":\"ns/p\",\"why\":\"too "
	"big\"}]},\"maps\":[{\"name\":\"cells\",\"used\":1,\"size\":4}],\"passed\":[],"
	"\"drops\":[{\"reason\":\"no-rule-l7\",\"ingress\":5,\"egress\":0}],\"lost_events\":6}}\n";

Test(cli_ask, status_says_first_whether_all_is_well)
{
	struct run r = with_answer("status", status);

	cr_assert_eq(r.status, PST_EXIT_OK);
	cr_expect(strstr(r.out, "health       STALE") == r.out);
	cr_expect_not_null(strstr(r.out, "generation   3, in force since u\n"));
	cr_expect_not_null(strstr(r.out, "1 in the kernel, 1 in fallback\n"));
	cr_expect_not_null(strstr(r.out, "ns/p: too big\n"));
	cr_expect_not_null(strstr(r.out, "cells                1 of        4   25.0 %\n"));
	cr_expect_not_null(strstr(r.out, "no-rule-l7                 ingress        5"));
	cr_expect_not_null(strstr(r.out, "lost         6 reports"));
	cr_expect_not_null(strstr(r.out, "p.yaml:2:5: error: no [field-unknown]\nand 4 more\n"));
	cr_expect_null(strchr(r.out, '\033'), "what a terminal obeys is shown, not sent");
	run_fini(&r);
}

Test(cli_ask, json_is_what_the_daemon_says_without_its_wrapping)
{
	expect("status --format json", status, PST_EXIT_OK, "{\"version\":\"0.1\",\"pid\":7,", "");
}

Test(cli_ask, endpoints_are_a_table)
{
	expect("endpoints",
	       "{\"version\":1,\"endpoints\":[{\"name\":\"default/backend\",\"identity\":256,"
	       "\"ingress_enforced\":true,\"egress_enforced\":false,\"addresses\":[\"10.0.0.1\","
	       "\"fd00::1\"],\"labels\":[\"k8s:app=backend\"]}]}\n",
	       PST_EXIT_OK,
	       "ENDPOINT         IDENTITY  INGRESS   EGRESS    ADDRESSES  LABELS\n"
	       "default/backend       256  enforced  open      10.0.0.1,fd00::1  k8s:app=backend\n",
	       "");
}

Test(cli_ask, policies_are_listed_with_their_places)
{
	expect("policy get",
	       "{\"version\":1,\"policy\":{\"generation\":2,\"policies\":[{\"name\":\"ns/p\","
	       "\"rules\":[{\"path\":\"spec.ingress[0]\",\"file\":\"p.yaml\",\"line\":3,"
	       "\"column\":7,\"method\":\"GET\"}]}]}}\n",
	       PST_EXIT_OK, "generation 2\nns/p\n  p.yaml:3:7 spec.ingress[0] method \"GET\"\n",
	       "");
}

Test(cli_ask, the_question_is_one_line_of_the_protocol)
{
	struct fake_daemon d;
	char line[256];
	struct run r;

	fake_daemon_start(&d, status);
	snprintf(line, sizeof(line), "status --socket %s", d.socket);
	r = run_words(line);
	fake_daemon_stop(&d);
	cr_expect_str_eq(d.asked, "{\"version\":1,\"request\":\"status\"}\n");
	run_fini(&r);
}

Test(cli_ask, an_answer_that_is_none_is_a_failure)
{
	expect("status", "", PST_EXIT_FAILED, "", "gave no answer");
	expect("status", "hello\n", PST_EXIT_FAILED, "", "is no JSON");
	expect("status", "{\"version\":1,\"error\":\"too many connections\"}\n", PST_EXIT_FAILED,
	       "", "the daemon says: too many connections");
}

Test(cli_ask, no_daemon_is_said_with_the_place)
{
	expect_run("status --socket /nonexistent/sock", PST_EXIT_FAILED, NULL,
		   "no posternd answers at /nonexistent/sock");
	expect_run("endpoints --socket /nonexistent/sock", PST_EXIT_FAILED, NULL, "is it running?");
}

Test(cli_ask, mistakes_in_the_call_are_usage)
{
	expect_run("status now", PST_EXIT_USAGE, NULL, "operand");
	expect_run("policy", PST_EXIT_USAGE, NULL, "expected \"get\"");
	expect_run("policy put", PST_EXIT_USAGE, NULL, "expected \"get\"");
	expect_run("endpoints --format xml", PST_EXIT_USAGE, NULL, "format");
}
