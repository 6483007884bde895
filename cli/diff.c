// SPDX-License-Identifier: Apache-2.0
#include "compiler/diff.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "cli/diff_load.h"
#include "cli/diff_report.h"
#include "cli/lint_output.h"
#include "cli/verbs.h"

/* A command line, understood. */
struct request {
	bool json, only_inventory, in_force;
	unsigned int fail_on; /* bits of enum pst_diff_kind */
	const char *file;
	struct pst_cli_strings policies[PST_DIFF_SIDES];
	const struct pst_cli_strings *inventory[PST_DIFF_SIDES];
	const struct pst_cli_strings *accept;
};

static int read_fail_on(const struct pst_cli_args *args, struct request *q)
{
	static const struct {
		const char *name;
		unsigned int kinds;
	} choices[] = {
		{"widened", 1 << PST_DIFF_WIDENED},
		{"narrowed", 1 << PST_DIFF_NARROWED},
		{"any", 1 << PST_DIFF_WIDENED | 1 << PST_DIFF_NARROWED},
	};
	const char *text = pst_cli_value(args, "fail-on");

	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
		if (!strcmp(text ? text : "any", choices[i].name))
			q->fail_on = choices[i].kinds | 1 << PST_DIFF_UNKNOWN;
	}
	if (q->fail_on)
		return PST_EXIT_OK;
	return pst_cli_usage_error(
		args->verb, "expected widened, narrowed or any behind --fail-on, found \"%s\"",
		text);
}

static int read_inventories(const struct pst_cli_args *args, struct request *q)
{
	static const char *const own[PST_DIFF_SIDES] = {"old-inventory", "new-inventory"};
	const struct pst_cli_strings *both = pst_cli_all(args, "inventory");
	bool separate = false;

	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		q->inventory[s] = pst_cli_all(args, own[s]);
		separate |= q->inventory[s]->n != 0;
	}
	if (separate && both->n)
		return pst_cli_usage_error(args->verb,
					   "--inventory is that of both sides: it cannot "
					   "be combined with that of one");
	for (int s = 0; !separate && s < PST_DIFF_SIDES; s++)
		q->inventory[s] = both;
	q->only_inventory = pst_cli_value(args, "only-inventory");
	if (q->only_inventory && !separate && !both->n)
		return pst_cli_usage_error(args->verb,
					   "--only-inventory needs an --inventory FILE");
	return PST_EXIT_OK;
}

static int read_request(const struct pst_cli_args *args, struct request *q)
{
	const char *file = pst_cli_value(args, "output");
	int status;

	*q = (struct request){
		.file = file ? file : "-",
		.accept = pst_cli_all(args, "accept"),
		.in_force = pst_cli_value(args, "in-force"),
	};
	if (args->operands.n != PST_DIFF_SIDES)
		return pst_cli_usage_error(
			args->verb, "expected OLD and NEW: two files or directories with policies");
	for (int s = 0; s < PST_DIFF_SIDES; s++)
		q->policies[s] = (struct pst_cli_strings){.v = &args->operands.v[s], .n = 1};
	if (pst_cli_format(args, &q->json))
		return PST_EXIT_USAGE;
	status = read_fail_on(args, q);
	if (!status)
		status = read_inventories(args, q);
	return status ? status : pst_input_check_accept(args);
}

static size_t count_closed(const struct pst_policy_set *set)
{
	size_t n = 0;

	for (size_t p = 0; p < set->n_policies; p++) {
		for (size_t i = 0; i < set->policies[p].n_specs; i++) {
			const struct pst_spec *spec = &set->policies[p].specs[i];

			for (size_t k = 0; k < spec->n_rules; k++)
				n += spec->rules[k].refused;
		}
	}
	return n;
}

struct job {
	const struct cli_diff_report *report;
	bool json;
};

static int write_report(const void *ctx, FILE *out)
{
	const struct job *job = ctx;

	return job->json ? cli_diff_write_json(job->report, out)
			 : cli_diff_write_text(job->report, out);
}

static int show(const struct request *q, const struct pst_diff *d,
		const struct cli_diff_side sides[PST_DIFF_SIDES])
{
	struct cli_diff_report report = {.diff = d, .only_inventory = q->only_inventory};
	const struct job job = {&report, q->json};
	const struct cli_file file = {q->file, write_report, &job};
	int status = PST_EXIT_OK;

	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		report.n_policies[s] = sides[s].in.policies->n_policies;
		report.n_closed[s] = count_closed(sides[s].in.policies);
	}
	if (cli_file_write(&file))
		return PST_EXIT_FAILED;
	cli_diff_write_summary(&report, stderr);
	for (int k = 0; k < PST_DIFF_KINDS; k++) {
		if (q->fail_on >> k & 1 && d->count[k])
			status = PST_EXIT_NO;
	}
	return status;
}

static int compare(const struct request *q, struct cli_diff_side sides[PST_DIFF_SIDES],
		   bool two_inventories)
{
	struct pst_diags *diags pst_cleanup(pst_diags_free) = pst_diags_new();
	struct pst_diff *d pst_cleanup(pst_diff_free) = NULL;
	struct pst_diff_query query = {.only_inventory = q->only_inventory};
	int r = diags ? cli_diff_match(&sides[PST_DIFF_OLD], &sides[PST_DIFF_NEW]) : -ENOMEM;

	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		query.policies[s] = sides[s].in.policies;
		query.inventory[s] = sides[two_inventories ? s : 0].in.inventory;
		query.changed[s] = sides[s].changed;
	}
	if (!r)
		r = pst_diff_run(&query, diags, &d);
	if (diags)
		pst_diags_print(diags, stderr);
	if (r && r != -E2BIG) {
		pst_log_err(r, "cannot go on");
		return PST_EXIT_FAILED;
	}
	if (!r && !pst_diags_errors(diags))
		return show(q, d, sides);
	fputs("postern diff: the input has errors: no answer, because what is left of it could "
	      "mislead\n",
	      stderr);
	return PST_EXIT_NO;
}

static int diff(const struct request *q)
{
	struct cli_diff_side sides[PST_DIFF_SIDES] = {0};
	static const struct pst_cli_strings none;
	const bool two_inventories = q->inventory[PST_DIFF_OLD] != q->inventory[PST_DIFF_NEW];
	int status = PST_EXIT_OK;

	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		const struct pst_input_paths paths = {
			.policies = &q->policies[s],
			/* One for both is read once. */
			.inventories = two_inventories || !s ? q->inventory[s] : &none,
			.accept = q->accept,
			.in_force = q->in_force,
		};
		int r = cli_diff_load(&sides[s], &paths);

		pst_input_print(&sides[s].in);
		if (r > status)
			status = r;
	}
	if (status == PST_EXIT_NO)
		fputs("postern diff: the input has errors: no answer, because what is left of it "
		      "could mislead\n",
		      stderr);
	if (!status)
		status = compare(q, sides, two_inventories);
	for (int s = 0; s < PST_DIFF_SIDES; s++)
		cli_diff_side_fini(&sides[s]);
	return status;
}

int pst_cli_diff(int argc, char **argv)
{
	struct pst_cli_args args;
	struct request q;
	int status, r = pst_cli_parse(pst_cli_verb_find("diff"), argc, argv, &args);

	if (r)
		return r == -ENOMEM ? PST_EXIT_FAILED : PST_EXIT_USAGE;
	status = read_request(&args, &q);
	if (!status)
		status = diff(&q);
	pst_cli_args_fini(&args);
	return status;
}
