// SPDX-License-Identifier: Apache-2.0
#include "compiler/identity.h"

#include "base/mem.h"

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

enum { N_RESERVED = sizeof(reserved_ids) / sizeof(*reserved_ids) };

uint32_t pst_resolve_reserved(const struct pst_labels *labels)
{
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

static int copy_labels(struct pst_arena *arena, const struct pst_labels *from,
		       struct pst_labels *ret)
{
	struct pst_label *v = pst_arena_calloc(arena, from->n, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < from->n; i++) {
		const struct pst_label *l = &from->v[i];

		v[i].source = pst_arena_strndup(arena, l->source, strlen(l->source));
		v[i].key = pst_arena_strndup(arena, l->key, strlen(l->key));
		v[i].value = pst_arena_strndup(arena, l->value, strlen(l->value));
		if (!v[i].source || !v[i].key || !v[i].value)
			return -ENOMEM;
	}
	*ret = (struct pst_labels){.v = v, .n = from->n};
	return 0;
}

static int cmp_labels(const void *va, const void *vb)
{
	const struct pst_labels *const *a = va, *const *b = vb;

	return pst_labels_cmp(*a, *b);
}

static int cmp_id(const void *va, const void *vb)
{
	const struct pst_bundle_identity *a = va, *b = vb;

	return (a->id > b->id) - (a->id < b->id);
}

static int add_identity(struct pst_bundle *b, uint32_t id, const struct pst_labels *labels)
{
	struct pst_bundle_identity *identity = &b->identities[b->n_identities];

	if (copy_labels(b->arena, labels, &identity->labels))
		return -ENOMEM;
	identity->id = id;
	b->n_identities++;
	return 0;
}

static int add_own_and_world(struct pst_bundle *b)
{
	static struct pst_label host = {"reserved", "host", ""};
	static struct pst_label world = {"reserved", "world", ""};

	if (add_identity(b, PST_ID_HOST, &(struct pst_labels){&host, 1}) ||
	    add_identity(b, PST_ID_WORLD, &(struct pst_labels){&world, 1}))
		return -ENOMEM;
	return 0;
}

static int add_sorted(struct pst_bundle *b, const struct pst_labels **sets, size_t n)
{
	uint32_t next = PST_ID_LOCAL;

	for (size_t i = 0; i < n; i++) {
		uint32_t id = pst_resolve_reserved(sets[i]);

		if (i && !pst_labels_cmp(sets[i - 1], sets[i]))
			continue;
		if (id == PST_ID_HOST || id == PST_ID_WORLD)
			continue;
		if (add_identity(b, id ? id : next++, sets[i]))
			return -ENOMEM;
	}
	return 0;
}

int pst_identities_collect(const struct pst_inventory *inventory, struct pst_bundle *b)
{
	size_t n = inventory->n_endpoints;
	const struct pst_labels **sets = pst_mem_calloc(n, sizeof(*sets));
	int r = -ENOMEM;

	b->identities = pst_arena_calloc(b->arena, n + 2, sizeof(*b->identities));
	if (sets && b->identities) {
		for (size_t i = 0; i < n; i++)
			sets[i] = &inventory->endpoints[i].labels;
		qsort(sets, n, sizeof(*sets), cmp_labels);
		r = add_own_and_world(b);
		if (!r)
			r = add_sorted(b, sets, n);
		qsort(b->identities, b->n_identities, sizeof(*b->identities), cmp_id);
	}
	free(sets);
	return r;
}

struct pst_bundle_identity *pst_identity_find(const struct pst_bundle *b,
					      const struct pst_labels *labels)
{
	/* Reserved numbers stand before the local ones, which are in the order of their labels. */
	size_t low = 0, high = b->n_identities;

	while (low < high && b->identities[low].id < PST_ID_LOCAL) {
		if (!pst_labels_cmp(&b->identities[low].labels, labels))
			return &b->identities[low];
		low++;
	}
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = pst_labels_cmp(&b->identities[mid].labels, labels);

		if (!order)
			return &b->identities[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
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
	return v;
}

static void add_addr(struct pst_bundle *b, const struct pst_addr *addr, struct pst_addr_value value,
		     const char *name)
{
	struct pst_bundle_addr *entry = &b->addrs[b->n_addrs];

	memcpy(entry->addr, addr->b, sizeof(entry->addr));
	entry->prefix = 128;
	entry->value = value;
	entry->name = name;
	b->n_addrs++;
}

static int add_endpoint(struct pst_bundle *b, const struct pst_endpoint *ep)
{
	const struct pst_bundle_identity *identity = pst_identity_find(b, &ep->labels);
	const char *name = pst_arena_printf(b->arena, "%s/%s", ep->ns, ep->name);
	struct pst_addr_value value = endpoint_value(b, identity);

	if (!name)
		return -ENOMEM;
	for (size_t i = 0; i < ep->n_addrs; i++)
		add_addr(b, &ep->addrs[i], value, name);
	return 0;
}

static int cmp_addr(const void *va, const void *vb)
{
	const struct pst_bundle_addr *a = va, *b = vb;
	int r = memcmp(a->addr, b->addr, sizeof(a->addr));

	return r ? r : (a->prefix > b->prefix) - (a->prefix < b->prefix);
}

/* Endpoints before the node at the same address, so that joining keeps the endpoint. */
static int cmp_addr_endpoint_first(const void *va, const void *vb)
{
	const struct pst_bundle_addr *a = va, *b = vb;
	int r = cmp_addr(va, vb);

	return r ? r : !a->name - !b->name;
}

static void report_twice(const struct pst_bundle_addr *kept, const struct pst_bundle_addr *dropped,
			 struct pst_diags *diags)
{
	static const struct pst_pos nowhere;
	struct pst_addr addr;
	char text[64];

	memcpy(addr.b, kept->addr, sizeof(addr.b));
	pst_addr_to_str(&addr, text, sizeof(text));
	if (!dropped->name && kept->name)
		pst_diags_add(diags, PST_SEVERITY_WARNING, "address-of-node", &nowhere,
			      "%s is an address of the node and of the endpoint %s: it is taken as "
			      "the endpoint's",
			      text, kept->name);
	else if (dropped->name && strcmp(kept->name, dropped->name))
		pst_diags_error(diags, "address-conflict", &nowhere,
				"%s belongs to the endpoints %s and %s: one address names one "
				"endpoint",
				text, kept->name, dropped->name);
}

static void join_addrs(struct pst_bundle *b, struct pst_diags *diags)
{
	size_t n = 0;

	if (!b->n_addrs)
		return;
	qsort(b->addrs, b->n_addrs, sizeof(*b->addrs), cmp_addr_endpoint_first);
	for (size_t i = 1; i < b->n_addrs; i++) {
		if (cmp_addr(&b->addrs[n], &b->addrs[i]))
			b->addrs[++n] = b->addrs[i];
		else
			report_twice(&b->addrs[n], &b->addrs[i], diags);
	}
	b->n_addrs = n + 1;
}

int pst_identity_addrs(const struct pst_resolve_input *in, struct pst_diags *diags,
		       struct pst_bundle *b)
{
	static const struct pst_pos nowhere;
	struct pst_addr_value host = {.identity = PST_ID_HOST, .flags = PST_ADDR_HOST};
	size_t n = in->n_host_addrs;

	for (size_t i = 0; i < in->inventory->n_endpoints; i++)
		n += in->inventory->endpoints[i].n_addrs;
	b->addrs = pst_arena_calloc(b->arena, n, sizeof(*b->addrs));
	if (!b->addrs)
		return -ENOMEM;
	for (size_t i = 0; i < in->inventory->n_endpoints; i++) {
		if (add_endpoint(b, &in->inventory->endpoints[i]))
			return -ENOMEM;
	}
	for (size_t i = 0; i < in->n_host_addrs; i++)
		add_addr(b, &in->host_addrs[i], host, NULL);
	join_addrs(b, diags);
	if (b->n_addrs <= PST_ADDR_ENTRIES)
		return 0;
	pst_diags_error(diags, "table-full", &nowhere, "%zu addresses, the table holds %d",
			b->n_addrs, PST_ADDR_ENTRIES);
	return -E2BIG;
}
