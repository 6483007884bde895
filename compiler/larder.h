/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Automata that were built before, by what they were built from: the bytes and tags of all
 * patterns, in their order, and the limits. One that is taken out is the one that would be built.
 *
 * It is bounded in bytes: what does not fit is not kept, and what nobody has asked for between two
 * sweeps goes. What could not be built is tried again.
 */

#include "base/vec.h"
#include "compiler/automaton.h"
#include "compiler/buckets.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_larder_jar {
	uint64_t hash;
	uint8_t *key;
	size_t key_len;
	struct pst_automaton *a;
	bool is_used; /* since the last sweep */
};

/* Zeroed, with its limit set: empty. */
struct pst_larder {
	size_t max_bytes, bytes;
	size_t n_built; /* that were not there, since the last sweep */
	struct PST_VEC(struct pst_larder_jar) jars;
	struct PST_VEC(uint8_t) key; /* of what is asked for */
	struct pst_buckets by_key;
};

/*
 * As pst_automaton_build(), which is asked for what is not there. L may be NULL: nothing is. The
 * automaton is the caller's own.
 */
int pst_larder_build(struct pst_larder *l, const struct pst_pattern *patterns, size_t n,
		     const struct pst_automaton_limits *limits, struct pst_diags *diags,
		     struct pst_automaton **ret_automaton);

/* Drops what has not been asked for since the last time. */
void pst_larder_sweep(struct pst_larder *l);

/* Empties it; the limit stays. */
void pst_larder_clear(struct pst_larder *l);
