// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/lint_output.h"
#include "cli/test_report.h"
#include "cli/verbs.h"

/* A command line, understood. */
struct request {
	const struct pst_test_format *format;
	const char *file; /* "-": standard output */
	bool require_tests;
	struct pst_test_run_options run;
};

static int read_request(const struct pst_cli_args *args, struct request *q)
{
	const char *format = pst_cli_value(args, "format"), *file = pst_cli_value(args, "output");

	*q = (struct request){
		.format = pst_test_format_find(format ? format : "text"),
		.file = file ? file : "-",
		.require_tests = pst_cli_value(args, "require-tests"),
		.run = {.accept = pst_cli_all(args, "accept"), .glob = pst_cli_value(args, "run")},
	};
	if (!args->operands.n)
		return pst_cli_usage_error(args->verb, "expected a FILE or DIR with tests");
	q->run.in_force = pst_cli_value(args, "in-force");
	if (pst_cli_paths(args, &q->run.any_form))
		return PST_EXIT_USAGE;
	if (!q->format)
		return pst_cli_usage_error(
			args->verb, "expected text, json or junit behind --format, found \"%s\"",
			format);
	return pst_input_check_accept(args);
}

struct job {
	const struct pst_test_format *format;
	const struct pst_test_report *report;
};

static int write_report(const void *ctx, FILE *out)
{
	const struct job *job = ctx;

	return job->format->write(job->report, out);
}

/* With --require-tests: is there something to run, and in each file? */
static bool lacks_tests(const struct pst_test_report *r, const struct pst_test_totals *t)
{
	bool lacks = !t->tests;

	if (lacks)
		pst_log_err(0, "no test was run, and --require-tests was given");
	for (size_t i = 0; i < r->n; i++) {
		const struct pst_test_suite *s = r->outcomes[i].suite;

		if (s->cases.n)
			continue;
		pst_log_err(0, "%s has no tests, and --require-tests was given", s->file);
		lacks = true;
	}
	return lacks;
}

/* Tells the sums; an exit status. */
static int conclude(const struct request *q, const struct pst_test_report *r, bool mistakes)
{
	struct pst_test_totals t = pst_test_totals(r);

	fprintf(stderr, "%zu tests: %zu passed, %zu failed", t.tests, t.passed, t.failed);
	if (t.errors)
		fprintf(stderr, "; %zu suites could not be judged", t.errors);
	if (mistakes)
		fputs("; test files have mistakes, see above", stderr);
	fputc('\n', stderr);
	if (q->require_tests && lacks_tests(r, &t))
		return PST_EXIT_NO;
	return t.failed || t.errors || mistakes ? PST_EXIT_NO : PST_EXIT_OK;
}

static int run_suites(const struct request *q, const struct pst_test_suites *suites, bool mistakes)
{
	struct pst_test_outcome *outcomes = pst_mem_calloc(suites->n, sizeof(*outcomes));
	struct pst_test_report report = {.outcomes = outcomes};
	const struct job job = {q->format, &report};
	const struct cli_file file = {q->file, write_report, &job};
	int status = PST_EXIT_FAILED, r = outcomes ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < suites->n; i++) {
		r = pst_test_run(suites->v[i], &q->run, &outcomes[i]);
		report.n++;
	}
	if (r)
		pst_log_err(r, "cannot go on");
	else if (!cli_file_write(&file))
		status = conclude(q, &report, mistakes);
	for (size_t i = 0; i < report.n; i++)
		pst_test_outcome_fini(&outcomes[i]);
	free(outcomes);
	return status;
}

static int load_and_run(const struct pst_cli_args *args, const struct request *q)
{
	struct pst_diags *diags pst_cleanup(pst_diags_free) = pst_diags_new();
	struct pst_test_suites suites pst_cleanup(pst_test_suites_fini) = {0};
	int r = diags ? pst_test_load(&args->operands, diags, &suites) : -ENOMEM;

	if (diags)
		pst_diags_print(diags, stderr);
	if (r == -ENOMEM)
		pst_log_err(r, "cannot go on");
	return r ? PST_EXIT_FAILED : run_suites(q, &suites, pst_diags_errors(diags));
}

int pst_cli_test(int argc, char **argv)
{
	struct pst_cli_args args;
	struct request q;
	int status, r = pst_cli_parse(pst_cli_verb_find("test"), argc, argv, &args);

	if (r)
		return r == -ENOMEM ? PST_EXIT_FAILED : PST_EXIT_USAGE;
	status = read_request(&args, &q);
	if (!status)
		status = load_and_run(&args, &q);
	pst_cli_args_fini(&args);
	return status;
}
