// SPDX-License-Identifier: Apache-2.0
/*
 * One request by its port's rules, however many there are: nanoseconds natively and, as root, in
 * this machine's kernel. Each directory is what tests/bench/gen_http.py has written, with so many
 * rules for one port; the request is allowed by the first of them.
 *
 *	rules [-k CORE.bpf.o] [-r ROUNDS] DIR...
 *
 * One round asks each of the tables in turn. Median, least and most of all rounds are printed.
 */
#include "bpf/tests/core.h"

#include "bpf/walk.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "bpf/tests/kernel.h"
#include "compiler/compile.h"

enum { MAX_ROUNDS = 101, MAX_DIRS = 16, REQUESTS = 20000 };

static const char request[] =
	"GET /api/v1/tenant-0/orders/list HTTP/1.1\r\nHost: shop.example.com\r\n"
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n"
	"Accept: application/json\r\nAccept-Language: en-US,en;q=0.9\r\n"
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\r\n";

struct column {
	struct pst_table *table;
	size_t rules, cells;
	double native[MAX_ROUNDS], kernel[MAX_ROUNDS];
};

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "rules: %s\n", what);
	exit(1);
}

static void load(struct column *c, const char *dir)
{
	struct pst_diags *diags = pst_diags_new();
	struct pst_policy_set *policies = NULL;
	struct pst_inventory *inventory = NULL;
	struct pst_bundle *bundle = NULL;
	char path[4096];
	const char *list = path;
	glob_t files;

	snprintf(path, sizeof(path), "%s/*.yaml", dir);
	must(!glob(path, 0, NULL, &files), dir);
	must(!pst_policy_load((const char *const *)files.gl_pathv, files.gl_pathc, diags,
			      &policies),
	     dir);
	snprintf(path, sizeof(path), "%s/inventory.list", dir);
	must(!pst_inventory_load(&list, 1, diags, &inventory), path);
	must(!pst_compile(policies, inventory, NULL, diags, &bundle), dir);
	must(bundle->n_rulesets == 1 && !bundle->rulesets[0].fallback, "not one rule set");
	c->rules = bundle->rulesets[0].n_rules;
	c->cells = bundle->n_cells;
	c->table = calloc(1, sizeof(*c->table));
	must(c->table != NULL, "no memory");
	pst_bundle_fill_table(bundle, c->table);
	pst_bundle_free(&bundle);
	pst_inventory_free(&inventory);
	pst_policy_set_free(&policies);
	pst_diags_free(&diags);
	globfree(&files);
}

static double ask_natively(const struct column *c)
{
	const struct pst_src src = {.bytes = (const unsigned char *)request};
	struct timespec from, to;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int i = 0; i < REQUESTS; i++) {
		struct pst_http h;
		struct pst_walk w = {
			.http = &h, .table = c->table, .src = &src, .end = sizeof(request) - 1};

		pst_http_request(&h, c->table, 0);
		pst_walk_head(&w);
		must(h.state == PST_HTTP_DONE && h.allow, "the request is not allowed");
	}
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       REQUESTS;
}

static double ask_the_kernel(const struct t_kernel *k, const struct column *c)
{
	memcpy(k->table, c->table, sizeof(*k->table));
	memcpy(k->input->bytes, request, sizeof(request) - 1);
	k->job->end = sizeof(request) - 1;
	k->job->ruleset = 0;
	for (int warm = 0; warm < 2; warm++) {
		k->job->repeat = REQUESTS;
		must(!t_kernel_run(k->repeat), "the kernel does not run it");
		must(k->job->allowed == REQUESTS, "the kernel does not allow the request");
	}
	return (double)k->job->ns / REQUESTS;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(double *ns, int rounds)
{
	qsort(ns, (size_t)rounds, sizeof(*ns), ascending);
	printf("  %6.0f (%6.0f to %6.0f)", ns[rounds / 2], ns[0], ns[rounds - 1]);
}

static void ask_all(struct column *columns, int n, int rounds, const struct t_kernel *k)
{
	for (int r = 0; r < rounds; r++) {
		for (int i = 0; i < n; i++) {
			columns[i].native[r] = ask_natively(&columns[i]);
			if (k)
				columns[i].kernel[r] = ask_the_kernel(k, &columns[i]);
		}
	}
}

static void report(struct column *columns, int n, int rounds, const struct t_kernel *k)
{
	printf("one request of %zu bytes; ns, median (least to most) of %d rounds\n%8s %10s  %-26s"
	       "  %s\n",
	       sizeof(request) - 1, rounds, "rules", "cells", "native", k ? "in the kernel" : "");
	for (int i = 0; i < n; i++) {
		printf("%8zu %10zu", columns[i].rules, columns[i].cells);
		print(columns[i].native, rounds);
		if (k)
			print(columns[i].kernel, rounds);
		puts("");
	}
}

int main(int argc, char **argv)
{
	static struct column columns[MAX_DIRS];
	const char *object = NULL;
	struct t_kernel kernel;
	int rounds = 15, option, n, r = -EPERM;

	while ((option = getopt(argc, argv, "k:r:")) > 0) {
		must(option != '?', "rules [-k CORE.bpf.o] [-r ROUNDS] DIR...");
		if (option == 'k')
			object = optarg;
		else
			rounds = (int)strtoul(optarg, NULL, 10);
	}
	n = argc - optind;
	must(n > 0 && n <= MAX_DIRS && rounds > 0 && rounds <= MAX_ROUNDS, "too few or too many");
	for (int i = 0; i < n; i++)
		load(&columns[i], argv[optind + i]);
	if (object)
		r = t_kernel_open(&kernel, object);
	must(!r || r == -EPERM, "the kernel refuses the program");
	ask_all(columns, n, rounds, r ? NULL : &kernel);
	report(columns, n, rounds, r ? NULL : &kernel);
	for (int i = 0; i < n; i++)
		free(columns[i].table);
	if (!r)
		t_kernel_close(&kernel);
	return 0;
}
