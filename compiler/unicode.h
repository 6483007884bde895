/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What RE2 knows of Unicode: classes by name, and simple case folding.
 *
 * The tables are made by tools/gen_unicode.c from Debian's unicode-data while the project is
 * built. docs/unicode.md says which version of Unicode that is and how it relates to RE2's.
 */

#include "compiler/charclass.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A code point that folds, and the next one of its orbit in ascending order, round to the first. */
struct pst_unicode_fold {
	uint32_t rune, next;
};

/* "15.0.0": of the tables. */
extern const char pst_unicode_version[];

/* All classes, *RET_N of them, by name in the order of strcmp(). */
const struct pst_named_class *pst_unicode_classes(size_t *ret_n);

/*
 * The class NAME (LEN bytes, case counts): a general category ("Lu"), its first letter ("L"), a
 * script ("Greek"), "Any". NULL when there is none.
 */
const struct pst_named_class *pst_unicode_class(const char *name, size_t len);

/* Does RUNE belong to CLASS? */
bool pst_unicode_has(const struct pst_named_class *class, uint32_t rune);

/* The code points of LO..HI that fold to others, *RET_N of them, ascending. */
const struct pst_unicode_fold *pst_unicode_folds(uint32_t lo, uint32_t hi, size_t *ret_n);

/* The next code point of RUNE's orbit; RUNE itself when it is alone. */
uint32_t pst_unicode_fold_next(uint32_t rune);
