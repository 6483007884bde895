/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the two halves of the regex front end share: regex.c (operators, groups, the tree) and
 * regex_lex.c (characters, escapes) with regex_class.c (classes, names). Nothing else includes
 * this.
 */

#include "compiler/regex.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pst_re_flag {
	PST_RE_FOLD = 1 << 0,	   /* i */
	PST_RE_DOT_NL = 1 << 1,	   /* s */
	PST_RE_MULTILINE = 1 << 2, /* m */
	PST_RE_UNGREEDY = 1 << 3,  /* U: no meaning for a full match */
};

/* A pattern being read. */
struct pst_re_lexer {
	const struct pst_pattern *pattern;
	struct pst_diags *diags;
	size_t at;	    /* next byte */
	unsigned int flags; /* enum pst_re_flag */
	size_t ranges;	    /* that the classes so far named, <= PST_RE_MAX_RANGES */
};

/* The unread rest. */
static inline size_t pst_re_left(const struct pst_re_lexer *lx)
{
	return lx->pattern->len - lx->at;
}

/* The byte AHEAD of the next one, or -1 at the end. */
static inline int pst_re_peek(const struct pst_re_lexer *lx, size_t ahead)
{
	return ahead < pst_re_left(lx) ? (unsigned char)lx->pattern->re[lx->at + ahead] : -1;
}

/* Reports bytes FROM..TO as a mistake; -EINVAL. */
int pst_re_error(const struct pst_re_lexer *lx, size_t from, size_t to, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Reports bytes FROM..TO as beyond a limit; -E2BIG. */
int pst_re_error_budget(const struct pst_re_lexer *lx, size_t from, size_t to, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The next code point, which must be there. 0, or -EINVAL with a diagnostic: not UTF-8. */
int pst_re_read_rune(struct pst_re_lexer *lx, uint32_t *ret_rune);

/* An escape that means one code point; the backslash is next. 0, or -EINVAL with a diagnostic. */
int pst_re_read_escape(struct pst_re_lexer *lx, uint32_t *ret_rune);

/*
 * \d, \s, \w, \p and their negations, when they are next: true, and added to C; false otherwise.
 * *RET_ERR is 0; -EINVAL or -E2BIG with a diagnostic; -ENOMEM.
 */
bool pst_re_read_escaped_class(struct pst_re_lexer *lx, struct pst_charclass *c, int *ret_err);

/* A class in brackets; the bracket is next. 0; -EINVAL or -E2BIG with a diagnostic; -ENOMEM. */
int pst_re_read_class(struct pst_re_lexer *lx, struct pst_charclass *c);

/* Adds the range that stands at FROM, folded when the flags say so. 0; -E2BIG with a diagnostic;
 * -ENOMEM. */
int pst_re_add_range(struct pst_re_lexer *lx, size_t from, struct pst_rune_range range,
		     struct pst_charclass *c);

/*
 * Reads the name of a capturing group up to and with the '>'; the name is next, the group begins
 * at OPEN. 0, or -EINVAL with a diagnostic.
 */
int pst_re_read_group_name(struct pst_re_lexer *lx, size_t open);
