// SPDX-License-Identifier: Apache-2.0
#include "compiler/census.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdio.h>

enum { CHURN = 4000 };

/* A policy whose rule names a port and a prefix that no other one names comes and goes. */
static void come_and_go(struct pst_census *census, int i)
{
	struct pst_port_rule *ports;
	struct pst_rule *rule;
	struct model m;
	char text[32];

	model_init(&m);
	rule = model_rule(&m, model_policy(&m, "p", "k8s:app=web"), PST_DIRECTION_EGRESS, false);
	snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
	model_cidr(&m, rule, text, NULL);
	ports = model_port(&m, rule, PST_PROTOCOL_TCP, 0, 0);
	snprintf(text, sizeof(text), "port-%d", i);
	ports->ports[0].name.s = text;
	cr_assert_eq(pst_census_note(census, &m.set.policies[0]), 0);
	cr_assert_eq(pst_census_settle(census), 0);
	cr_assert_eq(pst_census_forget(census, &m.set.policies[0]), 0);
	cr_assert_eq(pst_census_settle(census), 0);
	model_fini(&m);
}

/* In bytes; a sanitizer's allocator counts none. */
Test(census, what_was_told_apart_and_is_not_any_more_takes_no_memory)
{
	const struct pst_resolve_input input = {.inventory = &(const struct pst_inventory){0}};
	struct pst_census *census = pst_census_new(&input);
	size_t half = 0;

	for (int i = 0; i < CHURN; i++) {
		if (i == CHURN / 2)
			half = mallinfo2().uordblks;
		come_and_go(census, i);
	}
	cr_expect_leq(mallinfo2().uordblks, half + 16384, "%zu", mallinfo2().uordblks - half);
	pst_census_free(&census);
}
