// SPDX-License-Identifier: Apache-2.0
#include "base/vec.h"

#include "base/cleanup.h"

#include <criterion/criterion.h>
#include <errno.h>

struct ints PST_VEC(int);

struct pair {
	int a, b;
};
struct pairs PST_VEC(struct pair);

Test(vec, elements_stay_in_order)
{
	struct ints v = {0};

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(pst_vec_push(&v, i), 0);
	cr_assert_eq(v.n, 1000);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(v.v[i], i);
	pst_vec_free(&v);
}

Test(vec, a_compound_literal_can_be_pushed)
{
	struct pairs v = {0};

	cr_assert_eq(pst_vec_push(&v, (struct pair){.a = 1, .b = 2}), 0);
	cr_assert_eq(v.v[0].b, 2);
	pst_vec_free(&v);
}

Test(vec, the_pushed_expression_is_evaluated_once)
{
	struct ints v = {0};
	int next = 0;

	cr_assert_eq(pst_vec_push(&v, next++), 0);
	cr_assert_eq(next, 1);
	cr_assert_eq(v.v[0], 0);
	pst_vec_free(&v);
}

Test(vec, an_element_of_itself_survives_the_growth)
{
	struct ints v = {0};

	cr_assert_eq(pst_vec_push(&v, 7), 0);
	while (v.n < v.cap)
		cr_assert_eq(pst_vec_push(&v, 0), 0);
	cr_assert_eq(pst_vec_push(&v, v.v[0]), 0);
	cr_assert_eq(v.v[v.n - 1], 7);
	pst_vec_free(&v);
}

Test(vec, without_memory_a_push_changes_nothing)
{
	struct ints v = {0};

	pst_mem_fail_after(0);
	cr_assert_eq(pst_vec_push(&v, 1), -ENOMEM);
	cr_assert_eq(v.n, 0);
	cr_assert_null(v.v);
	while (v.n < 8)
		cr_assert_eq(pst_vec_push(&v, 1), 0);
	pst_mem_fail_after(0);
	cr_assert_eq(pst_vec_push(&v, 2), -ENOMEM);
	cr_assert_eq(v.n, 8);
	cr_assert_eq(v.v[7], 1);
	pst_vec_free(&v);
}

Test(vec, reserve_makes_room_at_once)
{
	struct ints v = {0};
	const int *before;

	cr_assert_eq(pst_vec_reserve(&v, 100), 0);
	cr_assert_eq(v.n, 0);
	before = v.v;
	for (int i = 0; i < 100; i++)
		cr_assert_eq(pst_vec_push(&v, i), 0);
	cr_assert_eq(v.v, before);
	pst_vec_free(&v);
}

Test(vec, free_leaves_an_empty_vector)
{
	struct ints v = {0};

	pst_vec_free(&v);
	cr_assert_eq(pst_vec_push(&v, 1), 0);
	pst_vec_free(&v);
	cr_assert_null(v.v);
	cr_assert_eq(v.n, 0);
	cr_assert_eq(v.cap, 0);
	cr_assert_eq(pst_vec_push(&v, 2), 0);
	pst_vec_free(&v);
}

Test(cleanup, take_ptr_leaves_null)
{
	pst_auto_free char *p = pst_mem_strndup("x", 1);
	pst_auto_free char *taken = PST_TAKE_PTR(p);

	cr_assert_null(p);
	cr_assert_str_eq(taken, "x");
}

Test(cleanup, take_fd_leaves_minus_one)
{
	pst_auto_fd int fd = dup(STDERR_FILENO);
	pst_auto_fd int taken = -1;

	cr_assert_geq(fd, 0);
	taken = PST_TAKE_FD(fd);
	cr_assert_eq(fd, -1);
	cr_assert_geq(taken, 0);
}

Test(cleanup, a_descriptor_is_closed_at_the_end_of_its_scope)
{
	int number;

	{
		pst_auto_fd int fd = dup(STDERR_FILENO);

		number = fd;
		cr_assert_geq(number, 0);
	}
	cr_assert_eq(dup(number), -1);
}
