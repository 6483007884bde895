/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From prefixes to the identities that lie in them.
 *
 * Identities are slots, small numbers that the caller gives. Asked for a prefix, the index offers
 * the slots that were filed under one inside of it. Nothing is taken out: the caller checks each,
 * so that a slot may become free, or get another prefix. Who does so without end makes
 * the index anew from time to time, as the crowd does.
 */

#include "compiler/prefix.h"

#include <stdint.h>

struct pst_prefixindex;

/* NULL: no memory. */
struct pst_prefixindex *pst_prefixindex_new(void);

/* NULL is fine; *INDEX becomes NULL. */
void pst_prefixindex_free(struct pst_prefixindex **index);

/* SLOT has PREFIX, which is copied. 0 or -ENOMEM. */
int pst_prefixindex_add(struct pst_prefixindex *index, uint32_t slot,
			const struct pst_prefix *prefix);

/* How many prefixes are filed. Memory grows with them. */
size_t pst_prefixindex_count(const struct pst_prefixindex *index);

/* Calls TAKE for each slot in OUTER. Costs what it finds, and the logarithm of what there is. */
void pst_prefixindex_ask(struct pst_prefixindex *index, const struct pst_prefix *outer,
			 void (*take)(void *ctx, uint32_t slot), void *ctx);

/*
 * Sorts LIST and takes out what lies in another one of it: each address that was in one of the
 * prefixes is in exactly one. Returns how many there are now.
 */
size_t pst_prefixes_disjoint(struct pst_prefix *list, size_t n);
