// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The recogniser on given bytes, for tests and measurements: a program that is run by a system
 * call, attached to nothing and never installed.
 */
#include "bpf/compat.h"

struct t_kernel_input;
struct pst_src {
	struct t_kernel_input *input;
};
static __always_inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n);

#include "bpf/tests/kernel_core/core.h"
#include "bpf/walk.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pst_table);
} t_table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct t_kernel_input);
} t_input SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct t_kernel_job);
} t_job SEC(".maps");

static __always_inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	(void)n;
	off &= T_KERNEL_INPUT - 1;
	pst_opaque(off);
	off &= T_KERNEL_INPUT - 1;
	__builtin_memcpy(buf, src->input->bytes + off, PST_HTTP_CHUNK);
	return 0;
}

struct run {
	struct pst_src src;
	struct pst_table *table;
	struct t_kernel_job *job;
};

static __always_inline int find(struct run *r)
{
	__u32 zero = 0;

	r->src.input = bpf_map_lookup_elem(&t_input, &zero);
	r->table = bpf_map_lookup_elem(&t_table, &zero);
	r->job = bpf_map_lookup_elem(&t_job, &zero);
	return r->src.input && r->table && r->job ? 0 : -1;
}

SEC("syscall")
int t_walk(void *ctx)
{
	struct run r = {0};
	struct pst_walk w = {0};

	(void)ctx;
	if (find(&r))
		return -1;
	w.http = &r.job->http;
	w.table = r.table;
	w.src = &r.src;
	w.off = r.job->off;
	w.end = r.job->end;
	pst_walk_head(&w);
	r.job->off = w.off;
	r.job->failed = w.failed;
	return 0;
}

static __attribute__((noinline)) long one_head(__u32 i, void *ctx)
{
	struct run *r = ctx;
	struct pst_walk w = {
		.http = &r->job->http, .table = r->table, .src = &r->src, .end = r->job->end};

	(void)i;
	pst_http_request(w.http, w.table, r->job->ruleset);
	pst_walk_head(&w);
	r->job->allowed += w.http->state == PST_HTTP_DONE && w.http->allow != 0;
	return 0;
}

SEC("syscall")
int t_repeat(void *ctx)
{
	struct run r = {0};
	__u64 from;

	(void)ctx;
	if (find(&r))
		return -1;
	r.job->allowed = 0;
	from = bpf_ktime_get_ns();
	bpf_loop(r.job->repeat & (T_KERNEL_REPEAT - 1), one_head, &r, 0);
	r.job->ns = bpf_ktime_get_ns() - from;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
