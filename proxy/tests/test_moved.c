// SPDX-License-Identifier: Apache-2.0
/* Bytes that go past a pair: which ones may, and that it knows where they end. */
#include "proxy/pair.h"

#include <criterion/criterion.h>
#include <string.h>

#include "proxy/tests/scene.h"

#define GET    "GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"
#define DENIED "GET /secret HTTP/1.1\r\nHost: b\r\n\r\n"
#define POST   "POST /api/x HTTP/1.1\r\nHost: b\r\n"
#define OK     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct t_stage *const stage = &t_scene.stage;

TestSuite(moved, .init = t_scene_begin, .fini = t_scene_end);

static void from(enum pst_side side, const char *text)
{
	t_stage_text(stage, side, text);
}

static uint64_t movable(enum pst_side side)
{
	return pst_pair_movable(stage->pair, side);
}

/* The exchange is over, and the next request is judged as one. */
static void expect_order(void)
{
	from(PST_SERVER, OK);
	cr_expect(pst_pair_is_idle(stage->pair));
	from(PST_CLIENT, DENIED);
	cr_expect(!t_stage_last(stage)->allowed);
	from(PST_CLIENT, GET);
	cr_expect(t_stage_last(stage)->allowed);
}

Test(moved, a_body_may_go_past_up_to_its_last_byte)
{
	from(PST_CLIENT, POST "Content-Length: 1000000\r\n\r\nab");
	cr_assert_eq(movable(PST_CLIENT), 999997);
	cr_expect_eq(movable(PST_SERVER), 0);
	pst_pair_moved(stage->pair, PST_CLIENT, 999990);
	cr_assert_eq(movable(PST_CLIENT), 7);
	from(PST_CLIENT, "1234567");
	cr_assert_eq(movable(PST_CLIENT), 0);
	from(PST_CLIENT, "8");
	expect_order();
}

Test(moved, more_than_a_body_has_ends_the_connection)
{
	from(PST_CLIENT, POST "Content-Length: 10\r\n\r\n");
	pst_pair_moved(stage->pair, PST_CLIENT, 10);
	cr_expect_eq(pst_pair_state(stage->pair), PST_PAIR_DEAD);
}

Test(moved, of_chunks_only_data_go_past)
{
	from(PST_CLIENT, POST "Transfer-Encoding: chunked\r\n\r\n");
	cr_expect_eq(movable(PST_CLIENT), 0);
	from(PST_CLIENT, "10000\r");
	cr_expect_eq(movable(PST_CLIENT), 0, "a size line");
	from(PST_CLIENT, "\n");
	cr_assert_eq(movable(PST_CLIENT), 0xffff);
	pst_pair_moved(stage->pair, PST_CLIENT, 0xffff);
	cr_expect_eq(movable(PST_CLIENT), 0);
	from(PST_CLIENT, "z\r\n5\r\nhello\r\n0\r\n");
	cr_expect_eq(movable(PST_CLIENT), 0, "trailers");
	from(PST_CLIENT, "\r\n");
	expect_order();
}

Test(moved, a_chunk_that_is_longer_than_it_said_is_found_out_behind_it)
{
	from(PST_CLIENT, POST "Transfer-Encoding: chunked\r\n\r\n10000\r\n");
	pst_pair_moved(stage->pair, PST_CLIENT, 0xffff);
	from(PST_CLIENT, "zz\r\n0\r\n\r\n");
	cr_expect(!t_stage_last(stage)->allowed);
	cr_expect_neq(pst_pair_state(stage->pair), PST_PAIR_OPEN);
}

Test(moved, an_answer_goes_past_as_a_request_does)
{
	from(PST_CLIENT, GET);
	from(PST_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n");
	cr_assert_eq(movable(PST_SERVER), 69999);
	pst_pair_moved(stage->pair, PST_SERVER, 69999);
	from(PST_SERVER, "z");
	cr_expect(pst_pair_is_idle(stage->pair));
	from(PST_CLIENT, GET);
	from(PST_SERVER, "HTTP/1.1 200 OK\r\n\r\n");
	cr_assert_eq(movable(PST_SERVER), UINT64_MAX, "up to the end of the stream");
	pst_pair_moved(stage->pair, PST_SERVER, 1 << 20);
	t_stage_close(stage, PST_SERVER);
	cr_expect_eq(movable(PST_SERVER), 0);
	cr_expect_eq(pst_pair_state(stage->pair), PST_PAIR_CLOSING);
}

Test(moved, heads_never_go_past)
{
	const char head[] = POST "Content-Length: 100000\r\n\r";

	for (size_t i = 0; i < sizeof(head) - 1; i++) {
		t_stage_send(stage, PST_CLIENT, head + i, 1, 0);
		cr_assert_eq(movable(PST_CLIENT), 0, "behind %zu bytes", i + 1);
		cr_assert_eq(movable(PST_SERVER), 0);
	}
}

Test(moved, behind_a_websocket_handshake_everything_goes_past)
{
	from(PST_CLIENT, "GET /api/ws HTTP/1.1\r\nHost: b\r\nConnection: Upgrade\r\n"
			 "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
			 "Sec-WebSocket-Key: AAAA\r\n\r\n");
	cr_expect_eq(movable(PST_CLIENT), 0);
	from(PST_SERVER, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
			 "Connection: upgrade\r\n\r\n");
	cr_expect_eq(movable(PST_CLIENT), UINT64_MAX);
	cr_expect_eq(movable(PST_SERVER), UINT64_MAX);
	pst_pair_moved(stage->pair, PST_SERVER, 1 << 20);
	t_stage_close(stage, PST_CLIENT);
	cr_expect_eq(movable(PST_CLIENT), 0);
	cr_expect_eq(movable(PST_SERVER), UINT64_MAX);
}
