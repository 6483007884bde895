// SPDX-License-Identifier: Apache-2.0
#include "policy/object.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "policy/nearest.h"

struct walk {
	struct pst_reader r;
	pst_object_take take;
	void *ctx;
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

static int take_object(struct walk *w, const struct pst_yaml_node *n)
{
	struct pst_object o = {.node = n};

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

static int each_document(struct walk *w, const struct pst_yaml_node *docs, const char *name)
{
	const struct pst_pos whole = {.file = name};
	bool any = false;
	int worst = 0;

	for (; docs && worst != -ENOMEM; docs = docs->next) {
		if (docs->kind == PST_YAML_NULL)
			continue;
		any = true;
		worst = pst_fields_worse(worst, take_object(w, docs));
	}
	if (any)
		return worst;
	return pst_diags_error(w->r.diags, "empty-file", &whole,
			       "expected Kubernetes objects, found no document");
}

int pst_objects_each(struct pst_diags *diags, const struct pst_yaml_input *in, pst_object_take take,
		     void *ctx)
{
	struct pst_arena *arena pst_cleanup(pst_arena_free) = pst_arena_new();
	struct walk w = {.r = {.arena = arena, .diags = diags}, .take = take, .ctx = ctx};
	const struct pst_yaml_node *docs = NULL;
	int r;

	if (!arena)
		return -ENOMEM;
	r = pst_yaml_parse(arena, in, diags, &docs);
	/* A file that has been refused already is not called empty as well. */
	if (r == -ENOMEM || (r && !docs))
		return r;
	return pst_fields_worse(r, each_document(&w, docs, in->name));
}
