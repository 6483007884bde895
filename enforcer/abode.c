// SPDX-License-Identifier: Apache-2.0
#include "enforcer/abode.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* -1: not an address to connect to others from. To and from link-local ones of IPv6 nothing is
 * redirected. */
static int family_of(const struct sockaddr *at, uint8_t ret_addr[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	if (at && at->sa_family == AF_INET) {
		const struct in_addr *v4 = &((const struct sockaddr_in *)at)->sin_addr;

		if (ntohl(v4->s_addr) >> 24 == IN_LOOPBACKNET)
			return -1;
		memcpy(ret_addr, mapped, sizeof(mapped));
		memcpy(ret_addr + 12, v4, 4);
		return PST_PLACE_V4;
	}
	if (at && at->sa_family == AF_INET6) {
		const struct in6_addr *v6 = &((const struct sockaddr_in6 *)at)->sin6_addr;

		if (IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_LINKLOCAL(v6))
			return -1;
		memcpy(ret_addr, v6, 16);
		return PST_PLACE_V6;
	}
	return -1;
}

void pst_abode_read(uint8_t ret_addr[PST_PLACE_FAMILIES][16])
{
	static const uint8_t nothing[16];
	bool several[PST_PLACE_FAMILIES] = {false};
	struct ifaddrs *all = NULL;

	memset(ret_addr, 0, PST_PLACE_FAMILIES * sizeof(*ret_addr));
	if (getifaddrs(&all))
		return;
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		uint8_t addr[16];
		int i = family_of(a->ifa_addr, addr);

		if (i < 0)
			continue;
		several[i] |= memcmp(ret_addr[i], nothing, 16) && memcmp(ret_addr[i], addr, 16);
		memcpy(ret_addr[i], addr, 16);
	}
	for (int i = 0; i < PST_PLACE_FAMILIES; i++) {
		if (several[i])
			memset(ret_addr[i], 0, 16);
	}
	freeifaddrs(all);
}
