/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The comments of a YAML text, and what each stands beside.
 *
 * libyaml drops comments, so this scanner finds them again. It knows just enough of YAML for one
 * question: does this `#` begin a comment? It does at the start of a line or behind a blank, unless
 * it is inside
 *
 *   - a quoted scalar, which may go over several lines;
 *   - a block scalar (| and >): the lines behind its header that are indented deeper than what
 *     the header belongs to, as deep as the first of them that is not blank, or as deep as the
 *     header's digit says; blank lines among them belong to it. A comment on the header's own
 *     line is one.
 *
 * Where the scanner cannot know (a quote at the start of a plain scalar's second line) it takes the
 * text for no comment: then an ignore does not count, and findings are shown rather than hidden.
 * In JSON there are no comments, and none is found.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pst_comment {
	uint32_t line, col; /* of the '#', from 1, in bytes */
	uint32_t end_col;   /* behind its last byte */
	const char *text;   /* behind the '#', without blanks around it; points into the text */
	size_t len;	    /* of text */
	bool trailing;	    /* something stands before it on its line */
	/*
	 * The lines it speaks about, both included. Trailing: its own line. Else the next line with
	 * content and all that is nested in it, which is indented deeper; behind a key, a list at
	 * the key's own indentation too. from_line > to_line: there is no such line.
	 */
	uint32_t from_line, to_line;
};

/* Takes one comment; 0 to go on, else pst_comments_each() returns the value. */
typedef int (*pst_comment_take)(void *ctx, const struct pst_comment *c);

/* All comments of TEXT that begin with PREFIX, from top to bottom. 0, -ENOMEM, or what TAKE says.
 */
int pst_comments_each(const char *text, size_t len, const char *prefix, pst_comment_take take,
		      void *ctx);
