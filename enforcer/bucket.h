/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A token bucket: at most RATE tokens per second in the long run, at most BURST at once.
 *
 * The credit is kept as time, not as tokens: a token costs 1/RATE seconds, an idle second earns a
 * second, and the credit never exceeds what BURST tokens cost. So there is no rounding that could
 * add up, and nothing has to run while nobody asks. The time is the caller's, so a test can choose
 * it; a clock that stands still or goes back earns nothing.
 */

#include <stdbool.h>
#include <stdint.h>

struct pst_bucket {
	uint64_t cost_ns;   /* of one token; 0: nothing is ever given out */
	uint64_t limit_ns;  /* credit of a full bucket */
	uint64_t credit_ns; /* what has been earned and not spent */
	uint64_t last_ns;   /* when it was last counted */
};

/* A full bucket. RATE is at most 1e9; RATE or BURST 0: nothing is ever given out. */
void pst_bucket_init(struct pst_bucket *b, uint32_t rate, uint32_t burst, uint64_t now_ns);

/* Takes N tokens, all or none; says whether it did. */
bool pst_bucket_take(struct pst_bucket *b, uint32_t n, uint64_t now_ns);
