// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "compiler/footprint.h"
#include "compiler/pack.h"

/* An automaton of N states and K classes whose states have as many successors as there can be. */
static struct pst_footprint measure(uint32_t n, uint32_t k)
{
	struct pst_automaton a = {
		.n_states = n,
		.n_classes = k,
		.start = n - 1,
		.next = calloc((size_t)n * k, sizeof(*a.next)),
		.tags = calloc(n, sizeof(*a.tags)),
	};
	struct pst_footprint f;

	for (unsigned int b = 0; b < 256; b++)
		a.class_of[b] = (uint8_t)(b % k);
	for (uint32_t i = k; i < n * k; i++)
		a.next[i] = 1 + i % (n - 1);
	cr_assert_eq(pst_footprint_measure(&a, &f), 0);
	cr_assert_eq(f.states, n);
	cr_assert_eq(f.classes, k);
	free(a.next);
	free(a.tags);
	return f;
}

Test(footprint, counts_cells_and_a_class_map)
{
	const struct pst_footprint f = measure(6, 4);

	cr_assert_eq(f.bytes, 5 * 4 * 4 + 256);
	cr_assert(f.fits_kernel);
}

/* Full rows of 128 cells, of which none begins where another does. */
Test(footprint, a_table_that_is_nearly_full_fits_and_one_that_is_too_full_does_not)
{
	const uint32_t rows = PST_CELLS / 128;

	cr_assert(measure(rows - 2, 128).fits_kernel);
	cr_assert_not(measure(rows + 2, 128).fits_kernel);
}

Test(footprint, so_many_classes_that_a_map_cannot_name_them_do_not_fit)
{
	struct pst_footprint f = measure(2, PST_PACK_MAX_CLASSES + 1);

	cr_assert_not(f.fits_kernel);
	cr_assert_str_eq(f.full.table, "byte classes");
	cr_assert_eq(f.full.need, 255);
	cr_assert_eq(f.full.limit, 254);
	cr_assert(measure(2, PST_PACK_MAX_CLASSES).fits_kernel);
}

Test(footprint, survives_the_failure_of_any_allocation)
{
	uint32_t next[2] = {0};
	uint64_t tags[2] = {0, 1};
	const struct pst_automaton a = {
		.n_states = 2, .n_classes = 1, .start = 1, .next = next, .tags = tags};
	bool done = false;

	for (long n = 0; !done; n++) {
		struct pst_footprint f;
		int r;

		pst_mem_fail_after(n);
		r = pst_footprint_measure(&a, &f);
		done = !pst_mem_failed();
		pst_mem_fail_after(-1);
		cr_assert_eq(r, done ? 0 : -ENOMEM);
	}
}
