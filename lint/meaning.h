/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What patterns mean: questions about their languages, asked within what a request can hold
 * (compiler/baselang.h), answered as cheaply as can be.
 *
 * Equal texts are one pattern. What its tokens show (lint/sample.h) answers most questions; only
 * for the others automata are built, kept, and walked (compiler/langops.h). The work of one run has
 * a limit, so that no set of files can keep the linter busy.
 *
 * Answers are proofs: 1 is certain. 0 is "no", or "not known" because a limit was reached; negative
 * is -ENOMEM. pst_meanings_report() says whether answers are missing.
 */

#include "compiler/baselang.h"
#include "compiler/langops.h"
#include "lint/check.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_meanings;

/* One pattern of one field. */
struct pst_meaning {
	const char *re; /* LEN bytes */
	size_t len;
	enum pst_field field;
	const char *sample; /* a text that it matches and a request can hold; NULL: none is known */
	const char *prefix; /* what all its texts begin with, PREFIX_LEN bytes of RE's literals */
	uint32_t prefix_len;
	const char *suffix; /* and what they end with */
	uint32_t suffix_len;
	bool is_literal; /* SAMPLE is its only text */
	bool is_start;	 /* every possible text that begins with PREFIX is one of it */
	bool is_bound;	 /* cannot match everything */
	bool is_big;	 /* building its automaton may be expensive */
	bool is_over;	 /* and it is: over the budget of an automaton; see `limit` */
	bool is_built;	 /* it has been tried to build the automaton */
	struct pst_automaton *automaton; /* NULL: not built, or it cannot be */
	const char *limit;		 /* over the budget: which, and how far it came */
	uint32_t hash, next;
};

/* NULL when there is no memory. What was asked about must outlive it. */
struct pst_meanings *pst_meanings_new(void);
void pst_meanings_free(struct pst_meanings **m);

/* The pattern RE of FIELD; lives as long as M. 0 or -ENOMEM. */
int pst_meaning_get(struct pst_meanings *m, enum pst_field field, const struct pst_text *re,
		    struct pst_meaning **ret_meaning);

/* A copy of a pattern that is not in the policies, for as long as M lives; NULL: no memory. */
const char *pst_meanings_keep(struct pst_meanings *m, const char *re, size_t len);

/* Its automaton: 1 when there is one. */
int pst_meaning_build(struct pst_meanings *m, struct pst_meaning *p);

/* Can no request have what it matches? */
int pst_meaning_is_empty(struct pst_meanings *m, struct pst_meaning *p);

/* Does it match whatever a request can have? */
int pst_meaning_is_everything(struct pst_meanings *m, struct pst_meaning *p);

/* Does OUTER match all that INNER does? Both of one field. */
int pst_meaning_includes(struct pst_meanings *m, struct pst_meaning *outer,
			 struct pst_meaning *inner);

/* Do the ends of OUTER's pattern show that it does not? Costs nothing. */
bool pst_meaning_excludes(const struct pst_meaning *outer, const struct pst_meaning *inner);

/* Work of the caller's own, in steps of a tenth of a microsecond. False when the limit is reached.
 */
bool pst_meanings_spend(struct pst_meanings *m, uint64_t steps);

/* Any other question; WITHIN may be another base or NULL. As pst_lang_find(), but 1, 0 or -ENOMEM.
 */
int pst_meanings_find(struct pst_meanings *m, const struct pst_lang_question *q,
		      struct pst_lang_answer *ret_answer);

/* What FIELD can hold; not before the first pattern. */
const struct pst_lang_base *pst_meanings_base(struct pst_meanings *m, enum pst_field field);

/* Adds "lint-budget" when answers are missing. */
void pst_meanings_report(const struct pst_meanings *m, const struct pst_lint_env *env);

enum { PST_SHOWN_SIZE = 81 };

/* A witness for a message, into BUF of that size; what a person cannot read as \xNN, cut with
 * "...". */
const char *pst_witness_shown(const struct pst_witness *w, char *buf);
