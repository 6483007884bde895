// SPDX-License-Identifier: Apache-2.0
#include "cli/input.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "cli/verbs.h"
#include "lint/rule.h"

void pst_input_fini(struct pst_input *in)
{
	pst_policy_set_free(&in->policies);
	pst_inventory_free(&in->inventory);
	pst_diags_free(&in->diags);
}

void pst_input_print(const struct pst_input *in)
{
	if (in->diags)
		pst_diags_print(in->diags, stderr);
}

/* A file that cannot be read has its diagnostic; that there is no memory must be said here. */
static int could_not_run(int err)
{
	if (err == -ENOMEM)
		pst_log_err(err, "cannot go on");
	return PST_EXIT_FAILED;
}

int pst_input_load(struct pst_input *in, const struct pst_input_paths *paths)
{
	static const struct pst_cli_strings none;
	const struct pst_cli_strings *accept = paths->accept ? paths->accept : &none;
	const struct pst_policy_options options = {
		.default_ns = paths->default_ns,
		.accept = accept->v,
		.n_accept = accept->n,
		.see_file = paths->see_file,
		.ctx = paths->ctx,
	};
	int r;

	in->diags = pst_diags_new();
	if (!in->diags)
		return could_not_run(-ENOMEM);
	r = pst_policy_load_with(&options, paths->policies->v, paths->policies->n, in->diags,
				 &in->policies);
	for (size_t i = 0; !r && paths->in_force && i < in->policies->n_policies; i++)
		in->policies->policies[i].audit = false;
	if (!r)
		r = pst_inventory_load(paths->inventories->v, paths->inventories->n, in->diags,
				       &in->inventory);
	if (r)
		return could_not_run(r);
	return pst_diags_errors(in->diags) ? PST_EXIT_NO : PST_EXIT_OK;
}

static bool is_conflict(const char *id)
{
	static const char prefix[] = "conflict-";

	return !strncmp(id, prefix, sizeof(prefix) - 1);
}

int pst_input_check_accept(const struct pst_cli_args *args)
{
	const struct pst_cli_strings *accept = pst_cli_all(args, "accept");

	for (size_t i = 0; i < accept->n; i++) {
		const struct pst_lint_rule *rule = pst_lint_rule_find(accept->v[i]);

		if (!rule || (rule->group != PST_LINT_SUPPORT && !is_conflict(accept->v[i])))
			return pst_cli_usage_error(
				args->verb,
				"--accept: expected a rule of what is not enforced yet or of what conflicts (\"postern lint --rules\" lists them: unsupported-..., conflict-...), found \"%s\"",
				accept->v[i]);
	}
	return PST_EXIT_OK;
}

int pst_input_compile(struct pst_input *in, const struct pst_inventory *inventory,
		      struct pst_bundle **ret_bundle)
{
	struct pst_bundle *b = NULL;
	int r = pst_compile(in->policies, inventory, NULL, in->diags, &b);

	if (r && r != -E2BIG)
		return could_not_run(r);
	if (r || pst_diags_errors(in->diags)) {
		pst_bundle_free(&b);
		return PST_EXIT_NO;
	}
	*ret_bundle = b;
	return PST_EXIT_OK;
}
