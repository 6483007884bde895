// SPDX-License-Identifier: Apache-2.0
/* How many entries a subject needs, where there are many peers. */
#include "compiler/judge.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

enum { PODS = 200 };

static struct model m;
static struct pst_diags *diags;
static struct pst_bundle *b;
static struct pst_spec *web;

static void add_pod(size_t n)
{
	struct pst_inventory *inv = &m.inventory;
	struct pst_endpoint *e = &inv->endpoints[inv->n_endpoints++];
	char addr[64];

	*e = (struct pst_endpoint){.name = "pod", .ns = "default", .n_addrs = 1};
	e->labels = model_labels(
		&m, pst_arena_printf(m.arena, "k8s:app=%s k8s:n=%zu", n ? "other" : "web", n));
	e->addrs = pst_arena_calloc(m.arena, 1, sizeof(*e->addrs));
	snprintf(addr, sizeof(addr), "10.0.0.%zu", n);
	cr_assert_eq(pst_addr_from_str(addr, e->addrs), 0);
}

static void setup(void)
{
	model_init(&m);
	diags = pst_diags_new();
	m.inventory.endpoints = pst_arena_calloc(m.arena, PODS, sizeof(*m.inventory.endpoints));
	for (size_t i = 0; i < PODS; i++)
		add_pod(i);
	web = model_policy(&m, "p", "k8s:app=web");
}

static void teardown(void)
{
	pst_bundle_free(&b);
	pst_diags_free(&diags);
	model_fini(&m);
}

TestSuite(row, .init = setup, .fini = teardown);

static enum pst_verdict ask(enum pst_dir direction, const char *peer, uint16_t port)
{
	struct pst_l4_query q = {.direction = direction, .protocol = 6, .port = port};
	struct pst_addr addr;

	if (!b)
		b = model_compile(&m, diags);
	q.subject = pst_judge_addr(b, m.inventory.endpoints[0].addrs[0].b);
	cr_assert_eq(pst_addr_from_str(peer, &addr), 0);
	q.peer = pst_judge_addr(b, addr.b).identity;
	return pst_judge_l4(b, &q).verdict;
}

Test(row, what_all_pods_get_is_written_once_also_where_the_world_gets_something_else)
{
	model_peer(&m, model_rule(&m, web, PST_DIRECTION_EGRESS, false), "reserved:world");
	cr_expect_eq(ask(PST_DIR_EGRESS, "192.0.2.1", 443), PST_VERDICT_ALLOW);
	cr_expect_eq(ask(PST_DIR_EGRESS, "10.0.0.7", 443), PST_VERDICT_DENY);
	cr_expect_leq(b->n_entries, 4, "%zu entries", b->n_entries);
}

Test(row, what_most_pods_get_is_written_once_and_the_others_have_their_own)
{
	struct pst_rule *deny = model_rule(&m, web, PST_DIRECTION_INGRESS, true);

	model_peer(&m, model_rule(&m, web, PST_DIRECTION_INGRESS, false), "k8s:app=other");
	model_peer(&m, deny, "k8s:n=9");
	model_port(&m, deny, PST_PROTOCOL_TCP, 80, 0);
	cr_expect_eq(ask(PST_DIR_INGRESS, "10.0.0.7", 80), PST_VERDICT_ALLOW);
	cr_expect_eq(ask(PST_DIR_INGRESS, "10.0.0.9", 80), PST_VERDICT_DENY);
	cr_expect_eq(ask(PST_DIR_INGRESS, "10.0.0.9", 81), PST_VERDICT_ALLOW);
	cr_expect_eq(ask(PST_DIR_INGRESS, "192.0.2.1", 80), PST_VERDICT_DENY);
	cr_expect_leq(b->n_entries, 12, "%zu entries", b->n_entries);
}

/* A word of the crowd has 64 peers, a word of a signature 64 rules. */
Test(row, more_rules_than_a_word_has_bits_are_told_apart)
{
	struct pst_spec *more[5];
	char text[64];

	for (size_t i = 0; i < 5; i++)
		more[i] = model_policy(&m, "more", "k8s:app=web");
	for (size_t i = 1; i <= 80; i++) {
		struct pst_rule *rule =
			model_rule(&m, more[(i - 1) / 16], PST_DIRECTION_INGRESS, false);

		snprintf(text, sizeof(text), "k8s:n=%zu", i);
		model_peer(&m, rule, text);
		model_port(&m, rule, PST_PROTOCOL_TCP, (uint16_t)(1000 + i), 0);
	}
	for (size_t i = 1; i <= 80; i++) {
		snprintf(text, sizeof(text), "10.0.0.%zu", i);
		cr_expect_eq(ask(PST_DIR_INGRESS, text, (uint16_t)(1000 + i)), PST_VERDICT_ALLOW);
		cr_expect_eq(ask(PST_DIR_INGRESS, text, (uint16_t)(1001 + i)), PST_VERDICT_DENY);
	}
}

/* As long as the memory lasts; what has been built goes away each time. */
Test(row, every_allocation_may_fail)
{
	long n = 0;
	int r = -ENOMEM;

	model_peer(&m, model_rule(&m, web, PST_DIRECTION_EGRESS, false), "reserved:world");
	model_cidr(&m, model_rule(&m, web, PST_DIRECTION_EGRESS, true), "10.9.0.0/16", NULL);
	m.inventory.n_endpoints = 3;
	while (r) {
		cr_assert_lt(n, 100000);
		pst_mem_fail_after(++n);
		r = pst_compile(&m.set, &m.inventory, NULL, diags, &b);
		cr_assert(r == 0 || r == -ENOMEM, "%d", r);
		if (!r && pst_mem_failed()) {
			pst_bundle_free(&b);
			r = -ENOMEM;
		}
	}
	pst_mem_fail_after(-1);
	cr_assert_gt(n, 50);
}
