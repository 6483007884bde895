/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A pattern that is too large for an automaton, matched by PCRE2 (proxy/translate.h says how).
 *
 * PCRE2 backtracks, so every match has limits, and one that is reached is no answer: the caller
 * denies. The limits bound the time of one match to some milliseconds whatever pattern and text
 * are (proxy/tests/test_regex.c measures it). One object belongs to one thread; others have twins.
 */

#include "compiler/automaton.h"

#include <stddef.h>

enum {
	PST_REGEX_MATCH_LIMIT = 50000, /* calls of PCRE2's inner match */
	PST_REGEX_DEPTH_LIMIT = 20000, /* nested backtracking, without JIT */
	PST_REGEX_HEAP_KIB = 4096,     /* likewise */
	PST_REGEX_STACK = 256 * 1024,  /* of JIT code */
};

enum pst_regex_result {
	PST_REGEX_NO,
	PST_REGEX_YES,
	PST_REGEX_LIMIT, /* a limit was reached, or PCRE2 failed: nobody knows */
};

struct pst_regex;

/*
 * 0; -EINVAL or -E2BIG when the pattern cannot be translated or PCRE2 does not take it: with a
 * diagnostic "regex-fallback" that says which; -ENOMEM.
 */
int pst_regex_new(const struct pst_pattern *pattern, struct pst_diags *diags,
		  struct pst_regex **ret_regex);
void pst_regex_free(struct pst_regex **r);

/* The same pattern for another thread; shares the compiled code with OF, which must outlive it. 0
 * or -ENOMEM. */
int pst_regex_twin(const struct pst_regex *of, struct pst_regex **ret_twin);

/* Does it match all of TEXT? Text that is not ASCII is PST_REGEX_LIMIT: it cannot be known. */
enum pst_regex_result pst_regex_match(struct pst_regex *r, const char *text, size_t len);

/* Is it compiled to machine code? Where the kernel forbids such memory, PCRE2 interprets. */
bool pst_regex_is_jit(const struct pst_regex *r);
