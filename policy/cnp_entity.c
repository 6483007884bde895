// SPDX-License-Identifier: Apache-2.0
#include "policy/cnp_entity.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "policy/labels.h"
#include "policy/nearest.h"

enum {
	MAX_RESERVED = 7,
	MAX_SELECTORS = MAX_RESERVED + 1, /* of one entity: and the pods of a cluster */
};

enum pods {
	PODS_NONE,
	PODS_OWN_CLUSTER,
	PODS_ANY_CLUSTER,
};

#define CLUSTER_RESERVED                                                                          \
	{                                                                                         \
		"host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver" \
	}

static const struct entity {
	const char *name;
	bool everything;
	enum pods pods;
	const char *reserved[MAX_RESERVED]; /* NULL behind the last */
} entities[] = {
	{.name = "all", .everything = true},
	{.name = "world", .reserved = {"world", "world-ipv4", "world-ipv6"}},
	{.name = "cluster", .pods = PODS_OWN_CLUSTER, .reserved = CLUSTER_RESERVED},
	{.name = "cluster-mesh", .pods = PODS_ANY_CLUSTER, .reserved = CLUSTER_RESERVED},
	{.name = "host", .reserved = {"host"}},
	{.name = "remote-node", .reserved = {"remote-node"}},
	{.name = "kube-apiserver", .reserved = {"kube-apiserver"}},
	{.name = "ingress", .reserved = {"ingress"}},
	{.name = "health", .reserved = {"health"}},
	{.name = "init", .reserved = {"init"}},
	{.name = "unmanaged", .reserved = {"unmanaged"}},
	{.name = "none"},
};

enum { N_ENTITIES = sizeof(entities) / sizeof(*entities) };

size_t pst_cnp_entities_room(size_t n)
{
	/* Each counts once. */
	return (n < N_ENTITIES ? n : N_ENTITIES) * MAX_SELECTORS;
}

static int find(struct pst_reader *r, const struct pst_yaml_node *n, size_t *ret_index)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;
	int e = pst_fields_expect(r, n, PST_YAML_STRING);

	if (e)
		return e;
	pst_nearest_init(&near, n->s);
	for (size_t i = 0; i < N_ENTITIES; i++) {
		if (!strcmp(entities[i].name, n->s)) {
			*ret_index = i;
			return 0;
		}
		pst_nearest_offer(&near, entities[i].name);
	}
	return pst_diags_error(r->diags, "unknown-entity", &n->pos,
			       "there is no entity \"%.64s\"%s", n->s,
			       pst_nearest_hint(&near, hint));
}

static int append(struct pst_reader *r, const struct pst_requirement *req, struct pst_selector *sel,
		  size_t *n)
{
	struct pst_requirement *copy = pst_arena_alloc(r->arena, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	*copy = *req;
	sel[(*n)++] = (struct pst_selector){.pos = req->pos, .reqs = copy, .n_reqs = 1};
	return 0;
}

static int append_pods(struct pst_reader *r, enum pods pods, const struct pst_pos *pos,
		       struct pst_selector *sel, size_t *n)
{
	struct pst_requirement req = {
		.pos = *pos,
		.source = "k8s",
		.key = PST_LABEL_CLUSTER,
		.op = PST_LABEL_EXISTS,
	};

	if (pods == PODS_OWN_CLUSTER) {
		req.op = PST_LABEL_IN;
		req.values = pst_arena_calloc(r->arena, 1, sizeof(*req.values));
		if (!req.values)
			return -ENOMEM;
		req.values[0] = PST_CLUSTER_NAME;
		req.n_values = 1;
	}
	return append(r, &req, sel, n);
}

static int append_entity(struct pst_reader *r, const struct entity *e, const struct pst_pos *pos,
			 struct pst_selector *sel, size_t *n)
{
	int err = 0;

	if (e->everything)
		sel[(*n)++] = (struct pst_selector){.pos = *pos};
	for (size_t i = 0; !err && i < MAX_RESERVED && e->reserved[i]; i++) {
		const struct pst_requirement req = {
			.pos = *pos,
			.source = "reserved",
			.key = e->reserved[i],
			.op = PST_LABEL_EXISTS,
		};

		err = append(r, &req, sel, n);
	}
	if (!err && e->pods != PODS_NONE)
		err = append_pods(r, e->pods, pos, sel, n);
	return err;
}

int pst_cnp_entities_read(struct pst_reader *r, const struct pst_yaml_node *list,
			  struct pst_selector *sel, size_t *n)
{
	uint32_t seen = 0;
	int worst = 0;

	for (const struct pst_yaml_node *c = list->first; c && worst != -ENOMEM; c = c->next) {
		size_t i = 0;
		int e = find(r, c, &i);

		if (!e && !(seen >> i & 1)) {
			seen |= UINT32_C(1) << i;
			e = append_entity(r, &entities[i], &c->pos, sel, n);
		}
		worst = pst_fields_worse(worst, e);
	}
	return worst;
}
