// SPDX-License-Identifier: Apache-2.0
#include "lint/lint.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "lint/check.h"
#include "lint/source.h"
#include "policy/policy.h"

/* What a diagnostic has whose id is not in the table; a test keeps this from happening. */
static const struct pst_lint_rule unlisted = {
	.id = "unlisted",
	.severity = PST_SEVERITY_ERROR,
	.title = "a finding without a rule",
	.why = "",
	.remedy = "",
	.since = "0.1",
};

struct linter {
	const struct pst_lint_options *o;
	struct pst_lint_result *result;
	struct pst_policy_set *set;
};

static int see_file(void *ctx, const char *name, const char *text, size_t len)
{
	struct linter *l = ctx;

	return pst_sources_add(l->result->sources, name, text, len);
}

static int load(struct linter *l)
{
	const struct pst_policy_options options = {
		.cilium_minor = l->o->cilium_minor,
		.features = l->o->features,
		.lint = true,
		.see_file = see_file,
		.ctx = l,
	};
	struct pst_lint_result *result = l->result;
	int r = pst_policy_load_with(&options, l->o->paths, l->o->n_paths, result->diags, &l->set);

	if (r)
		return r;
	result->n_files = l->set->n_files;
	result->n_policies = l->set->n_policies;
	result->n_skipped = l->set->n_skipped;
	result->n_templates = l->set->n_templates;
	return 0;
}

static int check(struct linter *l)
{
	const struct pst_lint_env env = {
		.set = l->set,
		.cilium_minor = l->o->cilium_minor ? l->o->cilium_minor : PST_CILIUM_NEWEST,
		.diags = l->result->diags,
	};

	return pst_lint_checks_run(&env);
}

/* A message about no file stands before all others. */
static int compare_places(const struct pst_pos *a, const struct pst_pos *b)
{
	int r = strcmp(a->file ? a->file : "", b->file ? b->file : "");

	if (r)
		return r;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return (a->col > b->col) - (a->col < b->col);
}

static int compare_findings(const void *va, const void *vb)
{
	const struct pst_finding *a = va, *b = vb;
	int r = compare_places(&a->pos, &b->pos);

	if (!r)
		r = strcmp(a->rule->id, b->rule->id);
	return r ? r : strcmp(a->message, b->message);
}

static void add_finding(struct pst_lint_result *result, const struct pst_diag *d)
{
	const struct pst_lint_rule *rule = pst_lint_rule_find(d->id);

	result->findings[result->n++] = (struct pst_finding){
		.rule = rule ? rule : &unlisted,
		.severity = d->severity,
		.pos = d->pos,
		.message = d->message,
		.notes = d->notes,
		.fingerprint = "",
	};
	result->n_severity[d->severity]++;
}

static int collect(struct linter *l)
{
	struct pst_lint_result *result = l->result;
	size_t n = pst_diags_count(result->diags);

	result->findings = pst_arena_calloc(result->arena, n, sizeof(*result->findings));
	if (!result->findings)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		add_finding(result, pst_diags_at(result->diags, i));
	if (result->n)
		qsort(result->findings, result->n, sizeof(*result->findings), compare_findings);
	return 0;
}

static struct pst_lint_result *result_new(void)
{
	struct pst_lint_result *result = pst_mem_calloc(1, sizeof(*result));

	if (!result)
		return NULL;
	result->arena = pst_arena_new();
	result->diags = pst_diags_new();
	result->sources = pst_sources_new();
	if (!result->arena || !result->diags || !result->sources)
		pst_lint_result_free(&result);
	return result;
}

void pst_lint_result_free(struct pst_lint_result **result)
{
	if (!*result)
		return;
	pst_arena_free(&(*result)->arena);
	pst_diags_free(&(*result)->diags);
	pst_sources_free(&(*result)->sources);
	free(*result);
	*result = NULL;
}

int pst_lint_run(const struct pst_lint_options *options, struct pst_lint_result **ret_result)
{
	struct linter l = {.o = options, .result = result_new()};
	int r = l.result ? 0 : -ENOMEM;

	if (!r)
		r = load(&l);
	if (!r)
		r = check(&l);
	if (!r)
		r = collect(&l);
	pst_policy_set_free(&l.set);
	if (r) {
		pst_lint_result_free(&l.result);
		return r;
	}
	*ret_result = l.result;
	return 0;
}
