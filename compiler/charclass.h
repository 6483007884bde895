/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Character classes: sets of Unicode code points as ranges.
 *
 * The front end works on code points, as RE2 does, and only nfa.c turns them into bytes. A class
 * is collected with the add functions in any order and then sealed: sealed ranges are sorted,
 * disjoint, and never touch.
 *
 * Classes are shared by all patterns of one automaton: struct pst_classes numbers each distinct
 * one, so that equal classes are equal numbers later on. Together they may hold
 * PST_CLASSES_MAX_RANGES ranges: a few bytes of a pattern can name hundreds.
 *
 * Surrogates and U+10FFFF are code points like others here, because they are for RE2.
 */

#include "base/vec.h"
#include "compiler/intern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PST_RUNE_MAX = 0x10ffff,
	PST_CLASSES_MAX_RANGES = 1 << 21, /* 16 MiB */
};

struct pst_rune_range {
	uint32_t lo, hi; /* both belong to it */
};

/* A zeroed class is empty. Owned by whoever declares it; pst_vec_free() it. */
struct pst_charclass PST_VEC(struct pst_rune_range);

/* A class with a name in the syntax: \d \s \w, [[:alpha:]], \p{Greek}. */
struct pst_named_class {
	const char *name;
	size_t n;
	const struct pst_rune_range *ranges; /* sealed */
};

/* \d, \s, \w by their letter; NULL for other letters. ASCII, as in RE2. */
const struct pst_named_class *pst_charclass_perl(char letter);

/* The name between [: and :], without '^'; NULL when there is none of that name. ASCII as well. */
const struct pst_named_class *pst_charclass_posix(const char *name, size_t len);

/* Adds LO..HI. 0 or -ENOMEM. */
int pst_charclass_add(struct pst_charclass *c, uint32_t lo, uint32_t hi);

/*
 * Adds LO..HI and what Unicode's simple folding makes equal to any of them: the other case of
 * letters, title case, U+212A (Kelvin sign) for k, final sigma for sigma. 0 or -ENOMEM.
 */
int pst_charclass_add_folded(struct pst_charclass *c, uint32_t lo, uint32_t hi);

/* Adds a named class, or all that is not in it. With FOLD it is folded first, as RE2 does. 0 or
 * -ENOMEM. */
int pst_charclass_add_named(struct pst_charclass *c, const struct pst_named_class *named,
			    bool negate, bool fold);

/* Adds all of OTHER. 0 or -ENOMEM. */
int pst_charclass_add_ranges(struct pst_charclass *c, const struct pst_rune_range *ranges,
			     size_t n);

/* Sorts and merges. */
void pst_charclass_seal(struct pst_charclass *c);

/* Seals C and turns it into its complement. 0 or -ENOMEM. */
int pst_charclass_negate(struct pst_charclass *c);

struct pst_class_ref {
	uint32_t first, n; /* in the pool */
};

/* All classes of one automaton. Zeroed: none. */
struct pst_classes {
	struct PST_VEC(struct pst_rune_range) pool;
	struct PST_VEC(struct pst_class_ref) refs;
	struct pst_intern index;
};

/* Seals C and gives its number. 0; -ENOSPC beyond PST_CLASSES_MAX_RANGES; -ENOMEM. */
int pst_classes_get(struct pst_classes *all, struct pst_charclass *c, uint32_t *ret_id);

/* The ranges of class ID, NULL when it is empty; valid until the next pst_classes_get(). */
const struct pst_rune_range *pst_classes_ranges(const struct pst_classes *all, uint32_t id,
						size_t *ret_n);

void pst_classes_fini(struct pst_classes *all);
