/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From prefixes to the identities that lie in them.
 *
 * Identities are slots, small numbers that the caller gives. What is filed lies sorted, so that all
 * that is filed in one prefix is a span of places. Nothing is taken out: the caller checks whether
 * a slot still has the prefix that it was filed under, so that it may become free, or get another
 * one. Who does so without end makes the index anew from time to time, as the crowd does.
 */

#include "compiler/prefix.h"
#include "compiler/spans.h"

#include <stdint.h>

struct pst_prefixindex;

/* NULL: no memory. */
struct pst_prefixindex *pst_prefixindex_new(void);

/* NULL is fine; *INDEX becomes NULL. */
void pst_prefixindex_free(struct pst_prefixindex **index);

/* SLOT has PREFIX, which is copied; its bits behind the length are 0. 0 or -ENOMEM. */
int pst_prefixindex_add(struct pst_prefixindex *index, uint32_t slot,
			const struct pst_prefix *prefix);

/* How many prefixes are filed. Memory grows with them. */
size_t pst_prefixindex_count(const struct pst_prefixindex *index);

/*
 * The places of what is filed in OUTER. They are valid until something is added. Costs the
 * logarithm of what there is; the first one after an addition sorts it.
 */
struct pst_span pst_prefixindex_find(struct pst_prefixindex *index, const struct pst_prefix *outer);

/* The slot at PLACE, and the prefix that it was filed under. */
uint32_t pst_prefixindex_at(const struct pst_prefixindex *index, size_t place,
			    const struct pst_prefix **ret_prefix);
