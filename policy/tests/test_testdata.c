// SPDX-License-Identifier: Apache-2.0
/* Every file of testdata/ and, where it is there, of the corpus of Cilium's own policies. */
#include <criterion/criterion.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "policy/tests/helper.h"

typedef int (*t_load)(const char *path, struct pst_diags *diags);

static int t_load_policy(const char *path, struct pst_diags *diags)
{
	struct pst_policy_set *set = NULL;
	int r = pst_policy_load(&path, 1, diags, &set);

	pst_policy_set_free(&set);
	return r;
}

/* As a linter: what postern does not enforce yet is an info. */
static int t_lint_policy(const char *path, struct pst_diags *diags)
{
	const struct pst_policy_options lint = {.lint = true};
	struct pst_policy_set *set = NULL;
	int r = pst_policy_load_with(&lint, &path, 1, diags, &set);

	pst_policy_set_free(&set);
	return r;
}

static int t_load_inventory(const char *path, struct pst_diags *diags)
{
	struct pst_inventory *inv = NULL;
	int r = pst_inventory_load(&path, 1, diags, &inv);

	pst_inventory_free(&inv);
	return r;
}

/* Calls CHECK for each file that matches DIR/PATTERN; fails when there is none. */
static void t_each(const char *dir, const char *pattern, t_load load,
		   void (*check)(const char *path, t_load load))
{
	const char *found = t_find(dir);
	char glob_text[1024];
	glob_t g;

	cr_assert_not_null(found, "%s is missing", dir);
	snprintf(glob_text, sizeof(glob_text), "%s/%s", found, pattern);
	cr_assert_eq(glob(glob_text, 0, NULL, &g), 0, "nothing matches %s", glob_text);
	for (size_t i = 0; i < g.gl_pathc; i++)
		check(g.gl_pathv[i], load);
	globfree(&g);
}

static void t_is_clean(const char *path, t_load load)
{
	struct pst_diags *diags = pst_diags_new();

	cr_assert_eq(load(path, diags), 0, "%s", path);
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		const struct pst_diag *d = pst_diags_at(diags, i);

		cr_expect(d->severity == PST_SEVERITY_INFO && !strncmp(d->id, "unsupported-", 12),
			  "%s:%u: %s [%s]", path, d->pos.line, d->message, d->id);
	}
	pst_diags_free(&diags);
}

/* The errors as lines "LINE:COL id". */
static void t_print_errors(const struct pst_diags *diags, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = 0;
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		const struct pst_diag *d = pst_diags_at(diags, i);

		if (d->severity == PST_SEVERITY_ERROR)
			used += (size_t)snprintf(buf + used, size - used, "%u:%u %s\n", d->pos.line,
						 d->pos.col, d->id);
		cr_assert_lt(used, size);
	}
}

/* What is expected of this folder: regular expressions are the compiler's. */
static void t_read_expected(const char *path, char *buf, size_t size)
{
	char line[256], expect[1024];
	size_t used = 0;
	FILE *f;

	snprintf(expect, sizeof(expect), "%.*s.expect", (int)(strlen(path) - strlen(".yaml")),
		 path);
	f = fopen(expect, "r");
	cr_assert_not_null(f, "%s is missing", expect);
	buf[0] = 0;
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, " regex-"))
			used += (size_t)snprintf(buf + used, size - used, "%s", line);
		cr_assert_lt(used, size);
	}
	fclose(f);
}

static void t_is_as_expected(const char *path, t_load load)
{
	struct pst_diags *diags = pst_diags_new();
	char expected[8192], found[8192];

	cr_assert_eq(load(path, diags), 0, "%s", path);
	t_print_errors(diags, found, sizeof(found));
	t_read_expected(path, expected, sizeof(expected));
	cr_expect_str_eq(found, expected, "%s", path);
	pst_diags_free(&diags);
}

Test(testdata, every_good_policy_is_read_without_an_error_or_a_warning)
{
	t_each("testdata/policies/good", "*.yaml", t_lint_policy, t_is_clean);
	t_each("testdata/policies/good", "*.json", t_lint_policy, t_is_clean);
}

Test(testdata, every_bad_policy_gives_exactly_the_expected_errors)
{
	t_each("testdata/policies/bad", "*.yaml", t_load_policy, t_is_as_expected);
}

Test(testdata, every_inventory_loads_without_a_word)
{
	t_each("testdata/inventory", "*.yaml", t_load_inventory, t_is_clean);
}

Test(testdata, every_bad_inventory_gives_exactly_the_expected_errors)
{
	t_each("testdata/inventory/bad", "*.yaml", t_load_inventory, t_is_as_expected);
}

/* The place of an error is inside the file that has it, and its end is not before its start. */
static void t_places_are_sound(const char *path, t_load load)
{
	struct pst_diags *diags = pst_diags_new();

	cr_assert_eq(load(path, diags), 0, "%s", path);
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		const struct pst_pos *pos = &pst_diags_at(diags, i)->pos;

		cr_expect_str_eq(pos->file, path);
		cr_expect(pos->end_line > pos->line ||
			  (pos->end_line == pos->line && pos->end_col >= pos->col));
	}
	pst_diags_free(&diags);
}

Test(testdata, every_error_has_a_sound_place)
{
	t_each("testdata/policies/bad", "*.yaml", t_load_policy, t_places_are_sound);
	t_each("testdata/policies/bad", "*.yaml", t_lint_policy, t_places_are_sound);
}

static void t_skip_without_corpus(void)
{
	if (!t_find("../shared/corpus/valid"))
		cr_skip_test("the policy corpus is not here");
}

/* What is wrong with each file of the corpus, as its first line says it. */
static const struct {
	const char *file, *id;
} intended[] = {
	{"apiversion-lowercase.yaml", "missing-field"},
	{"bad-protocol.yaml", "unknown-protocol"},
	{"cidr-bare-ip.yaml", "cidr-bare-ip"},
	{"cidrset-none.yaml", "cidr-set-none"},
	{"dns-on-ingress.yaml", "dns-on-ingress"},
	{"entity-unknown.yaml", "unknown-entity"},
	{"fqdn-name-and-pattern.yaml", "fqdn-both"},
	{"headermatch-bad-action.yaml", "unknown-header-action"},
	{"host-http-egress.yaml", "host-policy-l7"},
	{"http-key-uppercase.yaml", "unknown-field"},
	{"http-mixed-udp-first.yaml", "http-needs-tcp"},
	{"http-port-zero.yaml", "http-port-zero"},
	{"icmp-unknown-type-name.yaml", "icmp-type"},
	{"in-without-values.yaml", "label-values"},
	{"l7-in-deny.yaml", "http-in-deny"},
	{"listener-with-http.yaml", "listener-with-l7"},
	/* Each document alone is valid. */
	{"merge-conflict-auth.yaml", "conflict-authentication"},
	{"merge-conflict-tls.yaml", "conflict-terminating-tls"},
	{"nodeselector-in-cnp.yaml", "node-selector"},
	{"port-missing.yaml", "port-missing"},
	{"sni-empty-name.yaml", "server-name-invalid"},
	{"tofqdns-in-deny.yaml", "not-in-deny"},
	{"two-l3-members.yaml", "two-peer-kinds"},
};

static void t_is_refused_as_intended(const char *path, t_load load)
{
	struct pst_diags *diags = pst_diags_new();
	const char *name = strrchr(path, '/') + 1;
	char found[1024];
	size_t i = 0;

	while (i < sizeof(intended) / sizeof(*intended) && strcmp(intended[i].file, name))
		i++;
	cr_assert_lt(i, sizeof(intended) / sizeof(*intended), "%s is not in the table", path);
	cr_assert_eq(load(path, diags), 0, "%s", path);
	t_print_errors(diags, found, sizeof(found));
	cr_expect_eq(pst_diags_errors(diags), 1, "%s: %s", path, found);
	cr_expect(t_has(diags, intended[i].id), "%s: %s", path, found);
	pst_diags_free(&diags);
}

static void t_has_no_error(const char *path, t_load load)
{
	struct pst_diags *diags = pst_diags_new();
	char found[1024];

	cr_assert_eq(load(path, diags), 0, "%s", path);
	t_print_errors(diags, found, sizeof(found));
	cr_expect_eq(pst_diags_errors(diags), 0, "%s: %s", path, found);
	pst_diags_free(&diags);
}

static void t_is_valid_or_unsupported(const char *path, t_load load)
{
	struct pst_diags *diags = pst_diags_new();

	cr_assert_eq(load(path, diags), 0, "%s", path);
	for (size_t i = 0; i < pst_diags_count(diags); i++) {
		const struct pst_diag *d = pst_diags_at(diags, i);

		if (d->severity == PST_SEVERITY_ERROR)
			cr_expect_eq(strncmp(d->id, "unsupported-", 12), 0, "%s:%u: %s [%s]", path,
				     d->pos.line, d->message, d->id);
	}
	pst_diags_free(&diags);
}

Test(corpus, every_invalid_policy_has_the_one_error_that_is_intended)
{
	t_skip_without_corpus();
	t_each("../shared/corpus/invalid", "*.yaml", t_lint_policy, t_is_refused_as_intended);
}

Test(corpus, every_valid_policy_is_read_without_an_error)
{
	t_skip_without_corpus();
	t_each("../shared/corpus/valid", "*.yaml", t_lint_policy, t_has_no_error);
}

Test(corpus, every_valid_policy_loads_or_is_refused_as_not_supported_yet)
{
	t_skip_without_corpus();
	t_each("../shared/corpus/valid", "*.yaml", t_load_policy, t_is_valid_or_unsupported);
}
