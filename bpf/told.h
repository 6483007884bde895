/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What has been told of lately: of packets that are dropped one after the other for the same
 * reason, one is an event, and all are counted.
 *
 * A place holds a subject and a time in one word, so that nobody needs a lock. Subjects that share
 * a place take it from each other: that costs more events, and loses none. Two processors at once
 * may both tell.
 */

#include "bpf/compat.h"

enum {
	PST_TOLD_PLACES = 1 << 9,
	PST_TOLD_SHIFT = 20,	 /* a tick is 2^20 ns, and 2^32 of them are 52 days */
	PST_TOLD_INTERVAL = 143, /* ticks: 150 ms */
};

/* Is a drop of REASON (below 256) on DEVICE to be told of at NOW_NS? Then it counts as told. */
PST_INLINE int pst_told_is_news(__u64 told[PST_TOLD_PLACES], __u32 device, __u32 reason,
				__u64 now_ns)
{
	__u32 subject = device << 8 | (reason & 0xff), now = (__u32)(now_ns >> PST_TOLD_SHIFT);
	__u64 *place = &told[((device * 31) ^ reason) & (PST_TOLD_PLACES - 1)];
	__u64 last = *place;

	/* No device has the number 0: an empty place is nobody's. */
	if ((__u32)(last >> 32) == subject && now - (__u32)last < PST_TOLD_INTERVAL)
		return 0;
	*place = (__u64)subject << 32 | now;
	return 1;
}
