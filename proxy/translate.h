/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A pattern of the dialect (compiler/regex.h: RE2's) in the syntax of PCRE2, so that both mean the
 * same for every ASCII text. Nothing else is ever matched: the core refuses other bytes in targets,
 * methods and hosts.
 *
 * What is translated is the syntax tree, not the text. A class becomes the list of its ASCII bytes,
 * a place an assertion on bytes; flags, captures and greediness are gone by then, and so is all in
 * which the two syntaxes differ. Every byte but a letter or a digit is written \xHH: no text of a
 * policy reaches PCRE2 as syntax.
 */

#include "compiler/automaton.h"

#include <stddef.h>

/* A longer translation is refused: PCRE2's own limit for compiled code is 64 KiB. */
enum { PST_TRANSLATE_MAX = 1 << 18 };

/*
 * 0, and *RET_TEXT (heap, NUL-terminated) matches exactly the texts that PATTERN matches as a
 * whole; -EINVAL or -E2BIG with a diagnostic of the front end, or without one when the translation
 * would be too long; -ENOMEM.
 */
int pst_translate(const struct pst_pattern *pattern, struct pst_diags *diags, char **ret_text);
