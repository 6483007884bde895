// SPDX-License-Identifier: Apache-2.0
#include "policy/srcmap.h"

#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { STATION = 256 };

/* The bytes of UTF-8 that do not start a character. libyaml has refused the text before it matters
 * otherwise. */
static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static void count(struct pst_srcmap *map, size_t *ret_chars)
{
	size_t chars = 0;

	map->n_lines = 1;
	for (size_t i = 0; i < map->len; i++) {
		map->n_lines += map->text[i] == '\n';
		chars += !is_continuation(map->text[i]);
	}
	*ret_chars = chars;
}

static void fill(struct pst_srcmap *map)
{
	size_t line = 1, chars = 0;

	for (size_t i = 0; i < map->len; i++) {
		if (map->text[i] == '\n')
			map->lines[line++] = (uint32_t)(i + 1);
		if (is_continuation(map->text[i]))
			continue;
		if (chars % STATION == 0)
			map->stations[chars / STATION] = (uint32_t)i;
		chars++;
	}
}

int pst_srcmap_init(struct pst_srcmap *map, struct pst_arena *arena, const char *file,
		    const char *text, size_t len)
{
	size_t chars;

	*map = (struct pst_srcmap){.file = file, .text = text, .len = len};
	count(map, &chars);
	map->n_stations = chars / STATION + 1;
	map->lines = pst_arena_calloc(arena, map->n_lines, sizeof(*map->lines));
	map->stations = pst_arena_calloc(arena, map->n_stations, sizeof(*map->stations));
	if (!map->lines || !map->stations)
		return -ENOMEM;
	/* When the number of characters is a multiple of STATION, the last station is the end. */
	map->stations[map->n_stations - 1] = (uint32_t)len;
	fill(map);
	return 0;
}

size_t pst_srcmap_offset(const struct pst_srcmap *map, size_t index)
{
	size_t left = index % STATION;
	size_t i;

	if (index / STATION >= map->n_stations)
		return map->len;
	i = map->stations[index / STATION];
	while (left && i < map->len) {
		i++;
		while (i < map->len && is_continuation(map->text[i]))
			i++;
		left--;
	}
	return i;
}

/* The last line that starts at or before OFFSET. */
static size_t line_of(const struct pst_srcmap *map, size_t offset)
{
	size_t low = 0, high = map->n_lines;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (map->lines[mid] <= offset)
			low = mid;
		else
			high = mid;
	}
	return low;
}

struct pst_pos pst_srcmap_pos(const struct pst_srcmap *map, size_t start, size_t end)
{
	size_t line, end_line;

	if (start > map->len)
		start = map->len;
	if (end < start)
		end = start;
	if (end > map->len)
		end = map->len;
	line = line_of(map, start);
	end_line = line_of(map, end);
	return (struct pst_pos){
		.file = map->file,
		.line = (uint32_t)(line + 1),
		.col = (uint32_t)(start - map->lines[line] + 1),
		.end_line = (uint32_t)(end_line + 1),
		.end_col = (uint32_t)(end - map->lines[end_line] + 1),
	};
}
