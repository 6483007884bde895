// SPDX-License-Identifier: Apache-2.0
/* Anchors, aliases, merge keys and tags. Trees are compared as flow text; see t_print(). */
#include "policy/yaml.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/tests/helper.h"

struct t_doc {
	struct pst_arena *arena;
	struct pst_diags *diags;
	const struct pst_yaml_node *docs;
	int r;
};

static struct t_doc t_parse(const char *text)
{
	const struct pst_yaml_input in = {.name = "t.yaml", .text = text, .len = strlen(text)};
	struct t_doc d = {.arena = pst_arena_new(), .diags = pst_diags_new()};

	d.r = pst_yaml_parse(d.arena, &in, d.diags, &d.docs);
	return d;
}

static void t_free(struct t_doc *d)
{
	pst_arena_free(&d->arena);
	pst_diags_free(&d->diags);
}

/* Scalars as they are, lists and mappings in flow style without blanks. */
static void t_print(FILE *out, const struct pst_yaml_node *n)
{
	bool map = n->kind == PST_YAML_MAPPING;

	if (!map && n->kind != PST_YAML_LIST) {
		fputs(n->s, out);
		return;
	}
	fputc(map ? '{' : '[', out);
	for (const struct pst_yaml_node *c = n->first; c; c = c->next) {
		cr_assert_eq(map, c->key != NULL);
		if (map)
			fprintf(out, "%s:", c->key->s);
		t_print(out, c);
		if (c->next)
			fputc(',', out);
	}
	fputc(map ? '}' : ']', out);
}

/* TEXT reads as EXPECTED. */
static void t_reads(const char *text, const char *expected)
{
	struct t_doc d = t_parse(text);
	char buf[1024] = "";
	FILE *out = fmemopen(buf, sizeof(buf), "w");

	cr_assert_eq(d.r, 0, "%s: %s", text,
		     pst_diags_count(d.diags) ? pst_diags_at(d.diags, 0)->message : "");
	t_print(out, d.docs);
	fclose(out);
	cr_expect_str_eq(buf, expected);
	t_free(&d);
}

/* TEXT is refused with ID alone, at LINE:COL. */
static void t_refused(const char *text, const char *id, unsigned int line, unsigned int col)
{
	struct t_doc d = t_parse(text);

	cr_expect_eq(d.r, -EINVAL, "%s", text);
	cr_assert_eq(pst_diags_count(d.diags), 1, "%s: %zu", text, pst_diags_count(d.diags));
	cr_expect_str_eq(pst_diags_at(d.diags, 0)->id, id, "%s: %s", text,
			 pst_diags_at(d.diags, 0)->id);
	cr_expect_eq(pst_diags_at(d.diags, 0)->pos.line, line, "%s: line %u", text,
		     pst_diags_at(d.diags, 0)->pos.line);
	cr_expect_eq(pst_diags_at(d.diags, 0)->pos.col, col, "%s: column %u", text,
		     pst_diags_at(d.diags, 0)->pos.col);
	t_free(&d);
}

Test(alias, stands_for_scalars_lists_and_mappings)
{
	t_reads("[&a x, *a, &b [1, 2], *b, &c {k: v}, *c]", "[x,x,[1,2],[1,2],{k:v},{k:v}]");
	t_reads("a: &x one\n*x : two\n", "{a:one,one:two}");
	t_reads("&root a: 1\nb: 2\n", "{a:1,b:2}");
}

Test(alias, has_its_own_place_and_its_children_have_theirs)
{
	struct t_doc d = t_parse("a: &x\n  - one\nb: *x\n");
	const struct pst_yaml_node *b = d.docs->first->next;

	cr_assert_eq(b->pos.line, 3);
	cr_assert_eq(b->pos.col, 4);
	cr_assert_eq(b->pos.end_col, 6);
	cr_assert_str_eq(b->key->s, "b");
	cr_assert_eq(b->first->pos.line, 2);
	t_free(&d);
}

Test(alias, the_place_of_an_anchored_or_tagged_scalar_is_that_of_its_text)
{
	struct t_doc d =
		t_parse("- &a xyz\n- !!str 'q'\n- &b !!str \"r\"\n- &c |\n  s\n- &d\n  t\n");
	static const unsigned int lines[] = {1, 2, 3, 5, 7}, cols[] = {6, 10, 13, 3, 3};
	size_t i = 0;

	for (const struct pst_yaml_node *c = d.docs->first; c; c = c->next, i++) {
		cr_expect_eq(c->pos.line, lines[i], "%s: line %u", c->s, c->pos.line);
		cr_expect_eq(c->pos.col, cols[i], "%s: column %u", c->s, c->pos.col);
	}
	cr_expect_eq(i, 5);
	t_free(&d);
}

Test(alias, the_last_anchor_of_a_name_counts)
{
	t_reads("[&a 1, *a, &a 2, *a]", "[1,1,2,2]");
	t_reads("[&a 1, [&a 2, *a], *a]", "[1,[2,2],2]");
}

Test(alias, without_an_anchor_is_refused)
{
	t_refused("- *x\n", "yaml-alias", 1, 3);
	t_refused("- *x\n- &x 1\n", "yaml-alias", 1, 3);
	t_refused("- &x 1\n- *xx\n", "yaml-alias", 2, 3);
	t_refused("&x a: 1\n---\nb: *x\n", "yaml-alias", 3, 4);
}

Test(alias, of_what_contains_it_is_refused)
{
	t_refused("&x [1, *x]\n", "yaml-alias", 1, 8);
	t_refused("&x {a: [*x]}\n", "yaml-alias", 1, 9);
	t_refused("a: &x\n  <<: *x\n", "yaml-alias", 2, 7);
}

Test(alias, of_a_list_is_no_key)
{
	t_refused("a: &x [1]\n*x : 2\n", "yaml-key", 2, 1);
}

/* A list of N scalars and N_ALIASES aliases of it; the scalars weigh 1 each, the list 1 more. */
static struct t_doc t_bomb(size_t n, size_t n_aliases)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct t_doc d;

	fputs("[&a [", out);
	for (size_t i = 0; i < n; i++)
		fputs("1,", out);
	fputs("]", out);
	for (size_t i = 0; i < n_aliases; i++)
		fputs(",*a", out);
	fputs("]", out);
	fclose(out);
	d = t_parse(text);
	free(text);
	return d;
}

Test(alias, what_aliases_add_is_limited)
{
	/* 1 + 1000 written, and the outer list: 100,000 and 1,002 may be added */
	struct t_doc d = t_bomb(1000, 100);

	cr_expect_eq(d.r, 0);
	cr_expect_eq(d.docs->len, 101);
	t_free(&d);
	d = t_bomb(1000, 101);
	cr_expect_eq(d.r, -EINVAL);
	cr_expect(t_has(d.diags, "yaml-alias-limit"));
	cr_expect_null(d.docs);
	t_free(&d);
}

/* 29 lists of nine aliases of the one before. */
static void t_laughs(const char *open, const char *close)
{
	char text[4096];
	size_t n = (size_t)snprintf(text, sizeof(text), "a0: &a0 {k: lol}\n");
	struct t_doc d;

	for (int i = 1; i < 30; i++) {
		n += (size_t)snprintf(text + n, sizeof(text) - n, "a%d: &a%d %s", i, i, open);
		for (int k = 0; k < 9; k++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "*a%d,", i - 1);
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", close);
		cr_assert_lt(n, sizeof(text));
	}
	d = t_parse(text);
	cr_expect_eq(d.r, -EINVAL);
	cr_expect_eq(pst_diags_count(d.diags), 1);
	cr_expect(t_has(d.diags, "yaml-alias-limit"));
	cr_expect_lt(pst_arena_used(d.arena), 200000);
	t_free(&d);
}

Test(alias, a_billion_laughs_are_refused_before_anybody_laughs, .timeout = 5)
{
	t_laughs("[", "]");
	t_laughs("{<<: [", "]}");
}

Test(alias, a_scalar_that_is_long_weighs_more)
{
	size_t len = 640000; /* weighs 10,001 */
	char *text = malloc(len + 200);
	struct t_doc d;
	size_t n = (size_t)snprintf(text, 8, "[&a ");

	memset(text + n, 'x', len);
	n += len;
	for (int i = 0; i < 11; i++)
		n += (size_t)snprintf(text + n, 8, ", *a");
	snprintf(text + n, 8, "]");
	d = t_parse(text);
	cr_expect_eq(d.r, -EINVAL); /* 11 * 10,001 > 100,000 + 10,002 */
	cr_expect(t_has(d.diags, "yaml-alias-limit"));
	t_free(&d);
	text[n - 4] = ']';
	text[n - 3] = 0;
	d = t_parse(text);
	cr_expect_eq(d.r, 0);
	t_free(&d);
	free(text);
}

/* Lists in lists, DEPTH of them, and an alias of the whole below ABOVE further lists. */
static struct t_doc t_deep(unsigned int depth, unsigned int above)
{
	char text[512];
	size_t n = (size_t)snprintf(text, sizeof(text), "[&a ");

	for (unsigned int i = 0; i < depth; i++)
		text[n++] = '[';
	for (unsigned int i = 0; i < depth; i++)
		text[n++] = ']';
	text[n++] = ',';
	for (unsigned int i = 0; i < above; i++)
		text[n++] = '[';
	n += (size_t)snprintf(text + n, sizeof(text) - n, "*a");
	for (unsigned int i = 0; i < above; i++)
		text[n++] = ']';
	text[n++] = ']';
	text[n] = 0;
	return t_parse(text);
}

Test(alias, the_depth_of_the_expanded_tree_is_limited)
{
	struct t_doc d = t_deep(40, PST_YAML_MAX_DEPTH - 41);

	cr_expect_eq(d.r, 0);
	t_free(&d);
	d = t_deep(40, PST_YAML_MAX_DEPTH - 40);
	cr_expect_eq(d.r, -EINVAL);
	cr_expect(t_has(d.diags, "yaml-alias-limit"));
	t_free(&d);
}

static struct t_doc t_anchors(unsigned int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct t_doc d;

	for (unsigned int i = 0; i < n; i++)
		fprintf(out, "- &n%u %u\n", i, i);
	fprintf(out, "- *n%u\n- *n0\n", n / 2);
	fclose(out);
	d = t_parse(text);
	free(text);
	return d;
}

Test(alias, anchors_are_limited)
{
	struct t_doc d = t_anchors(PST_YAML_MAX_ANCHORS);

	cr_expect_eq(d.r, 0);
	t_free(&d);
	d = t_anchors(PST_YAML_MAX_ANCHORS + 1);
	cr_expect_eq(d.r, -EINVAL);
	cr_expect(t_has(d.diags, "yaml-alias-limit"));
	t_free(&d);
}

Test(merge, keys_of_the_mapping_win_then_earlier_ones_of_the_list)
{
	t_reads("{<<: {a: 1, b: 2}, b: 3, c: 4}", "{b:3,c:4,a:1}");
	t_reads("{<<: [{a: 1}, {a: 2, b: 3}], c: 4}", "{c:4,a:1,b:3}");
	t_reads("[&x {a: 1}, &y {a: 2, b: 3}, {<<: [*y, *x], c: 4}]",
		"[{a:1},{a:2,b:3},{c:4,a:2,b:3}]");
	t_reads("[&x {a: 1}, {c: 4, <<: *x}]", "[{a:1},{c:4,a:1}]");
}

Test(merge, of_what_has_merged_itself)
{
	t_reads("[&x {a: 1}, &y {<<: *x, b: 2}, {<<: *y, c: 3}]",
		"[{a:1},{b:2,a:1},{c:3,b:2,a:1}]");
	t_reads("{<<: {<<: {a: 1}, b: 2}}", "{b:2,a:1}");
}

Test(merge, of_nothing_adds_nothing)
{
	t_reads("{<<: {}, a: 1}", "{a:1}");
	t_reads("{<<: [], a: 1}", "{a:1}");
	t_reads("{<<: [{}, {}]}", "{}");
}

Test(merge, leaves_the_source_as_it_was)
{
	t_reads("[&x {a: 1, b: 2}, {<<: *x, a: 3}, *x]", "[{a:1,b:2},{a:3,b:2},{a:1,b:2}]");
}

Test(merge, is_found_among_many_keys)
{
	char text[4096] = "x: &x {k7: merged, new: merged}\ny:\n  <<: *x\n";
	size_t n = strlen(text);
	struct t_doc d;

	for (int i = 0; i < 100; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  k%d: own\n", i);
	d = t_parse(text);
	cr_assert_eq(d.r, 0);
	cr_expect_eq(d.docs->first->next->len, 101);
	cr_expect_str_eq(pst_yaml_get(d.docs->first->next, "k7")->s, "own");
	cr_expect_str_eq(pst_yaml_get(d.docs->first->next, "new")->s, "merged");
	t_free(&d);
}

Test(merge, only_a_plain_untagged_key_merges)
{
	t_reads("{'<<': {a: 1}}", "{<<:{a:1}}");
	t_reads("{!!str <<: {a: 1}}", "{<<:{a:1}}");
	t_reads("[<<, &m <<, {*m : 1}]", "[<<,<<,{<<:1}]");
	t_reads("{<<<: 1}", "{<<<:1}");
}

Test(merge, of_what_is_no_mapping_is_refused)
{
	t_refused("<<: x\n", "yaml-merge", 1, 5);
	t_refused("<<:\n", "yaml-merge", 1, 4);
	t_refused("<<: [{a: 1}, x]\n", "yaml-merge", 1, 14);
	t_refused("<<: [[{a: 1}]]\n", "yaml-merge", 1, 6);
	t_refused("a: &x [{b: 1}]\nc:\n  <<: *x\n", "yaml-merge", 3, 7);
}

Test(merge, over_a_key_that_stands_before_it_is_refused)
{
	t_refused("a: 1\n<<: {a: 2}\n", "yaml-merge", 1, 1);
	t_reads("b: 1\n<<: {a: 2}\na: 3\n", "{b:1,a:3}");
}

Test(merge, twice_in_one_mapping_is_a_duplicate_key)
{
	t_refused("<<: {a: 1}\n<<: {b: 2}\n", "yaml-duplicate-key", 2, 1);
}

Test(merge, does_not_hide_a_duplicate_of_the_mapping_itself)
{
	t_refused("<<: {a: 1}\nb: 1\nb: 2\n", "yaml-duplicate-key", 3, 1);
}

/* Inline mappings merged into each other are copied at every level. */
Test(merge, of_merges_counts_what_it_copies, .timeout = 20)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	struct t_doc d;

	for (int i = 0; i < 60; i++)
		fputs("{<<: ", out);
	fputc('{', out);
	for (int i = 0; i < 20000; i++)
		fprintf(out, "k%d: ,", i);
	for (int i = 0; i < 61; i++)
		fputc('}', out);
	fclose(out);
	d = t_parse(text);
	cr_expect_eq(d.r, -EINVAL);
	cr_expect(t_has(d.diags, "yaml-alias-limit"));
	t_free(&d);
	free(text);
}

Test(tag, that_agrees_with_the_text_is_accepted)
{
	static const struct {
		const char *text;
		enum pst_yaml_kind kind;
	} cases[] = {
		{"!!str 5", PST_YAML_STRING},	    {"!!str", PST_YAML_STRING},
		{"!!int 5", PST_YAML_NUMBER},	    {"!!int '0x1F'", PST_YAML_NUMBER},
		{"!!int -3", PST_YAML_NUMBER},	    {"!!float 1.5", PST_YAML_NUMBER},
		{"!!float 2", PST_YAML_NUMBER},	    {"!!float .inf", PST_YAML_NUMBER},
		{"!!bool yes", PST_YAML_BOOL},	    {"!!null ~", PST_YAML_NULL},
		{"!!null", PST_YAML_NULL},	    {"!!seq []", PST_YAML_LIST},
		{"!!map {a: 1}", PST_YAML_MAPPING}, {"!<tag:yaml.org,2002:str> 1", PST_YAML_STRING},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct t_doc d = t_parse(cases[i].text);

		cr_assert_eq(d.r, 0, "%s", cases[i].text);
		cr_expect_eq(d.docs->kind, cases[i].kind, "%s", cases[i].text);
		t_free(&d);
	}
}

Test(tag, that_does_not_agree_or_is_unknown_is_refused)
{
	static const char *const texts[] = {
		"!!int five",	 "!!int 1.5", "!!int 1e3",     "!!int .inf", "!!int ''",
		"!!float x",	 "!!bool 1",  "!!bool maybe",  "!!null x",   "!!null 0",
		"!!str [a]",	 "!!map [a]", "!!seq {a: b}",  "!!seq a",    "!!map a",
		"!!binary aGk=", "!!set {a}", "!!timestamp 1", "!!merge x",  "!mine x",
		"! x",		 "!!omap []", "!<x> y",	       "!!int [1]",  "!!null {}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		t_refused(texts[i], "yaml-tag", 1, 1);
}
