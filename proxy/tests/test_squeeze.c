// SPDX-License-Identifier: Apache-2.0
#include "proxy/squeeze.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { SIZE = 8192 };

static char bytes[SIZE], again[SIZE];

/* How many bytes the copy has, which must say the same. */
static size_t there_and_back(size_t size)
{
	void *kept;
	size_t n;

	cr_assert_eq(pst_squeeze(bytes, size, &kept, &n), 0);
	memset(again, 0, sizeof(again));
	pst_unsqueeze(kept, again, size);
	cr_expect_eq(memcmp(again, bytes, size), 0, "of %zu bytes", size);
	for (size_t i = size; i < SIZE; i++)
		cr_assert_eq(again[i], 0, "byte %zu behind %zu", i, size);
	free(kept);
	return n;
}

Test(squeeze, zeros_need_nothing)
{
	memset(bytes, 0, SIZE);
	cr_expect_eq(there_and_back(SIZE), 0);
	cr_expect_eq(there_and_back(0), 0);
}

Test(squeeze, a_byte_in_any_place_comes_back)
{
	for (size_t at = 0; at < SIZE; at += 37) {
		memset(bytes, 0, SIZE);
		bytes[at] = -1;
		cr_expect_leq(there_and_back(SIZE), SIZE / 8 / 16 + 8 + 1);
	}
}

Test(squeeze, whatever_there_is_comes_back)
{
	uint64_t x = 88172645463325252ULL;

	for (int round = 0; round < 500; round++) {
		size_t size = 8 * (size_t)(round % 70);

		for (size_t i = 0; i < SIZE; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[i] = (int)(x % 100) < round % 101 ? (char)(x >> 32) : 0;
		}
		cr_expect_leq(there_and_back(size), size + size / 8);
	}
}

Test(squeeze, without_memory_there_is_no_copy)
{
	void *kept = bytes;
	size_t n = 7;

	memset(bytes, 1, SIZE);
	pst_mem_fail_after(0);
	cr_expect_neq(pst_squeeze(bytes, SIZE, &kept, &n), 0);
	pst_mem_fail_after(-1);
	cr_expect(kept == bytes && n == 7);
}
