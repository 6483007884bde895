// SPDX-License-Identifier: Apache-2.0
#include "enforcer/handover.h"

#include "base/cleanup.h"
#include "compiler/compile.h"
#include "compiler/judge.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct pst_diags *diags;
static struct pst_bundle *bundle, *got;

static void setup(void)
{
	const char *policies[] = {"testdata/policies/good/two-rules.yaml"};
	const char *inventories[] = {"testdata/inventory/demo.yaml"};
	struct pst_policy_set *set = NULL;
	struct pst_inventory *inventory = NULL;

	diags = pst_diags_new();
	cr_assert_eq(pst_policy_load(policies, 1, diags, &set), 0);
	cr_assert_eq(pst_inventory_load(inventories, 1, diags, &inventory), 0);
	cr_assert_eq(pst_compile(set, inventory, NULL, diags, &bundle), 0);
	pst_inventory_free(&inventory);
	pst_policy_set_free(&set);
}

static void teardown(void)
{
	pst_bundle_free(&got);
	pst_bundle_free(&bundle);
	pst_diags_free(&diags);
}

TestSuite(handover, .init = setup, .fini = teardown);

static struct pst_host_prefix host(const char *text, uint8_t len)
{
	struct pst_host_prefix p = {.len = len};

	cr_assert_eq(pst_addr_from_str(text, &p.addr), 0);
	return p;
}

/* Through the descriptor, as the proxy reads it, and verified. */
static void hand_over(const struct pst_host_prefix *prefixes, size_t n)
{
	pst_auto_fd int fd = pst_handover_write(bundle, prefixes, n);
	char path[32];

	cr_assert_geq(fd, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_eq(pst_bundle_read(path, diags, &got), 0);
}

/* What one proxy is given, the next one is given as well. */
Test(handover, who_has_it_cannot_change_it)
{
	pst_auto_fd int fd = pst_handover_write(bundle, NULL, 0);

	cr_assert_geq(fd, 0);
	cr_expect_eq(pwrite(fd, "x", 1, 0), -1);
	cr_expect_eq(errno, EPERM);
	cr_expect_neq(ftruncate(fd, 0), 0);
	cr_expect_neq(fcntl(fd, F_GET_SEALS) & F_SEAL_SEAL, 0);
}

static struct pst_addr_value who(const char *text)
{
	struct pst_addr a;

	cr_assert_eq(pst_addr_from_str(text, &a), 0);
	return pst_judge_addr(got, a.b);
}

Test(handover, the_node_s_own_addresses_are_known_as_the_node)
{
	const struct pst_host_prefix own[] = {host("10.77.0.1", 128), host("127.0.0.0", 104),
					      host("fd77::1", 128), host("10.77.0.1", 128)};

	hand_over(own, 4);
	cr_expect_eq(who("10.77.0.1").identity, PST_ID_HOST);
	cr_expect_eq(who("10.77.0.1").flags, PST_ADDR_HOST);
	cr_expect_eq(who("127.3.4.5").identity, PST_ID_HOST);
	cr_expect_eq(who("fd77::1").identity, PST_ID_HOST);
	cr_expect_eq(who("10.77.0.9").identity, PST_ID_WORLD);
	cr_expect_eq(got->n_addrs, bundle->n_addrs + 3, "one of them comes twice");
}

Test(handover, an_endpoint_with_an_address_of_the_node_stays_an_endpoint)
{
	const struct pst_host_prefix own[] = {host("10.77.0.4", 128)};

	hand_over(own, 1);
	cr_expect(who("10.77.0.4").flags & PST_ADDR_ENDPOINT);
	cr_expect_eq(got->n_addrs, bundle->n_addrs);
}

Test(handover, what_else_names_an_address_of_the_node_gives_way)
{
	struct pst_bundle_addr a = {.prefix = 128, .value = {.identity = PST_ID_WORLD}};
	const struct pst_host_prefix own = host("10.77.0.0", 96 + 24);

	memcpy(a.addr, host("10.77.0.200", 128).addr.b, 16);
	cr_expect(pst_handover_is_own(&a, &own, 1));
	a.value.flags = PST_ADDR_ENDPOINT;
	cr_expect_not(pst_handover_is_own(&a, &own, 1));
	a.value.flags = 0;
	a.addr[14] = 1;
	cr_expect_not(pst_handover_is_own(&a, &own, 1));
}
