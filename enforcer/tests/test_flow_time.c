// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_time.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "enforcer/clock.h"

static void expect(const char *text, int64_t ns)
{
	int64_t got = 0;

	cr_assert_eq(pst_flow_time_parse(text, &got), 0, "%s", text);
	cr_assert_eq(got, ns, "%s: %ld", text, got);
}

Test(flow_time, is_written_with_nine_digits_and_read_back)
{
	char text[PST_FLOW_TIME_TEXT];

	cr_assert_str_eq(pst_flow_time_text(INT64_C(1700000000000000042), text),
			 "2023-11-14T22:13:20.000000042Z");
	expect(text, INT64_C(1700000000000000042));
}

Test(flow_time, fractions_and_offsets_of_others_are_read)
{
	expect("2023-11-14T22:13:20Z", INT64_C(1700000000000000000));
	expect("2023-11-14T22:13:20.5Z", INT64_C(1700000000500000000));
	expect("2023-11-15T00:13:20.000000042+02:00", INT64_C(1700000000000000042));
	expect("2023-11-14T20:43:20-01:30", INT64_C(1700000000000000000));
}

Test(flow_time, what_is_no_time_is_refused)
{
	const char *const bad[] = {"",
				   "yesterday",
				   "2023-11-14T22:13:20",
				   "2023-11-14T22:13:20X",
				   "2023-11-14T22:13:20+2",
				   "2023-11-14T22:13:20Z ",
				   "2023-11-14"};
	int64_t got;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert_eq(pst_flow_time_parse(bad[i], &got), -EINVAL, "%s", bad[i]);
}

Test(flow_time, the_clock_of_events_is_turned_into_that_of_people)
{
	int64_t now = pst_flow_time_now(), of = pst_flow_time_of(pst_clock_ns());

	cr_assert_lt(of - now < 0 ? now - of : of - now, INT64_C(1000000000));
}
