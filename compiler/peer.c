// SPDX-License-Identifier: Apache-2.0
#include "compiler/peer.h"

#include "compiler/prefix.h"
#include "policy/fqdn.h"

#include <stdlib.h>
#include <string.h>

bool pst_peer_names_service(const struct pst_service_peer *peer, const char *policy_ns,
			    const struct pst_service *service)
{
	const char *ns = peer->ns.s ? peer->ns.s : policy_ns;

	/* A selector without a namespace looks into all of them, a name into the policy's own. */
	if (peer->selector)
		return (!peer->ns.s || !strcmp(peer->ns.s, service->ns)) &&
		       pst_selector_matches(peer->selector, &service->labels);
	return peer->name.s && !strcmp(peer->name.s, service->name) && !strcmp(ns, service->ns);
}

static bool selectors_match(const struct pst_rule *rule, const struct pst_peer_view *v)
{
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (pst_selector_matches(&rule->peers[i], v->labels))
			return true;
	}
	return false;
}

bool pst_peer_names_group(const struct pst_cidr_peer *peer, const struct pst_cidr_group *group)
{
	if (peer->group_selector)
		return pst_selector_matches(peer->group_selector, &group->labels);
	return peer->group_name.s && !strcmp(peer->group_name.s, group->name);
}

static int cmp_group(const void *va, const void *vb)
{
	const struct pst_cidr_group *a = va, *b = vb;

	return strcmp(a->name, b->name);
}

const struct pst_cidr_group *pst_peer_find_group(const struct pst_inventory *inventory,
						 const char *name)
{
	const struct pst_cidr_group key = {.name = name};

	if (!inventory->n_cidr_groups)
		return NULL;
	return bsearch(&key, inventory->cidr_groups, inventory->n_cidr_groups, sizeof(key),
		       cmp_group);
}

static int cmp_service(const void *va, const void *vb)
{
	const struct pst_service *a = va, *b = vb;
	int r = strcmp(a->ns, b->ns);

	return r ? r : strcmp(a->name, b->name);
}

const struct pst_service *pst_peer_find_service(const struct pst_inventory *inventory,
						const char *ns, const char *name)
{
	const struct pst_service key = {.ns = ns, .name = name};

	if (!inventory->n_services)
		return NULL;
	return bsearch(&key, inventory->services, inventory->n_services, sizeof(key), cmp_service);
}

static bool is_inside(const struct pst_prefix *outer, size_t n, const struct pst_prefix *prefix)
{
	for (size_t i = 0; i < n; i++) {
		if (pst_prefix_contains(&outer[i], prefix))
			return true;
	}
	return false;
}

static bool groups_contain(const struct pst_cidr_peer *peer, const struct pst_peer_view *v)
{
	for (size_t i = 0; i < v->inventory->n_cidr_groups; i++) {
		const struct pst_cidr_group *g = &v->inventory->cidr_groups[i];

		if (pst_peer_names_group(peer, g) &&
		    is_inside(g->prefixes, g->n_prefixes, v->facts->prefix))
			return true;
	}
	return false;
}

bool pst_peer_is_outside(const struct pst_labels *labels)
{
	return pst_labels_get(labels, "reserved", "world");
}

bool pst_peer_is_dangling(const struct pst_cidr_peer *peer, const struct pst_inventory *inventory)
{
	return peer->group_name.s && !pst_peer_find_group(inventory, peer->group_name.s);
}

static bool cidr_matches(const struct pst_cidr_peer *peer, const struct pst_peer_view *v, bool deny)
{
	const struct pst_prefix *prefix = v->facts->prefix;

	/* Nobody knows what the group would contain. */
	if (deny && pst_peer_is_dangling(peer, v->inventory))
		return pst_peer_is_outside(v->labels);
	if (!prefix || is_inside(peer->except, peer->n_except, prefix))
		return false;
	return peer->prefix ? pst_prefix_contains(peer->prefix, prefix) : groups_contain(peer, v);
}

static bool cidrs_match(const struct pst_rule *rule, const struct pst_peer_view *v)
{
	for (size_t i = 0; i < rule->n_cidrs; i++) {
		if (cidr_matches(&rule->cidrs[i], v, rule->deny))
			return true;
	}
	return false;
}

/* Is the prefix of an identity one of the addresses behind SERVICE? */
static bool is_backend(const struct pst_service *service, const struct pst_prefix *prefix)
{
	for (size_t i = 0; prefix && i < service->n_addrs; i++) {
		const struct pst_prefix one = pst_prefix_of(&service->addrs[i]);

		if (!pst_prefix_cmp(&one, prefix))
			return true;
	}
	return false;
}

static bool service_matches(const struct pst_service_peer *peer, const char *policy_ns,
			    const struct pst_peer_view *v, bool deny)
{
	const char *ns = peer->ns.s ? peer->ns.s : policy_ns;

	if (deny && peer->name.s && !pst_peer_find_service(v->inventory, ns, peer->name.s))
		return true;
	for (size_t i = 0; i < v->inventory->n_services; i++) {
		const struct pst_service *s = &v->inventory->services[i];

		if (!pst_peer_names_service(peer, policy_ns, s))
			continue;
		if (s->pods.n_reqs ? pst_selector_matches(&s->pods, v->labels)
				   : is_backend(s, v->facts->prefix))
			return true;
	}
	return false;
}

static bool services_match(const struct pst_rule *rule, const char *policy_ns,
			   const struct pst_peer_view *v)
{
	for (size_t i = 0; i < rule->n_services; i++) {
		if (service_matches(&rule->services[i], policy_ns, v, rule->deny))
			return true;
	}
	return false;
}

static int cmp_addr(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct pst_addr));
}

bool pst_peer_names_name(const struct pst_rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->n_fqdns; i++) {
		if (pst_fqdn_matches(&rule->fqdns[i], name))
			return true;
	}
	return false;
}

bool pst_peer_names_addr(const struct pst_rule *rule, const struct pst_inventory *inventory,
			 const struct pst_addr *addr)
{
	for (size_t i = 0; rule->n_fqdns && i < inventory->n_names; i++) {
		const struct pst_dns_name *n = &inventory->names[i];

		if (n->n_addrs && bsearch(addr, n->addrs, n->n_addrs, sizeof(*addr), cmp_addr) &&
		    pst_peer_names_name(rule, n->name))
			return true;
	}
	return false;
}

static bool fqdns_match(const struct pst_rule *rule, const struct pst_peer_view *v)
{
	struct pst_addr addr;

	if (!rule->n_fqdns || !v->facts->prefix || v->facts->prefix->len != 128)
		return false;
	memcpy(addr.b, v->facts->prefix->addr, sizeof(addr.b));
	return pst_peer_names_addr(rule, v->inventory, &addr);
}

static bool has_peers(const struct pst_rule *rule)
{
	return rule->n_peers || rule->n_cidrs || rule->n_services || rule->n_fqdns ||
	       rule->n_groups;
}

bool pst_peer_matches(const struct pst_rule *rule, const char *policy_ns,
		      const struct pst_peer_view *v)
{
	if (rule->peer_kind == PST_PEER_ABSENT)
		return rule->has_ports || rule->has_icmps || (rule->refused && rule->deny);
	if (!has_peers(rule))
		return rule->refused && rule->deny;
	return selectors_match(rule, v) || cidrs_match(rule, v) ||
	       services_match(rule, policy_ns, v) || fqdns_match(rule, v);
}
