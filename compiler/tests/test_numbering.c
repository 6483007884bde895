// SPDX-License-Identifier: Apache-2.0
#include "compiler/numbering.h"

#include "bpf/abi.h"
#include "compiler/identity.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

enum { MANY = 5000 };

static struct pst_numbering numbers;

static uint32_t take(const char *source, const char *key, const char *value)
{
	struct pst_label label = {.source = source, .key = key, .value = value};
	const struct pst_labels labels = {.v = &label, .n = 1};

	return pst_numbering_take(&numbers, &labels);
}

static uint32_t take_app(unsigned int i)
{
	char value[32];

	snprintf(value, sizeof(value), "app-%u", i);
	return take("k8s", "app", value);
}

static void init(size_t n)
{
	cr_assert_eq(pst_numbering_init(&numbers, PST_ID_LOCAL, n), 0);
}

Test(numbering, whoever_is_there_beside_it_a_label_set_has_its_number)
{
	static uint32_t all[MANY];
	unsigned int moved = 0;

	init(MANY);
	for (unsigned int i = 0; i < MANY; i++)
		all[i] = take_app(i);
	pst_numbering_fini(&numbers);
	init(MANY);
	for (unsigned int i = 0; i < MANY; i++)
		if (i != MANY / 2)
			moved += take_app(i) != all[i];
	pst_numbering_fini(&numbers);
	/* Only those whom the one that is missing had pushed on. */
	cr_assert_leq(moved, 3);
}

Test(numbering, no_number_is_given_twice_and_all_are_in_their_range)
{
	static uint8_t seen[1 << 16];
	const size_t n = 1 << 15;

	init(n);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t number = take_app(i);

		cr_assert(number >= PST_ID_LOCAL && number < 1 << 16);
		cr_assert(!seen[number]++);
	}
	pst_numbering_fini(&numbers);
}

Test(numbering, equal_labels_that_ask_again_get_another_number)
{
	uint32_t one, other;

	init(2);
	one = take_app(1);
	other = take_app(1);
	cr_assert_eq(other, one + 1 < 1 << 16 ? one + 1 : PST_ID_LOCAL);
	pst_numbering_fini(&numbers);
}

Test(numbering, source_key_and_value_count_and_so_does_where_they_end)
{
	uint32_t all[6];

	init(6);
	all[0] = take("k8s", "ab", "c");
	all[1] = take("k8s", "a", "bc");
	all[2] = take("k8sa", "b", "c");
	all[3] = take("any", "ab", "c");
	all[4] = take("k8s", "ab", "");
	all[5] = take("k8s", "c", "ab");
	pst_numbering_fini(&numbers);
	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < i; k++)
			cr_assert(all[i] > all[k] + 1 || all[k] > all[i] + 1, "%zu and %zu: %u, %u",
				  i, k, all[i], all[k]);
}

Test(numbering, more_than_half_of_the_small_range_have_the_large_one)
{
	uint32_t most = 0;

	init((1 << 15) + 1);
	for (unsigned int i = 0; i < 1000; i++) {
		uint32_t number = take_app(i);

		most = number > most ? number : most;
	}
	pst_numbering_fini(&numbers);
	cr_assert(most >= 1 << 16 && most < 1 << 24, "%u", most);
	cr_assert_neq(pst_numbering_init(&numbers, PST_ID_LOCAL, 1 << 24), 0);
}

/* Whoever may choose labels can make many of them want one number. */
Test(numbering, labels_that_all_want_one_number_are_passed_over_4096_at_a_step)
{
	const size_t n = 1 << 18;
	uint32_t first, last;

	init(n);
	first = last = take_app(1);
	for (size_t i = 1; i < n; i++) {
		const uint32_t number = take_app(1);

		cr_assert_eq(number, last + 1 < 1 << 24 ? last + 1 : PST_ID_LOCAL);
		last = number;
	}
	cr_assert_neq(first, last);
	/* The first word, the last one, and one for each 4,096 numbers that are taken. */
	cr_assert_leq(numbers.looked, n * (3 + n / 4096));
	pst_numbering_fini(&numbers);
}

Test(numbering, every_number_of_a_range_can_be_taken_wherever_one_begins)
{
	static uint8_t seen[1 << 16];
	const uint32_t firsts[] = {PST_ID_LOCAL, PST_ID_FIRST_PREFIX};

	for (size_t k = 0; k < sizeof(firsts) / sizeof(*firsts); k++) {
		const uint32_t n = (1 << 16) - (firsts[k] & 0xffff);

		memset(seen, 0, sizeof(seen));
		/* Half of them ask, and the other half once more. */
		cr_assert_eq(pst_numbering_init(&numbers, firsts[k], n / 2), 0);
		for (uint32_t i = 0; i < n; i++) {
			const uint32_t number = take_app(i / 3);

			cr_assert(number >= firsts[k] && number - firsts[k] < n);
			cr_assert(!seen[number - firsts[k]]++);
		}
		pst_numbering_fini(&numbers);
	}
}
