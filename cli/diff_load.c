// SPDX-License-Identifier: Apache-2.0
#include "cli/diff_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/verbs.h"

static int keep_text(void *ctx, const char *name, const char *text, size_t len)
{
	struct cli_diff_side *side = ctx;
	struct cli_diff_text t = {
		.name = pst_arena_strndup(side->arena, name, strlen(name)),
		.text = pst_arena_strndup(side->arena, text, len),
		.len = len,
	};

	return t.name && t.text ? pst_vec_push(&side->texts, t) : -ENOMEM;
}

int cli_diff_load(struct cli_diff_side *side, const struct pst_input_paths *paths)
{
	struct pst_input_paths with = *paths;

	with.see_file = keep_text;
	with.ctx = side;
	side->arena = pst_arena_new();
	if (!side->arena) {
		pst_log_err(-ENOMEM, "cannot go on");
		return PST_EXIT_FAILED;
	}
	return pst_input_load(&side->in, &with);
}

void cli_diff_side_fini(struct cli_diff_side *side)
{
	pst_input_fini(&side->in);
	pst_vec_free(&side->texts);
	pst_arena_free(&side->arena);
	free(side->changed);
}

/* A policy with the document that it stands in. */
struct page {
	const struct pst_policy *policy;
	size_t index;
	const char *text; /* NULL: not found, which is like nothing else */
	size_t len;
};

static bool is_marker(const char *line, size_t left)
{
	return left >= 3 && (!memcmp(line, "---", 3) || !memcmp(line, "...", 3));
}

static const char *next_line(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline ? newline + 1 : end;
}

/* Where reading of a text stands: policies of a file come in the order of their lines. */
struct cursor {
	const struct cli_diff_text *text;
	const char *at, *document;
	uint32_t line; /* of AT */
};

/* From the marker before line LINE, or the start of the file, to the marker behind it. */
static void find_document(struct cursor *c, uint32_t line, struct page *page)
{
	const char *end = c->text->text + c->text->len;
	const char *behind;

	while (c->line <= line && c->at < end) {
		if (is_marker(c->at, (size_t)(end - c->at)))
			c->document = c->at;
		c->at = next_line(c->at, end);
		c->line++;
	}
	behind = c->at;
	while (behind < end && !is_marker(behind, (size_t)(end - behind)))
		behind = next_line(behind, end);
	page->text = c->document;
	page->len = (size_t)(behind - c->document);
}

static const struct cli_diff_text *find_text(const struct cli_diff_side *side, const char *name)
{
	for (size_t i = 0; name && i < side->texts.n; i++) {
		if (!strcmp(side->texts.v[i].name, name))
			return &side->texts.v[i];
	}
	return NULL;
}

static struct page *make_pages(const struct cli_diff_side *side)
{
	const struct pst_policy_set *set = side->in.policies;
	struct page *pages = pst_mem_calloc(set->n_policies, sizeof(*pages));
	struct cursor c = {0};

	for (size_t i = 0; pages && i < set->n_policies; i++) {
		const struct pst_policy *p = &set->policies[i];

		pages[i] = (struct page){.policy = p, .index = i};
		if (!c.text || strcmp(c.text->name, p->pos.file ? p->pos.file : "") ||
		    p->pos.line < c.line) {
			c = (struct cursor){.text = find_text(side, p->pos.file), .line = 1};
			if (c.text)
				c.at = c.document = c.text->text;
		}
		if (c.text)
			find_document(&c, p->pos.line, &pages[i]);
	}
	return pages;
}

static int cmp_page(const void *va, const void *vb)
{
	const struct page *a = va, *b = vb;
	int r = strcmp(a->policy->name, b->policy->name);

	if (!r)
		r = strcmp(a->policy->ns, b->policy->ns);
	if (!r)
		r = (a->policy->clusterwide > b->policy->clusterwide) -
		    (a->policy->clusterwide < b->policy->clusterwide);
	if (!r)
		r = (a->len > b->len) - (a->len < b->len);
	return r || !a->text || !b->text ? r : memcmp(a->text, b->text, a->len);
}

static bool is_same(const struct page *a, const struct page *b)
{
	return a->text && b->text && !cmp_page(a, b);
}

static void match(struct cli_diff_side *old, struct page *a, struct cli_diff_side *new,
		  struct page *b)
{
	const size_t n = old->in.policies->n_policies, m = new->in.policies->n_policies;
	size_t i = 0, k = 0;

	for (size_t at = 0; at < n; at++)
		old->changed[at] = true;
	for (size_t at = 0; at < m; at++)
		new->changed[at] = true;
	if (n)
		qsort(a, n, sizeof(*a), cmp_page);
	if (m)
		qsort(b, m, sizeof(*b), cmp_page);
	while (i < n && k < m) {
		int r = cmp_page(&a[i], &b[k]);

		if (is_same(&a[i], &b[k])) {
			old->changed[a[i].index] = false;
			new->changed[b[k].index] = false;
		}
		i += r <= 0;
		k += r >= 0;
	}
}

int cli_diff_match(struct cli_diff_side *old, struct cli_diff_side *new)
{
	struct page *a = make_pages(old), *b = make_pages(new);
	int r = -ENOMEM;

	old->changed = pst_mem_calloc(old->in.policies->n_policies, sizeof(*old->changed));
	new->changed = pst_mem_calloc(new->in.policies->n_policies, sizeof(*new->changed));
	if (a && b && old->changed && new->changed) {
		match(old, a, new, b);
		r = 0;
	}
	free(a);
	free(b);
	return r;
}
