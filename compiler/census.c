// SPDX-License-Identifier: Apache-2.0
#include "compiler/census.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "compiler/identity.h"
#include "compiler/idlabels.h"
#include "compiler/prefix.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096 };

/* What stands in a slot. */
struct person {
	struct pst_arena *arena; /* of labels and ports; NULL: the slot is free */
	struct pst_labels labels;
	uint64_t hash;
	size_t refs;
	uint32_t next; /* 1 + the next slot of the bucket, or 0 */
};

struct named {
	char *name;
	size_t refs;
};

struct told {
	struct pst_prefix prefix;
	size_t refs;
	uint32_t slot;
};

struct resident {
	const struct pst_endpoint *endpoint;
	uint32_t slot;
};

struct pst_census {
	const struct pst_resolve_input input;
	struct pst_crowd crowd;
	struct PST_VEC(struct person) people;
	uint32_t buckets[BUCKETS];
	struct PST_VEC(uint32_t) free;
	struct PST_VEC(struct named) names;
	struct PST_VEC(struct told) prefixes;	   /* sorted */
	struct PST_VEC(struct resident) residents; /* sorted by namespace and name */
	struct PST_VEC(uint32_t) nodes;		   /* slots, as the inventory's */
	size_t n_node_rules;
	const struct pst_service *apiserver;
	struct PST_VEC(struct pst_census_change) changes;
	uint32_t next_local, next_prefix, next_node;
	uint32_t host, world;
};

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(1099511628211);
	return (h ^ 0xff) * UINT64_C(1099511628211);
}

static uint64_t hash_of(const struct pst_labels *labels, const struct pst_identity_facts *facts)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < labels->n; i++) {
		h = hash_text(h, labels->v[i].source);
		h = hash_text(h, labels->v[i].key);
		h = hash_text(h, labels->v[i].value);
	}
	for (size_t i = 0; i < facts->n_ports; i++)
		h = hash_text(h, facts->ports[i].name) + facts->ports[i].port;
	return h;
}

static const char *copy(struct pst_arena *arena, const char *s)
{
	return pst_arena_strndup(arena, s, strlen(s));
}

static int copy_facts(struct person *p, const struct pst_identity_facts *facts,
		      struct pst_identity_facts *ret)
{
	struct pst_named_port *ports = pst_arena_calloc(p->arena, facts->n_ports, sizeof(*ports));
	struct pst_prefix *prefix = pst_arena_alloc(p->arena, sizeof(*prefix));

	if (!ports || !prefix)
		return -ENOMEM;
	if (facts->prefix)
		*prefix = *facts->prefix;
	for (size_t i = 0; i < facts->n_ports; i++) {
		ports[i] = facts->ports[i];
		ports[i].name = copy(p->arena, ports[i].name);
		if (!ports[i].name)
			return -ENOMEM;
	}
	*ret = (struct pst_identity_facts){
		.prefix = facts->prefix ? prefix : NULL,
		.ports = ports,
		.n_ports = facts->n_ports,
	};
	return 0;
}

static uint32_t number(struct pst_census *c, const struct pst_crowd_member *m)
{
	const uint32_t reserved = pst_resolve_reserved(m->labels);

	if (m->facts.prefix)
		return c->next_prefix++;
	if (reserved)
		return reserved;
	return pst_labels_get(m->labels, "reserved", "remote-node") ? c->next_node++
								    : c->next_local++;
}

/* A free slot for the member; the crowd and the people have the same slots. */
static int seat(struct pst_census *c, const struct pst_crowd_member *m, uint32_t *ret_slot)
{
	static const struct person nobody;
	int r;

	if (c->free.n) {
		*ret_slot = c->free.v[c->free.n - 1];
		r = pst_crowd_put(&c->crowd, *ret_slot, m);
		c->free.n -= !r;
		return r;
	}
	r = pst_vec_push(&c->people, nobody);
	if (!r)
		r = pst_crowd_add(&c->crowd, m);
	*ret_slot = (uint32_t)c->people.n - 1;
	return r;
}

static int arrive(struct pst_census *c, const struct pst_labels *labels,
		  const struct pst_identity_facts *facts, uint64_t hash, uint32_t *ret_slot)
{
	struct person p = {.arena = pst_arena_new(), .hash = hash, .refs = 1};
	struct pst_crowd_member m = {0};
	struct pst_census_change change;
	uint32_t *bucket = &c->buckets[hash % BUCKETS];
	int r = p.arena ? pst_idlabels_copy(p.arena, labels, &p.labels) : -ENOMEM;

	if (!r)
		r = copy_facts(&p, facts, &m.facts);
	if (!r) {
		m.labels = &p.labels;
		m.id = number(c, &m);
		r = seat(c, &m, ret_slot);
	}
	if (r) {
		pst_arena_free(&p.arena);
		return r;
	}
	p.next = *bucket;
	*bucket = *ret_slot + 1;
	c->people.v[*ret_slot] = p;
	change = (struct pst_census_change){.slot = *ret_slot, .id = m.id};
	return pst_vec_push(&c->changes, change);
}

/* The people move when there are more of them, and the crowd points to their labels. */
static void point_to_labels(struct pst_census *c)
{
	for (size_t i = 0; i < c->people.n; i++) {
		if (c->people.v[i].arena)
			c->crowd.members.v[i].labels = &c->people.v[i].labels;
	}
}

static bool is_person(const struct pst_census *c, uint32_t slot, const struct pst_labels *labels,
		      const struct pst_identity_facts *facts, uint64_t hash)
{
	const struct person *p = &c->people.v[slot];
	const struct pst_identity_facts *have = &c->crowd.members.v[slot].facts;

	return p->hash == hash && !have->prefix == !facts->prefix &&
	       !pst_labels_cmp(&p->labels, labels) && pst_identity_same_ports(have, facts);
}

/* One more needs the identity of LABELS and FACTS. */
static int join(struct pst_census *c, const struct pst_labels *labels,
		const struct pst_identity_facts *facts, uint32_t *ret_slot)
{
	const uint64_t hash = hash_of(labels, facts);
	const struct person *before = c->people.v;
	int r;

	for (uint32_t at = c->buckets[hash % BUCKETS]; at; at = c->people.v[at - 1].next) {
		if (!is_person(c, at - 1, labels, facts, hash))
			continue;
		c->people.v[at - 1].refs++;
		*ret_slot = at - 1;
		return 0;
	}
	r = arrive(c, labels, facts, hash, ret_slot);
	if (c->people.v != before)
		point_to_labels(c);
	else if (!r)
		c->crowd.members.v[*ret_slot].labels = &c->people.v[*ret_slot].labels;
	return r;
}

/* One fewer needs it. */
static int leave(struct pst_census *c, uint32_t slot)
{
	struct person *p = &c->people.v[slot];
	const struct pst_census_change change = {
		.slot = slot,
		.id = c->crowd.members.v[slot].id,
		.gone = true,
	};
	uint32_t *at = &c->buckets[p->hash % BUCKETS];
	int r;

	if (--p->refs)
		return 0;
	while (*at != slot + 1)
		at = &c->people.v[*at - 1].next;
	*at = p->next;
	r = pst_crowd_remove(&c->crowd, slot);
	pst_arena_free(&p->arena);
	*p = (struct person){0};
	return r ? r : pst_vec_push(&c->changes, change);
}

/* Endpoints. */

static bool is_used(const struct pst_census *c, const char *name)
{
	for (size_t i = 0; i < c->names.n; i++) {
		if (!strcmp(c->names.v[i].name, name))
			return true;
	}
	return false;
}

static int cmp_ports(const void *a, const void *b)
{
	return pst_named_port_cmp(a, b);
}

static int join_endpoint(struct pst_census *c, const struct pst_endpoint *ep, uint32_t *ret_slot)
{
	pst_auto_free struct pst_named_port *ports = pst_mem_calloc(ep->n_ports, sizeof(*ports));
	struct pst_identity_facts facts = {.ports = ports};
	const uint32_t reserved = pst_resolve_reserved(&ep->labels);

	if (!ports)
		return -ENOMEM;
	/* These two are always there, whoever claims to be them. */
	if (reserved == PST_ID_HOST || reserved == PST_ID_WORLD) {
		*ret_slot = reserved == PST_ID_HOST ? c->host : c->world;
		c->people.v[*ret_slot].refs++;
		return 0;
	}
	/* An identity with a number of Cilium's is one, whatever its ports. */
	for (size_t i = 0; !reserved && i < ep->n_ports; i++) {
		if (is_used(c, ep->ports[i].name))
			ports[facts.n_ports++] = ep->ports[i];
	}
	if (facts.n_ports)
		qsort(ports, facts.n_ports, sizeof(*ports), cmp_ports);
	return join(c, &ep->labels, &facts, ret_slot);
}

static int cmp_name(const struct pst_endpoint *a, const char *ns, const char *name)
{
	int r = strcmp(a->ns, ns);

	return r ? r : strcmp(a->name, name);
}

/* Where the endpoint of that name is, or would be. */
static size_t find_resident(const struct pst_census *c, const char *ns, const char *name)
{
	size_t low = 0, high = c->residents.n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (cmp_name(c->residents.v[mid].endpoint, ns, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool is_resident(const struct pst_census *c, size_t at, const char *ns, const char *name)
{
	return at < c->residents.n && !cmp_name(c->residents.v[at].endpoint, ns, name);
}

int pst_census_put(struct pst_census *census, const struct pst_endpoint *endpoint)
{
	const size_t at = find_resident(census, endpoint->ns, endpoint->name);
	const bool replaces = is_resident(census, at, endpoint->ns, endpoint->name);
	const uint32_t before = replaces ? census->residents.v[at].slot : 0;
	struct resident now = {.endpoint = endpoint};
	int r = join_endpoint(census, endpoint, &now.slot);

	if (r)
		return r;
	if (replaces) {
		census->residents.v[at] = now;
		return leave(census, before);
	}
	if (pst_vec_push(&census->residents, now))
		return -ENOMEM;
	memmove(&census->residents.v[at + 1], &census->residents.v[at],
		(census->residents.n - 1 - at) * sizeof(now));
	census->residents.v[at] = now;
	return 0;
}

int pst_census_drop(struct pst_census *census, const char *ns, const char *name)
{
	const size_t at = find_resident(census, ns, name);
	uint32_t slot;

	if (!is_resident(census, at, ns, name))
		return -ENOENT;
	slot = census->residents.v[at].slot;
	census->residents.n--;
	memmove(&census->residents.v[at], &census->residents.v[at + 1],
		(census->residents.n - at) * sizeof(*census->residents.v));
	return leave(census, slot);
}

int pst_census_find(const struct pst_census *census, const char *ns, const char *name,
		    uint32_t *ret_slot)
{
	const size_t at = find_resident(census, ns, name);

	if (!is_resident(census, at, ns, name))
		return -ENOENT;
	*ret_slot = census->residents.v[at].slot;
	return 0;
}

static bool has_port(const struct pst_endpoint *ep, const char *name)
{
	for (size_t i = 0; i < ep->n_ports; i++) {
		if (!strcmp(ep->ports[i].name, name))
			return true;
	}
	return false;
}

/* A name begins or ceases to matter: those who have it may be others now. */
static int rename_all(struct pst_census *c, const char *name)
{
	int r = 0;

	for (size_t i = 0; !r && i < c->residents.n; i++) {
		struct resident *who = &c->residents.v[i];
		const uint32_t before = who->slot;

		if (!has_port(who->endpoint, name))
			continue;
		r = join_endpoint(c, who->endpoint, &who->slot);
		if (!r)
			r = leave(c, before);
	}
	return r;
}

static size_t find_name(const struct pst_census *c, const char *name)
{
	size_t i = 0;

	while (i < c->names.n && strcmp(c->names.v[i].name, name))
		i++;
	return i;
}

static int count_name(struct pst_census *c, const char *name)
{
	const size_t at = find_name(c, name);
	struct named fresh = {.refs = 1};

	if (at < c->names.n) {
		c->names.v[at].refs++;
		return 0;
	}
	fresh.name = pst_mem_strndup(name, strlen(name));
	if (!fresh.name || pst_vec_push(&c->names, fresh)) {
		free(fresh.name);
		return -ENOMEM;
	}
	return rename_all(c, name);
}

static int discount_name(struct pst_census *c, const char *name)
{
	const size_t at = find_name(c, name);

	if (--c->names.v[at].refs)
		return 0;
	free(c->names.v[at].name);
	c->names.v[at] = c->names.v[--c->names.n];
	return rename_all(c, name);
}

/* Nodes. */

static int join_node(struct pst_census *c, const struct pst_node *node, uint32_t *ret_slot)
{
	struct pst_arena *scratch pst_cleanup(pst_arena_free) = pst_arena_new();
	const struct pst_identity_facts facts = {0};
	struct pst_labels labels;

	if (!scratch || pst_idlabels_of_node(scratch, c->apiserver, node, c->n_node_rules, &labels))
		return -ENOMEM;
	return join(c, &labels, &facts, ret_slot);
}

/* Nodes are told apart only while a rule asks for their labels. */
static int count_node_rules(struct pst_census *c, size_t n, bool more)
{
	const bool before = c->n_node_rules;
	int r = 0;

	c->n_node_rules += more ? n : -n;
	for (size_t i = 0; !r && before != !!c->n_node_rules && i < c->nodes.n; i++) {
		const uint32_t old = c->nodes.v[i];

		r = join_node(c, &c->input.inventory->nodes[i], &c->nodes.v[i]);
		if (!r)
			r = leave(c, old);
	}
	return r;
}

/* Prefixes. */

static int join_prefix(struct pst_census *c, const struct pst_prefix *prefix, uint32_t *ret_slot)
{
	struct pst_arena *scratch pst_cleanup(pst_arena_free) = pst_arena_new();
	const struct pst_identity_facts facts = {.prefix = prefix};
	struct pst_labels labels;

	if (!scratch || pst_idlabels_of_prefix(scratch, c->apiserver, prefix, &labels))
		return -ENOMEM;
	return join(c, &labels, &facts, ret_slot);
}

static size_t find_prefix(const struct pst_census *c, const struct pst_prefix *prefix)
{
	size_t low = 0, high = c->prefixes.n;

	while (low < high) {
		const size_t mid = low + (high - low) / 2;

		if (pst_prefix_cmp(&c->prefixes.v[mid].prefix, prefix) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int tell_prefix(struct pst_census *c, const struct pst_prefix *prefix)
{
	const size_t at = find_prefix(c, prefix);
	struct told fresh = {.prefix = *prefix, .refs = 1};
	int r;

	if (at < c->prefixes.n && !pst_prefix_cmp(&c->prefixes.v[at].prefix, prefix)) {
		c->prefixes.v[at].refs++;
		return 0;
	}
	r = join_prefix(c, prefix, &fresh.slot);
	if (!r)
		r = pst_vec_push(&c->prefixes, fresh);
	if (r)
		return r;
	memmove(&c->prefixes.v[at + 1], &c->prefixes.v[at],
		(c->prefixes.n - 1 - at) * sizeof(fresh));
	c->prefixes.v[at] = fresh;
	return 0;
}

static int untell_prefix(struct pst_census *c, const struct pst_prefix *prefix)
{
	const size_t at = find_prefix(c, prefix);
	const uint32_t slot = c->prefixes.v[at].slot;

	if (--c->prefixes.v[at].refs)
		return 0;
	c->prefixes.n--;
	memmove(&c->prefixes.v[at], &c->prefixes.v[at + 1],
		(c->prefixes.n - at) * sizeof(*c->prefixes.v));
	return leave(c, slot);
}

static int count_prefixes(struct pst_census *c, const struct pst_policy_set *set, bool more)
{
	struct pst_arena *scratch pst_cleanup(pst_arena_free) = pst_arena_new();
	const struct pst_prefix *v = NULL;
	size_t n = 0;
	int r = -ENOMEM;

	if (scratch)
		r = pst_prefixes_collect(set, c->input.inventory, scratch, &v, &n);
	for (size_t i = 0; !r && i < n; i++)
		r = more ? tell_prefix(c, &v[i]) : untell_prefix(c, &v[i]);
	return r;
}

/* Policies. */

static int count_rule(struct pst_census *c, const struct pst_rule *rule, bool more)
{
	int r = rule->member == PST_MEMBER_NODES ? count_node_rules(c, 1, more) : 0;

	for (size_t i = 0; !r && i < rule->n_ports; i++) {
		for (size_t k = 0; !r && k < rule->ports[i].n_ports; k++) {
			const char *name = rule->ports[i].ports[k].name.s;

			if (name)
				r = more ? count_name(c, name) : discount_name(c, name);
		}
	}
	return r;
}

static int count_policy(struct pst_census *c, const struct pst_policy *policy, bool more)
{
	const struct pst_policy_set set = {
		.policies = (struct pst_policy *)policy,
		.n_policies = 1,
	};
	int r = count_prefixes(c, &set, more);

	for (size_t s = 0; s < policy->n_specs; s++) {
		for (size_t i = 0; !r && i < policy->specs[s].n_rules; i++)
			r = count_rule(c, &policy->specs[s].rules[i], more);
	}
	return r;
}

int pst_census_note(struct pst_census *census, const struct pst_policy *policy)
{
	return count_policy(census, policy, true);
}

int pst_census_forget(struct pst_census *census, const struct pst_policy *policy)
{
	return count_policy(census, policy, false);
}

/* The whole. */

static int join_own_and_world(struct pst_census *c)
{
	const struct pst_labels host =
		pst_idlabels_host(c->apiserver, c->input.host_addrs, c->input.n_host_addrs);
	const struct pst_labels world = pst_idlabels_world();
	const struct pst_identity_facts facts = {0};
	int r = join(c, &host, &facts, &c->host);

	/* Its number does not come from its labels. */
	if (!r && host.n > 1)
		c->crowd.members.v[c->host].id = PST_ID_HOST;
	return r ? r : join(c, &world, &facts, &c->world);
}

static int populate(struct pst_census *c)
{
	const struct pst_inventory *inv = c->input.inventory;
	const struct pst_policy_set none = {0};
	int r = join_own_and_world(c);

	for (size_t i = 0; !r && i < inv->n_nodes; i++) {
		uint32_t slot = 0;

		r = join_node(c, &inv->nodes[i], &slot);
		if (!r)
			r = pst_vec_push(&c->nodes, slot);
	}
	/* The API server's addresses, whatever policies say. */
	if (!r)
		r = count_prefixes(c, &none, true);
	for (size_t i = 0; !r && i < inv->n_endpoints; i++)
		r = pst_census_put(c, &inv->endpoints[i]);
	return r;
}

struct pst_census *pst_census_new(const struct pst_resolve_input *input)
{
	struct pst_census *c = pst_mem_calloc(1, sizeof(*c));
	const struct pst_census fresh = {
		.input = *input,
		.crowd = {.inventory = input->inventory},
		.next_local = PST_ID_LOCAL,
		.next_prefix = PST_ID_FIRST_PREFIX,
		.next_node = PST_ID_FIRST_NODE,
		.apiserver = pst_peer_find_service(input->inventory, "default", "kubernetes"),
	};

	if (!c)
		return NULL;
	memcpy(c, &fresh, sizeof(*c));
	if (populate(c))
		pst_census_free(&c);
	return c;
}

void pst_census_free(struct pst_census **census)
{
	struct pst_census *c = *census;

	if (!c)
		return;
	for (size_t i = 0; i < c->people.n; i++)
		pst_arena_free(&c->people.v[i].arena);
	for (size_t i = 0; i < c->names.n; i++)
		free(c->names.v[i].name);
	pst_crowd_fini(&c->crowd);
	pst_vec_free(&c->people);
	pst_vec_free(&c->free);
	pst_vec_free(&c->names);
	pst_vec_free(&c->prefixes);
	pst_vec_free(&c->residents);
	pst_vec_free(&c->nodes);
	pst_vec_free(&c->changes);
	free(c);
	*census = NULL;
}

const struct pst_crowd *pst_census_crowd(const struct pst_census *census)
{
	return &census->crowd;
}

uint32_t pst_census_host(const struct pst_census *census)
{
	return census->host;
}

uint32_t pst_census_world(const struct pst_census *census)
{
	return census->world;
}

const struct pst_census_change *pst_census_changes(const struct pst_census *census, size_t *ret_n)
{
	*ret_n = census->changes.n;
	return census->changes.v;
}

int pst_census_settle(struct pst_census *census)
{
	for (size_t i = 0; i < census->changes.n; i++) {
		if (census->changes.v[i].gone &&
		    pst_vec_push(&census->free, census->changes.v[i].slot))
			return -ENOMEM;
	}
	census->changes.n = 0;
	return 0;
}
