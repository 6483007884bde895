/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Numbers of identities, from their labels alone: whoever comes or goes leaves all others theirs,
 * on every node and after every restart, and a changed pod or prefix changes only its own entries
 * (docs/decisions/0032-numbers-from-labels.md). Where two want the same number, the one that is
 * asked for later gets the next free one: so the order of asking must be the labels' own.
 */

#include "policy/selector.h"

#include <stddef.h>
#include <stdint.h>

struct pst_numbering {
	uint32_t first, size;
	uint32_t n_words;
	uint64_t *taken; /* a bit for each number */
	uint64_t *full;	 /* a bit for each of the words of it in which all are taken */
	uint64_t looked; /* how many words were looked at to find free ones: what it costs */
};

/*
 * Room for N numbers and more from FIRST on: up to 65535 above the multiple of 65536 below FIRST,
 * as Cilium's, or for many identities up to 2^24 - 1. 0 or -ENOMEM; then there is nothing to
 * release.
 */
int pst_numbering_init(struct pst_numbering *numbers, uint32_t first, size_t n);
void pst_numbering_fini(struct pst_numbering *numbers);

/* At most N times. */
uint32_t pst_numbering_take(struct pst_numbering *numbers, const struct pst_labels *labels);
