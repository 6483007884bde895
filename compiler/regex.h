/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The regex front end: a pattern becomes a syntax tree, or a diagnostic with its column.
 *
 * The syntax is RE2's (https://github.com/google/re2/wiki/Syntax, and where that page is silent,
 * what RE2 20220601 does): '.' and classes are over code points, the pattern is UTF-8, '$' is the
 * end of the text and never the place before a last newline. docs/regex.md lists what differs from
 * RE2 20220601, and why: (?<name>...), the version of Unicode, limits.
 *
 * Only what matters for "does it match all of the text" is kept: capturing and greediness are
 * parsed and dropped. What remains of capturing is one bit. RE2 joins neighbouring one-character
 * alternatives into a class, unless they are captured, and a class that reaches from U+0080 or
 * below to U+10FFFF matches some byte sequences that are not UTF-8 (see nfa.h). So the joining
 * can be observed, and is done here in the same way.
 *
 * The parser keeps operands and open groups on explicit stacks: nothing recurses on input. Trees
 * are at most PST_RE_MAX_HEIGHT high, so what recurses on trees is bounded as well.
 *
 * Diagnostics: "regex-syntax" for what RE2 refuses, "regex-budget" for nesting that is too deep,
 * for counted repetitions whose product is over PST_RE_MAX_REPEAT (RE2's rule), and for classes of
 * too many ranges.
 */

#include "base/vec.h"
#include "compiler/automaton.h"
#include "compiler/charclass.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	PST_RE_MAX_REPEAT = 1000, /* RE2's limit for {n,m}, nested ones multiplied */
	PST_RE_MAX_HEIGHT = 1000, /* Go's limit for nesting; RE2 has none */
	/* All classes of a pattern as they are written, before anything is merged: what bounds the
	 * time for "[\\p{L}\\p{L}...". More than 1000 times \p{L}, which no automaton could hold.
	 */
	PST_RE_MAX_RANGES = 1 << 20,
};

#define PST_RE_UNLIMITED UINT32_MAX /* as max: no upper bound */
#define PST_RE_NONE	 UINT32_MAX /* as child or next: there is none */

enum pst_re_op {
	PST_RE_EMPTY,	  /* the empty text */
	PST_RE_CLASS,	  /* one code point of a class */
	PST_RE_ANY_BYTE,  /* \C */
	PST_RE_ASSERT,	  /* a place, not a text */
	PST_RE_CONCAT,	  /* children one after the other */
	PST_RE_ALTERNATE, /* one of the children */
	PST_RE_REPEAT,	  /* the child, min to max times */
};

enum pst_re_assert {
	PST_RE_BEGIN_TEXT, /* \A, and ^ without (?m) */
	PST_RE_END_TEXT,   /* \z, and $ without (?m) */
	PST_RE_BEGIN_LINE, /* ^ with (?m) */
	PST_RE_END_LINE,   /* $ with (?m) */
	PST_RE_WORD,	   /* \b: exactly one neighbour is [0-9A-Za-z_] */
	PST_RE_NOT_WORD,   /* \B */
	PST_RE_ASSERT_MAX,
};

struct pst_re_node {
	uint8_t op;	   /* enum pst_re_op */
	uint8_t assertion; /* ASSERT: enum pst_re_assert */
	bool captured;	   /* stands in a capturing group of its own */
	uint16_t height;   /* of the tree below, >= 1 */
	uint16_t copies;   /* largest product of counts on a way down, <= PST_RE_MAX_REPEAT */
	uint16_t min;	   /* REPEAT */
	uint32_t max;	   /* REPEAT: or PST_RE_UNLIMITED */
	uint32_t class_id; /* CLASS: in struct pst_classes */
	uint32_t child;	   /* first child: the LAST part of a CONCAT, which is built backwards */
	uint32_t next;	   /* next sibling */
};

/* A tree: nodes by index. Zeroed: empty. Parsing again reuses the memory. */
struct pst_re_tree {
	struct PST_VEC(struct pst_re_node) nodes;
	uint32_t root;
};

/*
 * Parses PATTERN into TREE; classes are numbered in CLASSES. 0; -EINVAL or -E2BIG with one
 * diagnostic (see above); -ENOMEM. TREE is not to be used after a failure, but to be released.
 */
int pst_re_parse(const struct pst_pattern *pattern, struct pst_classes *classes,
		 struct pst_diags *diags, struct pst_re_tree *tree);

void pst_re_tree_fini(struct pst_re_tree *tree);

/*
 * The place of bytes FROM (inclusive) to TO (exclusive) of PATTERN; all of its place when the text
 * is not written there as it is: an alias, escapes, a folded or a literal scalar.
 */
struct pst_pos pst_re_pos(const struct pst_pattern *pattern, size_t from, size_t to);
