// SPDX-License-Identifier: Apache-2.0
#include "compiler/prefix.h"

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/peer.h"
#include "policy/fqdn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { V4_BITS = 96 };

static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

struct prefixes PST_VEC(struct pst_prefix);

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes))
		return false;
	return !rest || !((a[bytes] ^ b[bytes]) >> (8 - rest));
}

bool pst_prefix_contains(const struct pst_prefix *outer, const struct pst_prefix *inner)
{
	return outer->is_v4 == inner->is_v4 && outer->len <= inner->len &&
	       same_bits(outer->addr, inner->addr, outer->len);
}

struct pst_prefix pst_prefix_of(const struct pst_addr *addr)
{
	struct pst_prefix p = {
		.len = 128,
		.is_v4 = same_bits(addr->b, v4_mapped, V4_BITS),
	};

	memcpy(p.addr, addr->b, sizeof(p.addr));
	return p;
}

int pst_prefix_cmp(const struct pst_prefix *a, const struct pst_prefix *b)
{
	int r = memcmp(a->addr, b->addr, sizeof(a->addr));

	return r ? r : (a->len > b->len) - (a->len < b->len);
}

const char *pst_prefix_to_str(struct pst_arena *arena, const struct pst_prefix *prefix)
{
	struct pst_addr addr;
	char text[64];

	memcpy(addr.b, prefix->addr, sizeof(addr.b));
	return pst_arena_printf(arena, "%s/%d", pst_addr_to_str(&addr, text, sizeof(text)),
				prefix->is_v4 ? prefix->len - V4_BITS : prefix->len);
}

/* Of IPv6, v4-mapped: no packet has such an address, and in the map it would be one of IPv4. */
static bool is_nobody(const struct pst_prefix *p)
{
	return !p->is_v4 && p->len >= V4_BITS && same_bits(p->addr, v4_mapped, V4_BITS);
}

static int add_all(struct prefixes *all, const struct pst_prefix *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!is_nobody(&v[i]) && pst_vec_push(all, v[i]))
			return -ENOMEM;
	}
	return 0;
}

static int add_addrs(struct prefixes *all, const struct pst_addr *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (pst_vec_push(all, pst_prefix_of(&v[i])))
			return -ENOMEM;
	}
	return 0;
}

static int add_cidr(struct prefixes *all, const struct pst_cidr_peer *peer,
		    const struct pst_inventory *inventory)
{
	int r = add_all(all, peer->except, peer->n_except);

	if (!r && peer->prefix)
		return add_all(all, peer->prefix, 1);
	for (size_t i = 0; !r && i < inventory->n_cidr_groups; i++) {
		const struct pst_cidr_group *g = &inventory->cidr_groups[i];

		if (pst_peer_names_group(peer, g))
			r = add_all(all, g->prefixes, g->n_prefixes);
	}
	return r;
}

static int add_backends(struct prefixes *all, const struct pst_service_peer *peer,
			const char *policy_ns, const struct pst_inventory *inventory)
{
	for (size_t i = 0; i < inventory->n_services; i++) {
		const struct pst_service *s = &inventory->services[i];

		if (s->pods.n_reqs || !pst_peer_names_service(peer, policy_ns, s))
			continue;
		if (add_addrs(all, s->addrs, s->n_addrs))
			return -ENOMEM;
	}
	return 0;
}

static int add_names(struct prefixes *all, const struct pst_rule *rule,
		     const struct pst_inventory *inventory)
{
	for (size_t i = 0; rule->n_fqdns && i < inventory->n_names; i++) {
		const struct pst_dns_name *name = &inventory->names[i];
		size_t k = 0;

		while (k < rule->n_fqdns && !pst_fqdn_matches(&rule->fqdns[k], name->name))
			k++;
		if (k < rule->n_fqdns && add_addrs(all, name->addrs, name->n_addrs))
			return -ENOMEM;
	}
	return 0;
}

static int add_rule(struct prefixes *all, const struct pst_rule *rule, const char *policy_ns,
		    const struct pst_inventory *inventory)
{
	int r = 0;

	for (size_t i = 0; !r && i < rule->n_cidrs; i++)
		r = add_cidr(all, &rule->cidrs[i], inventory);
	for (size_t i = 0; !r && i < rule->n_services; i++)
		r = add_backends(all, &rule->services[i], policy_ns, inventory);
	return r ? r : add_names(all, rule, inventory);
}

static int add_policy(struct prefixes *all, const struct pst_policy *policy,
		      const struct pst_inventory *inventory)
{
	int r = 0;

	for (size_t s = 0; s < policy->n_specs; s++) {
		for (size_t i = 0; !r && i < policy->specs[s].n_rules; i++)
			r = add_rule(all, pst_rule_as_written(&policy->specs[s].rules[i]),
				     policy->ns, inventory);
	}
	return r;
}

/* Keeps IPv4 addresses out of IPv6 prefixes that contain their mapped form. */
static int separate_families(struct prefixes *all)
{
	struct pst_prefix v4 = {.len = V4_BITS, .is_v4 = true};

	memcpy(v4.addr, v4_mapped, sizeof(v4_mapped));
	for (size_t i = 0; i < all->n; i++) {
		const struct pst_prefix *p = &all->v[i];

		if (!p->is_v4 && p->len <= V4_BITS && same_bits(p->addr, v4.addr, p->len))
			return pst_vec_push(all, v4);
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return pst_prefix_cmp(a, b);
}

static int seal(struct prefixes *all, struct pst_arena *arena,
		const struct pst_prefix **ret_prefixes, size_t *ret_n)
{
	struct pst_prefix *v = pst_arena_calloc(arena, all->n, sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), compare);
	for (size_t i = 0; i < all->n; i++) {
		if (!n || pst_prefix_cmp(&v[n - 1], &all->v[i]))
			v[n++] = all->v[i];
	}
	*ret_prefixes = v;
	*ret_n = n;
	return 0;
}

int pst_prefixes_collect(const struct pst_policy_set *policies,
			 const struct pst_inventory *inventory, struct pst_arena *arena,
			 const struct pst_prefix **ret_prefixes, size_t *ret_n)
{
	const struct pst_service *apiserver =
		pst_peer_find_service(inventory, "default", "kubernetes");
	struct prefixes all = {0};
	int r = apiserver ? add_addrs(&all, apiserver->addrs, apiserver->n_addrs) : 0;

	for (size_t i = 0; !r && i < policies->n_policies; i++)
		r = add_policy(&all, &policies->policies[i], inventory);
	if (!r)
		r = separate_families(&all);
	if (!r)
		r = seal(&all, arena, ret_prefixes, ret_n);
	pst_vec_free(&all);
	return r;
}
