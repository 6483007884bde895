// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_meta.h"

#include "policy/labels.h"

#include <string.h>

static int check_name(struct pst_reader *r, const struct pst_text *text, bool valid)
{
	if (valid)
		return 0;
	return pst_diags_error(
		r->diags, "name-invalid", &text->pos,
		"\"%.64s\" is not a name: expected lower-case letters, digits, '-' (and '.' in names of policies)",
		text->s);
}

static int read_name(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_text *name = &((struct pst_cnp_meta *)obj)->name;
	int e = pst_fields_text(r, n, name);

	return e ? e : check_name(r, name, pst_name_is_valid(name->s));
}

static int read_namespace(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_cnp_meta *meta = obj;
	struct pst_text ns = {0};
	int e = pst_fields_text(r, n, &ns);

	if (e || !ns.len) /* empty means default, as absent does */
		return e;
	if (meta->clusterwide) {
		/* The API server clears it for kinds without namespaces, and accepts the object. */
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "clusterwide-namespace", &n->key->pos,
			      "a clusterwide policy has no namespace; \"%.64s\" is passed over",
			      ns.s);
		return 0;
	}
	e = check_name(r, &ns, pst_namespace_is_valid(ns.s));
	if (!e)
		meta->ns = ns;
	return e;
}

static int check_key(struct pst_reader *r, const struct pst_yaml_node *key, const char *what)
{
	if (key->kind == PST_YAML_STRING && pst_label_key_is_valid(key->s))
		return 0;
	return pst_diags_error(r->diags, "label-invalid", &key->pos,
			       "\"%.128s\" is not the key of %s (expected [dns.name/]name)", key->s,
			       what);
}

static int read_labels(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);

	(void)obj;
	if (worst)
		return worst;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = pst_fields_worse(check_key(r, c->key, "a label"),
					 pst_fields_expect(r, c, PST_YAML_STRING));

		if (!e && !pst_label_value_is_valid(c->s))
			e = pst_diags_error(
				r->diags, "label-invalid", &c->pos,
				"\"%.128s\" is not a label value (expected at most 63 letters, digits, '-', '_', '.')",
				c->s);
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static int read_annotations(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int worst = pst_fields_expect(r, n, PST_YAML_MAPPING);
	struct pst_cnp_meta *meta = obj;

	if (worst)
		return worst;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = pst_fields_worse(check_key(r, c->key, "an annotation"),
					 pst_fields_expect(r, c, PST_YAML_STRING));

		if (!e && !strcmp(c->key->s, "postern.io/audit"))
			meta->audit = !strcmp(c->s, "true");
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static const struct pst_field metadata_fields[] = {
	{.name = "name", .required = true, .read = read_name},
	{.name = "namespace", .read = read_namespace},
	{.name = "labels", .neutral = true, .read = read_labels},
	{.name = "annotations", .neutral = true, .read = read_annotations},
	{.name = "uid", .use = PST_FIELD_UNREAD},
	{.name = "resourceVersion", .use = PST_FIELD_UNREAD},
	{.name = "generation", .use = PST_FIELD_UNREAD},
	{.name = "creationTimestamp", .use = PST_FIELD_UNREAD},
	{.name = "deletionTimestamp", .use = PST_FIELD_UNREAD},
	{.name = "deletionGracePeriodSeconds", .use = PST_FIELD_UNREAD},
	{.name = "managedFields", .use = PST_FIELD_UNREAD},
	{.name = "ownerReferences", .use = PST_FIELD_UNREAD},
	{.name = "finalizers", .use = PST_FIELD_UNREAD},
	{.name = "selfLink", .use = PST_FIELD_UNREAD},
	{.name = "generateName", .use = PST_FIELD_UNREAD},
};
static const struct pst_fields metadata_table = PST_FIELDS("metadata", metadata_fields);

int pst_cnp_meta_read(struct pst_reader *r, const struct pst_yaml_node *n,
		      struct pst_cnp_meta *meta)
{
	return pst_fields_read(r, &metadata_table, n, meta);
}
