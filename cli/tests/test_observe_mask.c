// SPDX-License-Identifier: Apache-2.0
#include "cli/observe_mask.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/tests/run.h"
#include "cli/verbs.h"

#define MASK "observe --input-file testdata/flows/flows.jsonl --first 1 -o json --field-mask "

/* What TEXT leaves of JSON is WANT. */
static void expect_left(const char *text, const char *json, const char *want)
{
	struct pst_observe_mask *m = NULL;
	json_t *whole = json_loads(json, 0, NULL), *left;
	char why[256] = "", *said, *after;

	cr_assert(whole);
	cr_assert_eq(pst_observe_mask_new(&m), 0);
	cr_assert_eq(pst_observe_mask_add(m, text, why, sizeof(why)), 0, "%s: %s", text, why);
	left = pst_observe_mask_apply(m, whole);
	cr_assert(left);
	said = json_dumps(left, JSON_COMPACT);
	after = json_dumps(whole, JSON_COMPACT);
	cr_expect_str_eq(said, want, "%s: %s", text, said);
	cr_expect_str_eq(after, json, "%s changed what it was made of: %s", text, after);
	free(said);
	free(after);
	json_decref(left);
	json_decref(whole);
	pst_observe_mask_free(&m);
	cr_assert_null(m);
}

#define FLOW                                                                                 \
	"{\"flow\":{\"verdict\":\"DROPPED\",\"source\":{\"identity\":7,\"pod_name\":\"a\"}," \
	"\"l7\":{\"type\":\"REQUEST\",\"http\":{\"code\":200,\"url\":\"/x\"}}},"             \
	"\"node_name\":\"n\"}"
#define LEFT(flow) "{\"flow\":{" flow "},\"node_name\":\"n\"}"

Test(observe_mask, what_a_path_leads_to_is_left_and_what_is_beside_the_flow)
{
	expect_left("verdict", FLOW, LEFT("\"verdict\":\"DROPPED\""));
	expect_left("source.pod_name", FLOW, LEFT("\"source\":{\"pod_name\":\"a\"}"));
	expect_left("l7.http.url,l7.type", FLOW,
		    LEFT("\"l7\":{\"type\":\"REQUEST\",\"http\":{\"url\":\"/x\"}}"));
	expect_left("l7.http", FLOW, LEFT("\"l7\":{\"http\":{\"code\":200,\"url\":\"/x\"}}"));
}

Test(observe_mask, a_field_that_is_whole_stays_whole_beside_a_part_of_it)
{
	const char *whole = LEFT("\"source\":{\"identity\":7,\"pod_name\":\"a\"}");

	expect_left("source,source.pod_name", FLOW, whole);
	expect_left("source.pod_name,source", FLOW, whole);
	expect_left("source.pod_name,source.pod_name", FLOW,
		    LEFT("\"source\":{\"pod_name\":\"a\"}"));
}

Test(observe_mask, what_a_flow_does_not_have_leaves_nothing)
{
	expect_left("destination.labels,time,l7.http.headers", FLOW, LEFT(""));
	expect_left("uuid", "{\"verdict\":\"DROPPED\"}", "{}");
}

Test(observe_mask, hubbles_older_form_is_the_flow_itself)
{
	expect_left("verdict", "{\"uuid\":\"u\",\"verdict\":\"DROPPED\"}",
		    "{\"verdict\":\"DROPPED\"}");
}

Test(observe_mask, something_else_in_the_place_of_a_field_is_passed_over)
{
	expect_left("l7.http.url", "{\"flow\":{\"l7\":{\"http\":[\"/x\"]}},\"node_name\":\"n\"}",
		    LEFT(""));
	expect_left("source.pod_name", "{\"flow\":{\"source\":7},\"node_name\":\"n\"}", LEFT(""));
}

Test(observe_mask, a_name_may_be_in_lower_camel_case)
{
	expect_left("source.podName", FLOW, LEFT("\"source\":{\"pod_name\":\"a\"}"));
	expect_left("IP.ipVersion,dropReasonDesc",
		    "{\"flow\":{\"drop_reason_desc\":\"D\",\"IP\":{"
		    "\"ipVersion\":\"IPv4\"}},\"node_name\":\"n\"}",
		    LEFT("\"IP\":{\"ipVersion\":\"IPv4\"},\"drop_reason_desc\":\"D\""));
}

static void expect_refused(const char *text, const char *want)
{
	struct pst_observe_mask *m = NULL;
	char why[256] = "";

	cr_assert_eq(pst_observe_mask_new(&m), 0);
	cr_expect_eq(pst_observe_mask_add(m, text, why, sizeof(why)), -EINVAL, "%s", text);
	cr_expect_str_eq(why, want, "%s: %s", text, why);
	pst_observe_mask_free(&m);
}

Test(observe_mask, what_is_no_path_is_refused_with_its_place)
{
	static char longest[300];
	char want[256];

	expect_refused("time,source.pod_nam", "at 6: \"source.pod_nam\" is no field of a flow; did "
					      "you mean \"source.pod_name\"?");
	expect_refused("pods", "at 1: \"pods\" is no field of a flow");
	expect_refused("verdict.", "at 1: verdict is whole, nothing in it can be chosen");
	expect_refused("ingress_denied_by.name",
		       "at 1: ingress_denied_by is whole, nothing in it can be chosen");
	expect_refused("Time", "at 1: \"Time\" is no field of a flow; did you mean \"time\"?");
	expect_refused("source.PodName", "at 1: \"source.PodName\" is no field of a flow; did you "
					 "mean \"source.pod_name\"?");
	expect_refused("source.pod_Name",
		       "at 1: \"source.pod_Name\" is no field of a flow; did you "
		       "mean \"source.pod_name\"?");
	expect_refused("source_",
		       "at 1: \"source_\" is no field of a flow; did you mean \"source\"?");
	expect_refused("socket_", "at 1: \"socket_\" is no field of a flow");
	expect_refused("", "expected the path of a field at 1");
	expect_refused("time,,uuid", "expected the path of a field at 6");
	expect_refused("time,", "expected the path of a field at 6");
	expect_refused("time, uuid",
		       "at 6: \" uuid\" is no field of a flow; did you mean \"uuid\"?");
	memset(longest, 'x', sizeof(longest) - 1);
	memcpy(longest, "verdict", 7);
	snprintf(want, sizeof(want), "at 1: \"%.63s\" is no field of a flow", longest);
	expect_refused(longest, want);
}

/* Each path of the object SCHEMA, which is at PREFIX. Lists and a Struct are whole. */
static void expect_known(const json_t *schema, const char *prefix, size_t *n)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(schema, "properties"), key, value)
	{
		char path[128], why[256];
		struct pst_observe_mask *m = NULL;

		snprintf(path, sizeof(path), "%s%s", prefix, key);
		cr_assert_eq(pst_observe_mask_new(&m), 0);
		cr_expect_eq(pst_observe_mask_add(m, path, why, sizeof(why)), 0, "%s", why);
		pst_observe_mask_free(&m);
		(*n)++;
		snprintf(path, sizeof(path), "%s%s.", prefix, key);
		if (strcmp(key, "extensions"))
			expect_known(value, path, n);
	}
}

Test(observe_mask, its_paths_are_those_of_the_schema)
{
	json_t *schema = json_load_file("testdata/flows/flow.schema.json", 0, NULL);
	size_t n = 0, known = 0;

	cr_assert(schema);
	expect_known(json_object_get(json_object_get(schema, "properties"), "flow"), "", &n);
	while (pst_observe_paths[known])
		known++;
	cr_expect_eq(n, known);
	json_decref(schema);
}

Test(observe_mask, it_is_for_json_and_may_be_given_in_parts)
{
	static const char line[] =
		"{\"flow\":{\"verdict\":\"DROPPED\",\"source\":{\"pod_name\":"
		"\"frontend\"}},\"node_name\":\"node-1\",\"time\":\"2026-11-27T04:31:"
		"31.665637846Z\"}\n";

	expect_run(MASK "verdict,source.pod_name", PST_EXIT_OK, line, NULL);
	expect_run(MASK "source.pod_name --field-mask verdict", PST_EXIT_OK, line, NULL);
	expect_run(MASK "verdikt", PST_EXIT_USAGE, NULL, "did you mean \"verdict\"?");
	expect_run("observe --field-mask verdict", PST_EXIT_USAGE, NULL,
		   "only with --output json or jsonpb");
	expect_run("observe -o dict --field-mask verdict", PST_EXIT_USAGE, NULL,
		   "only with --output json or jsonpb");
}

/* A filter asks the flow, not what is shown of it. */
Test(observe_mask, filters_see_what_is_not_shown)
{
	expect_run(MASK "uuid --verdict FORWARDED", PST_EXIT_OK,
		   "{\"flow\":{\"uuid\":\"00000000-0000-4000-8000-000000000002\"},", NULL);
}
