// SPDX-License-Identifier: Apache-2.0
#include "compiler/peer.h"

#include "compiler/prefix.h"

#include <string.h>

bool pst_peer_names_service(const struct pst_service_peer *peer, const char *policy_ns,
			    const struct pst_service *service)
{
	const char *ns = peer->ns.s ? peer->ns.s : policy_ns;

	/* A selector without a namespace looks into all of them, a name into the policy's own. */
	if (peer->selector)
		return (!peer->ns.s || !strcmp(peer->ns.s, service->ns)) &&
		       pst_selector_matches(peer->selector, &service->labels);
	return !strcmp(peer->name.s, service->name) && !strcmp(ns, service->ns);
}

static bool selectors_match(const struct pst_rule *rule, const struct pst_peer_view *v)
{
	for (size_t i = 0; i < rule->n_peers; i++) {
		if (pst_selector_matches(&rule->peers[i], v->labels))
			return true;
	}
	return false;
}

static bool cidr_matches(const struct pst_cidr_peer *peer, const struct pst_prefix *prefix)
{
	if (!peer->prefix || !pst_prefix_contains(peer->prefix, prefix))
		return false;
	for (size_t i = 0; i < peer->n_except; i++) {
		if (pst_prefix_contains(&peer->except[i], prefix))
			return false;
	}
	return true;
}

static bool cidrs_match(const struct pst_rule *rule, const struct pst_peer_view *v)
{
	for (size_t i = 0; v->facts->prefix && i < rule->n_cidrs; i++) {
		if (cidr_matches(&rule->cidrs[i], v->facts->prefix))
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
			    const struct pst_peer_view *v)
{
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
		if (service_matches(&rule->services[i], policy_ns, v))
			return true;
	}
	return false;
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
	       services_match(rule, policy_ns, v);
}
