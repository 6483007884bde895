// SPDX-License-Identifier: Apache-2.0
#include "cli/diff_report.h"

#include <errno.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"
#include "cli/diff_actor.h"
#include "cli/report.h"

enum { SHOWN = 5, LAST_PORT = 65535 };

static const char *const kind_names[PST_DIFF_KINDS] = {
	[PST_DIFF_WIDENED] = "widened",
	[PST_DIFF_NARROWED] = "narrowed",
	[PST_DIFF_UNKNOWN] = "unknown",
};

static const char *const side_names[PST_DIFF_SIDES] = {
	[PST_DIFF_OLD] = "old",
	[PST_DIFF_NEW] = "new",
};

/* What a side lets through, in one word. */
static const char *verdict_word(const struct pst_diff_verdict *v)
{
	static const char *const words[] = {
		[PST_VERDICT_DENY] = "deny",
		[PST_VERDICT_ALLOW] = "allow",
		[PST_VERDICT_JUDGE] = "http-rules",
		[PST_VERDICT_FALLBACK] = "http-rules",
	};

	return words[v->verdict];
}

/* The port's name, if only pods of cohorts are meant, to which each name is a port of its own. */
static const char *port_name(const struct pst_diff *d, const struct pst_diff_finding *f)
{
	const bool ingress = f->direction == PST_DIRECTION_INGRESS;
	const uint32_t server = ingress ? f->subjects[0] : f->peers[0];

	if (d->actors.v[server].kind != PST_DIFF_LABELS || f->first != f->last)
		return NULL;
	for (size_t i = 0; i < d->n_port_names; i++) {
		if (d->port_names[i].port == f->first)
			return d->port_names[i].name;
	}
	return NULL;
}

static void print_ports(const struct pst_diff *d, const struct pst_diff_finding *f, FILE *out)
{
	const char *name = port_name(d, f);

	cli_diff_protocols_text(f->protocols, out);
	if (name) {
		fputs(" port ", out);
		pst_report_str(name, out);
	} else if (f->first == f->last) {
		fprintf(out, " %u", f->first);
	} else if (f->first || f->last != LAST_PORT) {
		fprintf(out, " %u-%u", f->first, f->last);
	}
}

static void print_actors(const struct pst_diff *d, const uint32_t *v, size_t n, FILE *out)
{
	for (size_t i = 0; i < n && i < SHOWN; i++) {
		fputs(i ? "; " : "", out);
		cli_diff_actor_text(&d->actors.v[v[i]], out);
	}
	if (n > SHOWN)
		fprintf(out, "; and %zu more", n - SHOWN);
}

/* Inside of a quoted word. */
static void print_inside(const char *s, FILE *out)
{
	for (;;) {
		const size_t n = strcspn(s, "'");

		pst_escape_print(out, s, n);
		if (!s[n])
			return;
		fputs("'\\''", out);
		s += n + 1;
	}
}

static void print_quoted(const char *s, FILE *out)
{
	fputc('\'', out);
	print_inside(s, out);
	fputc('\'', out);
}

/* What a Secret holds is not for reports. */
static const char *shown_value(const struct pst_bundle_header *h)
{
	return h->secret ? "[the value of a Secret]" : h->value;
}

static void print_header(const struct pst_bundle_header *h, FILE *out)
{
	fputs(" --header '", out);
	print_inside(h->name, out);
	fputs(": ", out);
	print_inside(shown_value(h), out);
	fputc('\'', out);
}

static void print_request(const struct pst_diff_request *r, FILE *out)
{
	fputs(" --method ", out);
	print_quoted(r->method, out);
	fputs(" --path ", out);
	print_quoted(r->path, out);
	for (size_t i = 0; i < r->headers.n; i++)
		print_header(&r->headers.v[i], out);
	if (!r->host)
		return;
	fputs(" --host ", out);
	print_quoted(r->host, out);
}

/* The witness as arguments of `postern explain`. */
static void print_witness(const struct pst_diff *d, const struct pst_diff_finding *f, FILE *out)
{
	const bool ingress = f->direction == PST_DIRECTION_INGRESS;
	const uint32_t from = ingress ? f->peers[0] : f->subjects[0];
	const uint32_t to = ingress ? f->subjects[0] : f->peers[0];

	fprintf(out, "  witness  --direction %s --from ", ingress ? "ingress" : "egress");
	cli_diff_actor_peer(&d->actors.v[from], out);
	fputs(" --to ", out);
	cli_diff_actor_peer(&d->actors.v[to], out);
	fprintf(out, " --port %u", f->port);
	if (!(f->protocols & 1))
		fprintf(out, " --protocol %s", cli_diff_protocol(f->protocols));
	if (f->has_request)
		print_request(&f->request, out);
	fputc('\n', out);
}

static void print_side(const struct pst_diff_finding *f, enum pst_diff_side side, FILE *out)
{
	const struct pst_diff_verdict *v = &f->side[side];

	fprintf(out, "  %-9s", side_names[side]);
	if (v->audited)
		fputs("audit: allowed and reported, in force ", out);
	if (v->unknown_subject)
		fputs("deny: there is no such pod", out);
	else if (v->verdict == PST_VERDICT_DENY)
		fputs(v->rule ? "deny by " : "deny: no rule allows it", out);
	else if (v->verdict == PST_VERDICT_ALLOW)
		fputs(v->rule ? "allow by " : "allow: no policy", out);
	else if (v->audited)
		fputs("by the HTTP rules under ", out);
	else if (v->http)
		fputs("allow by ", out);
	else
		fputs("deny: no HTTP rule allows it, under ", out);
	if (v->http)
		pst_report_rule_text(v->http, out);
	else if (v->rule)
		pst_report_rule_text(v->rule, out);
	if (v->verdict == PST_VERDICT_FALLBACK)
		fputs(" (these HTTP rules do not fit the kernel)", out);
	fputc('\n', out);
}

static void print_finding(const struct pst_diff *d, const struct pst_diff_finding *f, FILE *out)
{
	const bool ingress = f->direction == PST_DIRECTION_INGRESS;

	fprintf(out, "%s: %s of ", kind_names[f->kind], ingress ? "ingress" : "egress");
	print_actors(d, f->subjects, f->n_subjects, out);
	fputs(ingress ? " from " : " to ", out);
	if (f->anybody)
		fputs("anybody", out);
	else
		print_actors(d, f->peers, f->n_peers, out);
	fputs(", ", out);
	print_ports(d, f, out);
	fputc('\n', out);
	if (f->kind == PST_DIFF_UNKNOWN) {
		fprintf(out, "  too much to compare: %s\n", f->why);
	} else {
		print_witness(d, f, out);
		if (f->has_request && f->request.irregular)
			fputs("           only what no HTTP rule allows: targets that are not in "
			      "normal form, and what is no HTTP\n",
			      out);
	}
	print_side(f, PST_DIFF_OLD, out);
	print_side(f, PST_DIFF_NEW, out);
}

/* What a comparison without a finding has proven. */
static const char *scope_text(const struct cli_diff_report *r)
{
	if (r->only_inventory)
		return "for the pods of the inventory";
	if (r->diff->all_subjects && r->diff->all_peers)
		return "for all pods, whatever their labels, and all addresses";
	return "for the inventory and for pods with the labels that each selector asks for; "
	       "combinations of them are too many to be looked at";
}

static bool is_proven(const struct cli_diff_report *r)
{
	return r->only_inventory || (r->diff->all_subjects && r->diff->all_peers);
}

int cli_diff_write_text(const struct cli_diff_report *r, FILE *out)
{
	const struct pst_diff *d = r->diff;

	for (size_t i = 0; i < d->n_findings; i++)
		print_finding(d, &d->findings[i], out);
	if (d->n_unresolved)
		fprintf(out,
			"unknown: %zu Services, DNS names, CIDR groups or Secrets are not in the inventory: "
			"what they allow was not compared\n",
			d->n_unresolved);
	if (!d->n_findings && !d->n_unresolved)
		fprintf(out, "same: both decide alike, %s\n", scope_text(r));
	else if (!is_proven(r))
		fprintf(out, "not all could be looked at: this is %s\n", scope_text(r));
	return ferror(out) ? -EIO : 0;
}

static const char *result_word(const struct pst_diff *d)
{
	if (d->count[PST_DIFF_WIDENED] || d->count[PST_DIFF_NARROWED])
		return "different";
	return d->count[PST_DIFF_UNKNOWN] ? "unknown" : "same";
}

static int write_actors(const struct pst_diff *d, const uint32_t *v, size_t n, const char *key,
			struct pst_json *j)
{
	int r = 0;

	pst_json_array(j, key);
	for (size_t i = 0; !r && i < n; i++)
		r = cli_diff_actor_json(&d->actors.v[v[i]], j, NULL);
	pst_json_end(j);
	return r;
}

static void write_side(const struct pst_diff_verdict *v, const char *key, struct pst_json *j)
{
	pst_json_object(j, key);
	pst_json_str(j, "decides", verdict_word(v));
	pst_json_bool(j, "audited", v->audited);
	pst_json_bool(j, "has_subject", !v->unknown_subject);
	pst_json_bool(j, "fallback", v->verdict == PST_VERDICT_FALLBACK);
	pst_report_rule_json(v->rule, j, "rule");
	pst_report_rule_json(v->http, j, "http_rule");
	pst_json_end(j);
}

static void write_request(const struct pst_diff_finding *f, struct pst_json *j)
{
	if (!f->has_request) {
		pst_json_null(j, "request");
		return;
	}
	pst_json_object(j, "request");
	pst_json_str(j, "method", f->request.method);
	pst_json_str(j, "path", f->request.path);
	pst_json_str(j, "host", f->request.host);
	pst_json_array(j, "headers");
	for (size_t i = 0; i < f->request.headers.n; i++) {
		pst_json_object(j, NULL);
		pst_json_str(j, "name", f->request.headers.v[i].name);
		pst_json_str(j, "value", shown_value(&f->request.headers.v[i]));
		pst_json_end(j);
	}
	pst_json_end(j);
	pst_json_bool(j, "irregular", f->request.irregular);
	pst_json_end(j);
}

static int write_witness(const struct pst_diff *d, const struct pst_diff_finding *f,
			 struct pst_json *j)
{
	int r;

	if (f->kind == PST_DIFF_UNKNOWN) {
		pst_json_null(j, "witness");
		return 0;
	}
	pst_json_object(j, "witness");
	r = cli_diff_actor_json(&d->actors.v[f->subjects[0]], j, "subject");
	if (!r)
		r = cli_diff_actor_json(&d->actors.v[f->peers[0]], j, "peer");
	pst_json_str(j, "protocol", cli_diff_protocol(f->protocols));
	pst_json_u64(j, "port", f->port);
	write_request(f, j);
	pst_json_end(j);
	return r;
}

static int write_finding(const struct pst_diff *d, const struct pst_diff_finding *f,
			 struct pst_json *j)
{
	int r;

	pst_json_object(j, NULL);
	pst_json_str(j, "kind", kind_names[f->kind]);
	pst_json_str(j, "direction", f->direction == PST_DIRECTION_INGRESS ? "ingress" : "egress");
	r = write_actors(d, f->subjects, f->n_subjects, "subjects", j);
	if (!r)
		r = write_actors(d, f->peers, f->n_peers, "peers", j);
	cli_diff_protocols_json(f->protocols, j, "protocols");
	pst_json_u64(j, "first_port", f->first);
	pst_json_u64(j, "last_port", f->last);
	pst_json_str(j, "port_name", port_name(d, f));
	if (!r)
		r = write_witness(d, f, j);
	pst_json_str(j, "why", f->why);
	for (int s = 0; s < PST_DIFF_SIDES; s++)
		write_side(&f->side[s], side_names[s], j);
	pst_json_end(j);
	return r;
}

static void write_scope(const struct cli_diff_report *r, struct pst_json *j)
{
	const struct pst_diff *d = r->diff;

	pst_json_object(j, "scope");
	pst_json_bool(j, "only_inventory", r->only_inventory);
	pst_json_u64(j, "unresolved", d->n_unresolved);
	pst_json_bool(j, "all_pods", !r->only_inventory && is_proven(r));
	pst_json_u64(j, "subjects", d->n_subjects);
	pst_json_u64(j, "peers", d->n_peers);
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		pst_json_object(j, side_names[s]);
		pst_json_u64(j, "policies", r->n_policies[s]);
		pst_json_u64(j, "policies_compared", d->n_policies[s]);
		pst_json_u64(j, "rules_closed", r->n_closed[s]);
		pst_json_end(j);
	}
	pst_json_end(j);
}

int cli_diff_write_json(const struct cli_diff_report *r, FILE *out)
{
	const struct pst_diff *d = r->diff;
	struct pst_json j;
	int e = 0;

	pst_json_init(&j, out);
	pst_json_object(&j, NULL);
	pst_json_str(&j, "result", result_word(d));
	for (int k = 0; k < PST_DIFF_KINDS; k++)
		pst_json_u64(&j, kind_names[k], d->count[k]);
	write_scope(r, &j);
	pst_json_array(&j, "findings");
	for (size_t i = 0; !e && i < d->n_findings; i++)
		e = write_finding(d, &d->findings[i], &j);
	pst_json_end(&j);
	pst_json_end(&j);
	return e ? e : pst_json_finish(&j);
}

void cli_diff_write_summary(const struct cli_diff_report *r, FILE *out)
{
	const struct pst_diff *d = r->diff;

	fprintf(out,
		"%zu widened, %zu narrowed, %zu unknown; %zu of %zu and %zu of %zu policies, "
		"%zu subjects, %zu peers\n",
		d->count[PST_DIFF_WIDENED], d->count[PST_DIFF_NARROWED], d->count[PST_DIFF_UNKNOWN],
		d->n_policies[PST_DIFF_OLD], r->n_policies[PST_DIFF_OLD],
		d->n_policies[PST_DIFF_NEW], r->n_policies[PST_DIFF_NEW], d->n_subjects,
		d->n_peers);
	for (int s = 0; s < PST_DIFF_SIDES; s++) {
		if (r->n_closed[s])
			fprintf(out,
				"%s: %zu rules are closed, because postern does not enforce "
				"them yet: allow rules count as nothing\n",
				side_names[s], r->n_closed[s]);
	}
}
