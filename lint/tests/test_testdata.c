// SPDX-License-Identifier: Apache-2.0
/*
 * The files of testdata/policies: what the whole linter finds in each of lint/, and that every rule
 * about policies that is an error has a file which shows it and one which just escapes it.
 *
 * Lines of comment at the top of a file say how it is read: "cilium-version: 1.17" and
 * "features: extended-ip-protocols".
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lint/config.h"
#include "lint/lint.h"

enum { TEXT_SIZE = 8192 };

/* The tests run from anywhere below the project. */
static void t_path(char *buf, const char *name)
{
	static const char *const up[] = {"", "../", "../../", "../../../"};

	for (size_t i = 0; i < sizeof(up) / sizeof(*up); i++) {
		snprintf(buf, PATH_MAX, "%stestdata/policies/%s", up[i], name);
		if (!access(buf, R_OK))
			return;
	}
	snprintf(buf, PATH_MAX, "testdata/policies/%s", name);
}

static void t_each(const char *pattern, void (*check)(const char *path, void *ctx), void *ctx)
{
	char dir[PATH_MAX], text[PATH_MAX + 64];
	glob_t g;

	t_path(dir, "");
	snprintf(text, sizeof(text), "%s%s", dir, pattern);
	cr_assert_eq(glob(text, 0, NULL, &g), 0, "nothing matches %s", text);
	for (size_t i = 0; i < g.gl_pathc; i++)
		check(g.gl_pathv[i], ctx);
	globfree(&g);
}

static void t_read(const char *path, char *buf)
{
	FILE *f = fopen(path, "re");
	size_t n;

	cr_assert_not_null(f, "%s is missing", path);
	n = fread(buf, 1, TEXT_SIZE - 1, f);
	cr_assert_lt(n, TEXT_SIZE - 1, "%s is too long for this test", path);
	buf[n] = '\0';
	fclose(f);
}

/* The word behind "# NAME: " in TEXT, into BUF; false when there is none. */
static bool t_directive(const char *text, const char *name, char *buf, size_t size)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "# %s: ", name);
	at = strstr(text, start);
	if (!at)
		return false;
	at += strlen(start);
	snprintf(buf, size, "%.*s", (int)strcspn(at, "\n"), at);
	return true;
}

static struct pst_lint_result *t_lint(const char *path)
{
	struct pst_lint_options options = {.paths = &path, .n_paths = 1, .no_config = true};
	struct pst_lint_result *result = NULL;
	char text[TEXT_SIZE], word[64];

	t_read(path, text);
	if (t_directive(text, "cilium-version", word, sizeof(word)))
		cr_assert(pst_lint_version_parse(word, &options.cilium_minor), "%s", word);
	if (t_directive(text, "features", word, sizeof(word)))
		cr_assert(pst_lint_feature_parse(word, &options.features), "%s", word);
	cr_assert_eq(pst_lint_run(&options, &result), 0, "%s", path);
	return result;
}

/* "NAME.expect" beside "NAME.yaml". */
static void t_expect_path(const char *path, char *buf)
{
	snprintf(buf, PATH_MAX, "%.*s.expect", (int)(strlen(path) - strlen(".yaml")), path);
}

/* What postern does not enforce yet changes from version to version and is no matter here. */
static bool t_counts(const struct pst_finding *f)
{
	return strncmp(f->rule->id, "unsupported-", strlen("unsupported-")) != 0;
}

static void t_is_as_expected(const char *path, void *ctx)
{
	struct pst_lint_result *result = t_lint(path);
	char found[TEXT_SIZE] = "", expected[TEXT_SIZE], name[PATH_MAX];
	size_t used = 0;

	(void)ctx;
	for (size_t i = 0; i < result->n; i++) {
		const struct pst_finding *f = &result->findings[i];

		if (t_counts(f))
			used += (size_t)snprintf(found + used, sizeof(found) - used,
						 "%u:%u %s %s\n", f->pos.line, f->pos.col,
						 pst_severity_str(f->severity), f->rule->id);
		cr_assert_lt(used, sizeof(found));
	}
	t_expect_path(path, name);
	t_read(name, expected);
	cr_expect_str_eq(found, expected, "%s:\n%s", path, found);
	pst_lint_result_free(&result);
}

Test(testdata, the_linter_finds_in_each_file_exactly_what_is_expected)
{
	t_each("lint/*.yaml", t_is_as_expected, NULL);
}

/* A file that is named after a rule shows it; its neighbour "-near" does not. */
static void t_is_named_after_its_rule(const char *path, void *ctx)
{
	const char *base = strrchr(path, '/') + 1;
	char id[NAME_MAX], name[PATH_MAX], expected[TEXT_SIZE], word[NAME_MAX + 2];
	bool is_near;

	(void)ctx;
	snprintf(id, sizeof(id), "%.*s", (int)(strlen(base) - strlen(".yaml")), base);
	is_near = strlen(id) > 5 && !strcmp(id + strlen(id) - 5, "-near");
	if (is_near)
		id[strlen(id) - 5] = '\0';
	cr_expect_not_null(pst_lint_rule_find(id), "%s: there is no rule %s", path, id);
	t_expect_path(path, name);
	t_read(name, expected);
	snprintf(word, sizeof(word), " %s\n", id);
	cr_expect_eq(strstr(expected, word) == NULL, is_near, "%s", path);
}

Test(testdata, each_file_is_named_after_the_rule_that_it_shows_or_just_escapes)
{
	t_each("lint/*.yaml", t_is_named_after_its_rule, NULL);
}

struct search {
	const char *id;
	bool found;
};

static void t_shows(const char *path, void *ctx)
{
	struct search *s = ctx;
	char text[TEXT_SIZE], word[NAME_MAX];

	t_read(path, text);
	snprintf(word, sizeof(word), " %s\n", s->id);
	s->found |= strstr(text, word) != NULL;
}

static bool t_has_file(const char *id)
{
	struct search s = {.id = id};

	t_each("bad/*.expect", t_shows, &s);
	t_each("lint/*.expect", t_shows, &s);
	return s.found;
}

/* Not about what stands in a policy file: these have tests of their own, which are named here. */
static const struct {
	const char *id, *shown_by;
} elsewhere[] = {
	{"file-missing", "policy/tests/test_load.c"},
	{"file-unreadable", "policy/tests/test_load.c"},
	{"file-too-large", "policy/tests/test_load.c"},
	{"no-files", "policy/tests/test_load.c"},
	{"directory-loop", "policy/tests/test_load.c"},
	{"too-many-directories", "policy/tests/test_load.c"},
	{"config-unreadable", "lint/tests/test_lint.c"},
	{"config-invalid", "lint/tests/test_lint.c"},
	{"baseline-invalid", "lint/tests/test_lint.c"},
};

/* Does the file that is named really speak of the rule? */
static bool t_is_shown_elsewhere(const char *id)
{
	char path[PATH_MAX], root[PATH_MAX], line[1024];
	bool found = false;
	FILE *f;
	size_t i = 0;

	while (i < sizeof(elsewhere) / sizeof(*elsewhere) && strcmp(elsewhere[i].id, id))
		i++;
	if (i == sizeof(elsewhere) / sizeof(*elsewhere))
		return false;
	t_path(root, "");
	snprintf(path, sizeof(path), "%.*s../../%s", (int)strlen(root), root,
		 elsewhere[i].shown_by);
	f = fopen(path, "re");
	cr_assert_not_null(f, "%s", path);
	while (fgets(line, sizeof(line), f))
		found |= strstr(line, id) != NULL;
	fclose(f);
	return found;
}

/* The mended example of the table is a near miss: test_rules.c holds it free of errors. */
static bool t_has_near_miss(const struct pst_lint_rule *rule)
{
	char path[PATH_MAX], name[NAME_MAX];

	snprintf(name, sizeof(name), "lint/%s-near.yaml", rule->id);
	t_path(path, name);
	return rule->good || !access(path, R_OK);
}

Test(testdata, every_error_has_a_file_that_shows_it_and_one_that_just_escapes_it)
{
	for (size_t i = 0; i < pst_lint_rule_count(); i++) {
		const struct pst_lint_rule *rule = pst_lint_rule_at(i);

		if (rule->severity != PST_SEVERITY_ERROR || t_is_shown_elsewhere(rule->id))
			continue;
		cr_expect(t_has_file(rule->id),
			  "%s: no file of testdata/policies/{bad,lint} shows it", rule->id);
		cr_expect(t_has_near_miss(rule), "%s: no file just escapes it", rule->id);
	}
}

static void t_count(const char *path, void *ctx)
{
	(void)path;
	++*(size_t *)ctx;
}

Test(testdata, there_are_at_least_150_policies_and_each_bad_one_says_what_is_expected)
{
	size_t n = 0, expected = 0;

	t_each("*/*.yaml", t_count, &n);
	t_each("*/*.json", t_count, &n);
	t_each("*/*.expect", t_count, &expected);
	cr_expect_geq(n, 150);
	cr_expect_geq(expected, 100);
}

/* What the whole linter, automata included, makes of Cilium's own policies. */
static void t_has_no_error(const char *path, void *ctx)
{
	struct pst_lint_result *result = t_lint(path);

	(void)ctx;
	for (size_t i = 0; i < result->n; i++) {
		const struct pst_finding *f = &result->findings[i];

		cr_expect_neq(f->severity, PST_SEVERITY_ERROR, "%s:%u: %s [%s]", path, f->pos.line,
			      f->message, f->rule->id);
	}
	pst_lint_result_free(&result);
}

static void t_has_an_error(const char *path, void *ctx)
{
	struct pst_lint_result *result = t_lint(path);

	(void)ctx;
	cr_expect_geq(result->n_severity[PST_SEVERITY_ERROR], 1, "%s", path);
	cr_expect(pst_lint_failed(result), "%s", path);
	pst_lint_result_free(&result);
}

Test(corpus, the_whole_linter_finds_an_error_in_every_invalid_policy_and_in_no_valid_one)
{
	char path[PATH_MAX];

	t_path(path, "../../../shared/corpus/valid");
	if (access(path, R_OK))
		cr_skip_test("the policy corpus is not here");
	t_each("../../../shared/corpus/valid/*.yaml", t_has_no_error, NULL);
	t_each("../../../shared/corpus/invalid/*.yaml", t_has_an_error, NULL);
}
