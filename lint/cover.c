// SPDX-License-Identifier: Apache-2.0
#include "lint/cover.h"

#include <string.h>
#include <strings.h>

#include "policy/labels.h"
#include "policy/selector_algebra.h"

/* The patterns of a path, a method or a host that hold back nothing. */
static const char *const open_patterns[] = {".*", "^.*", ".*$", "^.*$", "(.*)", "^(.*)$"};

static bool is_open_pattern(const struct pst_text *text)
{
	for (size_t i = 0; text->s && i < sizeof(open_patterns) / sizeof(*open_patterns); i++) {
		if (!strcmp(text->s, open_patterns[i]))
			return true;
	}
	return !text->len;
}

bool pst_http_rule_is_open(const struct pst_http_rule *http)
{
	return !http->n_headers && !http->n_matches && is_open_pattern(&http->method) &&
	       is_open_pattern(&http->path) && is_open_pattern(&http->host);
}

bool pst_dns_rule_is_open(const struct pst_fqdn *dns)
{
	return dns->pattern.s && !strcmp(dns->pattern.s, "*");
}

static bool has_open_element(const struct pst_port_rule *ports)
{
	for (size_t i = 0; i < ports->n_http; i++) {
		if (pst_http_rule_is_open(&ports->http[i]))
			return true;
	}
	for (size_t i = 0; i < ports->n_dns; i++) {
		if (pst_dns_rule_is_open(&ports->dns[i]))
			return true;
	}
	return !ports->n_http && !ports->n_dns;
}

bool pst_port_rule_is_open(const struct pst_port_rule *ports)
{
	return has_open_element(ports) && !ports->n_server_names && !ports->listener &&
	       !ports->terminating_tls && !ports->originating_tls;
}

bool pst_rule_is_l3_only(const struct pst_rule *rule)
{
	return !rule->has_ports && !rule->has_icmps;
}

static bool has_no_peers(const struct pst_rule *rule)
{
	return !rule->n_peers && !rule->n_cidrs && !rule->n_services && !rule->n_fqdns &&
	       !rule->n_groups;
}

bool pst_rule_reaches_nobody(const struct pst_rule *rule)
{
	if (rule->peer_kind == PST_PEER_ABSENT)
		return pst_rule_is_l3_only(rule);
	return has_no_peers(rule);
}

bool pst_cover_prefix(const struct pst_prefix *outer, const struct pst_prefix *inner)
{
	size_t bytes = outer->len / 8, bits = outer->len % 8;

	if (inner->len < outer->len || inner->is_v4 != outer->is_v4 ||
	    memcmp(outer->addr, inner->addr, bytes))
		return false;
	return !bits || !((outer->addr[bytes] ^ inner->addr[bytes]) >> (8 - bits));
}

/* Could an address be in both? Prefixes nest or have nothing in common. */
static bool prefixes_overlap(const struct pst_prefix *a, const struct pst_prefix *b)
{
	return pst_cover_prefix(a, b) || pst_cover_prefix(b, a);
}

/* Does HOLE take away something of PEER that PEER has not taken away itself? */
static bool takes_away(const struct pst_prefix *hole, const struct pst_cidr_peer *peer)
{
	if (!prefixes_overlap(hole, peer->prefix))
		return false;
	for (size_t i = 0; i < peer->n_except; i++) {
		if (pst_cover_prefix(&peer->except[i], hole))
			return false;
	}
	return true;
}

static bool same_text(const struct pst_text *a, const struct pst_text *b)
{
	return a->s && b->s && !strcasecmp(a->s, b->s);
}

static bool cover_cidr(const struct pst_cidr_peer *outer, const struct pst_cidr_peer *inner)
{
	if (!outer->prefix || !inner->prefix)
		return !outer->n_except && same_text(&outer->group_name, &inner->group_name);
	if (!pst_cover_prefix(outer->prefix, inner->prefix))
		return false;
	for (size_t i = 0; i < outer->n_except; i++) {
		if (takes_away(&outer->except[i], inner))
			return false;
	}
	return true;
}

/* Everybody, or the entity world: what addresses and names mean always carries its label. */
static bool is_world(const struct pst_selector *sel)
{
	const struct pst_requirement *req = sel->reqs;

	return !sel->n_reqs || (sel->n_reqs == 1 && req->op == PST_LABEL_EXISTS &&
				!strcmp(req->source, "reserved") && !strcmp(req->key, "world"));
}

static bool is_everybody(const struct pst_rule *rule)
{
	if (rule->peer_kind == PST_PEER_ABSENT)
		return true;
	for (size_t i = 0; rule->member != PST_MEMBER_NODES && i < rule->n_peers; i++) {
		if (!rule->peers[i].n_reqs)
			return true;
	}
	return false;
}

static bool has_world(const struct pst_rule *rule)
{
	for (size_t i = 0; rule->member != PST_MEMBER_NODES && i < rule->n_peers; i++) {
		if (is_world(&rule->peers[i]))
			return true;
	}
	return false;
}

static bool is_wanted(const struct pst_requirement *req)
{
	return req->op == PST_LABEL_IN || req->op == PST_LABEL_EXISTS;
}

/* Pods of the own cluster: the part of the entity cluster that has no reserved label. */
static bool is_own_pods(const struct pst_selector *sel)
{
	const struct pst_requirement *req = sel->reqs;

	if (sel->n_reqs != 1 || !is_wanted(req) || strcmp(req->key, PST_LABEL_CLUSTER))
		return false;
	for (size_t i = 0; i < req->n_values; i++) {
		if (!strcmp(req->values[i], PST_CLUSTER_NAME))
			return true;
	}
	return req->op == PST_LABEL_EXISTS;
}

/* Pods, whichever: of the own cluster, as long as there is no mesh. */
static bool is_pods(const struct pst_selector *sel)
{
	bool in_namespace = false;

	for (size_t i = 0; i < sel->n_reqs; i++) {
		const struct pst_requirement *req = &sel->reqs[i];

		if (!strcmp(req->key, PST_LABEL_CLUSTER))
			return false;
		in_namespace |= is_wanted(req) && !strcmp(req->key, PST_LABEL_NAMESPACE);
	}
	return in_namespace;
}

static bool cover_selector(const struct pst_selector *outer, const struct pst_selector *inner)
{
	return pst_selector_implies(inner, outer) || (is_own_pods(outer) && is_pods(inner));
}

static bool cover_selectors(const struct pst_rule *outer, const struct pst_rule *inner)
{
	if ((outer->member == PST_MEMBER_NODES) != (inner->member == PST_MEMBER_NODES))
		return !inner->n_peers;
	for (size_t i = 0; i < inner->n_peers; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < outer->n_peers; k++)
			found = cover_selector(&outer->peers[k], &inner->peers[i]);
		if (!found)
			return false;
	}
	return true;
}

static bool cover_cidrs(const struct pst_rule *outer, const struct pst_rule *inner)
{
	for (size_t i = 0; i < inner->n_cidrs; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < outer->n_cidrs; k++)
			found = cover_cidr(&outer->cidrs[k], &inner->cidrs[i]);
		if (!found)
			return false;
	}
	return true;
}

static bool cover_fqdns(const struct pst_rule *outer, const struct pst_rule *inner)
{
	for (size_t i = 0; i < inner->n_fqdns; i++) {
		bool found = false;

		for (size_t k = 0; !found && k < outer->n_fqdns; k++)
			found = pst_dns_rule_is_open(&outer->fqdns[k]) ||
				same_text(&outer->fqdns[k].name, &inner->fqdns[i].name) ||
				same_text(&outer->fqdns[k].pattern, &inner->fqdns[i].pattern);
		if (!found)
			return false;
	}
	return true;
}

/* A Service may stand for pods or for addresses, a group for whatever the cloud says. */
bool pst_cover_peers(const struct pst_rule *outer, const struct pst_rule *inner)
{
	if (pst_rule_reaches_nobody(outer) || pst_rule_reaches_nobody(inner))
		return false;
	if (is_everybody(outer))
		return true;
	if (inner->peer_kind == PST_PEER_ABSENT || inner->n_services)
		return false;
	if (!cover_selectors(outer, inner))
		return false;
	if (has_world(outer))
		return true;
	return !inner->n_groups && cover_cidrs(outer, inner) && cover_fqdns(outer, inner);
}

static bool cover_protocol(enum pst_protocol outer, enum pst_protocol inner)
{
	if (outer == inner)
		return true;
	return outer == PST_PROTOCOL_ANY &&
	       (inner == PST_PROTOCOL_TCP || inner == PST_PROTOCOL_UDP ||
		inner == PST_PROTOCOL_SCTP);
}

static bool is_every_number(const struct pst_port *port)
{
	return !port->port && !port->name.s;
}

bool pst_cover_port(const struct pst_port *outer, const struct pst_port *inner)
{
	if (!cover_protocol(outer->protocol, inner->protocol))
		return false;
	if (is_every_number(outer))
		return true;
	if (is_every_number(inner))
		return outer->port == 1 && outer->end_port == UINT16_MAX;
	if (outer->name.s || inner->name.s)
		return same_text(&outer->name, &inner->name);
	return outer->port <= inner->port && inner->end_port <= outer->end_port;
}

bool pst_ports_overlap(const struct pst_port *a, const struct pst_port *b)
{
	if (!cover_protocol(a->protocol, b->protocol) && !cover_protocol(b->protocol, a->protocol))
		return false;
	if (is_every_number(a) || is_every_number(b))
		return true;
	if (a->name.s || b->name.s)
		return same_text(&a->name, &b->name);
	return a->port <= b->end_port && b->port <= a->end_port;
}

static bool has_overlapping(const struct pst_rule *rule, const struct pst_port *port)
{
	for (size_t i = 0; i < rule->n_ports; i++) {
		for (size_t k = 0; k < rule->ports[i].n_ports; k++) {
			if (pst_ports_overlap(&rule->ports[i].ports[k], port))
				return true;
		}
	}
	return false;
}

bool pst_rules_share_port(const struct pst_rule *a, const struct pst_rule *b)
{
	if (pst_rule_is_l3_only(a) || pst_rule_is_l3_only(b))
		return true;
	for (size_t i = 0; i < a->n_ports; i++) {
		for (size_t k = 0; k < a->ports[i].n_ports; k++) {
			if (has_overlapping(b, &a->ports[i].ports[k]))
				return true;
		}
	}
	return false;
}
