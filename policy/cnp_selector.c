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

/* Known sources, so that each is in memory once; of some nothing here carries labels yet. */
static const struct {
	const char *name;
	bool unsupported;
} sources[] = {
	{"k8s", false},	     {"any", false}, {"reserved", false}, {"cidr", true},
	{"cidrgroup", true}, {"fqdn", true}, {"node", true},	  {"unspec", false},
};

enum { N_SOURCES = sizeof(sources) / sizeof(*sources) };

struct build {
	enum pst_cnp_selector_use use;
	struct pst_requirement *reqs; /* room for all that the document has, and one more */
	size_t n;
};

/* How many requirements there may be at most. */
static size_t count(const struct pst_yaml_node *n)
{
	size_t sum = 0;

	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		if (c->kind == PST_YAML_LIST || c->kind == PST_YAML_MAPPING)
			sum += c->len;
	}
	return sum;
}

static int read_source(struct pst_reader *r, const struct pst_yaml_node *n, size_t len,
		       const struct build *b, struct pst_requirement *req)
{
	bool on_pods = b->use == PST_CNP_SUBJECT || b->use == PST_CNP_PEER;

	req->source = b->use == PST_CNP_NODE ? "node" : "any";
	if (!len)
		return 0;
	for (size_t i = 0; i < N_SOURCES; i++) {
		if (strncmp(sources[i].name, n->s, len) || sources[i].name[len])
			continue;
		req->source = sources[i].name;
		if (!sources[i].unsupported || !on_pods)
			return 0;
		return pst_reader_unsupported(
			r, "unsupported-label-source", &n->pos,
			"postern does not know labels of the source \"%s\" yet", req->source);
	}
	req->source = pst_arena_strndup(r->arena, n->s, len);
	return req->source ? 0 : -ENOMEM;
}

static int read_key(struct pst_reader *r, const struct pst_yaml_node *n, const struct build *b,
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
	req->key = pst_arena_strndup(r->arena, key, strlen(key));
	if (!req->key)
		return -ENOMEM;
	return read_source(r, n, source_len, b, req);
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
	const char **values = pst_arena_calloc(r->arena, list->len, sizeof(*values));
	int worst = 0;

	if (!values)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = list->first; c; c = c->next) {
		int e = read_value(r, c, &values[req->n_values]);

		req->n_values += !e;
		worst = pst_fields_worse(worst, e);
	}
	req->values = values;
	return worst;
}

static int read_match_label(struct pst_reader *r, const struct pst_yaml_node *n,
			    const struct build *b, struct pst_requirement *req)
{
	const char **value = pst_arena_alloc(r->arena, sizeof(*value));
	int e;

	if (!value)
		return -ENOMEM;
	e = read_key(r, n->key, b, req);
	req->op = PST_LABEL_IN;
	req->values = value;
	req->n_values = 1;
	return pst_fields_worse(e, read_value(r, n, value));
}

static int read_match_labels(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);

	if (worst)
		return worst;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = read_match_label(r, c, b, &b->reqs[b->n]);

		b->n += !e;
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
			   const struct build *b, struct pst_requirement *req)
{
	struct expression x = {0};
	int e = pst_fields_read(r, &expression_table, n, &x);

	if (e)
		return e;
	e = pst_fields_worse(read_key(r, x.key, b, req), read_operator(r, &x, req));
	if (x.values && e != -ENOMEM)
		e = pst_fields_worse(e, read_values(r, x.values, req));
	return e;
}

static int read_match_expressions(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		struct pst_requirement *req = &b->reqs[b->n];
		int e;

		*req = (struct pst_requirement){0}; /* one before may have been read in part */
		e = read_expression(r, c, b, req);
		b->n += !e;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static const struct pst_field selector_fields[] = {
	{.name = "matchLabels", .read = read_match_labels},
	{.name = "matchExpressions", .read = read_match_expressions},
};
static const struct pst_fields selector_table = PST_FIELDS("a selector", selector_fields);

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

static void add_namespace(struct build *b, const struct pst_pos *pos,
			  const struct pst_cnp_scope *scope)
{
	b->reqs[b->n++] = (struct pst_requirement){
		.pos = *pos,
		.source = "k8s",
		.key = PST_LABEL_NAMESPACE,
		.op = scope->ns ? PST_LABEL_IN : PST_LABEL_EXISTS,
		.values = scope->ns ? scope->ns_as_list : NULL,
		.n_values = scope->ns ? 1 : 0,
	};
}

/* Would the requirement alone let a pod of namespace NS through? */
static bool admits_namespace(const struct pst_requirement *req, const char *ns)
{
	struct pst_label label = {.source = "k8s", .key = PST_LABEL_NAMESPACE, .value = ns};
	const struct pst_labels labels = {.v = &label, .n = 1};
	const struct pst_selector sel = {.reqs = req, .n_reqs = 1};

	return pst_selector_matches(&sel, &labels);
}

static void scope_subject(struct pst_reader *r, struct build *b, const struct pst_pos *pos,
			  const struct pst_cnp_scope *scope)
{
	size_t kept = 0;

	if (!scope->ns)
		return;
	for (size_t i = 0; i < b->n; i++) {
		const struct pst_requirement *req = &b->reqs[i];

		if (!is_on_namespace(req)) {
			b->reqs[kept++] = *req;
			continue;
		}
		if (!admits_namespace(req, scope->ns))
			pst_diags_add(
				r->diags, PST_SEVERITY_WARNING, "subject-namespace", &req->pos,
				"a policy selects endpoints of its own namespace \"%s\" only; this requirement is passed over",
				scope->ns);
	}
	b->n = kept;
	add_namespace(b, pos, scope);
}

static void scope_peer(struct build *b, const struct pst_pos *pos,
		       const struct pst_cnp_scope *scope)
{
	if (!scope->ns && scope->is_init)
		return;
	for (size_t i = 0; i < b->n; i++) {
		const struct pst_requirement *req = &b->reqs[i];

		if (is_on_namespace(req) || !strcmp(req->source, "reserved") ||
		    (scope->ns && is_on_namespace_label(req)))
			return;
	}
	add_namespace(b, pos, scope);
}

/* What toNodes means beside what it says: nodes, and not this one. */
static void scope_node(struct build *b, const struct pst_pos *pos)
{
	b->reqs[b->n++] = (struct pst_requirement){
		.pos = *pos,
		.source = "reserved",
		.key = "remote-node",
		.op = PST_LABEL_EXISTS,
	};
}

int pst_cnp_selector_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  const struct pst_cnp_scope *scope, enum pst_cnp_selector_use use,
			  struct pst_selector *sel)
{
	struct build b = {.use = use};
	int e;

	b.reqs = pst_arena_calloc(r->arena, count(n) + 1, sizeof(*b.reqs));
	if (!b.reqs)
		return -ENOMEM;
	e = pst_fields_read(r, &selector_table, n, &b);
	if (!e && use == PST_CNP_SUBJECT)
		scope_subject(r, &b, &n->pos, scope);
	else if (!e && use == PST_CNP_PEER)
		scope_peer(&b, &n->pos, scope);
	else if (!e && use == PST_CNP_NODE)
		scope_node(&b, &n->pos);
	*sel = (struct pst_selector){.pos = n->pos, .reqs = b.reqs, .n_reqs = b.n};
	return e;
}

static bool is_init_key(const struct pst_yaml_node *key)
{
	return key && key->kind == PST_YAML_STRING && !strcmp(key->s, "reserved:init");
}

bool pst_cnp_selector_is_init(const struct pst_yaml_node *n)
{
	const struct pst_yaml_node *labels = pst_yaml_get(n, "matchLabels");
	const struct pst_yaml_node *expressions = pst_yaml_get(n, "matchExpressions");

	if (labels && labels->kind == PST_YAML_MAPPING) {
		for (const struct pst_yaml_node *c = labels->first; c; c = c->next) {
			if (is_init_key(c->key))
				return true;
		}
	}
	if (expressions && expressions->kind == PST_YAML_LIST) {
		for (const struct pst_yaml_node *c = expressions->first; c; c = c->next) {
			if (is_init_key(pst_yaml_get(c, "key")))
				return true;
		}
	}
	return false;
}
