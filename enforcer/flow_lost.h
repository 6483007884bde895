/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Records of loss, as hubble writes them: a part of the stream of flows. */

#include <stdint.h>
#include <stdio.h>

/* Hubble's words for where flows are lost. */
#define PST_LOST_KERNEL	  "PERF_EVENT_RING_BUFFER" /* the daemon was too slow for the kernel */
#define PST_LOST_PROXY	  "OBSERVER_EVENTS_QUEUE"  /* it was too slow for the userspace proxy */
#define PST_LOST_OBSERVER "HUBBLE_RING_BUFFER"	   /* a reader was too slow for the daemon */

/* One line: N flows are lost. */
void pst_flow_lost_write(FILE *out, const char *source, uint64_t n, const char *node_name);
