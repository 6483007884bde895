// SPDX-License-Identifier: Apache-2.0
#include "policy/yaml.h"

#include <criterion/criterion.h>
#include <errno.h>
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

static struct t_doc t_parse_n(const char *text, size_t len)
{
	const struct pst_yaml_input in = {.name = "t.yaml", .text = text, .len = len};
	struct t_doc d = {.arena = pst_arena_new(), .diags = pst_diags_new()};

	d.r = pst_yaml_parse(d.arena, &in, d.diags, &d.docs);
	return d;
}

static struct t_doc t_parse(const char *text)
{
	return t_parse_n(text, strlen(text));
}

static void t_free(struct t_doc *d)
{
	pst_arena_free(&d->arena);
	pst_diags_free(&d->diags);
}

static void t_place(const struct pst_pos *pos, unsigned int line, unsigned int col,
		    unsigned int end_line, unsigned int end_col)
{
	cr_expect_eq(pos->line, line, "line %u, not %u", pos->line, line);
	cr_expect_eq(pos->col, col, "column %u, not %u", pos->col, col);
	cr_expect_eq(pos->end_line, end_line, "end line %u, not %u", pos->end_line, end_line);
	cr_expect_eq(pos->end_col, end_col, "end column %u, not %u", pos->end_col, end_col);
}

/* TEXT is refused with ID at LINE:COL. */
static void t_refused(const char *text, const char *id, unsigned int line, unsigned int col)
{
	struct t_doc d = t_parse(text);

	cr_assert_eq(d.r, -EINVAL, "%s", text);
	cr_assert_eq(pst_diags_count(d.diags), 1, "%s: %zu", text, pst_diags_count(d.diags));
	cr_expect_str_eq(pst_diags_at(d.diags, 0)->id, id);
	cr_expect_eq(pst_diags_at(d.diags, 0)->pos.line, line, "%s", text);
	cr_expect_eq(pst_diags_at(d.diags, 0)->pos.col, col, "%s: %u", text,
		     pst_diags_at(d.diags, 0)->pos.col);
	t_free(&d);
}

Test(yaml, a_tree_has_places_on_every_node)
{
	struct t_doc d = t_parse("a:\n  - one\n  - 'two'\nbb: {c: 3}\n");
	const struct pst_yaml_node *a = d.docs->first, *bb = a->next;

	cr_assert_eq(d.r, 0);
	t_place(&d.docs->pos, 1, 1, 4, 11);
	t_place(&a->key->pos, 1, 1, 1, 2);
	t_place(&a->pos, 2, 3, 3, 9);
	t_place(&a->first->pos, 2, 5, 2, 8);
	t_place(&a->first->next->pos, 3, 6, 3, 9);
	t_place(&bb->pos, 4, 5, 4, 11);
	t_place(&bb->first->pos, 4, 9, 4, 10);
	t_free(&d);
}

Test(yaml, columns_count_bytes_and_lines_end_at_newlines_only)
{
	/* e acute is two bytes; U+2028 and U+0085 are line breaks for YAML and for no editor */
	struct t_doc d = t_parse(
		"# \xc3\xa9\n\xc3\xa9\xc3\xa9: 'x\xc3\xa9' # \xe2\x80\xa8\nb: \"\xc2\x85y\"\nc: z\n");
	const struct pst_yaml_node *first = d.docs->first, *c = first->next->next;

	cr_assert_eq(d.r, 0);
	t_place(&first->key->pos, 2, 1, 2, 5);
	t_place(&first->pos, 2, 8, 2, 11);
	t_place(&c->pos, 4, 4, 4, 5);
	t_free(&d);
}

Test(yaml, windows_line_ends_do_not_shift_places)
{
	struct t_doc d = t_parse("a: 1\r\nb: two\r\n");

	t_place(&d.docs->first->next->pos, 2, 4, 2, 7);
	t_free(&d);
}

Test(yaml, a_byte_order_mark_is_no_part_of_the_text)
{
	struct t_doc d = t_parse("\xef\xbb\xbf"
				 "a: x\nb: y\n");

	cr_assert_eq(d.r, 0);
	cr_assert_str_eq(d.docs->first->key->s, "a");
	t_place(&d.docs->first->pos, 1, 7, 1, 8);
	t_place(&d.docs->first->next->pos, 2, 4, 2, 5);
	t_free(&d);
}

Test(yaml, places_are_right_behind_many_characters)
{
	static char text[200000];
	size_t n = 0;
	struct t_doc d;
	unsigned int i = 0;

	while (n < sizeof(text) - 64)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "- \xe2\x82\xac%u\n", i++);
	d = t_parse_n(text, n);
	i = 0;
	for (const struct pst_yaml_node *c = d.docs->first; c; c = c->next, i++) {
		cr_assert_eq(c->pos.line, i + 1);
		cr_assert_eq(c->pos.col, 3);
		cr_assert_eq(c->pos.end_col, 3 + c->len);
	}
	cr_assert_eq(i, d.docs->len);
	t_free(&d);
}

Test(yaml, plain_scalars_are_typed_as_kubernetes_does)
{
	static const struct {
		const char *text;
		enum pst_yaml_kind kind;
	} cases[] = {
		{"", PST_YAML_NULL},	      {"~", PST_YAML_NULL},
		{"null", PST_YAML_NULL},      {"true", PST_YAML_BOOL},
		{"No", PST_YAML_BOOL},	      {"on", PST_YAML_BOOL},
		{"y", PST_YAML_BOOL},	      {"0", PST_YAML_NUMBER},
		{"8080", PST_YAML_NUMBER},    {"-1", PST_YAML_NUMBER},
		{"+1", PST_YAML_NUMBER},      {"0x1f", PST_YAML_NUMBER},
		{"0o17", PST_YAML_NUMBER},    {"0b1", PST_YAML_NUMBER},
		{"017", PST_YAML_NUMBER},     {"1_000", PST_YAML_NUMBER},
		{"1.5", PST_YAML_NUMBER},     {".5", PST_YAML_NUMBER},
		{"5.", PST_YAML_NUMBER},      {"1e5", PST_YAML_NUMBER},
		{"1E-5", PST_YAML_NUMBER},    {"12e03", PST_YAML_NUMBER},
		{".inf", PST_YAML_NUMBER},    {"-.Inf", PST_YAML_NUMBER},
		{".NaN", PST_YAML_NUMBER},    {"nULL", PST_YAML_STRING},
		{"tRUE", PST_YAML_STRING},    {"yess", PST_YAML_STRING},
		{"1e", PST_YAML_STRING},      {"1e+", PST_YAML_STRING},
		{".", PST_YAML_STRING},	      {"-", PST_YAML_STRING},
		{"1.2.3", PST_YAML_STRING},   {"10.0.0.1", PST_YAML_STRING},
		{"0xg", PST_YAML_STRING},     {"0x", PST_YAML_STRING},
		{"_1", PST_YAML_STRING},      {"1a", PST_YAML_STRING},
		{"/api/.*", PST_YAML_STRING}, {"2026-01-01", PST_YAML_STRING},
		{"1:30", PST_YAML_STRING},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_expect_eq(pst_yaml_plain_kind(cases[i].text), cases[i].kind, "%s is %s",
			     cases[i].text, pst_yaml_kind_str(pst_yaml_plain_kind(cases[i].text)));
}

Test(yaml, quoted_and_block_scalars_are_strings_whatever_they_hold)
{
	struct t_doc d = t_parse("- '8080'\n- \"true\"\n- |-\n  1\n- >-\n  ~\n- !!str 5\n- ''\n");

	for (const struct pst_yaml_node *c = d.docs->first; c; c = c->next)
		cr_expect_eq(c->kind, PST_YAML_STRING, "%s", c->s);
	cr_assert_eq(d.docs->len, 6);
	t_free(&d);
}

Test(yaml, get_finds_string_keys_and_takes_null_for_absent)
{
	struct t_doc d = t_parse("{a: x, b: , 1: y, '1': z, true: t}");

	cr_assert_eq(d.r, -EINVAL); /* 1 and '1' are the same key in JSON */
	t_free(&d);
	d = t_parse("{a: x, b: , 1: y}");
	cr_assert_str_eq(pst_yaml_get(d.docs, "a")->s, "x");
	cr_assert_null(pst_yaml_get(d.docs, "b"));
	cr_assert_null(pst_yaml_get(d.docs, "1"));
	cr_assert_null(pst_yaml_get(d.docs, "c"));
	cr_assert_null(pst_yaml_get(NULL, "a"));
	cr_assert_null(pst_yaml_get(pst_yaml_get(d.docs, "a"), "a"));
	t_free(&d);
}

Test(yaml, a_duplicate_key_names_both_places)
{
	struct t_doc d = t_parse("a: 1\nb: 2\n\"a\": 3\n");

	cr_assert_eq(d.r, -EINVAL);
	cr_assert_null(d.docs);
	t_place(&pst_diags_at(d.diags, 0)->pos, 3, 2, 3, 3);
	cr_assert_not_null(strstr(t_message(d.diags, "yaml-duplicate-key"), "line 1 column 1"));
	t_free(&d);
}

Test(yaml, duplicate_keys_are_found_in_large_and_nested_mappings)
{
	static char text[300000];
	size_t n = (size_t)snprintf(text, sizeof(text), "x:\n  y:\n");

	for (int i = 0; i < 10000; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "    key%d: v\n", i);
	snprintf(text + n, sizeof(text) - n, "    key5000: v\n");
	t_refused(text, "yaml-duplicate-key", 10003, 5);
}

Test(yaml, what_parsers_disagree_about_is_refused)
{
	t_refused("? [a]\n: b\n", "yaml-key", 1, 3);
	t_refused("{{a: b}: c}\n", "helm-template", 1, 1);
	t_refused("{ {a: b}: c}\n", "yaml-key", 1, 3);
	t_refused("a: \"x\\0y\"\n", "yaml-nul", 1, 5);
}

Test(yaml, tags_that_change_nothing_are_accepted)
{
	struct t_doc d = t_parse("!!map {a: !!seq [!!str b]}");

	cr_assert_eq(d.r, 0);
	t_free(&d);
}

Test(yaml, a_quoted_merge_key_is_just_a_key)
{
	struct t_doc d = t_parse("'<<': x\n");

	cr_assert_eq(d.r, 0);
	t_free(&d);
}

Test(yaml, syntax_errors_have_places)
{
	t_refused("a: [1, 2\nb: 3\n", "yaml-syntax", 2, 2);
	t_refused("a: b: c\n", "yaml-syntax", 1, 5);
	t_refused("a: x\n\tb: y\n", "yaml-syntax", 2, 1);
	t_refused("a: \xff\n", "yaml-encoding", 1, 4);
	t_refused("\xc3\xa9: \x01\n", "yaml-encoding", 1, 5);
	t_refused("%YAML 3.0\n---\na\n", "yaml-syntax", 1, 1);
}

Test(yaml, a_nul_byte_in_the_file_is_named_as_such)
{
	struct t_doc d = t_parse_n("a: x\0y\n", 7);

	cr_assert_eq(d.r, -EINVAL);
	cr_assert(t_has(d.diags, "yaml-encoding"));
	t_free(&d);
}

Test(yaml, a_spoilt_document_leaves_the_others)
{
	struct t_doc d = t_parse("a: 1\n---\nb: !x 2\n---\nc: 3\n");

	cr_assert_eq(d.r, -EINVAL);
	cr_assert_str_eq(d.docs->first->key->s, "a");
	cr_assert_str_eq(d.docs->next->first->key->s, "c");
	cr_assert_null(d.docs->next->next);
	t_free(&d);
}

Test(yaml, an_empty_text_has_no_documents)
{
	struct t_doc d = t_parse("");

	cr_assert_eq(d.r, 0);
	cr_assert_null(d.docs);
	t_free(&d);
}

static struct t_doc t_nested(unsigned int depth)
{
	char text[512];

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return t_parse_n(text, (size_t)2 * depth);
}

Test(yaml, depth_is_limited)
{
	struct t_doc d = t_nested(PST_YAML_MAX_DEPTH);

	cr_assert_eq(d.r, 0);
	t_free(&d);
	d = t_nested(PST_YAML_MAX_DEPTH + 1);
	cr_assert_eq(d.r, -EINVAL);
	cr_assert(t_has(d.diags, "yaml-limit"));
	t_free(&d);
}

static struct t_doc t_many(size_t nodes)
{
	size_t len = 2 * nodes + 2;
	char *text = malloc(len);
	struct t_doc d;

	memset(text, 'a', len);
	for (size_t i = 0; i < len; i += 2)
		text[i] = ',';
	text[0] = '[';
	text[len - 1] = ']';
	text[len - 2] = ' ';
	d = t_parse_n(text, len);
	free(text);
	return d;
}

Test(yaml, the_number_of_nodes_is_limited)
{
	struct t_doc d = t_many(PST_YAML_MAX_NODES - 1); /* and the list itself */

	cr_assert_eq(d.r, 0);
	cr_assert_eq(d.docs->len, PST_YAML_MAX_NODES - 1);
	t_free(&d);
	d = t_many(PST_YAML_MAX_NODES);
	cr_assert_eq(d.r, -EINVAL);
	cr_assert(t_has(d.diags, "yaml-limit"));
	t_free(&d);
}

Test(yaml, the_size_is_limited)
{
	char *text = malloc(PST_YAML_MAX_SIZE + 1);
	struct t_doc d;

	memset(text, '\n', PST_YAML_MAX_SIZE + 1);
	d = t_parse_n(text, PST_YAML_MAX_SIZE);
	cr_assert_eq(d.r, 0);
	t_free(&d);
	d = t_parse_n(text, PST_YAML_MAX_SIZE + 1);
	cr_assert_eq(d.r, -EINVAL);
	cr_assert(t_has(d.diags, "yaml-limit"));
	t_free(&d);
	free(text);
}

Test(yaml, json_is_read_by_the_same_parser)
{
	struct t_doc d =
		t_parse("{\n\t\"a\":1,\"b\" : [true,null,\"x\\u00e9\\/\\n\"],\n\t\"c\":{}}\n");
	const struct pst_yaml_node *b = pst_yaml_get(d.docs, "b");

	cr_assert_eq(d.r, 0);
	cr_assert_eq(pst_yaml_get(d.docs, "a")->kind, PST_YAML_NUMBER);
	cr_assert_eq(b->first->kind, PST_YAML_BOOL);
	cr_assert_eq(b->first->next->kind, PST_YAML_NULL);
	cr_assert_str_eq(b->first->next->next->s, "x\xc3\xa9/\n");
	t_free(&d);
}
