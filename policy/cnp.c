// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/cnp_rule.h"
#include "policy/cnp_selector.h"
#include "policy/labels.h"

/* What enableDefaultDeny says about a direction. */
enum tristate {
	UNSET,
	NO,
	YES,
};

struct spec_build {
	struct pst_spec *spec;
	const char *ns;
	enum tristate wanted[PST_DIRECTION_MAX];
	bool has_section[PST_DIRECTION_MAX];
};

static int read_subject(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct spec_build *b = obj;
	int e = pst_cnp_selector_read(r, n, &b->spec->subject);

	return e ? e : pst_cnp_selector_scope_subject(r, b->ns, &b->spec->subject);
}

static int reserve_rules(struct pst_reader *r, struct pst_spec *spec, size_t extra)
{
	struct pst_rule *rules = pst_arena_calloc(r->arena, spec->n_rules + extra, sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	if (spec->n_rules)
		memcpy(rules, spec->rules, spec->n_rules * sizeof(*rules));
	spec->rules = rules;
	return 0;
}

static int read_section(struct pst_reader *r, const struct pst_yaml_node *n, struct spec_build *b,
			enum pst_direction direction, bool deny)
{
	const struct pst_cnp_rule_context ctx = {.direction = direction, .deny = deny, .ns = b->ns};
	struct pst_spec *spec = b->spec;
	int e = pst_fields_expect(r, n, PST_YAML_LIST);

	if (e)
		return e;
	if (n->len)
		b->has_section[direction] = true;
	if (reserve_rules(r, spec, n->len))
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		e = pst_cnp_rule_read(r, c, &ctx, &spec->rules[spec->n_rules++]);
		if (e)
			return e;
	}
	return 0;
}

static int read_ingress(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_section(r, n, obj, PST_DIRECTION_INGRESS, false);
}

static int read_egress(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_section(r, n, obj, PST_DIRECTION_EGRESS, false);
}

static int read_ingress_deny(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_section(r, n, obj, PST_DIRECTION_INGRESS, true);
}

static int read_egress_deny(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_section(r, n, obj, PST_DIRECTION_EGRESS, true);
}

static int read_wanted(struct pst_reader *r, const struct pst_yaml_node *n, enum tristate *wanted)
{
	bool value = false;
	int e = pst_fields_bool(r, n, &value);

	if (!e)
		*wanted = value ? YES : NO;
	return e;
}

static int read_wanted_ingress(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_wanted(r, n, &((struct spec_build *)obj)->wanted[PST_DIRECTION_INGRESS]);
}

static int read_wanted_egress(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_wanted(r, n, &((struct spec_build *)obj)->wanted[PST_DIRECTION_EGRESS]);
}

static const struct pst_field default_deny_fields[] = {
	{.name = "ingress", .read = read_wanted_ingress},
	{.name = "egress", .read = read_wanted_egress},
};
static const struct pst_fields default_deny_table =
	PST_FIELDS("enableDefaultDeny", default_deny_fields);

static int read_default_deny(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_read(r, &default_deny_table, n, obj);
}

static int read_description(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	(void)obj;
	return pst_fields_expect(r, n, PST_YAML_STRING);
}

static int pass(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	(void)r;
	(void)n;
	(void)obj;
	return 0;
}

static const struct pst_field spec_fields[] = {
	{.name = "endpointSelector", .required = true, .read = read_subject},
	{.name = "ingress", .read = read_ingress},
	{.name = "egress", .read = read_egress},
	{.name = "ingressDeny", .read = read_ingress_deny},
	{.name = "egressDeny", .read = read_egress_deny},
	{.name = "enableDefaultDeny", .read = read_default_deny},
	{.name = "description", .neutral = true, .read = read_description},
	{.name = "labels", .neutral = true, .unsupported = "unsupported-labels", .read = pass},
	{.name = "log", .neutral = true, .unsupported = "unsupported-log", .read = pass},
	{.name = "nodeSelector",
	 .use = PST_FIELD_FORBIDDEN,
	 .id = "node-selector",
	 .why = "only a CiliumClusterwideNetworkPolicy has a nodeSelector"},
};
static const struct pst_fields spec_table = PST_FIELDS("a policy spec", spec_fields);

static void settle_default_deny(struct spec_build *b)
{
	for (int d = 0; d < PST_DIRECTION_MAX; d++) {
		bool *deny = &b->spec->default_deny[d];

		*deny = b->wanted[d] == UNSET ? b->has_section[d] : b->wanted[d] == YES;
	}
}

static int read_one_spec(struct pst_reader *r, const struct pst_yaml_node *n, const char *ns,
			 const char *path, struct pst_spec *spec)
{
	struct spec_build b = {.spec = spec, .ns = ns};
	int e;

	if (!path)
		return -ENOMEM;
	*spec = (struct pst_spec){.pos = n->pos, .path = path};
	e = pst_fields_read(r, &spec_table, n, &b);
	settle_default_deny(&b);
	if (!e && !spec->n_rules)
		return pst_diags_error(
			r->diags, "no-sections", &n->pos,
			"a policy needs at least one non-empty list of ingress, egress, ingressDeny or egressDeny; \"ingress: [{}]\" allows nothing in");
	return e;
}

struct policy_build {
	struct pst_text name, ns;
	const struct pst_yaml_node *spec, *specs;
};

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
	struct pst_text *name = &((struct policy_build *)obj)->name;
	int e = pst_fields_text(r, n, name);

	return e ? e : check_name(r, name, pst_name_is_valid(name->s));
}

static int read_namespace(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_text ns = {0};
	int e = pst_fields_text(r, n, &ns);

	if (e || !ns.len) /* empty means default, as absent does */
		return e;
	e = check_name(r, &ns, pst_namespace_is_valid(ns.s));
	if (!e)
		((struct policy_build *)obj)->ns = ns;
	return e;
}

static const struct pst_field metadata_fields[] = {
	{.name = "name", .required = true, .read = read_name},
	{.name = "namespace", .read = read_namespace},
	{.name = "labels", .use = PST_FIELD_UNREAD},
	{.name = "annotations", .use = PST_FIELD_UNREAD},
	{.name = "uid", .use = PST_FIELD_UNREAD},
	{.name = "resourceVersion", .use = PST_FIELD_UNREAD},
	{.name = "generation", .use = PST_FIELD_UNREAD},
	{.name = "creationTimestamp", .use = PST_FIELD_UNREAD},
	{.name = "managedFields", .use = PST_FIELD_UNREAD},
	{.name = "ownerReferences", .use = PST_FIELD_UNREAD},
	{.name = "finalizers", .use = PST_FIELD_UNREAD},
	{.name = "selfLink", .use = PST_FIELD_UNREAD},
	{.name = "generateName", .use = PST_FIELD_UNREAD},
};
static const struct pst_fields metadata_table = PST_FIELDS("metadata", metadata_fields);

static int read_metadata(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_read(r, &metadata_table, n, obj);
}

static int keep_spec(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	((struct policy_build *)obj)->spec = n;
	return pst_fields_expect(r, n, PST_YAML_MAPPING);
}

static int keep_specs(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	((struct policy_build *)obj)->specs = n;
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
static const struct pst_fields policy_table = PST_FIELDS("a CiliumNetworkPolicy", policy_fields);

static int read_specs(struct pst_reader *r, const struct policy_build *b, struct pst_policy *p)
{
	size_t index = 0;
	int worst = 0;

	p->specs =
		pst_arena_calloc(r->arena, 1 + (b->specs ? b->specs->len : 0), sizeof(*p->specs));
	if (!p->specs)
		return -ENOMEM;
	if (b->spec)
		worst = read_one_spec(r, b->spec, p->ns, "spec", &p->specs[p->n_specs++]);
	if (!b->specs)
		return worst;
	for (const struct pst_yaml_node *c = b->specs->first; c && worst != -ENOMEM; c = c->next) {
		const char *path = pst_arena_printf(r->arena, "specs[%zu]", index++);

		worst = pst_fields_worse(worst,
					 read_one_spec(r, c, p->ns, path, &p->specs[p->n_specs++]));
	}
	return worst;
}

int pst_cnp_read(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_policy *ret_policy)
{
	struct policy_build b = {.ns = {.s = r->options->default_ns}};
	struct pst_policy p = {.pos = n->pos};
	int e;

	e = pst_fields_read(r, &policy_table, n, &b);
	if (e == -ENOMEM)
		return e;
	p.name = b.name.s;
	p.ns = b.ns.s;
	/* Read on, even if the document is refused already: one run reports all mistakes. */
	e = pst_fields_worse(e, read_specs(r, &b, &p));
	if (!e && !p.n_specs)
		e = pst_diags_error(
			r->diags, "no-spec", &n->pos,
			"a CiliumNetworkPolicy needs \"spec\" or a non-empty list \"specs\"");
	if (!e)
		*ret_policy = p;
	return e;
}
