// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_rule.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/cnp_icmp.h"
#include "policy/cnp_peer.h"
#include "policy/cnp_port.h"

enum {
	REQUIRES_DEPRECATED = 17, /* fromRequires and toRequires */
	REQUIRES_UNTIL = 19,
	/*
	 * toServices together with toPorts: 1.16 refuses it, 1.20 takes it; in which version in
	 * between that changed is not known, so that the newer ones get the benefit of the doubt.
	 */
	SERVICES_WITH_PORTS_SINCE = 17,
};

static int read_to_ports(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_cnp_rule_build *b = obj;
	struct pst_rule *rule = b->rule;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst)
		return worst;
	rule->ports = pst_arena_calloc(r->arena, n->len, sizeof(*rule->ports));
	if (!rule->ports)
		return -ENOMEM;
	rule->has_ports = n->len > 0;
	b->to_ports = n->len ? n : NULL;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = pst_cnp_port_rule_read(r, c, b->ctx, &rule->ports[rule->n_ports++]);

		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static int read_icmps(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_cnp_rule_build *b = obj;
	int e = pst_cnp_icmps_read(r, n, b->rule);

	if (e == -ENOMEM || !b->rule->has_icmps)
		return e;
	b->icmps_key = n->key;
	return e;
}

static const char *const auth_modes[] = {
	[PST_AUTH_DISABLED] = "disabled",
	[PST_AUTH_REQUIRED] = "required",
	[PST_AUTH_ALWAYS_FAIL] = "test-always-fail",
};
static_assert(sizeof(auth_modes) / sizeof(*auth_modes) == PST_AUTH_MAX, "a name for each mode");

static int read_auth_mode(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_rule *rule = ((struct pst_cnp_rule_build *)obj)->rule;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	for (int mode = PST_AUTH_DISABLED; mode < PST_AUTH_MAX; mode++) {
		if (!strcmp(auth_modes[mode], n->s)) {
			rule->auth = (enum pst_auth_mode)mode;
			return 0;
		}
	}
	return pst_diags_error(r->diags, "auth-mode", &n->pos,
			       "expected disabled, required or test-always-fail, found \"%.32s\"",
			       n->s);
}

static const struct pst_field auth_fields[] = {
	{.name = "mode", .required = true, .read = read_auth_mode},
};
static const struct pst_fields auth_table = PST_FIELDS("authentication", auth_fields);

static int read_auth(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_rule *rule = ((struct pst_cnp_rule_build *)obj)->rule;
	int e = pst_fields_read(r, &auth_table, n, obj);

	rule->auth_pos = n->key->pos;
	if (e || rule->auth == PST_AUTH_DISABLED) /* which asks for nothing */
		return e;
	/* The rule stays as it is: it says who has to prove something, and nobody can. */
	pst_reader_unsupported(
		r, "unsupported-authentication", &n->key->pos,
		"postern does not authenticate peers: what this rule allows is denied");
	return 0;
}

static int read_requires(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_cnp_rule_build *b = obj;
	int worst = pst_fields_expect(r, n, PST_YAML_LIST);

	if (worst || !n->len)
		return worst;
	if (pst_reader_at_least(r, REQUIRES_UNTIL))
		return pst_diags_error(r->diags, "removed-field", &n->key->pos,
				       "\"%s\" was removed in Cilium 1.%d", n->key->s,
				       REQUIRES_UNTIL);
	if (pst_reader_at_least(r, REQUIRES_DEPRECATED))
		pst_diags_add(r->diags, PST_SEVERITY_WARNING, "requires-deprecated", &n->key->pos,
			      "\"%s\" is deprecated, and removed in Cilium 1.%d", n->key->s,
			      REQUIRES_UNTIL);
	for (const struct pst_yaml_node *c = n->first; c && worst != -ENOMEM; c = c->next) {
		struct pst_selector sel;

		worst = pst_fields_worse(
			worst, pst_cnp_selector_read(r, c, b->ctx->scope, PST_CNP_PEER, &sel));
	}
	if (worst == -ENOMEM)
		return worst;
	b->is_mistaken = true; /* the model has no room for what it requires */
	return pst_fields_worse(
		worst, pst_reader_unsupported(r, "unsupported-requires", &n->key->pos,
					      "postern does not enforce \"%s\"", n->key->s));
}

#define NOT_IN_DENY(field)                                                        \
	{                                                                         \
		.name = (field), .use = PST_FIELD_FORBIDDEN, .id = "not-in-deny", \
		.why = "a deny rule has no field \"" field "\""                   \
	}

#define INGRESS_FIELDS                                                   \
	{.name = "fromEndpoints", .read = pst_cnp_peer_endpoints},       \
		{.name = "fromEntities", .read = pst_cnp_peer_entities}, \
		{.name = "toPorts", .read = read_to_ports},              \
		{.name = "fromCIDR", .read = pst_cnp_peer_cidr},         \
		{.name = "fromCIDRSet", .read = pst_cnp_peer_cidr_set},  \
		{.name = "fromNodes", .read = pst_cnp_peer_nodes},       \
		{.name = "fromGroups", .read = pst_cnp_peer_groups},     \
		{.name = "fromRequires", .read = read_requires},         \
	{                                                                \
		.name = "icmps", .read = read_icmps                      \
	}

#define EGRESS_FIELDS                                                  \
	{.name = "toEndpoints", .read = pst_cnp_peer_endpoints},       \
		{.name = "toEntities", .read = pst_cnp_peer_entities}, \
		{.name = "toPorts", .read = read_to_ports},            \
		{.name = "toCIDR", .read = pst_cnp_peer_cidr},         \
		{.name = "toCIDRSet", .read = pst_cnp_peer_cidr_set},  \
		{.name = "toNodes", .read = pst_cnp_peer_nodes},       \
		{.name = "toGroups", .read = pst_cnp_peer_groups},     \
		{.name = "toServices", .read = pst_cnp_peer_services}, \
		{.name = "toRequires", .read = read_requires},         \
	{                                                              \
		.name = "icmps", .read = read_icmps                    \
	}

static const struct pst_field ingress_fields[] = {
	INGRESS_FIELDS,
	{.name = "authentication", .read = read_auth},
};

static const struct pst_field egress_fields[] = {
	EGRESS_FIELDS,
	{.name = "toFQDNs", .read = pst_cnp_peer_fqdns},
	{.name = "authentication", .read = read_auth},
};

static const struct pst_field ingress_deny_fields[] = {
	INGRESS_FIELDS,
	NOT_IN_DENY("authentication"),
};

static const struct pst_field egress_deny_fields[] = {
	EGRESS_FIELDS,
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

/* What two members of one rule mean for each other. */
static int check_members(struct pst_reader *r, const struct pst_cnp_rule_build *b)
{
	int e = 0;

	if (b->icmps_key && b->to_ports)
		e = pst_diags_error(
			r->diags, "icmp-with-ports", &b->icmps_key->pos,
			"\"icmps\" cannot be combined with \"toPorts\" of line %u; write two rules",
			b->to_ports->key->pos.line);
	if (b->to_ports && b->member && b->rule->member == PST_MEMBER_SERVICES &&
	    !pst_reader_at_least(r, SERVICES_WITH_PORTS_SINCE))
		e = pst_diags_error(
			r->diags, "services-with-ports", &b->member->key->pos,
			"\"toServices\" cannot be combined with \"toPorts\" before Cilium 1.%d",
			SERVICES_WITH_PORTS_SINCE);
	return e;
}

/* Cilium judges HTTP for pods only. */
static int check_host(struct pst_reader *r, const struct pst_rule *rule)
{
	int e = 0;

	for (size_t i = 0; i < rule->n_ports; i++) {
		const struct pst_port_rule *pr = &rule->ports[i];

		if (pr->n_http)
			e = pst_diags_error(r->diags, "host-policy-l7",
					    pr->http_pos.line ? &pr->http_pos : &pr->pos,
					    "a policy for nodes cannot have HTTP rules");
	}
	return e;
}

/* An empty list of peers beside another one: an allow rule is for nobody, a deny rule for the
 * other.
 */
static void close_empty(const struct pst_cnp_rule_build *b)
{
	struct pst_rule *rule = b->rule;

	if (!b->empty || !b->member || rule->deny)
		return;
	rule->n_peers = rule->n_cidrs = rule->n_services = rule->n_fqdns = rule->n_groups = 0;
	rule->member = PST_MEMBER_NONE;
	rule->peers_pos = b->empty->key->pos;
}

/* Keeps what the rule says, for those who ask what it wants of a connection. */
static int keep_written(struct pst_reader *r, struct pst_rule *rule)
{
	struct pst_rule *written = pst_arena_alloc(r->arena, sizeof(*written));

	if (!written)
		return -ENOMEM;
	*written = *rule;
	written->refused = true;
	rule->written = written;
	return 0;
}

/* Makes a refused rule mean no more (allow) or no less (deny) than it may have meant. */
static int close_refused(struct pst_reader *r, struct pst_cnp_rule_build *b)
{
	struct pst_rule *rule = b->rule;
	bool peers_told = rule->n_peers + rule->n_cidrs + rule->n_services && !b->peers_unread;

	close_empty(b);
	if (!rule->deny && !b->peers_unread && !b->is_mistaken && keep_written(r, rule))
		return -ENOMEM;
	rule->refused = true;
	rule->peer_kind = PST_PEER_SELECTORS;
	rule->n_fqdns = rule->n_groups = 0;
	rule->auth = PST_AUTH_NONE;
	if (rule->deny) {
		rule->has_icmps = false;
		rule->n_icmps = 0;
	}
	if (rule->deny && peers_told)
		return 0;
	rule->n_peers = rule->n_cidrs = rule->n_services = 0;
	if (!rule->deny)
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
	struct pst_cnp_rule_build b = {.rule = rule, .ctx = ctx};
	const size_t mistakes = pst_diags_errors(r->diags) - r->n_unsupported;
	int e;

	*rule = (struct pst_rule){
		.pos = n->pos,
		.direction = ctx->direction,
		.deny = ctx->deny,
		.index = rule->index,
	};
	e = pst_fields_read(r, &tables[ctx->direction][ctx->deny], n, &b);
	e = pst_fields_worse(e, check_members(r, &b));
	if (ctx->is_host)
		e = pst_fields_worse(e, check_host(r, rule));
	b.is_mistaken |= pst_diags_errors(r->diags) - r->n_unsupported != mistakes;
	if (e)
		return e == -EINVAL ? close_refused(r, &b) : e;
	close_empty(&b);
	return 0;
}
