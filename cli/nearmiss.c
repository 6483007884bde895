// SPDX-License-Identifier: Apache-2.0
#include "cli/nearmiss.h"

#include <string.h>

#include "base/escape.h"
#include "cli/report.h"
#include "compiler/explain.h"
#include "compiler/nearmiss.h"

enum { SHOWN_PORTS = 4, SHOWN_VALUES = 4 };

static void print(const char *s, FILE *out)
{
	pst_escape_print(out, s, strlen(s));
}

static void print_title(const struct pst_bundle_rule *rule, FILE *out)
{
	fputs("  near    ", out);
	pst_report_rule_text(rule, out);
	fputs("\n          ", out);
}

/* The fields that match, as "method and host match, "; none: nothing. */
static void print_matching(const struct pst_nearmiss_http *m, FILE *out)
{
	int n = 0, at = 0;

	for (int f = 0; f < PST_FIELD_MAX; f++)
		n += m->field[f].pattern && m->field[f].how == PST_MISS_NOT;
	n += m->n_headers && !m->n_unmet;
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		if (!m->field[f].pattern || m->field[f].how != PST_MISS_NOT)
			continue;
		fprintf(out, "%s%s", at ? " and " : "", pst_explain_field_name(f));
		at++;
	}
	if (m->n_headers && !m->n_unmet)
		fprintf(out, "%sheaders", at ? " and " : "");
	if (n)
		fputs(n > 1 || !at ? " match, " : " matches, ", out);
}

static void print_missed(const struct pst_miss_field *m, const struct pst_span *text, FILE *out)
{
	if (m->how == PST_MISS_ABSENT) {
		fputs("the request has none, \"", out);
		print(m->pattern, out);
		fputs("\" is asked for", out);
		return;
	}
	fputc('"', out);
	pst_escape_print(out, text->s, text->len);
	fputs(m->how == PST_MISS_LEAVES ? "\" leaves \""
	      : m->how == PST_MISS_ENDS ? "\" ends too early for \""
					: "\" was not compared with \"",
	      out);
	print(m->pattern, out);
	fputc('"', out);
	if (m->how == PST_MISS_LEAVES)
		fprintf(out, " at byte %zu", m->at);
	if (m->how == PST_MISS_UNKNOWN)
		fputs(", which is too big", out);
}

/* Values of Secrets are not shown. */
static void print_header(const struct pst_nearmiss_http *m, FILE *out)
{
	fputs("header does not: ", out);
	print(m->header->name, out);
	if (!m->has_header)
		fputs(" is missing", out);
	else if (m->header->secret)
		fputs(" is not what the Secret says", out);
	else
		fputs(" is not \"", out);
	if (m->has_header && !m->header->secret) {
		print(m->header->value, out);
		fputc('"', out);
	}
	if (m->n_unmet > 1)
		fprintf(out, ", and %zu more header%s", m->n_unmet - 1,
			m->n_unmet == 2 ? " differs" : "s differ");
}

static void print_http(const struct pst_bundle *b, const struct pst_nearmiss_http *m,
		       const struct pst_head *head, FILE *out)
{
	bool first = true;

	print_title(&b->rules[m->rule], out);
	print_matching(m, out);
	for (int f = 0; f < PST_FIELD_MAX; f++) {
		if (m->field[f].how == PST_MISS_NOT)
			continue;
		fprintf(out, "%s%s does not: ", first ? "" : "; ", pst_explain_field_name(f));
		print_missed(&m->field[f], &head->field[f], out);
		first = false;
	}
	if (m->header) {
		fputs(first ? "" : "; ", out);
		print_header(m, out);
	}
	fputc('\n', out);
}

static int find_http(const struct cli_near_query *q, struct pst_head *head,
		     struct pst_nearmisses_http *all)
{
	pst_head_split(q->request->bytes, q->request->head_len, head);
	return pst_nearmiss_http_find(q->answer->b, q->answer->l4.ruleset, head, all);
}

static int print_all_http(const struct cli_near_query *q, FILE *out)
{
	struct pst_nearmisses_http all;
	struct pst_head head;
	int r = find_http(q, &head, &all);

	if (r)
		return r;
	for (size_t i = 0; i < all.n; i++)
		print_http(q->answer->b, &all.v[i], &head, out);
	if (all.n_more)
		fprintf(out, "          and %zu more that are not nearer\n", all.n_more);
	return 0;
}

static const char *protocol_name(enum pst_protocol protocol)
{
	switch (protocol) {
	case PST_PROTOCOL_TCP:
		return "TCP";
	case PST_PROTOCOL_UDP:
		return "UDP";
	case PST_PROTOCOL_SCTP:
		return "SCTP";
	case PST_PROTOCOL_ANY:
		return "TCP, UDP or SCTP";
	default:
		return "protocol";
	}
}

static void print_port(const struct pst_port *p, FILE *out)
{
	fprintf(out, "%s ", protocol_name(p->protocol));
	if (p->name.s)
		print(p->name.s, out);
	else if (!p->port)
		fputs("(every port)", out);
	else if (p->end_port > p->port)
		fprintf(out, "%u-%u", p->port, p->end_port);
	else
		fprintf(out, "%u", p->port);
}

/* The ports that RULE allows; there can be hundreds. */
static void print_ports(const struct pst_rule *rule, FILE *out)
{
	size_t n = 0;

	for (size_t i = 0; i < rule->n_ports; i++) {
		for (size_t k = 0; k < rule->ports[i].n_ports; k++, n++) {
			if (n < SHOWN_PORTS) {
				fputs(n ? "; " : "", out);
				print_port(&rule->ports[i].ports[k], out);
			}
		}
	}
	for (size_t i = 0; i < rule->n_icmps; i++, n++) {
		if (n < SHOWN_PORTS)
			fprintf(out, "%s%s type %u", n ? "; " : "",
				rule->icmps[i].is_v6 ? "ICMPv6" : "ICMP", rule->icmps[i].type);
	}
	if (!n)
		fputs("it allows no port", out);
	if (n > SHOWN_PORTS)
		fprintf(out, "; and %zu more", n - SHOWN_PORTS);
}

static void print_key(const struct pst_requirement *req, FILE *out)
{
	if (strcmp(req->source, "any") && strcmp(req->source, "k8s")) {
		print(req->source, out);
		fputc(':', out);
	}
	print(req->key, out);
}

static void print_requirement(const struct pst_requirement *req, FILE *out)
{
	static const char *const operators[] = {
		[PST_LABEL_IN] = "=",
		[PST_LABEL_NOT_IN] = " not in ",
		[PST_LABEL_EXISTS] = "",
		[PST_LABEL_DOES_NOT_EXIST] = "",
	};

	if (req->op == PST_LABEL_DOES_NOT_EXIST)
		fputs("no ", out);
	print_key(req, out);
	fputs(req->op == PST_LABEL_IN && req->n_values > 1 ? " in " : operators[req->op], out);
	for (size_t i = 0; i < req->n_values && i < SHOWN_VALUES; i++) {
		fputs(i ? "," : "", out);
		print(req->values[i], out);
	}
	if (req->n_values > SHOWN_VALUES)
		fputs(",...", out);
}

static void print_peer(const struct pst_nearmiss_l4 *m, FILE *out)
{
	if (!m->requirement) {
		fputs(m->rule->n_cidrs	    ? "it is in none of the prefixes"
		      : m->rule->n_services ? "it is behind none of the services"
					    : "the rule means nobody",
		      out);
		return;
	}
	print_requirement(m->requirement, out);
	fputs(" is asked for, the peer has ", out);
	if (m->value) {
		print_key(m->requirement, out);
		fputc('=', out);
		print(m->value, out);
	} else {
		fputs("no ", out);
		print_key(m->requirement, out);
	}
	if (m->n_unmet > 1)
		fprintf(out, ", and %zu more label%s", m->n_unmet - 1,
			m->n_unmet == 2 ? " differs" : "s differ");
}

static const struct {
	const char *word; /* for JSON */
	const char *text; /* NULL: it takes more than a text */
} l4_misses[] = {
	[PST_MISS_CONFLICT] = {"conflict", NULL},
	[PST_MISS_PROOF] =
		{"proof",
		 "it asks for authentication, which nobody can give: what it means is denied"},
	[PST_MISS_CLOSED] =
		{"closed", "the rule is closed: it was refused, or uses what is not enforced yet"},
	[PST_MISS_PORT] = {"port", NULL},
	[PST_MISS_PEER] = {"peer", NULL},
};

static void print_l4(const struct pst_bundle *b, const struct pst_nearmiss_l4 *m, FILE *out)
{
	print_title(&b->rules[m->index], out);
	if (l4_misses[m->what].text) {
		fputs(l4_misses[m->what].text, out);
	} else if (m->what == PST_MISS_CONFLICT) {
		fprintf(out, "%s, so that what both mean is denied: ", m->conflict);
		pst_report_rule_text(&b->rules[m->other], out);
	} else if (m->what == PST_MISS_PORT) {
		fputs("the peer matches, the port does not: ", out);
		print_ports(m->rule, out);
	} else {
		fputs("the port matches, the peer does not: ", out);
		print_peer(m, out);
	}
	fputc('\n', out);
}

static int find_l4(const struct cli_near_query *q, struct pst_nearmisses_l4 *all)
{
	const struct pst_nearmiss_l4_query l4 = {
		.policies = q->in->policies,
		.inventory = q->in->inventory,
		.b = q->answer->b,
		.subject = q->answer->l4.subject,
		.peer = q->answer->l4.peer,
		.direction = q->question->direction == PST_DIRECTION_INGRESS ? PST_DIR_INGRESS
									     : PST_DIR_EGRESS,
		.protocol = q->question->protocol,
		.port = q->question->port,
	};

	return pst_nearmiss_l4_find(&l4, all);
}

static int print_all_l4(const struct cli_near_query *q, FILE *out)
{
	struct pst_nearmisses_l4 all;
	int r = find_l4(q, &all);

	if (r)
		return r;
	for (size_t i = 0; i < all.n; i++)
		print_l4(q->answer->b, &all.v[i], out);
	if (all.n_more)
		fprintf(out, "          and %zu more that are not nearer\n", all.n_more);
	if (all.n_others)
		fprintf(out, "  far     %zu rule%s neither the peer nor the port\n", all.n_others,
			all.n_others == 1 ? " matches" : "s match");
	return 0;
}

int cli_near_print(const struct cli_near_query *q, FILE *out)
{
	return q->request ? print_all_http(q, out) : print_all_l4(q, out);
}

static void write_field(const struct pst_miss_field *m, enum pst_field field,
			const struct pst_span *text, struct pst_json *j)
{
	static const char *const words[] = {
		[PST_MISS_NOT] = "matches",	    [PST_MISS_LEAVES] = "leaves",
		[PST_MISS_ENDS] = "ends-too-early", [PST_MISS_ABSENT] = "absent",
		[PST_MISS_UNKNOWN] = "unknown",
	};

	pst_json_object(j, pst_explain_field_name(field));
	pst_json_str(j, "pattern", m->pattern);
	if (text->s)
		pst_json_strn(j, "text", text->s, text->len);
	else
		pst_json_null(j, "text");
	pst_json_str(j, "how", words[m->how]);
	if (m->how == PST_MISS_LEAVES)
		pst_json_u64(j, "byte", m->at);
	pst_json_end(j);
}

static void write_header(const struct pst_nearmiss_http *m, struct pst_json *j)
{
	if (!m->n_headers)
		return;
	pst_json_object(j, "headers");
	pst_json_str(j, "how", m->header ? "missed" : "matches");
	pst_json_u64(j, "missed", m->n_unmet);
	if (m->header) {
		pst_json_str(j, "name", m->header->name);
		pst_json_bool(j, "present", m->has_header);
		pst_json_str(j, "value", m->header->secret ? NULL : m->header->value);
	}
	pst_json_end(j);
}

static int write_http(const struct cli_near_query *q, struct pst_json *j)
{
	struct pst_nearmisses_http all;
	struct pst_head head;
	int r = find_http(q, &head, &all);

	if (r)
		return r;
	pst_json_array(j, "near_misses");
	for (size_t i = 0; i < all.n; i++) {
		pst_json_object(j, NULL);
		pst_report_rule_json(&q->answer->b->rules[all.v[i].rule], j, "rule");
		for (int f = 0; f < PST_FIELD_MAX; f++) {
			if (all.v[i].field[f].pattern)
				write_field(&all.v[i].field[f], f, &head.field[f], j);
		}
		write_header(&all.v[i], j);
		pst_json_end(j);
	}
	pst_json_end(j);
	pst_json_u64(j, "near_misses_left_out", all.n_more);
	return 0;
}

static void write_l4_miss(const struct pst_bundle *b, const struct pst_nearmiss_l4 *m,
			  struct pst_json *j)
{
	pst_json_str(j, "misses", l4_misses[m->what].word);
	if (m->conflict) {
		pst_json_str(j, "conflict", m->conflict);
		pst_report_rule_json(&b->rules[m->other], j, "other");
	}
	if (!m->requirement)
		return;
	pst_json_object(j, "label");
	pst_json_str(j, "source", m->requirement->source);
	pst_json_str(j, "key", m->requirement->key);
	pst_json_str(j, "peer_has", m->value);
	pst_json_array(j, "values");
	for (size_t i = 0; i < m->requirement->n_values; i++)
		pst_json_str(j, NULL, m->requirement->values[i]);
	pst_json_end(j);
	pst_json_end(j);
}

static int write_l4(const struct cli_near_query *q, struct pst_json *j)
{
	struct pst_nearmisses_l4 all;
	int r = find_l4(q, &all);

	if (r)
		return r;
	pst_json_array(j, "near_misses");
	for (size_t i = 0; i < all.n; i++) {
		pst_json_object(j, NULL);
		pst_report_rule_json(&q->answer->b->rules[all.v[i].index], j, "rule");
		write_l4_miss(q->answer->b, &all.v[i], j);
		pst_json_end(j);
	}
	pst_json_end(j);
	pst_json_u64(j, "near_misses_left_out", all.n_more);
	pst_json_u64(j, "rules_that_miss_peer_and_port", all.n_others);
	return 0;
}

int cli_near_json(const struct cli_near_query *q, struct pst_json *j)
{
	return q->request ? write_http(q, j) : write_l4(q, j);
}
