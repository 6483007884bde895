// SPDX-License-Identifier: Apache-2.0
/*
 * SARIF 2.1.0, within what GitHub's code scanning takes: 25,000 results, 1,024 characters in a
 * description, 1,000 locations. What is cut is counted, in the file and for the caller; results are
 * cut from the end of the worst-first order.
 *
 * Columns are UTF-16 code units there, bytes here: they are counted anew in the line's text.
 */
#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "lint/report.h"
#include "lint/root.h"
#include "lint/source.h"

#define SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"

enum {
	MAX_RESULTS = 25000,
	MAX_RELATED = 100, /* GitHub keeps as many of the locations of a result */
	MAX_TEXT = 1000,   /* bytes, and so no more characters */
};

struct severity_words {
	const char *level, *problem;
};

static const struct severity_words words[PST_SEVERITY_MAX] = {
	[PST_SEVERITY_ERROR] = {"error", "error"},
	[PST_SEVERITY_WARNING] = {"warning", "warning"},
	[PST_SEVERITY_INFO] = {"note", "recommendation"},
};

struct sarif {
	struct pst_json j;
	const struct pst_lint_result *result;
	size_t n_results, n_cut; /* results */
	size_t n_cut_notes;
};

/* S without what MAX_TEXT has no room for and without the newlines at its end. */
static void write_text(struct pst_json *j, const char *key, const char *s)
{
	size_t len = strlen(s);

	if (len > MAX_TEXT) {
		len = MAX_TEXT;
		while (len && ((unsigned char)s[len] & 0xc0) == 0x80)
			len--;
	}
	while (len && s[len - 1] == '\n')
		len--;
	pst_json_object(j, key);
	pst_json_strn(j, "text", s, len);
	pst_json_end(j);
}

static void write_help(struct sarif *s, const struct pst_lint_rule *rule)
{
	const char *text =
		pst_arena_printf(s->result->arena, "%s\nWhat to do: %s", rule->why, rule->remedy);

	pst_json_object(&s->j, "help");
	pst_json_str(&s->j, "text", text ? text : rule->remedy);
	pst_json_str(&s->j, "markdown", text ? text : rule->remedy);
	pst_json_end(&s->j);
}

static void write_rule(struct sarif *s, const struct pst_lint_rule *rule)
{
	struct pst_json *j = &s->j;

	fputc('\n', j->out);
	pst_json_object(j, NULL);
	pst_json_str(j, "id", rule->id);
	write_text(j, "shortDescription", rule->title);
	write_text(j, "fullDescription", *rule->why ? rule->why : rule->title);
	write_help(s, rule);
	pst_json_object(j, "defaultConfiguration");
	pst_json_bool(j, "enabled", !rule->off);
	pst_json_str(j, "level", words[rule->severity].level);
	pst_json_end(j);
	pst_json_object(j, "properties");
	pst_json_array(j, "tags");
	pst_json_str(j, NULL, "network-policy");
	pst_json_str(j, NULL, pst_lint_group_str(rule->group));
	pst_json_end(j);
	pst_json_str(j, "problem.severity", words[rule->severity].problem);
	pst_json_end(j);
	pst_json_end(j);
}

static void write_tool(struct sarif *s)
{
	struct pst_json *j = &s->j;

	pst_json_object(j, "tool");
	pst_json_object(j, "driver");
	pst_json_str(j, "name", "postern");
	pst_json_str(j, "semanticVersion", PST_LINT_VERSION);
	pst_json_array(j, "rules");
	for (size_t i = 0; i < pst_lint_rule_count(); i++)
		write_rule(s, pst_lint_rule_at(i));
	pst_json_end(j);
	pst_json_end(j);
	pst_json_end(j);
}

/* RFC 3986: what is neither unreserved nor a slash is written as %XX. */
static const char *make_uri(const struct pst_lint_result *result, const char *path)
{
	static const char hex[] = "0123456789ABCDEF";
	char *uri = pst_arena_calloc(result->arena, strlen(path) + sizeof("file://"), 3);
	char *out = uri;

	if (!uri)
		return NULL;
	if (*path == '/')
		out = (char *)memcpy(out, "file://", 7) + 7;
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    strchr("-._~/", c)) {
			*out++ = (char)c;
		} else {
			*out++ = '%';
			*out++ = hex[c >> 4];
			*out++ = hex[c & 15];
		}
	}
	return uri;
}

/* The column in UTF-16 code units of the byte column COL of a line. */
static uint32_t utf16_column(const char *line, size_t len, uint32_t col)
{
	uint32_t units = 1;
	size_t end = col - 1 < len ? col - 1 : len;

	for (size_t i = 0; i < end;) {
		size_t n = pst_escape_utf8_len(line + i, len - i);

		units += n == 4 ? 2 : 1;
		i += n ? n : 1;
	}
	return units;
}

static uint32_t column_of(const struct sarif *s, const char *file, uint32_t line, uint32_t col)
{
	size_t len = 0;
	const char *text = pst_sources_line(s->result->sources, file, line, &len);

	return text ? utf16_column(text, len, col) : col;
}

/* A place without a line is the file as a whole: it has no region, which is allowed. */
static void write_region(struct sarif *s, const struct pst_pos *pos)
{
	struct pst_json *j = &s->j;

	if (!pos->line)
		return;
	pst_json_object(j, "region");
	pst_json_u64(j, "startLine", pos->line);
	pst_json_u64(j, "startColumn", column_of(s, pos->file, pos->line, pos->col));
	pst_json_u64(j, "endLine", pos->end_line);
	pst_json_u64(j, "endColumn", column_of(s, pos->file, pos->end_line, pos->end_col));
	pst_json_end(j);
}

static void write_location(struct sarif *s, const struct pst_pos *pos, const char *path)
{
	const char *uri = path ? make_uri(s->result, path) : NULL;
	struct pst_json *j = &s->j;

	pst_json_object(j, "physicalLocation");
	pst_json_object(j, "artifactLocation");
	pst_json_str(j, "uri", uri ? uri : "unknown");
	if (uri && *path != '/')
		pst_json_str(j, "uriBaseId", "%SRCROOT%");
	pst_json_end(j);
	write_region(s, pos);
	pst_json_end(j);
}

static const char *note_path(const struct sarif *s, const struct pst_finding *f,
			     const struct pst_diag_note *n)
{
	if (f->pos.file && !strcmp(f->pos.file, n->pos.file))
		return f->path;
	return pst_root_relative(s->result->arena, s->result->root, n->pos.file);
}

static void write_related(struct sarif *s, const struct pst_finding *f)
{
	struct pst_json *j = &s->j;
	size_t id = 0;

	pst_json_array(j, "relatedLocations");
	for (const struct pst_diag_note *n = f->notes; n; n = n->next) {
		if (!n->pos.file)
			continue;
		if (id == MAX_RELATED) {
			s->n_cut_notes++;
			continue;
		}
		pst_json_object(j, NULL);
		pst_json_u64(j, "id", ++id);
		write_location(s, &n->pos, note_path(s, f, n));
		pst_json_object(j, "message");
		pst_json_str(j, "text", n->message);
		pst_json_end(j);
		pst_json_end(j);
	}
	pst_json_end(j);
}

static void write_result(struct sarif *s, const struct pst_finding *f)
{
	struct pst_json *j = &s->j;
	bool listed = pst_lint_rule_find(f->rule->id);

	fputc('\n', j->out);
	pst_json_object(j, NULL);
	pst_json_str(j, "ruleId", f->rule->id);
	if (listed)
		pst_json_u64(j, "ruleIndex", pst_lint_rule_index(f->rule));
	pst_json_str(j, "level", words[f->severity].level);
	pst_json_object(j, "message");
	pst_json_str(j, "text", f->message);
	pst_json_end(j);
	pst_json_array(j, "locations");
	pst_json_object(j, NULL);
	write_location(s, &f->pos, f->path);
	pst_json_end(j);
	pst_json_end(j);
	if (f->notes)
		write_related(s, f);
	pst_json_object(j, "partialFingerprints");
	pst_json_str(j, "primaryLocationLineHash", f->fingerprint);
	pst_json_end(j);
	pst_json_end(j);
}

/* Behind the results, since it counts what they left out. */
static void write_invocation(struct sarif *s)
{
	struct pst_json *j = &s->j;
	const char *text = pst_arena_printf(
		s->result->arena,
		"%zu results and %zu related locations were left out: the limits are %d and %d",
		s->n_cut, s->n_cut_notes, MAX_RESULTS, MAX_RELATED);

	pst_json_array(j, "invocations");
	pst_json_object(j, NULL);
	pst_json_bool(j, "executionSuccessful", true);
	if (s->n_cut || s->n_cut_notes) {
		pst_json_array(j, "toolExecutionNotifications");
		pst_json_object(j, NULL);
		pst_json_str(j, "level", "warning");
		pst_json_object(j, "message");
		pst_json_str(j, "text", text ? text : "results were left out");
		pst_json_end(j);
		pst_json_end(j);
		pst_json_end(j);
	}
	pst_json_end(j);
	pst_json_end(j);
}

static void write_run(struct sarif *s, const struct pst_finding **all)
{
	struct pst_json *j = &s->j;

	pst_json_object(j, NULL);
	write_tool(s);
	pst_json_object(j, "automationDetails");
	pst_json_str(j, "id", "postern-lint/");
	pst_json_end(j);
	pst_json_str(j, "columnKind", "utf16CodeUnits");
	pst_json_array(j, "results");
	for (size_t i = 0; i < s->n_results; i++)
		write_result(s, all[i]);
	if (s->n_results)
		fputc('\n', j->out);
	pst_json_end(j);
	write_invocation(s);
	pst_json_end(j);
}

int pst_lint_sarif(const struct pst_lint_report *r)
{
	const struct pst_finding **all = pst_lint_worst_first(r->result);
	struct sarif s = {.result = r->result, .n_results = r->result->n};

	if (!all)
		return -ENOMEM;
	if (s.n_results > MAX_RESULTS)
		s.n_results = MAX_RESULTS;
	s.n_cut = r->result->n - s.n_results;
	if (r->n_cut)
		*r->n_cut = s.n_cut;
	pst_json_init(&s.j, r->out);
	pst_json_object(&s.j, NULL);
	pst_json_str(&s.j, "$schema", SCHEMA);
	pst_json_str(&s.j, "version", "2.1.0");
	pst_json_array(&s.j, "runs");
	write_run(&s, all);
	pst_json_end(&s.j);
	pst_json_end(&s.j);
	return pst_json_finish(&s.j);
}
