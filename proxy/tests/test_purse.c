// SPDX-License-Identifier: Apache-2.0
#include "proxy/purse.h"

#include <criterion/criterion.h>

enum { PAGE = PST_PURSE_PAGE };

static struct pst_share share;
static struct pst_memory memory;
static struct pst_purse purse, other;

static void begin(void)
{
	share.most_bytes = 4 * PAGE;
	memory.limit = 100 * PAGE;
	purse = other = (struct pst_purse){.all = &memory, .share = &share};
}

static void end(void)
{
	cr_expect_eq(share.bytes, 0);
	cr_expect_eq(memory.used, 0);
	cr_expect_eq(purse.paid, 0);
}

TestSuite(purse, .init = begin, .fini = end);

Test(purse, whole_pages_are_paid_of_the_share_and_bytes_of_the_memory)
{
	cr_expect(pst_purse_take(&purse, 1));
	cr_expect_eq(share.bytes, PAGE);
	cr_expect_eq(memory.used, 1);
	cr_expect(pst_purse_take(&purse, PAGE - 1));
	cr_expect_eq(share.bytes, PAGE);
	cr_expect(pst_purse_take(&purse, 1));
	cr_expect_eq(share.bytes, 2 * PAGE);
	pst_purse_give(&purse, 1);
	cr_expect_eq(share.bytes, PAGE);
	pst_purse_give(&purse, PAGE - 1);
	cr_expect_eq(share.bytes, PAGE);
	pst_purse_give(&purse, 1);
}

Test(purse, what_is_refused_has_the_name_of_the_limit_and_is_not_held)
{
	cr_expect(pst_purse_take(&other, 3 * PAGE));
	cr_expect_not(pst_purse_take(&purse, PAGE + 1));
	cr_expect_eq(pst_purse_reason(&purse), PST_REASON_WORKLOAD_LIMIT);
	cr_expect_eq(share.bytes, 3 * PAGE);
	memory.limit = 3 * PAGE;
	cr_expect_not(pst_purse_take(&purse, PAGE));
	cr_expect_eq(pst_purse_reason(&purse), PST_REASON_PROXY_LIMIT);
	cr_expect_eq(share.bytes, 3 * PAGE, "what the memory has not is not the share's either");
	memory.limit = 4 * PAGE;
	cr_expect(pst_purse_take(&purse, PAGE));
	pst_purse_give(&purse, PAGE);
	pst_purse_give(&other, 3 * PAGE);
}

Test(purse, what_is_held_already_may_be_too_much_for_all_of_a_workload)
{
	pst_purse_count(&purse, 4 * PAGE);
	cr_expect_not(pst_purse_is_over(&purse));
	pst_purse_count(&other, 1);
	cr_expect(pst_purse_is_over(&purse));
	cr_expect_eq(pst_purse_reason(&purse), PST_REASON_WORKLOAD_LIMIT);
	pst_purse_give(&other, 1);
	cr_expect_not(pst_purse_is_over(&purse));
	memory.limit = PAGE;
	cr_expect(pst_purse_is_over(&purse));
	cr_expect_eq(pst_purse_reason(&purse), PST_REASON_PROXY_LIMIT);
	pst_purse_give(&purse, 4 * PAGE);
}

Test(purse, without_a_share_the_memory_alone_limits)
{
	purse.share = NULL;
	cr_expect(pst_purse_take(&purse, 50 * PAGE));
	pst_purse_count(&purse, 50 * PAGE);
	cr_expect_not(pst_purse_is_over(&purse));
	cr_expect_not(pst_purse_take(&purse, 1));
	cr_expect_eq(pst_purse_reason(&purse), PST_REASON_PROXY_LIMIT);
	pst_purse_give(&purse, 100 * PAGE);
}
