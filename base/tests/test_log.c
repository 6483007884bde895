// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void expect_stderr(const char *expected)
{
	fflush(stderr);
	cr_assert_stderr_eq_str(expected);
}

Test(log, an_error_has_its_cause_and_is_returned, .init = cr_redirect_stderr)
{
	pst_log_init("posternd", PST_LOG_INFO);
	cr_assert_eq(pst_log_err(-ENOENT, "cannot open %s", "x"), -ENOENT);
	expect_stderr("posternd: error: cannot open x: No such file or directory\n");
}

Test(log, an_error_without_a_number_has_no_cause, .init = cr_redirect_stderr)
{
	cr_assert_eq(pst_log_err(0, "no policy"), 0);
	expect_stderr("postern: error: no policy\n");
}

Test(log, a_process_without_a_name_is_named_by_who_reads_it, .init = cr_redirect_stderr)
{
	pst_log_init("", PST_LOG_INFO);
	pst_log(PST_LOG_ERROR, "a");
	pst_log(PST_LOG_INFO, "b");
	expect_stderr("error: a\nb\n");
}

Test(log, levels_have_words_and_debug_is_silent_by_default, .init = cr_redirect_stderr)
{
	pst_log(PST_LOG_ERROR, "a");
	pst_log(PST_LOG_WARNING, "b");
	pst_log(PST_LOG_INFO, "c");
	pst_log(PST_LOG_DEBUG, "d");
	expect_stderr("postern: error: a\npostern: warning: b\npostern: c\n");
}

Test(log, the_level_can_be_raised, .init = cr_redirect_stderr)
{
	pst_log_init("postern", PST_LOG_DEBUG);
	pst_log(PST_LOG_DEBUG, "d");
	expect_stderr("postern: debug: d\n");
}

Test(log, errors_are_shown_at_every_level, .init = cr_redirect_stderr)
{
	pst_log_init("postern", PST_LOG_ERROR);
	pst_log(PST_LOG_WARNING, "b");
	pst_log_err(-EPERM, "a");
	expect_stderr("postern: error: a: Operation not permitted\n");
}

/* File names and labels come from outside: they must not be able to forge a line of the log. */
Test(log, control_bytes_are_shown_and_not_obeyed, .init = cr_redirect_stderr)
{
	pst_log(PST_LOG_INFO, "file %s", "a\nposternd: all is well\x1b[2J");
	expect_stderr("postern: file a\\x0aposternd: all is well\\x1b[2J\n");
}

Test(log, a_long_message_is_cut_and_stays_one_line, .init = cr_redirect_stderr)
{
	char text[5001];
	char expected[2100];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	pst_log(PST_LOG_INFO, "%s", text);
	snprintf(expected, sizeof(expected), "postern: %.2047s\n", text);
	expect_stderr(expected);
}

/* In such a pipe each write is a packet. */
Test(log, a_line_is_one_write)
{
	static const char expected[] = "postern: one\\x07 line\n";
	char got[100] = "";
	int fds[2];

	cr_assert_eq(pipe2(fds, O_DIRECT), 0);
	cr_assert_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	pst_log_init("postern", PST_LOG_INFO);
	pst_log(PST_LOG_INFO, "one%c %s", '\a', "line");
	cr_assert_eq(read(fds[0], got, sizeof(got)), (ssize_t)strlen(expected));
	cr_assert_str_eq(got, expected);
}
