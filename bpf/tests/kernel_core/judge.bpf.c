// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The judge on given bytes, for tests: a program that is run by a system call, attached to nothing
 * and never installed.
 */
#include "bpf/compat.h"

struct t_kernel_input;
struct pst_src {
	struct t_kernel_input *input;
};
static __always_inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n);

#include "bpf/judge.h"
#include "bpf/tests/kernel_core/core.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PST_RAW_SHARDS);
	__type(key, __u32);
	__type(value, struct pst_raw);
} t_kept SEC(".maps");

static __always_inline struct pst_raw *pst_raw_shard(__u32 shard)
{
	return bpf_map_lookup_elem(&t_kept, &shard);
}

static __always_inline __u32 pst_raw_here(void)
{
	return bpf_get_smp_processor_id();
}

static __always_inline __u32 pst_clock_us(const struct pst_src *src)
{
	(void)src;
	return 1;
}

static __always_inline void pst_judge_allowed(const struct pst_judge *j)
{
	(void)j;
}

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

/* By a helper, as out of a packet: a copy by loads and stores goes over the stack. */
static __always_inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	(void)n;
	off &= T_KERNEL_INPUT - 1;
	return bpf_probe_read_kernel(buf, PST_HTTP_CHUNK, src->input->bytes + off);
}

/* Off the stack, of which the judge needs nearly all. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pst_packet);
} t_packet SEC(".maps");

SEC("syscall")
int t_judge(void *ctx)
{
	__u32 zero = 0;
	struct pst_packet *p = bpf_map_lookup_elem(&t_packet, &zero);
	struct pst_src src = {.input = bpf_map_lookup_elem(&t_input, &zero)};
	struct pst_table *table = bpf_map_lookup_elem(&t_table, &zero);
	struct t_kernel_job *job = bpf_map_lookup_elem(&t_job, &zero);

	(void)ctx;
	if (!p || !src.input || !table || !job)
		return -1;
	p->seq = p->off = job->off;
	p->len = job->end - job->off;
	p->accepted = job->accepted;
	job->ruling = pst_judge_packet(&job->flow, table, &src, p);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
