// SPDX-License-Identifier: Apache-2.0
#include "compiler/identity.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/sort.h"
#include "base/vec.h"
#include "compiler/buckets.h"
#include "compiler/idlabels.h"
#include "compiler/numbering.h"
#include "compiler/prefix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct identity {
	struct pst_bundle_identity identity;
	struct pst_identity_facts facts;
};

struct names PST_VEC(const char *);

struct collector {
	const struct pst_resolve_input *in;
	struct pst_arena *scratch;
	struct pst_bundle *b;
	struct pst_policy_set told;	     /* all policies that tell identities apart */
	struct names names;		     /* port names that policies use, sorted */
	bool nodes_by_label;		     /* a rule selects nodes by their labels */
	const struct pst_service *apiserver; /* NULL: the inventory has none */
	struct PST_VEC(struct identity) all;
	struct pst_identity_map map;
};

static int add(struct collector *c, uint32_t id, const struct pst_labels *labels,
	       const struct pst_identity_facts *facts)
{
	struct identity i = {.identity = {.id = id}};
	int r = pst_idlabels_copy(c->b->arena, labels, &i.identity.labels);

	if (facts)
		i.facts = *facts;
	return r ? r : pst_vec_push(&c->all, i);
}

static int add_own_and_world(struct collector *c)
{
	const struct pst_labels host =
		pst_idlabels_host(c->apiserver, c->in->host_addrs, c->in->n_host_addrs);
	const struct pst_labels world = pst_idlabels_world();

	if (add(c, PST_ID_HOST, &host, NULL) || add(c, PST_ID_WORLD, &world, NULL))
		return -ENOMEM;
	return 0;
}

static int cmp_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int note_rule(struct collector *c, const struct pst_rule *rule)
{
	c->nodes_by_label |= rule->member == PST_MEMBER_NODES;
	for (size_t i = 0; i < rule->n_ports; i++) {
		for (size_t k = 0; k < rule->ports[i].n_ports; k++) {
			const char *name = rule->ports[i].ports[k].name.s;

			if (name && pst_vec_push(&c->names, name))
				return -ENOMEM;
		}
	}
	return 0;
}

/* The policies in force and those that only count here. */
static int join_policies(struct collector *c)
{
	const struct pst_policy_set *const sets[] = {c->in->policies, c->in->also};
	const size_t n = sets[0]->n_policies + (sets[1] ? sets[1]->n_policies : 0);

	c->told.policies = pst_arena_calloc(c->scratch, n, sizeof(*c->told.policies));
	if (!c->told.policies)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		for (size_t p = 0; sets[i] && p < sets[i]->n_policies; p++)
			c->told.policies[c->told.n_policies++] = sets[i]->policies[p];
	}
	return 0;
}

static int note_policy(struct collector *c, const struct pst_policy *policy)
{
	for (size_t s = 0; s < policy->n_specs; s++) {
		const struct pst_spec *spec = &policy->specs[s];

		for (size_t i = 0; i < spec->n_rules; i++) {
			if (note_rule(c, &spec->rules[i]))
				return -ENOMEM;
		}
	}
	return 0;
}

static int note_policies(struct collector *c)
{
	for (size_t i = 0; i < c->told.n_policies; i++) {
		if (note_policy(c, &c->told.policies[i]))
			return -ENOMEM;
	}
	if (c->names.n)
		qsort(c->names.v, c->names.n, sizeof(*c->names.v), cmp_names);
	return 0;
}

static bool is_used(const struct collector *c, const char *name)
{
	return c->names.n && bsearch(&name, c->names.v, c->names.n, sizeof(name), cmp_names);
}

static int cmp_ports(const void *a, const void *b)
{
	return pst_named_port_cmp(a, b);
}

/* The ports of EP whose names policies use, sorted. */
static int pick_ports(struct collector *c, const struct pst_endpoint *ep,
		      struct pst_identity_facts *facts)
{
	struct pst_named_port *ports = pst_arena_calloc(c->scratch, ep->n_ports, sizeof(*ports));
	size_t n = 0;

	if (!ports)
		return -ENOMEM;
	for (size_t i = 0; i < ep->n_ports; i++) {
		if (is_used(c, ep->ports[i].name))
			ports[n++] = ep->ports[i];
	}
	if (n)
		qsort(ports, n, sizeof(*ports), cmp_ports);
	facts->ports = ports;
	facts->n_ports = n;
	return 0;
}

/* The endpoints that are alike. */
struct member {
	const struct pst_labels *labels;
	struct pst_identity_facts facts;
	uint64_t hash;
	uint32_t number; /* of the identity, once it is known */
};

struct members {
	struct PST_VEC(struct member) v;
	struct pst_buckets by_hash;
	uint32_t *of; /* as the inventory's endpoints: which member */
};

static int cmp_member(const struct member *a, const struct member *b)
{
	int r = pst_labels_cmp(a->labels, b->labels);

	for (size_t i = 0; !r && i < a->facts.n_ports && i < b->facts.n_ports; i++)
		r = pst_named_port_cmp(&a->facts.ports[i], &b->facts.ports[i]);
	return r ? r
		 : (a->facts.n_ports > b->facts.n_ports) - (a->facts.n_ports < b->facts.n_ports);
}

static int cmp_member_at(const void *a, const void *b)
{
	return cmp_member(*(const struct member *const *)a, *(const struct member *const *)b);
}

/* Values are what differs. */
static uint64_t hash_member(const struct member *m)
{
	uint64_t h = m->labels->n;

	for (size_t i = 0; i < m->labels->n; i++) {
		for (const char *s = m->labels->v[i].value; *s; s++)
			h = h * 31 + (unsigned char)*s;
		h = pst_buckets_mix(h, i);
	}
	for (size_t i = 0; i < m->facts.n_ports; i++)
		h = pst_buckets_mix(h, m->facts.ports[i].port);
	return h;
}

static uint64_t hash_of_member(const void *ctx, size_t number)
{
	return ((const struct members *)ctx)->v.v[number].hash;
}

/* Which member ONE is; perhaps a new one. */
static int find_member(struct members *all, struct member *one, uint32_t *ret_number)
{
	uint32_t i;
	int r = pst_buckets_reserve(&all->by_hash, all->v.n, hash_of_member, all);

	one->hash = hash_member(one);
	for (size_t at = one->hash;
	     !r && (i = pst_buckets_at(&all->by_hash, at)) != PST_BUCKETS_NONE; at++) {
		if (all->v.v[i].hash == one->hash && !cmp_member(&all->v.v[i], one)) {
			*ret_number = i;
			return 0;
		}
	}
	if (!r)
		r = pst_vec_push(&all->v, *one);
	if (r)
		return r;
	*ret_number = (uint32_t)all->v.n - 1;
	pst_buckets_add(&all->by_hash, one->hash, *ret_number);
	return 0;
}

/* Members become identities; where two want one number, in the order of their labels. */
static int number_members(struct collector *c, struct members *all)
{
	pst_auto_free struct member **sorted = pst_mem_calloc(all->v.n, sizeof(struct member *));
	struct pst_numbering numbers;

	if (!sorted || pst_numbering_init(&numbers, PST_ID_LOCAL, all->v.n))
		return -ENOMEM;
	for (size_t i = 0; i < all->v.n; i++)
		sorted[i] = &all->v.v[i];
	pst_sort(sorted, all->v.n, sizeof(struct member *), cmp_member_at);
	for (size_t i = 0; i < all->v.n; i++) {
		struct member *m = sorted[i];
		const uint32_t reserved = pst_resolve_reserved(m->labels);

		m->number = reserved ? reserved : pst_numbering_take(&numbers, m->labels);
		if (m->number == PST_ID_HOST || m->number == PST_ID_WORLD)
			continue;
		if (add(c, m->number, m->labels, &m->facts)) {
			pst_numbering_fini(&numbers);
			return -ENOMEM;
		}
	}
	pst_numbering_fini(&numbers);
	return 0;
}

static int find_members(struct collector *c, struct members *all)
{
	const struct pst_inventory *inv = c->in->inventory;

	all->of = pst_mem_calloc(inv->n_endpoints, sizeof(*all->of));
	if (!all->of)
		return -ENOMEM;
	for (size_t i = 0; i < inv->n_endpoints; i++) {
		struct member one = {.labels = &inv->endpoints[i].labels};

		if (pick_ports(c, &inv->endpoints[i], &one.facts) ||
		    find_member(all, &one, &all->of[i]))
			return -ENOMEM;
	}
	return number_members(c, all);
}

static int add_endpoints(struct collector *c)
{
	const size_t n = c->in->inventory->n_endpoints;
	struct members all = {0};
	int r = find_members(c, &all);

	c->map.endpoint_ids = pst_arena_calloc(c->scratch, n, sizeof(*c->map.endpoint_ids));
	if (!c->map.endpoint_ids)
		r = -ENOMEM;
	for (size_t i = 0; !r && i < n; i++)
		c->map.endpoint_ids[i] = all.v.v[all.of[i]].number;
	pst_vec_free(&all.v);
	free(all.by_hash.v);
	free(all.of);
	return r;
}

static struct identity *find_by_labels(struct collector *c, const struct pst_labels *labels)
{
	for (size_t i = 0; i < c->all.n; i++) {
		if (!pst_labels_cmp(&c->all.v[i].identity.labels, labels))
			return &c->all.v[i];
	}
	return NULL;
}

/* Nodes are told apart only when a rule asks for their labels. */
static int add_node(struct collector *c, const struct pst_node *node, uint32_t *next,
		    uint32_t *ret_id)
{
	const struct identity *same;
	struct pst_labels labels;

	if (pst_idlabels_of_node(c->scratch, c->apiserver, node, c->nodes_by_label, &labels))
		return -ENOMEM;
	same = find_by_labels(c, &labels);
	if (same) {
		*ret_id = same->identity.id;
		return 0;
	}
	*ret_id = pst_resolve_reserved(&labels);
	if (!*ret_id)
		*ret_id = (*next)++;
	return add(c, *ret_id, &labels, NULL);
}

static int add_nodes(struct collector *c)
{
	const struct pst_inventory *inv = c->in->inventory;
	uint32_t next = PST_ID_FIRST_NODE;

	c->map.node_ids = pst_arena_calloc(c->scratch, inv->n_nodes, sizeof(*c->map.node_ids));
	if (!c->map.node_ids)
		return -ENOMEM;
	for (size_t i = 0; i < inv->n_nodes; i++) {
		if (add_node(c, &inv->nodes[i], &next, &c->map.node_ids[i]))
			return -ENOMEM;
	}
	return 0;
}

static int add_prefix(struct collector *c, const struct pst_prefix *prefix,
		      struct pst_numbering *numbers)
{
	const struct pst_identity_facts facts = {.prefix = prefix};
	struct pst_labels labels;
	int r = pst_idlabels_of_prefix(c->scratch, c->apiserver, prefix, &labels);

	return r ? r : add(c, pst_numbering_take(numbers, &labels), &labels, &facts);
}

static int add_prefixes(struct collector *c)
{
	const struct pst_prefix *prefixes;
	struct pst_numbering numbers;
	size_t n;
	int r = pst_prefixes_collect(&c->told, c->in->inventory, c->scratch, &prefixes, &n);

	if (r)
		return r;
	r = pst_numbering_init(&numbers, PST_ID_FIRST_PREFIX, n);
	for (size_t i = 0; !r && i < n; i++)
		r = add_prefix(c, &prefixes[i], &numbers);
	pst_numbering_fini(&numbers);
	return r;
}

static int cmp_identity(const void *va, const void *vb)
{
	const struct identity *a = va, *b = vb;

	return (a->identity.id > b->identity.id) - (a->identity.id < b->identity.id);
}

static int seal(struct collector *c)
{
	struct pst_bundle *b = c->b;

	qsort(c->all.v, c->all.n, sizeof(*c->all.v), cmp_identity);
	b->identities = pst_arena_calloc(b->arena, c->all.n, sizeof(*b->identities));
	c->map.facts = pst_arena_calloc(c->scratch, c->all.n, sizeof(*c->map.facts));
	if (!b->identities || !c->map.facts)
		return -ENOMEM;
	for (size_t i = 0; i < c->all.n; i++) {
		/* A pod may claim a reserved label set that nodes have as well. */
		if (i && c->all.v[i - 1].identity.id == c->all.v[i].identity.id)
			continue;
		c->map.facts[b->n_identities] = c->all.v[i].facts;
		b->identities[b->n_identities++] = c->all.v[i].identity;
	}
	return 0;
}

int pst_identities_collect(const struct pst_resolve_input *in, struct pst_arena *scratch,
			   struct pst_bundle *b, struct pst_identity_map *ret_map)
{
	struct collector c = {.in = in, .scratch = scratch, .b = b};
	int r = join_policies(&c);

	c.apiserver = pst_peer_find_service(in->inventory, "default", "kubernetes");
	if (!r)
		r = note_policies(&c);
	if (!r)
		r = add_own_and_world(&c);
	if (!r)
		r = add_endpoints(&c);
	if (!r)
		r = add_nodes(&c);
	if (!r)
		r = add_prefixes(&c);
	if (!r)
		r = seal(&c);
	if (!r)
		*ret_map = c.map;
	pst_vec_free(&c.all);
	pst_vec_free(&c.names);
	return r;
}
