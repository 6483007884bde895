// SPDX-License-Identifier: Apache-2.0
/*
 * What the crowd does is counted in comparisons of prefixes, and not in time: the linker puts the
 * counting functions here before those of prefix.c and peer.c (the Makefile's COMPILER_COUNTED).
 */
#include "compiler/crowd.h"
#include "compiler/prefix.h"
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
		cr_assert_leq(pst_labelindex_count(c->index), 2 * MOST_FILED, "%zu",
			      pst_labelindex_count(c->index));
	}
	pst_resolver_delta_fini(&delta);
	pst_resolver_free(&r);
	pst_diags_free(&diags);
	model_fini(&m);
}

/* Counted. */

static size_t n_compared, n_tried;

int real_cmp(const struct pst_prefix *a,
	     const struct pst_prefix *b) __asm__("__real_pst_prefix_cmp");
int counted_cmp(const struct pst_prefix *a,
		const struct pst_prefix *b) __asm__("__wrap_pst_prefix_cmp");
bool real_contains(const struct pst_prefix *outer,
		   const struct pst_prefix *inner) __asm__("__real_pst_prefix_contains");
bool counted_contains(const struct pst_prefix *outer,
		      const struct pst_prefix *inner) __asm__("__wrap_pst_prefix_contains");
bool real_matches(const struct pst_rule *rule, const char *policy_ns,
		  const struct pst_peer_view *v) __asm__("__real_pst_peer_matches");
bool counted_matches(const struct pst_rule *rule, const char *policy_ns,
		     const struct pst_peer_view *v) __asm__("__wrap_pst_peer_matches");

int counted_cmp(const struct pst_prefix *a, const struct pst_prefix *b)
{
	n_compared++;
	return real_cmp(a, b);
}

bool counted_contains(const struct pst_prefix *outer, const struct pst_prefix *inner)
{
	n_compared++;
	return real_contains(outer, inner);
}

bool counted_matches(const struct pst_rule *rule, const char *policy_ns,
		     const struct pst_peer_view *v)
{
	n_tried++;
	return real_matches(rule, policy_ns, v);
}

enum { MANY = 4000 };

/* A crowd of N addresses outside, and a rule that is about all of them. */
struct throng {
	struct model m;
	struct pst_crowd c;
	struct pst_prefix *v;
	struct pst_rule rule;
	size_t n;
};

static struct pst_prefix eight;

static void name_each(struct throng *t)
{
	struct pst_cidr_peer *cidrs = pst_arena_calloc(t->m.arena, t->n, sizeof(*cidrs));

	for (size_t i = 0; i < t->n; i++)
		cidrs[i].prefix = &t->v[i];
	t->rule.cidrs = cidrs;
	t->rule.n_cidrs = t->n;
}

static void except_each(struct throng *t)
{
	name_each(t);
	for (size_t i = 0; i < t->n; i++) {
		t->rule.cidrs[i] =
			(struct pst_cidr_peer){.prefix = &eight, .except = &t->v[i], .n_except = 1};
	}
}

/* One peer, all of them its exceptions but the first. */
static void except_all(struct throng *t)
{
	name_each(t);
	t->rule.cidrs[0] =
		(struct pst_cidr_peer){.prefix = &eight, .except = t->v + 1, .n_except = t->n - 1};
	t->rule.n_cidrs = 1;
}

/* A group that nobody knows, and them. */
static void deny_unknown(struct throng *t)
{
	name_each(t);
	t->rule.deny = true;
	t->rule.cidrs[t->n - 1] = (struct pst_cidr_peer){.group_name.s = "nobody's"};
}

static void name_by_dns(struct throng *t)
{
	struct pst_fqdn *all = pst_arena_alloc(t->m.arena, sizeof(*all));
	struct pst_dns_name *names = pst_arena_calloc(t->m.arena, t->n, sizeof(*names));
	struct pst_addr *addrs = pst_arena_calloc(t->m.arena, t->n, sizeof(*addrs));

	all->name.s = "example.com";
	for (size_t i = 0; i < t->n; i++) {
		memcpy(addrs[i].b, t->v[i].addr, sizeof(addrs[i].b));
		names[i] = (struct pst_dns_name){
			.name = "example.com", .addrs = &addrs[i], .n_addrs = 1};
	}
	t->m.inventory.names = names;
	t->m.inventory.n_names = t->n;
	t->rule.fqdns = all;
	t->rule.n_fqdns = 1;
}

static void gather(struct throng *t, size_t n, void (*shape)(struct throng *t))
{
	static struct pst_label world[] = {{"reserved", "world", ""}};
	static struct pst_labels labels = {.v = world, .n = 1};

	*t = (struct throng){.n = n, .rule.peer_kind = PST_PEER_SELECTORS};
	model_init(&t->m);
	eight = model_prefix("10.0.0.0/8");
	t->c.inventory = &t->m.inventory;
	t->v = pst_arena_calloc(t->m.arena, n, sizeof(*t->v));
	for (size_t i = 0; i < n; i++) {
		const struct pst_crowd_member one = {
			.id = (uint32_t)i + 1, .labels = &labels, .facts.prefix = &t->v[i]};

		t->v[i] = prefix_number((uint32_t)(i * 7919 % n));
		cr_assert_eq(pst_crowd_add(&t->c, &one), 0);
	}
	shape(t);
}

/* How many comparisons it takes to find whom the rule means among N; *RET_FOUND of them. */
static size_t count(size_t n, void (*shape)(struct throng *t), size_t *ret_found)
{
	struct throng t;
	uint64_t *set;

	gather(&t, n, shape);
	set = pst_arena_calloc(t.m.arena, pst_crowd_words(&t.c), sizeof(*set));
	n_compared = n_tried = *ret_found = 0;
	cr_assert_eq(pst_crowd_find_peers(&t.c, &t.rule, "default", set), 0);
	for (size_t i = 0; i < n; i++)
		*ret_found += pst_crowd_has(set, i);
	pst_crowd_fini(&t.c);
	model_fini(&t.m);
	return n_compared;
}

/* Twice as many cost twice as much, and what the logarithms have grown by: not four times. */
Test(crowd, a_long_list_among_many_costs_in_proportion_to_its_length)
{
	static const struct {
		const char *what;
		void (*shape)(struct throng *t);
		size_t n_not; /* of them the rule does not mean */
	} cases[] = {
		{"each named", name_each, 0},
		{"all but one, each of them", except_each, 0},
		{"all but the others", except_all, 2 * MANY - 1},
		{"a group that is not there", deny_unknown, 0},
		{"by DNS names", name_by_dns, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t found;
		const size_t once = count(MANY, cases[i].shape, &found);
		const size_t twice = count(2 * MANY, cases[i].shape, &found);

		cr_expect_eq(found, 2 * MANY - cases[i].n_not, "%s: %zu", cases[i].what, found);
		cr_expect_gt(once, MANY, "%s: %zu counted", cases[i].what, once);
		cr_expect_lt(twice, 3 * once, "%s: %zu, then %zu", cases[i].what, once, twice);
		cr_expect_eq(n_tried, 0, "%s: %zu tried one by one", cases[i].what, n_tried);
	}
}
