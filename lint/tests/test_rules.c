// SPDX-License-Identifier: Apache-2.0
/* The table of rules: texts, examples and pages. tools/check_rules.py compares it with the code. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lint/lint.h"
#include "lint/rule.h"
#include "lint/rule_page.h"

enum {
	MAX_TITLE = 70,
	MAX_TEXT = 1024, /* of a description in SARIF, as GitHub reads it */
};

/* Calls CHECK for each row. */
static void t_each_rule(void (*check)(const struct pst_lint_rule *rule))
{
	cr_assert_gt(pst_lint_rule_count(), 0);
	for (size_t i = 0; i < pst_lint_rule_count(); i++)
		check(pst_lint_rule_at(i));
}

static bool t_is_kebab(const char *s)
{
	if (!islower((unsigned char)*s))
		return false;
	for (; *s; s++) {
		if (*s == '-' ? !isalnum((unsigned char)s[1])
			      : !islower((unsigned char)*s) && !isdigit((unsigned char)*s))
			return false;
	}
	return true;
}

static void t_id_is_sound(const struct pst_lint_rule *rule)
{
	cr_expect(t_is_kebab(rule->id), "%s", rule->id);
	cr_expect_eq(pst_lint_rule_find(rule->id), rule, "%s has two rows", rule->id);
	cr_expect_eq(pst_lint_rule_at(pst_lint_rule_index(rule)), rule, "%s", rule->id);
	cr_expect_lt(rule->severity, PST_SEVERITY_MAX, "%s", rule->id);
	cr_expect_lt(rule->group, PST_LINT_GROUP_MAX, "%s", rule->id);
}

Test(rules, ids_are_kebab_case_and_unique)
{
	t_each_rule(t_id_is_sound);
	cr_expect_null(pst_lint_rule_find("no-such-rule"));
}

/* Rows of a group stand together: lists by group rely on the order. */
Test(rules, groups_are_in_order)
{
	for (size_t i = 1; i < pst_lint_rule_count(); i++)
		cr_expect_geq(pst_lint_rule_at(i)->group, pst_lint_rule_at(i - 1)->group, "%s",
			      pst_lint_rule_at(i)->id);
}

static bool t_ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && !strcmp(text + len - n, end);
}

/* Backticks come in pairs, and nothing in the text stands for an unfinished row. */
static void t_text_is_sound(const struct pst_lint_rule *rule, const char *text)
{
	size_t ticks = 0;

	cr_assert(text && *text, "%s lacks a text", rule->id);
	for (const char *p = text; *p; p++)
		ticks += *p == '`';
	cr_expect_eq(ticks % 2, 0, "%s: a backtick without its fellow in: %s", rule->id, text);
	cr_expect_null(strstr(text, "placeholder"), "%s: %s", rule->id, text);
	cr_expect_leq(strlen(text), MAX_TEXT, "%s: %zu characters in: %s", rule->id, strlen(text),
		      text);
}

static void t_texts_are_sound(const struct pst_lint_rule *rule)
{
	t_text_is_sound(rule, rule->title);
	t_text_is_sound(rule, rule->why);
	t_text_is_sound(rule, rule->remedy);
	t_text_is_sound(rule, rule->since);
	if (rule->cilium)
		t_text_is_sound(rule, rule->cilium);
	cr_expect_leq(strlen(rule->title), MAX_TITLE, "%s: the title has %zu characters", rule->id,
		      strlen(rule->title));
	cr_expect(!t_ends_with(rule->title, "."), "%s: a title has no full stop", rule->id);
	cr_expect_null(strchr(rule->title, '\n'), "%s: a title is one line", rule->id);
	cr_expect(t_ends_with(rule->why, ".\n"), "%s: why ends with a sentence and a newline",
		  rule->id);
	cr_expect(t_ends_with(rule->remedy, ".") || t_ends_with(rule->remedy, ".\n"),
		  "%s: the remedy is a sentence", rule->id);
}

Test(rules, texts_are_there_and_fit_into_every_format)
{
	t_each_rule(t_texts_are_sound);
}

/* The findings of a file that holds TEXT, RULE switched on. */
static struct pst_lint_result *t_lint(const struct pst_lint_rule *rule, const char *text)
{
	char name[] = "/tmp/postern-rule-XXXXXX.yaml";
	const char *path = name;
	const struct pst_lint_options options = {
		.paths = &path,
		.n_paths = 1,
		.no_config = true,
		.on = {.v = &rule->id, .n = 1},
		.cilium_minor = rule->cilium_minor,
		.features = rule->features,
	};
	struct pst_lint_result *result = NULL;
	size_t len = strlen(text);
	int fd = mkstemps(name, 5);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
	cr_assert_eq(pst_lint_run(&options, &result), 0, "%s", rule->id);
	unlink(name);
	return result;
}

static const struct pst_finding *t_find(const struct pst_lint_result *result,
					const struct pst_lint_rule *rule)
{
	for (size_t i = 0; i < result->n; i++) {
		if (result->findings[i].rule == rule)
			return &result->findings[i];
	}
	return NULL;
}

static void t_show(const struct pst_lint_rule *rule, const char *what,
		   const struct pst_lint_result *result)
{
	fprintf(stderr, "%s: findings of its %s example:\n", rule->id, what);
	pst_diags_print(result->diags, stderr);
}

static void t_bad_has_it(const struct pst_lint_rule *rule)
{
	struct pst_lint_result *result;
	const struct pst_finding *found;

	if (!rule->bad)
		return;
	result = t_lint(rule, rule->bad);
	found = t_find(result, rule);
	cr_expect_not_null(found, "%s: its bad example does not have the finding", rule->id);
	if (found)
		cr_expect_eq(found->severity, rule->severity, "%s: found as %s", rule->id,
			     pst_severity_str(found->severity));
	else
		t_show(rule, "bad", result);
	pst_lint_result_free(&result);
}

Test(rules, every_bad_example_has_the_finding_with_its_severity)
{
	t_each_rule(t_bad_has_it);
}

static void t_good_is_good(const struct pst_lint_rule *rule)
{
	struct pst_lint_result *result;

	if (!rule->good)
		return;
	result = t_lint(rule, rule->good);
	cr_expect_null(t_find(result, rule), "%s: its good example has the finding", rule->id);
	cr_expect_eq(result->n_severity[PST_SEVERITY_ERROR], 0, "%s: its good example has errors",
		     rule->id);
	if (t_find(result, rule) || result->n_severity[PST_SEVERITY_ERROR])
		t_show(rule, "good", result);
	pst_lint_result_free(&result);
}

Test(rules, every_good_example_is_free_of_the_finding_and_of_errors)
{
	t_each_rule(t_good_is_good);
}

/* About files, the configuration, a baseline or a limit: no small file shows them. */
static bool t_needs_examples(const struct pst_lint_rule *rule)
{
	return rule->group != PST_LINT_INPUT && rule->group != PST_LINT_COMMENTS &&
	       strcmp(rule->id, "lint-budget") && strcmp(rule->id, "conflict-limit");
}

static void t_has_examples(const struct pst_lint_rule *rule)
{
	cr_expect_eq(!rule->bad, !rule->good, "%s: one example without the other", rule->id);
	cr_expect(rule->bad || !t_needs_examples(rule), "%s has no example", rule->id);
}

Test(rules, every_rule_about_policies_has_both_examples)
{
	t_each_rule(t_has_examples);
}

/* The tests run from anywhere below the project. */
static void t_pages_dir(char *buf, size_t size)
{
	const char *up[] = {"", "../", "../../", "../../../"};

	for (size_t i = 0; i < sizeof(up) / sizeof(*up); i++) {
		snprintf(buf, size, "%sdocs/rules", up[i]);
		if (!access(buf, R_OK))
			return;
	}
	cr_assert(false, "docs/rules is missing: make rule-pages");
}

static char *t_read(const char *path)
{
	char *text = NULL;
	size_t cap = 0;
	FILE *f = fopen(path, "re");

	cr_assert_not_null(f, "%s is missing: make rule-pages", path);
	if (getdelim(&text, &cap, EOF, f) < 0)
		cr_assert(false, "%s is empty", path);
	fclose(f);
	return text;
}

/* The page of RULE, or with NULL the index, is what the file says. */
static void t_page_is(const struct pst_lint_rule *rule, const char *path)
{
	char *expected = NULL, *found = t_read(path);
	size_t len = 0;
	FILE *f = open_memstream(&expected, &len);

	cr_assert_not_null(f);
	cr_expect_eq(rule ? pst_lint_rule_page(rule, f) : pst_lint_rule_page_index(f), 0);
	fclose(f);
	cr_expect(!strcmp(found, expected), "%s is not what the table says: make rule-pages", path);
	free(found);
	free(expected);
}

Test(rules, every_page_of_the_documentation_is_what_the_table_says)
{
	char dir[PATH_MAX], path[PATH_MAX + 128];

	t_pages_dir(dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/README.md", dir);
	t_page_is(NULL, path);
	for (size_t i = 0; i < pst_lint_rule_count(); i++) {
		snprintf(path, sizeof(path), "%s/%s.md", dir, pst_lint_rule_at(i)->id);
		t_page_is(pst_lint_rule_at(i), path);
	}
}

Test(rules, there_is_no_page_without_a_rule)
{
	char dir[PATH_MAX], pattern[PATH_MAX + 8];
	glob_t g;

	t_pages_dir(dir, sizeof(dir));
	snprintf(pattern, sizeof(pattern), "%s/*", dir);
	cr_assert_eq(glob(pattern, 0, NULL, &g), 0);
	cr_expect_eq(g.gl_pathc, pst_lint_rule_count() + 1, "%zu pages of %zu rules", g.gl_pathc,
		     pst_lint_rule_count());
	globfree(&g);
}

/* A text with what Markdown would take for its own. */
Test(rule_page, markdown_of_texts_is_escaped_but_code_is_not)
{
	static const struct pst_lint_rule rule = {
		.id = "x-y",
		.title = "a * b <c> [d] | e",
		.why = "First `a*b[0]`.\nSecond *.\n",
		.remedy = "None.",
		.bad = "a: *b\n",
		.good = "a: b\n",
		.cilium_minor = 16,
		.since = "0.1",
	};
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	cr_assert_not_null(f);
	cr_assert_eq(pst_lint_rule_page(&rule, f), 0);
	fclose(f);
	cr_expect_not_null(strstr(text, "# x-y\n\na \\* b \\<c> \\[d] \\| e\n"), "%s", text);
	cr_expect_not_null(strstr(text, "First `a*b[0]`.\n\nSecond \\*.\n"), "%s", text);
	cr_expect_not_null(strstr(text, "with the rules of Cilium 1.16:\n\n```yaml\na: *b\n```\n"),
			   "%s", text);
	free(text);
}
