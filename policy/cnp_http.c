// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_http.h"

#include <errno.h>

#include "base/mem.h"
#include "policy/cnp_header.h"

/* Cilium reads an empty string as an absent field. */
static int read_pattern(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_text *text)
{
	if (n->kind == PST_YAML_STRING && !n->len) {
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "http-empty-field", &n->key->pos,
			      "an empty %s restricts nothing, as if it were absent", n->key->s);
		return 0;
	}
	return pst_fields_text(r, n, text);
}

static int read_method(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_pattern(r, n, &((struct pst_http_rule *)obj)->method);
}

static int read_path(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_pattern(r, n, &((struct pst_http_rule *)obj)->path);
}

static int read_host(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_pattern(r, n, &((struct pst_http_rule *)obj)->host);
}

static int read_headers(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_cnp_headers_read(r, n, obj);
}

static int read_header_matches(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_cnp_header_matches_read(r, n, obj);
}

static const struct pst_field http_fields[] = {
	{.name = "method", .read = read_method},
	{.name = "path", .read = read_path},
	{.name = "host", .read = read_host},
	{.name = "headers", .read = read_headers},
	{.name = "headerMatches", .read = read_header_matches},
};
static const struct pst_fields http_table = PST_FIELDS("an HTTP rule", http_fields);

/* What changes requests costs a proxy in their path: a linter says so. */
static void report_actions(struct pst_reader *r, const struct pst_http_rule *rule)
{
	for (size_t i = 0; i < rule->n_matches; i++) {
		const struct pst_header_match *m = &rule->matches[i];

		if (r->options->lint && m->mismatch != PST_MISMATCH_FAIL &&
		    m->mismatch != PST_MISMATCH_LOG)
			pst_diags_add(r->diags, PST_SEVERITY_INFO, "unsupported-header-action",
				      &m->pos,
				      "the kernel does not change the headers of requests: "
				      "postern-proxy judges the rules of this port and peer");
	}
}

int pst_cnp_http_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_port_rule *pr,
		      bool *ret_closed)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);
	size_t index = 0;

	if (worst)
		return worst;
	if (!n->len)
		pst_diags_add(
			r->diags, PST_SEVERITY_WARNING, "http-empty", &n->key->pos,
			"an empty list of HTTP rules restricts nothing: every request is allowed");
	pr->http = pst_arena_calloc(r->arena, n->len, sizeof(*pr->http));
	if (!pr->http)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		struct pst_http_rule rule = {.pos = c->pos, .index = index++};
		int e = pst_fields_read(r, &http_table, c, &rule);

		if (e == -ENOMEM)
			return e;
		worst = pst_fields_worse(worst, e);
		if (e)
			continue;
		report_actions(r, &rule);
		pr->http[pr->n_http++] = rule;
	}
	if (!n->len || pr->n_http)
		return 0;
	*ret_closed = true;
	return worst;
}
