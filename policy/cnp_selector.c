// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_selector.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/labels.h"

static const struct {
	const char *name;
	bool takes_values;
} operators[] = {
	[PST_LABEL_IN] = {"In", true},
	[PST_LABEL_NOT_IN] = {"NotIn", true},
	[PST_LABEL_EXISTS] = {"Exists", false},
	[PST_LABEL_DOES_NOT_EXIST] = {"DoesNotExist", false},
};
static_assert(sizeof(operators) / sizeof(*operators) == PST_LABEL_OP_MAX,
	      "a row for each operator");

/* Sources whose labels stand for addresses, names or nodes: nothing here carries them yet. */
static const char *const unsupported_sources[] = {"cidr", "cidrgroup", "fqdn", "node"};

/* Room for EXTRA more requirements. */
static int reserve(struct pst_reader *r, struct pst_selector *sel, size_t extra)
{
	struct pst_requirement *reqs =
		pst_arena_calloc(r->arena, sel->n_reqs + extra, sizeof(*reqs));

	if (!reqs)
		return -ENOMEM;
	if (sel->n_reqs)
		memcpy(reqs, sel->reqs, sel->n_reqs * sizeof(*reqs));
	sel->reqs = reqs;
	return 0;
}

static int check_source(struct pst_reader *r, const struct pst_requirement *req)
{
	for (size_t i = 0; i < sizeof(unsupported_sources) / sizeof(*unsupported_sources); i++) {
		if (!strcmp(req->source, unsupported_sources[i]))
			return pst_diags_error(
				r->diags, "unsupported-label-source", &req->pos,
				"selectors on labels of the source \"%s\" are not supported yet",
				req->source);
	}
	return 0;
}

static int read_key(struct pst_reader *r, const struct pst_yaml_node *n,
		    struct pst_requirement *req)
{
	size_t source_len;
	const char *key;

	if (n->kind != PST_YAML_STRING)
		return pst_diags_error(r->diags, "type-mismatch", &n->pos,
				       "label key: expected a string, found %s; quote it",
				       pst_yaml_kind_str(n->kind));
	key = pst_label_key_split(n->s, &source_len);
	if (!pst_label_key_is_valid(key))
		return pst_diags_error(
			r->diags, "label-invalid", &n->pos,
			"\"%.128s\" is not a label key (expected [source:][dns.name/]name)", n->s);
	req->pos = n->pos;
	req->source = source_len ? pst_arena_strndup(r->arena, n->s, source_len) : "any";
	req->key = pst_arena_strndup(r->arena, key, strlen(key));
	if (!req->source || !req->key)
		return -ENOMEM;
	return check_source(r, req);
}

static int read_value(struct pst_reader *r, const struct pst_yaml_node *n, const char **ret_value)
{
	struct pst_text text = {0};
	int e = pst_fields_text(r, n, &text);

	if (e)
		return e;
	if (!pst_label_value_is_valid(text.s))
		return pst_diags_error(
			r->diags, "label-invalid", &n->pos,
			"\"%.128s\" is not a label value (expected at most 63 letters, digits, '-', '_', '.')",
			text.s);
	*ret_value = text.s;
	return 0;
}

static int read_values(struct pst_reader *r, const struct pst_yaml_node *list,
		       struct pst_requirement *req)
{
	int worst = 0;

	req->values = pst_arena_calloc(r->arena, list->len, sizeof(*req->values));
	if (!req->values)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = list->first; c; c = c->next) {
		int e = read_value(r, c, &req->values[req->n_values]);

		req->n_values += !e;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static int read_match_label(struct pst_reader *r, const struct pst_yaml_node *n,
			    struct pst_requirement *req)
{
	int e = read_key(r, n->key, req);

	req->op = PST_LABEL_IN;
	req->values = pst_arena_calloc(r->arena, 1, sizeof(*req->values));
	if (!req->values)
		return -ENOMEM;
	req->n_values = 1;
	return pst_fields_worse(e, read_value(r, n, req->values));
}

static int read_match_labels(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_selector *sel = obj;
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (worst)
		return worst;
	if (reserve(r, sel, n->len))
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = read_match_label(r, c, &sel->reqs[sel->n_reqs]);

		sel->n_reqs += !e;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

struct expression {
	const struct pst_yaml_node *key, *op, *values;
};

static int keep_key(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	((struct expression *)obj)->key = n;
	return pst_fields_expect(r, n, PST_YAML_STRING);
}

static int keep_operator(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	((struct expression *)obj)->op = n;
	return pst_fields_expect(r, n, PST_YAML_STRING);
}

static int keep_values(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	((struct expression *)obj)->values = n;
	return pst_fields_expect(r, n, PST_YAML_LIST);
}

static const struct pst_field expression_fields[] = {
	{.name = "key", .required = true, .read = keep_key},
	{.name = "operator", .required = true, .read = keep_operator},
	{.name = "values", .read = keep_values},
};
static const struct pst_fields expression_table =
	PST_FIELDS("a match expression", expression_fields);

static int read_operator(struct pst_reader *r, const struct expression *x,
			 struct pst_requirement *req)
{
	size_t n_values = x->values ? x->values->len : 0;

	for (size_t i = 0; i < PST_LABEL_OP_MAX; i++) {
		if (strcmp(operators[i].name, x->op->s))
			continue;
		req->op = (enum pst_label_op)i;
		if (operators[i].takes_values == (n_values > 0))
			return 0;
		return pst_diags_error(r->diags, "label-values", &x->op->pos,
				       operators[i].takes_values ? "%s needs at least one value"
								 : "%s takes no values",
				       operators[i].name);
	}
	return pst_diags_error(r->diags, "label-operator", &x->op->pos,
			       "expected In, NotIn, Exists or DoesNotExist, found \"%.32s\"",
			       x->op->s);
}

static int read_expression(struct pst_reader *r, const struct pst_yaml_node *n,
			   struct pst_requirement *req)
{
	struct expression x = {0};
	int e = pst_fields_read(r, &expression_table, n, &x);

	if (e)
		return e;
	e = pst_fields_worse(read_key(r, x.key, req), read_operator(r, &x, req));
	if (x.values && e != -ENOMEM)
		e = pst_fields_worse(e, read_values(r, x.values, req));
	return e;
}

static int read_match_expressions(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_selector *sel = obj;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	if (reserve(r, sel, n->len))
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = read_expression(r, c, &sel->reqs[sel->n_reqs]);

		if (e) /* the slot is filled in part */
			sel->reqs[sel->n_reqs] = (struct pst_requirement){0};
		sel->n_reqs += !e;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static const struct pst_field selector_fields[] = {
	{.name = "matchLabels", .read = read_match_labels},
	{.name = "matchExpressions", .read = read_match_expressions},
};
static const struct pst_fields selector_table = PST_FIELDS("a selector", selector_fields);

int pst_cnp_selector_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  struct pst_selector *sel)
{
	*sel = (struct pst_selector){.pos = n->pos};
	return pst_fields_read(r, &selector_table, n, sel);
}

/* A key of Kubernetes' own: written with the source k8s, or with none. */
static bool is_k8s(const struct pst_requirement *req)
{
	return !strcmp(req->source, "k8s") || !strcmp(req->source, "any");
}

static bool is_on_namespace(const struct pst_requirement *req)
{
	return is_k8s(req) && !strcmp(req->key, PST_LABEL_NAMESPACE);
}

static bool is_on_namespace_label(const struct pst_requirement *req)
{
	return is_k8s(req) &&
	       !strncmp(req->key, PST_LABEL_NAMESPACE_PREFIX, strlen(PST_LABEL_NAMESPACE_PREFIX));
}

static int add_namespace(struct pst_reader *r, const char *ns, struct pst_selector *sel)
{
	struct pst_requirement *req;

	if (reserve(r, sel, 1))
		return -ENOMEM;
	req = &sel->reqs[sel->n_reqs];
	*req = (struct pst_requirement){
		.pos = sel->pos,
		.source = "k8s",
		.key = PST_LABEL_NAMESPACE,
		.op = PST_LABEL_IN,
		.values = pst_arena_calloc(r->arena, 1, sizeof(*req->values)),
		.n_values = 1,
	};
	if (!req->values)
		return -ENOMEM;
	req->values[0] = ns;
	sel->n_reqs++;
	return 0;
}

/* Would the requirement alone let a pod of namespace NS through? */
static bool admits_namespace(const struct pst_requirement *req, const char *ns)
{
	struct pst_label label = {.source = "k8s", .key = PST_LABEL_NAMESPACE, .value = ns};
	const struct pst_labels labels = {.v = &label, .n = 1};
	struct pst_requirement copy = *req;
	const struct pst_selector sel = {.reqs = &copy, .n_reqs = 1};

	return pst_selector_matches(&sel, &labels);
}

int pst_cnp_selector_scope_subject(struct pst_reader *r, const char *ns, struct pst_selector *sel)
{
	size_t kept = 0;

	for (size_t i = 0; i < sel->n_reqs; i++) {
		const struct pst_requirement *req = &sel->reqs[i];

		if (!is_on_namespace(req)) {
			sel->reqs[kept++] = *req;
			continue;
		}
		if (!admits_namespace(req, ns))
			pst_diags_add(
				r->diags, PST_SEVERITY_WARNING, "subject-namespace", &req->pos,
				"a policy selects endpoints of its own namespace \"%s\" only; this requirement is passed over",
				ns);
	}
	sel->n_reqs = kept;
	return add_namespace(r, ns, sel);
}

int pst_cnp_selector_scope_peer(struct pst_reader *r, const char *ns, struct pst_selector *sel)
{
	for (size_t i = 0; i < sel->n_reqs; i++) {
		const struct pst_requirement *req = &sel->reqs[i];

		if (is_on_namespace(req) || is_on_namespace_label(req) ||
		    !strcmp(req->source, "reserved"))
			return 0;
	}
	return add_namespace(r, ns, sel);
}
