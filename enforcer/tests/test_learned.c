// SPDX-License-Identifier: Apache-2.0
#include "enforcer/learned.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "bpf/abi.h"

static struct pst_bundle_addr addr_of(uint16_t number, uint32_t prefix, uint32_t flags)
{
	struct pst_bundle_addr a = {.prefix = prefix, .value.flags = flags};

	a.addr[0] = 0xfd;
	a.addr[14] = (uint8_t)(number >> 8);
	a.addr[15] = (uint8_t)number;
	return a;
}

Test(learned, an_endpoint_is_a_whole_address_that_the_policy_knows_as_one)
{
	struct pst_bundle_addr addrs[] = {
		addr_of(2, 127, PST_ADDR_ENDPOINT),
		addr_of(2, 128, PST_ADDR_ENDPOINT),
		addr_of(3, 128, 0),
		addr_of(4, 126, PST_ADDR_ENDPOINT),
	};
	const struct pst_bundle b = {.addrs = addrs, .n_addrs = 4}, none = {.n_addrs = 0};

	for (uint16_t i = 0; i < 6; i++) {
		const struct pst_bundle_addr a = addr_of(i, 128, 0);

		cr_expect_eq(pst_learned_is_endpoint(&b, a.addr), i == 2, "%u", i);
		cr_expect(!pst_learned_is_endpoint(&none, a.addr));
	}
}

Test(learned, who_is_no_endpoint_any_more_makes_room_for_others)
{
	struct pst_bundle_addr last = addr_of(PST_HTTP2_SERVERS, 128, PST_ADDR_ENDPOINT);
	struct pst_bundle_addr kept[] = {addr_of(7, 128, PST_ADDR_ENDPOINT), last};
	const struct pst_bundle b = {.addrs = kept, .n_addrs = 2};
	struct pst_learned l = {0};

	for (int i = 0; i < PST_HTTP2_SERVERS; i++)
		cr_assert_eq(pst_learned_add(&l, addr_of((uint16_t)i, 128, 0).addr), 0);
	cr_expect_eq(pst_learned_add(&l, last.addr), -ENOSPC);
	cr_expect_eq(pst_learned_add(&l, kept[0].addr), 0, "it is known");
	pst_learned_keep(&l, &b);
	cr_expect_eq(l.n, 1);
	cr_expect(pst_learned_has(&l, kept[0].addr) && !pst_learned_has(&l, last.addr));
	cr_expect_eq(pst_learned_add(&l, last.addr), 0);
	cr_expect(pst_learned_has(&l, last.addr));
	pst_learned_fini(&l);
}
