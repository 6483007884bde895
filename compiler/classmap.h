/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Class maps of the tables, shared between automata.
 *
 * There is room for 256 maps, and a thousand rule sets may well tell bytes apart in a thousand
 * ways. So an automaton can also be read with a finer map than its own: one that tells apart
 * whatever it tells apart, and more. That costs cells where it has classes of many bytes, and
 * nothing inside of literals. The first half of the maps goes to whoever comes; behind it automata
 * share.
 *
 * The usual map tells every printable character of ASCII apart, and of the rest only what begins
 * and what continues a sequence of UTF-8. It is finer than that of any pattern that names no other
 * characters and no characters of control.
 */

#include "compiler/automaton.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The map of A's own classes: PST_COLUMN_CLASS + class for each byte. */
void pst_classmap_own(const struct pst_automaton *a, uint8_t map[256]);

void pst_classmap_usual(uint8_t map[256]);

/* Can A be read with MAP? */
bool pst_classmap_is_finer(const uint8_t map[256], const struct pst_automaton *a);

/* A over the classes of MAP, which is finer. 0 or -ENOMEM. */
int pst_classmap_widen(const struct pst_automaton *a, const uint8_t map[256],
		       struct pst_automaton **ret_automaton);
