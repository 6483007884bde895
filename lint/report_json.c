// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/json.h"
#include "lint/report.h"

enum { FORM = 1 }; /* of the object; raised when something of it changes its meaning */

static void write_place(struct pst_json *j, const struct pst_pos *pos)
{
	if (pos->file)
		pst_json_str(j, "file", pos->file);
	if (!pos->line)
		return;
	pst_json_u64(j, "line", pos->line);
	pst_json_u64(j, "column", pos->col);
	pst_json_u64(j, "endLine", pos->end_line);
	pst_json_u64(j, "endColumn", pos->end_col);
}

static void write_finding(struct pst_json *j, const struct pst_lint_result *result,
			  const struct pst_finding *f)
{
	fputc('\n', j->out);
	pst_json_object(j, NULL);
	write_place(j, &f->pos);
	pst_json_str(j, "rule", f->rule->id);
	pst_json_str(j, "severity", pst_severity_str(f->severity));
	pst_json_str(j, "message", f->message);
	pst_json_array(j, "notes");
	for (const struct pst_diag_note *n = f->notes; n; n = n->next) {
		pst_json_object(j, NULL);
		write_place(j, &n->pos);
		pst_json_str(j, "message", n->message);
		pst_json_end(j);
	}
	pst_json_end(j);
	pst_json_str(j, "fingerprint", f->fingerprint);
	pst_json_str(j, "help", pst_lint_page(result, f->rule));
	pst_json_end(j);
}

static void write_summary(struct pst_json *j, const struct pst_lint_result *result)
{
	const struct {
		const char *name;
		size_t n;
	} counts[] = {
		{"errors", result->n_severity[PST_SEVERITY_ERROR]},
		{"warnings", result->n_severity[PST_SEVERITY_WARNING]},
		{"infos", result->n_severity[PST_SEVERITY_INFO]},
		{"ignored", result->n_ignored},
		{"inBaseline", result->n_baseline},
		{"files", result->n_files},
		{"policies", result->n_policies},
		{"otherDocuments", result->n_skipped},
		{"templates", result->n_templates},
	};

	pst_json_object(j, "summary");
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		pst_json_u64(j, counts[i].name, counts[i].n);
	pst_json_str(j, "failOn", pst_severity_str(result->fail_on));
	pst_json_bool(j, "failed", pst_lint_failed(result));
	pst_json_end(j);
}

int pst_lint_json(const struct pst_lint_report *r)
{
	struct pst_json j;

	pst_json_init(&j, r->out);
	pst_json_object(&j, NULL);
	pst_json_u64(&j, "version", FORM);
	pst_json_object(&j, "tool");
	pst_json_str(&j, "name", "postern");
	pst_json_str(&j, "version", PST_LINT_VERSION);
	pst_json_end(&j);
	write_summary(&j, r->result);
	pst_json_array(&j, "findings");
	for (size_t i = 0; i < r->result->n; i++)
		write_finding(&j, r->result, &r->result->findings[i]);
	if (r->result->n)
		fputc('\n', r->out);
	pst_json_end(&j);
	pst_json_end(&j);
	return pst_json_finish(&j);
}
