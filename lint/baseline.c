// SPDX-License-Identifier: Apache-2.0
#include "lint/baseline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/mem.h"
#include "lint/read.h"
#include "policy/fields.h"

enum { VERSION = 1 };

static int read_text(struct pst_reader *r, const struct pst_yaml_node *n, const char **ret_s)
{
	struct pst_text text = {0};
	int e = pst_fields_text(r, n, &text);

	if (!e)
		*ret_s = text.s;
	return e;
}

static int read_fingerprint(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_text(r, n, &((struct pst_baseline_entry *)obj)->fingerprint);
}

static int read_rule(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_text(r, n, &((struct pst_baseline_entry *)obj)->rule);
}

static int read_file(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_text(r, n, &((struct pst_baseline_entry *)obj)->file);
}

static int read_message(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_text(r, n, &((struct pst_baseline_entry *)obj)->message);
}

static const struct pst_field entry_fields[] = {
	{.name = "fingerprint", .required = true, .read = read_fingerprint},
	{.name = "rule", .read = read_rule},
	{.name = "file", .read = read_file},
	{.name = "message", .read = read_message},
};
static const struct pst_fields entry_table = PST_FIELDS("a finding", entry_fields);

static int read_version(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	unsigned int version = 0;
	int e = pst_fields_uint(r, n, 1000000, &version);

	(void)obj;
	if (!e && version != VERSION)
		e = pst_diags_error(r->diags, "baseline-invalid", &n->pos,
				    "expected version %d, found %u", VERSION, version);
	return e;
}

static int read_findings(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_baseline *b = obj;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	b->v = pst_arena_calloc(r->arena, n->len, sizeof(*b->v));
	if (!b->v)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		struct pst_baseline_entry entry = {.pos = c->pos};
		int e = pst_fields_read(r, &entry_table, c, &entry);

		if (!e)
			b->v[b->n++] = entry;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static const struct pst_field baseline_fields[] = {
	{.name = "version", .required = true, .read = read_version},
	{.name = "findings", .required = true, .read = read_findings},
};
static const struct pst_fields baseline_table = PST_FIELDS("a baseline", baseline_fields);

static int by_fingerprint(const void *a, const void *b)
{
	return strcmp(((const struct pst_baseline_entry *)a)->fingerprint,
		      ((const struct pst_baseline_entry *)b)->fingerprint);
}

int pst_baseline_read(struct pst_arena *a, const char *file, struct pst_diags *diags,
		      struct pst_baseline *ret_baseline)
{
	const struct pst_lint_reading reading = {
		.file = file,
		.id_unreadable = "baseline-invalid",
		.id_invalid = "baseline-invalid",
		.made_by = "; --write-baseline makes one",
		.fields = &baseline_table,
	};
	struct pst_baseline b = {0};
	int r = pst_lint_read(&reading, a, diags, &b);

	if (r)
		return r;
	if (b.n)
		qsort(b.v, b.n, sizeof(*b.v), by_fingerprint);
	*ret_baseline = b;
	return 0;
}

bool pst_baseline_may(const struct pst_lint_rule *rule)
{
	return strncmp(rule->id, "config-", 7) && strncmp(rule->id, "baseline-", 9);
}

bool pst_baseline_take(struct pst_baseline *b, const struct pst_finding *f)
{
	const struct pst_baseline_entry wanted = {.fingerprint = f->fingerprint};
	struct pst_baseline_entry *e = NULL;

	if (b->n && pst_baseline_may(f->rule))
		e = bsearch(&wanted, b->v, b->n, sizeof(*b->v), by_fingerprint);
	if (e)
		e->used = true;
	return e;
}

void pst_baseline_report_unused(const struct pst_baseline *b, struct pst_diags *diags)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct pst_baseline_entry *e = &b->v[i];

		if (!e->used)
			pst_diags_add(diags, PST_SEVERITY_INFO, "baseline-unused", &e->pos,
				      "no such finding any more: %s in %s",
				      e->rule ? e->rule : e->fingerprint,
				      e->file ? e->file : "an unknown file");
	}
}

static int compare(const void *va, const void *vb)
{
	const struct pst_finding *a = *(const struct pst_finding *const *)va;
	const struct pst_finding *b = *(const struct pst_finding *const *)vb;
	int r = strcmp(a->path ? a->path : "", b->path ? b->path : "");

	if (!r)
		r = strcmp(a->rule->id, b->rule->id);
	return r ? r : strcmp(a->fingerprint, b->fingerprint);
}

static void write_entry(struct pst_json *j, const struct pst_finding *f)
{
	fputc('\n', j->out);
	pst_json_object(j, NULL);
	pst_json_str(j, "fingerprint", f->fingerprint);
	pst_json_str(j, "rule", f->rule->id);
	if (f->path)
		pst_json_str(j, "file", f->path);
	pst_json_str(j, "message", f->message);
	pst_json_end(j);
}

int pst_baseline_write(const struct pst_lint_result *result, FILE *out)
{
	pst_auto_free const struct pst_finding **all = NULL;
	struct pst_json j;
	size_t n = 0;

	all = pst_mem_calloc(result->n + result->n_baseline, sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < result->n; i++) {
		if (pst_baseline_may(result->findings[i].rule))
			all[n++] = &result->findings[i];
	}
	for (size_t i = 0; i < result->n_baseline; i++)
		all[n++] = &result->baselined[i];
	if (n)
		qsort(all, n, sizeof(*all), compare);
	pst_json_init(&j, out);
	pst_json_object(&j, NULL);
	pst_json_u64(&j, "version", VERSION);
	pst_json_array(&j, "findings");
	for (size_t i = 0; i < n; i++)
		write_entry(&j, all[i]);
	if (n)
		fputc('\n', out);
	pst_json_end(&j);
	pst_json_end(&j);
	return pst_json_finish(&j);
}
