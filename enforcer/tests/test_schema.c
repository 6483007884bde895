// SPDX-License-Identifier: Apache-2.0
#include "enforcer/schema.h"

#include <criterion/criterion.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "postern.skel.h"

Test(schema, is_the_same_for_the_same_object)
{
	struct postern_bpf *a = postern_bpf__open(), *b = postern_bpf__open();
	char one[PST_SCHEMA_NAME], two[PST_SCHEMA_NAME];

	cr_assert(a && b);
	cr_assert_eq(pst_schema_name(a->obj, one), 0);
	cr_assert_eq(pst_schema_name(b->obj, two), 0);
	cr_assert_str_eq(one, two);
	cr_assert_eq(one[0], 'v');
	cr_assert_eq(strlen(strchr(one, '-') + 1), 16);
	postern_bpf__destroy(a);
	postern_bpf__destroy(b);
}

Test(schema, another_size_of_a_map_is_another_schema)
{
	struct postern_bpf *a = postern_bpf__open();
	char before[PST_SCHEMA_NAME], after[PST_SCHEMA_NAME];

	cr_assert(a);
	cr_assert_eq(pst_schema_name(a->obj, before), 0);
	cr_assert_eq(bpf_map__set_max_entries(a->maps.pst_exchanges, 77), 0);
	cr_assert_eq(pst_schema_name(a->obj, after), 0);
	cr_assert_str_neq(before, after);
	postern_bpf__destroy(a);
}

/* The reply is data of the programs, not of what they share. */
Test(schema, what_the_programs_answer_does_not_matter)
{
	struct postern_bpf *a = postern_bpf__open();
	char before[PST_SCHEMA_NAME], after[PST_SCHEMA_NAME];

	cr_assert(a);
	cr_assert_eq(pst_schema_name(a->obj, before), 0);
	a->rodata->pst_reply_len = 99;
	cr_assert_eq(pst_schema_name(a->obj, after), 0);
	cr_assert_str_eq(before, after);
	postern_bpf__destroy(a);
}
