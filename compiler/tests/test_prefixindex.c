// SPDX-License-Identifier: Apache-2.0
#include "compiler/prefixindex.h"
#include "compiler/tests/model.h"

#include <criterion/criterion.h>

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

static const char *const some[] = {
	"10.1.0.0/16", "10.0.0.0/8",	 "::/0",	  "10.1.2.0/24",     "0.0.0.0/0",
	"11.0.0.0/8",  "10.1.2.3/32",	 "2001:db8::/32", "2001:db8:1::/48", "255.255.255.255/32",
	"10.1.0.0/16", "9.255.255.0/24", "::1/128",	  "ffff::/16",	     "128.0.0.0/1",
};

/* Each one with the bits behind it, as in a rule that names them all. */
Test(prefixindex, it_finds_what_lies_in_a_prefix_and_nothing_else_once)
{
	struct pst_prefixindex *x = pst_prefixindex_new();

	for (uint32_t i = 0; i < COUNT(some); i++) {
		const struct pst_prefix p = model_prefix(some[i]);

		cr_assert_eq(pst_prefixindex_add(x, i, &p), 0);
	}
	for (size_t k = 0; k < COUNT(some); k++) {
		const struct pst_prefix outer = model_prefix(some[k]), *filed;
		const struct pst_span span = pst_prefixindex_find(x, &outer);
		uint8_t found[COUNT(some)] = {0};

		for (size_t at = span.begin; at < span.end; at++) {
			const uint32_t slot = pst_prefixindex_at(x, at, &filed);
			const struct pst_prefix p = model_prefix(some[slot]);

			cr_expect_eq(pst_prefix_cmp(filed, &p), 0);
			found[slot]++;
		}
		for (size_t i = 0; i < COUNT(some); i++) {
			const struct pst_prefix p = model_prefix(some[i]);

			cr_expect_eq(found[i], pst_prefix_contains(&outer, &p), "%s in %s: %d",
				     some[i], some[k], found[i]);
		}
	}
	pst_prefixindex_free(&x);
}

Test(prefixindex, where_nothing_is_filed_the_span_is_empty)
{
	struct pst_prefixindex *x = pst_prefixindex_new();
	const struct pst_prefix one = model_prefix("10.0.0.1/32"),
				wide = model_prefix("10.0.0.0/8"),
				before = model_prefix("10.0.0.0/32"),
				behind = model_prefix("10.0.0.2/31"), other = model_prefix("::/0");
	const struct pst_prefix *const empty[] = {&before, &behind, &other};
	struct pst_span span = pst_prefixindex_find(x, &one);

	cr_expect_eq(span.begin, span.end);
	cr_assert_eq(pst_prefixindex_add(x, 7, &one), 0);
	for (size_t i = 0; i < COUNT(empty); i++) {
		span = pst_prefixindex_find(x, empty[i]);
		cr_expect_eq(span.begin, span.end, "%zu", i);
	}
	span = pst_prefixindex_find(x, &wide);
	cr_expect_eq(span.end - span.begin, 1);
	pst_prefixindex_free(&x);
}
