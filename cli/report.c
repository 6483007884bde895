// SPDX-License-Identifier: Apache-2.0
#include "cli/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "compiler/explain.h"
#include "policy/policy.h"

/* What a bundle fills of the kernel's tables. */
struct size_row {
	const char *key, *title;
	size_t n, limit; /* limit 0: none */
};

enum { N_SIZES = 10 };

static size_t count_policies(const struct pst_bundle *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_rules; i++)
		n += !i || strcmp(b->rules[i - 1].policy, b->rules[i].policy);
	return n;
}

/* HTTP rules are those that stand in a list called http. */
static size_t count_http(const struct pst_bundle *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_rules; i++)
		n += strstr(b->rules[i].path, ".http[") != NULL;
	return n;
}

static void list_sizes(const struct pst_bundle *b, struct size_row rows[N_SIZES])
{
	size_t http = count_http(b);
	const struct size_row all[N_SIZES] = {
		{"policies", "policies", count_policies(b), 0},
		{"rules", "rules", b->n_rules - http, 0},
		{"http_rules", "HTTP rules", http, 0},
		{"identities", "identities", b->n_identities, 0},
		{"addresses", "addresses", b->n_addrs, PST_ADDR_ENTRIES},
		{"entries", "policy entries", b->n_entries, PST_POLICY_ENTRIES},
		{"rule_set_count", "rule sets", b->n_rulesets, PST_RULESETS},
		{"cells", "table cells", b->n_cells, PST_CELLS},
		{"class_bytes", "class map bytes", b->n_class_bytes, PST_CLASS_BYTES},
		{"tag_sets", "tag sets", b->n_tags, PST_TAGS},
	};

	memcpy(rows, all, sizeof(all));
}

void pst_report_str(const char *s, FILE *out)
{
	pst_escape_print(out, s, strlen(s));
}

const struct pst_bundle_rule *pst_report_rule(const struct pst_bundle *b, uint32_t index)
{
	return index < b->n_rules ? &b->rules[index] : NULL;
}

void pst_report_rule_text(const struct pst_bundle_rule *rule, FILE *out)
{
	if (rule->pos.file) {
		pst_report_str(rule->pos.file, out);
		fprintf(out, ":%u:%u ", rule->pos.line, rule->pos.col);
	}
	pst_report_str(rule->policy, out);
	fputc(' ', out);
	pst_report_str(rule->path, out);
}

void pst_report_rule_json(const struct pst_bundle_rule *rule, struct pst_json *j, const char *key)
{
	if (!rule) {
		pst_json_null(j, key);
		return;
	}
	pst_json_object(j, key);
	pst_json_str(j, "policy", rule->policy);
	pst_json_str(j, "path", rule->path);
	pst_json_str(j, "file", rule->pos.file);
	pst_json_u64(j, "line", rule->pos.line);
	pst_json_u64(j, "column", rule->pos.col);
	pst_json_end(j);
}

static void print_condition(const char *name, const char *pattern, FILE *out)
{
	if (!pattern)
		return;
	fprintf(out, "  %s ", name);
	pst_report_str(pattern, out);
}

static const char *const mismatches[] = {
	[PST_MISMATCH_FAIL] = "fail",	    [PST_MISMATCH_LOG] = "log",
	[PST_MISMATCH_ADD] = "add",	    [PST_MISMATCH_DELETE] = "delete",
	[PST_MISMATCH_REPLACE] = "replace",
};

/* What may be shown of a header's value; NULL: presence. */
static const char *shown_value(const struct pst_bundle_header *h)
{
	return h->secret && h->value ? "[redacted]" : h->value;
}

static void print_header(const struct pst_bundle_header *h, FILE *out)
{
	fputs("  header ", out);
	if (h->mismatch != PST_MISMATCH_FAIL)
		fprintf(out, "%s ", mismatches[h->mismatch]);
	pst_report_str(h->name, out);
	if (!h->value)
		return;
	fputs(": ", out);
	pst_report_str(shown_value(h), out);
}

static void print_http_rule(const struct pst_bundle_rule *rule, FILE *out)
{
	fputs("  ", out);
	pst_report_rule_text(rule, out);
	print_condition("method", rule->method, out);
	print_condition("path", rule->target, out);
	print_condition("host", rule->host, out);
	for (size_t i = 0; i < rule->n_headers; i++)
		print_header(&rule->headers[i], out);
	if (!rule->method && !rule->target && !rule->host && !rule->n_headers)
		fputs("  every request", out);
	fputc('\n', out);
}

static void print_automaton(const char *what, const char *name,
			    const struct pst_explain_automaton *a, FILE *out)
{
	fprintf(out, "  %-10s", what);
	if (name) {
		pst_report_str(name, out);
		fputs(": ", out);
	}
	fprintf(out, "%zu state%s, %zu class%s, %zu bytes\n", a->states, a->states == 1 ? "" : "s",
		a->classes, a->classes == 1 ? "" : "es", a->bytes);
}

static int print_automata(const struct pst_bundle *b, uint32_t i, FILE *out)
{
	struct pst_explain_ruleset sizes;
	int r = pst_explain_ruleset(b, i, &sizes);

	if (r)
		return r;
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		print_automaton(pst_explain_field_name(f), NULL, &sizes.field[f], out);
		for (size_t k = 0; f == PST_FIELD_PATH && k < sizes.n_more_paths; k++)
			print_automaton("and path", NULL, &sizes.more_path[k], out);
	}
	print_automaton("names", NULL, &sizes.names, out);
	for (size_t k = 0; k < sizes.n_slots; k++)
		print_automaton("header", sizes.header[k], &sizes.slot[k], out);
	return 0;
}

static int print_ruleset(const struct pst_bundle *b, uint32_t i, FILE *out)
{
	const struct pst_bundle_ruleset *set = &b->rulesets[i];
	int r = 0;

	fprintf(out, "\nrule set %u: %zu HTTP rule%s, ", i, set->n_rules,
		set->n_rules == 1 ? "" : "s");
	if (set->fallback) {
		fputs("fallback: ", out);
		pst_report_str(set->why, out);
		fputc('\n', out);
	} else {
		fputs("judged in the kernel", out);
		if (set->packed.n_more_paths) {
			fprintf(out, ", paths in %u automata: ", set->packed.n_more_paths + 1);
			pst_report_str(set->why, out);
		}
		fputc('\n', out);
		r = print_automata(b, i, out);
	}
	for (size_t k = 0; !r && k < set->n_rules; k++)
		print_http_rule(&b->rules[set->rules[k]], out);
	return r;
}

int pst_report_text(const struct pst_bundle *b, FILE *out)
{
	struct size_row rows[N_SIZES];
	int r = 0;

	list_sizes(b, rows);
	for (int i = 0; i < N_SIZES; i++) {
		fprintf(out, "%-18s%zu", rows[i].title, rows[i].n);
		if (rows[i].limit)
			fprintf(out, " of %zu", rows[i].limit);
		fputc('\n', out);
	}
	for (uint32_t i = 0; !r && i < b->n_rulesets; i++)
		r = print_ruleset(b, i, out);
	return r;
}

static void write_http_rule(const struct pst_bundle_rule *rule, struct pst_json *j)
{
	pst_json_object(j, NULL);
	pst_report_rule_json(rule, j, "rule");
	pst_json_str(j, "method", rule->method);
	pst_json_str(j, "path", rule->target);
	pst_json_str(j, "host", rule->host);
	pst_json_array(j, "headers");
	for (size_t i = 0; i < rule->n_headers; i++) {
		const struct pst_bundle_header *h = &rule->headers[i];

		pst_json_object(j, NULL);
		pst_json_str(j, "name", h->name);
		pst_json_str(j, "value", shown_value(h));
		pst_json_bool(j, "secret", h->secret);
		pst_json_str(j, "mismatch", mismatches[h->mismatch]);
		pst_json_end(j);
	}
	pst_json_end(j);
	pst_json_end(j);
}

static void write_automaton(const struct pst_explain_automaton *a, struct pst_json *j)
{
	pst_json_u64(j, "states", a->states);
	pst_json_u64(j, "classes", a->classes);
	pst_json_u64(j, "bytes", a->bytes);
	pst_json_end(j);
}

static int write_automata(const struct pst_bundle *b, uint32_t i, struct pst_json *j)
{
	struct pst_explain_ruleset sizes;
	int r = pst_explain_ruleset(b, i, &sizes);

	if (r)
		return r;
	pst_json_object(j, "automata");
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		pst_json_object(j, pst_explain_field_name(f));
		write_automaton(&sizes.field[f], j);
	}
	pst_json_array(j, "more_paths");
	for (size_t k = 0; k < sizes.n_more_paths; k++) {
		pst_json_object(j, NULL);
		write_automaton(&sizes.more_path[k], j);
	}
	pst_json_end(j);
	pst_json_object(j, "names");
	write_automaton(&sizes.names, j);
	pst_json_array(j, "headers");
	for (size_t k = 0; k < sizes.n_slots; k++) {
		pst_json_object(j, NULL);
		pst_json_str(j, "name", sizes.header[k]);
		write_automaton(&sizes.slot[k], j);
	}
	pst_json_end(j);
	pst_json_end(j);
	return 0;
}

static int write_ruleset(const struct pst_bundle *b, uint32_t i, struct pst_json *j)
{
	const struct pst_bundle_ruleset *set = &b->rulesets[i];
	int r = 0;

	pst_json_object(j, NULL);
	pst_json_u64(j, "number", i);
	pst_json_str(j, "where", set->fallback ? "fallback" : "kernel");
	pst_json_str(j, "why", set->why);
	pst_json_u64(j, "path_automata", set->fallback ? 0 : set->packed.n_more_paths + 1);
	if (!set->fallback)
		r = write_automata(b, i, j);
	pst_json_array(j, "rules");
	for (size_t k = 0; k < set->n_rules; k++)
		write_http_rule(&b->rules[set->rules[k]], j);
	pst_json_end(j);
	pst_json_end(j);
	return r;
}

int pst_report_json(const struct pst_bundle *b, struct pst_json *j)
{
	struct size_row rows[N_SIZES];
	int r = 0;

	list_sizes(b, rows);
	for (int i = 0; i < N_SIZES; i++)
		pst_json_u64(j, rows[i].key, rows[i].n);
	pst_json_array(j, "rule_sets");
	for (uint32_t i = 0; !r && i < b->n_rulesets; i++)
		r = write_ruleset(b, i, j);
	pst_json_end(j);
	return r;
}
