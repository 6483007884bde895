// SPDX-License-Identifier: Apache-2.0
#include "compiler/pack.h"

#include "bpf/dfa.h"

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

/* Runs the kernel's own walker over what the packer holds. */
static uint64_t run(const struct pst_packed *at, const char *text, size_t len)
{
	static struct pst_table loaded, *table = &loaded;
	uint32_t row = at->start;

	memset(table, 0, sizeof(*table));
	memcpy(table->cells, p.cells.v, p.cells.n * sizeof(*p.cells.v));
	memcpy(table->classes, p.classes.v, p.classes.n);
	memcpy(table->tags, p.tags.v, p.tags.n * sizeof(*p.tags.v));

	for (size_t i = 0; i < len; i++)
		row = pst_dfa_step(table, row, at->classes, (uint8_t)text[i]);
	return pst_dfa_tags(table, row);
}

Test(pack, an_empty_packer_holds_the_dead_row_and_the_empty_tag_set)
{
	cr_assert_eq(p.cells.n, 1);
	cr_assert_eq(p.cells.v[0], 0);
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

/* The row behind TEXT, as the walker knows it. */
static uint32_t row_behind(const char *re, const char *text)
{
	static struct pst_table table;
	struct pst_packed at = add(re, 1);
	uint32_t row = at.start;

	memcpy(table.cells, p.cells.v, p.cells.n * sizeof(*p.cells.v));
	memcpy(table.classes, p.classes.v, p.classes.n);
	for (; *text; text++)
		row = pst_dfa_step(&table, row, at.classes, (uint8_t)*text);
	return row;
}

Test(pack, a_row_that_no_printable_byte_leaves_is_said_to_loop_and_no_other_is)
{
	static const struct {
		const char *re, *text;
		bool loops;
	} cases[] = {
		{"/api/.*", "/api/", true}, {"/api/.*", "/api/x", true}, {"/api/.*", "/api", false},
		{"(?s).*", "x", true},	    {"[!-~]*", "x", true},	 {"[!-}]*", "x", false},
		{"[\"-~]*", "x", false},    {"[^/]*", "x", false},	 {"/a.*|/a/b", "/a", true},
		{"/a", "/b", false},	    {".*|x", "y", true},	 {".*y", "y", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t row = row_behind(cases[i].re, cases[i].text);

		cr_expect_eq(!!(row & PST_CELL_LOOPS), cases[i].loops, "%s behind \"%s\": 0x%x",
			     cases[i].re, cases[i].text, row);
	}
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

/* An automaton of STATES states over CLASSES classes, each with a tag set of its own and as many
 * successors as there can be. */
static struct pst_automaton wide(uint32_t states, uint32_t classes, uint64_t first_tag)
{
	struct pst_automaton a = {.n_states = states, .n_classes = classes, .start = 1};

	a.next = calloc((size_t)states * classes, sizeof(*a.next));
	a.tags = calloc(states, sizeof(*a.tags));
	cr_assert(a.next && a.tags);
	for (uint32_t i = 0; i < 256; i++)
		a.class_of[i] = (uint8_t)(i % classes);
	for (uint32_t s = 1; s < states; s++) {
		a.tags[s] = first_tag + s;
		for (uint32_t c = 0; c < classes; c++)
			a.next[(size_t)s * classes + c] = 1 + (s + c) % (states - 1);
	}
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

Test(pack, two_hundred_fifty_four_classes_fit_and_one_more_does_not)
{
	struct pst_automaton most = wide(2, 254, 1), more = wide(2, 255, 1);
	struct pst_packed packed;
	struct pst_pack_full full;

	cr_assert_eq(pst_packer_add(&p, &most, &packed, &full), 0);
	expect_full(&more, "byte classes");
	drop(&most);
	drop(&more);
}

Test(pack, an_automaton_that_does_not_fit_leaves_the_tables_as_they_were)
{
	struct pst_automaton cells = wide(4200, 254, 1), tags = wide(PST_TAGS + 1, 1, 100);
	struct pst_automaton last = wide(PST_TAGS - 1, 1, 100);
	struct pst_packed packed;
	struct pst_pack_full full;

	add("a", 7);
	expect_full(&cells, "table cells");
	expect_full(&tags, "tag sets");
	/* The tags of the failed attempts are gone: exactly those that are left still fit. */
	cr_assert_eq(pst_packer_add(&p, &last, &packed, &full), 0);
	cr_assert_eq(p.tags.n, PST_TAGS);
	drop(&cells);
	drop(&tags);
	drop(&last);
}

/* Bytes of control are told apart by no map that others have. */
Test(pack, the_class_table_holds_256_maps)
{
	struct pst_automaton a = wide(3, 2, 1);
	struct pst_packed packed;
	struct pst_pack_full full;

	for (int i = 0, low = 0, high = 1; i < 256; i++, high = high < 31 ? high + 1 : ++low + 1) {
		memset(a.class_of, 0, sizeof(a.class_of));
		a.class_of[low] = a.class_of[high] = 1;
		cr_assert_eq(pst_packer_add(&p, &a, &packed, &full), 0);
	}
	memset(a.class_of, 0, sizeof(a.class_of));
	a.class_of[0x80] = a.class_of[0x90] = 1;
	expect_full(&a, "class map bytes");
	drop(&a);
}

/* Every automaton has an alphabet of its own; behind the first 128 they take what is there. */
Test(pack, a_thousand_alphabets_share_the_class_maps)
{
	enum { N = 1000 };
	struct pst_packed at[N];
	char re[N][64], text[64];

	for (unsigned int i = 0; i < N; i++) {
		for (unsigned int k = 0; k < 12; k++)
			re[i][k] = (char)('a' + (i >> k % 10 & 1 ? k : k + 13));
		snprintf(re[i] + 12, 52, "%c/[^/]+%c?", 'A' + i % 26, 'A' + i / 26 % 26);
		at[i] = add(re[i], 1);
	}
	cr_assert_leq(p.classes.n, PST_PACK_MAP_BYTES * 130);
	for (unsigned int i = 0; i < N; i += 9) {
		struct pst_automaton *a = build(re[i], 1);

		for (unsigned int k = 0; k < 20; k++) {
			snprintf(text, sizeof(text), "%.13s/x%c\xc3\xa9%s", re[k % 3 ? i : k],
				 'A' + k, k % 2 ? "" : "\xff");
			cr_assert_eq(run(&at[i], text, strlen(text)),
				     pst_automaton_match(a, text, strlen(text)), "%s on %s", re[i],
				     text);
		}
		pst_automaton_free(&a);
	}
}

/* A hundred different automata between each other's cells, each as it was alone. */
Test(pack, rows_of_many_automata_do_not_disturb_each_other)
{
	enum { N = 100 };
	struct pst_packed at[N];
	char re[N][64], text[64];
	uint32_t cells = 0;

	for (int i = 0; i < N; i++) {
		snprintf(re[i], sizeof(re[i]), "/a%d(/[^/]+/b%c*|/x.*%d)?", i * 7, 'a' + i % 26, i);
		at[i] = add(re[i], (uint64_t)i + 1);
		cells += at[i].n_cells;
	}
	cr_assert_leq(p.cells.n, cells + cells / 2, "%zu cells for %u", p.cells.n, cells);
	for (int i = 0; i < N; i++) {
		struct pst_automaton *a = build(re[i], (uint64_t)i + 1);

		for (int k = 0; k < N; k++) {
			snprintf(text, sizeof(text), k % 3 ? "/a%d/q%d/b%c" : "/a%d/xyz%d%c",
				 k % 2 ? i * 7 : k * 7, k % 5 ? i : k, 'a' + k % 26);
			text[strlen(text) - (size_t)(k % 3)] = '\0';
			cr_assert_eq(run(&at[i], text, strlen(text)),
				     pst_automaton_match(a, text, strlen(text)), "%s on %s", re[i],
				     text);
		}
		pst_automaton_free(&a);
	}
}

Test(pack, a_state_inside_of_a_literal_takes_one_cell)
{
	struct pst_packed at = add("/api/v1/orders", 1);

	cr_assert_eq(at.n_cells, strlen("/api/v1/orders") + 1);
}

Test(pack, a_class_that_leaves_out_one_byte_does_not_take_a_cell_per_byte)
{
	struct pst_packed few = add("[^/]*/abcdefghijklm", 1);

	/* Two cells in a state of UTF-8 that goes on, about four in the loop. */
	cr_assert_lt(few.n_cells, 40);
}
