// SPDX-License-Identifier: Apache-2.0
/* Runs what tests/plain/criterion/criterion.h has made of tests. */
#include "tests/plain/criterion/criterion.h"

#include <stdlib.h>
#include <string.h>

static struct t_plain *all;
static struct t_plain_suite *suites;
static bool failed;

void t_plain_add(struct t_plain *test)
{
	test->next = all;
	all = test;
}

void t_plain_add_suite(struct t_plain_suite *suite)
{
	suite->next = suites;
	suites = suite;
}

void t_plain_check(bool holds, bool stop, const char *what, const char *file, int line)
{
	if (holds)
		return;
	printf("%s:%d: does not hold: %s\n", file, line, what);
	failed = true;
	if (stop)
		exit(1);
}

static void run(const struct t_plain *test)
{
	const struct t_plain_suite *s = suites;

	while (s && strcmp(s->name, test->suite) != 0)
		s = s->next;
	if (s && s->init)
		s->init();
	test->run();
	if (s && s->fini)
		s->fini();
}

int main(void)
{
	size_t n = 0, bad = 0;

	for (const struct t_plain *test = all; test; test = test->next, n++) {
		failed = false;
		run(test);
		bad += failed;
		printf("%s %s/%s\n", failed ? "FAIL" : "ok  ", test->suite, test->name);
	}
	/* In Criterion's words: who adds up reads this. */
	printf("[====] Synthesis: Tested: %zu | Passing: %zu | Failing: %zu | Crashing: 0\n", n,
	       n - bad, bad);
	return !n || bad;
}
