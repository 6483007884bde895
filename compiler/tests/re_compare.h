/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One pattern, two engines: where do they disagree?
 *
 * Known differences, each decided and none of them a surprise to be found again:
 *
 * - (?<name>...): we accept, RE2 20220601 refuses; newer RE2 accepts.
 * - Nesting over PST_RE_MAX_HEIGHT, and what is over our limits: we refuse.
 * - Text that is not UTF-8, pattern with '|': RE2 takes common prefixes out of alternatives and
 * then joins what is left into classes, so whether a malformed sequence passes can depend on that
 * (compiler/nfa.h). Not compared.
 */

#include "base/diag.h"
#include "compiler/automaton.h"
#include "compiler/tests/re2_oracle.h"

#include <stdbool.h>
#include <stddef.h>

struct re_pair {
	const char *re;
	size_t len;
	struct pst_diags *diags;
	struct pst_automaton *ours; /* NULL: refused */
	struct re2_oracle *theirs;
	int error; /* of pst_automaton_build() */
};

/* Gives RE to both. */
void re_pair_init(struct re_pair *p, const char *re, size_t len);
void re_pair_fini(struct re_pair *p);

/* Do both accept, or both refuse, or is it a known difference? */
bool re_pair_agrees(const struct re_pair *p);

/* Do both say the same about TEXT? True when one has no opinion. */
bool re_pair_agrees_on(const struct re_pair *p, const char *text, size_t len);
