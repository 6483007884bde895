// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/lint_output.h"
#include "cli/lint_rules.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "lint/baseline.h"
#include "lint/config.h"
#include "lint/lint.h"
#include "lint/report.h"

/* A command line, understood. */
struct request {
	struct pst_lint_options options;
	struct cli_outputs outputs;
	enum pst_severity fail_on;
	bool color, quiet;
	const char *write_baseline; /* NULL: no */
};

static int wrong_value(const struct pst_cli_args *args, const char *option, const char *expected)
{
	pst_cli_usage_error(args->verb, "expected %s behind --%s, found \"%s\"", expected, option,
			    pst_cli_value(args, option));
	return -EINVAL;
}

/* auto: a terminal that is none of "dumb" and nobody has asked for plain text (no-color.org). */
static int read_color(const struct pst_cli_args *args, bool *ret_color)
{
	const char *when = pst_cli_value(args, "color");
	const char *off = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!when || !strcmp(when, "auto"))
		*ret_color =
			isatty(STDOUT_FILENO) && !(off && *off) && term && strcmp(term, "dumb");
	else if (!strcmp(when, "always") || !strcmp(when, "never"))
		*ret_color = *when == 'a';
	else
		return wrong_value(args, "color", "auto, always or never");
	return 0;
}

static int read_versions(const struct pst_cli_args *args, struct request *q)
{
	const struct pst_cli_strings *features = pst_cli_all(args, "feature");
	const char *version = pst_cli_value(args, "cilium-version");
	const char *fail_on = pst_cli_value(args, "fail-on");
	unsigned int feature;

	if (version && !pst_lint_version_parse(version, &q->options.cilium_minor))
		return wrong_value(args, "cilium-version", PST_LINT_VERSIONS);
	if (fail_on && !pst_lint_severity_parse(fail_on, &q->fail_on))
		return wrong_value(args, "fail-on", PST_LINT_SEVERITIES);
	q->options.fail_on = fail_on ? &q->fail_on : NULL;
	for (size_t i = 0; i < features->n; i++) {
		if (!pst_lint_feature_parse(features->v[i], &feature)) {
			pst_cli_usage_error(args->verb,
					    "expected " PST_LINT_FEATURES
					    " behind --feature, found \"%s\"",
					    features->v[i]);
			return -EINVAL;
		}
		q->options.features |= feature;
	}
	return 0;
}

static int read_rules(const struct pst_cli_args *args, const char *option,
		      struct pst_lint_words *words)
{
	const struct pst_cli_strings *all = pst_cli_all(args, option);

	for (size_t i = 0; i < all->n; i++) {
		if (!cli_lint_knows_rule(args, option, all->v[i]))
			return -EINVAL;
	}
	*words = (struct pst_lint_words){.v = all->v, .n = all->n};
	return 0;
}

/* What excludes each other, and what else has to be there. */
static int check_request(const struct pst_cli_args *args, const struct request *q)
{
	const char *wrong = NULL;

	if (!args->operands.n)
		wrong = "expected a FILE or DIR to lint, or - for standard input";
	else if (q->options.config && q->options.no_config)
		wrong = "expected one of --config and --no-config";
	else if (q->options.baseline && q->write_baseline)
		wrong = "expected one of --baseline and --write-baseline";
	if (!wrong)
		return 0;
	pst_cli_usage_error(args->verb, "%s", wrong);
	return -EINVAL;
}

static int read_request(const struct pst_cli_args *args, struct request *q)
{
	const struct pst_cli_strings *exclude = pst_cli_all(args, "exclude");
	struct pst_lint_options *o = &q->options;
	int r = cli_outputs_parse(args, &q->outputs);

	if (!r)
		r = read_color(args, &q->color);
	if (!r)
		r = read_versions(args, q);
	if (!r)
		r = read_rules(args, "enable", &o->on);
	if (!r)
		r = read_rules(args, "disable", &o->off);
	o->paths = args->operands.v;
	o->n_paths = args->operands.n;
	o->config = pst_cli_value(args, "config");
	o->skip_others = pst_cli_value(args, "skip-others");
	o->no_config = pst_cli_value(args, "no-config");
	o->baseline = pst_cli_value(args, "baseline");
	o->exclude = (struct pst_lint_words){.v = exclude->v, .n = exclude->n};
	q->quiet = pst_cli_value(args, "quiet");
	q->write_baseline = pst_cli_value(args, "write-baseline");
	if (!r)
		r = check_request(args, q);
	if (q->write_baseline) {
		o->baseline = q->write_baseline;
		o->no_baseline = true;
	}
	return r;
}

struct report {
	const struct pst_lint_format *format;
	const struct pst_lint_result *result;
	bool color;
	size_t *n_cut;
};

static int write_report(const void *ctx, FILE *out)
{
	const struct report *report = ctx;
	const struct pst_lint_report r = {
		.result = report->result,
		.color = report->color,
		.out = out,
		.n_cut = report->n_cut,
	};

	return report->format->write(&r);
}

static int write_reports(const struct request *q, const struct pst_lint_result *result)
{
	int worst = 0;

	for (size_t i = 0; i < q->outputs.n; i++) {
		const struct cli_output *o = &q->outputs.v[i];
		size_t n_cut = 0;
		const struct report report = {
			.format = o->format,
			.result = result,
			.color = q->color && !strcmp(o->file, "-"),
			.n_cut = &n_cut,
		};
		const struct cli_file file = {o->file, write_report, &report};
		int r = cli_file_write(&file);

		worst = worst ? worst : r;
		if (n_cut)
			pst_log(PST_LOG_WARNING,
				"%s: %zu findings left out: the format has room "
				"for no more",
				o->format->name, n_cut);
	}
	return worst;
}

static int write_baseline(const void *ctx, FILE *out)
{
	return pst_baseline_write(ctx, out);
}

/* Writing a baseline accepts what there is: only what cannot be accepted is reported. */
static int answer(const struct request *q, const struct pst_lint_result *result)
{
	const struct cli_file file = {q->write_baseline, write_baseline, result};
	bool failed = pst_lint_failed(result);
	int r;

	if (!q->write_baseline) {
		r = write_reports(q, result);
	} else {
		r = cli_file_write(&file);
		failed = false;
	}
	if (r)
		return PST_EXIT_FAILED;
	if (!q->quiet)
		pst_lint_summary(result, stderr);
	return failed ? PST_EXIT_NO : PST_EXIT_OK;
}

static int lint(const struct pst_cli_args *args)
{
	struct pst_lint_result *result = NULL;
	struct request q = {0};
	int status, r = read_request(args, &q);

	if (r)
		return PST_EXIT_USAGE;
	r = pst_lint_run(&q.options, &result);
	if (r) {
		pst_log_err(r, "cannot lint");
		return PST_EXIT_FAILED;
	}
	status = answer(&q, result);
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
	if (pst_cli_value(&args, "explain"))
		status = cli_lint_explain(&args);
	else if (pst_cli_value(&args, "rules"))
		status = cli_lint_list_rules(&args);
	else
		status = lint(&args);
	pst_cli_args_fini(&args);
	return status;
}
