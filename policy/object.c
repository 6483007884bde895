// SPDX-License-Identifier: Apache-2.0
#include "policy/object.h"

#include <errno.h>
#include <string.h>

#include "policy/helm.h"
#include "policy/nearest.h"

struct walk {
	struct pst_reader r;
	pst_object_take take;
	void *ctx;
	bool any; /* there was a document with content */
	bool skip_foreign;
};

static int each_in_list(struct walk *w, const struct pst_yaml_node *list);

static int read_items(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int e = pst_fields_expect(r, n, PST_YAML_LIST);

	return e ? e : each_in_list(obj, n);
}

static const struct pst_field list_fields[] = {
	{.name = "apiVersion", .use = PST_FIELD_UNREAD},
	{.name = "kind", .use = PST_FIELD_UNREAD},
	{.name = "metadata", .use = PST_FIELD_UNREAD},
	{.name = "items", .read = read_items},
};
static const struct pst_fields list_table = PST_FIELDS("a List", list_fields);

static void missing(struct walk *w, const struct pst_yaml_node *n, const char *key)
{
	struct pst_nearest near;

	pst_nearest_init(&near, key);
	for (const struct pst_yaml_node *c = n->first; c; c = c->next)
		pst_nearest_offer(&near, c->key->s);
	pst_diags_error(w->r.diags, "missing-field", &n->pos,
			"a Kubernetes object needs the field \"%s\"%s%.32s%s", key,
			near.best ? "; found \"" : "", near.best ? near.best : "",
			near.best ? "\"" : "");
}

/* The string KEY of an object, or NULL after a diagnostic. */
static const char *required_string(struct walk *w, const struct pst_yaml_node *n, const char *key)
{
	const struct pst_yaml_node *value = pst_yaml_get(n, key);

	if (!value) {
		missing(w, n, key);
		return NULL;
	}
	return pst_fields_expect(&w->r, value, PST_YAML_STRING) ? NULL : value->s;
}

/* Somebody meant a policy, however the keys are spelt: one of them has a value of Cilium's. */
static bool looks_like_ciliums(const struct pst_yaml_node *n)
{
	for (const struct pst_yaml_node *c = n->kind == PST_YAML_MAPPING ? n->first : NULL; c;
	     c = c->next) {
		if (c->kind == PST_YAML_STRING &&
		    (!strncmp(c->s, "cilium.io/", 10) || !strncmp(c->s, "Cilium", 6)))
			return true;
	}
	return false;
}

static bool has_string(const struct pst_yaml_node *n, const char *key)
{
	const struct pst_yaml_node *value = pst_yaml_get(n, key);

	return value && value->kind == PST_YAML_STRING;
}

static bool is_foreign(const struct pst_yaml_node *n)
{
	return !(has_string(n, "apiVersion") && has_string(n, "kind")) && !looks_like_ciliums(n);
}

static int take_object(struct walk *w, const struct pst_yaml_node *n)
{
	struct pst_object o = {.node = n, .api_version = "", .kind = ""};

	if (w->skip_foreign && is_foreign(n))
		return w->take(w->ctx, &o);
	if (n->kind != PST_YAML_MAPPING)
		return pst_diags_error(w->r.diags, "not-an-object", &n->pos,
				       "expected a Kubernetes object (a mapping), found %s",
				       pst_yaml_kind_str(n->kind));
	o.api_version = required_string(w, n, "apiVersion");
	o.kind = required_string(w, n, "kind");
	if (!o.api_version || !o.kind)
		return -EINVAL;
	if (!strcmp(o.kind, "List") && !strcmp(o.api_version, "v1"))
		return pst_fields_read(&w->r, &list_table, n, w);
	return w->take(w->ctx, &o);
}

static int each_in_list(struct walk *w, const struct pst_yaml_node *list)
{
	int worst = 0;

	for (const struct pst_yaml_node *c = list->first; c && worst != -ENOMEM; c = c->next)
		worst = pst_fields_worse(worst, take_object(w, c));
	return worst;
}

static int take_document(void *ctx, const struct pst_yaml_node *doc)
{
	struct walk *w = ctx;

	if (doc->kind == PST_YAML_NULL)
		return 0;
	w->any = true;
	return take_object(w, doc);
}

int pst_objects_each(struct pst_diags *diags, const struct pst_yaml_input *in, pst_object_take take,
		     void *ctx)
{
	struct walk w = {
		.r = {.diags = diags},
		.take = take,
		.ctx = ctx,
		.skip_foreign = in->skip_foreign,
	};
	const struct pst_pos whole = {.file = in->name};
	struct pst_pos brace;
	bool is_template;
	int r = pst_helm_find(in, &is_template, &brace);

	if (r)
		return r;
	if (is_template) {
		pst_helm_report(diags, in->template_severity, &brace);
		return -EINVAL;
	}
	r = pst_yaml_each(in, diags, take_document, &w);
	/* A file that has been refused already is not called empty as well. */
	if (r || w.any)
		return r;
	return pst_diags_error(diags, "empty-file", &whole,
			       "expected Kubernetes objects, found no document");
}
