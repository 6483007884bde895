// SPDX-License-Identifier: Apache-2.0
#include "enforcer/helper.h"

#include <criterion/criterion.h>
#include <errno.h>

static void need_rights(void)
{
	if (pst_helper_try(BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_ktime_get_ns) == -EPERM)
		cr_skip_test("may not load BPF programs");
}

TestSuite(helper, .init = need_rights);

Test(helper, that_every_kernel_gives_a_type_is_found)
{
	cr_assert_eq(pst_helper_try(BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_ktime_get_ns), 1);
	cr_assert_eq(pst_helper_try(BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_skb_load_bytes), 1);
	cr_assert_eq(pst_helper_try(BPF_PROG_TYPE_SK_MSG, BPF_FUNC_msg_pull_data), 1);
	cr_assert_eq(pst_helper_try(BPF_PROG_TYPE_SOCK_OPS, BPF_FUNC_sock_hash_update), 1);
}

Test(helper, of_another_type_is_not_found)
{
	cr_assert_eq(pst_helper_try(BPF_PROG_TYPE_CGROUP_SKB, BPF_FUNC_msg_pull_data), 0);
	cr_assert_eq(pst_helper_try(BPF_PROG_TYPE_SK_MSG, BPF_FUNC_skb_load_bytes), 0);
}

Test(helper, that_no_kernel_has_is_not_found)
{
	cr_assert_eq(pst_helper_try(BPF_PROG_TYPE_CGROUP_SKB, (enum bpf_func_id)100000), 0);
}

Test(helper, of_a_type_that_does_not_load_is_unknown)
{
	cr_assert_lt(pst_helper_try((enum bpf_prog_type)100000, BPF_FUNC_ktime_get_ns), 0);
}
