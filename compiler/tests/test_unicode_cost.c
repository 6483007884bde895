// SPDX-License-Identifier: Apache-2.0
/*
 * What Unicode costs: a class is a few bytes of a pattern and hundreds of states. docs/regex.md
 * shows the table below; it changes when the version of Unicode does.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "compiler/automaton.h"
#include "compiler/footprint.h"
#include "compiler/regex.h"

static int build(const char *re, struct pst_diags *diags, struct pst_automaton **ret_automaton)
{
	const struct pst_pattern pattern = {
		.re = re, .len = strlen(re), .pos = {NULL, 1, 1, 1, 1}, .tag = 1};

	return pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags,
				   ret_automaton);
}

Test(unicode_cost, the_tables_of_classes_are_as_large_as_documented)
{
	static const struct {
		const char *re;
		uint32_t states, classes;
		uint64_t bytes;
		bool fits_kernel;
	} rows[] = {
		{"(?i)k+", 5, 5, 284, true},
		{"\\p{Greek}+", 24, 44, 876, true},
		{"\\p{Han}+", 33, 45, 1560, true},
		{"\\p{Lu}", 75, 87, 6780, true},
		{"\\p{L}", 292, 95, 36140, true},
		{"\\p{L}+", 292, 95, 36260, true},
		{"(?i)\\p{L}+", 292, 95, 36264, true},
		{"[^\\pL/]+", 294, 97, 29252, true},
		{"/api/[\\pL\\pN_-]+/x", 327, 100, 44544, true},
		{"\\pL{1,5}", 1452, 95, 179676, true},
		{"\\pL{1,10}", 2902, 95, 359096, true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pst_diags *diags = pst_diags_new();
		struct pst_automaton *a = NULL;
		struct pst_footprint f = {0};

		cr_assert_eq(build(rows[i].re, diags, &a), 0);
		cr_assert_eq(pst_footprint_measure(a, &f), 0);
		cr_expect(f.states == rows[i].states && f.classes == rows[i].classes &&
				  f.bytes == rows[i].bytes && f.fits_kernel == rows[i].fits_kernel,
			  "%s: %" PRIu32 " states, %" PRIu32 " classes, %" PRIu64 " bytes, %s",
			  rows[i].re, f.states, f.classes, f.bytes, f.fits_kernel ? "fits" : "not");
		pst_automaton_free(&a);
		pst_diags_free(&diags);
	}
}

/* Text N times, between BEGIN and END; to be freed. */
static char *repeated(const char *begin, const char *text, size_t n, const char *end)
{
	size_t len = strlen(text), at = strlen(begin);
	char *s = malloc(at + n * len + strlen(end) + 1);

	cr_assert(s);
	memcpy(s, begin, at);
	for (; n--; at += len)
		memcpy(s + at, text, len);
	memcpy(s + at, end, strlen(end) + 1);
	return s;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* RE is refused by a limit whose message holds WORDS, in bounded time. */
static void assert_over_budget(const char *re, const char *words)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;
	double begin = seconds();

	cr_assert_eq(build(re, diags, &a), -E2BIG, "%.40s", re);
	cr_assert_eq(pst_diags_count(diags), 1);
	cr_assert_str_eq(pst_diags_at(diags, 0)->id, "regex-budget");
	cr_assert(strstr(pst_diags_at(diags, 0)->message, words), "%s",
		  pst_diags_at(diags, 0)->message);
	/* Some 20 ms; a machine may be slow, but nothing here may take minutes. */
	cr_assert_lt(seconds() - begin, 5);
	pst_diags_free(&diags);
}

Test(unicode_cost, counted_classes_end_in_a_refusal)
{
	assert_over_budget("(?i)\\p{L}{1,50}", "more than 32768 positions");
	assert_over_budget("\\pL{1000}", "more than 32768 positions");
	assert_over_budget("(.*\\pL){20}", "more than 32768 positions");
}

Test(unicode_cost, the_ranges_that_a_pattern_names_are_limited)
{
	static const char *const rows[][3] = {
		{"[", "\\pL", "]"},
		{"(?i)[", "\\pL", "]"},
		{"(?i)[^", "\\PL", "]"},
		{"", "\\pL|", "a"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		pst_auto_free char *re = repeated(rows[i][0], rows[i][1], 200000, rows[i][2]);

		assert_over_budget(re, "name more than 1048576 ranges");
	}
}

/* "Zs" has 7 ranges and folds to nothing. */
Test(unicode_cost, the_limit_of_ranges_is_exact)
{
	const size_t fits = PST_RE_MAX_RANGES / 7;
	pst_auto_free char *in = repeated("[", "\\p{Zs}", fits, "]");
	pst_auto_free char *out = repeated("[", "\\p{Zs}", fits + 1, "]");
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;

	cr_assert_eq(build(in, diags, &a), 0);
	cr_assert(pst_automaton_match(a, " ", 1));
	assert_over_budget(out, "name more than 1048576 ranges");
	pst_automaton_free(&a);
	pst_diags_free(&diags);
}

/* Every level of "(?:(?:C|a)|b)..." is a class of its own, with all of C's ranges. */
Test(unicode_cost, the_ranges_that_all_classes_hold_are_limited)
{
	pst_auto_free char *open = repeated("", "(?:", 900, "[");
	size_t at = strlen(open), size = at + (4000 + 900) * 16;
	pst_auto_free char *wide = malloc(size);

	cr_assert(wide);
	memcpy(wide, open, at);
	for (unsigned int i = 0; i < 4000; i++)
		at += (size_t)snprintf(wide + at, size - at, "\\x{%x}", 0x4000 + 2 * i);
	wide[at++] = ']';
	for (unsigned int i = 0; i < 900; i++)
		at += (size_t)snprintf(wide + at, size - at, "|\\x{%x})", 0x1000 + 2 * i);
	assert_over_budget(wide, "hold more than 2097152 ranges");
}
