// SPDX-License-Identifier: Apache-2.0
#include "compiler/identity.h"

#include "base/mem.h"
#include "base/vec.h"
#include "compiler/prefix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *key;
	uint32_t id;
} reserved_ids[] = {
	{"host", PST_ID_HOST}, {"world", PST_ID_WORLD}, {"unmanaged", 3},      {"health", 4},
	{"init", 5},	       {"remote-node", 6},	{"kube-apiserver", 7}, {"ingress", 8},
	{"world-ipv4", 9},     {"world-ipv6", 10},
};

enum {
	ID_KUBE_APISERVER = 7,
	N_RESERVED = sizeof(reserved_ids) / sizeof(*reserved_ids),
};

uint32_t pst_resolve_reserved(const struct pst_labels *labels)
{
	/* Another node on which the API server runs has Cilium's number of the latter. */
	if (labels->n == 2 && pst_labels_get(labels, "reserved", "kube-apiserver") &&
	    pst_labels_get(labels, "reserved", "remote-node"))
		return ID_KUBE_APISERVER;
	if (labels->n != 1 || strcmp(labels->v[0].source, "reserved"))
		return 0;
	for (int i = 0; i < N_RESERVED; i++) {
		if (!strcmp(labels->v[0].key, reserved_ids[i].key))
			return reserved_ids[i].id;
	}
	return 0;
}

bool pst_identity_is_subject(const struct pst_bundle_identity *identity)
{
	for (size_t i = 0; i < identity->labels.n; i++) {
		if (!strcmp(identity->labels.v[i].source, "reserved"))
			return false;
	}
	return true;
}

bool pst_identity_same_ports(const struct pst_identity_facts *a, const struct pst_identity_facts *b)
{
	if (a->n_ports != b->n_ports)
		return false;
	for (size_t i = 0; i < a->n_ports; i++) {
		if (pst_named_port_cmp(&a->ports[i], &b->ports[i]))
			return false;
	}
	return true;
}

static int cmp_id(const void *va, const void *vb)
{
	const struct pst_bundle_identity *a = va, *b = vb;

	return (a->id > b->id) - (a->id < b->id);
}

const struct pst_bundle_identity *pst_identity_by_id(const struct pst_bundle *b, uint32_t id)
{
	const struct pst_bundle_identity key = {.id = id};

	return bsearch(&key, b->identities, b->n_identities, sizeof(key), cmp_id);
}

/* Whether SUBJECT is to be looked up: it is in default deny, or something is denied to it all the
 * same. */
static bool is_enforced(const struct pst_bundle *b, const struct pst_bundle_identity *subject,
			enum pst_dir direction)
{
	return subject->enforce[direction] || pst_bundle_has_entries(b, subject->id, direction);
}

static struct pst_addr_value endpoint_value(const struct pst_bundle *b,
					    const struct pst_bundle_identity *identity)
{
	struct pst_addr_value v = {.identity = identity->id};

	if (identity->id == PST_ID_HOST)
		v.flags |= PST_ADDR_HOST;
	if (!pst_identity_is_subject(identity))
		return v;
	v.flags |= PST_ADDR_ENDPOINT;
	if (is_enforced(b, identity, PST_DIR_INGRESS))
		v.flags |= PST_ADDR_ENFORCE_INGRESS;
	if (is_enforced(b, identity, PST_DIR_EGRESS))
		v.flags |= PST_ADDR_ENFORCE_EGRESS;
	if (identity->audit[PST_DIR_INGRESS])
		v.flags |= PST_ADDR_AUDIT_INGRESS;
	if (identity->audit[PST_DIR_EGRESS])
		v.flags |= PST_ADDR_AUDIT_EGRESS;
	return v;
}

/* Who wins when two have one address. */
enum rank {
	RANK_ENDPOINT,
	RANK_OWN,
	RANK_NODE,
	RANK_PREFIX,
};

struct claim {
	struct pst_bundle_addr addr;
	enum rank rank;
};

struct claims PST_VEC(struct claim);

static int claim(struct claims *all, const struct pst_prefix *prefix, enum rank rank,
		 const struct pst_bundle_addr *who)
{
	struct claim c = {.addr = *who, .rank = rank};

	memcpy(c.addr.addr, prefix->addr, sizeof(c.addr.addr));
	c.addr.prefix = prefix->len;
	return pst_vec_push(all, c);
}

static int claim_all(struct claims *all, const struct pst_addr *addrs, size_t n, enum rank rank,
		     const struct pst_bundle_addr *who)
{
	for (size_t i = 0; i < n; i++) {
		const struct pst_prefix one = pst_prefix_of(&addrs[i]);

		if (claim(all, &one, rank, who))
			return -ENOMEM;
	}
	return 0;
}

static int claim_endpoints(struct claims *all, const struct pst_resolve_input *in,
			   const struct pst_identity_map *map, const struct pst_bundle *b)
{
	for (size_t i = 0; i < in->inventory->n_endpoints; i++) {
		const struct pst_endpoint *ep = &in->inventory->endpoints[i];
		const struct pst_bundle_addr who = {
			.value = endpoint_value(b, pst_identity_by_id(b, map->endpoint_ids[i])),
			.name = pst_arena_join(b->arena, ep->ns, '/', ep->name),
		};

		if (!who.name || claim_all(all, ep->addrs, ep->n_addrs, RANK_ENDPOINT, &who))
			return -ENOMEM;
	}
	return 0;
}

static int claim_nodes(struct claims *all, const struct pst_resolve_input *in,
		       const struct pst_identity_map *map)
{
	const struct pst_bundle_addr own = {
		.value = {.identity = PST_ID_HOST, .flags = PST_ADDR_HOST},
	};

	if (claim_all(all, in->host_addrs, in->n_host_addrs, RANK_OWN, &own))
		return -ENOMEM;
	for (size_t i = 0; i < in->inventory->n_nodes; i++) {
		const struct pst_node *node = &in->inventory->nodes[i];
		const struct pst_bundle_addr who = {.value = {.identity = map->node_ids[i]}};

		if (claim_all(all, node->addrs, node->n_addrs, RANK_NODE, &who))
			return -ENOMEM;
	}
	return 0;
}

static int claim_prefixes(struct claims *all, const struct pst_identity_map *map,
			  const struct pst_bundle *b)
{
	for (size_t i = 0; i < b->n_identities; i++) {
		const struct pst_bundle_addr who = {.value = {.identity = b->identities[i].id}};
		const struct pst_prefix *prefix = map->facts[i].prefix;

		if (prefix && claim(all, prefix, RANK_PREFIX, &who))
			return -ENOMEM;
	}
	return 0;
}

static int cmp_claim(const void *va, const void *vb)
{
	const struct claim *a = va, *b = vb;
	int r = memcmp(a->addr.addr, b->addr.addr, sizeof(a->addr.addr));

	if (!r)
		r = (a->addr.prefix > b->addr.prefix) - (a->addr.prefix < b->addr.prefix);
	return r ? r : (int)a->rank - (int)b->rank;
}

static bool is_same_addr(const struct pst_bundle_addr *a, const struct pst_bundle_addr *b)
{
	return a->prefix == b->prefix && !memcmp(a->addr, b->addr, sizeof(a->addr));
}

static void report_twice(const struct claim *kept, const struct claim *dropped,
			 struct pst_diags *diags)
{
	static const struct pst_pos nowhere;
	struct pst_addr addr;
	char text[64];

	if (kept->rank != RANK_ENDPOINT)
		return;
	memcpy(addr.b, kept->addr.addr, sizeof(addr.b));
	pst_addr_to_str(&addr, text, sizeof(text));
	if (dropped->rank == RANK_OWN)
		pst_diags_add(diags, PST_SEVERITY_WARNING, "address-of-node", &nowhere,
			      "%s is an address of the node and of the endpoint %s: it is taken as "
			      "the endpoint's",
			      text, kept->addr.name);
	else if (dropped->rank == RANK_ENDPOINT && strcmp(kept->addr.name, dropped->addr.name))
		pst_diags_error(diags, "address-conflict", &nowhere,
				"%s belongs to the endpoints %s and %s: one address names one "
				"endpoint",
				text, kept->addr.name, dropped->addr.name);
}

static int seal_addrs(struct claims *all, struct pst_diags *diags, struct pst_bundle *b)
{
	static const struct pst_pos nowhere;
	const struct claim *last = NULL;

	b->addrs = pst_arena_calloc(b->arena, all->n, sizeof(*b->addrs));
	if (!b->addrs)
		return -ENOMEM;
	if (all->n)
		qsort(all->v, all->n, sizeof(*all->v), cmp_claim);
	for (size_t i = 0; i < all->n; i++) {
		const struct claim *c = &all->v[i];

		if (last && is_same_addr(&last->addr, &c->addr)) {
			report_twice(last, c, diags);
			continue;
		}
		b->addrs[b->n_addrs++] = c->addr;
		last = c;
	}
	if (b->n_addrs <= PST_ADDR_ENTRIES)
		return 0;
	pst_diags_error(diags, "table-full", &nowhere, "%zu addresses, the table holds %d",
			b->n_addrs, PST_ADDR_ENTRIES);
	return -E2BIG;
}

int pst_identity_addrs(const struct pst_resolve_input *in, const struct pst_identity_map *map,
		       struct pst_diags *diags, struct pst_bundle *b)
{
	struct claims all = {0};
	int r = claim_endpoints(&all, in, map, b);

	if (!r)
		r = claim_nodes(&all, in, map);
	if (!r)
		r = claim_prefixes(&all, map, b);
	if (!r)
		r = seal_addrs(&all, diags, b);
	pst_vec_free(&all);
	return r;
}
