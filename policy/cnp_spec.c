// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_spec.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/cnp_rule.h"

enum {
	LOG_SINCE = 18,
	MAX_LOG = 32,		/* characters */
	NO_SECTIONS_SINCE = 18, /* Cilium that refuses a policy without rules */
};

struct build {
	struct pst_spec *spec;
	struct pst_cnp_scope scope;
	bool has_endpoint_selector;
	bool has_section[PST_DIRECTION_MAX];
};

static int read_endpoint_selector(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;

	b->has_endpoint_selector = true;
	return pst_cnp_selector_read(r, n, &b->scope, PST_CNP_SUBJECT, &b->spec->subject);
}

static int read_node_selector(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	int e;

	if (b->scope.ns)
		return pst_diags_error(r->diags, "node-selector", &n->key->pos,
				       "only a CiliumClusterwideNetworkPolicy has a nodeSelector");
	if (b->has_endpoint_selector) /* subject-both follows */
		return 0;
	e = pst_cnp_selector_read(r, n, NULL, PST_CNP_PLAIN, &b->spec->subject);
	if (e == -ENOMEM)
		return e;
	return pst_fields_worse(
		e, pst_reader_unsupported(r, "unsupported-host-policy", &n->key->pos,
					  "postern does not enforce policies for nodes yet"));
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

static int read_section(struct pst_reader *r, const struct pst_yaml_node *n, struct build *b,
			enum pst_direction direction, bool deny)
{
	const struct pst_cnp_rule_context ctx = {
		.direction = direction,
		.deny = deny,
		.clusterwide = !b->scope.ns,
		.is_host = b->spec->subject_is_node,
		.scope = &b->scope,
	};
	struct pst_spec *spec = b->spec;
	size_t index = 0;
	int e = pst_fields_expect(r, n, PST_YAML_LIST);

	if (e || !n->len)
		return e;
	b->has_section[direction] = true;
	if (reserve_rules(r, spec, n->len))
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		struct pst_rule *rule = &spec->rules[spec->n_rules++];

		rule->index = index++;
		e = pst_cnp_rule_read(r, c, &ctx, rule);
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

static int read_written(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_spec *spec,
			enum pst_direction direction)
{
	bool value = false;
	int e = pst_fields_bool(r, n, &value);

	if (e)
		return e;
	spec->default_deny_written[direction] = value ? PST_DEFAULT_DENY_YES : PST_DEFAULT_DENY_NO;
	spec->default_deny_pos[direction] = n->pos;
	return 0;
}

static int read_written_ingress(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_written(r, n, ((struct build *)obj)->spec, PST_DIRECTION_INGRESS);
}

static int read_written_egress(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_written(r, n, ((struct build *)obj)->spec, PST_DIRECTION_EGRESS);
}

static const struct pst_field default_deny_fields[] = {
	{.name = "ingress", .read = read_written_ingress},
	{.name = "egress", .read = read_written_egress},
};
static const struct pst_fields default_deny_table =
	PST_FIELDS("enableDefaultDeny", default_deny_fields);

static int read_default_deny(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_read(r, &default_deny_table, n, obj);
}

static int read_string(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	(void)obj;
	return pst_fields_expect(r, n, PST_YAML_STRING);
}

static int read_label_key(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int e = read_string(r, n, obj);

	if (e || n->len)
		return e;
	return pst_diags_error(r->diags, "label-invalid", &n->pos,
			       "expected the key of a label, found an empty string");
}

static const struct pst_field label_fields[] = {
	{.name = "key", .required = true, .read = read_label_key},
	{.name = "value", .read = read_string},
	{.name = "source", .read = read_string},
};
static const struct pst_fields label_table = PST_FIELDS("a policy label", label_fields);

/* They tell where a rule comes from, and nothing of what it means. */
static int read_labels(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next)
		worst = pst_fields_worse(worst, pst_fields_read(r, &label_table, c, obj));
	return worst;
}

/* Control characters in UTF-8: C0, DEL and C1. */
static bool is_control(const char *s)
{
	unsigned char first = (unsigned char)s[0], second = (unsigned char)s[1];

	return first < 0x20 || first == 0x7f || (first == 0xc2 && second < 0xa0);
}

static int read_log_value(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_text *log = &((struct build *)obj)->spec->log;
	size_t n_chars = 0;
	int e = pst_fields_text(r, n, log);

	if (e)
		return e;
	for (const char *s = log->s; *s; s++) {
		n_chars += ((unsigned char)*s & 0xc0) != 0x80; /* what continues a character */
		if (is_control(s))
			return pst_diags_error(r->diags, "log-invalid", &n->pos,
					       "expected printable characters, found byte 0x%02x",
					       (unsigned char)*s);
	}
	if (n_chars <= MAX_LOG)
		return 0;
	return pst_diags_error(r->diags, "log-invalid", &n->pos,
			       "expected at most %d characters, found %zu", MAX_LOG, n_chars);
}

static const struct pst_field log_fields[] = {
	{.name = "value", .read = read_log_value},
};
static const struct pst_fields log_table = PST_FIELDS("log", log_fields);

static int read_log(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_read(r, &log_table, n, obj);
}

static const struct pst_field spec_fields[] = {
	{.name = "endpointSelector", .read = read_endpoint_selector},
	{.name = "nodeSelector", .read = read_node_selector},
	{.name = "ingress", .read = read_ingress},
	{.name = "egress", .read = read_egress},
	{.name = "ingressDeny", .read = read_ingress_deny},
	{.name = "egressDeny", .read = read_egress_deny},
	{.name = "enableDefaultDeny", .read = read_default_deny},
	{.name = "description", .neutral = true, .read = read_string},
	{.name = "labels", .neutral = true, .read = read_labels},
	{.name = "log", .neutral = true, .since = LOG_SINCE, .read = read_log},
};
static const struct pst_fields spec_table = PST_FIELDS("a policy spec", spec_fields);

static void settle_default_deny(struct build *b)
{
	for (int d = 0; d < PST_DIRECTION_MAX; d++) {
		enum pst_default_deny written = b->spec->default_deny_written[d];

		b->spec->default_deny[d] = written == PST_DEFAULT_DENY_UNSET
						   ? b->has_section[d]
						   : written == PST_DEFAULT_DENY_YES;
	}
}

static int check_subject(struct pst_reader *r, const struct pst_yaml_node *n, const struct build *b,
			 bool has_node_selector)
{
	if (b->has_endpoint_selector && has_node_selector && !b->scope.ns)
		return pst_diags_error(
			r->diags, "subject-both", &n->pos,
			"expected endpointSelector or nodeSelector, found both; write two policies");
	if (b->has_endpoint_selector || has_node_selector)
		return 0;
	return pst_diags_error(r->diags, "subject-missing", &n->pos, "a policy spec needs %s",
			       b->scope.ns ? "the field \"endpointSelector\""
					   : "the field \"endpointSelector\" or \"nodeSelector\"");
}

static int check_sections(struct pst_reader *r, const struct pst_yaml_node *n,
			  const struct pst_spec *spec)
{
	if (spec->n_rules || !pst_reader_at_least(r, NO_SECTIONS_SINCE))
		return 0;
	return pst_diags_error(
		r->diags, "no-sections", &n->pos,
		"a policy needs at least one non-empty list of ingress, egress, ingressDeny or egressDeny; \"ingress: [{}]\" allows nothing in");
}

static int scope_init(struct pst_reader *r, const struct pst_yaml_node *n, const char *ns,
		      struct pst_cnp_scope *scope)
{
	const char **list = pst_arena_alloc(r->arena, sizeof(*list));

	if (!list)
		return -ENOMEM;
	*list = ns;
	*scope = (struct pst_cnp_scope){
		.ns = ns,
		.ns_as_list = list,
		.is_init = pst_cnp_selector_is_init(pst_yaml_get(n, "endpointSelector")),
	};
	return 0;
}

int pst_cnp_spec_read(struct pst_reader *r, const struct pst_yaml_node *n, const char *ns,
		      const char *path, struct pst_spec *spec)
{
	/* Rules may stand before the subject that decides what they mean. */
	bool has_node_selector = pst_yaml_get(n, "nodeSelector");
	struct build b = {.spec = spec};
	int e;

	*spec = (struct pst_spec){
		.pos = n->pos,
		.path = path,
		.subject_is_node = has_node_selector && !ns,
	};
	if (scope_init(r, n, ns, &b.scope))
		return -ENOMEM;
	e = pst_fields_read(r, &spec_table, n, &b);
	if (e == -ENOMEM || n->kind != PST_YAML_MAPPING)
		return e;
	settle_default_deny(&b);
	e = pst_fields_worse(e, check_subject(r, n, &b, has_node_selector));
	return e ? e : check_sections(r, n, spec);
}
