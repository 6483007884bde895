// SPDX-License-Identifier: Apache-2.0
#include "lint/report.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lint/snippet.h"
#include "lint/tests/lint_run.h"

#define RULE "unsupported-fqdn"

TestSuite(report, .init = work_begin, .fini = work_end);

/* A line with the mark under it, as it is shown. */
static void expect_snippet(const char *line, unsigned int col, unsigned int end_col,
			   const char *wanted)
{
	const struct pst_pos pos = {
		.line = 7, .col = col, .end_line = end_col ? 7 : 9, .end_col = end_col};
	const struct pst_snippet s = {.line = line, .len = strlen(line), .pos = &pos};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	pst_snippet_print(&s, out);
	fclose(out);
	cr_expect_str_eq(text, wanted, "found:\n%sexpected:\n%s", text, wanted);
	free(text);
}

Test(snippet, the_mark_is_under_the_text_meant)
{
	expect_snippet("a: bcd", 4, 7, "    7 | a: bcd\n      |    ^~~\n");
	expect_snippet("a: bcd", 4, 5, "    7 | a: bcd\n      |    ^\n");
	expect_snippet("a: bcd", 7, 7, "    7 | a: bcd\n      |       ^\n");
	expect_snippet("", 1, 1, "    7 | \n      | ^\n");
}

Test(snippet, a_place_over_several_lines_is_marked_to_the_end_of_the_first)
{
	expect_snippet("a: bcd", 4, 0, "    7 | a: bcd\n      |    ^~~\n");
}

Test(snippet, tabs_are_blanks_to_the_next_stop)
{
	expect_snippet("a:\tb", 4, 5, "    7 | a:      b\n      |         ^\n");
	expect_snippet("1234567\tb", 9, 10, "    7 | 1234567 b\n      |         ^\n");
}

Test(snippet, columns_are_those_of_a_terminal)
{
	expect_snippet("\xc3\xa4: b", 5, 6, "    7 | \xc3\xa4: b\n      |    ^\n");
	/* Two columns each; a combining accent takes none. */
	expect_snippet("\xe6\xbc\xa2: b", 6, 7, "    7 | \xe6\xbc\xa2: b\n      |     ^\n");
	expect_snippet("e\xcc\x81: b", 6, 7, "    7 | e\xcc\x81: b\n      |    ^\n");
	expect_snippet("\xff\x1b: b", 5, 6, "    7 | \\xff\\x1b: b\n      |           ^\n");
}

Test(snippet, of_a_long_line_the_part_around_the_mark_is_shown)
{
	char line[400], wanted[400];

	memset(line, 'x', 300);
	line[300] = '\0';
	line[200] = 'A';
	snprintf(wanted, sizeof(wanted), "    7 | ...%.30sA%.69s...\n      |    %30s^\n", line,
		 line, "");
	expect_snippet(line, 201, 202, wanted);
	memset(line + 10, 'x', 290);
	snprintf(wanted, sizeof(wanted), "    7 | %.100s...\n      | ^~~~\n", line);
	expect_snippet(line, 1, 5, wanted);
}

/* Findings in a file whose name and lines are as bad as they get. */
static struct pst_lint_result *lint_hostile(const char *name)
{
	return work_lint_text(name,
			      "apiVersion: cilium.io/v2\n"
			      "kind: CiliumNetworkPolicy\n"
			      "metadata: {name: a}\n"
			      "spec:\n"
			      "  endpointSelector: {}\n"
			      "  ingress: [{}]\n"
			      "  \"\\e[31m::error::<&>'%,\\r\\n\\U0001F600\": \xf0\x9f\x98\x80\n");
}

static const char *const names[] = {
	"plain.yaml",
	"with blank.yaml",
	"q\"uote'.yaml",
	"new\nline.yaml",
	"per%cent:colon,comma.yaml",
	"\xff\xfe.yaml",
	"::error::.yaml",
	"<&>.yaml",
};

enum { N_NAMES = sizeof(names) / sizeof(*names) };

Test(report, text_holds_no_byte_that_a_terminal_obeys)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		struct pst_lint_result *result = lint_hostile(names[i]);
		char *text = work_report(result, "text", false);
		size_t n_lines = 0;

		for (const char *c = text; *c; c++) {
			cr_expect(*c == '\n' || (unsigned char)*c >= 0x20, "%02x in %s", *c, text);
			n_lines += *c == '\n';
		}
		cr_expect_geq(result->n, 1);
		cr_expect_leq(n_lines, 3 * result->n, "%s", text);
		free(text);
		pst_lint_result_free(&result);
	}
}

Test(report, color_is_put_around_text_and_nothing_else_changes)
{
	struct pst_lint_result *result = work_lint_text("a.yaml", work_policy);
	char *plain = work_report(result, "text", false);
	char *colored = work_report(result, "text", true), *out = colored;

	cr_assert(strstr(colored, "\033["));
	for (const char *in = colored; *in;) {
		if (*in == '\033') {
			in = strchr(in, 'm') + 1;
			continue;
		}
		*out++ = *in++;
	}
	*out = '\0';
	cr_expect_str_eq(colored, plain);
	free(plain);
	free(colored);
	pst_lint_result_free(&result);
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, 0, &error);

	cr_assert_not_null(root, "%s in %s", error.text, text);
	return root;
}

static json_t *load(const struct pst_lint_result *result, const char *format)
{
	char *text = work_report(result, format, false);
	json_t *root = parse(text);

	free(text);
	return root;
}

Test(report, json_has_every_finding_and_the_counts)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		struct pst_lint_result *result = lint_hostile(names[i]);
		json_t *root = load(result, "json");
		json_t *first = json_array_get(json_object_get(root, "findings"), 0);

		cr_expect_eq(json_array_size(json_object_get(root, "findings")), result->n);
		cr_expect_eq(json_integer_value(json_object_get(first, "line")),
			     result->findings[0].pos.line);
		cr_expect_str_eq(json_string_value(json_object_get(first, "message")),
				 result->findings[0].message);
		cr_expect(
			json_is_true(json_object_get(json_object_get(root, "summary"), "failed")));
		json_decref(root);
		pst_lint_result_free(&result);
	}
}

static long long at(json_t *region, const char *key)
{
	return json_integer_value(json_object_get(region, key));
}

/* What GitHub refuses a file for, or shows wrongly. */
static void check_result(json_t *rules, json_t *result)
{
	json_t *location = json_array_get(json_object_get(result, "locations"), 0);
	json_t *physical = json_object_get(location, "physicalLocation");
	json_t *artifact = json_object_get(physical, "artifactLocation");
	json_t *region = json_object_get(physical, "region");
	json_t *rule = json_array_get(rules, (size_t)at(result, "ruleIndex"));
	const char *uri = json_string_value(json_object_get(artifact, "uri"));

	cr_expect_str_eq(json_string_value(json_object_get(rule, "id")),
			 json_string_value(json_object_get(result, "ruleId")));
	cr_expect_eq(strspn(uri, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				 "-._~/%"),
		     strlen(uri), "%s", uri);
	if (region) {
		cr_expect_geq(at(region, "startLine"), 1);
		cr_expect_geq(at(region, "startColumn"), 1);
		cr_expect_geq(at(region, "endLine"), at(region, "startLine"));
		cr_expect_geq(at(region, "endColumn"), 1);
	}
	cr_expect(json_is_string(json_object_get(json_object_get(result, "partialFingerprints"),
						 "primaryLocationLineHash")));
}

static void check_sarif(json_t *root, size_t n)
{
	json_t *run = json_array_get(json_object_get(root, "runs"), 0), *value;
	json_t *results = json_object_get(run, "results");
	json_t *rules =
		json_object_get(json_object_get(json_object_get(run, "tool"), "driver"), "rules");
	size_t i;

	cr_assert(json_is_array(results));
	cr_expect_eq(json_array_size(results), n);
	cr_expect_eq(json_array_size(rules), pst_lint_rule_count());
	cr_expect_str_eq(json_string_value(json_object_get(root, "version")), "2.1.0");
	json_array_foreach(rules, i, value)
	{
		json_t *full = json_object_get(value, "fullDescription");

		cr_expect_leq(json_string_length(json_object_get(full, "text")), 1024);
		cr_expect_geq(json_string_length(json_object_get(full, "text")), 1);
	}
	json_array_foreach(results, i, value) check_result(rules, value);
}

Test(report, sarif_is_what_github_takes)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		struct pst_lint_result *result = work_lint_text(names[i], work_policy);
		json_t *root = load(result, "sarif");

		check_sarif(root, result->n);
		json_decref(root);
		pst_lint_result_free(&result);
	}
}

Test(report, sarif_without_findings_has_an_empty_array)
{
	struct pst_lint_result *result = work_lint_text("a.yaml", "a: b\n");
	json_t *root;

	result->n = 0;
	root = load(result, "sarif");
	check_sarif(root, 0);
	json_decref(root);
	pst_lint_result_free(&result);
}

Test(report, sarif_counts_columns_in_utf16)
{
	struct pst_lint_result *result = work_lint_text(
		"a.yaml", "apiVersion: cilium.io/v2\n"
			  "kind: CiliumNetworkPolicy\n"
			  "metadata: {name: a}\n"
			  "spec: {description: \"\xc3\xa4\xf0\x9f\x98\x80\", egress: [{toFQDNs: "
			  "[{matchName: a.b}]}], endpointSelector: {}}\n");
	const struct pst_finding *f = work_find(result, RULE, 0);
	json_t *root = load(result, "sarif"), *value;
	json_t *results =
		json_object_get(json_array_get(json_object_get(root, "runs"), 0), "results");
	size_t i, seen = 0;

	cr_assert_eq(f->pos.col, 41);
	json_array_foreach(results, i, value)
	{
		json_t *location = json_array_get(json_object_get(value, "locations"), 0);
		json_t *region =
			json_object_get(json_object_get(location, "physicalLocation"), "region");

		if (strcmp(json_string_value(json_object_get(value, "ruleId")), RULE))
			continue;
		seen++;
		/* 2 bytes are 1 unit, 4 bytes are 2. */
		cr_expect_eq(at(region, "startColumn"), 41 - 1 - 2);
		cr_expect_eq(at(region, "endColumn"), 48 - 1 - 2);
	}
	cr_expect_eq(seen, 1);
	json_decref(root);
	pst_lint_result_free(&result);
}

/* RESULT with N findings: its first one again and again. */
static void multiply(struct pst_lint_result *result, size_t n)
{
	struct pst_finding *all = calloc(n, sizeof(*all));

	for (size_t i = 0; i < n; i++) {
		all[i] = result->findings[0];
		all[i].severity = i == n - 1 ? PST_SEVERITY_ERROR : PST_SEVERITY_INFO;
	}
	result->findings = all;
	result->n = n;
}

Test(report, sarif_keeps_the_worst_25000_and_counts_the_rest)
{
	struct pst_lint_result *result = work_lint_text("a.yaml", work_policy);
	char *text = NULL;
	size_t len = 0, cut = 0;
	struct pst_lint_report r = {.result = result, .n_cut = &cut};
	json_t *root, *run;

	multiply(result, 25003);
	r.out = open_memstream(&text, &len);
	cr_assert_eq(pst_lint_sarif(&r), 0);
	fclose(r.out);
	root = parse(text);
	run = json_array_get(json_object_get(root, "runs"), 0);
	cr_expect_eq(cut, 3);
	cr_expect_eq(json_array_size(json_object_get(run, "results")), 25000);
	cr_expect_str_eq(json_string_value(json_object_get(
				 json_array_get(json_object_get(run, "results"), 0), "level")),
			 "error");
	cr_expect(strstr(text, "3 results and 0 related locations were left out"));
	json_decref(root);
	free(text);
	free(result->findings);
	pst_lint_result_free(&result);
}

Test(report, ten_thousand_findings_are_written_in_every_format)
{
	struct pst_lint_result *result = work_lint_text("a.yaml", work_policy);

	multiply(result, 10000);
	for (const struct pst_lint_format *f = pst_lint_formats; f->name; f++) {
		char *text = work_report(result, f->name, false);

		cr_expect_gt(strlen(text), 100000, "%s", f->name);
		free(text);
	}
	free(result->findings);
	pst_lint_result_free(&result);
}

Test(report, github_has_the_worst_first_and_the_count_last)
{
	struct pst_lint_result *result = work_lint_text("a.yaml", work_policy);
	char *text;

	multiply(result, 3);
	result->n_severity[PST_SEVERITY_ERROR] = 1;
	text = work_report(result, "github", false);
	cr_expect_eq(strncmp(text, "::error file=a.yaml,line=", 25), 0, "%s", text);
	cr_expect(strstr(text, "\npostern lint: 1 error, "), "%s", text);
	free(text);
	free(result->findings);
	pst_lint_result_free(&result);
}

Test(report, github_commands_cannot_be_forged)
{
	for (size_t i = 0; i < N_NAMES; i++) {
		struct pst_lint_result *result = lint_hostile(names[i]);
		char *text = work_report(result, "github", false), *save = NULL;
		size_t commands = 0;

		for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
			commands += !strncmp(l, "::", 2);
			cr_expect(!strncmp(l, "::error file=", 13) ||
					  !strncmp(l, "::warning file=", 15) ||
					  !strncmp(l, "::notice file=", 14) ||
					  !strncmp(l, "postern lint: ", 14),
				  "%s", l);
		}
		cr_expect_eq(commands, result->n);
		free(text);
		pst_lint_result_free(&result);
	}
}

Test(report, gitlab_fingerprints_differ)
{
	struct pst_lint_result *result = work_lint_text("a.yaml", work_policy);
	json_t *root = load(result, "gitlab");

	cr_expect_eq(json_array_size(root), result->n);
	for (size_t i = 0; i < result->n; i++) {
		json_t *a = json_array_get(root, i);

		cr_expect_geq(at(json_object_get(json_object_get(a, "location"), "lines"), "begin"),
			      1);
		for (size_t k = 0; k < i; k++)
			cr_expect_str_neq(json_string_value(json_object_get(a, "fingerprint")),
					  json_string_value(json_object_get(json_array_get(root, k),
									    "fingerprint")));
	}
	json_decref(root);
	pst_lint_result_free(&result);
}

Test(report, junit_names_clean_files_and_fails_what_fails_the_run)
{
	const char *paths[] = {"a.yaml", "clean.yaml"};
	struct pst_lint_options options = {.paths = paths, .n_paths = 2};
	const enum pst_severity info = PST_SEVERITY_INFO;
	struct pst_lint_result *result;
	char *text;

	work_write("a.yaml", work_policy);
	work_write("clean.yaml",
		   "apiVersion: cilium.io/v2\n"
		   "kind: CiliumNetworkPolicy\n"
		   "metadata: {name: b}\n"
		   "spec: {endpointSelector: {matchLabels: {app: b}}, ingress: [{fromEndpoints: "
		   "[{matchLabels: {app: a}}]}]}\n");
	result = work_lint(&options);
	text = work_report(result, "junit", false);
	cr_expect(strstr(text, "<testcase name=\"no findings\" classname=\"clean.yaml\"/>"), "%s",
		  text);
	cr_expect(strstr(text, "<testcase name=\"" RULE "\" classname=\"a.yaml\" file=\"a.yaml\" "
			       "line=\"8\">\n      <system-out>a.yaml:8:5: info: "),
		  "%s", text);
	free(text);
	pst_lint_result_free(&result);
	options.fail_on = &info;
	result = work_lint(&options);
	text = work_report(result, "junit", false);
	cr_expect(strstr(text, "<failure type=\"info\" message=\""), "%s", text);
	free(text);
	pst_lint_result_free(&result);
}

Test(report, a_path_is_told_from_the_top_of_the_repository)
{
	struct pst_lint_result *result;
	const char *path = "../link.yaml";
	const struct pst_lint_options options = {.paths = &path, .n_paths = 1};

	work_write("d/a b.yaml", work_policy);
	cr_assert_eq(symlink("d/a b.yaml", "link.yaml"), 0);
	cr_assert_eq(chdir("d"), 0);
	result = work_lint(&options);
	cr_assert_eq(chdir(".."), 0);
	cr_expect_str_eq(result->findings[0].path, "d/a b.yaml");
	pst_lint_result_free(&result);
}
