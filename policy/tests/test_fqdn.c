// SPDX-License-Identifier: Apache-2.0
#include "policy/fqdn.h"

#include <criterion/criterion.h>
#include <string.h>

static bool t_is_name(const char *name, const char *of)
{
	const struct pst_fqdn f = {.name = {.s = name, .len = strlen(name)}};

	return pst_fqdn_matches(&f, of);
}

static bool t_fits(const char *pattern, const char *name)
{
	const struct pst_fqdn f = {.pattern = {.s = pattern, .len = strlen(pattern)}};

	return pst_fqdn_matches(&f, name);
}

Test(fqdn, a_name_is_itself_in_any_case_and_with_or_without_its_last_dot)
{
	cr_expect(t_is_name("one.one.one.one.", "one.one.one.one"));
	cr_expect(t_is_name("one.one.one.one", "one.one.one.one."));
	cr_expect(t_is_name("API.Example.com", "api.eXample.COM"));
	cr_expect_not(t_is_name("example.com", "example.co"));
	cr_expect_not(t_is_name("example.com", "example.comm"));
	cr_expect_not(t_is_name("example.com", "www.example.com"));
	cr_expect_not(t_is_name("example.com", "exampleXcom"));
}

Test(fqdn, a_star_stands_for_no_dot)
{
	cr_expect(t_fits("*.example.com", "www.example.com"));
	cr_expect(t_fits("*.EXAMPLE.com.", "www.example.com"));
	cr_expect_not(t_fits("*.example.com", "example.com"));
	cr_expect_not(t_fits("*.example.com", "a.www.example.com"));
	cr_expect_not(t_fits("*.example.com", "www.example.com.evil"));
	cr_expect(t_fits("*example.com", "example.com"));
	cr_expect(t_fits("*example.com", "my-example.com"));
	cr_expect_not(t_fits("*example.com", "www.example.com"));
}

Test(fqdn, a_star_may_stand_for_nothing_and_several_times)
{
	cr_expect(t_fits("a*b*.c", "ab.c"));
	cr_expect(t_fits("a*b*.c", "axxbyyb_-9.c"));
	cr_expect(t_fits("*a*.*b", "xa.bb"));
	cr_expect_not(t_fits("a*b*.c", "a.c"));
	cr_expect_not(t_fits("*a*.*b", "xa.bc"));
	cr_expect_not(t_fits("*ab.c", "a.ab.c"));
}

Test(fqdn, a_lone_star_is_every_name)
{
	cr_expect(t_fits("*", "a"));
	cr_expect(t_fits("*", "a.b.c"));
	cr_expect_not(t_fits("*.*", "a"));
	cr_expect_not(t_fits("*.*", "a.b.c"));
}

Test(fqdn, two_stars_and_a_dot_are_one_label_or_more)
{
	cr_expect(t_fits("**.example.com", "www.example.com"));
	cr_expect(t_fits("**.example.com", "a.b.c.example.com"));
	cr_expect_not(t_fits("**.example.com", "example.com"));
	cr_expect_not(t_fits("**.example.com", ".example.com"));
	cr_expect_not(t_fits("**.example.com", "wwwexample.com"));
	cr_expect(t_fits("**.a*.com", "x.y.abc.com"));
	cr_expect_not(t_fits("**.a*.com", "abc.com"));
}

Test(fqdn, no_pattern_means_a_name_that_only_begins_or_ends_like_it)
{
	cr_expect_not(t_fits("", "a"));
	cr_expect_not(t_fits("a", ""));
	cr_expect_not(t_fits("a.*", "a."));
	cr_expect_not(t_fits("a.*", "ba.c"));
}
