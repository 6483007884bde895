// SPDX-License-Identifier: Apache-2.0
#include "enforcer/slot.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 1000 };

static struct pst_bundle_entry old_entries[MANY], now_entries[MANY];
static struct pst_bundle old = {.entries = old_entries}, now = {.entries = now_entries};
static struct pst_slot_keys keys;

static void teardown(void)
{
	pst_vec_free(&keys);
}

TestSuite(slot, .fini = teardown, .timeout = 30);

static struct pst_bundle_entry entry(uint32_t subject, uint32_t rule)
{
	return (struct pst_bundle_entry){.key = {.subject = subject}, .value = {.rule = rule}};
}

static void expect_keys(const uint32_t *subjects, size_t n)
{
	keys.n = 0;
	cr_assert_eq(pst_slot_compare(&old, &now, &keys), 0);
	cr_assert_eq(keys.n, n);
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(keys.v[i].subject, subjects[i]);
}

Test(slot, nothing_differs_between_two_that_are_the_same)
{
	for (uint32_t i = 0; i < MANY; i++)
		old_entries[i] = now_entries[i] = entry(i, i);
	old.n_entries = now.n_entries = MANY;
	expect_keys(NULL, 0);
	old.n_entries = now.n_entries = 0;
	expect_keys(NULL, 0);
}

Test(slot, what_has_come_or_gone_at_the_end_is_found)
{
	for (uint32_t i = 0; i < MANY; i++)
		old_entries[i] = now_entries[i] = entry(i, i);
	old.n_entries = 128;
	now.n_entries = 130;
	expect_keys((const uint32_t[]){128, 129}, 2);
	old.n_entries = 129;
	now.n_entries = 127;
	expect_keys((const uint32_t[]){127, 128}, 2);
	now.n_entries = 0;
	old.n_entries = 1;
	expect_keys((const uint32_t[]){0}, 1);
}

/* Many entries are compared at once where they are the same. */
Test(slot, what_differs_is_found_wherever_it_is)
{
	uint32_t subjects[MANY];

	srand(7);
	for (int round = 0; round < 500; round++) {
		const int odds = 1 + rand() % 300;
		size_t n = 0;

		old.n_entries = now.n_entries = 0;
		for (uint32_t i = 0; i < MANY; i++) {
			const int fate = rand() % odds ? 3 : rand() % 3;

			if (fate != 0)
				old_entries[old.n_entries++] = entry(i, 1);
			if (fate != 1)
				now_entries[now.n_entries++] = entry(i, fate == 2 ? 2 : 1);
			if (fate != 3)
				subjects[n++] = i;
		}
		expect_keys(subjects, n);
	}
}
