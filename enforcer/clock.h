/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The monotonic clock, as a number. Building blocks that decide by time take `now` as a parameter
 * where a test has to choose it, and read the clock here where it has not.
 */

#include <stdint.h>
#include <time.h>

enum { PST_NS_PER_MS = 1000000, PST_NS_PER_S = 1000000000 };

static inline uint64_t pst_clock_ns(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * PST_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline uint64_t pst_clock_ms(void)
{
	return pst_clock_ns() / PST_NS_PER_MS;
}
