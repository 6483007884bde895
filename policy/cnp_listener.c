// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_listener.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/nearest.h"

#define NAMESPACED  "CiliumEnvoyConfig"
#define CLUSTERWIDE "CiliumClusterwideEnvoyConfig"

enum { MAX_PRIORITY = 100 };

static int read_kind(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_listener *listener = obj;
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;
	int e = pst_fields_text(r, n, &listener->config_kind);

	if (e || !strcmp(n->s, NAMESPACED) || !strcmp(n->s, CLUSTERWIDE))
		return e;
	pst_nearest_init(&near, n->s);
	pst_nearest_offer(&near, NAMESPACED);
	pst_nearest_offer(&near, CLUSTERWIDE);
	return pst_diags_error(r->diags, "listener-kind", &n->pos,
			       "expected " NAMESPACED " or " CLUSTERWIDE ", found \"%.64s\"%s",
			       n->s, pst_nearest_hint(&near, hint));
}

static int read_named(struct pst_reader *r, const struct pst_yaml_node *n, struct pst_text *text)
{
	int e = pst_fields_text(r, n, text);

	if (!e && !n->len)
		return pst_diags_error(r->diags, "listener-name-missing", &n->pos,
				       "expected a name, found an empty string");
	return e;
}

static int read_config_name(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_named(r, n, &((struct pst_listener *)obj)->config_name);
}

static int read_name(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_named(r, n, &((struct pst_listener *)obj)->name);
}

static const struct pst_field config_fields[] = {
	{.name = "kind", .read = read_kind},
	{.name = "name", .required = true, .read = read_config_name},
};
static const struct pst_fields config_table = PST_FIELDS("envoyConfig", config_fields);

static int read_config(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_fields_read(r, &config_table, n, obj);
}

static int read_priority(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	unsigned int value = 0;
	int e = pst_fields_expect(r, n, PST_YAML_NUMBER);

	if (!e)
		e = pst_fields_uint(r, n, 999999999, &value);
	if (e)
		return e;
	if (!value || value > MAX_PRIORITY)
		return pst_diags_error(r->diags, "listener-priority", &n->pos,
				       "expected a priority from 1 to %d, found %u", MAX_PRIORITY,
				       value);
	((struct pst_listener *)obj)->priority = value;
	return 0;
}

static const struct pst_field listener_fields[] = {
	{.name = "envoyConfig", .required = true, .read = read_config},
	{.name = "name", .required = true, .read = read_name},
	{.name = "priority", .read = read_priority},
};
static const struct pst_fields listener_table = PST_FIELDS("a listener", listener_fields);

int pst_cnp_listener_read(struct pst_reader *r, const struct pst_yaml_node *n,
			  const struct pst_cnp_rule_context *ctx,
			  struct pst_listener **ret_listener)
{
	struct pst_listener *listener = pst_arena_alloc(r->arena, sizeof(*listener));
	int e;

	if (!listener)
		return -ENOMEM;
	listener->pos = n->key->pos;
	e = pst_fields_read(r, &listener_table, n, listener);
	if (ctx->direction == PST_DIRECTION_INGRESS)
		e = pst_fields_worse(e,
				     pst_diags_error(r->diags, "listener-on-ingress", &n->key->pos,
						     "a listener can stand in egress only"));
	if (!e && ctx->clusterwide && listener->config_kind.s &&
	    !strcmp(listener->config_kind.s, NAMESPACED))
		e = pst_diags_error(r->diags, "listener-namespaced", &listener->config_kind.pos,
				    "a clusterwide policy has no namespace in which a " NAMESPACED
				    " could be found; expected " CLUSTERWIDE);
	if (!e)
		*ret_listener = listener;
	return e;
}
