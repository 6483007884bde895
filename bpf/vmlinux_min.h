/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* The fields of kernel structures that the programs read, by name: relocated when they are loaded
 * (CO-RE). */

#include <linux/types.h>

struct tcp_sock {
	__u32 rcv_nxt;
	__u32 copied_seq;
	__u32 write_seq;
} __attribute__((preserve_access_index));
