// SPDX-License-Identifier: Apache-2.0
#include "cli/test_report.h"

#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "cli/explain.h"
#include "cli/report.h"
#include "compiler/explain.h"

struct pst_test_totals pst_test_totals(const struct pst_test_report *r)
{
	struct pst_test_totals t = {0};

	for (size_t i = 0; i < r->n; i++) {
		t.tests += r->outcomes[i].n_results;
		t.passed += r->outcomes[i].n_passed;
		t.errors += r->outcomes[i].error != NULL;
	}
	t.failed = t.tests - t.passed;
	return t;
}

static const char *side_name(enum pst_direction side)
{
	return side == PST_DIRECTION_INGRESS ? "ingress" : "egress";
}

static void print_str(FILE *out, const char *s)
{
	pst_escape_print(out, s, strlen(s));
}

static void print_rule(FILE *out, const char *title, const struct pst_bundle_rule *rule)
{
	if (!rule)
		return;
	fputs(title, out);
	pst_report_rule_text(rule, out);
	fputc('\n', out);
}

static void print_failure(const struct pst_test_result *t, FILE *out)
{
	print_str(out, t->test->pos.file);
	fprintf(out, ":%u:%u: failed: ", t->test->pos.line, t->test->pos.col);
	print_str(out, t->test->name);
	fputs("\n  ", out);
	print_str(out, t->why);
	fprintf(out, "\n  reason  %s: %s (%s, %s)\n", pst_explain_reason_name(t->ruling.reason),
		pst_explain_reason_text(t->ruling.reason), side_name(t->side),
		pst_explain_layer(&t->ruling));
	print_rule(out, "  rule    ", t->ruling.rule);
	if (t->l4_rule != t->ruling.rule)
		print_rule(out, "  l4 rule ", t->l4_rule);
}

static int write_text(const struct pst_test_report *r, FILE *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct pst_test_outcome *o = &r->outcomes[i];

		for (size_t k = 0; k < o->n_results; k++) {
			if (!o->results[k].passed)
				print_failure(&o->results[k], out);
		}
		print_str(out, o->suite->file);
		if (o->error)
			fprintf(out, ": error: %s\n", o->error);
		else
			fprintf(out, ": %zu of %zu passed\n", o->n_passed, o->n_results);
	}
	return 0;
}

static void write_result(const struct pst_test_result *t, struct pst_json *j)
{
	pst_json_object(j, NULL);
	pst_json_str(j, "name", t->test->name);
	pst_json_u64(j, "line", t->test->pos.line);
	pst_json_u64(j, "column", t->test->pos.col);
	pst_json_bool(j, "passed", t->passed);
	pst_json_str(j, "why", t->why);
	pst_json_str(j, "expect", t->test->expect.verdict);
	pst_json_str(j, "verdict", pst_explain_verdict(&t->ruling));
	pst_json_str(j, "direction", side_name(t->side));
	pst_json_str(j, "layer", pst_explain_layer(&t->ruling));
	pst_json_str(j, "reason", pst_explain_reason_name(t->ruling.reason));
	pst_report_rule_json(t->ruling.rule, j, "rule");
	pst_report_rule_json(t->l4_rule, j, "l4_rule");
	pst_json_end(j);
}

static int write_json(const struct pst_test_report *r, FILE *out)
{
	struct pst_test_totals t = pst_test_totals(r);
	struct pst_json j;

	pst_json_init(&j, out);
	pst_json_object(&j, NULL);
	pst_json_u64(&j, "tests", t.tests);
	pst_json_u64(&j, "passed", t.passed);
	pst_json_u64(&j, "failed", t.failed);
	pst_json_u64(&j, "errors", t.errors);
	pst_json_array(&j, "suites");
	for (size_t i = 0; i < r->n; i++) {
		const struct pst_test_outcome *o = &r->outcomes[i];

		pst_json_object(&j, NULL);
		pst_json_str(&j, "file", o->suite->file);
		pst_json_str(&j, "error", o->error);
		pst_json_array(&j, "tests");
		for (size_t k = 0; k < o->n_results; k++)
			write_result(&o->results[k], &j);
		pst_json_end(&j);
		pst_json_end(&j);
	}
	pst_json_end(&j);
	pst_json_end(&j);
	return pst_json_finish(&j);
}

/* XML has no form for most control characters: they are shown as for people. */
static void print_xml(FILE *out, const char *s)
{
	static const char special[] = "&<>\"'";
	static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;"};
	size_t len = strlen(s), n;

	for (size_t i = 0; i < len; i += n) {
		const char *c = strchr(special, s[i]);

		n = pst_escape_shown_len(s + i, len - i);
		/* U+FFFE and U+FFFF are no characters of XML. */
		if (n == 3 && !memcmp(s + i, "\xef\xbf", 2) && (unsigned char)s[i + 2] >= 0xbe)
			fputs("\xef\xbf\xbd", out);
		else if (c)
			fputs(entities[c - special], out);
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

static void write_case(const struct pst_test_result *t, FILE *out)
{
	fputs("    <testcase", out);
	print_attribute(out, "name", t->test->name);
	print_attribute(out, "classname", t->test->pos.file);
	print_attribute(out, "file", t->test->pos.file);
	fprintf(out, " line=\"%u\"", t->test->pos.line);
	if (t->passed) {
		fputs("/>\n", out);
		return;
	}
	fputs(">\n      <failure", out);
	print_attribute(out, "message", t->why);
	fputs(">", out);
	print_xml(out, pst_explain_reason_text(t->ruling.reason));
	if (t->ruling.rule) {
		fputs(" (", out);
		print_xml(out, t->ruling.rule->pos.file ? t->ruling.rule->pos.file : "");
		fprintf(out, ":%u:%u)", t->ruling.rule->pos.line, t->ruling.rule->pos.col);
	}
	fputs("</failure>\n    </testcase>\n", out);
}

static void write_suite(const struct pst_test_outcome *o, FILE *out)
{
	fputs("  <testsuite", out);
	print_attribute(out, "name", o->suite->file);
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%d\">\n",
		o->error ? 1 : o->n_results, o->n_results - o->n_passed, o->error != NULL);
	if (o->error) {
		fputs("    <testcase name=\"input\"", out);
		print_attribute(out, "classname", o->suite->file);
		fputs(">\n      <error", out);
		print_attribute(out, "message", o->error);
		fputs("/>\n    </testcase>\n", out);
	}
	for (size_t k = 0; k < o->n_results; k++)
		write_case(&o->results[k], out);
	fputs("  </testsuite>\n", out);
}

static int write_junit(const struct pst_test_report *r, FILE *out)
{
	struct pst_test_totals t = pst_test_totals(r);

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	fprintf(out,
		"<testsuites name=\"postern test\" tests=\"%zu\" failures=\"%zu\" errors=\"%zu\">\n",
		t.tests + t.errors, t.failed, t.errors);
	for (size_t i = 0; i < r->n; i++)
		write_suite(&r->outcomes[i], out);
	fputs("</testsuites>\n", out);
	return 0;
}

static const struct pst_test_format formats[] = {
	{"text", write_text},
	{"json", write_json},
	{"junit", write_junit},
};

const struct pst_test_format *pst_test_format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	}
	return NULL;
}
