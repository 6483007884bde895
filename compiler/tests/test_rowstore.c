// SPDX-License-Identifier: Apache-2.0
#include "compiler/rowstore.h"

#include <criterion/criterion.h>
#include <string.h>

enum { SUBJECT = 4711, PORTS = 3 };

static struct pst_bundle_entry entry(uint32_t peer, uint16_t port, uint32_t rule)
{
	return (struct pst_bundle_entry){
		.key = {.prefixlen = port ? 160 : 104,
			.subject = SUBJECT,
			.peer = peer,
			.direction = PST_DIR_EGRESS,
			.protocol = port ? 6 : 0,
			.port_be = {(uint8_t)(port >> 8), (uint8_t)port}},
		.value = {.verdict = PST_VERDICT_ALLOW, .rule = rule},
	};
}

static const struct pst_policy_key like = {.subject = SUBJECT, .direction = PST_DIR_EGRESS};

Test(rowstore, writes_what_was_put_in_and_holds_what_is_said_to_many_once)
{
	enum { PEERS = 500 };
	struct pst_bundle_entry row[PEERS * PORTS];
	struct pst_bundle_entry out[PEERS * PORTS];
	struct pst_rowstore s = {0};

	for (uint32_t i = 0; i < PEERS * PORTS; i++)
		row[i] = entry(i / PORTS, (uint16_t)(i % PORTS * 8000), i / PORTS % 2);
	cr_assert_eq(pst_rowstore_add(&s, row, 1), 0); /* another row before it */
	cr_assert_eq(pst_rowstore_add(&s, row, PEERS * PORTS), 0);
	cr_assert_eq(s.peers.n, 1 + PEERS);
	cr_assert_eq(s.speeches.n, 3);
	pst_rowstore_seal(&s);
	cr_assert_eq(pst_rowstore_write(&s, 1, PEERS, &like, out), out + PEERS * PORTS);
	cr_assert(!memcmp(out, row, sizeof(row)));
	pst_rowstore_fini(&s);
}

/* Each part of what is said counts. */
Test(rowstore, tells_speeches_apart_that_differ_in_one_member)
{
	struct pst_bundle_entry row[8];
	struct pst_bundle_entry out[8];
	struct pst_rowstore s = {0};

	for (uint32_t i = 0; i < 8; i++)
		row[i] = entry(i, 80, 7);
	row[1].key.prefixlen--;
	row[2].key.protocol++;
	row[3].key.port_be[1]++;
	row[4].value.verdict = PST_VERDICT_DENY;
	row[5].value.deny_rule = 1;
	row[6].value.ruleset = 1;
	row[7].value.rule = UINT32_MAX;
	cr_assert_eq(pst_rowstore_add(&s, row, 8), 0);
	cr_assert_eq(s.speeches.n, 8);
	cr_assert_eq(pst_rowstore_write(&s, 0, 8, &like, out), out + 8);
	cr_assert(!memcmp(out, row, sizeof(row)));
	pst_rowstore_fini(&s);
}
