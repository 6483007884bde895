// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/tests/run.h"

#define BAD  "testdata/policies/bad/http.yaml"
#define GOOD "testdata/policies/good/backend-api.yaml"
#define LINT "lint --no-config "

/* Runs WORDS with a file of the test's own behind them; stores its path. */
static void expect_at(const char *words, const char *path, int status, const char *err)
{
	char line[512];

	snprintf(line, sizeof(line), "%s %s", words, path);
	expect_run(line, status, NULL, err);
}

Test(cli_lint, the_exit_status_tells_what_was_found)
{
	expect_run(LINT GOOD, 0, "", "0 errors");
	expect_run(LINT BAD, 1, "error: ", " errors, ");
	expect_run(LINT "no-such-file.yaml", 1, "no-such-file.yaml: error: ", "1 error");
	expect_run(LINT "-q " BAD, 1, "error: ", NULL);
}

Test(cli_lint, what_was_not_understood_is_told_with_what_was_expected)
{
	expect_run("lint", 2, NULL, "expected a FILE or DIR");
	expect_run(LINT "--fail-on never a", 2, NULL, "expected error, warning or info");
	expect_run(LINT "--color blue a", 2, NULL, "expected auto, always or never");
	expect_run(LINT "--cilium-version 1.15 a", 2, NULL, "expected 1.16 to 1.20");
	expect_run(LINT "--cilium-version 1.160 a", 2, NULL, "found \"1.160\"");
	expect_run(LINT "--feature x a", 2, NULL, "node-selector-labels or extended-ip-protocols");
	expect_run(LINT "--enable ignore-unsed a", 2, NULL, "did you mean \"ignore-unused\"?");
	expect_run(LINT "--disable x a", 2, NULL, "expected the id of a rule");
	expect_run(LINT "--explain x", 2, NULL, "expected the id of a rule behind --explain");
	expect_run(LINT "--config x a", 2, NULL, "one of --config and --no-config");
	expect_run(LINT "--baseline x --write-baseline y a", 2, NULL, "expected one of");
	expect_run("lint --rules a", 2, NULL, "--rules takes no FILE");
}

Test(cli_lint, formats_and_files_are_paired)
{
	expect_run(LINT "--format xml a", 2, NULL,
		   "expected text, json, sarif, junit, github or gitlab behind --format");
	expect_run(LINT "--format json --format sarif a", 2, NULL, "found 0 and 2");
	expect_run(LINT "--format json -o a -o b a", 2, NULL, "found 2 and 1");
	expect_run(LINT "--format json -o - --format sarif -o - a", 2, NULL,
		   "one report on standard output, found 2");
}

Test(cli_lint, several_reports_are_written_at_once)
{
	char dir[] = "/tmp/postern-cli-XXXXXX", line[512], path[64];
	struct stat st;

	cr_assert_not_null(mkdtemp(dir));
	snprintf(line, sizeof(line),
		 LINT
		 "--format json -o %s/a.json --format text -o - --format sarif -o %s/a.sarif " BAD,
		 dir, dir);
	expect_run(line, 1, "error: ", " errors, ");
	snprintf(path, sizeof(path), "%s/a.json", dir);
	cr_expect_eq(stat(path, &st), 0);
	cr_expect_gt(st.st_size, 100);
	unlink(path);
	snprintf(path, sizeof(path), "%s/a.sarif", dir);
	cr_expect_eq(stat(path, &st), 0);
	unlink(path);
	cr_expect_eq(rmdir(dir), 0, "nothing else is left there");
}

Test(cli_lint, a_file_that_cannot_be_written_is_status_3)
{
	expect_run(LINT "--format json -o /no/such/dir/x " BAD, 3, NULL, "cannot write /no/such");
	expect_run(LINT "--format json -o /dev/full " BAD, 3, NULL,
		   "cannot write /dev/full: No space left on device");
}

Test(cli_lint, a_written_baseline_makes_the_next_run_clean)
{
	const char *path = write_temp("baseline.json", "{}", 2);

	expect_at(LINT BAD " --write-baseline", path, 0, "errors");
	expect_at(LINT BAD " --baseline", path, 0, "findings in the baseline");
	unlink(path);
}

Test(cli_lint, other_files_are_passed_over_when_that_is_asked_for)
{
	const char *path = write_temp("other.yaml", "a: [b\n", 6);
	char line[256];

	snprintf(line, sizeof(line), LINT "%s", path);
	expect_run(line, 1, "yaml-syntax", "1 file");
	snprintf(line, sizeof(line), LINT "--skip-others %s " GOOD, path);
	expect_run(line, 0, "", "(1 file)");
	unlink(path);
}

Test(cli_lint, a_file_of_other_things_is_no_finding_unless_that_is_asked_for)
{
	const char *path = write_temp("values.yaml", "a: b\n", 5);
	char line[256];

	snprintf(line, sizeof(line), LINT "%s", path);
	expect_run(line, 0, "", "skipped");
	snprintf(line, sizeof(line), LINT "--enable no-policy %s", path);
	expect_run(line, 1, "no-policy", "1 file");
	unlink(path);
}

Test(cli_lint, rules_are_listed_and_explained)
{
	expect_run("lint --rules", 0, "ignore-unused ", NULL);
	expect_run("lint --rules --format json", 0, "{\"id\":\"ignore-unused\",", NULL);
	expect_run("lint --explain ignore-unused", 0, "# ", NULL);
}
