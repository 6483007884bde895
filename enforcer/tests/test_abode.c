// SPDX-License-Identifier: Apache-2.0
#include "enforcer/abode.h"

#include "enforcer/tests/net_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Gives the loopback device another address: to add one needs no other device. */
static void add(const char *text)
{
	struct {
		struct nlmsghdr h;
		struct ifaddrmsg a;
		struct rtattr attr;
		uint8_t addr[16];
	} m = {
		.h = {.nlmsg_type = RTM_NEWADDR,
		      .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK},
		.a = {.ifa_family = strchr(text, ':') ? AF_INET6 : AF_INET,
		      .ifa_flags = IFA_F_NODAD,
		      .ifa_index = 1},
		.attr = {.rta_type = IFA_LOCAL},
	};
	const unsigned int len = m.a.ifa_family == AF_INET ? 4 : 16;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char rest[256];
	} answer;

	m.a.ifa_prefixlen = (uint8_t)(len * 8);
	m.attr.rta_len = (unsigned short)RTA_LENGTH(len);
	m.h.nlmsg_len = NLMSG_LENGTH(sizeof(m.a)) + RTA_LENGTH(len);
	cr_assert_eq(inet_pton(m.a.ifa_family, text, m.addr), 1);
	cr_assert_eq(send(fd, &m, m.h.nlmsg_len, 0), (ssize_t)m.h.nlmsg_len);
	cr_assert_gt(recv(fd, &answer, sizeof(answer), 0), 0);
	cr_assert_eq(answer.e.error, 0, "%s: %s", text, strerror(-answer.e.error));
	close(fd);
}

static const char *text_of(const uint8_t addr[16])
{
	static char text[INET6_ADDRSTRLEN];

	return inet_ntop(AF_INET6, addr, text, sizeof(text));
}

static void is(const char *v4, const char *v6)
{
	uint8_t addr[PST_PLACE_FAMILIES][16];

	memset(addr, 0xee, sizeof(addr));
	pst_abode_read(addr);
	cr_assert_str_eq(text_of(addr[PST_PLACE_V4]), v4);
	cr_assert_str_eq(text_of(addr[PST_PLACE_V6]), v6);
}

Test(abode, a_namespace_with_nothing_but_the_loopback_has_none)
{
	t_enter_new_netns();
	is("::", "::");
}

Test(abode, the_only_address_of_each_family_is_known)
{
	t_enter_new_netns();
	add("10.77.0.2");
	is("::ffff:10.77.0.2", "::");
	add("fd77::2");
	is("::ffff:10.77.0.2", "fd77::2");
}

Test(abode, of_several_none_is_known)
{
	t_enter_new_netns();
	add("10.77.0.2");
	add("10.78.0.2");
	add("fd77::2");
	is("::", "fd77::2");
	add("fd78::2");
	is("::", "::");
}

Test(abode, a_third_one_does_not_bring_the_first_one_back)
{
	t_enter_new_netns();
	add("10.77.0.2");
	add("10.78.0.2");
	add("10.79.0.2");
	is("::", "::");
}

Test(abode, loopback_and_link_local_addresses_of_ipv6_do_not_count)
{
	t_enter_new_netns();
	add("127.1.2.3");
	add("fe80::2");
	is("::", "::");
	add("10.77.0.2");
	add("fd77::2");
	is("::ffff:10.77.0.2", "fd77::2");
}

Test(abode, link_local_addresses_of_ipv4_count)
{
	t_enter_new_netns();
	add("169.254.1.1");
	is("::ffff:169.254.1.1", "::");
	add("10.77.0.2");
	is("::", "::");
}
