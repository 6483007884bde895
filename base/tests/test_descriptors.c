// SPDX-License-Identifier: Apache-2.0
#include "base/descriptors.h"

#include <criterion/criterion.h>
#include <sys/resource.h>

static void begin(rlim_t soft, rlim_t hard)
{
	const struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void expect(rlim_t soft, rlim_t hard)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_eq(limit.rlim_cur, soft);
	cr_expect_eq(limit.rlim_max, hard);
}

Test(descriptors, are_as_many_as_are_needed)
{
	begin(64, 512);
	cr_expect_eq(pst_descriptors_raise(300), 300);
	expect(300, 512);
}

Test(descriptors, are_as_many_as_there_may_be_if_more_are_needed)
{
	begin(64, 512);
	cr_expect_eq(pst_descriptors_raise(1000), 512);
	expect(512, 512);
}

Test(descriptors, are_never_fewer_than_before)
{
	begin(300, 512);
	cr_expect_eq(pst_descriptors_raise(100), 300);
	expect(300, 512);
}
