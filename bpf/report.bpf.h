/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Verdict events. The ring never blocks: when it is full the event is lost and counted, the verdict
 * is not.
 */

#include "bpf/maps.bpf.h"

/*
 * Reserves an event and zeroes all but its head; the caller fills it in place, since the stack has
 * no room for a second copy. NULL when the ring is full.
 */
PST_INLINE struct pst_event *pst_event_begin(__u32 direction)
{
	struct pst_event *e = bpf_ringbuf_reserve(&pst_events, sizeof(*e), 0);

	if (!e) {
		pst_count(PST_REASON_MAX, direction);
		return NULL;
	}
	__builtin_memset(e, 0, __builtin_offsetof(struct pst_event, head));
	e->time_ns = bpf_ktime_get_ns();
	e->direction = (__u8)direction;
	return e;
}
