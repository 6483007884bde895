// SPDX-License-Identifier: Apache-2.0
#include "lint/report.h"

#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "lint/source.h"

static void print_place(const struct pst_pos *pos, FILE *out)
{
	if (pos->file) {
		pst_escape_print(out, pos->file, strlen(pos->file));
		fputc(':', out);
	}
	if (pos->line)
		fprintf(out, "%u:%u:", pos->line, pos->col);
	if (pos->file || pos->line)
		fputc(' ', out);
}

static void print_finding(const struct pst_lint_report *r, const struct pst_finding *f)
{
	print_place(&f->pos, r->out);
	fprintf(r->out, "%s: ", pst_severity_str(f->severity));
	pst_escape_print(r->out, f->message, strlen(f->message));
	fprintf(r->out, " [%s]\n", f->rule->id);
}

int pst_lint_text(const struct pst_lint_report *r)
{
	for (size_t i = 0; i < r->result->n; i++)
		print_finding(r, &r->result->findings[i]);
	return ferror(r->out) ? -EIO : 0;
}
