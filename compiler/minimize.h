/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The smallest automaton that gives the same tags.
 *
 * Hopcroft's partition refinement. States begin in one block per tag set. A block that was split
 * off is a splitter: for each class, the states that lead into it part their blocks in two. Of
 * two halves the smaller gets the new number and waits as a splitter; the other half needs no
 * look of its own (if the whole block still waits, what is left of it does). So every state is in
 * a splitter at most log2(n) times and the time is O(k n log n) for n states and k classes; there
 * are no worst cases beyond that, such as long chains are for round-based methods.
 *
 * A splitter is copied before it is used, as its block may be split by itself meanwhile; being
 * stable under the old block and one half of it means being stable under both halves.
 *
 * Steps to the dead state are not looked at: they are what is left when all others are known.
 * States from which nothing matches begin in its block, which is never a splitter. So the time
 * counts the steps that lead somewhere, of which a state inside of a literal has one.
 *
 * The result is renumbered: state 0 is dead, the others follow breadth-first from the start in
 * the order of classes, so that equal languages over equal classes give equal tables. Classes
 * that no state tells apart any more are joined.
 */

#include "compiler/automaton.h"

/*
 * Minimizes IN, which stays as it is; its state 0 must be dead. Unreachable states are dropped.
 * 0; -E2BIG when that takes more than MAX_BYTES of memory; -ENOMEM.
 */
int pst_minimize(const struct pst_automaton *in, size_t max_bytes,
		 struct pst_automaton **ret_automaton);
