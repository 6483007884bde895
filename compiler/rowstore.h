/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The entries of many rows in a short form: for each row its peers, for each peer the number of
 * what is said to it, which many have in common.
 *
 * An entry has 28 bytes, a peer of a row 8, whatever is said to it.
 */

#include "base/vec.h"
#include "compiler/buckets.h"
#include "compiler/portmap.h"
#include "compiler/row.h"

#include <stddef.h>
#include <stdint.h>

struct pst_rowstore_peer {
	uint32_t id;
	uint32_t speech;
};

/* What is said to a peer: some of the tails. */
struct pst_rowstore_speech {
	uint32_t first, n;
};

/* Zeroed: empty. */
struct pst_rowstore {
	struct PST_VEC(struct pst_rowstore_peer) peers; /* row by row */
	struct PST_VEC(struct pst_rowstore_speech) speeches;
	struct pst_port_tails tails; /* speech by speech */
	struct pst_buckets by_tails; /* of the speeches */
};

/* Appends the N entries of one row, sorted as in a bundle, as some of the peers. 0 or -ENOMEM. */
int pst_rowstore_add(struct pst_rowstore *s, const struct pst_bundle_entry *v, size_t n);

/*
 * The number of the speech of the N tails that have been written behind those that are there, in
 * room that was reserved; they stay if nobody has said that before. 0 or -ENOMEM.
 */
int pst_rowstore_find(struct pst_rowstore *s, size_t n, uint32_t *ret_speech);

/*
 * Writes the entries of the N peers of one row from FIRST on, as those of LIKE's subject and
 * direction, to TO, where there is room. The end of what was written.
 */
struct pst_bundle_entry *pst_rowstore_write(const struct pst_rowstore *s, size_t first, size_t n,
					    const struct pst_policy_key *like,
					    struct pst_bundle_entry *to);

/* Nothing more will be added: gives back what only that needs. */
void pst_rowstore_seal(struct pst_rowstore *s);

void pst_rowstore_fini(struct pst_rowstore *s);
