// SPDX-License-Identifier: Apache-2.0
#include "enforcer/dues.h"

#include "enforcer/clock.h"
#include "enforcer/wire.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct pst_dues dues;
static int ours, theirs;

static void setup(void)
{
	int fds[2];

	cr_assert_eq(pipe2(fds, O_NONBLOCK), 0);
	ours = fds[0];
	theirs = fds[1];
	dues = (struct pst_dues){.policy_id = 7};
}

TestSuite(dues, .init = setup, .timeout = 30);

static void say(enum pst_wire_kind kind, uint32_t id, int error)
{
	const struct pst_wire w = {.kind = kind, .id = id, .error = error};

	cr_assert_eq(pst_wire_write(theirs, &w), 0);
}

Test(dues, what_is_owed_is_taken_once)
{
	dues.policy_ms = dues.ping_ms = pst_clock_ms();
	say(PST_WIRE_PING, 0, 0);
	say(PST_WIRE_DONE, 7, 0);
	cr_expect_null(pst_dues_hear(&dues, ours));
	cr_expect(!dues.ping_ms && dues.policy_ms);
	cr_expect_null(pst_dues_hear(&dues, ours));
	cr_expect(!dues.policy_ms);
	cr_expect_null(pst_dues_hear(&dues, ours));
	say(PST_WIRE_PING, 0, 0);
	cr_expect_str_eq(pst_dues_hear(&dues, ours), "it says what nobody has asked");
	say(PST_WIRE_DONE, 7, 0);
	cr_expect_str_eq(pst_dues_hear(&dues, ours), "it says what nobody has asked");
}

Test(dues, the_answer_to_an_older_policy_is_none)
{
	dues.policy_ms = pst_clock_ms();
	say(PST_WIRE_DONE, 6, -EINVAL);
	cr_expect_null(pst_dues_hear(&dues, ours));
	cr_expect(dues.policy_ms);
	say(PST_WIRE_DONE, 7, -EINVAL);
	cr_expect_str_eq(pst_dues_hear(&dues, ours), "it is of no use");
}

Test(dues, half_a_word_is_none_and_the_end_is_the_end)
{
	cr_assert_eq(write(theirs, "half", 4), 4);
	cr_expect_str_eq(pst_dues_hear(&dues, ours), "what it says is no message");
	close(theirs);
	cr_expect_eq(pst_dues_hear(&dues, ours), pst_dues_gone);
}

Test(dues, what_is_no_number_of_an_error_is_no_message)
{
	static const int wrong[] = {1, INT32_MAX, INT32_MIN, -4096};

	dues.policy_ms = pst_clock_ms();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		say(PST_WIRE_DONE, 7, wrong[i]);
		cr_expect_str_eq(pst_dues_hear(&dues, ours), "what it says is no message");
	}
	cr_expect(dues.policy_ms);
}

Test(dues, who_is_late_or_deaf_has_missed_something)
{
	cr_expect_null(pst_dues_missed(&dues));
	dues.ping_ms = pst_clock_ms() - PST_DUES_ANSWER_MS - 1000;
	cr_expect_str_eq(pst_dues_missed(&dues), "it does not answer");
	dues.is_deaf = true;
	cr_expect_str_eq(pst_dues_missed(&dues), "it does not read what it is told");
}

Test(dues, a_policy_is_waited_for_and_not_for_ever)
{
	dues.policy_ms = pst_clock_ms();
	say(PST_WIRE_DONE, 6, 0);
	say(PST_WIRE_DONE, 7, 0);
	cr_expect_null(pst_dues_wait(&dues, ours));
	dues.policy_ms = pst_clock_ms() - PST_DUES_ANSWER_MS + 200;
	cr_expect_str_eq(pst_dues_wait(&dues, ours), "it does not answer");
}
