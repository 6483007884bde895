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

	cr_assert(same_bytes(&ours.http, &theirs.http, offsetof(struct pst_http, pad)),
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
