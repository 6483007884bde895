// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/tests/run.h"
#include "cli/verbs.h"

/* `postern doctor` with SCRIPT in the daemon's place. */
static struct run with_daemon(const char *script, const char *words)
{
	const char *path = write_temp("posternd", script, strlen(script));
	char line[512];

	cr_assert_eq(chmod(path, 0755), 0);
	snprintf(line, sizeof(line), "doctor --posternd %s%s", path, words);
	return run_words(line);
}

static void expect(const char *script, const char *words, int status, const char *out)
{
	struct run r = with_daemon(script, words);

	cr_assert_eq(r.status, status, "%d: %s", r.status, r.err);
	cr_assert_str_eq(r.out, out);
	run_fini(&r);
}

Test(cli_doctor, shows_what_the_daemon_finds)
{
	expect("#!/bin/sh\necho \"$@\"\n", "", PST_EXIT_OK, "--probe --format text\n");
}

Test(cli_doctor, hands_the_format_on)
{
	expect("#!/bin/sh\necho \"$@\"\n", " --format json", PST_EXIT_OK,
	       "--probe --format json\n");
}

Test(cli_doctor, a_kernel_that_cannot_enforce_is_a_no)
{
	expect("#!/bin/sh\necho no\nexit 1\n", "", PST_EXIT_NO, "no\n");
}

Test(cli_doctor, a_probe_that_fails_or_dies_is_no_answer)
{
	expect("#!/bin/sh\nexit 2\n", "", PST_EXIT_FAILED, "");
	expect("#!/bin/sh\nexit 0\n", "", PST_EXIT_FAILED, "");
	expect("#!/bin/sh\nexit 1\n", "", PST_EXIT_FAILED, "");
	expect("#!/bin/sh\nexit 127\n", "", PST_EXIT_FAILED, "");
	expect("#!/bin/sh\nkill -KILL $$\n", "", PST_EXIT_FAILED, "");
}

Test(cli_doctor, a_daemon_that_is_not_there_is_no_answer)
{
	expect_run("doctor --posternd /nonexistent/posternd", PST_EXIT_FAILED, NULL, "cannot run");
	/* Nothing lies beside the program of the tests. */
	expect_run("doctor", PST_EXIT_FAILED, NULL, "--posternd");
}

Test(cli_doctor, mistakes_in_the_call_are_usage)
{
	expect_run("doctor now", PST_EXIT_USAGE, NULL, "operand");
	expect_run("doctor --format xml", PST_EXIT_USAGE, NULL, "format");
}
