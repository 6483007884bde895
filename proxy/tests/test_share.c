// SPDX-License-Identifier: Apache-2.0
#include "proxy/share.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 4, ROUNDS = 20000, MOST = 3, BYTES = 1000 };

static struct pst_shares shares;

static void begin(void)
{
	pst_shares_init(&shares, MOST, BYTES);
}

/* Everything was given back. */
static void end(void)
{
	for (int i = 0; i < PST_SHARE_BUCKETS; i++)
		cr_expect_null(shares.buckets[i]);
	pst_shares_fini(&shares);
}

TestSuite(share, .init = begin, .fini = end);

static struct pst_addr workload(uint8_t subnet, uint8_t host)
{
	return (struct pst_addr){.b = {[10] = 0xff, [11] = 0xff, 10, 0, subnet, host}};
}

static int take(struct pst_addr of, struct pst_share **ret)
{
	return pst_share_take(&shares, &of, ret);
}

Test(share, one_that_has_all_it_may_have_leaves_the_others_theirs)
{
	struct pst_share *a[MOST], *b, *unused;

	for (int i = 0; i < MOST; i++)
		cr_assert(!take(workload(0, 1), &a[i]));
	cr_expect_eq(take(workload(0, 1), &unused), -EDQUOT);
	cr_expect(!take(workload(0, 2), &b));
	pst_share_give(&shares, a[0]);
	cr_expect(!take(workload(0, 1), &a[0]));
	cr_expect_eq(take(workload(0, 1), &unused), -EDQUOT);
	for (int i = 0; i < MOST; i++)
		pst_share_give(&shares, a[i]);
	pst_share_give(&shares, b);
}

Test(share, bytes_are_of_all_connections_of_a_workload)
{
	struct pst_share *a[2], *b;

	cr_assert(!take(workload(0, 1), &a[0]));
	cr_assert(!take(workload(0, 1), &a[1]));
	cr_assert(!take(workload(0, 2), &b));
	cr_expect(pst_share_take_bytes(a[0], 600));
	cr_expect(pst_share_take_bytes(a[1], 400));
	cr_expect_not(pst_share_take_bytes(a[1], 1));
	cr_expect_not(pst_share_take_bytes(a[0], SIZE_MAX));
	cr_expect_not(pst_share_is_over(a[0]));
	cr_expect(pst_share_take_bytes(b, BYTES));
	pst_share_count_bytes(a[0], 1);
	cr_expect(pst_share_is_over(a[1]));
	cr_expect_not(pst_share_take_bytes(a[1], 0));
	cr_expect_not(pst_share_is_over(b));
	pst_share_give_bytes(a[0], 601);
	cr_expect(pst_share_take_bytes(a[1], 600));
	pst_share_give_bytes(a[1], 1000);
	for (int i = 0; i < 2; i++)
		pst_share_give(&shares, a[i]);
	pst_share_give_bytes(b, BYTES);
	pst_share_give(&shares, b);
}

Test(share, the_last_connection_takes_the_share_away)
{
	struct pst_share *s[2];

	cr_assert(!take(workload(0, 1), &s[0]));
	cr_assert(!take(workload(0, 1), &s[1]));
	cr_expect_eq(s[0], s[1]);
	pst_share_give(&shares, s[0]);
	pst_share_give(&shares, s[1]);
}

/* There are more of them than buckets. */
Test(share, workloads_in_one_bucket_are_told_apart)
{
	struct pst_share *s[4][256], *unused;

	shares.most_conns = 1;
	for (int net = 0; net < 4; net++)
		for (int i = 0; i < 256; i++)
			cr_assert(!take(workload((uint8_t)net, (uint8_t)i), &s[net][i]));
	for (int net = 0; net < 4; net++) {
		for (int i = 0; i < 256; i += 5)
			cr_expect_eq(take(workload((uint8_t)net, (uint8_t)i), &unused), -EDQUOT);
		for (int i = 0; i < 256; i++)
			pst_share_give(&shares, s[net][i]);
	}
}

/* Of each workload, at this moment: as the test counts, not as shares do. */
static atomic_int conns[2], bytes[2];
static atomic_int too_many;

/* Connections of two workloads begin, hold something, and end. */
static void *use(void *unused)
{
	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		const int of = i % 8 == 0;
		const int n = 300 + i % 200;
		struct pst_share *s;

		if (take(workload(0, (uint8_t)of), &s))
			continue;
		too_many += atomic_fetch_add(&conns[of], 1) >= MOST;
		if (pst_share_take_bytes(s, (size_t)n)) {
			too_many += atomic_fetch_add(&bytes[of], n) + n > BYTES;
			sched_yield();
			bytes[of] -= n;
			pst_share_give_bytes(s, (size_t)n);
		}
		conns[of]--;
		pst_share_give(&shares, s);
	}
	return NULL;
}

Test(share, threads_together_get_no_more_than_one_and_leave_nothing)
{
	struct pst_share *s[MOST];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, use, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(too_many, 0);
	for (int i = 0; i < MOST; i++)
		cr_assert(!take(workload(0, 1), &s[i]));
	cr_expect(pst_share_take_bytes(s[0], BYTES), "all of it is there again");
	pst_share_give_bytes(s[0], BYTES);
	for (int i = 0; i < MOST; i++)
		pst_share_give(&shares, s[i]);
}
