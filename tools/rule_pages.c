// SPDX-License-Identifier: Apache-2.0
/*
 * Writes docs/rules/ from the table of rules: `rule_pages DIR`. Pages of rules that are no more go
 * away.
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lint/rule.h"
#include "lint/rule_page.h"

static int fail(const char *path)
{
	fprintf(stderr, "rule_pages: %s: %s\n", path, strerror(errno));
	return 1;
}

static int write_page(const char *dir, const char *name, const struct pst_lint_rule *rule)
{
	char path[PATH_MAX];
	FILE *out;
	int r;

	snprintf(path, sizeof(path), "%s/%s.md", dir, name);
	out = fopen(path, "we");
	if (!out)
		return fail(path);
	r = rule ? pst_lint_rule_page(rule, out) : pst_lint_rule_page_index(out);
	if (fclose(out) || r)
		return fail(path);
	return 0;
}

static int remove_pages(const char *dir)
{
	char pattern[PATH_MAX];
	glob_t g;
	int r = 0;

	snprintf(pattern, sizeof(pattern), "%s/*.md", dir);
	if (glob(pattern, 0, NULL, &g))
		return 0;
	for (size_t i = 0; !r && i < g.gl_pathc; i++) {
		if (unlink(g.gl_pathv[i]))
			r = fail(g.gl_pathv[i]);
	}
	globfree(&g);
	return r;
}

int main(int argc, char **argv)
{
	int r;

	if (argc != 2) {
		fputs("usage: rule_pages DIR\n", stderr);
		return 2;
	}
	r = remove_pages(argv[1]);
	if (!r)
		r = write_page(argv[1], "README", NULL);
	for (size_t i = 0; !r && i < pst_lint_rule_count(); i++)
		r = write_page(argv[1], pst_lint_rule_at(i)->id, pst_lint_rule_at(i));
	return r;
}
