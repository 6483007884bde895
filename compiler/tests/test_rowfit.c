// SPDX-License-Identifier: Apache-2.0
/*
 * Places of rows against a reading of the rule that knows nothing of words: no cell twice, no two
 * rows at one place.
 */
#include "compiler/rowfit.h"

#include "base/mem.h"
#include "compiler/tests/re_random.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct columns {
	uint8_t v[PST_COLUMNS];
	uint32_t n;
};

static struct columns some_columns(struct re_random *r)
{
	struct columns c = {.n = 0};
	uint32_t dense = 1 + re_random_below(r, 60);

	for (uint32_t i = 0; i < PST_COLUMNS; i++) {
		if (!re_random_below(r, dense))
			c.v[c.n++] = (uint8_t)i;
	}
	if (!c.n)
		c.v[c.n++] = (uint8_t)re_random_below(r, PST_COLUMNS);
	return c;
}

Test(rowfit, no_cell_is_taken_twice_and_no_two_rows_begin_at_one_place)
{
	static uint8_t cells[PST_CELLS], rows[PST_CELLS];
	struct pst_rowfit *f = pst_rowfit_new();
	struct re_random random = {7};
	uint32_t used = 0;

	cr_assert(f);
	rows[0] = 1;
	for (int i = 0; i < 20000; i++) {
		struct columns c = some_columns(&random);
		uint32_t row;

		cr_assert_eq(pst_rowfit_take(f, c.v, c.n, &row), 0);
		cr_assert_eq(rows[row]++, 0, "row %u", row);
		for (uint32_t k = 0; k < c.n; k++)
			cr_assert_eq(cells[row + c.v[k]]++, 0, "cell %u", row + c.v[k]);
		used += c.n;
	}
	cr_assert_eq(pst_rowfit_used(f), used);
	pst_rowfit_free(&f);
}

Test(rowfit, rows_of_one_cell_fill_the_table_to_the_last_but_a_few)
{
	struct pst_rowfit *f = pst_rowfit_new();
	struct re_random random = {11};
	uint32_t n = 0, row;
	uint8_t column = 2;

	cr_assert(f);
	while (!pst_rowfit_take(f, &column, 1, &row)) {
		cr_assert_lt(row + column, PST_CELLS);
		column = (uint8_t)(2 + re_random_below(&random, 60));
		n++;
	}
	cr_assert_gt(n, PST_CELLS - PST_CELLS / 20, "%u", n);
	pst_rowfit_free(&f);
}

Test(rowfit, what_is_given_back_can_be_taken_again)
{
	static const uint8_t columns[] = {0, 3, 255}, one = 9;
	struct pst_rowfit *f = pst_rowfit_new();
	uint32_t first, row, other;

	cr_assert(f);
	cr_assert_eq(pst_rowfit_take(f, columns, 3, &first), 0);
	for (int i = 0; i < 100000; i++)
		cr_assert_eq(pst_rowfit_take(f, columns, 3, &row), 0);
	cr_assert_eq(pst_rowfit_take(f, &one, 1, &other), 0);
	pst_rowfit_give(f, first, columns, 3);
	cr_assert_eq(pst_rowfit_used(f), 3 * 100000 + 1);
	cr_assert_eq(pst_rowfit_take(f, columns, 3, &row), 0);
	cr_assert_eq(row, first);
	pst_rowfit_free(&f);
}

/* The last place whose cells are all inside. */
Test(rowfit, no_cell_of_a_row_lies_behind_the_last_one)
{
	static const uint8_t last = 255;
	struct pst_rowfit *f = pst_rowfit_new();
	uint32_t row, most = 0, n = 0;

	cr_assert(f);
	while (!pst_rowfit_take(f, &last, 1, &row)) {
		most = row > most ? row : most;
		n++;
	}
	cr_assert_eq(most + last, PST_CELLS - 1);
	cr_assert_eq(n, PST_CELLS - 256); /* row 0 is the dead one */
	pst_rowfit_free(&f);
}
