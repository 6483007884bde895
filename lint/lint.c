// SPDX-License-Identifier: Apache-2.0
#include "lint/lint.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "lint/baseline.h"
#include "lint/check.h"
#include "lint/config.h"
#include "lint/fingerprint.h"
#include "lint/glob.h"
#include "lint/ignore.h"
#include "lint/root.h"
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

struct findings PST_VEC(struct pst_finding);

struct linter {
	const struct pst_lint_options *o;
	struct pst_lint_result *result;
	struct pst_policy_set *set;
	struct pst_lint_config config;
	struct pst_ignores *ignores;
	struct pst_baseline baseline;
	const char *cwd;
	struct PST_VEC(const char *) files;
	struct findings findings; /* all that are not dropped or ignored, in the end with a place */
	size_t n_seen;		  /* diagnostics that have become findings or nothing */
};

static bool is_among(const struct pst_lint_words *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++) {
		if (!strcmp(words->v[i], word))
			return true;
	}
	return false;
}

static bool is_fixed(const struct pst_lint_rule *rule)
{
	return rule == &unlisted || !strncmp(rule->id, "config-", 7) ||
	       !strcmp(rule->id, "baseline-invalid");
}

static enum pst_lint_level level_of(const struct linter *l, const struct pst_lint_rule *rule)
{
	enum pst_lint_level level =
		is_fixed(rule) ? PST_LEVEL_DEFAULT : l->config.levels[pst_lint_rule_index(rule)];

	if (is_fixed(rule))
		return PST_LEVEL_ON;
	if (is_among(&l->o->off, rule->id))
		return PST_LEVEL_OFF;
	if (is_among(&l->o->on, rule->id) && level <= PST_LEVEL_ON)
		return PST_LEVEL_ON;
	if (level == PST_LEVEL_DEFAULT)
		return rule->off ? PST_LEVEL_OFF : PST_LEVEL_ON;
	return level;
}

static bool is_on(const void *ctx, const struct pst_lint_rule *rule)
{
	return level_of(ctx, rule) != PST_LEVEL_OFF;
}

static const char *baseline_file(const struct linter *l)
{
	return l->o->baseline ? l->o->baseline : l->config.baseline;
}

/* The baseline is JSON, often in the directory that is linted, and no policy either. */
static bool is_baseline(const struct linter *l, const char *file)
{
	const char *baseline = baseline_file(l);
	struct stat a, b;

	return baseline && !stat(baseline, &a) && !stat(file, &b) && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static bool is_excluded(const struct linter *l, const char *file)
{
	const char *path;

	if (pst_lint_config_excludes(&l->config, file) || is_baseline(l, file))
		return true;
	path = l->o->exclude.n ? pst_root_relative(l->result->arena, l->cwd, file) : NULL;
	for (size_t i = 0; path && i < l->o->exclude.n; i++) {
		if (pst_glob_matches(l->o->exclude.v[i], path))
			return true;
	}
	return false;
}

static bool mentions_cilium(const char *text, size_t len)
{
	static const char word[] = "cilium";
	const size_t n = sizeof(word) - 1;

	for (size_t i = 0; i + n <= len; i++) {
		if (!strncasecmp(text + i, word, n))
			return true;
	}
	return false;
}

/* 1: the loader passes the file over. */
static int see_file(void *ctx, const char *name, const char *text, size_t len)
{
	struct linter *l = ctx;
	struct pst_lint_result *result = l->result;
	const char *file;

	if (is_excluded(l, name) || (l->o->skip_others && !mentions_cilium(text, len)))
		return 1;
	file = pst_arena_strndup(result->arena, name, strlen(name));
	if (!file || pst_vec_push(&l->files, file) || pst_ignores_scan(l->ignores, file, text, len))
		return -ENOMEM;
	return pst_sources_add(result->sources, file, text, len);
}

static int configure(struct linter *l)
{
	struct pst_lint_result *result = l->result;
	const char *file = l->o->config;
	int r = pst_root_find(result->arena, &result->root);

	if (!r)
		r = pst_lint_config_init(&l->config, result->arena);
	if (!r && !file && !l->o->no_config)
		r = pst_lint_config_find(result->arena, &file);
	if (!r && file && !l->o->no_config)
		r = pst_lint_config_read(&l->config, file, result->diags);
	result->fail_on = l->config.fail_on;
	if (l->o->fail_on)
		result->fail_on = *l->o->fail_on;
	if (result->fail_on == PST_SEVERITY_MAX)
		result->fail_on = PST_SEVERITY_ERROR;
	return r;
}

static unsigned int cilium_minor(const struct linter *l)
{
	if (l->o->cilium_minor)
		return l->o->cilium_minor;
	return l->config.cilium_minor ? l->config.cilium_minor : PST_CILIUM_NEWEST;
}

static int load(struct linter *l)
{
	const struct pst_policy_options options = {
		.cilium_minor = cilium_minor(l),
		.features = l->o->features | l->config.features,
		.lint = true,
		.see_file = see_file,
		.ctx = l,
	};
	struct pst_lint_result *result = l->result;
	int r = pst_policy_load_with(&options, l->o->paths, l->o->n_paths, result->diags, &l->set);

	if (r)
		return r;
	result->n_policies = l->set->n_policies;
	result->n_skipped = l->set->n_skipped;
	result->n_templates = l->set->n_templates;
	return 0;
}

static int check(struct linter *l)
{
	const struct pst_lint_env env = {
		.set = l->set,
		.cilium_minor = cilium_minor(l),
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

/* The diagnostic as a finding; false when it is none: steps 1 to 3 of lint.h. */
static bool to_finding(const struct linter *l, const struct pst_diag *d,
		       struct pst_finding *ret_finding)
{
	const struct pst_lint_rule *rule = pst_lint_rule_find(d->id);
	enum pst_lint_level level;

	if (!rule)
		rule = &unlisted;
	level = level_of(l, rule);
	if (level == PST_LEVEL_OFF)
		return false;
	if (d->pos.file && rule->group != PST_LINT_COMMENTS && is_excluded(l, d->pos.file))
		return false;
	*ret_finding = (struct pst_finding){
		.rule = rule,
		.severity = d->severity,
		.pos = d->pos,
		.message = d->message,
		.notes = d->notes,
		.fingerprint = "",
	};
	if (level >= PST_LEVEL_ERROR)
		ret_finding->severity = PST_SEVERITY_ERROR + (level - PST_LEVEL_ERROR);
	return true;
}

/* Takes in the diagnostics that have come since the last time. */
static int collect(struct linter *l)
{
	const struct pst_diags *diags = l->result->diags;
	int r = 0;

	for (; !r && l->n_seen < pst_diags_count(diags); l->n_seen++) {
		struct pst_finding f;

		if (to_finding(l, pst_diags_at(diags, l->n_seen), &f))
			r = pst_vec_push(&l->findings, f);
	}
	return r;
}

/*
 * Step 4. Ignored findings keep their number in the fingerprints of their like: they are marked by
 * a severity that does not exist, and go at the end.
 */
static int ignore(struct linter *l)
{
	struct pst_lint_config *config = l->config.file ? &l->config : NULL;

	pst_ignores_settle(l->ignores);
	for (size_t i = 0; i < l->findings.n; i++) {
		struct pst_finding *f = &l->findings.v[i];

		if (pst_ignores_take(l->ignores, config, f))
			f->severity = PST_SEVERITY_MAX;
	}
	pst_ignores_report_unused(l->ignores, config, is_on, l);
	return collect(l);
}

static void sort(struct linter *l)
{
	if (l->findings.n)
		qsort(l->findings.v, l->findings.n, sizeof(*l->findings.v), compare_findings);
}

static int sort_and_name(struct linter *l)
{
	sort(l);
	return pst_fingerprints_set(l->result, l->findings.v, l->findings.n);
}

/* Step 5, and what there is to say about the baseline. */
static int compare_with_baseline(struct linter *l)
{
	struct pst_lint_result *result = l->result;
	const char *file = baseline_file(l);
	size_t n = 0;
	int r = 0;

	if (!file || l->o->no_baseline)
		return 0;
	r = pst_baseline_read(result->arena, file, result->diags, &l->baseline);
	result->baselined =
		pst_arena_calloc(result->arena, l->findings.n, sizeof(*result->baselined));
	if (r || !result->baselined)
		return -ENOMEM;
	for (size_t i = 0; i < l->findings.n; i++) {
		const struct pst_finding f = l->findings.v[i];

		if (f.severity != PST_SEVERITY_MAX && pst_baseline_take(&l->baseline, &f))
			result->baselined[result->n_baseline++] = f;
		else
			l->findings.v[n++] = f;
	}
	l->findings.n = n;
	pst_baseline_report_unused(&l->baseline, result->diags);
	r = collect(l);
	if (!r && l->findings.n > n)
		r = pst_fingerprints_set(result, l->findings.v + n, l->findings.n - n);
	sort(l);
	return r;
}

static int keep_files(struct linter *l)
{
	struct pst_lint_result *result = l->result;
	const char **files = pst_arena_calloc(result->arena, l->files.n, sizeof(*files));

	if (!files)
		return -ENOMEM;
	if (l->files.n)
		memcpy(files, l->files.v, l->files.n * sizeof(*files));
	result->files = files;
	result->n_files = l->files.n;
	return 0;
}

/* Step 6. */
static int finish(struct linter *l)
{
	struct pst_lint_result *result = l->result;

	result->findings =
		pst_arena_calloc(result->arena, l->findings.n, sizeof(*result->findings));
	if (!result->findings)
		return -ENOMEM;
	for (size_t i = 0; i < l->findings.n; i++) {
		const struct pst_finding *f = &l->findings.v[i];

		if (f->severity == PST_SEVERITY_MAX) {
			result->n_ignored++;
			continue;
		}
		result->findings[result->n++] = *f;
		result->n_severity[f->severity]++;
	}
	return keep_files(l);
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

static void linter_fini(struct linter *l)
{
	pst_policy_set_free(&l->set);
	pst_ignores_free(&l->ignores);
	pst_vec_free(&l->files);
	pst_vec_free(&l->findings);
	pst_lint_result_free(&l->result);
}

static int find_cwd(struct linter *l)
{
	pst_auto_free char *cwd = getcwd(NULL, 0);

	if (!cwd)
		return -errno;
	l->cwd = pst_arena_strndup(l->result->arena, cwd, strlen(cwd));
	return l->cwd ? 0 : -ENOMEM;
}

/* In this order: each step needs those before it. */
static int (*const steps[])(struct linter *l) = {
	find_cwd, configure, load, check, collect, ignore, sort_and_name, compare_with_baseline,
	finish,
};

int pst_lint_run(const struct pst_lint_options *options, struct pst_lint_result **ret_result)
{
	struct linter l pst_cleanup(linter_fini) = {.o = options, .result = result_new()};
	int r = l.result ? 0 : -ENOMEM;

	if (!r)
		l.ignores = pst_ignores_new(l.result->arena, l.result->diags);
	if (!l.ignores)
		return -ENOMEM;
	for (size_t i = 0; !r && i < sizeof(steps) / sizeof(*steps); i++)
		r = steps[i](&l);
	/* A finding less may be the difference between a red pipeline and a green one. */
	if (!r && pst_diags_is_lossy(l.result->diags))
		r = -ENOMEM;
	if (!r)
		*ret_result = PST_TAKE_PTR(l.result);
	return r;
}

bool pst_lint_failed(const struct pst_lint_result *result)
{
	size_t n = 0;

	for (int s = 0; s <= (int)result->fail_on; s++)
		n += result->n_severity[s];
	return n;
}
