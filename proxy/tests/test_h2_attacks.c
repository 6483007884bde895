// SPDX-License-Identifier: Apache-2.0
/* What a hostile client can do over HTTP/2 costs bounded memory and work, and ends by name. */
#include <criterion/criterion.h>
#include <string.h>

#include "compiler/explain.h"
#include "proxy/h2.h"
#include "proxy/tests/h2_raw.h"

#define GET(path)  ":method: GET\n:scheme: http\n:authority: b\n:path: " path "\n"
#define POST(path) ":method: POST\n:scheme: http\n:authority: b\n:path: " path "\n"

enum {
	MEMORY = 4 << 20, /* of a connection, all together, at the worst */
	FLOOD = 20000,	  /* frames, when nobody ends it */
};

static struct t_world world;

static struct t_raw *begin(void)
{
	t_world_load(&world, "testdata/http/policy.yaml");
	return t_raw_new(&world);
}

static void end(struct t_raw *r)
{
	t_raw_free(r);
	t_world_fini(&world);
}

/* The client heard why, nothing is read any more, and the event has the name. */
static void expect_ended(const struct t_raw *r, uint32_t code, enum pst_reason reason)
{
	cr_expect(t_raw_is_over(r, code));
	cr_expect_str_eq(pst_explain_reason_name(t_h2_last(r->t)->reason),
			 pst_explain_reason_name(reason));
	cr_expect_lt(world.memory.used, MEMORY);
}

static const uint8_t zeros[16384];

/* Sends the same frame until the connection ends; how often. */
static size_t flood(struct t_raw *r, struct t_raw_hd hd, size_t len)
{
	size_t n = 0;

	while (n < FLOOD && t_raw_frame(r, hd, zeros, len))
		n++;
	return n;
}

/* A flood and a request behind it, that come in one piece. */
static void flood_in_one_piece(struct t_raw *r, struct t_raw_hd hd, size_t len)
{
	enum { FRAMES = 1100 };
	static const uint8_t get[] = {0,    0, 13,  1,	 5,   0,   0,	0,   3,	   0x82, 0x86,
				      0x04, 6, '/', 'a', 'p', 'i', '/', 'x', 0x01, 0x01, 'b'};
	static uint8_t all[FRAMES * 32];
	const size_t size = 9 + len;

	memset(all, 0, sizeof(all));
	for (size_t i = 0; i < FRAMES; i++) {
		all[i * size + 2] = (uint8_t)len;
		all[i * size + 3] = hd.type;
		all[i * size + 4] = hd.flags;
		all[i * size + 8] = (uint8_t)hd.id;
	}
	memcpy(all + FRAMES * size, get, sizeof(get));
	t_raw_send(r, all, FRAMES * size + sizeof(get));
}

static void expect_flood_ends(struct t_raw_hd hd, size_t len)
{
	struct t_raw *r = begin();
	size_t n = flood(r, hd, len);

	/* The account is filled again while it is emptied. */
	cr_expect(n >= 900 && n < 2000, "type %d: %zu", hd.type, n);
	expect_ended(r, NGHTTP2_ENHANCE_YOUR_CALM, PST_REASON_H2_FLOOD);
	end(r);
	r = begin();
	flood_in_one_piece(r, hd, len);
	cr_expect_eq(r->t->n_events, 1, "type %d: what is behind the end is not read", hd.type);
	cr_expect_eq(r->t->peer[PST_SERVER].n, 0, "type %d", hd.type);
	expect_ended(r, NGHTTP2_ENHANCE_YOUR_CALM, PST_REASON_H2_FLOOD);
	end(r);
}

Test(h2_attacks, floods_of_frames_that_ask_for_nothing_end_the_connection)
{
	const struct t_raw_hd pings = {.type = NGHTTP2_PING};
	const struct t_raw_hd acks = {.type = NGHTTP2_PING, .flags = NGHTTP2_FLAG_ACK};
	const struct t_raw_hd settings = {.type = NGHTTP2_SETTINGS};
	const struct t_raw_hd priorities = {.type = NGHTTP2_PRIORITY, .id = 1};

	expect_flood_ends(pings, 8);
	expect_flood_ends(acks, 8);
	expect_flood_ends(settings, 0);
	expect_flood_ends(settings, 6);
	expect_flood_ends(priorities, 5);
}

/* They cost what their bytes cost: nghttp2 shows them to nobody. */
Test(h2_attacks, frames_of_unknown_types_are_thrown_away)
{
	const struct t_raw_hd unknown = {.type = 0x77, .id = 1};
	struct t_raw *r = begin();

	cr_expect_eq(flood(r, unknown, 100), FLOOD);
	cr_assert(t_raw_headers(r, 1, NGHTTP2_FLAG_END_STREAM, GET("/api/x")));
	cr_expect_eq(t_raw_find(r, NGHTTP2_HEADERS, 1)->status, 200);
	cr_expect_lt(world.memory.used, 512 * 1024);
	end(r);
}

Test(h2_attacks, a_flood_of_pings_by_a_client_that_reads_nothing_fills_no_memory)
{
	const struct t_raw_hd pings = {.type = NGHTTP2_PING};
	struct t_raw *r = begin();

	r->t->peer[PST_CLIENT].reads = false;
	flood(r, pings, 8);
	cr_expect_lt(world.memory.used, MEMORY);
	cr_expect_neq(pst_pair_state(r->t->pair), PST_PAIR_OPEN);
	end(r);
}

Test(h2_attacks, window_updates_and_empty_data_are_limited_and_earn_nothing)
{
	static const uint8_t one[] = {0, 0, 0, 1};
	const struct t_raw_hd update = {.type = NGHTTP2_WINDOW_UPDATE};
	const struct t_raw_hd data = {.type = NGHTTP2_DATA, .id = 1};
	struct t_raw *r = begin();
	size_t n = 0;

	while (n < FLOOD && t_raw_frame(r, update, one, 4))
		n++;
	cr_expect_lt(n, 2000);
	expect_ended(r, NGHTTP2_ENHANCE_YOUR_CALM, PST_REASON_H2_FLOOD);
	end(r);
	r = begin();
	cr_assert(t_raw_headers(r, 1, 0, POST("/api/x")));
	cr_expect_lt(flood(r, data, 0), 2000);
	expect_ended(r, NGHTTP2_ENHANCE_YOUR_CALM, PST_REASON_H2_FLOOD);
	end(r);
}

/* What a reader of much must say, however. */
Test(h2_attacks, window_updates_for_what_was_read_are_no_flood)
{
	struct t_world w;
	struct t_h2 *t;

	t_world_load(&w, "testdata/http/policy.yaml");
	t = t_h2_new(&w);
	t->peer[PST_SERVER].answer_body = 64 << 20;
	cr_expect_eq(t_h2_get(t, "/api/x")->body, 64 << 20);
	t_h2_free(t);
	t_world_fini(&w);
}

/* CVE-2023-44487. */
Test(h2_attacks, rapid_reset_ends_the_connection)
{
	static const uint8_t cancel[] = {0, 0, 0, NGHTTP2_CANCEL};
	struct t_raw *r = begin();
	size_t n = 0;

	for (int32_t id = 1; id < 20001; id += 2) {
		const struct t_raw_hd reset = {.type = NGHTTP2_RST_STREAM, .id = id};

		if (!t_raw_headers(r, id, NGHTTP2_FLAG_END_STREAM, GET("/api/x")) ||
		    !t_raw_frame(r, reset, cancel, 4))
			break;
		n++;
	}
	cr_expect(n >= 900 && n < 1500, "%zu", n);
	expect_ended(r, NGHTTP2_ENHANCE_YOUR_CALM, PST_REASON_H2_FLOOD);
	end(r);
}

/* The same with the server behind, and all in one piece: it hears of few. */
Test(h2_attacks, rapid_reset_in_one_piece_does_not_reach_the_server)
{
	enum { STREAMS = 300 };
	static const uint8_t get[] = {0x82, 0x86, 0x04, 6,    '/',  'a', 'p',
				      'i',  '/',  'x',	0x01, 0x01, 'b'};
	static uint8_t all[STREAMS * (9 + sizeof(get) + 13)];
	struct t_raw *r = begin();
	size_t n = 0;

	for (uint32_t id = 1; id < 2 * STREAMS; id += 2) {
		const uint8_t head[] = {0, 0, sizeof(get),	  1,	      5,
					0, 0, (uint8_t)(id >> 8), (uint8_t)id};
		const uint8_t reset[] = {0,
					 0,
					 4,
					 3,
					 0,
					 0,
					 0,
					 (uint8_t)(id >> 8),
					 (uint8_t)id,
					 0,
					 0,
					 0,
					 NGHTTP2_CANCEL};

		memcpy(all + n, head, 9);
		memcpy(all + n + 9, get, sizeof(get));
		memcpy(all + n + 9 + sizeof(get), reset, sizeof(reset));
		n += 9 + sizeof(get) + sizeof(reset);
	}
	cr_assert(t_raw_send(r, all, n));
	cr_expect_lt(r->t->peer[PST_SERVER].n, 10, "%zu", r->t->peer[PST_SERVER].n);
	cr_expect_lt(world.memory.used, 512 * 1024);
	end(r);
}

/* CVE-2025-8671: resets that the client makes the proxy send. */
Test(h2_attacks, streams_that_are_broken_on_purpose_are_few)
{
	struct t_raw *r = begin();
	size_t n = 0;

	r->t->peer[PST_SERVER].answer = NULL;
	for (int32_t id = 1; id < 20001; id += 2) {
		const struct t_raw_hd update = {.type = NGHTTP2_WINDOW_UPDATE, .id = id};

		if (!t_raw_headers(r, id, NGHTTP2_FLAG_END_STREAM, GET("/api/x")) ||
		    !t_raw_frame(r, update, zeros, 4))
			break;
		n++;
	}
	cr_expect_lt(n, 300, "%zu", n);
	cr_expect_neq(pst_pair_state(r->t->pair), PST_PAIR_OPEN);
	cr_expect_lt(world.memory.used, MEMORY);
	end(r);
}

/* CVE-2024-28182 and its like. */
Test(h2_attacks, a_block_of_endless_continuations_ends_the_connection)
{
	for (size_t len = 0; len <= 16384; len = len ? 2 * len : 1) {
		const struct t_raw_hd first = {.type = NGHTTP2_HEADERS, .id = 1};
		const struct t_raw_hd next = {.type = NGHTTP2_CONTINUATION, .id = 1};
		/* Never the end of a literal. */
		static const uint8_t begun[] = {0x82, 0x86, 0x84, 0, 1, 'x', 127, 0xff, 0xff, 1};
		struct t_raw *r = begin();

		cr_assert(t_raw_frame(r, first, begun, sizeof(begun)));
		cr_expect(pst_pair_is_in_head(r->t->pair), "the head's clock runs");
		cr_expect_leq(flood(r, next, len), PST_H2_CONTINUATIONS + 1, "%zu", len);
		cr_expect_eq(pst_pair_state(r->t->pair), PST_PAIR_CLOSING, "%zu", len);
		cr_expect_lt(world.memory.used, 512 * 1024);
		end(r);
	}
}

Test(h2_attacks, a_head_that_does_not_come_is_not_waited_for)
{
	const struct t_raw_hd first = {.type = NGHTTP2_HEADERS, .id = 1};
	struct t_raw *r = begin();

	cr_expect(!pst_pair_is_in_head(r->t->pair));
	cr_assert(t_raw_frame(r, first, "\x82", 1));
	cr_assert(pst_pair_is_in_head(r->t->pair));
	pst_pair_time_out(r->t->pair);
	t_h2_run(r->t);
	expect_ended(r, NGHTTP2_ENHANCE_YOUR_CALM, PST_REASON_TIMEOUT);
	end(r);
}

/* An entry of the table, 4 KB, named again by each byte of a frame. */
static size_t put_bomb(uint8_t *to, size_t size)
{
	size_t n = 0;

	memcpy(to, "\x82\x86\x84\x01\x01\x62\x40\x01\x78\x7f\x81\x1e", 12);
	n += 12;
	memset(to + n, 'v', 3968);
	n += 3968;
	memset(to + n, 0x80 | 62, size - n);
	return size;
}

Test(h2_attacks, a_bomb_of_hpack_ends_the_connection)
{
	static uint8_t bomb[16384];
	const struct t_raw_hd hd = {.type = NGHTTP2_HEADERS,
				    .flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
				    .id = 1};
	struct t_raw *r = begin();

	t_raw_frame(r, hd, bomb, put_bomb(bomb, sizeof(bomb)));
	expect_ended(r, NGHTTP2_ENHANCE_YOUR_CALM, PST_REASON_HEAD_LONG);
	cr_expect_lt(world.memory.used, 512 * 1024);
	end(r);
}

/* Unpacking is what it costs: after how many copies of the entry is it over? */
Test(h2_attacks, a_bomb_of_hpack_is_unpacked_up_to_four_heads_and_no_further)
{
	static uint8_t bomb[16384];
	const struct t_raw_hd hd = {.type = NGHTTP2_HEADERS,
				    .flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
				    .id = 1};
	size_t copies = 0;
	bool over = false;

	while (!over && copies < 200) {
		struct t_raw *r = begin();

		t_raw_frame(r, hd, bomb, put_bomb(bomb, 12 + 3968 + ++copies));
		over = t_raw_is_over(r, NGHTTP2_ENHANCE_YOUR_CALM);
		end(r);
	}
	cr_expect(over && copies * 3969 <= 4 * 65536 && copies * 3969 > 3 * 65536, "%zu", copies);
}

Test(h2_attacks, a_small_bomb_is_a_head_that_is_too_long)
{
	static uint8_t bomb[16384];
	const struct t_raw_hd hd = {.type = NGHTTP2_HEADERS,
				    .flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM,
				    .id = 1};
	struct t_raw *r = begin();

	t_raw_frame(r, hd, bomb, put_bomb(bomb, 12 + 3968 + 30));
	cr_expect_eq(t_raw_find(r, NGHTTP2_HEADERS, 1)->status, 403);
	cr_expect_eq(t_h2_last(r->t)->reason, PST_REASON_HEAD_LONG);
	end(r);
}

Test(h2_attacks, more_streams_than_allowed_are_refused_and_idle_ones_are_cheap)
{
	struct t_raw *r = begin();
	size_t refused = 0;

	for (int32_t id = 1; id < 2 * PST_H2_STREAMS + 41; id += 2)
		cr_assert(t_raw_headers(r, id, 0, POST("/api/x")));
	for (size_t i = 0; i < r->n; i++)
		refused += r->frames[i].type == NGHTTP2_RST_STREAM &&
			   r->frames[i].code == NGHTTP2_REFUSED_STREAM;
	cr_expect_eq(refused, 20);
	cr_expect_eq(r->t->peer[PST_SERVER].n, PST_H2_STREAMS);
	cr_expect_lt(world.memory.used, 512 * 1024, "%zu", world.memory.used);
	end(r);
}

/* All windows are zero and stay so. */
Test(h2_attacks, a_reader_without_a_window_holds_what_a_connection_may_and_no_more)
{
	static const uint8_t no_window[] = {0, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0, 0, 0, 0};
	struct t_raw *r = begin();
	const struct t_raw_hd settings = {.type = NGHTTP2_SETTINGS};

	cr_assert(t_raw_frame(r, settings, no_window, 6));
	r->t->peer[PST_SERVER].answer_body = 1 << 20;
	for (int32_t id = 1; id < 2 * PST_H2_STREAMS + 1; id += 2)
		cr_assert(t_raw_headers(r, id, NGHTTP2_FLAG_END_STREAM, GET("/api/x")));
	cr_expect_eq(r->t->peer[PST_SERVER].n, PST_H2_STREAMS);
	cr_expect_lt(world.memory.used, MEMORY, "%zu", world.memory.used);
	cr_expect_gt(world.memory.used, 512 * 1024, "something is held: %zu", world.memory.used);
	end(r);
}

/* Bodies that the server does not read. */
static void fill(struct t_raw *r, enum pst_reason reason)
{
	for (int32_t id = 1; id < 20001; id += 2) {
		const struct t_raw_hd data = {.type = NGHTTP2_DATA, .id = id};

		r->t->peer[PST_SERVER].reads = false;
		if (!t_raw_headers(r, id, 0, POST("/api/x")) || !t_raw_frame(r, data, zeros, 16384))
			break;
	}
	cr_expect_eq(pst_pair_state(r->t->pair), PST_PAIR_DEAD);
	cr_expect_eq(t_h2_last(r->t)->reason, reason);
	end(r);
}

Test(h2_attacks, a_connection_that_holds_too_much_for_all_is_reset)
{
	struct t_raw *r = begin();

	world.memory.limit = 200 * 1024;
	fill(r, PST_REASON_PROXY_LIMIT);
}

Test(h2_attacks, a_connection_that_holds_too_much_for_its_workload_is_reset)
{
	struct pst_share share = {.most_bytes = 200 * 1024};
	struct t_raw *r;

	t_world_load(&world, "testdata/http/policy.yaml");
	world.purse.share = &share;
	r = t_raw_new(&world);
	fill(r, PST_REASON_WORKLOAD_LIMIT);
	cr_expect_eq(share.bytes, 0, "what it had is given back");
}

/* Not HTTP/2 at all, or not in this order. */
Test(h2_attacks, what_is_no_frame_ends_the_connection)
{
	static const struct {
		struct t_raw_hd hd;
		size_t len;
		uint32_t code;
	} cases[] = {
		{{.type = NGHTTP2_DATA, .id = 1}, 5, NGHTTP2_PROTOCOL_ERROR},
		{{.type = NGHTTP2_CONTINUATION, .id = 1}, 5, NGHTTP2_PROTOCOL_ERROR},
		{{.type = NGHTTP2_PUSH_PROMISE, .flags = 4, .id = 1}, 5, NGHTTP2_PROTOCOL_ERROR},
		{{.type = NGHTTP2_HEADERS, .flags = 5, .id = 2}, 1, NGHTTP2_PROTOCOL_ERROR},
		{{.type = NGHTTP2_HEADERS, .flags = 5}, 1, NGHTTP2_PROTOCOL_ERROR},
		{{.type = NGHTTP2_PING}, 7, NGHTTP2_FRAME_SIZE_ERROR},
		{{.type = NGHTTP2_SETTINGS}, 5, NGHTTP2_FRAME_SIZE_ERROR},
		{{.type = NGHTTP2_WINDOW_UPDATE}, 4, NGHTTP2_PROTOCOL_ERROR},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct t_raw *r = begin();

		t_raw_frame(r, cases[i].hd, zeros, cases[i].len);
		expect_ended(r, cases[i].code, PST_REASON_H2_MALFORMED);
		end(r);
	}
}

Test(h2_attacks, a_frame_within_a_block_ends_the_connection)
{
	const struct t_raw_hd first = {.type = NGHTTP2_HEADERS, .id = 1};
	const struct t_raw_hd ping = {.type = NGHTTP2_PING};
	struct t_raw *r = begin();

	t_raw_frame(r, first, "\x82", 1);
	t_raw_frame(r, ping, zeros, 8);
	expect_ended(r, NGHTTP2_PROTOCOL_ERROR, PST_REASON_H2_MALFORMED);
	end(r);
}

Test(h2_attacks, a_preface_that_is_none_is_no_request)
{
	static const char *const texts[] = {"PRI * HTTP/1.1\r\nHost: b\r\n\r\n",
					    "PRI * HTTP/2.0\r\n\r\nSM\r\nx\r\n",
					    "PRI *GET /api/x HTTP/1.1\r\nHost: b\r\n\r\n"};

	t_world_load(&world, "testdata/http/policy.yaml");
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct t_stage s;

		t_stage_begin(&s, &world);
		t_stage_text(&s, PST_CLIENT, texts[i]);
		cr_expect_eq(s.n_events, 1, "%s", texts[i]);
		cr_expect_eq(t_stage_last(&s)->reason, PST_REASON_H2_MALFORMED);
		cr_expect_eq(s.n_out[PST_SERVER], 0, "%s", texts[i]);
		cr_expect_eq(pst_pair_state(s.pair), PST_PAIR_CLOSING, "%s", texts[i]);
		t_stage_end(&s);
	}
	t_world_fini(&world);
}

/* One field of 4 KB, named again by each of N bytes. */
static size_t put_large_field(uint8_t *to, size_t n)
{
	memcpy(to, "\x40\x01\x78\x7f\x81\x1e", 6);
	memset(to + 6, 'v', 3968);
	memset(to + 6 + 3968, 0x80 | 62, n);
	return 6 + 3968 + n;
}

/* What comes behind bodies that the server has not asked for yet waits with them. */
Test(h2_attacks, trailers_that_wait_are_counted_and_limited)
{
	static uint8_t block[16384];
	const size_t len = put_large_field(block, 14);
	struct t_raw *r = begin();
	size_t n = 0;

	for (int32_t id = 1; id < 2 * PST_H2_STREAMS + 1; id += 2) {
		const struct t_raw_hd hd = {.type = NGHTTP2_HEADERS,
					    .flags = NGHTTP2_FLAG_END_HEADERS |
						     NGHTTP2_FLAG_END_STREAM,
					    .id = id};

		r->t->peer[PST_SERVER].reads = false;
		if (!t_raw_headers(r, id, 0, POST("/api/x")) || !t_raw_frame(r, hd, block, len))
			break;
		cr_expect_geq(world.memory.used, ++n * 15 * 3968);
	}
	cr_expect_eq(pst_pair_state(r->t->pair), PST_PAIR_DEAD);
	cr_expect_eq(t_h2_last(r->t)->reason, PST_REASON_PROXY_LIMIT);
	end(r);
}

Test(h2_attacks, trailers_that_went_to_the_server_are_not_held_until_it_answers)
{
	static uint8_t block[16384];
	const size_t len = put_large_field(block, 14);
	struct t_raw *r = begin();

	r->t->peer[PST_SERVER].answer = NULL;
	for (int32_t id = 1; id < 2 * PST_H2_STREAMS + 1; id += 2) {
		const struct t_raw_hd hd = {.type = NGHTTP2_HEADERS,
					    .flags = NGHTTP2_FLAG_END_HEADERS |
						     NGHTTP2_FLAG_END_STREAM,
					    .id = id};

		cr_assert(t_raw_headers(r, id, 0, POST("/api/x")) &&
			  t_raw_frame(r, hd, block, len));
	}
	cr_expect_eq(r->t->peer[PST_SERVER].n, PST_H2_STREAMS);
	cr_expect_lt(world.memory.used, 1024 * 1024, "%zu", world.memory.used);
	end(r);
}

Test(h2_attacks, a_block_that_is_not_whole_is_counted)
{
	static uint8_t block[16384];
	const size_t len = put_large_field(block, 14);
	struct t_raw *r = begin();
	size_t before = world.memory.used;

	cr_assert(t_raw_frame(r, (struct t_raw_hd){.type = NGHTTP2_HEADERS, .id = 1}, block, len));
	cr_expect_geq(world.memory.used, before + 15 * 3968, "%zu", world.memory.used - before);
	end(r);
}
