// SPDX-License-Identifier: Apache-2.0
#include "proxy/h2_calm.h"

#include <time.h>

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void add(struct pst_h2_calm *c, uint64_t n)
{
	uint64_t left = c->left + n;

	c->left = left < PST_H2_CALM_MOST ? (uint32_t)left : PST_H2_CALM_MOST;
}

void pst_h2_calm_init(struct pst_h2_calm *c)
{
	*c = (struct pst_h2_calm){.left = PST_H2_CALM_MOST, .since_ms = now_ms()};
}

bool pst_h2_calm_take(struct pst_h2_calm *c, uint32_t n)
{
	/* The clock is asked when the account is low only. */
	if (c->left < PST_H2_CALM_MOST / 2) {
		uint64_t now = now_ms(), earned = (now - c->since_ms) * PST_H2_CALM_SECOND / 1000;

		if (earned) {
			add(c, earned);
			c->since_ms = now;
		}
	}
	if (c->left < n)
		return false;
	c->left -= n;
	return true;
}

void pst_h2_calm_earn(struct pst_h2_calm *c)
{
	add(c, PST_H2_CALM_MOVED);
}
