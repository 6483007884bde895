// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The same core twice: the golden streams go through the recogniser in this machine's kernel and
 * through the native one, cut at the same places, and leave the same state behind. Skipped without
 * root.
 */
#include "bpf/tests/core.h"
#include "bpf/tests/ring.h"
#include "bpf/tests/vectors.h"

#include "bpf/walk.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "bpf/tests/kernel.h"

static struct t_kernel kernel;

/* One piece of the input, walked by the kernel. */
static void kernel_walk_head(struct pst_walk *w)
{
	kernel.job->http = *w->http;
	kernel.job->off = w->off;
	kernel.job->end = w->end;
	cr_assert_eq(t_kernel_run(kernel.walk), 0);
	*w->http = kernel.job->http;
	w->off = kernel.job->off;
	w->failed = kernel.job->failed;
}

static void native_walk_head(struct pst_walk *w)
{
	pst_walk_head(w);
}

static void (*walk_head)(struct pst_walk *);
#define pst_walk_head walk_head
#include "bpf/tests/stream.h"

/* The stream fed STEP bytes at a time. */
static struct t_stream walk(const struct t_vector *v, size_t step, void (*how)(struct pst_walk *))
{
	struct t_stream s = {.table = NULL};
	const struct pst_src src = {.bytes = v->bytes};

	s.table = t_core_table(&s.ruleset);
	walk_head = how;
	for (size_t at = 0, end; at < v->len; at = end) {
		end = at + step < v->len ? at + step : v->len;
		t_stream_feed(&s, &src, (__u32)at, (__u32)end);
	}
	return s;
}

static bool same_bytes(const void *a, const void *b, size_t n)
{
	return !memcmp(a, b, n);
}

static void compare(const struct t_vector *v, size_t step)
{
	struct t_stream ours = walk(v, step, native_walk_head);
	struct t_stream theirs = walk(v, step, kernel_walk_head);

	cr_assert(same_bytes(&ours.http, &theirs.http, sizeof(struct pst_http)),
		  "%s, %zu bytes at a time", v->name, step);
	cr_assert_eq(ours.reason, theirs.reason, "%s, %zu bytes at a time", v->name, step);
	cr_assert_eq(ours.passed, theirs.passed, "%s, %zu bytes at a time", v->name, step);
	cr_assert_eq(ours.inside, theirs.inside, "%s, %zu bytes at a time", v->name, step);
}

static size_t compare_file(const char *path)
{
	static const size_t steps[] = {1, 2, 3, 7, 8, 13, 63, 64, 65, 1000, 1 << 20};
	struct t_vectors all = t_vectors_load(path);
	size_t n = all.n;

	for (size_t i = 0; i < all.n; i++) {
		cr_assert_leq(all.v[i].len, T_KERNEL_INPUT);
		memcpy(kernel.input->bytes, all.v[i].bytes, all.v[i].len);
		for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
			if (all.v[i].len / steps[k] < 3000)
				compare(&all.v[i], steps[k]);
		}
	}
	t_vectors_free(&all);
	return n;
}

Test(kernel_core, the_kernel_and_the_native_build_judge_the_golden_streams_alike)
{
	__u32 ruleset;
	int r = t_kernel_open_beside(&kernel, "core.bpf.o");

	if (r == -EPERM)
		cr_skip_test("only root may load programs");
	cr_assert_eq(r, 0, "the kernel refuses it: %s", strerror(-r));
	memcpy(kernel.table, t_core_table(&ruleset), sizeof(*kernel.table));
	cr_assert_geq(compare_file("testdata/http/requests.md") +
			      compare_file("testdata/http/streams.md"),
		      300);
	t_kernel_close(&kernel);
}

/* A target of the words of testdata/http/divided.yaml, which may or may not be allowed. */
static size_t random_head(char *head, size_t size)
{
	static const char *const words[] = {"accounts", "balance", "carts",  "items", "devices",
					    "state",	"events",  "notes",  "files", "versions/7",
					    "keys",	"public",  "queues", "depth", "x"};
	size_t at = (size_t)snprintf(head, size, "%s /v1", rand() % 3 ? "GET" : "POST");

	for (int i = rand() % 24; i > 0; i--)
		at += (size_t)snprintf(head + at, size - at, "/%s",
				       words[(size_t)rand() % (sizeof(words) / sizeof(*words))]);
	return at + (size_t)snprintf(head + at, size - at, " HTTP/1.1\r\nHost: b\r\n\r\n");
}

/* HEAD walked from nothing, cut in two: what is left of it. */
static struct pst_http walk_cut(const struct pst_table *t, __u32 ruleset, const char *head,
				size_t len, size_t cut, void (*how)(struct pst_walk *))
{
	const struct pst_src src = {.bytes = (const unsigned char *)head};
	struct pst_http h;
	struct pst_walk w = {.http = &h, .table = t, .src = &src, .end = (__u32)cut};

	pst_http_request(&h, t, ruleset);
	how(&w);
	w.end = (__u32)len;
	how(&w);
	return h;
}

Test(kernel_core, the_kernel_walks_divided_paths_as_the_native_build_does)
{
	const struct pst_table *table;
	size_t allowed = 0;
	__u32 ruleset;
	int r = t_kernel_open_beside(&kernel, "core.bpf.o");

	if (r == -EPERM)
		cr_skip_test("only root may load programs");
	cr_assert_eq(r, 0, "the kernel refuses it: %s", strerror(-r));
	table = t_core_table_of("testdata/http/divided.yaml", &ruleset);
	cr_assert_eq(table->rulesets[ruleset].n_more_paths, PST_PATH_MORE);
	memcpy(kernel.table, table, sizeof(*kernel.table));
	srand(20261);
	for (int i = 0; i < 3000; i++) {
		char head[512];
		size_t len = random_head(head, sizeof(head)), cut = 1 + (size_t)rand() % len;
		struct pst_http ours, theirs;

		memcpy(kernel.input->bytes, head, len);
		ours = walk_cut(table, ruleset, head, len, cut, native_walk_head);
		theirs = walk_cut(table, ruleset, head, len, cut, kernel_walk_head);
		cr_assert_eq(ours.state, PST_HTTP_DONE, "%s", head);
		cr_assert(same_bytes(&ours, &theirs, sizeof(ours)), "%s cut at %zu", head, cut);
		allowed += ours.allow != 0;
	}
	cr_assert_gt(allowed, 500);
	cr_assert_lt(allowed, 2500);
	t_kernel_close(&kernel);
}
