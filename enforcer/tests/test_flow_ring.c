// SPDX-License-Identifier: Apache-2.0
#include "enforcer/flow_ring.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static void add(struct pst_flow_ring *r, const char *text)
{
	pst_flow_ring_add_line(r, text, strlen(text));
}

static void expect(const struct pst_flow_ring *r, uint64_t number, const char *text)
{
	char *line = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&line, &len);

	cr_assert_eq(pst_flow_ring_write(r, number, out), 0);
	fclose(out);
	cr_expect_str_eq(line, text);
	cr_expect_eq(pst_flow_ring_has(r, number), *text != 0);
	free(line);
}

Test(flow_ring, keeps_the_last_records_by_their_numbers)
{
	struct pst_flow_ring *r = NULL;

	cr_assert_eq(pst_flow_ring_new(3, 1000, &r), 0);
	cr_assert_eq(pst_flow_ring_first(r), pst_flow_ring_next(r));
	for (const char *const *t = (const char *const[]){"a", "b", "c", "d", NULL}; *t; t++)
		add(r, *t);
	cr_assert_eq(pst_flow_ring_first(r), 1);
	cr_assert_eq(pst_flow_ring_next(r), 4);
	expect(r, 1, "b");
	expect(r, 3, "d");
	expect(r, 0, "");
	expect(r, 4, "");
	pst_flow_ring_free(&r);
}

Test(flow_ring, bytes_are_bounded_as_well)
{
	struct pst_flow_ring *r = NULL;

	cr_assert_eq(pst_flow_ring_new(100, 10, &r), 0);
	add(r, "12345");
	add(r, "67890");
	cr_assert_eq(pst_flow_ring_first(r), 0);
	add(r, "x");
	cr_assert_eq(pst_flow_ring_first(r), 1);
	add(r, "more than ten");
	expect(r, 3, ""); /* what never fits is lost */
	expect(r, 2, "x");
	pst_flow_ring_free(&r);
}

Test(flow_ring, a_record_without_memory_is_a_gap)
{
	struct pst_flow_ring *r = NULL;

	for (long n = 0; n < 2; n++) {
		pst_mem_fail_after(n);
		cr_assert_eq(pst_flow_ring_new(3, 1000, &r), -ENOMEM);
	}
	pst_mem_fail_after(-1);
	cr_assert_eq(pst_flow_ring_new(3, 1000, &r), 0);
	pst_mem_fail_after(0);
	add(r, "lost");
	add(r, "there");
	expect(r, 0, "");
	expect(r, 1, "there");
	pst_flow_ring_free(&r);
	pst_flow_ring_free(&r);
}
