// SPDX-License-Identifier: Apache-2.0
/*
 * The kernel's walker, run natively over the packed tables, beside RE2 and PCRE2 with its JIT: MB/s
 * on texts that match a pattern whole. One round asks all three in turn; median, least and most of
 * all rounds are printed.
 *
 *	engines [ROUNDS]
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "bpf/dfa.h"
#include "compiler/pack.h"
#include "compiler/tests/re2_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_ROUNDS = 101, BYTES = 1 << 20 };

static const struct {
	const char *title, *re, *text;
} cases[] = {
	{"literal", "/api/v1/projects/default/orders/latest/invoices",
	 "/api/v1/projects/default/orders/latest/invoices"},
	{"number and segment", "/api/v[0-9]+/users/[^/]+/orders/[0-9]+",
	 "/api/v1/users/3f2a9c1e-77aa-4e0b-8f5e-c1d2a3b4e5f6/orders/20240607"},
	{"any end", "/static/.*",
	 "/static/assets/images/2024/06/07/hero-image-with-a-long-name@2x.png"},
	{"suffix", "/static/.*\\.(css|js|png|svg)",
	 "/static/assets/images/2024/06/07/hero-image-with-a-long-name@2x.png"},
	{"alternatives",
	 "/(orders|users|items|carts|invoices)/(list|get|create|update)(/[a-z0-9-]+)*",
	 "/invoices/update/a-first-segment/another-one/third-of-them/x86-64"},
	{"any of the four", "(/a/.*|/b/[^/]+/c|/d/[0-9a-f-]+/e|/f(/[a-z]+)*)",
	 "/d/3f2a9c1e-77aa-4e0b-8f5e-c1d2a3b4e5f6-3f2a9c1e-77aa-4e0b-8f5e/e"},
};

struct engines {
	struct pst_table *table;
	struct pst_packed at;
	struct re2_oracle *re2;
	pcre2_code *pcre;
	pcre2_match_data *match;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "engines: %s\n", what);
	exit(1);
}

static void fill_table(struct engines *e, const char *re)
{
	struct pst_pattern pattern = {.re = re, .len = strlen(re), .tag = 1};
	struct pst_diags *diags = pst_diags_new();
	struct pst_automaton *a = NULL;
	struct pst_packer p;
	struct pst_pack_full full;

	must(diags && !pst_automaton_build(&pattern, 1, &pst_automaton_default_limits, diags, &a),
	     re);
	must(!pst_packer_init(&p) && !pst_packer_add(&p, a, &e->at, &full), re);
	e->table = calloc(1, sizeof(*e->table));
	must(e->table != NULL, "no memory");
	memcpy(e->table->cells, p.cells.v, p.cells.n * sizeof(*p.cells.v));
	memcpy(e->table->classes, p.classes.v, p.classes.n);
	memcpy(e->table->tags, p.tags.v, p.tags.n * sizeof(*p.tags.v));
	pst_packer_fini(&p);
	pst_automaton_free(&a);
	pst_diags_free(&diags);
}

static void open_engines(struct engines *e, const char *re)
{
	int error;
	PCRE2_SIZE offset;

	fill_table(e, re);
	e->re2 = re2_oracle_new(re, strlen(re));
	must(re2_oracle_verdict(e->re2) == RE2_ORACLE_OK, re);
	e->pcre = pcre2_compile((PCRE2_SPTR)re, PCRE2_ZERO_TERMINATED,
				PCRE2_ANCHORED | PCRE2_ENDANCHORED, &error, &offset, NULL);
	must(e->pcre && !pcre2_jit_compile(e->pcre, PCRE2_JIT_COMPLETE), re);
	e->match = pcre2_match_data_create_from_pattern(e->pcre, NULL);
}

static void close_engines(struct engines *e)
{
	pcre2_match_data_free(e->match);
	pcre2_code_free(e->pcre);
	re2_oracle_free(e->re2);
	free(e->table);
}

typedef int (*match_fn)(const struct engines *e, const char *text, size_t len);

static int ours(const struct engines *e, const char *text, size_t len)
{
	uint32_t row = e->at.start;

	for (size_t i = 0; i < len; i++)
		row = pst_dfa_step(e->table, row, e->at.classes, (uint8_t)text[i]);
	return pst_dfa_tags(e->table, row) != 0;
}

static int re2(const struct engines *e, const char *text, size_t len)
{
	return re2_oracle_match(e->re2, text, len);
}

static int pcre(const struct engines *e, const char *text, size_t len)
{
	return pcre2_jit_match(e->pcre, (PCRE2_SPTR)text, len, 0, 0, e->match, NULL) > 0;
}

static double measure(const struct engines *e, match_fn match, const char *text)
{
	size_t len = strlen(text), n = BYTES / len;
	double before = now();
	size_t matched = 0;

	for (size_t i = 0; i < n; i++) {
		matched += (size_t)match(e, text, len);
		__asm__ volatile("" ::: "memory");
	}
	must(matched == n, "a text does not match");
	return (double)(n * len) / (now() - before) / 1e6;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(double *rates, int rounds)
{
	qsort(rates, (size_t)rounds, sizeof(*rates), ascending);
	printf("  %5.0f (%4.0f to %4.0f)", rates[rounds / 2], rates[0], rates[rounds - 1]);
}

int main(int argc, char **argv)
{
	static const match_fn engines[] = {ours, re2, pcre};
	int rounds = argc > 1 ? (int)strtoul(argv[1], NULL, 10) : 15;
	double rates[3][MAX_ROUNDS];

	must(rounds > 0 && rounds <= MAX_ROUNDS, "1 to 101 rounds");
	printf("MB/s, median (least to most) of %d rounds\n%-20s  %-20s  %-20s  %-20s\n", rounds,
	       "", "postern's walker", "RE2", "PCRE2 JIT");
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct engines e;

		open_engines(&e, cases[c].re);
		for (int r = 0; r < rounds; r++)
			for (int k = 0; k < 3; k++)
				rates[k][r] = measure(&e, engines[k], cases[c].text);
		printf("%-20s", cases[c].title);
		for (int k = 0; k < 3; k++)
			print(rates[k], rounds);
		puts("");
		close_engines(&e);
	}
	return 0;
}
