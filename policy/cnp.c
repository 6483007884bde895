// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp.h"

#include <errno.h>

#include "base/mem.h"
#include "policy/cnp_meta.h"
#include "policy/cnp_spec.h"

struct build {
	struct pst_cnp_meta meta;
	const struct pst_yaml_node *spec, *specs;
};

static int read_metadata(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_cnp_meta_read(r, n, &((struct build *)obj)->meta);
}

static int keep_spec(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	((struct build *)obj)->spec = n;
	return pst_fields_expect(r, n, PST_YAML_MAPPING);
}

static int keep_specs(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	((struct build *)obj)->specs = n;
	return pst_fields_expect(r, n, PST_YAML_LIST);
}

static const struct pst_field policy_fields[] = {
	{.name = "apiVersion", .use = PST_FIELD_UNREAD}, /* the caller has looked at these two */
	{.name = "kind", .use = PST_FIELD_UNREAD},
	{.name = "metadata", .required = true, .read = read_metadata},
	{.name = "spec", .read = keep_spec},
	{.name = "specs", .read = keep_specs},
	{.name = "status", .use = PST_FIELD_UNREAD},
};

/* By whether the kind is clusterwide. */
static const struct pst_fields policy_tables[2] = {
	PST_FIELDS("a CiliumNetworkPolicy", policy_fields),
	PST_FIELDS("a CiliumClusterwideNetworkPolicy", policy_fields),
};

static int read_specs(struct pst_reader *r, const struct build *b, const char *ns,
		      struct pst_policy *p)
{
	size_t n_listed = b->specs && b->specs->kind == PST_YAML_LIST ? b->specs->len : 0;
	size_t index = 0;
	int worst = 0;

	p->specs = pst_arena_calloc(r->arena, 1 + n_listed, sizeof(*p->specs));
	if (!p->specs)
		return -ENOMEM;
	if (b->spec && b->spec->kind == PST_YAML_MAPPING)
		worst = pst_cnp_spec_read(r, b->spec, ns, "spec", &p->specs[p->n_specs++]);
	if (!n_listed)
		return worst;
	for (const struct pst_yaml_node *c = b->specs->first; c && worst != -ENOMEM; c = c->next) {
		const char *path = pst_arena_printf(r->arena, "specs[%zu]", index++);

		if (!path)
			return -ENOMEM;
		worst = pst_fields_worse(
			worst, pst_cnp_spec_read(r, c, ns, path, &p->specs[p->n_specs++]));
	}
	return worst;
}

int pst_cnp_read(struct pst_reader *r, const struct pst_yaml_node *n, bool clusterwide,
		 struct pst_policy *ret_policy)
{
	struct build b = {.meta = {.clusterwide = clusterwide}};
	struct pst_policy p = {.pos = n->pos, .clusterwide = clusterwide};
	int e = pst_fields_read(r, &policy_tables[clusterwide], n, &b);

	if (e == -ENOMEM)
		return e;
	p.name_text = b.meta.name;
	p.name = b.meta.name.s;
	p.audit = b.meta.audit;
	p.ns = clusterwide ? "" : b.meta.ns.s ? b.meta.ns.s : r->options->default_ns;
	/* Read on, even if the document is refused already: one run reports all mistakes. */
	e = pst_fields_worse(e, read_specs(r, &b, clusterwide ? NULL : p.ns, &p));
	if (!e && !p.n_specs)
		e = pst_diags_error(r->diags, "no-spec", &n->pos,
				    "%s needs \"spec\" or a non-empty list \"specs\"",
				    policy_tables[clusterwide].what);
	if (!e)
		*ret_policy = p;
	return e;
}
