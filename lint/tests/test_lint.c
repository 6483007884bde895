// SPDX-License-Identifier: Apache-2.0
#include "lint/lint.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lint/baseline.h"
#include "lint/tests/lint_run.h"

#define RULE "unsupported-fqdn"
#define HEAD                          \
	"apiVersion: cilium.io/v2\n"  \
	"kind: CiliumNetworkPolicy\n" \
	"metadata:\n"                 \
	"  name: a\n"

TestSuite(lint, .init = work_begin, .fini = work_end);
TestSuite(ignore, .init = work_begin, .fini = work_end);
TestSuite(config, .init = work_begin, .fini = work_end);
TestSuite(baseline, .init = work_begin, .fini = work_end);
TestSuite(fingerprint, .init = work_begin, .fini = work_end);

/* Lints the two egress rules with WHAT in front of them; returns how many findings are left. */
static size_t lint_with(const char *before_first, const char *behind_first, const char *before_spec,
			size_t *ret_ignored, char **ret_report)
{
	char text[2048];
	struct pst_lint_result *result;
	size_t n;

	snprintf(text, sizeof(text),
		 HEAD "%s"
		      "spec:\n"
		      "  endpointSelector: {}\n"
		      "  egress:\n"
		      "%s"
		      "  - toFQDNs:%s\n"
		      "    - matchName: a.example\n"
		      "  - toFQDNs:\n"
		      "    - matchName: b.example\n",
		 before_spec, before_first, behind_first);
	result = work_lint_text("a.yaml", text);
	n = work_count(result, RULE);
	*ret_ignored = result->n_ignored;
	*ret_report = work_report(result, "text", false);
	pst_lint_result_free(&result);
	return n;
}

static void expect(const char *const parts[3], size_t n, size_t ignored, const char *wanted)
{
	char *report = NULL;
	size_t found_ignored = 0;
	size_t found = lint_with(parts[0], parts[1], parts[2], &found_ignored, &report);

	cr_expect_eq(found, n, "%zu left, expected %zu:\n%s", found, n, report);
	cr_expect_eq(found_ignored, ignored, "%zu ignored, expected %zu:\n%s", found_ignored,
		     ignored, report);
	if (wanted)
		cr_expect(strstr(report, wanted), "expected %s in:\n%s", wanted, report);
	else
		cr_expect_not(strstr(report, "ignore-"), "%s", report);
	free(report);
}

#define EXPECT(before, behind, spec, ...) \
	expect((const char *const[]){before, behind, spec}, __VA_ARGS__)

Test(ignore, a_comment_at_the_end_of_a_line_covers_that_line)
{
	EXPECT("", " # postern-ignore: " RULE ": known", "", 1, 1, NULL);
	EXPECT("", " # postern-ignore:" RULE ":known", "", 1, 1, NULL);
}

Test(ignore, a_comment_on_its_own_line_covers_what_is_nested)
{
	EXPECT("  # postern-ignore: " RULE ": known\n", "", "", 1, 1, NULL);
	EXPECT("", "", "# postern-ignore: " RULE ": known\n", 0, 2, NULL);
}

Test(ignore, one_comment_may_name_several_rules)
{
	EXPECT("  # postern-ignore: config-no, " RULE ": known\n", "", "", 1, 1,
	       "[ignore-unknown-rule]");
	EXPECT("  # postern-ignore: unsupported-dns , " RULE " : known\n", "", "", 1, 1,
	       "a.yaml:8:3: warning: there is nothing to ignore");
}

Test(ignore, without_a_reason_it_does_not_count)
{
	EXPECT("  # postern-ignore: " RULE "\n", "", "", 2, 0, "[ignore-no-reason]");
	EXPECT("  # postern-ignore: " RULE ":  \n", "", "", 2, 0, "[ignore-no-reason]");
}

Test(ignore, an_unknown_rule_is_told_with_the_nearest)
{
	EXPECT("  # postern-ignore: unsuported-fqdn: known\n", "", "", 2, 0,
	       "there is no rule \"unsuported-fqdn\"; did you mean \"" RULE "\"?");
}

Test(ignore, another_form_does_not_count)
{
	EXPECT("  # postern-ignore " RULE ": known\n", "", "", 2, 0, "[ignore-syntax]");
	EXPECT("  # postern-ignore: all rules: known\n", "", "", 2, 0, "[ignore-syntax]");
	EXPECT("  # postern-ignore: , : known\n", "", "", 2, 0, "[ignore-syntax]");
}

Test(ignore, rules_about_ignores_cannot_be_ignored)
{
	EXPECT("  # postern-ignore: ignore-unused: no\n", "", "", 2, 0, "cannot be ignored");
}

Test(ignore, what_matches_nothing_is_reported_at_its_place)
{
	EXPECT("  # postern-ignore: unsupported-dns: known\n", "", "", 2, 0,
	       "a.yaml:8:3: warning: there is nothing to ignore");
	/* The inner one of two does the work. */
	EXPECT("  # postern-ignore: " RULE ": known\n", " # postern-ignore: " RULE ": again", "", 1,
	       1, "a.yaml:8:3: warning: there is nothing to ignore");
}

Test(ignore, inside_a_scalar_it_is_none)
{
	EXPECT("", "", "description: |\n  # postern-ignore: " RULE ": known\n", 2, 0, NULL);
	EXPECT("", "", "x: \"a # postern-ignore: " RULE ": known\"\n", 2, 0, NULL);
}

Test(ignore, an_annotation_covers_the_object)
{
	EXPECT("", "", "  annotations:\n    ignore.postern.io/" RULE ": known\n", 0, 2, NULL);
	EXPECT("", "", "  annotations:\n    ignore.postern.io/" RULE ": \"\"\n", 2, 0,
	       "[ignore-no-reason]");
	EXPECT("", "", "  annotations:\n    ignore.postern.io/nothing: known\n", 2, 0,
	       "a.yaml:6:5: error: there is no rule \"nothing\"");
	EXPECT("", "", "  labels:\n    ignore.postern.io/" RULE ": known\n", 2, 0, NULL);
}

Test(ignore, an_annotation_does_not_reach_the_next_document)
{
	char text[4096];
	struct pst_lint_result *result;

	snprintf(text, sizeof(text),
		 HEAD "  annotations: {ignore.postern.io/" RULE ": known}\n"
		      "spec: {endpointSelector: {}, egress: [{toFQDNs: [{matchName: a.b}]}]}\n"
		      "---\n%s",
		 work_policy);
	result = work_lint_text("a.yaml", text);
	cr_expect_eq(result->n_ignored, 1);
	cr_expect_eq(work_count(result, RULE), 2);
	pst_lint_result_free(&result);
}

Test(ignore, a_rule_that_is_switched_off_needs_no_finding)
{
	const char *path = "a.yaml", *off = "unsupported-dns";
	const struct pst_lint_options options = {
		.paths = &path, .n_paths = 1, .off = {.v = &off, .n = 1}};
	struct pst_lint_result *result;

	work_write(path, HEAD "# postern-ignore: unsupported-dns: known\n"
			      "spec: {endpointSelector: {}, ingress: [{}]}\n");
	result = work_lint(&options);
	cr_expect_eq(work_count(result, "ignore-unused"), 0);
	pst_lint_result_free(&result);
}

Test(ignore, a_file_that_is_given_twice_is_none_the_worse)
{
	const char *paths[] = {"a.yaml", "a.yaml"};
	const struct pst_lint_options options = {.paths = paths, .n_paths = 2};
	struct pst_lint_result *result;

	work_write("a.yaml", HEAD "# postern-ignore: " RULE ": known\n"
				  "spec: {endpointSelector: {}, egress: [{toFQDNs: "
				  "[{matchName: a.b}]}]}\n");
	result = work_lint(&options);
	cr_expect_eq(work_count(result, "ignore-unused"), 0);
	cr_expect_eq(result->n_ignored, 2);
	pst_lint_result_free(&result);
}

static struct pst_lint_result *lint_dir(const char *config)
{
	const char *path = ".";
	const struct pst_lint_options options = {.paths = &path, .n_paths = 1};

	if (config)
		work_write(".postern.yaml", config);
	return work_lint(&options);
}

Test(config, it_gives_rules_other_severities_or_switches_them_off)
{
	struct pst_lint_result *result;

	work_write("a.yaml", work_policy);
	result = lint_dir("rules: {" RULE ": error}\n");
	cr_expect_eq(result->n_severity[PST_SEVERITY_ERROR], 2);
	cr_expect(pst_lint_failed(result));
	pst_lint_result_free(&result);
	result = lint_dir("rules: {" RULE ": off}\n");
	cr_expect_eq(work_count(result, RULE), 0);
	cr_expect_not(pst_lint_failed(result));
	pst_lint_result_free(&result);
}

Test(config, options_outweigh_it)
{
	const char *path = "a.yaml", *on = RULE;
	const enum pst_severity fail_on = PST_SEVERITY_INFO;
	const struct pst_lint_options options = {
		.paths = &path, .n_paths = 1, .fail_on = &fail_on, .on = {.v = &on, .n = 1}};
	struct pst_lint_result *result;

	work_write("a.yaml", work_policy);
	work_write(".postern.yaml", "failOn: error\nrules: {" RULE ": off}\n");
	result = work_lint(&options);
	cr_expect_eq(work_count(result, RULE), 2);
	cr_expect_eq(result->fail_on, PST_SEVERITY_INFO);
	cr_expect(pst_lint_failed(result));
	pst_lint_result_free(&result);
}

Test(config, it_excludes_files)
{
	struct pst_lint_result *result;

	work_write("a/x.yaml", work_policy);
	work_write("b/x.yaml", "not: [yaml\n");
	work_write("b/c/y.yaml", work_policy);
	result = lint_dir("exclude: [b]\n");
	cr_expect_eq(result->n_files, 1);
	cr_expect_eq(work_count(result, RULE), 2);
	cr_expect_eq(result->n_severity[PST_SEVERITY_ERROR], 0);
	pst_lint_result_free(&result);
	result = lint_dir("exclude: [\"**/x.yaml\"]\n");
	cr_expect_eq(result->n_files, 1);
	cr_expect_str_eq(result->files[0], "./b/c/y.yaml");
	pst_lint_result_free(&result);
}

Test(config, its_ignores_match_paths_and_need_a_reason)
{
	struct pst_lint_result *result;

	work_write("a/x.yaml", work_policy);
	work_write("b/x.yaml", work_policy);
	result = lint_dir("ignores:\n- {rule: " RULE ", paths: [a], reason: legacy}\n");
	cr_expect_eq(result->n_ignored, 2);
	cr_expect_eq(work_count(result, RULE), 2);
	cr_expect_eq(work_count(result, "ignore-unused"), 0);
	pst_lint_result_free(&result);
	result = lint_dir("ignores:\n- {rule: " RULE ", paths: [a]}\n");
	cr_expect_eq(result->n_ignored, 0);
	cr_expect_eq(work_find(result, "ignore-no-reason", 0)->pos.line, 2);
	pst_lint_result_free(&result);
	result = lint_dir("ignores:\n- {rule: " RULE ", paths: [c], reason: legacy}\n");
	cr_expect_eq(work_count(result, "ignore-unused"), 1);
	pst_lint_result_free(&result);
}

Test(config, mistakes_are_findings_with_a_place_and_fail_the_run)
{
	static const struct {
		const char *text, *rule;
		unsigned int line, col;
	} rows[] = {
		{"failon: error\n", "config-invalid", 1, 1},
		{"\nfailOn: fatal\n", "config-invalid", 2, 9},
		{"ciliumVersion: 1.2\n", "config-invalid", 1, 16},
		{"ciliumVersion: 1.21\n", "config-invalid", 1, 16},
		{"features: [x]\n", "config-invalid", 1, 12},
		{"rules: {" RULE ": maybe}\n", "config-invalid", 1, 27},
		{"rules: {no-such-rule: off}\n", "ignore-unknown-rule", 1, 9},
		{"exclude: [/abs]\n", "config-invalid", 1, 11},
		{"exclude: a\n", "config-invalid", 1, 10},
		{"a: [\n", "config-invalid", 2, 1},
		{"failOn: error\n---\nfailOn: info\n", "config-invalid", 3, 1},
		{"[]\n", "config-invalid", 1, 1},
	};

	work_write("a.yaml", work_policy);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pst_lint_result *result = lint_dir(rows[i].text);
		const struct pst_finding *f = work_find(result, rows[i].rule, 0);

		cr_expect_eq(f->pos.line, rows[i].line, "%s: line %u", rows[i].text, f->pos.line);
		cr_expect_eq(f->pos.col, rows[i].col, "%s: column %u", rows[i].text, f->pos.col);
		cr_expect(pst_lint_failed(result));
		pst_lint_result_free(&result);
	}
}

/* Asked for and not there, not readable as a file, or too large. */
Test(config, what_cannot_be_read_is_an_error_and_the_files_are_linted_all_the_same)
{
	static const char *const files[] = {"missing.yaml", "folder"};
	const char *path = "a.yaml";

	work_write("a.yaml", work_policy);
	work_write("folder/x", "");
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		const struct pst_lint_options options = {
			.paths = &path,
			.n_paths = 1,
			.config = files[i],
		};
		struct pst_lint_result *result = NULL;

		cr_assert_eq(pst_lint_run(&options, &result), 0);
		cr_expect_eq(work_count(result, "config-unreadable"), 1, "%s", files[i]);
		cr_expect_str_eq(work_find(result, "config-unreadable", 0)->pos.file, files[i]);
		cr_expect_eq(result->n_policies, 1);
		cr_expect(pst_lint_failed(result));
		pst_lint_result_free(&result);
	}
}

Test(config, a_mistake_cannot_be_switched_off)
{
	struct pst_lint_result *result =
		lint_dir("x: y\nrules: {config-invalid: off}\nbaseline: none.json\n");

	cr_expect_eq(work_count(result, "config-invalid"), 1);
	cr_expect_eq(work_count(result, "baseline-invalid"), 1);
	pst_lint_result_free(&result);
}

Test(config, it_is_found_upwards_to_the_top_of_the_repository)
{
	struct pst_lint_result *result;

	work_write(".postern.yaml", "failOn: info\n");
	work_write("a/b/x.yaml", work_policy);
	work_write("c/.git/x", "");
	cr_assert_eq(chdir("a/b"), 0);
	result = lint_dir(NULL);
	cr_expect_eq(result->fail_on, PST_SEVERITY_INFO);
	cr_expect_str_eq(result->findings[0].path, "a/b/x.yaml");
	pst_lint_result_free(&result);
	cr_assert_eq(chdir("../../c"), 0);
	result = lint_dir(NULL);
	cr_expect_eq(result->fail_on, PST_SEVERITY_ERROR);
	pst_lint_result_free(&result);
	cr_assert_eq(chdir(".."), 0);
}

Test(config, it_is_never_linted_as_a_policy)
{
	struct pst_lint_result *result = work_lint_text(".postern.yaml", "failOn: info\n");

	cr_expect_eq(result->n, 0);
	cr_expect_eq(result->n_files, 0);
	pst_lint_result_free(&result);
}

static void write_baseline(const struct pst_lint_result *result, const char *name)
{
	FILE *out = fopen(name, "w");

	cr_assert_not_null(out);
	cr_assert_eq(pst_baseline_write(result, out), 0);
	fclose(out);
}

Test(baseline, what_is_in_it_is_counted_and_not_shown)
{
	struct pst_lint_result *result;
	char *first, *second;
	size_t n;

	work_write("a.yaml", work_policy);
	work_write("sub/b.yaml", work_policy);
	result = lint_dir(NULL);
	n = result->n;
	cr_expect_geq(n, 4);
	write_baseline(result, "one.json");
	pst_lint_result_free(&result);
	result = lint_dir("baseline: one.json\n");
	cr_expect_eq(result->n_baseline, n);
	cr_expect_eq(result->n, 0);
	/* Written anew from what it took out, it is the same. */
	write_baseline(result, "two.json");
	pst_lint_result_free(&result);
	first = work_read("one.json");
	second = work_read("two.json");
	cr_expect_str_eq(first, second);
	free(first);
	free(second);
}

Test(baseline, a_new_finding_is_shown_and_an_old_one_that_is_gone_is_told)
{
	struct pst_lint_result *result;

	result = work_lint_text("a.yaml", work_policy);
	write_baseline(result, "base.json");
	pst_lint_result_free(&result);
	work_write("a.yaml", HEAD "spec:\n"
				  "  endpointSelector: {}\n"
				  "  egress:\n"
				  "  - toFQDNs: [{matchName: c.example}]\n"
				  "  - toFQDNs:\n"
				  "    - matchName: a.example\n");
	result = lint_dir("baseline: base.json\n");
	cr_expect_eq(work_count(result, RULE), 1);
	cr_expect_eq(work_find(result, RULE, 0)->pos.line, 8);
	cr_expect_geq(work_count(result, "baseline-unused"), 1);
	cr_expect_eq(work_find(result, "baseline-unused", 0)->severity, PST_SEVERITY_INFO);
	pst_lint_result_free(&result);
}

Test(baseline, an_empty_file_and_the_null_device_accept_nothing)
{
	const char *file = "a.yaml", *empty = "empty.json";
	const char *const baselines[] = {empty, "/dev/null"};

	work_write(file, work_policy);
	work_write(empty, "");
	for (size_t i = 0; i < 2; i++) {
		struct pst_lint_result *result = work_lint(&(struct pst_lint_options){
			.paths = &file, .n_paths = 1, .baseline = baselines[i]});

		cr_expect_eq(work_count(result, "baseline-invalid"), 0);
		cr_expect_not_null(work_find(result, RULE, 0), "%s", baselines[i]);
		pst_lint_result_free(&result);
	}
}

Test(baseline, what_is_none_is_an_error)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{\"version\":2,\"findings\":[]}",
		"{\"version\":1,\"findings\":[{\"rule\":\"x\"}]}",
		"{\"version\":1,\"findings\":[",
	};

	work_write("a.yaml", work_policy);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct pst_lint_result *result;

		work_write("base.json", texts[i]);
		result = lint_dir("baseline: base.json\n");
		cr_expect_geq(work_count(result, "baseline-invalid"), 1, "%s", texts[i]);
		cr_expect_eq(work_count(result, RULE), 2, "%s", texts[i]);
		cr_expect(pst_lint_failed(result));
		pst_lint_result_free(&result);
	}
}

Test(fingerprint, it_stays_when_lines_are_added_above_and_indentation_changes)
{
	struct pst_lint_result *a = work_lint_text("a.yaml", work_policy), *b;
	char text[2048];

	snprintf(text, sizeof(text), "# one\n# two\n%s", work_policy);
	b = work_lint_text("a.yaml", text);
	cr_assert_eq(a->n, b->n);
	cr_assert_geq(a->n, 2);
	for (size_t i = 0; i < a->n; i++) {
		cr_expect_str_eq(a->findings[i].fingerprint, b->findings[i].fingerprint);
		cr_expect_eq(a->findings[i].pos.line + 2, b->findings[i].pos.line);
	}
	pst_lint_result_free(&a);
	pst_lint_result_free(&b);
}

Test(fingerprint, equal_findings_are_numbered)
{
	struct pst_lint_result *result = work_lint_text("a.yaml", work_policy);
	const char *first = work_find(result, RULE, 0)->fingerprint;
	const char *second = work_find(result, RULE, 1)->fingerprint;

	cr_expect_eq(strlen(first), 18);
	cr_expect_eq(memcmp(first, second, 16), 0, "the lines are equal");
	cr_expect_str_eq(first + 16, ":1");
	cr_expect_str_eq(second + 16, ":2");
	pst_lint_result_free(&result);
}

Test(fingerprint, it_depends_on_the_file_but_not_on_how_it_is_named)
{
	const char *plain = "d/a.yaml", *other = "./d/../d/a.yaml";
	struct pst_lint_result *a, *b, *c;

	work_write(plain, work_policy);
	a = work_lint(&(struct pst_lint_options){.paths = &plain, .n_paths = 1});
	b = work_lint(&(struct pst_lint_options){.paths = &other, .n_paths = 1});
	c = work_lint_text("d/b.yaml", work_policy);
	cr_expect_str_eq(a->findings[0].fingerprint, b->findings[0].fingerprint);
	cr_expect_str_neq(a->findings[0].fingerprint, c->findings[0].fingerprint);
	pst_lint_result_free(&a);
	pst_lint_result_free(&b);
	pst_lint_result_free(&c);
}
