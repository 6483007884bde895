/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a character's number to its line and column.
 *
 * libyaml tells places as the number of the character in what it was given, and counts columns in
 * characters and lines by YAML's idea of a line break (which includes U+0085, U+2028 and U+2029).
 * Editors, grep and other tools count bytes between newlines, and so do our diagnostics.
 *
 * Places come nearly in the order of the text, so the map is a cursor: it walks from the last place
 * to the next one, in both directions, and a whole file costs one walk. It points into the text,
 * which must outlive it, and owns nothing.
 */

#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

struct pst_srcmap {
	const char *file;
	const char *text;
	size_t len;
	/* The cursor: a byte, and what is known about it. */
	size_t at;
	size_t index; /* characters that begin before it */
	size_t line;  /* from 0 */
	size_t line_start;
	size_t base; /* the character that callers call number 0 */
};

/* A map of LEN bytes of TEXT; characters count from its start. */
void pst_srcmap_init(struct pst_srcmap *map, const char *file, const char *text, size_t len);

/* Characters count from the byte OFFSET from now on. */
void pst_srcmap_rebase(struct pst_srcmap *map, size_t offset);

/* The byte offset of character NUMBER; the length of the text when there are fewer. */
size_t pst_srcmap_offset(struct pst_srcmap *map, size_t number);

/* The place of the bytes START .. END (exclusive); both are cut to the text. */
struct pst_pos pst_srcmap_pos(struct pst_srcmap *map, size_t start, size_t end);
