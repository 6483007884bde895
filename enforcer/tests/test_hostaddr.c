// SPDX-License-Identifier: Apache-2.0
#include "enforcer/hostaddr.h"

#include "base/cleanup.h"
#include "enforcer/tests/net_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define AUTO_HOST pst_cleanup(pst_hostaddr_close) struct pst_hostaddr *

static struct pst_hostaddr *open_host(void)
{
	struct pst_hostaddr *h = NULL;

	cr_assert_eq(pst_hostaddr_open(&h), 0);
	return h;
}

static struct pst_addr address(const char *text)
{
	struct pst_addr a = {{[10] = 0xff, [11] = 0xff}};

	if (inet_pton(AF_INET, text, a.b + 12) != 1)
		cr_assert_eq(inet_pton(AF_INET6, text, a.b), 1);
	return a;
}

/* How often the list holds the prefix. */
static int count_prefix(const struct pst_hostaddr *h, const char *text, unsigned int len)
{
	struct pst_addr a = address(text);
	const struct pst_host_prefix *v;
	size_t n;
	int found = 0;

	v = pst_hostaddr_list(h, &n);
	for (size_t i = 0; i < n; i++)
		found += v[i].len == len && !memcmp(&v[i].addr, &a, sizeof(a));
	return found;
}

struct message {
	struct nlmsghdr nlh;
	struct ifaddrmsg ifa;
	struct rtattr attr;
	uint8_t addr[16];
};

/* Adds or removes (TYPE) an address of loopback, as ip-address(8) does. */
static void change_address(uint16_t type, const char *text, uint8_t prefix_len)
{
	struct pst_addr a = address(text);
	bool v4 = !strchr(text, ':');
	uint16_t len = v4 ? 4 : 16;
	struct message m = {
		.nlh = {.nlmsg_len = (uint32_t)(offsetof(struct message, addr) + len),
			.nlmsg_type = type,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK},
		.ifa = {.ifa_family = v4 ? AF_INET : AF_INET6,
			.ifa_prefixlen = prefix_len,
			.ifa_flags = IFA_F_NODAD,
			.ifa_index = if_nametoindex("lo")},
		.attr = {.rta_type = IFA_LOCAL, .rta_len = (uint16_t)(sizeof(struct rtattr) + len)},
	};
	struct {
		struct nlmsghdr nlh;
		struct nlmsgerr err;
		uint8_t rest[256];
	} reply = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	memcpy(m.addr, v4 ? a.b + 12 : a.b, len);
	cr_assert_gt(send(fd, &m, m.nlh.nlmsg_len, 0), 0);
	cr_assert_gt(recv(fd, &reply, sizeof(reply), 0), 0);
	cr_assert_eq(reply.err.error, 0, "%s: %s", text, strerror(-reply.err.error));
	close(fd);
}

static bool is_readable(const struct pst_hostaddr *h)
{
	struct pollfd pfd = {.fd = pst_hostaddr_fd(h), .events = POLLIN};

	return poll(&pfd, 1, 200) == 1;
}

static bool has_changed(struct pst_hostaddr *h)
{
	bool changed = false;

	cr_assert_eq(pst_hostaddr_dispatch(h, &changed), 0);
	return changed;
}

Test(hostaddr, loopback_is_there_as_a_whole_and_once)
{
	t_enter_new_netns();
	AUTO_HOST h = open_host();
	size_t n;

	cr_assert_eq(count_prefix(h, "127.0.0.0", 104), 1);
	cr_assert_eq(count_prefix(h, "::1", 128), 1);
	pst_hostaddr_list(h, &n);
	cr_assert_eq(n, 2, "127.0.0.1 lies within 127.0.0.0/8");
}

Test(hostaddr, an_added_address_is_noticed_and_so_is_its_removal)
{
	t_enter_new_netns();
	AUTO_HOST h = open_host();

	cr_assert_not(is_readable(h));
	change_address(RTM_NEWADDR, "10.1.2.3", 24);
	cr_assert(is_readable(h));
	cr_assert(has_changed(h));
	cr_assert_eq(count_prefix(h, "10.1.2.3", 128), 1, "the address, not its network");
	cr_assert_not(is_readable(h), "notices have been taken");
	change_address(RTM_DELADDR, "10.1.2.3", 24);
	cr_assert(is_readable(h));
	cr_assert(has_changed(h));
	cr_assert_eq(count_prefix(h, "10.1.2.3", 128), 0);
}

Test(hostaddr, a_notice_is_not_lost_when_nothing_can_be_read, .timeout = 30)
{
	t_enter_new_netns();
	AUTO_HOST h = open_host();
	struct rlimit before, none;
	bool changed;

	change_address(RTM_NEWADDR, "10.1.2.3", 24);
	cr_assert(is_readable(h));
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_expect_lt(pst_hostaddr_dispatch(h, &changed), 0);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	cr_assert_not(is_readable(h), "nobody waits for it without a pause");
	while (!is_readable(h))
		;
	cr_assert(has_changed(h));
	cr_assert_eq(count_prefix(h, "10.1.2.3", 128), 1);
	cr_assert_not(is_readable(h));
}

Test(hostaddr, ipv6_addresses_are_noticed)
{
	t_enter_new_netns();
	AUTO_HOST h = open_host();

	change_address(RTM_NEWADDR, "fd00::5", 64);
	cr_assert(is_readable(h));
	cr_assert(has_changed(h));
	cr_assert_eq(count_prefix(h, "fd00::5", 128), 1);
}

Test(hostaddr, an_address_that_came_and_went_is_no_change)
{
	t_enter_new_netns();
	AUTO_HOST h = open_host();

	change_address(RTM_NEWADDR, "10.1.2.3", 32);
	change_address(RTM_DELADDR, "10.1.2.3", 32);
	cr_assert(is_readable(h));
	cr_assert_not(has_changed(h));
}

/* The one socket of netlink that this process has. */
static void make_netlink_narrow(void)
{
	struct sockaddr_nl addr;
	int small = 1, found = 0;

	for (int fd = 3; fd < 64; fd++) {
		socklen_t len = sizeof(addr);

		if (!getsockname(fd, (struct sockaddr *)&addr, &len) &&
		    addr.nl_family == AF_NETLINK)
			found += !setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	}
	cr_assert_eq(found, 1);
}

Test(hostaddr, lost_notices_count_as_a_notice)
{
	t_enter_new_netns();
	AUTO_HOST h = open_host();

	make_netlink_narrow();
	for (int i = 0; i < 50; i++) {
		change_address(RTM_NEWADDR, "10.1.2.3", 32);
		change_address(RTM_DELADDR, "10.1.2.3", 32);
	}
	change_address(RTM_NEWADDR, "10.9.9.9", 32);
	cr_assert(is_readable(h));
	cr_assert(has_changed(h));
	cr_assert_eq(count_prefix(h, "10.9.9.9", 128), 1);
	cr_assert_not(is_readable(h), "the loss is reported once");
}

Test(hostaddr, the_list_is_sorted)
{
	const struct pst_host_prefix *v;
	size_t n;

	t_enter_new_netns();
	change_address(RTM_NEWADDR, "192.168.7.7", 32);
	change_address(RTM_NEWADDR, "10.1.2.3", 32);
	change_address(RTM_NEWADDR, "fd00::5", 128);
	AUTO_HOST h = open_host();

	v = pst_hostaddr_list(h, &n);
	cr_assert_eq(n, 5);
	for (size_t i = 1; i < n; i++)
		cr_assert_lt(memcmp(&v[i - 1].addr, &v[i].addr, 16), 0);
}
