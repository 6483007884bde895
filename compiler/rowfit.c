// SPDX-License-Identifier: Apache-2.0
#include "compiler/rowfit.h"

#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
	BITS = 64,
	LOOK_BACK = 8 * BITS, /* how far behind the last place the next search begins */
	/* A word is put together from two: one more behind the furthest column. */
	WORDS = (PST_CELLS + PST_COLUMNS) / BITS + 2,
};

struct pst_rowfit {
	uint64_t rows[WORDS];		/* a row begins there */
	uint64_t cells[WORDS];		/* the cell is used */
	uint32_t from[PST_COLUMNS + 1]; /* by number of cells: where a search begins */
	uint32_t used, end;
};

struct pst_rowfit *pst_rowfit_new(void)
{
	struct pst_rowfit *f = pst_mem_calloc(1, sizeof(*f));

	if (f)
		f->rows[0] = 1;
	return f;
}

void pst_rowfit_free(struct pst_rowfit **f)
{
	free(*f);
	*f = NULL;
}

static uint64_t bits_at(const uint64_t *map, uint32_t at)
{
	const uint64_t *w = map + at / BITS;

	return w[0] >> at % BITS | w[1] << 1 << (BITS - 1 - at % BITS);
}

/* Which of the BITS places from AT on do not do. */
static uint64_t bad_places(const struct pst_rowfit *f, uint32_t at, const uint8_t *columns,
			   uint32_t n)
{
	uint64_t bad = f->rows[at / BITS];

	for (uint32_t i = 0; i < n && ~bad; i++)
		bad |= bits_at(f->cells, at + columns[i]);
	return bad;
}

static void flip(struct pst_rowfit *f, uint32_t row, const uint8_t *columns, uint32_t n)
{
	f->rows[row / BITS] ^= UINT64_C(1) << row % BITS;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t cell = row + columns[i];

		f->cells[cell / BITS] ^= UINT64_C(1) << cell % BITS;
	}
}

int pst_rowfit_take(struct pst_rowfit *f, const uint8_t *columns, uint32_t n, uint32_t *ret_row)
{
	uint32_t at = f->from[n];
	uint64_t bad = ~UINT64_C(0);

	while (at < PST_CELLS && !~(bad = bad_places(f, at, columns, n)))
		at += BITS;
	if (at - f->from[n] > LOOK_BACK)
		f->from[n] = at - LOOK_BACK;
	if (!~bad)
		return -E2BIG;
	at += (uint32_t)__builtin_ctzll(~bad);
	if (at + columns[n - 1] >= PST_CELLS)
		return -E2BIG;
	flip(f, at, columns, n);
	f->used += n;
	if (f->end < at + columns[n - 1] + 1)
		f->end = at + columns[n - 1] + 1;
	*ret_row = at;
	return 0;
}

void pst_rowfit_give(struct pst_rowfit *f, uint32_t row, const uint8_t *columns, uint32_t n)
{
	flip(f, row, columns, n);
	f->used -= n;
	for (uint32_t i = 0; i <= PST_COLUMNS; i++) {
		if (f->from[i] > row / BITS * BITS)
			f->from[i] = row / BITS * BITS;
	}
}

uint32_t pst_rowfit_used(const struct pst_rowfit *f)
{
	return f->used;
}

uint32_t pst_rowfit_end(const struct pst_rowfit *f)
{
	return f->end;
}
