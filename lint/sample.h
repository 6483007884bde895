/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What can be told of a pattern's language from its tokens alone, in no time: one text of it, and
 * what all its texts have in common. Most patterns need nothing more; an automaton is built for the
 * others.
 */

#include "lint/pattern_scan.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A text that the branch matches, into BUF. False when none is found in this way, or it is longer
 * than SIZE - 1: there may be one all the same.
 */
bool pst_sample_branch(const struct pst_scan *scan, const struct pst_branch *branch, char *buf,
		       size_t size);

/* How many bytes at the start of the branch stand for themselves, once. */
size_t pst_sample_prefix(const struct pst_scan *scan, const struct pst_branch *branch);

/* The same at its end. */
size_t pst_sample_suffix(const struct pst_scan *scan, const struct pst_branch *branch);

/*
 * Is there a byte that all texts of the branch must hold, besides a slash at the start? Then a
 * pattern of such branches cannot match everything.
 */
bool pst_sample_is_bound(const struct pst_scan *scan, const struct pst_branch *branch);
