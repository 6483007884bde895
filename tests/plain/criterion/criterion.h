/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Criterion's words, as far as tests of threads use them, for a plain program in one process.
 * Criterion shares memory with a child at an address that ThreadSanitizer wants for itself.
 */

#include <stdbool.h>
#include <stdio.h>

struct t_plain_suite {
	const char *name;
	void (*init)(void), (*fini)(void);
	struct t_plain_suite *next;
};

struct t_plain {
	const char *suite, *name;
	void (*run)(void);
	struct t_plain *next;
};

void t_plain_add(struct t_plain *test);
void t_plain_add_suite(struct t_plain_suite *suite);

/* WHAT must hold. If not, the test has failed, and STOP ends the program. */
void t_plain_check(bool holds, bool stop, const char *what, const char *file, int line);

#define Test(suite, name)                                                           \
	static void suite##_##name(void);                                           \
	__attribute__((constructor)) static void add_##suite##_##name(void)         \
	{                                                                           \
		static struct t_plain test = {#suite, #name, suite##_##name, NULL}; \
		t_plain_add(&test);                                                 \
	}                                                                           \
	static void suite##_##name(void)

#define TestSuite(suite, ...)                                                    \
	__attribute__((constructor)) static void add_suite_##suite(void)         \
	{                                                                        \
		static struct t_plain_suite row = {.name = #suite, __VA_ARGS__}; \
		t_plain_add_suite(&row);                                         \
	}                                                                        \
	struct t_plain_suite

#define T_MUST(stop, holds)	 t_plain_check(holds, stop, #holds, __FILE__, __LINE__)

/* What they say besides when they fail is left out. */
#define cr_assert(c, ...)	 T_MUST(true, c)
#define cr_assert_not(c, ...)	 T_MUST(true, !(c))
#define cr_assert_eq(a, b, ...)	 T_MUST(true, (a) == (b))
#define cr_assert_lt(a, b, ...)	 T_MUST(true, (a) < (b))
#define cr_assert_leq(a, b, ...) T_MUST(true, (a) <= (b))
#define cr_assert_gt(a, b, ...)	 T_MUST(true, (a) > (b))
#define cr_expect(c, ...)	 T_MUST(false, c)
#define cr_expect_not(c, ...)	 T_MUST(false, !(c))
#define cr_expect_eq(a, b, ...)	 T_MUST(false, (a) == (b))
#define cr_expect_leq(a, b, ...) T_MUST(false, (a) <= (b))
#define cr_expect_null(p, ...)	 T_MUST(false, !(p))
