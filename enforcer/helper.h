/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * May programs of a type call a helper on this kernel?
 *
 * libbpf_probe_bpf_helper() reads the answer out of the words of the verifier's log, and the words
 * have changed: on 6.12 and later libbpf 1.1 finds a yes for every helper that the kernel knows at
 * all. The verifier's error code says the same and has not changed. A program that does nothing
 * but call the helper, its arguments not set,
 *
 *	loads, or is refused with EACCES	the type may call it (what is wrong is an argument)
 *	is refused with EINVAL			the type may not, or the kernel has no such helper
 *
 * which holds for helpers without obligations: what has to be released or unlocked before the
 * program ends is refused with EINVAL for that.
 */

#include <linux/bpf.h>

/*
 * 1 yes, 0 no; a negative errno when it cannot be tried, -EPERM where this process may not load
 * programs of TYPE.
 */
int pst_helper_try(enum bpf_prog_type type, enum bpf_func_id helper);
