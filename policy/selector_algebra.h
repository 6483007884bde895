/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What can be said about two selectors without knowing a single endpoint.
 *
 * The questions are about all label sets that an identity can have. In an identity a key stands at
 * most once, under one source and with one value (Cilium: labels.Labels is a map by key); label
 * sets that break this are left out of account. Keys are independent of each other, so each
 * question falls apart into questions about one key, and the answers are exact.
 *
 * The one exception is size: a comparison of very long selectors is given up after
 * PST_SELECTOR_MAX_STEPS, and then the answer is the one that claims nothing: false. A "true" can
 * always be relied upon.
 */

#include "policy/selector.h"

#include <stdbool.h>

struct pst_arena;

enum { PST_SELECTOR_MAX_STEPS = 1 << 16 }; /* requirements and values looked at, per question */

/* Does every label set that A matches match B as well? */
bool pst_selector_implies(const struct pst_selector *a, const struct pst_selector *b);

/* Is there no label set that both A and B match? */
bool pst_selector_disjoint(const struct pst_selector *a, const struct pst_selector *b);

/* Is there no label set that A matches? */
bool pst_selector_is_impossible(const struct pst_selector *a);

/*
 * A text that is the same for two selectors if and only if they have the same requirements: the
 * order of requirements and values, and repetitions, do not count. NULL when there is no memory.
 */
const char *pst_selector_key(struct pst_arena *arena, const struct pst_selector *sel);
