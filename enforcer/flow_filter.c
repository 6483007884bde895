// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/vec.h"
#include "enforcer/flow_test.h"

/* Which end a filter looks at. */
enum side {
	SIDE_NONE, /* the flow itself */
	SIDE_FROM,
	SIDE_TO,
	SIDE_EITHER,
};

/* One filter: a kind, a side, and its values. */
struct row {
	const struct pst_flow_test_kind *kind;
	enum side side;
	bool negated;
	struct PST_VEC(struct pst_flow_test) values;
};

struct pst_flow_filter {
	struct PST_VEC(struct row) rows;
	struct pst_flow_test_context context;
};

int pst_flow_filter_new(struct pst_flow_filter **ret_filter)
{
	struct pst_flow_filter *f = pst_mem_calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->context.default_ns = "default";
	*ret_filter = f;
	return 0;
}

void pst_flow_filter_free(struct pst_flow_filter **f)
{
	if (!*f)
		return;
	for (size_t i = 0; i < (*f)->rows.n; i++) {
		struct row *row = &(*f)->rows.v[i];

		for (size_t k = 0; k < row->values.n; k++)
			pst_flow_test_fini(&row->values.v[k]);
		pst_vec_free(&row->values);
	}
	pst_vec_free(&(*f)->rows);
	free((*f)->context.owned_ns);
	free(*f);
	*f = NULL;
}

void pst_flow_filter_any_namespace(struct pst_flow_filter *f)
{
	f->context.default_ns = NULL;
}

/* "from-pod" is pod of the source. */
static const struct pst_flow_test_kind *find_kind(const char *name, enum side *ret_side)
{
	enum side side = SIDE_EITHER;

	if (!strncmp(name, "from-", 5)) {
		side = SIDE_FROM;
		name += 5;
	} else if (!strncmp(name, "to-", 3)) {
		side = SIDE_TO;
		name += 3;
	}
	for (const struct pst_flow_test_kind *k = pst_flow_test_kinds; k->name; k++) {
		if (strcmp(k->name, name) != 0 || (side != SIDE_EITHER && !k->of_end))
			continue;
		*ret_side = k->of_end ? side : SIDE_NONE;
		return k;
	}
	return NULL;
}

static struct row *find_row(struct pst_flow_filter *f, const struct row *like)
{
	for (size_t i = 0; i < f->rows.n; i++) {
		struct row *r = &f->rows.v[i];

		if (r->kind == like->kind && r->side == like->side && r->negated == like->negated)
			return r;
	}
	return pst_vec_push(&f->rows, *like) ? NULL : &f->rows.v[f->rows.n - 1];
}

/* The one namespace that is asked for is also that of pods without one. */
static int note_namespace(struct pst_flow_filter *f, const char *value)
{
	if (!f->context.default_ns)
		return 0;
	free(f->context.owned_ns);
	f->context.owned_ns = pst_mem_strndup(value, strlen(value));
	if (!f->context.owned_ns)
		return -ENOMEM;
	f->context.default_ns = f->context.owned_ns;
	return 0;
}

int pst_flow_filter_add(struct pst_flow_filter *f, const char *name, const char *value,
			bool negated, char *why, size_t size)
{
	struct row like = {.negated = negated};
	struct pst_flow_test test;
	struct row *row;
	int r;

	like.kind = find_kind(name, &like.side);
	if (!like.kind)
		return -ENOENT;
	r = pst_flow_test_init(&test, like.kind, value, why, size);
	if (r)
		return r;
	row = find_row(f, &like);
	r = row ? pst_vec_push(&row->values, test) : -ENOMEM;
	if (r) {
		pst_flow_test_fini(&test);
		return r;
	}
	return !strcmp(like.kind->name, "namespace") && !negated ? note_namespace(f, value) : 0;
}

/* The next word of *TEXT, in BUF; false: there is none, or it is too long. */
static bool next_word(const char **text, char *buf, size_t size)
{
	size_t len;

	*text += strspn(*text, " \t");
	len = strcspn(*text, " \t");
	if (!len || len >= size)
		return false;
	memcpy(buf, *text, len);
	buf[len] = '\0';
	*text += len;
	return true;
}

/* One option at *TEXT, which is WORD. */
static int parse_option(struct pst_flow_filter *f, char *word, const char **text, bool negated,
			char *why, size_t size)
{
	char *name = word + (strncmp(word, "--", 2) == 0 ? 2 : 0), *value = strchr(name, '=');
	char next[512];
	int r;

	if (!strcmp(name, "all-namespaces") && !negated) {
		pst_flow_filter_any_namespace(f);
		return 0;
	}
	if (value)
		*value++ = '\0';
	else if (next_word(text, next, sizeof(next)))
		value = next;
	if (!value) {
		snprintf(why, size, "%s has no value", name);
		return -EINVAL;
	}
	r = pst_flow_filter_add(f, name, value, negated, why, size);
	if (r == -ENOENT) {
		snprintf(why, size, "%s is no filter of postern observe", name);
		r = -EINVAL;
	}
	return r;
}

int pst_flow_filter_parse(const char *text, struct pst_flow_filter **ret_filter, char *why,
			  size_t size)
{
	struct pst_flow_filter *f = NULL;
	int r = pst_flow_filter_new(&f);
	bool negated = false;
	char word[512];

	while (!r && next_word(&text, word, sizeof(word))) {
		if (!strcmp(word, "not") || !strcmp(word, "--not")) {
			negated = true;
			continue;
		}
		r = parse_option(f, word, &text, negated, why, size);
		negated = false;
	}
	if (!r && (*text || negated || !f->rows.n)) {
		snprintf(why, size, "%s", *text ? "a word of it is too long" : "expected a filter");
		r = -EINVAL;
	}
	if (r)
		pst_flow_filter_free(&f);
	else
		*ret_filter = f;
	return r;
}

/* One of the row's values, for END (NULL: for the flow). */
static bool row_matches(const struct pst_flow_filter *f, const struct row *row,
			const struct pst_flow *flow, const struct pst_flow_end *end)
{
	for (size_t i = 0; i < row->values.n; i++)
		if (pst_flow_test_matches(&row->values.v[i], &f->context, flow, end))
			return true;
	return false;
}

/* A row of the flow itself, or of one end. */
static bool meets(const struct pst_flow_filter *f, const struct row *row,
		  const struct pst_flow *flow)
{
	if (row->side == SIDE_NONE)
		return row_matches(f, row, flow, NULL);
	return row_matches(f, row, flow,
			   row->side == SIDE_FROM ? &flow->source : &flow->destination);
}

/* All rows, negated or not; those that look at either end are met by the same one. */
static bool all_match(const struct pst_flow_filter *f, const struct pst_flow *flow, bool negated,
		      size_t *ret_rows)
{
	bool source = true, destination = true;

	*ret_rows = 0;
	for (size_t i = 0; i < f->rows.n && (source || destination); i++) {
		const struct row *row = &f->rows.v[i];

		if (row->negated != negated)
			continue;
		++*ret_rows;
		if (row->side == SIDE_EITHER) {
			source = source && row_matches(f, row, flow, &flow->source);
			destination = destination && row_matches(f, row, flow, &flow->destination);
		} else if (!meets(f, row, flow)) {
			return false;
		}
	}
	return source || destination;
}

bool pst_flow_filter_matches(const struct pst_flow_filter *f, const struct pst_flow *flow)
{
	size_t wanted, unwanted;

	return all_match(f, flow, false, &wanted) &&
	       (!all_match(f, flow, true, &unwanted) || !unwanted);
}
