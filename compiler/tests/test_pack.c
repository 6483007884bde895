// SPDX-License-Identifier: Apache-2.0
#include "compiler/pack.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct pst_packer p;
static struct pst_diags *diags;

static void setup(void)
{
	cr_assert_eq(pst_packer_init(&p), 0);
	diags = pst_diags_new();
}

static void teardown(void)
{
	pst_packer_fini(&p);
	pst_diags_free(&diags);
}

TestSuite(pack, .init = setup, .fini = teardown);

static struct pst_automaton *build(const char *re, uint64_t tag)
{
	struct pst_pattern pattern = {.re = re, .len = strlen(re), .tag = tag};
	struct pst_automaton *a = NULL;

	cr_assert_eq(pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags, &a), 0);
	return a;
}

static struct pst_packed add(const char *re, uint64_t tag)
{
	struct pst_automaton *a = build(re, tag);
	struct pst_packed packed;
	struct pst_pack_full full;

	cr_assert_eq(pst_packer_add(&p, a, &packed, &full), 0);
	pst_automaton_free(&a);
	return packed;
}

static uint64_t run(const struct pst_packed *at, const char *text, size_t len)
{
	uint32_t row = at->start;

	for (size_t i = 0; i < len; i++)
		row = p.cells.v[row + p.classes.v[at->classes + (uint8_t)text[i]]];
	return p.tags.v[p.cells.v[row]];
}

Test(pack, an_empty_packer_holds_the_dead_row_and_the_empty_tag_set)
{
	cr_assert_eq(p.cells.n, PST_PACK_DEAD_CELLS);
	for (size_t i = 0; i < p.cells.n; i++)
		cr_assert_eq(p.cells.v[i], 0);
	cr_assert_eq(p.tags.n, 1);
	cr_assert_eq(p.tags.v[0], 0);
}

Test(pack, packed_rows_decide_as_the_automaton_does)
{
	static const char *const texts[] = {"", "a", "ab", "abb", "abc", "b", "\xff", "ab\n"};
	struct pst_automaton *a = build("ab*", 5);
	struct pst_packed at = add("ab*", 5), other = add("[^b]*", 9);

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		size_t len = strlen(texts[i]);

		cr_assert_eq(run(&at, texts[i], len), pst_automaton_match(a, texts[i], len));
	}
	cr_assert_eq(run(&other, "aa", 2), 9);
	cr_assert_eq(run(&other, "ab", 2), 0);
	pst_automaton_free(&a);
}

Test(pack, an_automaton_without_patterns_starts_in_the_dead_row)
{
	struct pst_automaton *a = NULL;
	struct pst_packed packed;
	struct pst_pack_full full;

	cr_assert_eq(pst_automaton_build(NULL, 0, &pst_automaton_default_limits, diags, &a), 0);
	cr_assert_eq(pst_packer_add(&p, a, &packed, &full), 0);
	cr_assert_eq(run(&packed, "", 0), 0);
	cr_assert_eq(run(&packed, "abc", 3), 0);
	pst_automaton_free(&a);
}

Test(pack, equal_class_maps_and_tags_are_stored_once)
{
	struct pst_packed one = add("a", 1), two = add("a*", 1);

	cr_assert_eq(one.classes, two.classes);
	cr_assert_eq(p.classes.n, PST_PACK_MAP_BYTES);
	cr_assert_eq(p.tags.n, 2);
	add("b", 1);
	cr_assert_eq(p.classes.n, 2 * PST_PACK_MAP_BYTES);
	cr_assert_eq(p.tags.n, 2);
}

/* An automaton of STATES states over CLASSES classes, every state with a tag set of its own. */
static struct pst_automaton wide(uint32_t states, uint32_t classes, uint64_t first_tag)
{
	struct pst_automaton a = {.n_states = states, .n_classes = classes, .start = 1};

	a.next = calloc((size_t)states * classes, sizeof(*a.next));
	a.tags = calloc(states, sizeof(*a.tags));
	cr_assert(a.next && a.tags);
	for (uint32_t i = 0; i < 256; i++)
		a.class_of[i] = (uint8_t)(i % classes);
	for (uint32_t s = 1; s < states; s++)
		a.tags[s] = first_tag + s;
	return a;
}

static void drop(struct pst_automaton *a)
{
	free(a->next);
	free(a->tags);
}

/* Adds A, which must not fit, and checks that nothing has changed. */
static void expect_full(const struct pst_automaton *a, const char *table)
{
	size_t cells = p.cells.n, tags = p.tags.n, classes = p.classes.n;
	struct pst_packed packed;
	struct pst_pack_full full = {0};

	cr_assert_eq(pst_packer_add(&p, a, &packed, &full), -E2BIG);
	cr_assert_str_eq(full.table, table);
	cr_assert_gt(full.need, full.limit);
	cr_assert_eq(p.cells.n, cells);
	cr_assert_eq(p.tags.n, tags);
	cr_assert_eq(p.classes.n, classes);
}

Test(pack, two_hundred_fifty_five_classes_fit_and_one_more_does_not)
{
	struct pst_automaton most = wide(2, 255, 1), more = wide(2, 256, 1);
	struct pst_packed packed;
	struct pst_pack_full full;

	cr_assert_eq(pst_packer_add(&p, &most, &packed, &full), 0);
	expect_full(&more, "byte classes");
	drop(&most);
	drop(&more);
}

Test(pack, an_automaton_that_does_not_fit_leaves_the_tables_as_they_were)
{
	struct pst_automaton cells = wide(4200, 255, 1), tags = wide(PST_TAGS + 1, 1, 100);
	struct pst_automaton last = wide(PST_TAGS, 1, 100);
	struct pst_packed packed;
	struct pst_pack_full full;

	add("a", 7);
	expect_full(&cells, "table cells");
	expect_full(&tags, "tag sets");
	/* The tags of the failed attempts are gone: exactly those that are left still fit. */
	last.n_states = PST_TAGS - 1;
	cr_assert_eq(pst_packer_add(&p, &last, &packed, &full), 0);
	cr_assert_eq(p.tags.n, PST_TAGS);
	drop(&cells);
	drop(&tags);
	drop(&last);
}

Test(pack, the_class_table_holds_256_maps)
{
	struct pst_automaton a = wide(2, 2, 1);
	struct pst_packed packed;
	struct pst_pack_full full;

	for (int i = 0; i < 256; i++) {
		memset(a.class_of, 0, sizeof(a.class_of));
		a.class_of[i] = 1;
		cr_assert_eq(pst_packer_add(&p, &a, &packed, &full), 0);
	}
	a.class_of[0] = 1;
	expect_full(&a, "class map bytes");
	drop(&a);
}
