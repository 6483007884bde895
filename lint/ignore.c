// SPDX-License-Identifier: Apache-2.0
#include "lint/ignore.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/vec.h"
#include "lint/comment.h"
#include "lint/config.h"
#include "policy/nearest.h"
#include "policy/yaml.h"

#define WORD   "postern-ignore"
#define PREFIX "ignore.postern.io/"
#define FORM   "expected \"# " WORD ": RULE[, RULE]: reason\""

/* Ranges of lines in one file nest or are apart: all of them follow indentation. */
struct ignore {
	const struct pst_lint_rule *rule;
	struct pst_pos pos; /* of the ignore itself */
	uint32_t from_line, to_line;
	size_t outer; /* index + 1 of the next wider one of the same rule; 0: none */
	bool used;
};

struct pst_ignores {
	struct pst_arena *arena;
	struct pst_diags *diags;
	const char *file; /* being scanned */
	struct PST_VEC(struct ignore) all;
};

struct pst_ignores *pst_ignores_new(struct pst_arena *arena, struct pst_diags *diags)
{
	struct pst_ignores *i = pst_mem_calloc(1, sizeof(*i));

	if (i) {
		i->arena = arena;
		i->diags = diags;
	}
	return i;
}

void pst_ignores_free(struct pst_ignores **i)
{
	if (!*i)
		return;
	pst_vec_free(&(*i)->all);
	free(*i);
	*i = NULL;
}

bool pst_ignores_may(const struct pst_lint_rule *rule)
{
	return rule->group != PST_LINT_COMMENTS;
}

void pst_ignores_unknown_rule(struct pst_diags *diags, const struct pst_pos *pos, const char *id)
{
	char hint[PST_NEAREST_HINT_SIZE];
	struct pst_nearest near;

	pst_nearest_init(&near, id);
	for (size_t i = 0; i < pst_lint_rule_count(); i++)
		pst_nearest_offer(&near, pst_lint_rule_at(i)->id);
	pst_diags_error(diags, "ignore-unknown-rule", pos, "there is no rule \"%.64s\"%s", id,
			pst_nearest_hint(&near, hint));
}

static int add(struct pst_ignores *i, const char *id, const struct ignore *scope)
{
	struct ignore ig = *scope;

	ig.rule = pst_lint_rule_find(id);
	if (!ig.rule) {
		pst_ignores_unknown_rule(i->diags, &ig.pos, id);
		return 0;
	}
	if (!pst_ignores_may(ig.rule)) {
		pst_diags_error(i->diags, "ignore-syntax", &ig.pos,
				"findings of the rule \"%s\" cannot be ignored", id);
		return 0;
	}
	return pst_vec_push(&i->all, ig);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t id_len(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (islower((unsigned char)s[n]) || isdigit((unsigned char)s[n]) ||
			   s[n] == '-' || isupper((unsigned char)s[n]) || s[n] == '_'))
		n++;
	return n;
}

static size_t blanks(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && is_blank(s[n]))
		n++;
	return n;
}

/* The list of ids at S of LEN bytes; stores where it ends. False when it is none. */
static bool measure_ids(const char *s, size_t len, size_t *ret_end)
{
	size_t at = 0, n;

	for (;;) {
		at += blanks(s + at, len - at);
		n = id_len(s + at, len - at);
		if (!n)
			return false;
		at += n;
		at += blanks(s + at, len - at);
		if (at == len || s[at] != ',')
			break;
		at++;
	}
	*ret_end = at;
	return at == len || s[at] == ':';
}

static int add_ids(struct pst_ignores *i, const char *s, size_t len, const struct ignore *scope)
{
	int r = 0;

	for (size_t at = 0; !r && at < len;) {
		size_t n = id_len(s + at, len - at);
		const char *id;

		if (!n) {
			at++; /* a comma or a blank */
			continue;
		}
		id = pst_arena_strndup(i->arena, s + at, n);
		r = id ? add(i, id, scope) : -ENOMEM;
		at += n;
	}
	return r;
}

static int take_comment(void *ctx, const struct pst_comment *c)
{
	struct pst_ignores *i = ctx;
	const struct ignore scope = {
		.pos = {.file = i->file,
			.line = c->line,
			.col = c->col,
			.end_line = c->line,
			.end_col = c->end_col},
		.from_line = c->from_line,
		.to_line = c->to_line,
	};
	const char *s = c->text + strlen(WORD);
	size_t len = c->len - strlen(WORD), at = blanks(s, len), ids;

	if (at == len || s[at] != ':' || !measure_ids(s + at + 1, len - at - 1, &ids)) {
		pst_diags_error(i->diags, "ignore-syntax", &scope.pos, FORM);
		return 0;
	}
	s += at + 1;
	len -= at + 1;
	at = ids + (ids < len);
	if (at + blanks(s + at, len - at) == len) {
		pst_diags_error(i->diags, "ignore-no-reason", &scope.pos,
				"an ignore needs a reason and does not count without: " FORM);
		return 0;
	}
	return add_ids(i, s, ids, &scope);
}

static bool has_reason(const struct pst_yaml_node *value)
{
	return value->kind == PST_YAML_STRING && blanks(value->s, value->len) < value->len;
}

/* A mapping in block style ends where the next thing begins, at the start of a later line. */
static uint32_t last_line(const struct pst_pos *pos)
{
	return pos->end_col == 1 && pos->end_line > pos->line ? pos->end_line - 1 : pos->end_line;
}

static int take_annotation(struct pst_ignores *i, const struct pst_yaml_node *value,
			   const struct pst_yaml_node *object)
{
	struct ignore scope = {
		.pos = value->key->pos,
		.from_line = object->pos.line,
		.to_line = last_line(&object->pos),
	};
	const char *id;

	scope.pos.file = i->file;
	if (value->key->kind != PST_YAML_STRING || strncmp(value->key->s, PREFIX, strlen(PREFIX)))
		return 0;
	if (!has_reason(value)) {
		pst_diags_error(i->diags, "ignore-no-reason", &scope.pos,
				"an ignore needs a reason and does not count without: expected "
				"\"" PREFIX "RULE: reason\"");
		return 0;
	}
	id = pst_arena_strndup(i->arena, value->key->s + strlen(PREFIX),
			       strlen(value->key->s + strlen(PREFIX)));
	return id ? add(i, id, &scope) : -ENOMEM;
}

static int scan_object(struct pst_ignores *i, const struct pst_yaml_node *object)
{
	const struct pst_yaml_node *list =
		pst_yaml_get(pst_yaml_get(object, "metadata"), "annotations");
	int r = 0;

	if (list && list->kind == PST_YAML_MAPPING) {
		for (const struct pst_yaml_node *c = list->first; !r && c; c = c->next)
			r = take_annotation(i, c, object);
	}
	list = pst_yaml_get(object, "items");
	if (list && list->kind == PST_YAML_LIST) {
		for (const struct pst_yaml_node *c = list->first; !r && c; c = c->next)
			r = scan_object(i, c);
	}
	return r;
}

/* Read a second time, and only if there is something to find: the loader tells its mistakes. */
static int scan_annotations(struct pst_ignores *i, const char *text, size_t len)
{
	const struct pst_yaml_input in = {.name = i->file, .text = text, .len = len};
	const struct pst_yaml_node *docs = NULL;
	struct pst_arena *arena = pst_arena_new();
	struct pst_diags *unheard = pst_diags_new();
	int r = arena && unheard ? pst_yaml_parse(arena, &in, unheard, &docs) : -ENOMEM;

	if (r != -ENOMEM)
		r = 0;
	for (; !r && docs; docs = docs->next)
		r = scan_object(i, docs);
	pst_arena_free(&arena);
	pst_diags_free(&unheard);
	return r;
}

int pst_ignores_scan(struct pst_ignores *i, const char *file, const char *text, size_t len)
{
	int r = 0;

	i->file = file;
	if (memmem(text, len, WORD, strlen(WORD)))
		r = pst_comments_each(text, len, WORD, take_comment, i);
	if (!r && memmem(text, len, PREFIX, strlen(PREFIX)))
		r = scan_annotations(i, text, len);
	return r;
}

/* By file and rule, then as ranges nest: the wider one first. */
static int compare(const void *va, const void *vb)
{
	const struct ignore *a = va, *b = vb;
	int r = strcmp(a->pos.file, b->pos.file);

	if (!r)
		r = strcmp(a->rule->id, b->rule->id);
	if (!r && a->from_line != b->from_line)
		r = a->from_line < b->from_line ? -1 : 1;
	if (!r && a->to_line != b->to_line)
		r = a->to_line > b->to_line ? -1 : 1;
	if (!r)
		r = (a->pos.line > b->pos.line) - (a->pos.line < b->pos.line);
	return r ? r : (a->pos.col > b->pos.col) - (a->pos.col < b->pos.col);
}

/* A file that is given twice is scanned twice. */
static void drop_doubles(struct pst_ignores *i)
{
	size_t n = 0;

	for (size_t k = 0; k < i->all.n; k++) {
		if (!n || compare(&i->all.v[n - 1], &i->all.v[k]))
			i->all.v[n++] = i->all.v[k];
	}
	i->all.n = n;
}

static bool same_list(const struct ignore *a, const struct ignore *b)
{
	return a->rule == b->rule && !strcmp(a->pos.file, b->pos.file);
}

/* Those around ALL[K] are among the ones around the one before it. */
static size_t find_outer(const struct ignore *all, size_t k)
{
	size_t candidate = k;

	while (candidate && same_list(&all[candidate - 1], &all[k]) &&
	       all[candidate - 1].to_line < all[k].from_line)
		candidate = all[candidate - 1].outer;
	return candidate && same_list(&all[candidate - 1], &all[k]) ? candidate : 0;
}

void pst_ignores_settle(struct pst_ignores *i)
{
	if (i->all.n)
		qsort(i->all.v, i->all.n, sizeof(*i->all.v), compare);
	drop_doubles(i);
	for (size_t k = 0; k < i->all.n; k++)
		i->all.v[k].outer = find_outer(i->all.v, k);
}

/* Index + 1 of the last one of F's file and rule that begins at or before F's line; 0: none. */
static size_t last_before(const struct pst_ignores *i, const struct pst_finding *f)
{
	size_t low = 0, high = i->all.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct ignore *ig = &i->all.v[mid];
		int r = strcmp(ig->pos.file, f->pos.file);

		if (!r)
			r = strcmp(ig->rule->id, f->rule->id);
		if (r < 0 || (!r && ig->from_line <= f->pos.line))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool take_inline(struct pst_ignores *i, const struct pst_finding *f)
{
	size_t at = f->pos.file && f->pos.line ? last_before(i, f) : 0;

	while (at) {
		struct ignore *ig = &i->all.v[at - 1];

		if (ig->rule != f->rule || strcmp(ig->pos.file, f->pos.file))
			return false;
		if (f->pos.line <= ig->to_line) {
			ig->used = true;
			return true;
		}
		at = ig->outer;
	}
	return false;
}

bool pst_ignores_take(struct pst_ignores *i, struct pst_lint_config *config,
		      const struct pst_finding *f)
{
	if (!pst_ignores_may(f->rule))
		return false;
	return take_inline(i, f) || (config && pst_lint_config_ignores(config, f));
}

static void report(const struct pst_ignores *i, const struct pst_pos *pos,
		   const struct pst_lint_rule *rule)
{
	pst_diags_add(i->diags, PST_SEVERITY_WARNING, "ignore-unused", pos,
		      "there is nothing to ignore: no finding of the rule \"%s\" here", rule->id);
}

void pst_ignores_report_unused(const struct pst_ignores *i, const struct pst_lint_config *config,
			       bool (*is_on)(const void *ctx, const struct pst_lint_rule *rule),
			       const void *ctx)
{
	for (size_t k = 0; k < i->all.n; k++) {
		if (!i->all.v[k].used && is_on(ctx, i->all.v[k].rule))
			report(i, &i->all.v[k].pos, i->all.v[k].rule);
	}
	for (size_t k = 0; config && k < config->n_ignores; k++) {
		if (!config->ignores[k].used && is_on(ctx, config->ignores[k].rule))
			report(i, &config->ignores[k].pos, config->ignores[k].rule);
	}
}
