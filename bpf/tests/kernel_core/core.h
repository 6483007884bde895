/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What tests share with core.bpf.c and judge.bpf.c, which run the recogniser and the judge inside
 * the kernel on bytes that a test gives them.
 */

#include "bpf/flow.h"

enum {
	T_KERNEL_INPUT = 1 << 17, /* bytes of input: a power of two */
	T_KERNEL_REPEAT = 1 << 16,
};

struct t_kernel_input {
	__u8 bytes[T_KERNEL_INPUT + PST_HTTP_CHUNK]; /* whole chunks are read */
};

/* What to walk, and what came of it. */
struct t_kernel_job {
	struct pst_http http; /* continued, and what it was at the end */
	__u32 off, end; /* of the input: to be walked; OFF is then the first byte not consumed */
	__u32 failed;
	/* Instead of one walk: so many whole heads, each judged by RULESET. */
	__u32 repeat, ruleset;
	__u32 allowed; /* of them */
	__u64 ns;      /* that they took */
	/* Instead of a walk: a packet of the bytes OFF .. END, whose numbers in FLOW's stream these
	 * are as well; TCP has taken what is below ACCEPTED. */
	struct pst_flow flow;
	__u32 accepted;
	__u32 ruling;
};
