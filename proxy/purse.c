// SPDX-License-Identifier: Apache-2.0
#include "proxy/purse.h"

static size_t pages_of(size_t n)
{
	return (n + PST_PURSE_PAGE - 1) / PST_PURSE_PAGE * PST_PURSE_PAGE;
}

bool pst_purse_take(struct pst_purse *p, size_t n)
{
	const size_t more = pages_of(p->used + n) - p->paid;

	p->share_less = p->share && more && !pst_share_take_bytes(p->share, more);
	if (p->share_less)
		return false;
	if (!pst_memory_fits(p->all, n)) {
		if (p->share && more)
			pst_share_give_bytes(p->share, more);
		return false;
	}
	p->paid += more;
	p->used += n;
	p->all->used += n;
	return true;
}

void pst_purse_count(struct pst_purse *p, size_t n)
{
	const size_t more = pages_of(p->used + n) - p->paid;

	if (p->share && more)
		pst_share_count_bytes(p->share, more);
	p->paid += more;
	p->used += n;
	p->all->used += n;
}

bool pst_purse_is_over(struct pst_purse *p)
{
	p->share_less = p->share && pst_share_is_over(p->share);
	return p->share_less || !pst_memory_fits(p->all, 0);
}

void pst_purse_give(struct pst_purse *p, size_t n)
{
	const size_t fewer = p->paid - pages_of(p->used - n);

	if (p->share && fewer)
		pst_share_give_bytes(p->share, fewer);
	p->paid -= fewer;
	p->used -= n;
	p->all->used -= n;
}
