/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The key of a client socket in the courtesy map: what sockops and sk_msg can both compute (sk_msg
 * has no socket cookie). remote_port is in network order in both contexts, in its upper or lower
 * half depending on the kernel's idea of a 32-bit port: normalised here.
 */

#include "bpf/maps.bpf.h"

enum { PST_AF_INET = 2 };

PST_INLINE void pst_key_addr(__u8 out[16], __u32 family, __u32 v4, const __u32 v6[4])
{
	if (family == PST_AF_INET) {
		__builtin_memset(out, 0, 10);
		out[10] = 0xff;
		out[11] = 0xff;
		__builtin_memcpy(out + 12, &v4, 4);
	} else {
		__builtin_memcpy(out, v6, 16);
	}
}

/*
 * One 32-bit load at a time: clang merges two neighbouring fields of a context into one of 64 bits,
 * which the verifier refuses ("invalid bpf_context access off=48 size=8").
 */
PST_INLINE void pst_key_v6(__u32 out[4], const volatile __u32 *field)
{
	for (int i = 0; i < 4; i++)
		out[i] = field[i];
}

PST_INLINE __u32 pst_key_port(__u32 remote_port)
{
	return bpf_ntohl(remote_port) & 0xffff;
}
