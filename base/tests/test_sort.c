// SPDX-License-Identifier: Apache-2.0
#include "base/sort.h"

#include <criterion/criterion.h>

static size_t n_compared;

static int compare(const void *va, const void *vb)
{
	const int *a = va, *b = vb;

	n_compared++;
	return (*a > *b) - (*a < *b);
}

static void check(int *v, size_t n)
{
	n_compared = 0;
	pst_sort(v, n, sizeof(*v), compare);
	for (size_t i = 1; i < n; i++)
		cr_assert_leq(v[i - 1], v[i]);
}

Test(sort, what_is_in_order_is_looked_at_once)
{
	int v[] = {1, 2, 2, 3, 7};

	check(v, 5);
	cr_assert_eq(n_compared, 4);
}

Test(sort, what_is_not_in_order_is_put_in_order)
{
	for (size_t at = 0; at < 5; at++) {
		int v[] = {2, 4, 6, 8, 10};

		v[at] = 5;
		check(v, 5);
	}
	check((int[]){2, 1}, 2);
	check((int[]){5, 4, 3, 2, 1}, 5);
}

Test(sort, one_or_nothing_is_in_order)
{
	int one = 1;

	check(&one, 1);
	check(NULL, 0);
	cr_assert_eq(n_compared, 0);
}
