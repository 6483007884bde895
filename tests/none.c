// SPDX-License-Identifier: Apache-2.0
/*
 * The main program of the unit tests, in place of Criterion's: there a filter that no test matches,
 * because one was renamed, is a success. Where none ran this is a failure, and says so.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <criterion/options.h>
#include <stdio.h>
#include <stdlib.h>

static size_t n_ran;

ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
	n_ran = stats->nb_tests - stats->tests_skipped;
}

int main(int argc, char **argv)
{
	struct criterion_test_set *tests = criterion_initialize();
	int r = EXIT_SUCCESS;

	/* Otherwise it was a question: --help, --list. */
	if (criterion_handle_args(argc, argv, true)) {
		if (!criterion_run_all_tests(tests))
			r = EXIT_FAILURE;
		else if (!n_ran && criterion_options.pattern) {
			fprintf(stderr, "%s: no test matches the filter \"%s\"\n", argv[0],
				criterion_options.pattern);
			r = EXIT_FAILURE;
		}
	}
	criterion_finalize(tests);
	return r;
}
