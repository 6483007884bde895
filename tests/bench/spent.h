/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Processor time that was spent, and its order for qsort(). */

#include <time.h>

static inline double bench_spent_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static inline int bench_cmp(const void *va, const void *vb)
{
	const double *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}
