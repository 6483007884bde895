// SPDX-License-Identifier: Apache-2.0
#include "enforcer/bucket.h"

#include "enforcer/clock.h"

#include <criterion/criterion.h>

static const uint64_t start = 5 * (uint64_t)PST_NS_PER_S;

static unsigned int take_all(struct pst_bucket *b, uint64_t now)
{
	unsigned int n = 0;

	while (n < 100000 && pst_bucket_take(b, 1, now))
		n++;
	return n;
}

Test(bucket, gives_out_the_burst_and_not_one_more)
{
	struct pst_bucket b;

	pst_bucket_init(&b, 2000, 500, start);
	cr_assert_eq(take_all(&b, start), 500);
}

Test(bucket, earns_its_rate_while_time_passes)
{
	struct pst_bucket b;

	pst_bucket_init(&b, 2000, 500, start);
	take_all(&b, start);
	cr_assert_eq(take_all(&b, start + PST_NS_PER_S / 10), 200);
}

Test(bucket, earns_nothing_before_a_whole_token_is_paid_for)
{
	struct pst_bucket b;

	pst_bucket_init(&b, 1000, 1, start);
	cr_assert(pst_bucket_take(&b, 1, start));
	cr_assert_not(pst_bucket_take(&b, 1, start + PST_NS_PER_MS - 1));
	cr_assert(pst_bucket_take(&b, 1, start + PST_NS_PER_MS));
}

Test(bucket, never_holds_more_than_the_burst)
{
	struct pst_bucket b;

	pst_bucket_init(&b, 2000, 500, start);
	cr_assert_eq(take_all(&b, start + 3600 * (uint64_t)PST_NS_PER_S), 500);
}

Test(bucket, takes_all_or_none)
{
	struct pst_bucket b;

	pst_bucket_init(&b, 10, 3, start);
	cr_assert(pst_bucket_take(&b, 2, start));
	cr_assert_not(pst_bucket_take(&b, 2, start));
	cr_assert(pst_bucket_take(&b, 1, start));
}

Test(bucket, earns_nothing_when_the_clock_goes_back)
{
	struct pst_bucket b;

	pst_bucket_init(&b, 1000, 2, start);
	take_all(&b, start);
	cr_assert_not(pst_bucket_take(&b, 1, start - PST_NS_PER_S));
	cr_assert_not(pst_bucket_take(&b, 1, start));
}

Test(bucket, without_a_rate_or_a_burst_gives_nothing)
{
	struct pst_bucket b;

	pst_bucket_init(&b, 0, 500, start);
	cr_assert_not(pst_bucket_take(&b, 1, start + PST_NS_PER_S));
	pst_bucket_init(&b, 2000, 0, start);
	cr_assert_not(pst_bucket_take(&b, 1, start + PST_NS_PER_S));
}
