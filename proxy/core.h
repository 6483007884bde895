/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The core of bpf/, run natively over a buffer. */

#include <string.h>

#include "bpf/abi.h"

struct pst_src {
	const char *bytes;
};

static inline int pst_src_load(const struct pst_src *src, __u32 off, __u8 *buf, __u32 n)
{
	memcpy(buf, src->bytes + off, n);
	return 0;
}

#include "bpf/walk.h"
