// SPDX-License-Identifier: Apache-2.0
#include "enforcer/link.h"

#include "base/cleanup.h"
#include "enforcer/tests/net_fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_WORDS = 16 };

/* Runs a program, whose words may have _ for blanks, or skips the test where it fails. */
static void run(const char *line)
{
	char text[512], *argv[MAX_WORDS] = {NULL}, *rest = text;
	int status = 1;
	pid_t pid;

	snprintf(text, sizeof(text), "%s", line);
	for (size_t i = 0; i < MAX_WORDS - 1 && rest; i++) {
		argv[i] = strsep(&rest, " ");
		for (char *p = argv[i]; *p; p++)
			if (*p == '_')
				*p = ' ';
	}
	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		cr_skip_test("no %s", argv[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	if (status)
		cr_skip_test("cannot be done here: %s", line);
}

/* A veth pair NAME, whose other end is with SITTER. */
static void make_pod(const char *name, const struct t_sitter *sitter)
{
	char args[128];

	snprintf(args, sizeof(args), "ip link add %s type veth peer name eth0 netns %d", name,
		 (int)sitter->pid);
	run(args);
}

static bool becomes_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 2000) == 1;
}

Test(link, a_veth_to_another_namespace_is_listed_with_its_other_side)
{
	struct t_sitter s = t_sitter_start();
	pst_auto_free struct pst_link *links = NULL;
	size_t n = 0;

	t_enter_new_netns();
	make_pod("pod0", &s);
	cr_expect_eq(pst_link_list(&links, &n), 0);
	cr_assert_eq(n, 1);
	cr_expect_str_eq(links[0].name, "pod0");
	cr_expect_eq(links[0].index, if_nametoindex("pod0"));
	cr_expect_geq(links[0].peer_netns, 0);
	t_sitter_end(&s);
}

Test(link, what_leads_nowhere_else_is_not_listed)
{
	pst_auto_free struct pst_link *links = NULL;
	size_t n = 1;

	t_enter_new_netns();
	run("ip link add here0 type veth peer name here1");
	run("ip link add br0 type bridge");
	cr_expect_eq(pst_link_list(&links, &n), 0);
	cr_expect_eq(n, 0);
}

Test(link, many_devices_are_listed_by_ascending_index)
{
	struct t_sitter s = t_sitter_start();
	pst_auto_free struct pst_link *links = NULL;
	char args[128];
	size_t n = 0;

	t_enter_new_netns();
	/* More than one message of the kernel's holds. */
	for (int i = 0; i < 60; i++) {
		snprintf(args, sizeof(args), "ip link add p%d type veth peer name e%d netns %d", i,
			 i, (int)s.pid);
		run(args);
	}
	cr_expect_eq(pst_link_list(&links, &n), 0);
	cr_assert_eq(n, 60);
	for (size_t i = 1; i < n; i++)
		cr_expect_lt(links[i - 1].index, links[i].index);
	t_sitter_end(&s);
}

static void note_gone(uint32_t index, void *arg)
{
	*(uint32_t *)arg = index;
}

Test(link, a_device_that_comes_or_goes_is_told)
{
	struct t_sitter s = t_sitter_start();
	uint32_t index, gone = 0;
	int fd;

	t_enter_new_netns();
	fd = pst_link_watch();
	cr_assert_geq(fd, 0);
	make_pod("pod0", &s);
	cr_expect(becomes_readable(fd));
	cr_expect_not(pst_link_drain(fd, note_gone, &gone));
	cr_expect_eq(gone, 0);
	index = if_nametoindex("pod0");
	run("ip link del pod0");
	cr_expect(becomes_readable(fd));
	cr_expect_not(pst_link_drain(fd, note_gone, &gone));
	cr_expect_eq(gone, index);
	pst_cleanup_fd(&fd);
	t_sitter_end(&s);
}

Test(link, notices_that_are_lost_are_told)
{
	int size = 1, fd;
	uint32_t gone;

	t_enter_new_netns();
	fd = pst_link_watch();
	cr_assert_geq(fd, 0);
	cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	for (int i = 0; i < 10; i++) {
		run("ip link add br0 type bridge");
		run("ip link del br0");
	}
	cr_expect(pst_link_drain(fd, note_gone, &gone));
	cr_expect_not(pst_link_drain(fd, note_gone, &gone));
	pst_cleanup_fd(&fd);
}

Test(link, a_device_without_filters_has_none)
{
	uint32_t egress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

	t_enter_new_netns();
	run("ip link add br0 type bridge");
	run("tc qdisc add dev br0 clsact");
	cr_expect_eq(pst_link_has_filters(if_nametoindex("br0"), egress), 0);
	run("tc filter add dev br0 egress bpf bytecode 1,6_0_0_0, flowid 1:1");
	cr_expect_eq(pst_link_has_filters(if_nametoindex("br0"), egress), 1);
	cr_expect_eq(pst_link_has_filters(if_nametoindex("br0"),
					  TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)),
		     0);
}

static bool has_addr(const struct pst_link_addr *addrs, size_t n, const char *text)
{
	uint8_t addr[16];

	cr_assert_eq(inet_pton(AF_INET6, text, addr), 1);
	for (size_t i = 0; i < n; i++)
		if (!memcmp(addrs[i].b, addr, sizeof(addr)))
			return true;
	return false;
}

Test(link, the_addresses_behind_a_device_are_read_without_going_there)
{
	struct t_sitter s = t_sitter_start();
	pst_auto_free struct pst_link *links = NULL;
	pst_auto_free struct pst_link_addr *addrs = NULL;
	size_t n = 0;
	char args[256];

	t_enter_new_netns();
	run("ip addr add 10.1.0.1/32 dev lo");
	make_pod("pod0", &s);
	cr_assert_eq(pst_link_list(&links, &n), 0);
	cr_assert_eq(n, 1);
	cr_expect_eq(pst_link_addrs(links[0].peer_netns, &addrs, &n), 0);
	cr_expect_eq(n, 0, "neither its loopback's nor our own");
	cr_expect_null(addrs);
	snprintf(args, sizeof(args),
		 "nsenter -t %d -n sh -c ip_addr_add_10.2.0.2/24_dev_eth0;ip_link_set_eth0_up;"
		 "ip_addr_add_169.254.3.3/16_dev_eth0;ip_-6_addr_add_fd77::2/64_dev_eth0_nodad",
		 (int)s.pid);
	run(args);
	cr_expect_eq(pst_link_addrs(links[0].peer_netns, &addrs, &n), 0);
	cr_expect_eq(n, 2, "nor link-local ones: %zu", n);
	cr_expect(has_addr(addrs, n, "::ffff:10.2.0.2"));
	cr_expect(has_addr(addrs, n, "fd77::2"));
	t_sitter_end(&s);
}

static int count_to(const struct pst_link_addr *addr, void *arg)
{
	size_t *left = arg;

	cr_assert_not_null(addr);
	return !--*left;
}

Test(link, of_a_namespace_with_very_many_addresses_some_are_read)
{
	pst_auto_free struct pst_link_addr *addrs = NULL;
	size_t n = 0, left = 3;

	t_enter_new_netns();
	run("ip link set lo up");
	run("sh -c for_i_in_$(seq_17);do_for_j_in_$(seq_250);do_echo_addr_add_10.3.$i.$j/32_dev_lo;"
	    "done;done|ip_-batch_-");
	cr_expect_eq(pst_link_each_addr(PST_LINK_HERE, count_to, &left), 1);
	cr_expect_eq(left, 0, "asked again behind its last one: %zu", left);
	left = PST_LINK_MAX_ADDRS * 2;
	cr_expect_eq(pst_link_each_addr(PST_LINK_HERE, count_to, &left), -E2BIG);
	cr_expect_eq(left, PST_LINK_MAX_ADDRS);
	cr_expect_eq(pst_link_addrs(PST_LINK_HERE, &addrs, &n), 1);
	cr_expect_eq(n, PST_LINK_MAX_ADDRS - 1, "all but 127.0.0.1: %zu", n);
}

Test(link, there_are_no_addresses_behind_a_number_that_is_no_namespaces)
{
	pst_auto_free struct pst_link_addr *addrs = NULL;
	size_t n = 7;

	t_enter_new_netns();
	cr_expect_lt(pst_link_addrs(4711, &addrs, &n), 0);
	cr_expect_eq(n, 7);
}
