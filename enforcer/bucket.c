// SPDX-License-Identifier: Apache-2.0
#include "enforcer/bucket.h"

#include "enforcer/clock.h"

void pst_bucket_init(struct pst_bucket *b, uint32_t rate, uint32_t burst, uint64_t now_ns)
{
	*b = (struct pst_bucket){.last_ns = now_ns};
	if (!rate || rate > PST_NS_PER_S)
		return;
	b->cost_ns = PST_NS_PER_S / rate;
	b->limit_ns = b->cost_ns * burst;
	b->credit_ns = b->limit_ns;
}

static void earn(struct pst_bucket *b, uint64_t now_ns)
{
	uint64_t earned = now_ns > b->last_ns ? now_ns - b->last_ns : 0;
	uint64_t room = b->limit_ns - b->credit_ns;

	b->credit_ns += earned < room ? earned : room;
	if (now_ns > b->last_ns)
		b->last_ns = now_ns;
}

bool pst_bucket_take(struct pst_bucket *b, uint32_t n, uint64_t now_ns)
{
	uint64_t price = b->cost_ns * n;

	earn(b, now_ns);
	if (!b->cost_ns || price > b->credit_ns)
		return false;
	b->credit_ns -= price;
	return true;
}
