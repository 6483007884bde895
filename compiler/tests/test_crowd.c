// SPDX-License-Identifier: Apache-2.0
#include "compiler/crowd.h"
#include "compiler/resolver.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum {
	CHURN = 2000,
	/* At once: the node, the world, and a pod and a prefix before and after a change. */
	MOST = 6,
	MOST_FILED = 2 * MOST + PST_CROWD_MAX_STALE,
};

static struct pst_prefix prefix_number(uint32_t n)
{
	struct pst_prefix p = model_prefix("10.0.0.0");

	p.addr[13] = (uint8_t)(n >> 16);
	p.addr[14] = (uint8_t)(n >> 8);
	p.addr[15] = (uint8_t)n;
	return p;
}

static void put_pod(struct model *m, struct pst_resolver *r, int i)
{
	struct pst_endpoint *e = pst_arena_alloc(m->arena, sizeof(*e));
	char labels[64];

	snprintf(labels, sizeof(labels), "k8s:app=a%d k8s:n%d=x", i, i);
	*e = (struct pst_endpoint){
		.ns = "default", .name = "pod", .labels = model_labels(m, labels)};
	cr_assert_eq(pst_resolver_put_endpoint(r, e), 0);
}

static void put_policy(struct model *m, struct pst_resolver *r, struct pst_diags *diags, int i)
{
	struct pst_policy *p = pst_arena_alloc(m->arena, sizeof(*p));
	struct pst_cidr_peer *cidr = pst_arena_alloc(m->arena, sizeof(*cidr));
	struct pst_prefix *prefix = pst_arena_alloc(m->arena, sizeof(*prefix));

	m->set.n_policies = 0;
	model_rule(m, model_policy(m, "p", "k8s:app=web"), PST_DIRECTION_EGRESS, false);
	*prefix = prefix_number((uint32_t)i);
	cidr->prefix = prefix;
	*p = m->set.policies[0];
	p->specs[0].rules[0].peer_kind = PST_PEER_SELECTORS;
	p->specs[0].rules[0].cidrs = cidr;
	p->specs[0].rules[0].n_cidrs = 1;
	cr_assert_eq(pst_resolver_put_policy(r, p, diags), 0);
}

Test(crowd, what_has_come_and_gone_is_forgotten)
{
	const struct pst_resolve_input input = {.inventory = &(const struct pst_inventory){0}};
	struct pst_resolver *r = pst_resolver_new(&input);
	const struct pst_crowd *c = pst_resolver_crowd(r);
	struct pst_diags *diags = pst_diags_new();
	struct pst_resolver_delta delta = {0};
	struct model m;

	model_init(&m);
	for (int i = 0; i < CHURN; i++) {
		put_pod(&m, r, i);
		put_policy(&m, r, diags, i);
		cr_assert_eq(pst_resolver_commit(r, &delta), 0);
		cr_assert_leq(c->members.n, MOST);
		cr_assert_leq(pst_prefixindex_count(c->by_prefix), MOST_FILED);
		cr_assert_leq(c->prefixes.n, MOST_FILED);
		cr_assert_leq(pst_labelindex_count(c->index), 2 * MOST_FILED, "%zu",
			      pst_labelindex_count(c->index));
	}
	pst_resolver_delta_fini(&delta);
	pst_resolver_free(&r);
	pst_diags_free(&diags);
	model_fini(&m);
}
