// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_rule.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/cnp_entity.h"
#include "policy/cnp_port.h"
#include "policy/cnp_selector.h"

struct build {
	struct pst_rule *rule;
	const struct pst_cnp_rule_context *ctx;
	const struct pst_yaml_node *member; /* the first peer member that is not empty */
	bool peers_unread;		    /* there are peers that cannot be told */
};

static int reserve_peers(struct pst_reader *r, struct pst_rule *rule, size_t extra)
{
	struct pst_selector *peers =
		pst_arena_calloc(r->arena, rule->n_peers + extra, sizeof(*peers));

	if (!peers)
		return -ENOMEM;
	if (rule->n_peers)
		memcpy(peers, rule->peers, rule->n_peers * sizeof(*peers));
	rule->peers = peers;
	return 0;
}

/* The start of each peer member: it is a list, and the only kind of peer with elements. */
static int open_member(struct pst_reader *r, const struct pst_yaml_node *n, struct build *b)
{
	int e = pst_fields_expect(r, n, PST_YAML_LIST);

	if (e) {
		b->peers_unread = true;
		return e;
	}
	b->rule->peer_kind = PST_PEER_SELECTORS;
	if (!n->len)
		return 0;
	if (b->member)
		return pst_diags_error(
			r->diags, "two-peer-kinds", &n->key->pos,
			"\"%s\" cannot be combined with \"%s\" of line %u; write two rules",
			n->key->s, b->member->key->s, b->member->key->pos.line);
	b->member = n;
	return 0;
}

static int read_endpoints(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	struct pst_rule *rule = b->rule;
	int worst = open_member(r, n, b);

	if (n->kind != PST_YAML_LIST)
		return worst;
	if (reserve_peers(r, rule, n->len))
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		struct pst_selector *sel = &rule->peers[rule->n_peers++];
		int e = pst_cnp_selector_read(r, c, sel);

		/* What could not be read may have named another namespace. */
		if (!e)
			e = pst_cnp_selector_scope_peer(r, b->ctx->ns, sel);
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static int read_entities(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	struct pst_rule *rule = b->rule;
	int worst = open_member(r, n, b);
	int e;

	if (n->kind != PST_YAML_LIST)
		return worst;
	if (reserve_peers(r, rule, pst_cnp_entities_room(n->len)))
		return -ENOMEM;
	e = pst_cnp_entities_read(r, n, rule->peers, &rule->n_peers);
	if (e)
		b->peers_unread = true;
	return pst_fields_worse(worst, e);
}

/* After the report that this kind of peer is not supported. */
static int note_unread_peers(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;

	(void)r;
	(void)n;
	b->peers_unread = true;
	return 0;
}

static int note_unread(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	(void)r;
	(void)n;
	(void)obj;
	return 0;
}

static int read_to_ports(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct build *b = obj;
	struct pst_rule *rule = b->rule;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	rule->ports = pst_arena_calloc(r->arena, n->len, sizeof(*rule->ports));
	if (!rule->ports)
		return -ENOMEM;
	rule->has_ports = n->len > 0;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = pst_cnp_port_rule_read(r, c, b->ctx, &rule->ports[rule->n_ports++]);

		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

#define UNSUPPORTED(field, what)                                                         \
	{                                                                                \
		.name = (field), .unsupported = "unsupported-" what, .read = note_unread \
	}
#define UNSUPPORTED_PEER(field, what)                                                          \
	{                                                                                      \
		.name = (field), .unsupported = "unsupported-" what, .read = note_unread_peers \
	}
#define REMOVED(field)                                                              \
	{                                                                           \
		.name = (field), .use = PST_FIELD_FORBIDDEN, .id = "removed-field", \
		.why = "\"" field "\" was removed from Cilium in version 1.19"      \
	}
#define NOT_IN_DENY(field)                                                        \
	{                                                                         \
		.name = (field), .use = PST_FIELD_FORBIDDEN, .id = "not-in-deny", \
		.why = "a deny rule has no field \"" field "\""                   \
	}

static const struct pst_field ingress_fields[] = {
	{.name = "fromEndpoints", .read = read_endpoints},
	{.name = "fromEntities", .read = read_entities},
	{.name = "toPorts", .read = read_to_ports},
	UNSUPPORTED_PEER("fromCIDR", "cidr"),
	UNSUPPORTED_PEER("fromCIDRSet", "cidr"),
	UNSUPPORTED_PEER("fromNodes", "nodes"),
	UNSUPPORTED_PEER("fromGroups", "groups"),
	REMOVED("fromRequires"),
	UNSUPPORTED("icmps", "icmp"),
	UNSUPPORTED("authentication", "authentication"),
};

static const struct pst_field egress_fields[] = {
	{.name = "toEndpoints", .read = read_endpoints},
	{.name = "toEntities", .read = read_entities},
	{.name = "toPorts", .read = read_to_ports},
	UNSUPPORTED_PEER("toCIDR", "cidr"),
	UNSUPPORTED_PEER("toCIDRSet", "cidr"),
	UNSUPPORTED_PEER("toNodes", "nodes"),
	UNSUPPORTED_PEER("toGroups", "groups"),
	UNSUPPORTED_PEER("toServices", "services"),
	UNSUPPORTED_PEER("toFQDNs", "fqdn"),
	REMOVED("toRequires"),
	UNSUPPORTED("icmps", "icmp"),
	UNSUPPORTED("authentication", "authentication"),
};

static const struct pst_field ingress_deny_fields[] = {
	{.name = "fromEndpoints", .read = read_endpoints},
	{.name = "fromEntities", .read = read_entities},
	{.name = "toPorts", .read = read_to_ports},
	UNSUPPORTED_PEER("fromCIDR", "cidr"),
	UNSUPPORTED_PEER("fromCIDRSet", "cidr"),
	UNSUPPORTED_PEER("fromNodes", "nodes"),
	UNSUPPORTED_PEER("fromGroups", "groups"),
	REMOVED("fromRequires"),
	UNSUPPORTED("icmps", "icmp"),
	NOT_IN_DENY("authentication"),
};

static const struct pst_field egress_deny_fields[] = {
	{.name = "toEndpoints", .read = read_endpoints},
	{.name = "toEntities", .read = read_entities},
	{.name = "toPorts", .read = read_to_ports},
	UNSUPPORTED_PEER("toCIDR", "cidr"),
	UNSUPPORTED_PEER("toCIDRSet", "cidr"),
	UNSUPPORTED_PEER("toNodes", "nodes"),
	UNSUPPORTED_PEER("toGroups", "groups"),
	UNSUPPORTED_PEER("toServices", "services"),
	REMOVED("toRequires"),
	UNSUPPORTED("icmps", "icmp"),
	NOT_IN_DENY("toFQDNs"),
	NOT_IN_DENY("authentication"),
};

static const struct pst_fields tables[PST_DIRECTION_MAX][2] = {
	[PST_DIRECTION_INGRESS] =
		{
			PST_FIELDS("an ingress rule", ingress_fields),
			PST_FIELDS("an ingress deny rule", ingress_deny_fields),
		},
	[PST_DIRECTION_EGRESS] =
		{
			PST_FIELDS("an egress rule", egress_fields),
			PST_FIELDS("an egress deny rule", egress_deny_fields),
		},
};

/* Makes a refused rule mean no more (allow) or no less (deny) than it may have meant. */
static int close_refused(struct pst_reader *r, struct build *b)
{
	struct pst_rule *rule = b->rule;

	rule->refused = true;
	rule->peer_kind = PST_PEER_SELECTORS;
	if (!rule->deny) {
		rule->n_peers = 0;
		return 0;
	}
	if (rule->n_peers && !b->peers_unread)
		return 0;
	rule->peers = pst_arena_alloc(r->arena, sizeof(*rule->peers));
	if (!rule->peers)
		return -ENOMEM;
	rule->peers[0] = (struct pst_selector){.pos = rule->pos};
	rule->n_peers = 1;
	return 0;
}

int pst_cnp_rule_read(struct pst_reader *r, const struct pst_yaml_node *n,
		      const struct pst_cnp_rule_context *ctx, struct pst_rule *rule)
{
	struct build b = {.rule = rule, .ctx = ctx};
	int e;

	*rule = (struct pst_rule){.pos = n->pos, .direction = ctx->direction, .deny = ctx->deny};
	e = pst_fields_read(r, &tables[ctx->direction][ctx->deny], n, &b);
	return e == -EINVAL ? close_refused(r, &b) : e;
}
