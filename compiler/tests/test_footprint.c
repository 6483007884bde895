// SPDX-License-Identifier: Apache-2.0
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "compiler/footprint.h"
#include "compiler/pack.h"

/* An automaton of N states and K classes that goes nowhere. */
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
	cr_assert_eq(pst_footprint_measure(&a, &f), 0);
	cr_assert_eq(f.states, n);
	cr_assert_eq(f.classes, k);
	free(a.next);
	free(a.tags);
	return f;
}

Test(footprint, counts_rows_without_the_dead_one_and_a_class_map)
{
	const struct pst_footprint f = measure(3, 4);

	cr_assert_eq(f.bytes, 2 * 5 * 4 + 256);
	cr_assert(f.fits_kernel);
}

/* The cells of the kernel's table less the dead row, in rows of 128. */
Test(footprint, the_last_row_that_fits_fits_and_one_more_does_not)
{
	const uint32_t rows = (PST_CELLS - PST_PACK_DEAD_CELLS) / 128;

	cr_assert(measure(1 + rows, 127).fits_kernel);
	cr_assert_not(measure(2 + rows, 127).fits_kernel);
}

Test(footprint, so_many_classes_that_a_map_cannot_name_them_do_not_fit)
{
	cr_assert(measure(2, PST_PACK_MAX_CLASSES).fits_kernel);
	cr_assert_not(measure(2, PST_PACK_MAX_CLASSES + 1).fits_kernel);
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
