// SPDX-License-Identifier: Apache-2.0
#include "enforcer/respond.h"

#include "base/cleanup.h"
#include "enforcer/inject.h"
#include "enforcer/reply.h"
#include "enforcer/tests/net_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

enum { SINCE = 1000 };

/* Segments sent for an event of TIME_NS that asks for REQUEST. */
static uint64_t t_sent(uint64_t time_ns, enum pst_request request)
{
	static const uint8_t loopback[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
	static const struct pst_reply_opts opts = {0};
	pst_cleanup(pst_inject_close) struct pst_inject *inject = NULL;
	struct pst_inject_stats stats;
	struct pst_reply reply;
	struct pst_respond respond = {.since_ns = SINCE, .reply = &reply};
	struct pst_event event = {
		.time_ns = time_ns,
		.request = request,
		.direction = PST_DIR_INGRESS,
		.client_port = 40000,
		.server_port = 80,
		.payload = 4,
		.head_len = 4,
		.head = "GET ",
	};

	memcpy(event.client, loopback, sizeof(loopback));
	memcpy(event.server, loopback, sizeof(loopback));
	cr_assert_eq(pst_inject_open(PST_INJECT_RATE, PST_INJECT_BURST, &inject), 0);
	cr_assert_eq(pst_reply_make(&opts, true, &reply), 0);
	respond.inject = inject;
	pst_respond(&respond, &event);
	pst_inject_stats(inject, &stats);
	cr_assert_eq(stats.failed, 0);
	return stats.sent;
}

Test(respond, an_event_of_before_the_daemon_gets_no_segment)
{
	t_enter_new_netns();
	cr_assert_eq(t_sent(SINCE - 1, PST_REQUEST_INJECT), 0);
	cr_assert_eq(t_sent(SINCE - 1, PST_REQUEST_RELAY), 0);
	cr_assert_gt(t_sent(SINCE, PST_REQUEST_INJECT), 0);
	cr_assert_gt(t_sent(SINCE, PST_REQUEST_RELAY), 0);
}
