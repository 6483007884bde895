// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>

#include "cli/verbs.h"

/* Runs `postern regex ARGS...` on the lines of INPUT; the exit status. */
static int run(const char *input, char **args)
{
	int argc = 1;
	FILE *in;

	cr_redirect_stdin();
	cr_redirect_stdout();
	cr_redirect_stderr();
	in = cr_get_redirected_stdin();
	fputs(input, in);
	fclose(in);
	while (args[argc])
		argc++;
	return pst_cli_regex(argc, args);
}

#define ARGS(...) ((char *[]){(char *)"regex", __VA_ARGS__, NULL})
#define ARG(s)	  ((char *)(s))

Test(cli_regex, each_line_is_answered_with_1_or_0)
{
	cr_assert_eq(run("/api/v1\n/api/v\n\n/api/v12", ARGS(ARG("/api/v[0-9]+"))), PST_EXIT_OK);
	fflush(stdout);
	cr_assert_stdout_eq_str("1\n0\n0\n1\n");
}

Test(cli_regex, no_line_is_no_answer)
{
	cr_assert_eq(run("", ARGS(ARG(".*"))), PST_EXIT_OK);
	fflush(stdout);
	cr_assert_stdout_eq_str("");
}

Test(cli_regex, an_invalid_pattern_is_told_with_its_column)
{
	cr_assert_eq(run("a\n", ARGS(ARG("a(?=b)"))), PST_EXIT_NO);
	fflush(stdout);
	cr_assert_stderr_eq_str("1:2: error: '(?=' is look-ahead: RE2 has no look-around "
				"[regex-syntax]\n");
}

Test(cli_regex, json_tells_the_size)
{
	cr_assert_eq(run("", ARGS(ARG("--format"), ARG("json"), ARG("abc"))), PST_EXIT_OK);
	/* Three letters, a tag set: 4 cells of 4 bytes. And a class map of 256. */
	cr_assert_stdout_eq_str("{\"pattern\":\"abc\",\"states\":5,\"classes\":4,\"bytes\":272,"
				"\"fits_kernel\":true,\"automata\":1,\"where\":\"kernel\","
				"\"why\":null}\n");
}

Test(cli_regex, json_tells_when_a_pattern_is_over_the_budget)
{
	cr_assert_eq(run("", ARGS(ARG("--format=json"), ARG("(.*a.{20}){20}"))), PST_EXIT_OK);
	cr_assert_stdout_eq_str(
		"{\"pattern\":\"(.*a.{20}){20}\",\"states\":null,\"classes\":null,"
		"\"bytes\":null,\"fits_kernel\":false,\"automata\":0,"
		"\"where\":\"fallback\",\"why\":\"the pattern needs more than 4096 states; gave up after "
		"4096 states\"}\n");
}

Test(cli_regex, text_says_no_when_a_pattern_is_over_the_budget)
{
	cr_assert_eq(run("a\n", ARGS(ARG("(.*a.{20}){20}"))), PST_EXIT_NO);
	fflush(stdout);
	cr_assert_stdout_eq_str("");
}

static void assert_usage_error(char **args)
{
	cr_assert_eq(run("", args), PST_EXIT_USAGE);
	fflush(stdout);
	cr_assert_stdout_eq_str("");
}

Test(cli_regex, no_pattern_is_a_usage_error)
{
	assert_usage_error(ARGS(NULL));
}

Test(cli_regex, two_patterns_are_a_usage_error)
{
	assert_usage_error(ARGS(ARG("a"), ARG("b")));
}

Test(cli_regex, an_unknown_format_is_a_usage_error)
{
	assert_usage_error(ARGS(ARG("--format"), ARG("xml"), ARG("a")));
}

Test(cli_regex, an_unknown_option_is_a_usage_error)
{
	assert_usage_error(ARGS(ARG("--nope"), ARG("a")));
}

Test(cli_regex, a_pattern_that_begins_with_a_dash_stands_behind_two)
{
	cr_assert_eq(run("-a\n", ARGS(ARG("--"), ARG("-a"))), PST_EXIT_OK);
	fflush(stdout);
	cr_assert_stdout_eq_str("1\n");
}
