/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Labels and label selectors, as Cilium means them.
 *
 * A label has a source, a key and a value: k8s:app=web. A selector is a conjunction of requirements
 * on keys. A requirement whose source is "any" looks at the key under every source. NotIn is true
 * when the key is absent. An empty selector matches every label set. (Cilium:
 * pkg/policy/api/selector.go, pkg/labels.)
 *
 * Strings belong to the arena of whoever built the object.
 */

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>

struct pst_label {
	const char *source; /* "k8s", "reserved", ...; never NULL */
	const char *key;
	const char *value; /* "" when there is none */
};

/* Sorted by source, key, value, without duplicates: see pst_labels_sort(). */
struct pst_labels {
	struct pst_label *v;
	size_t n;
};

enum pst_label_op {
	PST_LABEL_IN,
	PST_LABEL_NOT_IN,
	PST_LABEL_EXISTS,
	PST_LABEL_DOES_NOT_EXIST,
	PST_LABEL_OP_MAX,
};

struct pst_requirement {
	struct pst_pos pos;
	const char *source; /* "any" when the policy names none */
	const char *key;
	enum pst_label_op op;
	const char *const *values; /* for IN and NOT_IN */
	size_t n_values;
};

struct pst_selector {
	struct pst_pos pos;
	const struct pst_requirement *reqs; /* may be shared between selectors */
	size_t n_reqs;
};

/* Sorts and removes duplicates in place. */
void pst_labels_sort(struct pst_labels *labels);

/* Order of label sets for deduplication: <0, 0, >0. Both must be sorted. */
int pst_labels_cmp(const struct pst_labels *a, const struct pst_labels *b);

/* The value of SOURCE:KEY (source "any": any source), or NULL. */
const char *pst_labels_get(const struct pst_labels *labels, const char *source, const char *key);

bool pst_selector_matches(const struct pst_selector *sel, const struct pst_labels *labels);

/*
 * Splits a selector key "source:key" at its first colon when an alphanumeric source stands before
 * it; otherwise the source is "any". Returns the start of the key inside TEXT and stores the
 * source's length (0: none).
 */
const char *pst_label_key_split(const char *text, size_t *ret_source_len);
