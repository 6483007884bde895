/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Regular expressions to one deterministic automaton.
 *
 * Dialect: RE2's syntax over UTF-8, full match (as if ^(?:...)$), case-sensitive unless (?i). '.'
 * excludes '\n' unless (?s). What RE2 refuses is refused with the column inside the pattern;
 * docs/regex.md lists what differs. Any bytes may be matched; compiler/nfa.h says what
 * happens to those that are not UTF-8 (what happens in RE2).
 *
 * Several patterns become one automaton: each carries a tag (a set of bits), and a state accepts
 * the union of the tags of all patterns that match the input so far. The automaton is minimal
 * with respect to those unions, over byte classes. State 0 is dead: no tag, every class leads
 * back to it.
 *
 * Construction is bounded: past the limits it stops with a diagnostic that says how far it came,
 * in bounded time and memory whatever the pattern.
 */

#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

struct pst_pattern {
	const char *re; /* not NUL-terminated: LEN counts */
	size_t len;
	struct pst_pos pos; /* place of the first byte of RE */
	uint64_t tag;	    /* not 0 */
};

/*
 * A pattern alone gets max_*, and each further one adds per_pattern of it up to most_*: so ten
 * thousand paths have the room that they need, and none of them can take it all for itself.
 */
struct pst_automaton_limits {
	uint32_t max_states; /* deterministic states during construction */
	uint32_t max_nodes;  /* positions (after expanding counted repetition) */
	size_t max_bytes;    /* memory during construction, whatever the number of patterns */
	uint32_t states_per_pattern, most_states; /* 0: max_states is all there is */
	uint32_t nodes_per_pattern, most_nodes;	  /* likewise */
};

/* 4096 states and 64 per pattern up to 2^18; 32768 nodes and 256 per pattern up to 2^20; 128 MiB.
 */
extern const struct pst_automaton_limits pst_automaton_default_limits;

struct pst_automaton {
	uint32_t n_states;  /* >= 1: the dead state */
	uint32_t n_classes; /* 1 .. 256 */
	uint32_t start;
	uint8_t class_of[256];
	uint32_t *next; /* next[state * n_classes + class] */
	uint64_t *tags; /* per state: 0 = does not accept */
};

/*
 * Builds the automaton of PATTERNS (N may be 0: nothing matches). Returns 0; -EINVAL when a
 * pattern is not in the dialect (diagnostic id "regex-syntax"); -E2BIG when a limit is hit (id
 * "regex-budget", naming pattern, limit and how far it came); -ENOMEM. Several invalid patterns
 * are all reported.
 */
int pst_automaton_build(const struct pst_pattern *patterns, size_t n,
			const struct pst_automaton_limits *limits, struct pst_diags *diags,
			struct pst_automaton **ret_automaton);

/* NULL is fine; *A becomes NULL. */
void pst_automaton_free(struct pst_automaton **a);

/* The tags of all patterns that match all of TEXT. Slow path: for tests and tools. */
uint64_t pst_automaton_match(const struct pst_automaton *a, const char *text, size_t len);
