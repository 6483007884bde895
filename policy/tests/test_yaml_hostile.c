// SPDX-License-Identifier: Apache-2.0
/* Texts that nobody should write: each has a clear answer, and the documents around it are read. */
#include "policy/yaml.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/tests/helper.h"

/* The keys of the documents that were handed over, and what was said. */
struct t_read {
	struct pst_diags *diags;
	char keys[256];
	size_t n_docs;
	int r;
};

static int t_take(void *ctx, const struct pst_yaml_node *doc)
{
	struct t_read *t = ctx;

	size_t used = strlen(t->keys);

	t->n_docs++;
	if (doc->first && doc->first->key)
		snprintf(t->keys + used, sizeof(t->keys) - used, "%s", doc->first->key->s);
	return 0;
}

static struct t_read t_read_n(const char *text, size_t len)
{
	const struct pst_yaml_input in = {.name = "t.yaml", .text = text, .len = len};
	struct t_read t = {.diags = pst_diags_new()};

	t.r = pst_yaml_each(&in, t.diags, t_take, &t);
	return t;
}

static void t_free(struct t_read *t)
{
	pst_diags_free(&t->diags);
}

/* Of TEXT the documents KEYS are read; of the others ID is said at LINE:COL, and nothing else. */
static void t_reads_around(const char *text, const char *keys, const char *id, unsigned int line,
			   unsigned int col)
{
	struct t_read t = t_read_n(text, strlen(text));
	const struct pst_diag *d;

	cr_expect_eq(t.r, -EINVAL, "%s", text);
	cr_expect_str_eq(t.keys, keys, "%s: %s", text, t.keys);
	cr_assert_eq(pst_diags_count(t.diags), 1, "%s: %zu", text, pst_diags_count(t.diags));
	d = pst_diags_at(t.diags, 0);
	cr_expect_str_eq(d->id, id, "%s: %s", text, d->id);
	cr_expect_eq(d->pos.line, line, "%s: line %u", text, d->pos.line);
	cr_expect_eq(d->pos.col, col, "%s: column %u", text, d->pos.col);
	t_free(&t);
}

Test(hostile, a_broken_document_does_not_hide_the_others)
{
	t_reads_around("a: 1\n---\nb: [1\n---\nc: 1\n", "ac", "yaml-syntax", 4, 1);
	t_reads_around("a: 1\n--- b: c: d\n--- # x\nc: 1\n", "ac", "yaml-syntax", 2, 6);
	t_reads_around("b: \"open\n---\nc: 1\n---\nd: 1\n", "cd", "yaml-syntax", 2, 1);
	t_reads_around("a: 1\r\n---\r\nb: }\r\n---\r\nc: 1\r\n", "ac", "yaml-syntax", 3, 4);
	t_reads_around("\xef\xbb\xbf"
		       "a: ]\n---\nb: 1\n",
		       "b", "yaml-syntax", 1, 7);
}

Test(hostile, places_are_right_behind_a_broken_document_with_long_characters)
{
	static const char text[] = "\xe2\x82\xac: 1\n---\n\xe2\x82\xac: [\xe2\x82\xac\n---\n"
				   "\xe2\x82\xac: \xe2\x82\xac\nc: 1\nc: 2\n---\nd: 1\n";
	struct t_read t = t_read_n(text, strlen(text));

	cr_expect_str_eq(t.keys, "\xe2\x82\xac"
				 "d");
	cr_assert_eq(pst_diags_count(t.diags), 2);
	cr_expect_eq(pst_diags_at(t.diags, 0)->pos.line, 4);
	cr_expect_str_eq(pst_diags_at(t.diags, 1)->id, "yaml-duplicate-key");
	cr_expect_eq(pst_diags_at(t.diags, 1)->pos.line, 7);
	cr_expect_eq(pst_diags_at(t.diags, 1)->pos.col, 1);
	t_free(&t);
}

Test(hostile, what_only_looks_like_a_document_marker_is_none)
{
	t_reads_around("a: [1\n---b\n ---\nc: 1\n", "", "yaml-syntax", 4, 2);
}

Test(hostile, a_limit_loses_one_document)
{
	char deep[101] = "", text[400];
	struct t_read t;

	memset(deep, '[', sizeof(deep) - 1);
	snprintf(text, sizeof(text), "a: 1\n---\nb: %s\n---\nc: 1\n", deep);
	t = t_read_n(text, strlen(text));
	cr_expect_str_eq(t.keys, "ac");
	cr_expect_eq(pst_diags_count(t.diags), 1);
	cr_expect(t_has(t.diags, "yaml-limit"));
	t_free(&t);
}

Test(hostile, a_bad_byte_loses_its_own_document_only)
{
	t_reads_around("a: 1\n---\nb: x\xffy\n---\nc: 1\n", "ac", "yaml-encoding", 3, 5);
	t_reads_around("b: \xc3\n---\nc: 1\n", "c", "yaml-encoding", 1, 4);
	t_reads_around("a: 1\n---\nb: \x07\n", "a", "yaml-encoding", 3, 4);
	t_reads_around("--- \xff\n---\nc: 1\n", "c", "yaml-encoding", 1, 5);
}

Test(hostile, a_nul_byte_is_called_a_binary_file)
{
	struct t_read t = t_read_n("a: 1\n---\n\0\n---\nc: 1\n", 20);

	cr_expect_eq(t.r, -EINVAL);
	cr_expect_str_eq(t.keys, "ac");
	cr_expect_eq(pst_diags_at(t.diags, 0)->pos.line, 3);
	cr_expect_not_null(strstr(t_message(t.diags, "yaml-encoding"), "binary"));
	t_free(&t);
}

Test(hostile, utf16_is_named)
{
	struct t_read t = t_read_n("\xff\xfe"
				   "a\0:\0",
				   6);

	cr_expect_not_null(strstr(t_message(t.diags, "yaml-encoding"), "UTF-16"));
	cr_expect_eq(pst_diags_count(t.diags), 1);
	t_free(&t);
	t = t_read_n("\xfe\xff\0a\0:", 6);
	cr_expect_not_null(strstr(t_message(t.diags, "yaml-encoding"), "UTF-16"));
	t_free(&t);
}

Test(hostile, a_tab_that_indents_is_called_a_tab)
{
	struct t_read t = t_read_n("a:\n  b: 1\n \tc: 2\n", 17);

	cr_expect_not_null(strstr(t_message(t.diags, "yaml-syntax"), "a tab"));
	t_free(&t);
	t_reads_around("a:\n\tb: 1\n", "", "yaml-syntax", 2, 1);
	t_reads_around("a:\n  b: 1\n \tc: 2\n", "", "yaml-syntax", 3, 2);
	t = t_read_n("a:\tb\n", 5);
	cr_expect_eq(t.r, 0);
	t_free(&t);
	t = t_read_n("a: [\tb: }\n", 10);
	cr_expect_eq(t.r, -EINVAL);
	cr_expect_null(strstr(t_message(t.diags, "yaml-syntax"), "a tab"));
	t_free(&t);
}

Test(hostile, nothing_and_comments_only_are_no_documents)
{
	static const char *const texts[] = {"", "# only\n# comments\n", "\n\n", "\xef\xbb\xbf"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct t_read t = t_read_n(texts[i], strlen(texts[i]));

		cr_expect_eq(t.r, 0);
		cr_expect_eq(t.n_docs, 0);
		t_free(&t);
	}
}

Test(hostile, a_line_of_a_mebibyte_is_read, .timeout = 20)
{
	const size_t len = 1 << 20;
	char *text = malloc(len + 16);
	struct t_read t;

	memset(text, 'x', len);
	memcpy(text, "a: ", 3);
	t = t_read_n(text, len);
	cr_expect_eq(t.r, 0);
	t_free(&t);
	memcpy(text + len, ": ]", 3);
	t = t_read_n(text, len + 3);
	cr_expect_eq(t.r, -EINVAL);
	cr_expect_eq(pst_diags_at(t.diags, 0)->pos.line, 1);
	t_free(&t);
	free(text);
}

/* N times PART. */
static struct t_read t_many(size_t n, const char *part)
{
	size_t len = strlen(part);
	char *text = malloc(n * len + 1);
	struct t_read t;

	for (size_t i = 0; i < n; i++)
		memcpy(text + i * len, part, len);
	t = t_read_n(text, n * len);
	free(text);
	return t;
}

Test(hostile, mistakes_are_counted_and_come_to_an_end)
{
	static const char *const parts[] = {"a: ]\n---\n", "a: \xff\n---\n", "a: *x\n---\n"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		struct t_read t = t_many(PST_YAML_MAX_MISTAKES, parts[i]);

		cr_expect_eq(pst_diags_count(t.diags), PST_YAML_MAX_MISTAKES);
		cr_expect_not(t_has(t.diags, "yaml-limit"));
		t_free(&t);
		t = t_many(100000, parts[i]);
		cr_expect_eq(pst_diags_count(t.diags), PST_YAML_MAX_MISTAKES + 2);
		cr_expect(t_has(t.diags, "yaml-limit"));
		t_free(&t);
	}
}

Test(hostile, many_duplicate_keys_are_not_all_named)
{
	struct t_read t = t_many(100000, "a: 1\n");

	cr_expect_eq(pst_diags_count(t.diags), PST_YAML_MAX_MISTAKES + 2);
	t_free(&t);
}

Test(hostile, documents_are_limited, .timeout = 60)
{
	struct t_read t = t_many(PST_YAML_MAX_DOCUMENTS, "---\n");

	cr_expect_eq(t.r, 0);
	cr_expect_eq(t.n_docs, PST_YAML_MAX_DOCUMENTS);
	t_free(&t);
	t = t_many(PST_YAML_MAX_DOCUMENTS + 1, "---\n");
	cr_expect_eq(t.r, -EINVAL);
	cr_expect(t_has(t.diags, "yaml-limit"));
	t_free(&t);
}

static int t_stop(void *ctx, const struct pst_yaml_node *doc)
{
	(void)doc;
	return ++*(int *)ctx == 2 ? -ECANCELED : -EINVAL;
}

Test(hostile, whoever_takes_documents_can_refuse_one_and_stop)
{
	const struct pst_yaml_input in = {.name = "t", .text = "a\n--- b\n--- c\n", .len = 14};
	struct pst_diags *diags = pst_diags_new();
	int n = 0;

	cr_expect_eq(pst_yaml_each(&in, diags, t_stop, &n), -ECANCELED);
	cr_expect_eq(n, 2);
	pst_diags_free(&diags);
}
