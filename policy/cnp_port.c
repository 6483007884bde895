// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_port.h"

#include <errno.h>

#include "base/mem.h"
#include "policy/cnp_l7.h"
#include "policy/cnp_listener.h"
#include "policy/cnp_port_number.h"
#include "policy/cnp_tls.h"

enum { MAX_PORTS = 40 }; /* per element of toPorts, as in Cilium */

struct build {
	const struct pst_cnp_rule_context *ctx;
	struct pst_port_rule *pr;
	struct pst_cnp_l7 l7;
	struct pst_pos server_names_pos;
};

static int read_ports(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_port_rule *pr = ((struct build *)obj)->pr;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	if (n->len > MAX_PORTS)
		worst = pst_diags_error(r->diags, "too-many-ports", &n->key->pos,
					"%zu ports in one entry; the limit is %d", n->len,
					MAX_PORTS);
	pr->ports = pst_arena_calloc(r->arena, n->len, sizeof(*pr->ports));
	if (!pr->ports)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = pst_cnp_port_read(r, c, &pr->ports[pr->n_ports++]);

		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static int read_rules(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;

	return pst_cnp_l7_read(r, n, b->ctx, b->pr, &b->l7);
}

static int read_terminating(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_cnp_tls_read(r, n, &((struct build *)obj)->pr->terminating_tls);
}

static int read_originating(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return pst_cnp_tls_read(r, n, &((struct build *)obj)->pr->originating_tls);
}

static int read_server_names(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;

	b->server_names_pos = n->key->pos;
	return pst_cnp_server_names_read(r, n, b->pr);
}

static int read_listener(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;

	return pst_cnp_listener_read(r, n, b->ctx, &b->pr->listener);
}

static const struct pst_field allow_fields[] = {
	{.name = "ports", .read = read_ports},
	{.name = "rules", .read = read_rules},
	{.name = "terminatingTLS", .read = read_terminating},
	{.name = "originatingTLS", .read = read_originating},
	{.name = "serverNames", .read = read_server_names},
	{.name = "listener", .read = read_listener},
};
static const struct pst_fields allow_table = PST_FIELDS("an entry of toPorts", allow_fields);

#define NOT_IN_DENY(field)                                                                    \
	{                                                                                     \
		.name = (field), .use = PST_FIELD_FORBIDDEN, .id = "not-in-deny",             \
		.why = "a deny rule is about ports: there is no \"" field "\" in its toPorts" \
	}

static const struct pst_field deny_fields[] = {
	{.name = "ports", .read = read_ports},
	{.name = "rules",
	 .use = PST_FIELD_FORBIDDEN,
	 .id = "http-in-deny",
	 .why = "a deny rule has no L7 part: it would deny the whole port"},
	NOT_IN_DENY("terminatingTLS"),
	NOT_IN_DENY("originatingTLS"),
	NOT_IN_DENY("serverNames"),
	NOT_IN_DENY("listener"),
};
static const struct pst_fields deny_table = PST_FIELDS("an entry of toPorts", deny_fields);

/* What no field can tell alone. */
static int check_entry(struct pst_reader *r, const struct build *b)
{
	const struct pst_port_rule *pr = b->pr;
	int worst = pst_cnp_l7_check(r, &b->l7, pr);

	if (!pst_cnp_l7_has_rules(&b->l7))
		return worst;
	if (pr->n_server_names && !pr->terminating_tls)
		worst = pst_diags_error(
			r->diags, "server-names-need-tls", &b->server_names_pos,
			"server names beside L7 rules need terminatingTLS: what is encrypted cannot be read");
	if (pr->listener)
		worst = pst_diags_error(
			r->diags, "listener-with-l7", &pr->listener->pos,
			"a listener takes the place of L7 rules: it cannot stand beside them");
	return worst;
}

/* Reports what is valid and not enforced yet; -EINVAL when the rule must be closed for it. */
static int close_entry(struct pst_reader *r, struct build *b)
{
	static const char why[] = "postern does not enforce \"%s\" yet";
	struct pst_port_rule *pr = b->pr;
	const struct {
		const char *id, *field;
		const struct pst_pos *pos; /* NULL: it is not there */
	} parts[] = {
		{"unsupported-tls", "terminatingTLS",
		 pr->terminating_tls ? &pr->terminating_tls->pos : NULL},
		{"unsupported-tls", "originatingTLS",
		 pr->originating_tls ? &pr->originating_tls->pos : NULL},
		{"unsupported-server-names", "serverNames",
		 pr->n_server_names ? &b->server_names_pos : NULL},
		{"unsupported-listener", "listener", pr->listener ? &pr->listener->pos : NULL},
	};
	int worst = b->l7.closed ? -EINVAL : 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (parts[i].pos)
			worst = pst_fields_worse(worst, pst_reader_unsupported(r, parts[i].id,
									       parts[i].pos, why,
									       parts[i].field));
	}
	return worst;
}

/* To every port: what a deny rule may have meant. An allow rule without ports allows nothing. */
static int widen(struct pst_reader *r, struct pst_port_rule *pr)
{
	pr->ports = pst_arena_alloc(r->arena, sizeof(*pr->ports));
	if (!pr->ports)
		return -ENOMEM;
	pr->ports[0] = (struct pst_port){.pos = pr->pos, .protocol = PST_PROTOCOL_ANY};
	pr->n_ports = 1;
	return -EINVAL;
}

int pst_cnp_port_rule_read(struct pst_reader *r, const struct pst_yaml_node *n,
			   const struct pst_cnp_rule_context *ctx, struct pst_port_rule *pr)
{
	struct build b = {.ctx = ctx, .pr = pr};
	int e;

	*pr = (struct pst_port_rule){.pos = n->pos};
	e = pst_fields_read(r, ctx->deny ? &deny_table : &allow_table, n, &b);
	if (e == -ENOMEM)
		return e;
	if (!e)
		e = check_entry(r, &b);
	e = pst_fields_worse(e, close_entry(r, &b));
	if (e == -EINVAL && !pr->n_ports && ctx->deny)
		return widen(r, pr);
	if (!e && !pr->n_ports)
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "ports-missing", &n->pos,
			      "an entry of toPorts without ports %s nothing",
			      ctx->deny ? "denies" : "allows");
	return e;
}
