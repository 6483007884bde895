// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "bpf/told.h"

#include <criterion/criterion.h>

/* Which of the drops at tc become events. */
#define MS 1000000ULL

enum { DEVICE = 7, REASON = 40 };

static __u64 told[PST_TOLD_PLACES];

Test(told, the_first_drop_is_news_also_right_after_boot)
{
	cr_expect(pst_told_is_news(told, DEVICE, REASON, 0));
}

Test(told, the_same_again_is_no_news_before_150_ms)
{
	cr_expect(pst_told_is_news(told, DEVICE, REASON, 1000 * MS));
	cr_expect_not(pst_told_is_news(told, DEVICE, REASON, 1001 * MS));
	cr_expect_not(pst_told_is_news(told, DEVICE, REASON, 1148 * MS));
	cr_expect(pst_told_is_news(told, DEVICE, REASON, 1152 * MS));
	cr_expect_not(pst_told_is_news(told, DEVICE, REASON, 1153 * MS), "since it was told last");
}

Test(told, who_never_stops_is_told_of_again_and_again)
{
	int events = 0;

	for (unsigned at = 0; at < 15000; at++)
		events += pst_told_is_news(told, DEVICE, REASON, 5000 * MS + at * MS);
	cr_expect(events >= 99 && events <= 101, "%d", events);
}

Test(told, another_reason_and_another_device_are_news)
{
	cr_expect(pst_told_is_news(told, DEVICE, REASON, 1000 * MS));
	cr_expect(pst_told_is_news(told, DEVICE, REASON + 1, 1000 * MS));
	cr_expect(pst_told_is_news(told, DEVICE + 1, REASON, 1000 * MS));
	cr_expect_not(pst_told_is_news(told, DEVICE, REASON, 1001 * MS));
}

Test(told, nobody_is_silenced_by_who_has_the_same_place)
{
	__u32 other = DEVICE + PST_TOLD_PLACES;

	for (unsigned at = 0; at < 10; at++) {
		cr_expect(pst_told_is_news(told, DEVICE, REASON, (1000 + at) * MS));
		cr_expect(pst_told_is_news(told, other, REASON, (1000 + at) * MS));
	}
}

Test(told, the_clock_of_ticks_may_come_round)
{
	const __u64 last = 0xffffffffULL << PST_TOLD_SHIFT;

	cr_expect(pst_told_is_news(told, DEVICE, REASON, last));
	cr_expect_not(pst_told_is_news(told, DEVICE, REASON, last + 100 * MS));
	cr_expect(pst_told_is_news(told, DEVICE, REASON, last + 200 * MS));
}
