/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Questions about languages: is it empty, does it hold everything, is one inside another, and which
 * text shows that it is not.
 *
 * A language is an automaton and the tags that count. A question is a truth table over "is in A"
 * and "is in B"; the answer is a text that meets it, or the proof that there is none: every state
 * that both automata can be in together was looked at. docs/langops.md says what that costs.
 *
 * Base. Asked WITHIN a base language, only its texts count: "does this path match every request"
 * means every request target that the core lets through (compiler/baselang.h), not every string.
 *
 * Witnesses are shortest, and of equally short ones the most readable (compiler/product.h).
 */

#include "compiler/automaton.h"
#include "compiler/product.h"

#include <stdbool.h>
#include <stdint.h>

/* Texts for which the automaton gives at least one of TAGS. An automaton of NULL has none. */
struct pst_lang {
	const struct pst_automaton *automaton;
	uint64_t tags;
};

/* All that can be said at all. */
struct pst_lang_base {
	const struct pst_automaton *automaton; /* any tag */
	uint32_t max_len;		       /* longer texts are not in it */
};

/*
 * Truth tables: bit (1 if in A) + (2 if in B). Any of the sixteen will do; these have names.
 */
enum pst_lang_rule {
	PST_LANG_NOT_A = 0x5,
	PST_LANG_NOT_B = 0x3,
	PST_LANG_A = 0xa,
	PST_LANG_AND = 0x8,
	PST_LANG_OR = 0xe,
	PST_LANG_MINUS = 0x2, /* in A, not in B */
	PST_LANG_XOR = 0x6,
};

struct pst_lang_question {
	struct pst_lang a, b;
	unsigned int rule;
	const struct pst_lang_base *within;	 /* NULL: all byte strings */
	const struct pst_product_limits *limits; /* NULL: the default */
};

struct pst_lang_answer {
	bool found;
	struct pst_witness witness; /* when found; release with pst_witness_fini() */
	bool in_a, in_b;	    /* where the witness is */
	uint32_t states;	    /* product states looked at */
};

/*
 * Looks for a text that meets the question. 0 with *RET_ANSWER; -E2BIG when a limit is hit: then
 * nothing is known, and *RET_ANSWER says in `states` how far it came; -ENOMEM.
 */
int pst_lang_find(const struct pst_lang_question *q, struct pst_lang_answer *ret_answer);

/*
 * Does OUTER hold every text of INNER? found: no, the witness is in INNER only. WITHIN may be NULL.
 * Returns as pst_lang_find() does, under the default limits.
 */
int pst_lang_includes(const struct pst_lang *outer, const struct pst_lang *inner,
		      const struct pst_lang_base *within, struct pst_lang_answer *ret_answer);

/* Are they equal? found: no; in_a and in_b say which of the two has the witness. */
int pst_lang_equals(const struct pst_lang *a, const struct pst_lang *b,
		    const struct pst_lang_base *within, struct pst_lang_answer *ret_answer);

/* Does it hold nothing (of the base)? found: no, and here is one. */
int pst_lang_is_empty(const struct pst_lang *a, const struct pst_lang_base *within,
		      struct pst_lang_answer *ret_answer);

/* Does it hold everything (of the base)? found: no, the witness is not in it. */
int pst_lang_is_universal(const struct pst_lang *a, const struct pst_lang_base *within,
			  struct pst_lang_answer *ret_answer);
