/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From labels to the identities that have them.
 *
 * Identities are slots, small numbers that the caller gives. Asked for a selector, the index offers
 * candidates: every slot that the selector matches, and others. The caller checks each, so that a
 * slot may be given another label set without being taken out first. Nothing is taken out: who does
 * so without end makes the index anew from time to time, as the crowd does.
 */

#include "policy/selector.h"

#include <stddef.h>
#include <stdint.h>

struct pst_labelindex;

/* NULL: no memory. */
struct pst_labelindex *pst_labelindex_new(void);

/* NULL is fine; *INDEX becomes NULL. */
void pst_labelindex_free(struct pst_labelindex **index);

/* SLOT has LABELS, which are copied. 0 or -ENOMEM. */
int pst_labelindex_add(struct pst_labelindex *index, uint32_t slot,
		       const struct pst_labels *labels);

/* Under how many labels slots are filed, counted by slots: all that it holds grows with this. */
size_t pst_labelindex_count(const struct pst_labelindex *index);

/*
 * Calls TAKE for candidates, some perhaps twice. False when the index is of no help and every slot
 * is a candidate; then TAKE has not been called.
 */
bool pst_labelindex_ask(const struct pst_labelindex *index, const struct pst_selector *sel,
			void (*take)(void *ctx, uint32_t slot), void *ctx);
