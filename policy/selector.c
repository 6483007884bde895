// SPDX-License-Identifier: Apache-2.0
#include "policy/selector.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int compare_labels(const void *a, const void *b)
{
	const struct pst_label *la = a, *lb = b;
	int r = strcmp(la->source, lb->source);

	if (!r)
		r = strcmp(la->key, lb->key);
	if (!r)
		r = strcmp(la->value, lb->value);
	return r;
}

void pst_labels_sort(struct pst_labels *labels)
{
	size_t kept = 0;

	if (!labels->n)
		return;
	qsort(labels->v, labels->n, sizeof(*labels->v), compare_labels);
	for (size_t i = 1; i < labels->n; i++) {
		if (compare_labels(&labels->v[kept], &labels->v[i]))
			labels->v[++kept] = labels->v[i];
	}
	labels->n = kept + 1;
}

int pst_labels_cmp(const struct pst_labels *a, const struct pst_labels *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		int r = compare_labels(&a->v[i], &b->v[i]);

		if (r)
			return r;
	}
	return (a->n > b->n) - (a->n < b->n);
}

static bool is_named(const struct pst_label *label, const char *source, const char *key)
{
	return !strcmp(label->key, key) &&
	       (!strcmp(source, "any") || !strcmp(label->source, source));
}

const char *pst_labels_get(const struct pst_labels *labels, const char *source, const char *key)
{
	for (size_t i = 0; i < labels->n; i++) {
		if (is_named(&labels->v[i], source, key))
			return labels->v[i].value;
	}
	return NULL;
}

static bool is_listed(const struct pst_requirement *req, const char *value)
{
	for (size_t i = 0; i < req->n_values; i++) {
		if (!strcmp(req->values[i], value))
			return true;
	}
	return false;
}

/* "any" may find the key under several sources: one of them is enough. */
static bool has_key(const struct pst_requirement *req, const struct pst_labels *labels)
{
	return pst_labels_get(labels, req->source, req->key);
}

static bool has_listed_value(const struct pst_requirement *req, const struct pst_labels *labels)
{
	for (size_t i = 0; i < labels->n; i++) {
		if (is_named(&labels->v[i], req->source, req->key) &&
		    is_listed(req, labels->v[i].value))
			return true;
	}
	return false;
}

/* The four operators are two questions and their opposites. */
static const struct {
	bool (*ask)(const struct pst_requirement *req, const struct pst_labels *labels);
	bool wanted;
} operators[] = {
	[PST_LABEL_IN] = {has_listed_value, true},
	[PST_LABEL_NOT_IN] = {has_listed_value, false},
	[PST_LABEL_EXISTS] = {has_key, true},
	[PST_LABEL_DOES_NOT_EXIST] = {has_key, false},
};
static_assert(sizeof(operators) / sizeof(*operators) == PST_LABEL_OP_MAX,
	      "an answer for each operator");

bool pst_selector_matches(const struct pst_selector *sel, const struct pst_labels *labels)
{
	for (size_t i = 0; i < sel->n_reqs; i++) {
		const struct pst_requirement *req = &sel->reqs[i];

		if (operators[req->op].ask(req, labels) != operators[req->op].wanted)
			return false;
	}
	return true;
}

const char *pst_label_key_split(const char *text, size_t *ret_source_len)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]))
		len++;
	if (!len || text[len] != ':') {
		*ret_source_len = 0;
		return text;
	}
	*ret_source_len = len;
	return text + len + 1;
}
