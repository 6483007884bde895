// SPDX-License-Identifier: Apache-2.0
#include "proxy/translate.h"

#include "base/vec.h"
#include "compiler/regex.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { ASCII = 128 };

/* A translation being written. Recursion goes down trees of at most PST_RE_MAX_HEIGHT. */
struct writer {
	const struct pst_re_tree *tree;
	const struct pst_classes *classes;
	struct PST_VEC(char) text;
};

static int __attribute__((format(printf, 2, 3))) put(struct writer *w, const char *format, ...)
{
	char piece[64];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(piece, sizeof(piece), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(piece))
		return -EINVAL;
	if (w->text.n + (size_t)n >= PST_TRANSLATE_MAX)
		return -E2BIG;
	if (pst_vec_reserve(&w->text, w->text.n + (size_t)n + 1))
		return -ENOMEM;
	memcpy(w->text.v + w->text.n, piece, (size_t)n + 1);
	w->text.n += (size_t)n;
	return 0;
}

static bool is_plain(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int put_byte(struct writer *w, uint32_t c)
{
	return is_plain(c) ? put(w, "%c", (int)c) : put(w, "\\x%02x", c);
}

/* The ASCII part of a class; nothing matches an empty one. */
static int put_class(struct writer *w, const struct pst_re_node *node)
{
	size_t n = 0, shown = 0;
	const struct pst_rune_range *ranges = pst_classes_ranges(w->classes, node->class_id, &n);
	int r = 0;

	while (shown < n && ranges[shown].lo < ASCII)
		shown++;
	if (!shown)
		return put(w, "(?!)");
	if (shown == 1 && ranges[0].lo == ranges[0].hi)
		return put_byte(w, ranges[0].lo);
	r = put(w, "[");
	for (size_t i = 0; !r && i < shown; i++)
		r = put(w, "\\x%02x-\\x%02x", ranges[i].lo,
			ranges[i].hi < ASCII ? ranges[i].hi : ASCII - 1);
	return r ? r : put(w, "]");
}

#define WORD "[0-9A-Za-z_]"

static int put_assertion(struct writer *w, const struct pst_re_node *node)
{
	static const char *const texts[PST_RE_ASSERT_MAX] = {
		[PST_RE_BEGIN_TEXT] = "(?:\\A)",
		[PST_RE_END_TEXT] = "(?:\\z)",
		[PST_RE_BEGIN_LINE] = "(?:\\A|(?<=\\x0a))",
		[PST_RE_END_LINE] = "(?:\\z|(?=\\x0a))",
		[PST_RE_WORD] = "(?:(?<=" WORD ")(?!" WORD ")",
		[PST_RE_NOT_WORD] = "(?:(?<=" WORD ")(?=" WORD ")",
	};
	int r;

	if (node->assertion >= PST_RE_ASSERT_MAX)
		return -EINVAL;
	r = put(w, "%s", texts[node->assertion]);
	if (!r && node->assertion == PST_RE_WORD)
		r = put(w, "|(?<!" WORD ")(?=" WORD "))");
	if (!r && node->assertion == PST_RE_NOT_WORD)
		r = put(w, "|(?<!" WORD ")(?!" WORD "))");
	return r;
}

static int put_node(struct writer *w, uint32_t index);

static int put_grouped(struct writer *w, uint32_t index)
{
	int r = put(w, "(?:");

	if (!r)
		r = put_node(w, index);
	return r ? r : put(w, ")");
}

static bool is_atom(const struct pst_re_node *node)
{
	return node->op == PST_RE_CLASS || node->op == PST_RE_ANY_BYTE;
}

static int put_repeat(struct writer *w, const struct pst_re_node *node)
{
	int r = is_atom(&w->tree->nodes.v[node->child]) ? put_node(w, node->child)
							: put_grouped(w, node->child);

	if (r)
		return r;
	if (node->max == PST_RE_UNLIMITED)
		return put(w, "{%u,}", node->min);
	return put(w, "{%u,%u}", node->min, node->max);
}

/* The children of a CONCAT stand in the tree from the last to the first. */
static int put_concat(struct writer *w, const struct pst_re_node *node)
{
	struct PST_VEC(uint32_t) parts = {0};
	int r = 0;

	for (uint32_t i = node->child; !r && i != PST_RE_NONE; i = w->tree->nodes.v[i].next)
		r = pst_vec_push(&parts, i);
	for (size_t i = parts.n; !r && i-- > 0;) {
		bool grouped = w->tree->nodes.v[parts.v[i]].op == PST_RE_ALTERNATE;

		r = grouped ? put_grouped(w, parts.v[i]) : put_node(w, parts.v[i]);
	}
	pst_vec_free(&parts);
	return r;
}

static int put_alternate(struct writer *w, const struct pst_re_node *node)
{
	int r = 0;

	for (uint32_t i = node->child; !r && i != PST_RE_NONE; i = w->tree->nodes.v[i].next) {
		if (i != node->child)
			r = put(w, "|");
		if (!r)
			r = put_node(w, i);
	}
	return r;
}

static int put_node(struct writer *w, uint32_t index)
{
	const struct pst_re_node *node = &w->tree->nodes.v[index];

	switch (node->op) {
	case PST_RE_EMPTY:
		return put(w, "(?:)");
	case PST_RE_CLASS:
		return put_class(w, node);
	case PST_RE_ANY_BYTE:
		return put(w, "[\\x00-\\x7f]");
	case PST_RE_ASSERT:
		return put_assertion(w, node);
	case PST_RE_CONCAT:
		return put_concat(w, node);
	case PST_RE_ALTERNATE:
		return put_alternate(w, node);
	case PST_RE_REPEAT:
		return put_repeat(w, node);
	default:
		return -EINVAL;
	}
}

int pst_translate(const struct pst_pattern *pattern, struct pst_diags *diags, char **ret_text)
{
	struct pst_classes classes = {0};
	struct pst_re_tree tree = {0};
	struct writer w = {.tree = &tree, .classes = &classes};
	int r = pst_re_parse(pattern, &classes, diags, &tree);

	if (!r)
		r = put(&w, "\\A");
	if (!r)
		r = put_grouped(&w, tree.root);
	if (!r)
		r = put(&w, "\\z");
	if (!r)
		*ret_text = w.text.v;
	else
		pst_vec_free(&w.text);
	pst_re_tree_fini(&tree);
	pst_classes_fini(&classes);
	return r;
}
