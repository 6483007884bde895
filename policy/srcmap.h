/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a character's number to its line and column.
 *
 * libyaml tells places as the number of the character in the file, and counts columns in characters
 * and lines by YAML's idea of a line break (which includes U+0085, U+2028 and U+2029). Editors,
 * grep and other tools count bytes between newlines, and so do our diagnostics. A map built once
 * per file translates: a table of line starts, and the byte offset of each 256th character, so that
 * a look-up costs a binary search and at most 255 steps, whatever the file.
 *
 * The map points into the text, which must outlive it. Its tables live in the arena.
 */

#include "base/diag.h"

#include <stddef.h>
#include <stdint.h>

struct pst_arena;

struct pst_srcmap {
	const char *file;
	const char *text;
	size_t len;	    /* < 4 GiB */
	uint32_t *lines;    /* byte offset of each line's start */
	size_t n_lines;	    /* >= 1 */
	uint32_t *stations; /* byte offset of each 256th character */
	size_t n_stations;  /* >= 1 */
};

/* 0 or -ENOMEM. */
int pst_srcmap_init(struct pst_srcmap *map, struct pst_arena *arena, const char *file,
		    const char *text, size_t len);

/* The byte offset of character number INDEX; the length of the text when there are fewer. */
size_t pst_srcmap_offset(const struct pst_srcmap *map, size_t index);

/* The place of the bytes START .. END (exclusive); both are cut to the text. */
struct pst_pos pst_srcmap_pos(const struct pst_srcmap *map, size_t start, size_t end);
