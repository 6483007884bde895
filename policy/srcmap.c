// SPDX-License-Identifier: Apache-2.0
#include "policy/srcmap.h"

#include <stdbool.h>
#include <string.h>

/* The bytes of UTF-8 that do not start a character. */
static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static void step_forward(struct pst_srcmap *map)
{
	char c = map->text[map->at++];

	map->index += !is_continuation(c);
	if (c == '\n') {
		map->line++;
		map->line_start = map->at;
	}
}

/* Leaves line_start behind; find_line_start() finds it. */
static void step_back(struct pst_srcmap *map)
{
	char c = map->text[--map->at];

	map->index -= !is_continuation(c);
	map->line -= c == '\n';
}

static void find_line_start(struct pst_srcmap *map)
{
	const char *newline = map->at ? memrchr(map->text, '\n', map->at) : NULL;

	map->line_start = newline ? (size_t)(newline - map->text) + 1 : 0;
}

static void walk_to(struct pst_srcmap *map, size_t offset)
{
	size_t line = map->line;

	while (map->at < offset)
		step_forward(map);
	while (map->at > offset)
		step_back(map);
	if (map->line < line)
		find_line_start(map);
}

void pst_srcmap_init(struct pst_srcmap *map, const char *file, const char *text, size_t len)
{
	*map = (struct pst_srcmap){.file = file, .text = text, .len = len};
}

void pst_srcmap_rebase(struct pst_srcmap *map, size_t offset)
{
	walk_to(map, offset < map->len ? offset : map->len);
	map->base = map->index;
}

size_t pst_srcmap_offset(struct pst_srcmap *map, size_t number)
{
	size_t index = map->base + number;
	size_t line = map->line;

	while (map->at < map->len &&
	       (map->index < index || (map->index == index && is_continuation(map->text[map->at]))))
		step_forward(map);
	while (map->index > index)
		step_back(map);
	if (map->line < line)
		find_line_start(map);
	return map->at;
}

struct pst_pos pst_srcmap_pos(struct pst_srcmap *map, size_t start, size_t end)
{
	struct pst_pos pos = {.file = map->file};

	if (start > map->len)
		start = map->len;
	if (end < start)
		end = start;
	if (end > map->len)
		end = map->len;
	walk_to(map, start);
	pos.line = (uint32_t)(map->line + 1);
	pos.col = (uint32_t)(map->at - map->line_start + 1);
	walk_to(map, end);
	pos.end_line = (uint32_t)(map->line + 1);
	pos.end_col = (uint32_t)(map->at - map->line_start + 1);
	return pos;
}
