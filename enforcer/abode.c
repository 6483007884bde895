// SPDX-License-Identifier: Apache-2.0
#include "enforcer/abode.h"

#include "enforcer/link.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const uint8_t nothing[16];

struct reading {
	uint8_t (*addr)[16];
	bool several[PST_PLACE_FAMILIES];
};

/* To and from link-local addresses of IPv6 nothing is redirected. */
static bool is_own(const struct in6_addr *a)
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		return a->s6_addr[12] == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_LINKLOCAL(a);
}

/* Ends where no family is left that may have one address. */
static int take(const struct pst_link_addr *addr, void *arg)
{
	struct reading *r = arg;
	const struct in6_addr *a = (const struct in6_addr *)addr->b;
	const int i = IN6_IS_ADDR_V4MAPPED(a) ? PST_PLACE_V4 : PST_PLACE_V6;

	if (is_own(a))
		return 0;
	r->several[i] |= memcmp(r->addr[i], nothing, 16) && memcmp(r->addr[i], addr->b, 16);
	memcpy(r->addr[i], addr->b, 16);
	return r->several[PST_PLACE_V4] && r->several[PST_PLACE_V6];
}

void pst_abode_read(uint8_t ret_addr[PST_PLACE_FAMILIES][16])
{
	struct reading r = {.addr = ret_addr};
	int e;

	memset(ret_addr, 0, PST_PLACE_FAMILIES * sizeof(*ret_addr));
	e = pst_link_each_addr(PST_LINK_HERE, take, &r);
	for (int i = 0; i < PST_PLACE_FAMILIES; i++) {
		if (e < 0 || r.several[i])
			memset(ret_addr[i], 0, 16);
	}
}
