/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Many patterns as few automata.
 *
 * One automaton of ten thousand patterns is best when it can be built: one step per byte, whatever
 * their number. When it cannot (patterns that begin with ".*" multiply), the patterns are divided
 * into runs of neighbours, each as long as the budget lets it be. A text has the union of the tags
 * of all parts. Put patterns with common beginnings next to each other.
 */

#include "base/vec.h"
#include "compiler/automaton.h"

#include <stddef.h>
#include <stdint.h>

/* patterns[first .. first + n - 1] of what the parts were built from. */
struct pst_parts_run {
	uint32_t first, n;
};

/* Zeroed: no parts, nothing matches. automata.n == runs.n. */
struct pst_parts {
	struct PST_VEC(const struct pst_automaton *) automata; /* owned */
	struct PST_VEC(struct pst_parts_run) runs;
};

struct pst_parts_limits {
	struct pst_automaton_limits automaton; /* each */
	uint32_t max_run;		       /* patterns of one automaton; not 0 */
};

/*
 * Builds the parts of PATTERNS. 0; -EINVAL for a pattern that is not in the dialect; -E2BIG when a
 * single pattern is over the budget, both with DIAGS as pst_automaton_build() writes them; -ENOMEM.
 * After a failure *RET_PARTS is empty.
 */
int pst_parts_build(const struct pst_pattern *patterns, uint32_t n,
		    const struct pst_parts_limits *limits, struct pst_diags *diags,
		    struct pst_parts *ret_parts);

void pst_parts_fini(struct pst_parts *p);
