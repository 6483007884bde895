// SPDX-License-Identifier: Apache-2.0
/*
 * JUnit XML, as GitLab, Jenkins and Azure read it: one suite per file, and in it one case per rule
 * that has findings there, or one that has passed. A case fails when one of its findings is at or
 * over --fail-on; other findings are its output.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/mem.h"
#include "lint/report.h"

/* A suite: its file (NULL: findings about no file) and its findings, sorted by rule. */
struct suite {
	const char *file;
	const struct pst_finding **v;
	size_t n;
};

/* XML has no form for most control characters: they are shown as for people. */
static void print_xml(FILE *out, const char *s)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = {
		{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&apos;"},
	};
	size_t len = strlen(s), n;

	for (size_t i = 0; i < len; i += n) {
		const char *entity = NULL;

		n = pst_escape_shown_len(s + i, len - i);
		for (size_t k = 0; k < sizeof(entities) / sizeof(*entities); k++) {
			if (s[i] == entities[k].c)
				entity = entities[k].entity;
		}
		/* U+FFFE and U+FFFF are no characters of XML. */
		if (n == 3 && !memcmp(s + i, "\xef\xbf", 2) && (unsigned char)s[i + 2] >= 0xbe)
			entity = "\xef\xbf\xbd";
		if (entity)
			fputs(entity, out);
		else
			pst_escape_print(out, s + i, n ? n : 1);
		n += !n;
	}
}

static void print_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	print_xml(out, value);
	fputc('"', out);
}

static int by_rule(const void *va, const void *vb)
{
	const struct pst_finding *a = *(const struct pst_finding *const *)va;
	const struct pst_finding *b = *(const struct pst_finding *const *)vb;
	int r = strcmp(a->rule->id, b->rule->id);

	return r ? r : (a > b) - (a < b); /* they are sorted by place already */
}

/* How many of the N findings at V have the rule of the first. */
static size_t case_len(const struct pst_finding **v, size_t n)
{
	size_t len = 0;

	while (len < n && v[len]->rule == v[0]->rule)
		len++;
	return len;
}

static bool fails(const struct pst_lint_result *result, const struct pst_finding **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i]->severity <= result->fail_on)
			return true;
	}
	return false;
}

static void print_place(FILE *out, const struct pst_pos *pos)
{
	if (pos->file)
		print_xml(out, pos->file);
	if (pos->line)
		fprintf(out, ":%u:%u", pos->line, pos->col);
	fputs(": ", out);
}

static void print_findings(FILE *out, const struct pst_finding **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		print_place(out, &v[i]->pos);
		fprintf(out, "%s: ", pst_severity_str(v[i]->severity));
		print_xml(out, v[i]->message);
		fputc('\n', out);
		for (const struct pst_diag_note *d = v[i]->notes; d; d = d->next) {
			print_place(out, &d->pos);
			fputs("note: ", out);
			print_xml(out, d->message);
			fputc('\n', out);
		}
	}
}

static void print_case(const struct pst_lint_report *r, const struct pst_finding **v, size_t n)
{
	FILE *out = r->out;
	bool failed = fails(r->result, v, n);

	fputs("    <testcase", out);
	print_attribute(out, "name", v[0]->rule->id);
	print_attribute(out, "classname", v[0]->path ? v[0]->path : "postern");
	if (v[0]->path)
		print_attribute(out, "file", v[0]->path);
	if (v[0]->pos.line)
		fprintf(out, " line=\"%u\"", v[0]->pos.line);
	fputs(">\n      ", out);
	if (failed) {
		fputs("<failure", out);
		print_attribute(out, "type", pst_severity_str(v[0]->severity));
		print_attribute(out, "message", v[0]->message);
		fputc('>', out);
	} else {
		fputs("<system-out>", out);
	}
	print_findings(out, v, n);
	fprintf(out, "</%s>\n    </testcase>\n", failed ? "failure" : "system-out");
}

static void count_cases(const struct pst_lint_report *r, const struct suite *s, size_t *ret_cases,
			size_t *ret_failures)
{
	for (size_t i = 0, len; i < s->n; i += len) {
		len = case_len(s->v + i, s->n - i);
		++*ret_cases;
		*ret_failures += fails(r->result, s->v + i, len);
	}
	if (!s->n)
		++*ret_cases;
}

static void print_suite(const struct pst_lint_report *r, const struct suite *s)
{
	const char *name = s->file ? s->file : "postern lint";
	size_t cases = 0, failures = 0;

	count_cases(r, s, &cases, &failures);
	fputs("  <testsuite", r->out);
	print_attribute(r->out, "name", name);
	fprintf(r->out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n", cases,
		failures);
	for (size_t i = 0, len; i < s->n; i += len) {
		len = case_len(s->v + i, s->n - i);
		print_case(r, s->v + i, len);
	}
	if (!s->n) {
		fputs("    <testcase name=\"no findings\"", r->out);
		print_attribute(r->out, "classname", name);
		fputs("/>\n", r->out);
	}
	fputs("  </testsuite>\n", r->out);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many of the N findings at V are about the file of the first. */
static size_t suite_len(const struct pst_finding **v, size_t n)
{
	const char *file = v[0]->pos.file ? v[0]->pos.file : "";
	size_t len = 0;

	while (len < n && !strcmp(v[len]->pos.file ? v[len]->pos.file : "", file))
		len++;
	return len;
}

static void print_with_findings(const struct pst_lint_report *r, const struct pst_finding **all)
{
	size_t n = r->result->n;

	for (size_t i = 0, len; i < n; i += len) {
		struct suite s = {.file = all[i]->pos.file, .v = all + i};

		len = s.n = suite_len(s.v, n - i);
		qsort(s.v, s.n, sizeof(*s.v), by_rule);
		print_suite(r, &s);
	}
}

static int has_findings(const void *file, const void *finding)
{
	const struct pst_finding *f = *(const struct pst_finding *const *)finding;

	return strcmp(file, f->pos.file ? f->pos.file : "");
}

/* A file that is clean is a case that passes: a report without any looks like a run without any. */
static void print_clean(const struct pst_lint_report *r, const struct pst_finding **all,
			const char **files)
{
	size_t n = r->result->n_files;

	for (size_t i = 0; i < n; i++) {
		const struct suite s = {.file = files[i]};

		if (i && !strcmp(files[i - 1], files[i]))
			continue;
		if (!r->result->n ||
		    !bsearch(files[i], all, r->result->n, sizeof(*all), has_findings))
			print_suite(r, &s);
	}
}

int pst_lint_junit(const struct pst_lint_report *r)
{
	size_t n = r->result->n, n_files = r->result->n_files;
	pst_auto_free const struct pst_finding **all = pst_mem_calloc(n, sizeof(*all));
	pst_auto_free const char **files = pst_mem_calloc(n_files, sizeof(*files));

	if (!all || !files)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		all[i] = &r->result->findings[i];
	for (size_t i = 0; i < n_files; i++)
		files[i] = r->result->files[i];
	if (n_files)
		qsort(files, n_files, sizeof(*files), by_text);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"postern lint\">\n",
	      r->out);
	print_with_findings(r, all);
	print_clean(r, all, files);
	fputs("</testsuites>\n", r->out);
	return fflush(r->out) || ferror(r->out) ? -EIO : 0;
}
