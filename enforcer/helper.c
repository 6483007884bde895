// SPDX-License-Identifier: Apache-2.0
#include "enforcer/helper.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* Loads "return 0", with a call of HELPER before it unless that is BPF_FUNC_unspec. 0 or -errno. */
static int try_load(enum bpf_prog_type type, enum bpf_func_id helper)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .imm = (int)helper},
		/* 0 is a return value that every type may have; the helper's may not be. */
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	size_t skip = helper == BPF_FUNC_unspec;
	int fd = bpf_prog_load(type, NULL, "Dual BSD/GPL", insns + skip,
			       sizeof(insns) / sizeof(insns[0]) - skip, NULL);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int pst_helper_try(enum bpf_prog_type type, enum bpf_func_id helper)
{
	/* Otherwise a refusal that has nothing to do with the helper would count as an answer. */
	int r = try_load(type, BPF_FUNC_unspec);

	if (r)
		return r;
	r = try_load(type, helper);
	if (!r || r == -EACCES)
		return 1;
	return r == -EINVAL ? 0 : r;
}
