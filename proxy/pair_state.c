// SPDX-License-Identifier: Apache-2.0
#include "proxy/pair_state.h"

bool pst_pair_is_h2(const struct pst_pair *p)
{
	return p->h2;
}

enum pst_pair_state pst_pair_state(const struct pst_pair *p)
{
	return p->h2 ? pst_h2_state(p->h2) : p->state;
}

bool pst_pair_is_torn(const struct pst_pair *p)
{
	return p->torn;
}

uint32_t pst_pair_number(const struct pst_pair *p)
{
	return p->h2 ? pst_h2_number(p->h2) : p->number;
}

bool pst_pair_is_in_head(const struct pst_pair *p)
{
	if (p->h2)
		return pst_h2_is_in_head(p->h2);
	return p->state == PST_PAIR_OPEN && pst_message_is_in_head(p->up.state);
}

const struct pst_ruler *pst_pair_ruler(const struct pst_pair *p)
{
	return p->opts.ruler;
}

uint32_t pst_pair_ruleset(const struct pst_pair *p)
{
	return p->opts.opaque ? UINT32_MAX : p->opts.ruleset;
}

bool pst_pair_is_tunnel(const struct pst_pair *p)
{
	return p->tunnel;
}

bool pst_pair_can_rest(const struct pst_pair *p)
{
	return p->h2 && pst_h2_is_idle(p->h2);
}
