// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_peer.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "policy/cnp_cidr.h"
#include "policy/cnp_entity.h"
#include "policy/cnp_fqdn.h"
#include "policy/cnp_group.h"
#include "policy/cnp_service.h"

/* The start of each peer member: it is a list, and the only kind of peer with elements. */
static int open_member(struct pst_reader *r, const struct pst_yaml_node *n,
		       enum pst_peer_member member, struct pst_cnp_rule_build *b)
{
	int e = pst_fields_expect(r, n, PST_YAML_LIST);

	if (e) {
		b->peers_unread = true;
		return e;
	}
	b->rule->peer_kind = PST_PEER_SELECTORS;
	if (!n->len)
		b->empty = n;
	if (b->member && !n->len)
		return 0;
	if (b->member) {
		e = pst_diags_error(
			r->diags, "two-peer-kinds", &n->key->pos,
			"\"%s\" cannot be combined with \"%s\" of line %u; write two rules",
			n->key->s, b->member->key->s, b->member->key->pos.line);
		pst_diags_note(r->diags, &b->member->key->pos, "\"%s\" stands here",
			       b->member->key->s);
		return e;
	}
	b->rule->member = member;
	b->rule->peers_pos = n->key->pos;
	if (n->len)
		b->member = n;
	return 0;
}

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

static int read_selectors(struct pst_reader *r, const struct pst_yaml_node *n,
			  enum pst_cnp_selector_use use, struct pst_cnp_rule_build *b)
{
	struct pst_rule *rule = b->rule;
	int worst = 0;

	if (reserve_peers(r, rule, n->len))
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c && worst != -ENOMEM; c = c->next) {
		struct pst_selector *sel = &rule->peers[rule->n_peers++];

		worst = pst_fields_worse(worst,
					 pst_cnp_selector_read(r, c, b->ctx->scope, use, sel));
	}
	return worst;
}

int pst_cnp_peer_endpoints(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	int e = open_member(r, n, PST_MEMBER_ENDPOINTS, obj);

	if (n->kind != PST_YAML_LIST)
		return e;
	return pst_fields_worse(e, read_selectors(r, n, PST_CNP_PEER, obj));
}

int pst_cnp_peer_entities(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_cnp_rule_build *b = obj;
	struct pst_rule *rule = b->rule;
	int worst = open_member(r, n, PST_MEMBER_ENTITIES, b);
	int e;

	if (n->kind != PST_YAML_LIST)
		return worst;
	if (reserve_peers(r, rule, pst_cnp_entities_room(n)))
		return -ENOMEM;
	e = pst_cnp_entities_read(r, n, rule->peers, &rule->n_peers);
	if (e)
		b->peers_unread = true;
	return pst_fields_worse(worst, e);
}

int pst_cnp_peer_nodes(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_cnp_rule_build *b = obj;
	int e = open_member(r, n, PST_MEMBER_NODES, b);

	if (n->kind != PST_YAML_LIST)
		return e;
	e = pst_fields_worse(e, read_selectors(r, n, PST_CNP_NODE, b));
	if (e == -ENOMEM)
		return e;
	if (!n->len || r->options->features & PST_FEATURE_NODE_SELECTOR_LABELS)
		return e;
	b->peers_unread = true;
	return pst_diags_error(
		r->diags, "nodes-need-flag", &n->key->pos,
		"Cilium takes \"%s\" only when its agents run with enable-node-selector-labels",
		n->key->s);
}

typedef int (*read_cidr)(struct pst_reader *r, const struct pst_yaml_node *n,
			 struct pst_cidr_peer *peer);

/* fromCIDR and fromCIDRSet in one rule are an error, and yet both are read. */
static int read_cidrs(struct pst_reader *r, const struct pst_yaml_node *n, read_cidr read,
		      struct pst_rule *rule)
{
	int worst = 0;

	rule->cidrs = pst_arena_calloc(r->arena, n->len, sizeof(*rule->cidrs));
	if (!rule->cidrs)
		return -ENOMEM;
	rule->n_cidrs = 0;
	for (const struct pst_yaml_node *c = n->first; c && worst != -ENOMEM; c = c->next) {
		int e = read(r, c, &rule->cidrs[rule->n_cidrs]);

		rule->n_cidrs += !e;
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}

static int read_any_cidr(struct pst_reader *r, const struct pst_yaml_node *n,
			 enum pst_peer_member member, struct pst_cnp_rule_build *b)
{
	const read_cidr read =
		member == PST_MEMBER_CIDR ? pst_cnp_cidr_read : pst_cnp_cidr_set_read;
	int e = open_member(r, n, member, b);
	int unread;

	if (n->kind != PST_YAML_LIST)
		return e;
	unread = read_cidrs(r, n, read, b->rule);
	if (unread)
		b->peers_unread = true;
	return pst_fields_worse(e, unread);
}

int pst_cnp_peer_cidr(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_any_cidr(r, n, PST_MEMBER_CIDR, obj);
}

int pst_cnp_peer_cidr_set(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	return read_any_cidr(r, n, PST_MEMBER_CIDR_SET, obj);
}

int pst_cnp_peer_groups(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_cnp_rule_build *b = obj;
	struct pst_rule *rule = b->rule;
	int worst = open_member(r, n, PST_MEMBER_GROUPS, b);

	if (n->kind != PST_YAML_LIST)
		return worst;
	rule->groups = pst_arena_calloc(r->arena, n->len, sizeof(*rule->groups));
	if (!rule->groups)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		int e = pst_cnp_group_read(r, c, &rule->groups[rule->n_groups]);

		rule->n_groups += !e;
		worst = pst_fields_worse(worst, e);
	}
	if (!n->len)
		return worst;
	b->peers_unread = true;
	return pst_fields_worse(
		worst,
		pst_reader_unsupported(r, "unsupported-groups", &n->key->pos,
				       "postern does not ask a cloud for the addresses of \"%s\"",
				       n->key->s));
}

int pst_cnp_peer_services(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_cnp_rule_build *b = obj;
	struct pst_rule *rule = b->rule;
	int e = open_member(r, n, PST_MEMBER_SERVICES, b);
	int unread = 0;

	if (n->kind != PST_YAML_LIST)
		return e;
	rule->services = pst_arena_calloc(r->arena, n->len, sizeof(*rule->services));
	if (!rule->services)
		return -ENOMEM;
	for (const struct pst_yaml_node *c = n->first; c && unread != -ENOMEM; c = c->next) {
		int one = pst_cnp_service_read(r, c, &rule->services[rule->n_services]);

		rule->n_services += !one;
		unread = pst_fields_worse(unread, one);
	}
	if (unread)
		b->peers_unread = true;
	return pst_fields_worse(e, unread);
}

int pst_cnp_peer_fqdns(struct pst_reader *r, const struct pst_yaml_node *n, void *obj)
{
	struct pst_cnp_rule_build *b = obj;
	int e = open_member(r, n, PST_MEMBER_FQDNS, b);

	if (n->kind != PST_YAML_LIST)
		return e;
	e = pst_fields_worse(e, pst_cnp_fqdns_read(r, n, &b->rule->fqdns, &b->rule->n_fqdns));
	/* Whoever enforces hears from the compiler which names have no address. */
	if (!e && n->len && r->options->lint)
		pst_reader_unsupported(r, "unsupported-fqdn", &n->key->pos,
				       "postern does not see DNS answers: a name has the addresses "
				       "that the inventory gives it");
	return e;
}
