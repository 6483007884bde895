// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/json.h"
#include "lint/report.h"

static const char *const severities[PST_SEVERITY_MAX] = {
	[PST_SEVERITY_ERROR] = "critical",
	[PST_SEVERITY_WARNING] = "minor",
	[PST_SEVERITY_INFO] = "info",
};

/* A place without a line is the first one: the report cannot speak of a file as a whole. */
static void write_finding(struct pst_json *j, const struct pst_finding *f)
{
	fputc('\n', j->out);
	pst_json_object(j, NULL);
	pst_json_str(j, "description", f->message);
	pst_json_str(j, "check_name", f->rule->id);
	pst_json_str(j, "fingerprint", f->fingerprint);
	pst_json_str(j, "severity", severities[f->severity]);
	pst_json_object(j, "location");
	pst_json_str(j, "path", f->path ? f->path : ".");
	pst_json_object(j, "lines");
	pst_json_u64(j, "begin", f->pos.line ? f->pos.line : 1);
	pst_json_u64(j, "end", f->pos.line ? f->pos.end_line : 1);
	pst_json_end(j);
	pst_json_end(j);
	pst_json_end(j);
}

int pst_lint_gitlab(const struct pst_lint_report *r)
{
	struct pst_json j;

	pst_json_init(&j, r->out);
	pst_json_array(&j, NULL);
	for (size_t i = 0; i < r->result->n; i++)
		write_finding(&j, &r->result->findings[i]);
	if (r->result->n)
		fputc('\n', r->out);
	pst_json_end(&j);
	return pst_json_finish(&j);
}
