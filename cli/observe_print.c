// SPDX-License-Identifier: Apache-2.0
#include "cli/observe_print.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/vec.h"
#include "enforcer/flow_test.h"

enum { COLUMNS = 7, TEXT = 2048 };

struct row {
	char *cell[COLUMNS];
};

struct pst_observe_table {
	struct PST_VEC(struct row) rows;
};

int pst_observe_form_parse(const char *text, enum pst_observe_form *ret_form)
{
	static const struct {
		const char *name;
		enum pst_observe_form form;
	} forms[] = {{"compact", PST_OBSERVE_COMPACT}, {"dict", PST_OBSERVE_DICT},
		     {"table", PST_OBSERVE_TABLE},     {"tab", PST_OBSERVE_TABLE},
		     {"json", PST_OBSERVE_JSON},       {"jsonpb", PST_OBSERVE_JSON}};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (!strcmp(text, forms[i].name)) {
			*ret_form = forms[i].form;
			return 0;
		}
	}
	return -EINVAL;
}

/* "default/frontend:51234", "[fd77::2]:51234" */
static void end_text(const struct pst_observe_printer *p, const struct pst_flow_end *e, char *buf)
{
	bool named = *e->pod && !p->numeric, bracket = !named && e->port && strchr(e->ip, ':');
	int n = named ? snprintf(buf, TEXT, "%s%s%s", e->ns, *e->ns ? "/" : "", e->pod)
		      : snprintf(buf, TEXT, "%s%s%s", bracket ? "[" : "", e->ip,
				 bracket ? "]" : "");

	if (e->port && n >= 0 && n < TEXT)
		snprintf(buf + n, TEXT - (size_t)n, ":%u", e->port);
}

static void identity_text(const struct pst_flow_end *e, char *buf, size_t size)
{
	const char *name = pst_flow_identity_name(e->identity);

	if (name)
		snprintf(buf, size, "(%s)", name);
	else
		snprintf(buf, size, "(ID:%u)", e->identity);
}

static void type_text(const struct pst_flow *f, char *buf, size_t size)
{
	static const char *const words[] = {"", "request", "response", "sample"};

	if (f->l7)
		snprintf(buf, size, "http-%s", words[f->l7]);
	else if (f->event_type == PST_FLOW_EVENT_POLICY_VERDICT)
		snprintf(buf, size, "policy-verdict:%s %s", pst_flow_match_name(f->match_type),
			 pst_flow_direction_name(f->direction));
	else if (f->event_type == PST_FLOW_EVENT_DROP)
		snprintf(buf, size, "%s", *f->drop_reason_desc ? f->drop_reason_desc : "drop");
	else
		snprintf(buf, size, "UNKNOWN");
}

static const char *verdict_text(const struct pst_flow *f)
{
	if (f->event_type == PST_FLOW_EVENT_POLICY_VERDICT) {
		if (f->verdict == PST_FLOW_FORWARDED || f->verdict == PST_FLOW_REDIRECTED)
			return "ALLOWED";
		if (f->verdict == PST_FLOW_DROPPED || f->verdict == PST_FLOW_ERROR)
			return "DENIED";
		if (f->verdict == PST_FLOW_AUDIT)
			return "AUDITED";
	}
	return pst_flow_verdict_name(f->verdict);
}

/* What switches the colour of F's verdict on: hubble's green, red and yellow. "": none is wanted.
 */
static const char *color_on(const struct pst_observe_printer *p, const struct pst_flow *f)
{
	if (!p->color)
		return "";
	if (f->verdict == PST_FLOW_DROPPED || f->verdict == PST_FLOW_ERROR)
		return "\033[31m";
	return f->verdict == PST_FLOW_AUDIT ? "\033[33m" : "\033[32m";
}

static const char *color_off(const struct pst_observe_printer *p)
{
	return p->color ? "\033[0m" : "";
}

static const char *separator(size_t i)
{
	return i ? ", " : " ";
}

/* "; ALLOWED BY shop/checkout (p.yaml:21:17); no-rule-l7", or nothing. */
static void policies_text(const struct pst_observe_printer *p, const struct pst_flow *f, char *buf)
{
	FILE *out;

	*buf = '\0';
	if (!p->policy_names)
		return;
	out = fmemopen(buf, TEXT, "w");
	if (!out)
		return;
	if (f->n_policies)
		fprintf(out, "; %s BY", f->verdict == PST_FLOW_FORWARDED ? "ALLOWED" : "DENIED");
	for (size_t i = 0; i < f->n_policies; i++) {
		const struct pst_flow_policy *policy = &f->policies[i];

		fprintf(out, "%s%s%s%s%s%s%s", separator(i), policy->ns, *policy->ns ? "/" : "",
			policy->name, *policy->rule ? " (" : "", policy->rule,
			*policy->rule ? ")" : "");
	}
	if (*f->reason)
		fprintf(out, "; %s", f->reason);
	fclose(out);
	buf[TEXT - 1] = '\0';
}

static void print_names(const char *text, const char **names, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s%s", i ? "" : text, separator(i), names[i]);
}

/* "; MISSING x-id; REJECTED x-role, x-team", or nothing, behind what is in BUF. */
static void add_wishes_text(const struct pst_flow *f, char *buf)
{
	FILE *out = f->n_missing + f->n_rejected ? fmemopen(buf, TEXT, "a") : NULL;

	if (!out)
		return;
	print_names("; MISSING", f->missing, f->n_missing, out);
	print_names("; REJECTED", f->rejected, f->n_rejected, out);
	fclose(out);
	buf[TEXT - 1] = '\0';
}

/* The texts of a flow. */
struct texts {
	char time[48], source[TEXT], destination[TEXT], type[64], policies[TEXT];
	const char *verdict;
};

static void make_texts(const struct pst_observe_printer *p, const struct pst_flow *f,
		       struct texts *t)
{
	pst_observe_time_text(f->time, p->time, t->time, sizeof(t->time));
	end_text(p, &f->source, t->source);
	end_text(p, &f->destination, t->destination);
	type_text(f, t->type, sizeof(t->type));
	policies_text(p, f, t->policies);
	add_wishes_text(f, t->policies);
	t->verdict = verdict_text(f);
}

static void put(FILE *out, const char *text)
{
	pst_escape_print(out, text, strlen(text));
}

static void print_compact(const struct pst_observe_printer *p, const struct pst_flow *f,
			  const struct texts *t, FILE *out)
{
	bool reply = f->has_is_reply && f->is_reply;
	char source[32], destination[32];

	identity_text(&f->source, source, sizeof(source));
	identity_text(&f->destination, destination, sizeof(destination));
	fputs(t->time, out);
	if (p->node_name) {
		fputs(" [", out);
		put(out, f->node_name);
		fputc(']', out);
	}
	fputs(": ", out);
	put(out, reply ? t->destination : t->source);
	fprintf(out, " %s %s ", reply ? destination : source,
		!f->has_is_reply ? "<>" : (reply ? "<-" : "->"));
	put(out, reply ? t->source : t->destination);
	fprintf(out, " %s ", reply ? source : destination);
	put(out, t->type);
	fprintf(out, " %s%s%s (", color_on(p, f), t->verdict, color_off(p));
	put(out, f->summary);
	put(out, t->policies);
	fputs(")\n", out);
}

static void print_dict(const struct pst_observe_printer *p, const struct pst_flow *f,
		       const struct texts *t, FILE *out)
{
	const struct {
		const char *key, *value;
	} rows[] = {{"  TIMESTAMP", t->time},	{"       NODE", p->node_name ? f->node_name : NULL},
		    {"     SOURCE", t->source}, {"DESTINATION", t->destination},
		    {"       TYPE", t->type},	{"    VERDICT", t->verdict},
		    {"    SUMMARY", f->summary}};
	bool is_verdict;

	if (p->printed)
		fputs("------------\n", out);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!rows[i].value)
			continue;
		is_verdict = rows[i].value == t->verdict;
		fprintf(out, "%s: %s", rows[i].key, is_verdict ? color_on(p, f) : "");
		put(out, rows[i].value);
		fputs(is_verdict ? color_off(p) : "", out);
		if (i == sizeof(rows) / sizeof(*rows) - 1)
			put(out, t->policies);
		fputc('\n', out);
	}
}

/* TEXT as it is shown. */
static char *shown(const char *text, const char *more)
{
	char *copy = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&copy, &len);

	if (!out)
		return NULL;
	put(out, text);
	put(out, more);
	if (fclose(out)) {
		free(copy);
		return NULL;
	}
	return copy;
}

static int add_row(struct pst_observe_printer *p, const char *const cells[COLUMNS],
		   const char *more)
{
	struct row row;
	int r = 0;

	if (!p->table)
		p->table = pst_mem_calloc(1, sizeof(*p->table));
	if (!p->table)
		return -ENOMEM;
	for (size_t i = 0; i < COLUMNS; i++) {
		row.cell[i] = shown(cells[i], i == COLUMNS - 1 ? more : "");
		r = row.cell[i] ? r : -ENOMEM;
	}
	if (!r)
		r = pst_vec_push(&p->table->rows, row);
	for (size_t i = 0; r && i < COLUMNS; i++)
		free(row.cell[i]);
	return r;
}

static int keep_row(struct pst_observe_printer *p, const struct pst_flow *f, const struct texts *t)
{
	static const char *const head[] = {"TIMESTAMP", "NODE",	   "SOURCE", "DESTINATION",
					   "TYPE",	"VERDICT", "SUMMARY"};
	const char *const cells[] = {t->time, f->node_name, t->source, t->destination,
				     t->type, t->verdict,   f->summary};
	int r = p->table ? 0 : add_row(p, head, "");

	return r ? r : add_row(p, cells, t->policies);
}

static void print_json(const json_t *json, FILE *out)
{
	json_dumpf(json, out, JSON_COMPACT | JSON_ENSURE_ASCII);
	fputc('\n', out);
}

static int print_masked(const struct pst_observe_mask *m, const json_t *json, FILE *out)
{
	json_t *masked = pst_observe_mask_apply(m, json);

	if (!masked)
		return -ENOMEM;
	print_json(masked, out);
	json_decref(masked);
	return 0;
}

int pst_observe_print(struct pst_observe_printer *p, const json_t *json, const struct pst_flow *f,
		      FILE *out)
{
	struct texts t;
	int r = 0;

	if (p->form == PST_OBSERVE_JSON && p->mask)
		return print_masked(p->mask, json, out);
	if (p->form == PST_OBSERVE_JSON) {
		print_json(json, out);
		return 0;
	}
	make_texts(p, f, &t);
	if (p->form == PST_OBSERVE_COMPACT)
		print_compact(p, f, &t, out);
	else if (p->form == PST_OBSERVE_DICT)
		print_dict(p, f, &t, out);
	else
		r = keep_row(p, f, &t);
	p->printed++;
	return r;
}

void pst_observe_print_lost(struct pst_observe_printer *p, const json_t *json, FILE *out, FILE *err)
{
	const json_t *lost = json_object_get(json, "lost_events");
	const char *source = json_string_value(json_object_get(lost, "source"));
	const json_t *n = json_object_get(lost, "num_events_lost");

	if (p->form == PST_OBSERVE_JSON) {
		print_json(json, out);
		return;
	}
	fputs("EVENTS LOST: ", err);
	put(err, source ? source : "UNKNOWN_LOST_EVENT_SOURCE");
	fputc(' ', err);
	if (json_is_integer(n))
		fprintf(err, "%" JSON_INTEGER_FORMAT, json_integer_value(n));
	else
		put(err, json_is_string(n) ? json_string_value(n) : "?");
	fputc('\n', err);
}

static void print_table(const struct pst_observe_printer *p, FILE *out)
{
	const struct pst_observe_table *t = p->table;
	size_t width[COLUMNS] = {0};

	for (size_t i = 0; i < t->rows.n; i++) {
		for (size_t k = 0; k < COLUMNS; k++) {
			size_t len = strlen(t->rows.v[i].cell[k]);

			width[k] = len > width[k] ? len : width[k];
		}
	}
	for (size_t i = 0; i < t->rows.n; i++) {
		for (size_t k = 0; k < COLUMNS; k++) {
			if (k == 1 && !p->node_name)
				continue;
			fprintf(out, "%-*s%s", k == COLUMNS - 1 ? 0 : (int)width[k],
				t->rows.v[i].cell[k], k == COLUMNS - 1 ? "\n" : "   ");
		}
	}
}

void pst_observe_end(struct pst_observe_printer *p, FILE *out)
{
	if (!p->table)
		return;
	print_table(p, out);
	for (size_t i = 0; i < p->table->rows.n; i++)
		for (size_t k = 0; k < COLUMNS; k++)
			free(p->table->rows.v[i].cell[k]);
	pst_vec_free(&p->table->rows);
	free(p->table);
	p->table = NULL;
}
