/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Times of flows: nanoseconds since 1970, written as RFC 3339 in UTC with all nine digits. */

#include <stddef.h>
#include <stdint.h>

enum { PST_FLOW_TIME_TEXT = 40 };

int64_t pst_flow_time_now(void);

/* The wall clock when the monotonic clock, which events carry, was MONOTONIC_NS. */
int64_t pst_flow_time_of(uint64_t monotonic_ns);

/* Writes the time into BUF, of PST_FLOW_TIME_TEXT bytes; returns BUF. */
const char *pst_flow_time_text(int64_t ns, char *buf);

/* Reads RFC 3339 with Z or an offset. 0 or -EINVAL. */
int pst_flow_time_parse(const char *text, int64_t *ret_ns);
