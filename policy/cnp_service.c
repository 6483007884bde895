// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_service.h"

#include <errno.h>

#include "base/mem.h"
#include "policy/cnp_selector.h"
#include "policy/labels.h"

struct build {
	struct pst_service_peer *peer;
	size_t n_members;
};

static int check_name(struct pst_reader *r, const struct pst_text *text)
{
	if (pst_name_is_valid(text->s))
		return 0;
	return pst_diags_error(r->diags, "name-invalid", &text->pos,
			       "expected the name of a Service or namespace, found \"%.64s\"",
			       text->s);
}

static int read_name(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_service_peer *peer = obj;
	int e = pst_fields_text(r, n, &peer->name);

	return e ? e : check_name(r, &peer->name);
}

/* An empty namespace is none, as it is for Kubernetes. */
static int read_namespace(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_text ns = {0};
	int e = pst_fields_text(r, n, &ns);

	if (e || !ns.len)
		return e;
	((struct pst_service_peer *)obj)->ns = ns;
	return check_name(r, &ns);
}

static int read_selector(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_selector *sel = pst_arena_alloc(r->arena, sizeof(*sel));

	if (!sel)
		return -ENOMEM;
	((struct pst_service_peer *)obj)->selector = sel;
	return pst_cnp_selector_read(r, n, NULL, PST_CNP_PLAIN, sel);
}

static const struct pst_field by_name_fields[] = {
	{.name = "serviceName", .required = true, .read = read_name},
	{.name = "namespace", .read = read_namespace},
};
static const struct pst_fields by_name_table = PST_FIELDS("k8sService", by_name_fields);

static const struct pst_field by_selector_fields[] = {
	{.name = "selector", .required = true, .read = read_selector},
	{.name = "namespace", .read = read_namespace},
};
static const struct pst_fields by_selector_table =
	PST_FIELDS("k8sServiceSelector", by_selector_fields);

static int read_by_name(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;

	b->n_members++;
	return pst_fields_read(r, &by_name_table, n, b->peer);
}

static int read_by_selector(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;

	b->n_members++;
	return pst_fields_read(r, &by_selector_table, n, b->peer);
}

static const struct pst_field service_fields[] = {
	{.name = "k8sService", .read = read_by_name},
	{.name = "k8sServiceSelector", .read = read_by_selector},
};
static const struct pst_fields service_table =
	PST_FIELDS("an element of toServices", service_fields);

int pst_cnp_service_read(struct pst_reader *r, const struct pst_yaml_node *n,
			 struct pst_service_peer *peer)
{
	struct build b = {.peer = peer};
	int e;

	*peer = (struct pst_service_peer){.pos = n->pos};
	e = pst_fields_read(r, &service_table, n, &b);
	if (e || b.n_members == 1)
		return e;
	return pst_diags_error(r->diags, b.n_members ? "service-both" : "service-none", &n->pos,
			       "expected k8sService or k8sServiceSelector, found %s",
			       b.n_members ? "both; write two elements" : "neither");
}
