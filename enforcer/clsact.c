// SPDX-License-Identifier: Apache-2.0
#include "enforcer/clsact.h"

#include "base/cleanup.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>

#include <linux/pkt_cls.h>

enum { LOOPBACK = 1 }; /* its index in every namespace */

/* return TC_ACT_UNSPEC; */
static int load_filter(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = TC_ACT_UNSPEC},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "pst_clsact", "Dual BSD/GPL", insns,
			     sizeof(insns) / sizeof(insns[0]), NULL);
}

static int attach(int prog)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = LOOPBACK,
		    .attach_point = (enum bpf_tc_attach_point)(BPF_TC_EGRESS | BPF_TC_INGRESS));
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog);
	int r = bpf_tc_hook_create(&hook);

	if (r)
		return r;
	hook.attach_point = BPF_TC_EGRESS;
	return bpf_tc_attach(&hook, &opts);
}

int pst_clsact_try(void)
{
	pst_auto_fd int prog = load_filter();
	pst_auto_fd int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	libbpf_print_fn_t print;
	int r;

	if (prog < 0)
		return prog;
	if (home < 0 || unshare(CLONE_NEWNET))
		return -errno;
	print = libbpf_set_print(NULL);
	r = attach(prog);
	libbpf_set_print(print);
	if (setns(home, CLONE_NEWNET))
		abort();
	if (r == -EPERM || r == -ENOMEM)
		return r;
	return !r;
}
