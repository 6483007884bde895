// SPDX-License-Identifier: Apache-2.0
/*
 * Workflow commands: lines that the runner turns into annotations.
 *
 * It shows 10 errors, 10 warnings and 10 notices of a step and drops the rest without a word: so
 * the worst come first, and the last line, which is no command, has the count.
 */
#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "lint/report.h"

static const char *const commands[PST_SEVERITY_MAX] = {
	[PST_SEVERITY_ERROR] = "error",
	[PST_SEVERITY_WARNING] = "warning",
	[PST_SEVERITY_INFO] = "notice",
};

/* The runner decodes %25, %0D and %0A everywhere, %3A and %2C in properties only. */
static void print_text(FILE *out, const char *s, const char *encoded)
{
	size_t len = strlen(s), n;

	for (size_t i = 0; i < len; i += n) {
		n = pst_escape_shown_len(s + i, len - i);
		if (s[i] == '\n' || s[i] == '\r' || strchr(encoded, s[i])) {
			fprintf(out, "%%%02X", (unsigned char)s[i]);
			n = 1;
		} else if (n) {
			fwrite(s + i, 1, n, out);
		} else {
			n = 1;
			pst_escape_print(out, s + i, n);
		}
	}
}

static void print_property(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=", name);
	print_text(out, value, "%:,");
}

static void print_note(FILE *out, const struct pst_diag_note *n)
{
	fputs("%0Anote: ", out);
	print_text(out, n->message, "%");
	if (n->pos.file) {
		fputs(" (", out);
		print_text(out, n->pos.file, "%");
		fprintf(out, ":%u:%u)", n->pos.line, n->pos.col);
	}
}

static void print_finding(FILE *out, const struct pst_finding *f)
{
	fprintf(out, "::%s ", commands[f->severity]);
	if (f->path) {
		print_property(out, "file", f->path);
		fputc(',', out);
	}
	if (f->pos.line) {
		fprintf(out, "line=%u,col=%u,endLine=%u,", f->pos.line, f->pos.col,
			f->pos.end_line);
		/* Of a place over several lines the runner takes no end column. */
		if (f->pos.end_line == f->pos.line)
			fprintf(out, "endColumn=%u,", f->pos.end_col);
	}
	print_property(out, "title", f->rule->id);
	fputs("::", out);
	print_text(out, f->message, "%");
	for (const struct pst_diag_note *n = f->notes; n; n = n->next)
		print_note(out, n);
	fputc('\n', out);
}

int pst_lint_github(const struct pst_lint_report *r)
{
	const struct pst_finding **all = pst_lint_worst_first(r->result);

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < r->result->n; i++)
		print_finding(r->out, all[i]);
	fputs("postern lint: ", r->out);
	pst_lint_summary(r->result, r->out);
	return fflush(r->out) || ferror(r->out) ? -EIO : 0;
}
