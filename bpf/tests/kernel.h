/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Runs the recogniser and the judge of bpf/tests/kernel_core in this machine's kernel.
 */

#include "bpf/tests/kernel_core/core.h"

struct t_kernel {
	struct bpf_object *object;
	struct pst_table *table; /* these three are the kernel's memory */
	struct t_kernel_input *input;
	struct t_kernel_job *job;
	int walk, repeat, judge; /* programs; less than 0: the object has none */
};

/*
 * Loads the object at PATH. 0; -EPERM when this process may not load programs; else -errno, and the
 * kernel has refused it.
 */
int t_kernel_open(struct t_kernel *k, const char *path);
/* The same with kernel_core/NAME, which is built beside this program. */
int t_kernel_open_beside(struct t_kernel *k, const char *name);
void t_kernel_close(struct t_kernel *k);

/* Runs one of the programs: it does what the job says. 0 or -errno. */
int t_kernel_run(int program);
