// SPDX-License-Identifier: Apache-2.0
#include "lint/report.h"

#include <string.h>

#include "base/mem.h"

const struct pst_lint_format pst_lint_formats[] = {
	{"text", "file:line:col: severity: message [rule], with the line", pst_lint_text},
	{"json", "one object: summary and findings", pst_lint_json},
	{"sarif", "SARIF 2.1.0, for code scanning", pst_lint_sarif},
	{"junit", "JUnit XML: one suite per file, one case per rule", pst_lint_junit},
	{"github", "workflow commands of GitHub Actions: annotations", pst_lint_github},
	{"gitlab", "Code Quality report of GitLab", pst_lint_gitlab},
	{0},
};

const struct pst_lint_format *pst_lint_format_find(const char *name)
{
	for (const struct pst_lint_format *f = pst_lint_formats; f->name; f++) {
		if (!strcmp(f->name, name))
			return f;
	}
	return NULL;
}

static void print_count(FILE *out, size_t n, const char *one, const char *many)
{
	fprintf(out, "%zu %s", n, n == 1 ? one : many);
}

static void print_further(FILE *out, size_t n, const char *one, const char *many)
{
	if (!n)
		return;
	fputs("; ", out);
	print_count(out, n, one, many);
}

void pst_lint_summary(const struct pst_lint_result *result, FILE *out)
{
	print_count(out, result->n_severity[PST_SEVERITY_ERROR], "error", "errors");
	fputs(", ", out);
	print_count(out, result->n_severity[PST_SEVERITY_WARNING], "warning", "warnings");
	fprintf(out, ", %zu info in ", result->n_severity[PST_SEVERITY_INFO]);
	print_count(out, result->n_policies, "policy", "policies");
	fputs(" (", out);
	print_count(out, result->n_files, "file", "files");
	fputc(')', out);
	print_further(out, result->n_skipped, "document of another kind skipped",
		      "documents of other kinds skipped");
	print_further(out, result->n_templates, "Helm template skipped", "Helm templates skipped");
	print_further(out, result->n_ignored, "finding ignored", "findings ignored");
	print_further(out, result->n_baseline, "finding in the baseline",
		      "findings in the baseline");
	fputc('\n', out);
}

const char *pst_lint_page(const struct pst_lint_result *result, const struct pst_lint_rule *rule)
{
	return pst_arena_printf(result->arena, "docs/rules/%s.md", rule->id);
}

const struct pst_finding **pst_lint_worst_first(const struct pst_lint_result *result)
{
	const struct pst_finding **all;
	size_t n = 0;

	all = pst_arena_calloc(result->arena, result->n, sizeof(*all));
	for (int s = 0; all && s < PST_SEVERITY_MAX; s++) {
		for (size_t i = 0; i < result->n; i++) {
			if ((int)result->findings[i].severity == s)
				all[n++] = &result->findings[i];
		}
	}
	return all;
}
