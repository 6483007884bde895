// SPDX-License-Identifier: Apache-2.0
#include "proxy/buffer.h"

#include <criterion/criterion.h>
#include <pthread.h>

#include "proxy/purse.h"

enum { LIMIT = 1 << 20, THREADS = 4, ROUNDS = 2000, STEP = 8 * 1024 };

Test(pool, lends_up_to_its_limit_and_not_a_byte_more)
{
	struct pst_memory_pool pool;
	struct pst_memory a = {.pool = &pool}, b = {.pool = &pool};

	pst_memory_pool_init(&pool, LIMIT, 2);
	cr_expect(pst_memory_fits(&a, LIMIT - 100));
	a.used = LIMIT - 100;
	cr_expect(pst_memory_fits(&b, 100));
	b.used = 100;
	cr_expect_not(pst_memory_fits(&a, 1));
	cr_expect_not(pst_memory_fits(&b, 1));
	cr_expect_not(pst_memory_fits(&b, SIZE_MAX));
}

Test(pool, gets_back_what_is_not_used)
{
	struct pst_memory_pool pool;
	struct pst_memory a = {.pool = &pool}, b = {.pool = &pool};

	pst_memory_pool_init(&pool, LIMIT, 2);
	cr_expect(pst_memory_fits(&a, LIMIT));
	a.used = LIMIT;
	pst_memory_settle(&a);
	cr_expect_not(pst_memory_fits(&b, 1));
	a.used = 0;
	pst_memory_settle(&a);
	cr_expect_eq(a.limit + pool.left, LIMIT);
	cr_expect(pst_memory_fits(&b, LIMIT / 2));
}

static void *use(void *ctx)
{
	struct pst_memory *m = ctx;

	for (int i = 0; i < ROUNDS; i++) {
		if (i % 16 < 8 && pst_memory_fits(m, STEP))
			m->used += STEP;
		else if (m->used)
			m->used -= STEP;
		pst_memory_settle(m);
	}
	return NULL;
}

Test(pool, neither_loses_nor_makes_bytes_between_threads)
{
	struct pst_memory m[THREADS] = {0};
	struct pst_memory_pool pool;
	pthread_t threads[THREADS];
	size_t all = 0;

	pst_memory_pool_init(&pool, LIMIT, THREADS);
	for (int i = 0; i < THREADS; i++) {
		m[i].pool = &pool;
		cr_assert_eq(pthread_create(&threads[i], NULL, use, &m[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_leq(m[i].used, m[i].limit);
		all += m[i].limit;
	}
	cr_expect_eq(all + pool.left, LIMIT);
}

static void grow_to(struct pst_buffer *b, size_t size, struct pst_purse *p)
{
	while (b->cap < size) {
		bool failed;

		cr_assert_gt(pst_buffer_room(b, size, p, &failed), 0);
		b->end = b->cap;
	}
}

Test(buffer, keeps_some_of_each_size_for_the_next_and_gives_them_back)
{
	enum { N = PST_BUFFER_LARGE_SPARES + 4 };
	struct pst_memory m = {.limit = SIZE_MAX};
	struct pst_purse purse = {.all = &m};
	struct pst_buffer b[N] = {{.v = NULL}};
	const char *was;

	for (int i = 0; i < N; i++)
		grow_to(&b[i], PST_BUFFER_BODY, &purse);
	cr_expect_eq(m.used, N * PST_BUFFER_BODY);
	for (int i = N; i-- > 0;)
		pst_buffer_fini(&b[i], &purse);
	cr_expect_eq(m.used, 0, "what is kept is nobody's");
	for (int i = 1; i < PST_BUFFER_SIZES; i++)
		cr_expect_leq(m.spares[i].n, PST_BUFFER_LARGE_SPARES);
	cr_expect_eq(m.spares[PST_BUFFER_SIZES - 1].n, PST_BUFFER_LARGE_SPARES);

	was = m.spares[PST_BUFFER_SIZES - 1].v[PST_BUFFER_LARGE_SPARES - 1];
	grow_to(&b[0], PST_BUFFER_BODY, &purse);
	cr_expect_eq(b[0].v, was, "it is used again");
	pst_buffer_fini(&b[0], &purse);

	pst_memory_trim(&m);
	for (int i = 0; i < PST_BUFFER_SIZES; i++)
		cr_expect_eq(m.spares[i].n, 0);
	pst_memory_fini(&m);
}

/* What is in it: letters, in their order. */
static void expect_letters(const struct pst_buffer *b, size_t n)
{
	cr_assert_eq(pst_buffer_passed(b), n);
	for (size_t i = 1; i < n; i++)
		cr_assert_eq(b->v[b->begin + i], 'a' + (b->v[b->begin + i - 1] - 'a' + 1) % 26);
}

Test(buffer, few_bytes_lie_in_little_and_move_when_they_become_many)
{
	struct pst_memory m = {.limit = SIZE_MAX};
	struct pst_purse purse = {.all = &m};
	struct pst_buffer b = {.v = NULL};
	size_t n = 0;

	cr_assert(pst_buffer_begin(&b, 12, &purse));
	cr_expect_eq(m.used, PST_BUFFER_LITTLE);
	for (; n < PST_BUFFER_LITTLE + 100; n++) {
		const char letter = (char)('a' + n % 26);

		cr_assert(pst_buffer_append(&b, &letter, 1, PST_BUFFER_BODY, &purse));
		cr_expect_eq(m.used, n < PST_BUFFER_LITTLE ? PST_BUFFER_LITTLE : PST_BUFFER_FIRST);
	}
	expect_letters(&b, n);
	pst_buffer_sent(&b, n - 3);
	expect_letters(&b, 3);
	pst_buffer_fini(&b, &purse);
	cr_expect_eq(m.used, 0);

	cr_assert(pst_buffer_begin(&b, PST_BUFFER_LITTLE + 1, &purse));
	cr_expect_null(b.v, "those are not few");
	pst_memory_fini(&m);
}

Test(buffer, appends_up_to_its_limit_and_nothing_beyond_it)
{
	static char bytes[PST_BUFFER_BODY];
	struct pst_memory m = {.limit = SIZE_MAX};
	struct pst_purse purse = {.all = &m};
	struct pst_buffer b = {.v = NULL};

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)('a' + i % 26);
	cr_assert(pst_buffer_append(&b, bytes, sizeof(bytes), PST_BUFFER_BODY, &purse));
	cr_expect_not(pst_buffer_append(&b, bytes, 1, PST_BUFFER_BODY, &purse));
	expect_letters(&b, sizeof(bytes));
	pst_buffer_sent(&b, 26);
	cr_expect(pst_buffer_append(&b, bytes + sizeof(bytes) % 26, 26, PST_BUFFER_BODY, &purse),
		  "what was sent makes room");
	expect_letters(&b, sizeof(bytes));
	m.limit = m.used;
	cr_expect_not(pst_buffer_append(&b, bytes, 1, 2 * PST_BUFFER_BODY, &purse),
		      "all together may not have more");
	pst_buffer_fini(&b, &purse);
	pst_memory_fini(&m);
}
