// SPDX-License-Identifier: Apache-2.0
#include "enforcer/homes.h"

#include "base/cleanup.h"
#include "bpf/abi.h"
#include "compiler/bundle.h"
#include "enforcer/link.h"
#include "enforcer/tests/net_fixture.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_AGAIN_US = 1100 * 1000 };

/* Pods "default/NAME" by address, ascending. */
struct pod {
	const char *addr, *name;
};

static struct pst_homes_maps maps;
static struct t_sitter sitter;
static struct pst_homes *homes;
static struct pst_link *links;
static size_t n_links;

/* By a shell. Without what it needs the test is skipped. */
static void do_or_skip(const char *line)
{
	pid_t shell = fork();
	int status = -1;

	if (!shell) {
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	if (shell < 0 || waitpid(shell, &status, 0) != shell || status)
		cr_skip_test("cannot be done here: %s", line);
}

static void inside(const char *command)
{
	char line[256];

	snprintf(line, sizeof(line), "nsenter -t %d -n ip %s", (int)sitter.pid, command);
	do_or_skip(line);
}

static void read_links(void)
{
	free(links);
	links = NULL;
	cr_assert_eq(pst_link_list(&links, &n_links), 0);
}

static void begin(void)
{
	pst_homes_free(&homes);
	cr_assert_eq(pst_homes_new(&maps, &homes), 0);
	cr_assert_eq(pst_homes_links(homes, links, n_links), 0);
}

/* What attaches programs to devices does. */
static void attach(void)
{
	struct pst_device device;

	pst_homes_device(homes, links[0].peer_netns, &device);
	cr_assert_eq(device.netns, links[0].peer_netns);
	cr_assert_eq(bpf_map_update_elem(maps.devices, &links[0].index, &device, 0), 0);
}

/* The device "pod" of a new namespace leads to the sitter's. */
static void set_up(void)
{
	char line[128];

	sitter = t_sitter_start();
	t_enter_new_netns();
	maps.homes =
		bpf_map_create(BPF_MAP_TYPE_HASH, NULL, sizeof(struct pst_home_key), 1, 64, NULL);
	maps.devices = bpf_map_create(BPF_MAP_TYPE_HASH, NULL, sizeof(uint32_t),
				      sizeof(struct pst_device), 64, NULL);
	if (maps.homes < 0 || maps.devices < 0)
		cr_skip_test("maps need root");
	snprintf(line, sizeof(line), "ip link add pod type veth peer name eth0 netns %d",
		 (int)sitter.pid);
	do_or_skip(line);
	inside("link set eth0 up");
	read_links();
	cr_assert_eq(n_links, 1);
	begin();
	attach();
}

static void tear_down(void)
{
	pst_homes_free(&homes);
	free(links);
	t_sitter_end(&sitter);
}

TestSuite(homes, .init = set_up, .fini = tear_down);

static void parse(const char *text, uint8_t addr[16])
{
	cr_assert_eq(inet_pton(AF_INET6, text, addr), 1);
}

/* May what is behind the device use ADDR? */
static bool has(const char *addr)
{
	struct pst_home_key key = {.netns = links[0].peer_netns};
	uint8_t value;

	parse(addr, key.addr);
	return !bpf_map_lookup_elem(maps.homes, &key, &value);
}

static bool is_checked(void)
{
	struct pst_device device;

	return !bpf_map_lookup_elem(maps.devices, &links[0].index, &device) && device.is_checked;
}

/* Does the device know ADDR by itself? */
static bool is_own(const char *addr)
{
	struct pst_device device;
	uint8_t b[16];

	parse(addr, b);
	cr_assert_eq(bpf_map_lookup_elem(maps.devices, &links[0].index, &device), 0);
	return !memcmp(device.own[0], b, 16) || !memcmp(device.own[1], b, 16);
}

#define BUNDLE(...)                                    \
	make_bundle((const struct pod[]){__VA_ARGS__}, \
		    sizeof((const struct pod[]){__VA_ARGS__}) / sizeof(struct pod))

static const struct pst_bundle *make_bundle(const struct pod *pods, size_t n)
{
	static struct pst_bundle_addr addrs[8];
	static struct pst_bundle b;

	for (size_t i = 0; i < n; i++) {
		addrs[i] = (struct pst_bundle_addr){
			.prefix = 128,
			.value = {.flags = PST_ADDR_ENDPOINT},
			.name = pods[i].name,
		};
		parse(pods[i].addr, addrs[i].addr);
	}
	b = (struct pst_bundle){.addrs = addrs, .n_addrs = n};
	return &b;
}

#define A "::ffff:10.2.0.1"
#define B "::ffff:10.2.0.2"
#define C "::ffff:10.2.0.3"

Test(homes, what_a_namespace_has_first_tells_which_pod_it_is)
{
	const struct pst_bundle *b = BUNDLE({A, "d/a"}, {B, "d/b"}, {"fd77::1", "d/a"});
	size_t unknown;

	pst_homes_look(homes, b);
	cr_expect_not(is_checked(), "there are no addresses yet");
	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, b);
	cr_expect(is_checked());
	cr_expect(has(A));
	cr_expect(has("fd77::1"), "all that its pod has, also before it has it");
	cr_expect(is_own(A));
	cr_expect(is_own("fd77::1"));
	cr_expect_not(has(B));
	cr_expect_eq(pst_homes_count(homes, &unknown), 1);
	cr_expect_eq(unknown, 0);
}

Test(homes, what_it_gives_itself_later_is_not_its)
{
	const struct pst_bundle *b = BUNDLE({A, "d/a"}, {B, "d/b"});

	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, b);
	inside("addr add 10.2.0.2/32 dev eth0");
	inside("addr del 10.2.0.1/24 dev eth0");
	usleep(READ_AGAIN_US);
	pst_homes_look(homes, b);
	cr_expect(has(A));
	cr_expect_not(has(B));
}

Test(homes, who_is_no_pod_of_the_inventory_is_not_checked_until_it_is)
{
	size_t unknown;

	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, BUNDLE({B, "d/b"}));
	cr_expect_not(is_checked());
	cr_expect_eq(pst_homes_count(homes, &unknown), 0);
	cr_expect_eq(unknown, 1);
	pst_homes_know(homes, BUNDLE({A, "d/a"}, {B, "d/b"}));
	cr_expect(is_checked(), "before the inventory is in force");
	cr_expect(has(A));
	cr_expect_not(has(B));
	pst_homes_look(homes, BUNDLE({B, "d/b"}));
	cr_expect_not(is_checked());
	cr_expect_not(has(A));
}

Test(homes, a_new_inventory_takes_nothing_away_before_it_is_in_force)
{
	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, BUNDLE({A, "d/a"}, {C, "d/a"}));
	pst_homes_know(homes, BUNDLE({A, "d/a"}, {B, "d/a"}));
	cr_expect(has(B));
	cr_expect(has(C));
	pst_homes_look(homes, BUNDLE({A, "d/a"}, {B, "d/a"}));
	cr_expect(has(A));
	cr_expect(has(B));
	cr_expect_not(has(C));
	cr_expect(is_own(B));
	cr_expect_not(is_own(C));
}

Test(homes, whose_address_is_another_pods_now_stays_what_it_was)
{
	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, BUNDLE({A, "d/a"}));
	inside("addr del 10.2.0.1/24 dev eth0");
	inside("addr add 10.2.0.2/24 dev eth0");
	usleep(READ_AGAIN_US);
	pst_homes_look(homes, BUNDLE({A, "d/new"}, {B, "d/a"}));
	cr_expect(has(B));
	cr_expect_not(has(A));
}

Test(homes, who_was_taken_for_another_is_who_has_its_address)
{
	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, BUNDLE({A, "d/old"}));
	pst_homes_look(homes, BUNDLE({A, "d/new"}, {B, "d/old"}));
	cr_expect(has(A));
	cr_expect_not(has(B));
}

Test(homes, a_number_that_comes_back_with_another_device_is_somebody_new)
{
	const struct pst_bundle *b = BUNDLE({A, "d/a"});

	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, b);
	cr_expect(has(A));
	links[0].index++;
	cr_assert_eq(pst_homes_links(homes, links, n_links), 0);
	attach();
	cr_expect_not(is_checked());
	cr_expect_not(has(A));
	pst_homes_look(homes, b);
	cr_expect(is_checked());
}

Test(homes, a_namespace_with_another_device_stays_who_it_is)
{
	struct pst_link two[2];

	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, BUNDLE({A, "d/a"}));
	two[0] = two[1] = links[0];
	two[1].index++;
	cr_assert_eq(pst_homes_links(homes, two, 2), 0);
	cr_expect(has(A));
	cr_assert_eq(pst_homes_links(homes, &two[1], 1), 0);
	cr_expect(has(A), "also when the first one goes");
	cr_assert_eq(pst_homes_links(homes, NULL, 0), 0);
	cr_expect_not(has(A));
}

Test(homes, a_device_that_is_taken_along_stays_the_pods)
{
	const struct pst_bundle *b = BUNDLE({A, "d/a"}, {B, "d/b"});
	struct t_sitter elsewhere = t_sitter_start();
	int32_t before;
	char line[64];

	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, b);
	snprintf(line, sizeof(line), "link set eth0 netns %d", (int)elsewhere.pid);
	inside(line);
	before = links[0].peer_netns;
	read_links();
	cr_expect_neq(links[0].peer_netns, before);
	t_sitter_end(&sitter);
	sitter = elsewhere;
	inside("addr add 10.2.0.2/24 dev eth0");
	cr_assert_eq(pst_homes_links(homes, links, n_links), 0);
	attach();
	cr_expect(is_checked(), "at once");
	cr_expect(is_own(A));
	cr_expect(has(A));
	usleep(READ_AGAIN_US);
	pst_homes_look(homes, b);
	cr_expect(is_checked());
	cr_expect(has(A));
	cr_expect_not(has(B));
}

Test(homes, the_next_daemon_adopts_what_leads_where_it_led)
{
	const struct pst_bundle *b = BUNDLE({A, "d/a"}, {B, "d/b"});

	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, b);
	inside("addr add 10.2.0.2/32 dev eth0");
	begin();
	cr_expect(has(A));
	cr_expect(is_checked(), "all the time");
	attach();
	cr_expect(is_checked());
	pst_homes_look(homes, b);
	cr_expect(has(A));
	cr_expect_not(has(B), "what it has is not what it had first");
}

Test(homes, the_next_daemon_believes_nothing_of_other_devices)
{
	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, BUNDLE({A, "d/a"}));
	bpf_map_delete_elem(maps.devices, &links[0].index);
	begin();
	attach();
	cr_expect_not(has(A), "no device is known to have led there");
	cr_expect_not(is_checked());
	pst_homes_look(homes, BUNDLE({A, "d/a"}));
	cr_expect(has(A));
	cr_expect(is_checked());
}

Test(homes, whom_the_map_has_no_room_for_is_not_checked)
{
	const uint8_t value = 1;

	for (int i = 0; i < 64; i++) {
		const struct pst_home_key key = {.netns = 1000 + i};

		cr_assert_eq(bpf_map_update_elem(maps.homes, &key, &value, 0), 0);
	}
	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, BUNDLE({A, "d/a"}));
	cr_expect_not(is_checked());
	cr_expect_not(has(A));
}

/* More addresses than are read, on the first device of the dump. */
static void give_many(const char *net)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "for i in $(seq 17); do for j in $(seq 250); do echo addr add %s.$i.$j/32 dev lo;"
		 "done; done | nsenter -t %d -n ip -batch -",
		 net, (int)sitter.pid);
	do_or_skip(line);
}

static bool may_send_as_nobody(void)
{
	struct pst_device device;

	return !bpf_map_lookup_elem(maps.devices, &links[0].index, &device) && device.is_checked &&
	       is_own("::") && !has(A) && !has(B);
}

Test(homes, who_hides_behind_very_many_addresses_may_send_as_nobody)
{
	const struct pst_bundle *b = BUNDLE({A, "d/a"}, {B, "d/b"});

	give_many("10.3");
	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, b);
	cr_expect(may_send_as_nobody());
	cr_expect_eq(pst_homes_big(homes), 1);
	inside("addr flush dev lo");
	inside("addr add 10.2.0.2/24 dev eth0");
	usleep(READ_AGAIN_US);
	pst_homes_look(homes, b);
	cr_expect(may_send_as_nobody(), "also when that is over");
	cr_expect_eq(pst_homes_big(homes), 0);
	begin();
	attach();
	pst_homes_look(homes, b);
	cr_expect(may_send_as_nobody(), "also with the next daemon");
}

Test(homes, very_many_addresses_of_the_loopback_hide_nobody)
{
	give_many("127.1");
	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, BUNDLE({A, "d/a"}, {B, "d/b"}));
	cr_expect(may_send_as_nobody());
}

Test(homes, who_has_very_many_addresses_behind_his_own_has_his_own)
{
	const struct pst_bundle *b = BUNDLE({A, "d/a"}, {B, "d/b"}, {"fd77::1", "d/a"});

	inside("addr add 10.2.0.1/24 dev lo");
	give_many("10.3");
	inside("addr add 10.2.0.2/24 dev eth0");
	pst_homes_look(homes, b);
	cr_expect(is_checked());
	cr_expect(has(A));
	cr_expect(has("fd77::1"));
	cr_expect_not(has(B));
	pst_homes_look(homes, BUNDLE({B, "d/b"}));
	cr_expect(may_send_as_nobody(), "of an inventory that knows it no more");
}

Test(homes, a_device_that_is_taken_along_by_whom_many_addresses_hide_is_checked)
{
	const struct pst_bundle *b = BUNDLE({A, "d/a"}, {B, "d/b"});
	struct t_sitter elsewhere = t_sitter_start();
	char line[64];

	give_many("10.3");
	pst_homes_look(homes, b);
	snprintf(line, sizeof(line), "link set eth0 netns %d", (int)elsewhere.pid);
	inside(line);
	read_links();
	t_sitter_end(&sitter);
	sitter = elsewhere;
	inside("addr add 10.2.0.2/24 dev eth0");
	cr_assert_eq(pst_homes_links(homes, links, n_links), 0);
	attach();
	cr_expect(may_send_as_nobody());
	pst_homes_look(homes, b);
	cr_expect(may_send_as_nobody());
}

Test(homes, a_device_that_is_taken_along_while_there_is_no_daemon_stays_the_pods)
{
	const struct pst_bundle *b = BUNDLE({A, "d/a"}, {B, "d/b"});
	struct t_sitter elsewhere = t_sitter_start();
	char line[64];

	inside("addr add 10.2.0.1/24 dev eth0");
	pst_homes_look(homes, b);
	pst_homes_free(&homes);
	snprintf(line, sizeof(line), "link set eth0 netns %d", (int)elsewhere.pid);
	inside(line);
	read_links();
	t_sitter_end(&sitter);
	sitter = elsewhere;
	inside("addr add 10.2.0.2/24 dev eth0");
	begin();
	attach();
	cr_expect(is_checked(), "at once");
	pst_homes_look(homes, b);
	cr_expect(is_checked());
	cr_expect(has(A));
	cr_expect_not(has(B));
}
