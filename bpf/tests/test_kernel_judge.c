// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The whole judge twice: the golden streams, packet by packet, through the judge in this machine's
 * kernel and through the native one, cut at the same places. Both rule alike, leave the same state
 * behind, and say what the vector says. Skipped without root.
 */
#include "bpf/tests/core.h"
#include "bpf/tests/ring.h"
#include "bpf/tests/vectors.h"

#include "bpf/judge.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "bpf/tests/kernel.h"
#include "compiler/explain.h"

static struct t_kernel kernel;

static const __u32 pass = PST_ACTION_PASS << 8 | PST_REASON_RULE;

static __u32 judge_in_kernel(const struct pst_flow *before, struct pst_flow *ret_after,
			     const struct pst_packet *p)
{
	kernel.job->flow = *before;
	kernel.job->off = p->off;
	kernel.job->end = p->off + p->len;
	kernel.job->accepted = p->accepted;
	cr_assert_eq(t_kernel_run(kernel.judge), 0);
	*ret_after = kernel.job->flow;
	return kernel.job->ruling;
}

/* Where the newest kept bytes are is each ring's own matter. */
static void same(struct pst_flow ours, struct pst_flow theirs, const struct t_vector *v,
		 size_t step)
{
	cr_assert_eq(!pst_raw_newest(&ours), !pst_raw_newest(&theirs), "%s, %zu bytes at a time",
		     v->name, step);
	ours.raw_last = theirs.raw_last = 0;
	cr_assert_arr_eq((const char *)&ours, (const char *)&theirs, sizeof(ours),
			 "%s, %zu bytes at a time", v->name, step);
}

/* An answer comes to whatever is asked whole, as soon as TCP has it. */
static void answer(struct pst_flow *f)
{
	if (!(f->flags & PST_FLOW_REQUEST))
		f->responses = f->requests;
}

/*
 * The stream in packets of STEP bytes, each twice: TCP drops the first copy and takes the second,
 * so what is repeated is proven as well. The last ruling.
 */
static __u32 judge(const struct t_vector *v, size_t step, struct pst_flow *ret_flow)
{
	struct pst_flow ours = {.flags = PST_FLOW_STREAM_KNOWN}, theirs = ours;
	const struct pst_src src = {.bytes = v->bytes};
	__u32 ruleset, ruling = pass;
	const struct pst_table *table = t_core_table(&ruleset);
	struct pst_packet p = {.len = 0};

	ours.ruleset = theirs.ruleset = (__u16)ruleset;
	while (p.seq < v->len && ruling == pass) {
		p.len = (__u32)(v->len - p.seq < step ? v->len - p.seq : step);
		for (int copy = 0; copy < 2 && ruling == pass; copy++) {
			ruling = pst_judge_packet(&ours, table, &src, &p);
			cr_assert_eq(judge_in_kernel(&theirs, &theirs, &p), ruling,
				     "%s, %zu bytes at a time, at %u", v->name, step, p.seq);
			same(ours, theirs, v, step);
		}
		p.seq = p.off = p.accepted = p.seq + p.len;
		answer(&ours);
		answer(&theirs);
	}
	*ret_flow = ours;
	return ruling;
}

static void try_vector(const struct t_vector *v, size_t step)
{
	struct pst_flow f;
	__u32 ruling = judge(v, step, &f), reason = ruling & 0xff;

	/* Several requests in one packet may be too many at once, which is no matter of the bytes.
	 */
	if (step > 1 && reason == PST_REASON_PIPELINED)
		return;
	if (v->allow) {
		cr_expect_eq(ruling, pass, "%s, %zu bytes at a time: %#x", v->name, step, ruling);
		return;
	}
	cr_expect(ruling >> 8 != PST_ACTION_PASS && ruling >> 8 != PST_ACTION_DROP, "%s", v->name);
	cr_expect_str_eq(pst_explain_reason_name(reason), v->reason, "%s, %zu bytes at a time",
			 v->name, step);
	cr_expect(f.requests == v->passed ||
			  (f.requests == v->passed + 1 && f.http.flags & PST_HTTP_CHUNKED),
		  "%s, %zu bytes at a time: %u requests", v->name, step, f.requests);
}

static size_t try_file(const char *path)
{
	static const size_t steps[] = {1, 2, 3, 7, 8, 13, 63, 64, 65, 1000, 1448, 1 << 16};
	struct t_vectors all = t_vectors_load(path);
	size_t n = all.n;

	for (size_t i = 0; i < all.n; i++) {
		cr_assert_leq(all.v[i].len, T_KERNEL_INPUT);
		memcpy(kernel.input->bytes, all.v[i].bytes, all.v[i].len);
		for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++)
			if (all.v[i].len / steps[k] < 3000)
				try_vector(&all.v[i], steps[k]);
	}
	t_vectors_free(&all);
	return n;
}

Test(kernel_judge, the_kernel_and_the_native_build_rule_alike_on_the_golden_streams)
{
	__u32 ruleset;
	int r = t_kernel_open_beside(&kernel, "judge.bpf.o");

	if (r == -EPERM)
		cr_skip_test("only root may load programs");
	cr_assert_eq(r, 0, "the kernel refuses it: %s", strerror(-r));
	t_core_clock = 1;
	memcpy(kernel.table, t_core_table(&ruleset), sizeof(*kernel.table));
	cr_assert_geq(try_file("testdata/http/requests.md") + try_file("testdata/http/streams.md"),
		      300);
	t_kernel_close(&kernel);
}
