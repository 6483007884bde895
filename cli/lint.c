// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "lint/lint.h"
#include "lint/report.h"

static int lint(const struct pst_cli_args *args)
{
	const struct pst_lint_options options = {
		.paths = args->operands.v,
		.n_paths = args->operands.n,
	};
	struct pst_lint_result *result = NULL;
	struct pst_lint_report report = {.out = stdout};
	int r = pst_lint_run(&options, &result);
	int status = PST_EXIT_FAILED;

	if (r) {
		pst_log_err(r, "cannot lint");
		return PST_EXIT_FAILED;
	}
	report.result = result;
	if (!pst_lint_text(&report)) {
		pst_lint_summary(result, stderr);
		status = result->n_severity[PST_SEVERITY_ERROR] ? PST_EXIT_NO : PST_EXIT_OK;
	}
	pst_lint_result_free(&result);
	return status;
}

int pst_cli_lint(int argc, char **argv)
{
	const struct pst_cli_verb *verb = pst_cli_verb_find("lint");
	struct pst_cli_args args;
	int status, r = pst_cli_parse(verb, argc, argv, &args);

	if (r)
		return r == -ENOMEM ? PST_EXIT_FAILED : PST_EXIT_USAGE;
	if (!args.operands.n)
		status = pst_cli_usage_error(verb, "expected a FILE or DIR to lint");
	else
		status = lint(&args);
	pst_cli_args_fini(&args);
	return status;
}
