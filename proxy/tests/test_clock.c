// SPDX-License-Identifier: Apache-2.0
#include "proxy/clock.h"

#include <criterion/criterion.h>

static struct pst_clock clock_at;
static struct pst_timer timer;

/* Set at 0 ms and at 600; each kind has 1,000. When it is due. */
static uint64_t due_when_set_twice(enum pst_wait wait)
{
	pst_clock_init(&clock_at);
	timer = (struct pst_timer){.wait = PST_WAIT_NONE};
	for (int i = 0; i < PST_WAIT_MAX; i++)
		clock_at.after_ms[i] = 1000;
	clock_at.now_ms = 0;
	pst_clock_set(&clock_at, &timer, wait);
	clock_at.now_ms = 600;
	pst_clock_set(&clock_at, &timer, wait);
	while (!pst_clock_due(&clock_at) && clock_at.now_ms < 5000)
		clock_at.now_ms++;
	return clock_at.now_ms;
}

Test(clock, whoever_says_a_word_now_and_then_is_not_idle)
{
	cr_expect_eq(due_when_set_twice(PST_WAIT_IDLE), 1600);
	cr_expect_eq(due_when_set_twice(PST_WAIT_REST), 1600);
}

Test(clock, words_of_a_client_give_no_time_to_a_head_an_end_or_a_server)
{
	cr_expect_eq(due_when_set_twice(PST_WAIT_HEAD), 1000);
	cr_expect_eq(due_when_set_twice(PST_WAIT_LINGER), 1000);
	cr_expect_eq(due_when_set_twice(PST_WAIT_CONNECT), 1000);
}

Test(clock, what_is_over_may_begin_anew)
{
	cr_expect_eq(due_when_set_twice(PST_WAIT_HEAD), 1000);
	pst_clock_set(&clock_at, &timer, PST_WAIT_NONE);
	pst_clock_set(&clock_at, &timer, PST_WAIT_HEAD);
	cr_expect_null(pst_clock_due(&clock_at));
	cr_expect_eq(pst_clock_next(&clock_at), 1000);
}
