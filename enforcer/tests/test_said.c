// SPDX-License-Identifier: Apache-2.0
#include "enforcer/said.h"

#include "base/log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct pst_said said;
static int end_of_it; /* where the other process writes */

static void setup(void)
{
	int fds[2];

	cr_redirect_stderr();
	pst_log_init("posternd", PST_LOG_INFO);
	cr_assert_eq(pipe(fds), 0);
	pst_said_init(&said, "reader");
	pst_said_take(&said, fds[0]);
	end_of_it = fds[1];
}

TestSuite(said, .init = setup, .timeout = 30);

static void write_all(const char *bytes, size_t n)
{
	cr_assert_eq(write(end_of_it, bytes, n), (ssize_t)n);
}

static void write_text(const char *text)
{
	write_all(text, strlen(text));
}

Test(said, each_line_is_told_as_his_who_said_it)
{
	write_text("error: one\nposternd: generation 7 is in force\n");
	pst_said_read(&said);
	fflush(stderr);
	cr_assert_stderr_eq_str("posternd: reader: error: one\n"
				"posternd: reader: posternd: generation 7 is in force\n");
}

Test(said, bytes_that_a_terminal_obeys_are_shown_and_a_zero_hides_nothing)
{
	write_all("a\r\x1b[2Kb\0c\n", 10);
	pst_said_read(&said);
	fflush(stderr);
	cr_assert_stderr_eq_str("posternd: reader: a\\x0d\\x1b[2Kb?c\n");
}

Test(said, a_line_is_told_when_it_is_whole)
{
	write_text("half");
	pst_said_read(&said);
	cr_expect_eq(said.n, 4);
	write_text(" and half\nrest");
	pst_said_end(&said);
	fflush(stderr);
	cr_expect_eq(said.fd, -1);
	cr_assert_stderr_eq_str("posternd: reader: half and half\nposternd: reader: rest\n");
}

Test(said, a_line_that_is_too_long_is_told_in_pieces)
{
	char line[PST_SAID_LINE + 2];
	char expected[sizeof(line) + 64];

	memset(line, 'x', sizeof(line));
	line[PST_SAID_LINE + 1] = '\n';
	write_all(line, sizeof(line));
	pst_said_read(&said);
	fflush(stderr);
	snprintf(expected, sizeof(expected), "posternd: reader: %.*s\nposternd: reader: x\n",
		 PST_SAID_LINE, line);
	cr_assert_stderr_eq_str(expected);
}

Test(said, the_end_of_the_pipe_closes_it)
{
	close(end_of_it);
	pst_said_read(&said);
	cr_expect_eq(said.fd, -1);
	pst_said_read(&said);
	pst_said_end(&said);
}

Test(said, who_says_too_much_is_left_out_and_counted)
{
	unsigned int n = 0;

	pst_bucket_init(&said.bucket, 1, 3, 0);
	said.bucket.last_ns = UINT64_MAX; /* no time passes */
	for (; n < 10; n++)
		write_text("x\n");
	pst_said_read(&said);
	cr_expect_eq(said.lost, 7);
	pst_said_end(&said);
	fflush(stderr);
	cr_assert_stderr_eq_str("posternd: reader: x\nposternd: reader: x\nposternd: reader: x\n"
				"posternd: warning: reader said too much: 7 lines are left out\n");
}
