/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A pattern as the person wrote it: its tokens, each with its place.
 *
 * For advice about how a pattern is written ("this dot is any character"). What it matches is the
 * compiler's question; here only what can be told from the text is told, and patterns with
 * constructs that change the meaning of others (flags, \Q) or that are very long are left alone.
 */

#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pst_token_kind {
	PST_TOKEN_LITERAL, /* one byte that stands for itself, perhaps behind a backslash */
	PST_TOKEN_ANY,	   /* . */
	PST_TOKEN_CLASS,   /* [...], \d and the like */
	PST_TOKEN_OPEN,	   /* ( (?: (?P<name> */
	PST_TOKEN_CLOSE,
	PST_TOKEN_OR,
	PST_TOKEN_REPEAT, /* * + ? {n,m} and their lazy forms */
	PST_TOKEN_BEGIN,  /* ^ \A */
	PST_TOKEN_END,	  /* $ \z */
};

struct pst_token {
	enum pst_token_kind kind;
	uint32_t at, len;   /* bytes in the pattern */
	uint32_t depth;	    /* groups around it; OPEN and CLOSE count themselves */
	unsigned char byte; /* LITERAL: which; REPEAT: its first character */
	char repeat;	    /* first character of the REPEAT that follows; 0: it stands once */
};

enum { PST_SCAN_MAX = 256 }; /* tokens */

struct pst_scan {
	const struct pst_text *text;
	struct pst_token v[PST_SCAN_MAX];
	size_t n;
};

/* False for a pattern that is absent or left alone; then SCAN is undefined. */
bool pst_scan_pattern(const struct pst_text *text, struct pst_scan *scan);

/* A literal byte that stands exactly once. */
bool pst_token_is_plain(const struct pst_token *token);

/* The same, and it is BYTE. */
bool pst_token_is(const struct pst_token *token, char byte);

/* Token number I, or NULL. */
const struct pst_token *pst_scan_at(const struct pst_scan *scan, size_t i);

/*
 * Alternatives: tokens FROM .. TO (exclusive), without anchors at their ends. A group around the
 * whole pattern is looked into; alternatives further inside belong to their branch.
 */
struct pst_branch {
	size_t from, to;
};

/* The next alternative; *BRANCH starts zeroed. False behind the last. */
bool pst_scan_next_branch(const struct pst_scan *scan, struct pst_branch *branch);

/* The branch as the text that it stands for, into BUF; false when it is more than a text, or
 * longer than SIZE - 1. */
bool pst_branch_text(const struct pst_scan *scan, const struct pst_branch *branch, char *buf,
		     size_t size);

/*
 * The place of tokens FROM .. TO (exclusive, not empty). When the YAML text is not the pattern
 * byte by byte (escapes, folded lines), the place of the whole pattern.
 */
struct pst_pos pst_scan_pos(const struct pst_scan *scan, size_t from, size_t to);
