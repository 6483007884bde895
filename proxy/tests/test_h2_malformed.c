// SPDX-License-Identifier: Apache-2.0
/* Requests of HTTP/2 that must not pass, byte by byte as a client could make them. */
#include <criterion/criterion.h>
#include <string.h>

#include "compiler/explain.h"
#include "proxy/tests/h2_raw.h"

#define GET(more)  ":method: GET\n:scheme: http\n:authority: b\n:path: /api/x\n" more
#define PATH(path) ":method: GET\n:scheme: http\n:authority: b\n:path: " path "\n"

/* STATUS 0: the stream is reset, as malformed. */
struct malformed {
	const char *text;
	int status;
	enum pst_reason reason;
};

static void expect_refused(struct t_world *w, const struct malformed *m)
{
	struct t_raw *r = t_raw_new(w);
	const struct t_raw_frame *f;

	cr_assert(t_raw_headers(r, 1, NGHTTP2_FLAG_END_STREAM, m->text));
	f = t_raw_find(r, m->status ? NGHTTP2_HEADERS : NGHTTP2_RST_STREAM, 1);
	cr_assert(f, "no answer to\n%s", m->text);
	cr_expect_eq(f->status, m->status, "%s", m->text);
	cr_expect(m->status || f->code == NGHTTP2_PROTOCOL_ERROR, "%s", m->text);
	cr_expect_eq(r->t->n_events, 1, "%s", m->text);
	cr_expect(!r->t->events[0].allowed);
	cr_expect_str_eq(pst_explain_reason_name(r->t->events[0].reason),
			 pst_explain_reason_name(m->reason), "%s", m->text);
	cr_expect_eq(r->t->peer[PST_SERVER].n, 0, "the server sees nothing of\n%s", m->text);
	cr_assert(t_raw_headers(r, 3, NGHTTP2_FLAG_END_STREAM, GET("")));
	f = t_raw_find(r, NGHTTP2_HEADERS, 3);
	cr_expect(f && f->status == 200, "the next stream goes on behind\n%s", m->text);
	t_raw_free(r);
}

static void expect_all_refused(const struct malformed *all, size_t n)
{
	struct t_world w;

	t_world_load(&w, "testdata/http/policy.yaml");
	for (size_t i = 0; i < n; i++)
		expect_refused(&w, &all[i]);
	t_world_fini(&w);
}

#define ALL(cases) expect_all_refused(cases, sizeof(cases) / sizeof(*(cases)))

Test(h2_malformed, pseudo_header_fields_that_http_2_does_not_allow)
{
	static const struct malformed cases[] = {
		{":scheme: http\n:authority: b\n:path: /api/x\n", 0, PST_REASON_H2_MALFORMED},
		{":method: GET\n:authority: b\n:path: /api/x\n", 0, PST_REASON_H2_MALFORMED},
		{":method: GET\n:scheme: http\n:authority: b\n", 0, PST_REASON_H2_MALFORMED},
		{":method: GET\n:scheme: http\n:path: /api/x\n", 0, PST_REASON_H2_MALFORMED},
		{GET(":path: /api/x\n"), 0, PST_REASON_H2_MALFORMED},
		{GET(":method: GET\n"), 0, PST_REASON_H2_MALFORMED},
		{GET(":authority: b\n"), 0, PST_REASON_H2_MALFORMED},
		{GET(":status: 200\n"), 0, PST_REASON_H2_MALFORMED},
		{GET(":other: 1\n"), 0, PST_REASON_H2_MALFORMED},
		{GET(":protocol: websocket\n"), 0, PST_REASON_H2_MALFORMED},
		{":method: GET\n:scheme: http\n:authority: b\nx: y\n:path: /api/x\n", 0,
		 PST_REASON_H2_MALFORMED},
	};

	ALL(cases);
}

Test(h2_malformed, fields_about_the_connection)
{
	static const struct malformed cases[] = {
		{GET("connection: close\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("keep-alive: 5\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("proxy-connection: close\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("transfer-encoding: chunked\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("upgrade: h2c\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("te: gzip\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("te: trailers, gzip\n"), 0, PST_REASON_H2_MALFORMED},
	};

	ALL(cases);
}

Test(h2_malformed, names_and_values_that_are_none)
{
	static const struct malformed cases[] = {
		{GET("X-A: 1\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("x a: 1\n"), 403, PST_REASON_FIELD_NAME},
		{GET("x(: 1\n"), 403, PST_REASON_FIELD_NAME},
		{GET("x\\r\\nx: 1\n"), 403, PST_REASON_FIELD_NAME},
		{GET("x-a: 1\\r\\nx-role: admin\n"), 403, PST_REASON_FIELD_VALUE},
		{GET("x-a: 1\\nx-role: admin\n"), 403, PST_REASON_FIELD_VALUE},
		{GET("x-a: 1\\r\n"), 403, PST_REASON_FIELD_VALUE},
		{GET("x-a: a\\0b\n"), 403, PST_REASON_FIELD_VALUE},
		{GET("x-a:  1\n"), 403, PST_REASON_FIELD_VALUE},
		{GET("x-a: 1\t\n"), 403, PST_REASON_FIELD_VALUE},
		{GET("content_length: 5\n"), 403, PST_REASON_FIELD_ALIAS},
		{GET("x_role: admin\n"), 403, PST_REASON_JUDGED_ALIAS},
	};

	ALL(cases);
}

Test(h2_malformed, lengths_that_are_none_or_not_the_body_s)
{
	static const struct malformed cases[] = {
		{GET("content-length: 5\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("content-length: +0\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("content-length: 0, 0\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("content-length: 0\ncontent-length: 0\n"), 0, PST_REASON_H2_MALFORMED},
		{GET("content-length: 00\n"), 403, PST_REASON_LENGTH_BAD},
	};

	ALL(cases);
}

Test(h2_malformed, targets_hosts_and_methods_as_in_http_1)
{
	static const struct malformed cases[] = {
		{PATH("/api/../x"), 403, PST_REASON_TARGET_DOTS},
		{PATH("/api//x"), 403, PST_REASON_TARGET_SLASHES},
		{PATH("/api/%2e"), 403, PST_REASON_TARGET_ESCAPE},
		{PATH("/api/x#a"), 403, PST_REASON_TARGET_FRAGMENT},
		{PATH("/api\\\\x"), 403, PST_REASON_TARGET_BACKSLASH},
		{PATH("/api/x HTTP/1.1\\r\\nx: y"), 0, PST_REASON_H2_MALFORMED},
		{PATH("/api/x y"), 0, PST_REASON_H2_MALFORMED},
		{PATH("api/x"), 0, PST_REASON_H2_MALFORMED},
		{PATH("*"), 0, PST_REASON_H2_MALFORMED},
		{PATH(""), 0, PST_REASON_H2_MALFORMED},
		{":method: get\n:scheme: http\n:authority: b\n:path: /api/x\n", 403,
		 PST_REASON_METHOD},
		{":method: GET /\n:scheme: http\n:authority: b\n:path: /api/x\n", 0,
		 PST_REASON_H2_MALFORMED},
		{":method: GET\n:scheme: ftp\n:authority: b\n:path: /api/x\n", 403,
		 PST_REASON_TARGET_FORM},
		{":method: GET\n:scheme: http\n:authority: a@b\n:path: /api/x\n", 403,
		 PST_REASON_HOST_BAD},
		{":method: GET\n:scheme: http\n:authority: \n:path: /api/x\n", 0,
		 PST_REASON_H2_MALFORMED},
		{":method: CONNECT\n:authority: b:80\n", 403, PST_REASON_CONNECT},
		{"host: a\nhost: b\n:method: GET\n", 0, PST_REASON_H2_MALFORMED},
		{":method: GET\n:scheme: http\n:path: /api/x\nhost: a\nhost: b\n", 0,
		 PST_REASON_H2_MALFORMED},
	};

	ALL(cases);
}

Test(h2_malformed, a_body_of_another_length_than_was_said_does_not_arrive_whole)
{
	struct t_world w;

	t_world_load(&w, "testdata/http/policy.yaml");
	for (int more = 0; more < 2; more++) {
		struct t_raw *r = t_raw_new(&w);
		const struct t_h2_stream *s = &r->t->peer[PST_SERVER].streams[0];
		const struct t_raw_hd data = {
			.type = NGHTTP2_DATA, .flags = NGHTTP2_FLAG_END_STREAM, .id = 1};

		cr_assert(t_raw_headers(r, 1, 0,
					":method: POST\n:scheme: http\n:authority: b\n"
					":path: /api/x\ncontent-length: 5\n"));
		cr_assert(t_raw_frame(r, data, "bbbbbb", more ? 6 : 4));
		cr_expect_eq(t_raw_find(r, NGHTTP2_RST_STREAM, 1)->code, NGHTTP2_PROTOCOL_ERROR);
		cr_expect(s->closed && s->code == NGHTTP2_PROTOCOL_ERROR && !s->ended);
		t_raw_free(r);
	}
	t_world_fini(&w);
}

/* What was asked is taken back before the server has heard of it: a reset would be of no stream. */
Test(h2_malformed, a_request_that_is_refused_before_it_was_sent_leaves_no_trace)
{
	const uint8_t both[] = {0,    0, 13,  1,   4,	0,   0,	  0,   1,    0x82, 0x86,
				0x44, 6, '/', 'a', 'p', 'i', '/', 'x', 0x41, 1,	   'b',
				0,    0, 1,   0,   0,	0,   0,	  0,   1,    'b'};
	struct t_world w;
	struct t_raw *r;

	t_world_load(&w, "testdata/http/policy.yaml");
	r = t_raw_new(&w);
	cr_assert(t_raw_send(r, both, sizeof(both)));
	cr_expect_eq(t_raw_find(r, NGHTTP2_HEADERS, 1)->status, 403);
	cr_expect_eq(t_h2_last(r->t)->reason, PST_REASON_BODY_UNEXPECTED);
	cr_assert(t_raw_headers(r, 3, NGHTTP2_FLAG_END_STREAM, GET("")));
	cr_expect_eq(t_raw_find(r, NGHTTP2_HEADERS, 3)->status, 200);
	t_raw_free(r);
	t_world_fini(&w);
}

/* A block of literals in as many frames as it takes. */
static void send_block(struct t_raw *r, const uint8_t *block, size_t len)
{
	const size_t most = 16384;

	for (size_t at = 0; at < len; at += most) {
		size_t n = len - at < most ? len - at : most;
		struct t_raw_hd hd = {.id = 1};

		hd.type = at ? NGHTTP2_CONTINUATION : NGHTTP2_HEADERS;
		hd.flags = (at ? 0 : NGHTTP2_FLAG_END_STREAM) |
			   (at + n == len ? NGHTTP2_FLAG_END_HEADERS : 0);
		if (!t_raw_frame(r, hd, block + at, n))
			return;
	}
}

static size_t put_start(uint8_t *block)
{
	/* :method GET, :scheme http, :path /api/x, :authority b */
	static const uint8_t start[] = {0x82, 0x86, 0x04, 6,	'/',  'a', 'p',
					'i',  '/',  'x',  0x01, 0x01, 'b'};

	memcpy(block, start, sizeof(start));
	return sizeof(start);
}

/* Appends "x: vvv" of LEN letters. */
static size_t put_field(uint8_t *at, size_t len)
{
	size_t n = 0, left = len - 127;

	at[n++] = 0;
	at[n++] = 1;
	at[n++] = 'x';
	at[n++] = 127;
	for (; left >= 128; left >>= 7)
		at[n++] = (uint8_t)(left | 0x80);
	at[n++] = (uint8_t)left;
	memset(at + n, 'v', len);
	return n + len;
}

/* In fields of at most 60,000 letters: nghttp2 reads none of more than 64 KiB. */
static size_t put_fields(uint8_t *at, size_t len)
{
	size_t n = 0;

	for (; len > 60000; len -= 50000)
		n += put_field(at + n, 50000);
	return n + put_field(at + n, len);
}

static void try_length(size_t len, int status, enum pst_reason reason)
{
	static uint8_t block[1 << 20];
	struct t_world w;
	struct t_raw *r;
	const struct t_raw_frame *f;
	size_t n;

	t_world_load(&w, "testdata/http/policy.yaml");
	r = t_raw_new(&w);
	n = put_start(block);
	n += put_fields(block + n, len);
	send_block(r, block, n);
	f = t_raw_find(r, NGHTTP2_HEADERS, 1);
	cr_expect(f && f->status == status, "%zu", len);
	cr_expect_eq(t_h2_last(r->t)->reason, reason, "%zu: %s", len,
		     pst_explain_reason_name(t_h2_last(r->t)->reason));
	cr_expect_lt(w.memory.used, 512 * 1024);
	t_raw_free(r);
	t_world_fini(&w);
}

Test(h2_malformed, a_head_has_the_limit_of_any_head)
{
	const size_t around = strlen("GET /api/x HTTP/1.1\r\nhost: b\r\nx: \r\nx: \r\n\r\n");

	try_length(PST_MAX_HEAD - around, 200, PST_REASON_RULE);
	try_length(PST_MAX_HEAD - around + 1, 403, PST_REASON_HEAD_LONG);
	try_length(PST_MAX_HEAD + 40000, 403, PST_REASON_HEAD_LONG);
}

Test(h2_malformed, a_head_has_at_most_128_fields)
{
	struct t_world w;

	t_world_load(&w, "testdata/http/policy.yaml");
	/* Host is one of them. */
	for (size_t fields = 127; fields <= 129; fields++) {
		struct t_raw *r = t_raw_new(&w);
		uint8_t block[2048];
		size_t n = put_start(block);

		for (size_t i = 0; i < fields; i++) {
			memcpy(block + n, "\0\1x\1y", 5);
			n += 5;
		}
		send_block(r, block, n);
		cr_expect_eq(t_raw_find(r, NGHTTP2_HEADERS, 1)->status, fields > 127 ? 403 : 200,
			     "%zu", fields);
		if (fields > 127)
			cr_expect_eq(t_h2_last(r->t)->reason, PST_REASON_FIELD_COUNT);
		t_raw_free(r);
	}
	t_world_fini(&w);
}
