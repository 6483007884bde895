// SPDX-License-Identifier: Apache-2.0
#include "enforcer/slot.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

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

/* Who has the address, looked at one by one. */
static uint32_t naive(const struct pst_slot *s, const uint8_t addr[16])
{
	uint32_t identity = PST_ID_WORLD, longest = 0;

	for (size_t i = 0; i < s->n_addrs; i++) {
		const uint32_t bits = s->addrs[i].key.prefixlen - 32;
		bool same = true;

		for (uint32_t k = 0; k < bits && same; k++)
			same = !((s->addrs[i].key.addr[k / 8] ^ addr[k / 8]) & 0x80 >> k % 8);
		if (same && bits + 1 > longest) {
			longest = bits + 1;
			identity = s->addrs[i].value.identity;
		}
	}
	return identity;
}

Test(slot, who_has_an_address_is_found_as_the_kernel_finds_it)
{
	static struct pst_bundle_addr addrs[200];
	static const struct pst_host_prefix host[] = {
		{.addr = {{[10] = 0xff, [11] = 0xff, [12] = 127}}, .len = 104},
		{.addr = {{[10] = 0xff, [11] = 0xff, [12] = 9, [15] = 1}}, .len = 128}};
	struct pst_arena *arena = pst_arena_new();
	struct pst_bundle *b = pst_arena_calloc(arena, 1, sizeof(*b));
	struct pst_slot slot;
	uint8_t addr[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};

	for (uint32_t i = 0; i < 200; i++) {
		struct pst_bundle_addr *a = &addrs[i];

		*a = (struct pst_bundle_addr){.value.identity = 1000 + i,
					      .prefix = (uint8_t)(100 + i % 29)};
		memcpy(a->addr, (uint8_t[]){[10] = 0xff, [11] = 0xff, [12] = 9}, 13);
		for (uint32_t bit = 104; bit < a->prefix; bit++)
			a->addr[bit / 8] |=
				(uint8_t)((i * 2654435761U >> (bit - 104) & 1) << (7 - bit % 8));
		if (a->prefix < 104)
			a->addr[12] &= (uint8_t)(0xff00 >> (a->prefix - 96));
	}
	*b = (struct pst_bundle){.arena = arena, .addrs = addrs, .n_addrs = 200};
	cr_assert_eq(pst_slot_init(&b, host, 2, 1, &slot), 0);
	cr_expect_eq(pst_slot_find(&slot, addr).identity, PST_ID_HOST);
	memcpy(addr + 12, (uint8_t[]){9, 0, 0, 1}, 4);
	cr_expect_eq(pst_slot_find(&slot, addr).identity, PST_ID_HOST);
	memset(addr, 0x20, sizeof(addr));
	cr_expect_eq(pst_slot_find(&slot, addr).identity, PST_ID_WORLD);
	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(addr, addrs[i % 200].addr, 16);
		addr[12 + i % 4] ^= (uint8_t)(i * 2654435761U >> 24 & 0x11);
		cr_assert_eq(pst_slot_find(&slot, addr).identity, naive(&slot, addr), "%u", i);
	}
	pst_slot_fini(&slot);
}
