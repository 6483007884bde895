// SPDX-License-Identifier: Apache-2.0
#include "policy/inventory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const uint8_t v4_prefix[12] = {[10] = 0xff, [11] = 0xff};

int pst_addr_from_str(const char *text, struct pst_addr *ret_addr)
{
	struct pst_addr a = {0};

	if (inet_pton(AF_INET, text, a.b + sizeof(v4_prefix)) == 1)
		memcpy(a.b, v4_prefix, sizeof(v4_prefix));
	else if (inet_pton(AF_INET6, text, a.b) != 1)
		return -EINVAL;
	*ret_addr = a;
	return 0;
}

const char *pst_addr_to_str(const struct pst_addr *addr, char *buf, size_t size)
{
	bool v4 = !memcmp(addr->b, v4_prefix, sizeof(v4_prefix));

	if (v4)
		inet_ntop(AF_INET, addr->b + sizeof(v4_prefix), buf, (socklen_t)size);
	else
		inet_ntop(AF_INET6, addr->b, buf, (socklen_t)size);
	return buf;
}
