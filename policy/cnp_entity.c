// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_entity.h"

#include <stdint.h>
#include <string.h>

#include "policy/labels.h"
#include "policy/nearest.h"

/*
 * The selectors of all entities are the same in every document, so their requirements stand here
 * once; a selector in the model adds the place where the entity is written.
 */
#define RESERVED(name)                                                      \
	{                                                                   \
		.source = "reserved", .key = (name), .op = PST_LABEL_EXISTS \
	}

static const char *const own_cluster[] = {PST_CLUSTER_NAME};

static const struct pst_requirement world[] = {
	RESERVED("world"),
	RESERVED("world-ipv4"),
	RESERVED("world-ipv6"),
};

#define CLUSTER_RESERVED                                                                  \
	RESERVED("host"), RESERVED("remote-node"), RESERVED("init"), RESERVED("ingress"), \
		RESERVED("health"), RESERVED("unmanaged"), RESERVED("kube-apiserver")

static const struct pst_requirement cluster[] = {
	CLUSTER_RESERVED,
	{.source = "k8s",
	 .key = PST_LABEL_CLUSTER,
	 .op = PST_LABEL_IN,
	 .values = own_cluster,
	 .n_values = 1},
};

static const struct pst_requirement cluster_mesh[] = {
	CLUSTER_RESERVED,
	{.source = "k8s", .key = PST_LABEL_CLUSTER, .op = PST_LABEL_EXISTS},
};

static const struct pst_requirement host[] = {RESERVED("host")};
static const struct pst_requirement remote_node[] = {RESERVED("remote-node")};
static const struct pst_requirement kube_apiserver[] = {RESERVED("kube-apiserver")};
static const struct pst_requirement ingress[] = {RESERVED("ingress")};
static const struct pst_requirement health[] = {RESERVED("health")};
static const struct pst_requirement init[] = {RESERVED("init")};
static const struct pst_requirement unmanaged[] = {RESERVED("unmanaged")};

#define ENTITY(text, table)                                                         \
	{                                                                           \
		.name = (text), .v = (table), .n = sizeof(table) / sizeof(*(table)) \
	}

/* An entity is the union of N selectors with one requirement each. */
static const struct entity {
	const char *name;
	bool everything; /* one selector without any requirement */
	const struct pst_requirement *v;
	size_t n;
} entities[] = {
	{.name = "all", .everything = true},
	ENTITY("world", world),
	ENTITY("cluster", cluster),
	ENTITY("cluster-mesh", cluster_mesh),
	ENTITY("host", host),
	ENTITY("remote-node", remote_node),
	ENTITY("kube-apiserver", kube_apiserver),
	ENTITY("ingress", ingress),
	ENTITY("health", health),
	ENTITY("init", init),
	ENTITY("unmanaged", unmanaged),
	{.name = "none"},
};

enum {
	N_ENTITIES = sizeof(entities) / sizeof(*entities),
	UNKNOWN = N_ENTITIES,
};

static size_t find(const struct pst_yaml_node *n)
{
	for (size_t i = 0; n->kind == PST_YAML_STRING && i < N_ENTITIES; i++) {
		if (!strcmp(entities[i].name, n->s))
			return i;
	}
	return UNKNOWN;
}

static int refuse(struct pst_reader *r, const struct pst_yaml_node *n)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	pst_nearest_init(&near, n->s);
	for (size_t i = 0; i < N_ENTITIES; i++)
		pst_nearest_offer(&near, entities[i].name);
	return pst_diags_error(r->diags, "unknown-entity", &n->pos,
			       "there is no entity \"%.64s\"%s", n->s,
			       pst_nearest_hint(&near, hint));
}

size_t pst_cnp_entities_room(const struct pst_yaml_node *list)
{
	uint32_t seen = 0;
	size_t room = 0;

	for (const struct pst_yaml_node *c = list->first; c; c = c->next) {
		size_t i = find(c);

		if (i == UNKNOWN || seen >> i & 1)
			continue;
		seen |= UINT32_C(1) << i;
		room += entities[i].n + entities[i].everything;
	}
	return room;
}

static void append(const struct entity *e, const struct pst_pos *pos, struct pst_selector *sel,
		   size_t *n)
{
	if (e->everything)
		sel[(*n)++] = (struct pst_selector){.pos = *pos};
	for (size_t i = 0; i < e->n; i++)
		sel[(*n)++] = (struct pst_selector){.pos = *pos, .reqs = &e->v[i], .n_reqs = 1};
}

int pst_cnp_entities_read(struct pst_reader *r, const struct pst_yaml_node *list,
			  struct pst_selector *sel, size_t *n)
{
	uint32_t seen = 0;
	int worst = 0;

	for (const struct pst_yaml_node *c = list->first; c; c = c->next) {
		size_t i = find(c);

		if (i == UNKNOWN) {
			worst = pst_fields_worse(worst, refuse(r, c));
			continue;
		}
		if (seen >> i & 1)
			continue;
		seen |= UINT32_C(1) << i;
		append(&entities[i], &c->pos, sel, n);
	}
	return worst;
}
