/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A source line with the place marked under it:
 *
 *	   12 |         - path: "/api/.*"
 *	      |                  ^~~~~~~
 *
 * The marks stand where a terminal shows the bytes meant: tabs are shown as blanks to the next
 * multiple of 8, wide characters take two columns and combining ones none, what base/escape.h
 * escapes takes four. A place over several lines is marked to the end of its first. Of a line that
 * is too long the part around the mark is shown, "..." where something is missing.
 */

#include "base/diag.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct pst_snippet {
	const char *line; /* without its end */
	size_t len;
	const struct pst_pos *pos;
	bool color;
};

void pst_snippet_print(const struct pst_snippet *s, FILE *out);

/* Columns that the UTF-8 text or the escaped byte at S takes (a tab: see above); its bytes too. */
struct pst_glyph {
	uint32_t bytes;
	uint32_t width;
	bool shown; /* as it is; else escaped, or a tab */
};

/* What stands at S (LEFT >= 1 bytes) when COLUMN columns stand before it. */
struct pst_glyph pst_snippet_glyph(const char *s, size_t left, size_t column);
