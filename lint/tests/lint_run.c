// SPDX-License-Identifier: Apache-2.0
#include "lint/tests/lint_run.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *const work_policy = "apiVersion: cilium.io/v2\n"
				"kind: CiliumNetworkPolicy\n"
				"metadata:\n"
				"  name: a\n"
				"spec:\n"
				"  endpointSelector: {}\n"
				"  egress:\n"
				"  - toFQDNs:\n"
				"    - matchName: a.example\n"
				"  - toFQDNs:\n"
				"    - matchName: b.example\n";

static char work_dir[64];

void work_begin(void)
{
	snprintf(work_dir, sizeof(work_dir), "/tmp/postern-lint-XXXXXX");
	cr_assert_not_null(mkdtemp(work_dir));
	cr_assert_eq(chdir(work_dir), 0);
	cr_assert_eq(mkdir(".git", 0777), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void work_end(void)
{
	cr_assert_eq(chdir("/"), 0);
	nftw(work_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_dirs(const char *name)
{
	char *copy = strdup(name);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0777);
		*slash = '/';
	}
	free(copy);
}

void work_write(const char *name, const char *text)
{
	FILE *f;

	make_dirs(name);
	f = fopen(name, "w");
	cr_assert_not_null(f, "%s", name);
	fputs(text, f);
	fclose(f);
}

char *work_read(const char *name)
{
	FILE *f = fopen(name, "r");
	char *text = NULL;
	size_t cap = 0;

	cr_assert_not_null(f, "%s", name);
	if (getdelim(&text, &cap, 0, f) < 0)
		text = strdup("");
	fclose(f);
	return text;
}

struct pst_lint_result *work_lint(const struct pst_lint_options *options)
{
	struct pst_lint_result *result = NULL;

	cr_assert_eq(pst_lint_run(options, &result), 0);
	return result;
}

struct pst_lint_result *work_lint_text(const char *name, const char *text)
{
	const struct pst_lint_options options = {.paths = &name, .n_paths = 1};

	work_write(name, text);
	return work_lint(&options);
}

size_t work_count(const struct pst_lint_result *result, const char *rule)
{
	size_t n = 0;

	for (size_t i = 0; i < result->n; i++)
		n += !strcmp(result->findings[i].rule->id, rule);
	return n;
}

const struct pst_finding *work_find(const struct pst_lint_result *result, const char *rule,
				    size_t which)
{
	for (size_t i = 0; i < result->n; i++) {
		if (!strcmp(result->findings[i].rule->id, rule) && !which--)
			return &result->findings[i];
	}
	cr_assert_fail("no such finding: %s", rule);
	return NULL;
}

char *work_report(const struct pst_lint_result *result, const char *format, bool color)
{
	char *text = NULL;
	size_t len = 0;
	struct pst_lint_report r = {
		.result = result, .color = color, .out = open_memstream(&text, &len)};

	cr_assert_eq(pst_lint_format_find(format)->write(&r), 0);
	fclose(r.out);
	return text;
}
