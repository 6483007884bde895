// SPDX-License-Identifier: Apache-2.0
#include "compiler/crowd.h"
#include "compiler/prefixindex.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const char *const some[] = {
	"10.1.0.0/16", "10.0.0.0/8",	 "::/0",	  "10.1.2.0/24",     "0.0.0.0/0",
	"11.0.0.0/8",  "10.1.2.3/32",	 "2001:db8::/32", "2001:db8:1::/48", "255.255.255.255/32",
	"10.1.0.0/16", "9.255.255.0/24", "::1/128",	  "ffff::/16",	     "128.0.0.0/1",
};

static void note(void *ctx, uint32_t slot)
{
	((uint8_t *)ctx)[slot]++;
}

Test(prefixindex, it_finds_what_lies_in_a_prefix_and_nothing_else_once)
{
	struct pst_prefixindex *x = pst_prefixindex_new();

	for (uint32_t i = 0; i < COUNT(some); i++) {
		const struct pst_prefix p = model_prefix(some[i]);

		cr_assert_eq(pst_prefixindex_add(x, i, &p), 0);
	}
	for (size_t k = 0; k < COUNT(some); k++) {
		const struct pst_prefix outer = model_prefix(some[k]);
		uint8_t found[COUNT(some)] = {0};

		pst_prefixindex_ask(x, &outer, note, found);
		for (size_t i = 0; i < COUNT(some); i++) {
			const struct pst_prefix p = model_prefix(some[i]);

			cr_expect_eq(found[i], pst_prefix_contains(&outer, &p), "%s in %s: %d",
				     some[i], some[k], found[i]);
		}
	}
	pst_prefixindex_free(&x);
}

Test(prefixindex, disjoint_prefixes_are_the_outermost_ones)
{
	struct pst_prefix list[COUNT(some)];
	size_t n;

	for (size_t i = 0; i < COUNT(some); i++)
		list[i] = model_prefix(some[i]);
	n = pst_prefixes_disjoint(list, COUNT(some));
	for (size_t i = 0; i < COUNT(some); i++) {
		const struct pst_prefix p = model_prefix(some[i]);
		bool held = false;

		for (size_t k = 0; k < n; k++)
			held |= pst_prefix_contains(&list[k], &p);
		cr_expect(held, "%s", some[i]);
	}
	cr_expect_eq(n, 2, "%zu", n);
}

enum { MANY = 60000 };

static void many(struct model *m, struct pst_crowd *c, struct pst_rule *rule)
{
	struct pst_cidr_peer *cidrs = pst_arena_calloc(m->arena, MANY, sizeof(*cidrs));
	struct pst_prefix *v = pst_arena_calloc(m->arena, MANY, sizeof(*v));
	static struct pst_labels nobody;

	for (uint32_t i = 0; i < MANY; i++) {
		v[i] = model_prefix("10.0.0.0/32");
		v[i].addr[13] = (uint8_t)(i >> 16);
		v[i].addr[14] = (uint8_t)(i >> 8);
		v[i].addr[15] = (uint8_t)i;
		cidrs[i].prefix = &v[i];
		cr_assert_eq(pst_crowd_add(c,
					   &(struct pst_crowd_member){
						   .id = i + 1,
						   .labels = &nobody,
						   .facts.prefix = &v[i],
					   }),
			     0);
	}
	rule->cidrs = cidrs;
	rule->n_cidrs = MANY;
}

/* Processor time: a list of n among n prefixes is no work of n times n. One by one, on the machine
 * that this was written on, it was 20 seconds. */
Test(crowd, a_long_list_of_prefixes_among_many_is_found_at_once)
{
	struct pst_rule rule = {.peer_kind = PST_PEER_SELECTORS};
	struct pst_crowd c = {0};
	struct model m;
	uint64_t *set;
	clock_t begin;

	model_init(&m);
	c.inventory = &m.inventory;
	many(&m, &c, &rule);
	set = pst_arena_calloc(m.arena, pst_crowd_words(&c), sizeof(*set));
	begin = clock();
	cr_assert_eq(pst_crowd_find_peers(&c, &rule, "default", set), 0);
	cr_expect_lt(clock() - begin, CLOCKS_PER_SEC, "%ld", (long)(clock() - begin));
	for (size_t i = 0; i < MANY; i++)
		cr_assert(pst_crowd_has(set, i));
	pst_crowd_fini(&c);
	model_fini(&m);
}
