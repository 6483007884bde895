// SPDX-License-Identifier: Apache-2.0
/* Findings that need automata: what a pattern never matches, or always. */
#include <criterion/criterion.h>
#include <string.h>

#include "lint/tests/checked.h"

#define METHOD(m) T_IN("{" T_HTTP_80("{method: '" m "'}") "}")
#define PATH(p)	  T_IN("{" T_HTTP_80("{path: '" p "'}") "}")
#define HOST(h)	  T_IN("{" T_HTTP_80("{host: '" h "'}") "}")
#define TWO(a, b) T_IN("{" T_HTTP_80("{path: '" a "'}, {path: '" b "'}") "}")

struct finding {
	const char *text;
	const char *id;
	const char *marked; /* NULL: no such finding */
};

static void check_all(const struct finding *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cr_expect_eq(t_count(v[i].text, v[i].id), v[i].marked ? 1 : 0, "%s: %s", v[i].id,
			     v[i].text);
		cr_expect_str_eq(t_marked(v[i].text, v[i].id), v[i].marked ? v[i].marked : "");
	}
}

#define CHECK_ALL(v) check_all(v, sizeof(v) / sizeof(*(v)))

Test(languages, a_pattern_without_any_text_is_found_wherever_it_stands)
{
	static const struct finding v[] = {
		{PATH("/a$b"), "regex-matches-nothing", "/a$b"},
		{PATH("/a$"), "regex-matches-nothing", NULL},
		{PATH("/a($|/b)"), "regex-matches-nothing", NULL},
		{PATH("/a|/b$/c"), "regex-matches-nothing", "/b$/c"},
		{PATH("/[^\\x00-\\x{10ffff}]"), "regex-matches-nothing", "/[^\\x00-\\x{10ffff}]"},
		{PATH("/[^\\x00-\\x{10fffe}]"), "regex-matches-nothing", NULL},
		{PATH("/a\\bb"), "regex-matches-nothing", "/a\\bb"},
		{PATH("/a\\b/b"), "regex-matches-nothing", NULL},
		{METHOD("GET^"), "regex-matches-nothing", "GET^"},
		{METHOD("^GET"), "regex-matches-nothing", NULL},
		{HOST("a\\zb"), "regex-matches-nothing", "a\\zb"},
		{HOST("(?i)a\\zb"), "regex-matches-nothing", "(?i)a\\zb"},
		{HOST("(?i)ab\\z"), "regex-matches-nothing", NULL},
	};

	CHECK_ALL(v);
}

Test(languages, a_path_that_cannot_begin_with_a_slash_is_found_behind_a_class)
{
	static const struct finding v[] = {
		{PATH("[a-z]+/x"), "path-without-slash", "[a-z]+/x"},
		{PATH("[a-z/]+/x"), "path-without-slash", NULL},
		{PATH("(a|b)/x"), "path-without-slash", "(a|b)/x"},
		{PATH("(a|/b)/x"), "path-without-slash", NULL},
		{PATH("/a|.b"), "path-without-slash", NULL},
		{PATH("/a|[^/]b"), "path-without-slash", "[^/]b"},
	};

	CHECK_ALL(v);
}

Test(languages, a_path_that_only_strange_targets_have_is_found_behind_what_varies)
{
	static const struct finding v[] = {
		{PATH("/a+//b"), "path-not-normal", "/a+//b"},
		{PATH("/a+/b"), "path-not-normal", NULL},
		{PATH("/[a-z]+#.*"), "path-not-normal", "/[a-z]+#.*"},
		{PATH("/[a-z]+\\?.*"), "path-not-normal", NULL},
		{PATH("/[a-z]+/\\.\\./x"), "path-not-normal", "/[a-z]+/\\.\\./x"},
		/* Behind a question mark nothing is a segment. */
		{PATH("/.*/\\.\\./x"), "path-not-normal", NULL},
		{PATH("/(a|b) c"), "path-not-normal", "/(a|b) c"},
		{PATH("/[\\x80-\\xff]"), "path-not-normal", "/[\\x80-\\xff]"},
	};

	CHECK_ALL(v);
	cr_expect(strstr(t_says(PATH("/a+//b"), "path-not-normal"), "\"/a//b\""), "%s",
		  t_says(PATH("/a+//b"), "path-not-normal"));
}

/* Once, whoever finds it. */
Test(languages, a_path_that_matches_nothing_is_told_once)
{
	static const char *const paths[] = {
		PATH("a"), PATH("//a"), PATH("/a#b"), PATH("/a$b"), PATH("[a]b"), PATH("/[a]//"),
	};
	static const char *const ids[] = {"path-without-slash", "path-not-normal",
					  "regex-matches-nothing"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		size_t n = 0;

		for (size_t k = 0; k < sizeof(ids) / sizeof(*ids); k++)
			n += t_count(paths[i], ids[k]);
		cr_expect_eq(n, 1, "%zu findings in %s", n, paths[i]);
	}
}

Test(languages, a_method_or_a_host_that_no_request_has_is_found)
{
	static const struct finding v[] = {
		{METHOD("[ ,]+"), "method-never-matches", "[ ,]+"},
		{METHOD("[ ,A]+"), "method-never-matches", NULL},
		{METHOD("GET|(PUT|POST) "), "method-never-matches", "(PUT|POST) "},
		{METHOD("GET|CONNECT"), "method-never-matches", "CONNECT"},
		{METHOD("CONNECTION"), "method-never-matches", NULL},
		{HOST("a+, b"), "host-never-matches", "a+, b"},
		{HOST("a+(, b)?"), "host-never-matches", NULL},
		{HOST("(http:/)?/a"), "host-never-matches", NULL}, /* host-with-path says it */
		{HOST("[a-z]+@b"), "host-never-matches", "[a-z]+@b"},
	};

	CHECK_ALL(v);
	cr_expect_eq(t_count(HOST("https://a"), "host-never-matches"), 0);
	cr_expect_eq(t_count(HOST("https://a"), "host-with-path"), 1);
}

Test(languages, a_pattern_that_matches_everything_is_found_unless_it_says_so)
{
	static const struct finding v[] = {
		{PATH("/[^#]*"), "regex-matches-everything", "/[^#]*"},
		{PATH("/[^a]*"), "regex-matches-everything", NULL},
		{PATH("/[^?]*"), "regex-matches-everything", NULL},
		{PATH("(/.*)?"), "regex-matches-everything", "(/.*)?"},
		{PATH("(/.+)?"), "regex-matches-everything", NULL},
		{PATH("/.*"), "regex-matches-everything", NULL},
		{PATH("^/.*$"), "regex-matches-everything", NULL},
		{PATH(".*"), "regex-matches-everything", NULL},
		{PATH("/|/.+"), "regex-matches-everything", "/|/.+"},
		{METHOD("[!-~]+"), "regex-matches-everything", "[!-~]+"},
		{METHOD("[A-Z]+"), "regex-matches-everything", NULL},
		{HOST("[^/]*"), "regex-matches-everything", "[^/]*"},
		{HOST("[^/:]*"), "regex-matches-everything", NULL},
	};

	CHECK_ALL(v);
}

Test(languages, a_path_wider_than_its_neighbour_is_found_with_what_it_lets_in)
{
	static const struct finding v[] = {
		{TWO("/admin.*", "/admin/.*"), "path-wider-than-neighbor", "/admin.*"},
		{TWO("/admin/.*", "/admin.*"), "path-wider-than-neighbor", "/admin.*"},
		{TWO("/admin.+", "/admin/[a-z]+"), "path-wider-than-neighbor", "/admin.+"},
		{TWO("/admin[^#]*", "/admin/x"), "path-wider-than-neighbor", "/admin[^#]*"},
		{TWO("/admin(/.*)?", "/admin/.*"), "path-wider-than-neighbor", NULL},
		{TWO("/admin(\\?.*)?", "/admin/.*"), "path-wider-than-neighbor", NULL},
		{TWO("/admin.*", "/adminx/.*"), "path-wider-than-neighbor", NULL},
		{TWO("/admin.*", "/other/.*"), "path-wider-than-neighbor", NULL},
		{TWO("/v1?/x", "/v/x"), "path-wider-than-neighbor", NULL},
		{TWO("/admin/.*", "/admin/x/.*"), "path-wider-than-neighbor", NULL},
		{PATH("/admin.*"), "path-wider-than-neighbor", NULL},
		/* What is said so is not said again. */
		{TWO("/admin.*", "/admin/.*"), "path-prefix-open", NULL},
		{PATH("/admin.*"), "path-prefix-open", "n.*"},
	};
	static const char text[] = TWO("/admin.*", "/admin/.*");

	CHECK_ALL(v);
	cr_expect(strstr(t_says(text, "path-wider-than-neighbor"), "\"/admina\""), "%s",
		  t_says(text, "path-wider-than-neighbor"));
}

Test(languages, a_pattern_over_the_budget_is_told_with_the_nearest_form_that_is_not)
{
	static const char counted[] = PATH("/.*a[a-z]{20}"), plain[] = PATH("/.*a..............b");
	static const struct finding v[] = {
		{counted, "regex-fallback", "/.*a[a-z]{20}"},
		{PATH("/.*a[a-z]{3}"), "regex-fallback", NULL},
		{PATH("/[a-z]{1,1000}"), "regex-fallback", NULL},
		{plain, "regex-fallback", "/.*a..............b"},
	};

	CHECK_ALL(v);
	cr_expect(strstr(t_says(counted, "regex-fallback"), "\"/.*a[a-z]+\""), "%s",
		  t_says(counted, "regex-fallback"));
	/* Dots are no counts: there is no form to offer. */
	cr_expect(!strstr(t_says(plain, "regex-fallback"), "By \""), "%s",
		  t_says(plain, "regex-fallback"));
}

/* Only the largest counts are let go. */
Test(languages, the_nearest_form_keeps_the_counts_that_do_no_harm)
{
	static const char text[] = PATH("/[0-9]{3}/.*a[a-z]{100}");

	cr_expect(strstr(t_says(text, "regex-fallback"), "\"/[0-9]{3}/.*a[a-z]+\""), "%s",
		  t_says(text, "regex-fallback"));
}

enum { MANY = 200 };

/* Each is another pattern over the budget. */
Test(languages, the_work_of_a_run_has_a_limit_that_is_told)
{
	static char text[65536];
	size_t len = (size_t)snprintf(
		text, sizeof(text), "%s",
		"apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: p}\n"
		"spec: {endpointSelector: {}, ingress: [{toPorts: [{" T_ON_80
		", rules: {http: [\n");

	for (int i = 0; i < MANY; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"{path: '/%d/.*a[a-z]{20}'},\n", i);
	snprintf(text + len, sizeof(text) - len, "]}}]}]}\n");
	cr_expect_eq(t_count(text, "lint-budget"), 1);
	cr_expect_geq(t_count(text, "regex-fallback"), 10);
	cr_expect_lt(t_count(text, "regex-fallback"), MANY);
}
