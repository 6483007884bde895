// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "lint/report.h"
#include "lint/snippet.h"
#include "lint/source.h"

#define BOLD  "\033[1m"
#define RESET "\033[0m"

static const char *const colors[PST_SEVERITY_MAX] = {
	[PST_SEVERITY_ERROR] = "\033[1;31m",
	[PST_SEVERITY_WARNING] = "\033[1;35m",
	[PST_SEVERITY_INFO] = "\033[1;36m",
};

struct head {
	const struct pst_pos *pos;
	const char *word, *color, *message;
	const char *rule; /* NULL: a note */
};

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

static void print_head(const struct pst_lint_report *r, const struct head *h)
{
	if (r->color)
		fputs(BOLD, r->out);
	print_place(h->pos, r->out);
	if (r->color)
		fprintf(r->out, RESET "%s", h->color);
	fprintf(r->out, "%s:", h->word);
	if (r->color)
		fputs(RESET, r->out);
	fputc(' ', r->out);
	pst_escape_print(r->out, h->message, strlen(h->message));
	if (h->rule)
		fprintf(r->out, " [%s]", h->rule);
	fputc('\n', r->out);
}

static void print_line(const struct pst_lint_report *r, const struct pst_pos *pos)
{
	struct pst_snippet s = {.pos = pos, .color = r->color};

	if (!pos->file || !pos->line)
		return;
	s.line = pst_sources_line(r->result->sources, pos->file, pos->line, &s.len);
	if (s.line)
		pst_snippet_print(&s, r->out);
}

static void print_finding(const struct pst_lint_report *r, const struct pst_finding *f)
{
	const struct head head = {
		.pos = &f->pos,
		.word = pst_severity_str(f->severity),
		.color = colors[f->severity],
		.message = f->message,
		.rule = f->rule->id,
	};

	print_head(r, &head);
	print_line(r, &f->pos);
	for (const struct pst_diag_note *n = f->notes; n; n = n->next) {
		const struct head note = {
			.pos = &n->pos,
			.word = "note",
			.color = colors[PST_SEVERITY_INFO],
			.message = n->message,
		};

		print_head(r, &note);
		print_line(r, &n->pos);
	}
}

int pst_lint_text(const struct pst_lint_report *r)
{
	for (size_t i = 0; i < r->result->n; i++)
		print_finding(r, &r->result->findings[i]);
	return fflush(r->out) || ferror(r->out) ? -EIO : 0;
}
