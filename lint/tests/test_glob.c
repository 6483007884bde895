// SPDX-License-Identifier: Apache-2.0
#include "lint/glob.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct row {
	const char *pattern, *path;
	bool matches;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(pst_glob_matches(rows[i].pattern, rows[i].path), rows[i].matches,
			     "\"%s\" and \"%s\"", rows[i].pattern, rows[i].path);
}

#define CHECK(...)                                              \
	do {                                                    \
		static const struct row rows[] = {__VA_ARGS__}; \
		check(rows, sizeof(rows) / sizeof(*rows));      \
	} while (0)

Test(glob, a_star_stays_within_a_name)
{
	CHECK({"a/*.yaml", "a/b.yaml", true}, {"a/*.yaml", "a/.yaml", true},
	      {"a/*.yaml", "a/b/c.yaml", false}, {"a/*.yaml", "a/b.yml", false}, {"*", "a", true},
	      {"a*b*c", "axxbyyc", true}, {"a*b*c", "axxbyy", false}, {"a?c", "abc", true},
	      {"a?c", "ac", false}, {"a?c", "a/c", false});
}

Test(glob, two_stars_stand_for_any_directories)
{
	CHECK({"**/x.yaml", "x.yaml", true}, {"**/x.yaml", "a/b/x.yaml", true},
	      {"**/x.yaml", "a/b/xx.yaml", false}, {"a/**/z", "a/z", true},
	      {"a/**/z", "a/b/c/z", true}, {"a/**/z", "a/b/c/y", false}, {"a/**", "a/b", true},
	      {"a/**", "b/a", false}, {"**/a/**/b", "x/a/y/a/z/b", true}, {"**b", "a/b", false},
	      {"**", "a", true});
}

Test(glob, a_directory_covers_what_is_below_it)
{
	CHECK({"a", "a/b/c", true}, {"a/", "a/b", true}, {"a/b", "a/bc", false},
	      {"a/b", "a", false}, {"./a", "a/b", true}, {"b", "a/b", false}, {"", "a", false});
}

Test(glob, a_set_is_one_byte_of_it)
{
	CHECK({"[a-c]x", "bx", true}, {"[a-c]x", "dx", false}, {"[!a-c]x", "dx", true},
	      {"[!a-c]x", "ax", false}, {"[]]x", "]x", true}, {"[a-]", "-", true},
	      {"[a", "[a", true}, {"[a", "a", false}, {"[a/b]", "a", false});
}

Test(glob, matching_takes_no_more_than_the_product_of_both_lengths)
{
	char pattern[2001], path[4001];
	clock_t start = clock();

	for (size_t i = 0; i < 2000; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[2000] = '\0';
	memset(path, 'a', 4000);
	path[4000] = '\0';
	path[3999] = 'b';
	cr_assert_not(pst_glob_matches(pattern, path));
	cr_assert_lt(clock() - start, CLOCKS_PER_SEC);
}
