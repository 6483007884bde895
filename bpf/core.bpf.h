/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The core (bpf/judge.h, bpf/follow.h) in the kernel: where it finds the time, beside bytes and
 * room to keep framing (bpf/kept.bpf.h).
 */

#include "bpf/kept.bpf.h"

/* A look at the clock costs a twentieth of a judged request. */
static __always_inline __u32 pst_clock_us(const struct pst_src *src)
{
	return src->events ? (__u32)(bpf_ktime_get_ns() / 1000) : 0;
}

#include "bpf/follow.h"
#include "bpf/judge.h"
