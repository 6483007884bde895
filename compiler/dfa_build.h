/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Subset construction: nondeterministic to deterministic, under a budget.
 *
 * A state is the set of byte-consuming, accepting and still undecided nodes that the input so far
 * can have led to. Sets lie one after the other in a pool; equal sets are found by an
 * order-independent hash and, as the candidate's members are marked, by one look per member.
 * Nothing is sorted.
 *
 * Classes that a set does not tell apart are stepped once: the set's byte sets (few, even when
 * thousands of patterns are in it) divide the classes into groups, and each group's target is
 * built from the nodes that take part in it.
 *
 * Places. ^, \A, \z, $, \b and \B look at the byte before and the byte behind. What depends on
 * the byte before is decided when a set is built. What depends on the byte behind stays in the
 * set as undecided, together with the kind of the byte before (other, newline, word, edge of the
 * text); a step first decides it for the kind of the byte that it takes, and acceptance decides
 * it for the end of the text. Kinds that no pattern asks about are not told apart, so the usual
 * ^...$ costs nothing.
 *
 * Budget. States, bytes and steps are counted. A step is one node looked at. There may be
 * PST_DFA_STEPS_PER_BYTE of them for each byte of max_bytes, and PST_DFA_MAX_STEPS in all: so
 * time is bounded as well, and 32 bits number rounds and members.
 */

#include "compiler/automaton.h"
#include "compiler/nfa.h"

#include <stdint.h>

enum {
	PST_DFA_STEPS_PER_BYTE = 2,
	PST_DFA_MAX_STEPS = 1 << 30,
};

/* How far a construction came that hit a limit. */
struct pst_dfa_stop {
	const char *limit; /* static: "states", "bytes of memory", "steps" */
	uint64_t max;	   /* its value */
	uint32_t states;   /* built so far */
	uint32_t pattern;  /* the one with most members in those states */
};

/*
 * Builds the automaton of NFA: complete, every state reachable, not minimal; state 0 is dead. 0;
 * -E2BIG with *RET_STOP; -ENOMEM.
 */
int pst_dfa_build(const struct pst_nfa *nfa, const struct pst_automaton_limits *limits,
		  struct pst_dfa_stop *ret_stop, struct pst_automaton **ret_automaton);
