// SPDX-License-Identifier: Apache-2.0
#include "policy/nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Longer names are never misspellings of ours. */
enum { MAX_NAME = 48 };

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Optimal string alignment, three rows at a time. */
static size_t distance(const char *a, size_t la, const char *b, size_t lb)
{
	size_t rows[3][MAX_NAME + 1];
	size_t *before = rows[0], *previous = rows[1], *row = rows[2];

	for (size_t j = 0; j <= lb; j++)
		previous[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			row[j] = min3(previous[j] + 1, row[j - 1] + 1,
				      previous[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = min3(row[j], before[j - 2] + 1, row[j]);
		}
		before = previous;
		previous = row;
		row = spare;
	}
	return previous[lb];
}

void pst_nearest_init(struct pst_nearest *n, const char *wanted)
{
	*n = (struct pst_nearest){.wanted = wanted};
}

void pst_nearest_offer(struct pst_nearest *n, const char *name)
{
	size_t lw = strlen(n->wanted), ln = strlen(name);
	size_t d;

	if (!lw || lw > MAX_NAME || ln > MAX_NAME)
		return;
	d = distance(n->wanted, lw, name, ln);
	if (d * 3 > ln || (n->best && d >= n->distance))
		return;
	n->best = name;
	n->distance = d;
}

const char *pst_nearest_hint(const struct pst_nearest *n, char *buf)
{
	buf[0] = 0;
	if (n->best)
		snprintf(buf, PST_NEAREST_HINT_SIZE, "; did you mean \"%s\"?", n->best);
	return buf;
}
