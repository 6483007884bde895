// SPDX-License-Identifier: Apache-2.0
#include "policy/inventory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	V4_BITS = 32,
	V6_BITS = 128,
	ADDR_SIZE = 64, /* longer than any address */
};

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

/* A decimal number of at most MAX, without leading zeros. */
static int read_length(const char *text, unsigned int max, unsigned int *ret_len)
{
	size_t n = strlen(text);
	unsigned long value;

	if (!n || n > 3 || strspn(text, "0123456789") != n || (n > 1 && text[0] == '0'))
		return -EINVAL;
	value = strtoul(text, NULL, 10);
	if (value > max)
		return -EINVAL;
	*ret_len = (unsigned int)value;
	return 0;
}

/* Clears the bits behind the prefix; true when there were any. */
static bool clear_host_bits(struct pst_prefix *p)
{
	bool any = false;

	for (unsigned int bit = p->len; bit < V6_BITS; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		any = any || p->addr[bit / 8] & mask;
		p->addr[bit / 8] &= (uint8_t)~mask;
	}
	return any;
}

int pst_prefix_from_str(const char *text, struct pst_prefix *ret_prefix, bool *ret_host_bits)
{
	const char *slash = strchr(text, '/');
	size_t addr_len = slash ? (size_t)(slash - text) : strlen(text);
	bool is_v4 = !memchr(text, ':', addr_len);
	unsigned int len = is_v4 ? V4_BITS : V6_BITS;
	struct pst_prefix p = {.is_v4 = is_v4};
	struct pst_addr addr;
	char buf[ADDR_SIZE];

	if (addr_len >= sizeof(buf))
		return -EINVAL;
	memcpy(buf, text, addr_len);
	buf[addr_len] = 0;
	if (pst_addr_from_str(buf, &addr) || (slash && read_length(slash + 1, len, &len)))
		return -EINVAL;
	memcpy(p.addr, addr.b, sizeof(p.addr));
	p.len = (uint8_t)(is_v4 ? V6_BITS - V4_BITS + len : len);
	*ret_host_bits = clear_host_bits(&p);
	*ret_prefix = p;
	return 0;
}
