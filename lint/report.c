// SPDX-License-Identifier: Apache-2.0
#include "lint/report.h"

#include <string.h>

const struct pst_lint_format pst_lint_formats[] = {
	{"text", "file:line:col: severity: message [rule], with the line", pst_lint_text},
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

static void print_count(FILE *out, size_t n, const char *noun)
{
	fprintf(out, "%zu %s%s", n, noun, n == 1 ? "" : "s");
}

void pst_lint_summary(const struct pst_lint_result *result, FILE *out)
{
	print_count(out, result->n_severity[PST_SEVERITY_ERROR], "error");
	fputs(", ", out);
	print_count(out, result->n_severity[PST_SEVERITY_WARNING], "warning");
	fprintf(out, ", %zu info in ", result->n_severity[PST_SEVERITY_INFO]);
	fprintf(out, "%zu %s (", result->n_policies,
		result->n_policies == 1 ? "policy" : "policies");
	print_count(out, result->n_files, "file");
	fputc(')', out);
	if (result->n_skipped) {
		fputs("; ", out);
		print_count(out, result->n_skipped, "document");
		fputs(" of other kinds skipped", out);
	}
	fputc('\n', out);
}
