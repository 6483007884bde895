// SPDX-License-Identifier: Apache-2.0
/*
 * A connection of HTTP/2 through the proxy: any client against a server that answers, and any
 * server against a client that asks. On the other side stands a session of nghttp2's that takes no
 * mistake.
 *
 *	judged		each request that reaches the server is one that the core alone
 *			allows, and there are as many as were reported as allowed, or fewer
 *			(those that were reset)
 *	framed		what reaches the other side are frames without a mistake
 *	memory		is bounded, and none is held behind the end
 *
 * The first byte chooses who is hostile (bit 7), whether its preface and settings are said for it
 * (bit 6), whether the other side reads (bit 5), and how the bytes are cut.
 */
#include <assert.h>
#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/bytes.h"

#include "bpf/walk.h"

#include "proxy/pair.h"
#include "tests/fuzz/rules.h"

enum { MAX_INPUT = 16384, MAX_HEAD = 1 << 17, MAX_HELD = 4 << 20 };

static struct pst_ruler *ruler;
static struct pst_reply denied[2];

/* A run, and the well-behaved peer in it. */
struct run {
	struct pst_pair *pair;
	struct pst_memory memory;
	struct pst_purse purse;
	nghttp2_session *peer;
	enum pst_side peer_side;
	bool reads;
	char head[MAX_HEAD], host[MAX_HEAD], line[3][MAX_HEAD]; /* of the block at hand */
	size_t n_head;
	unsigned int allowed, seen;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct pst_reply_opts opts = {.body = NULL};
	struct pst_diags *diags = pst_diags_new();
	struct pst_bundle *bundle = fuzz_rules_bundle(
		FUZZ_POLICY("        - {path: '/api/.*'}\n"
			    "        - {path: '/a', headers: ['X: a,b', X-P]}\n"
			    "        - {method: POST, headers: ['Content-Length: 3']}\n"));

	(void)argc;
	(void)argv;
	assert(diags && !pst_ruler_new(bundle, diags, &ruler));
	for (int i = 0; i < 2; i++)
		assert(!pst_reply_make(&opts, i, &denied[i]));
	pst_diags_free(&diags);
	return 0;
}

static void on_event(void *ctx, const struct pst_pair_event *event)
{
	struct run *r = ctx;

	r->allowed += event->allowed;
}

static void put(struct run *r, const void *s, size_t len)
{
	assert(r->n_head + len < MAX_HEAD);
	memcpy(r->head + r->n_head, s, len);
	r->n_head += len;
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *ctx)
{
	struct run *r = ctx;

	(void)ng;
	(void)frame;
	r->n_head = 0;
	for (int i = 0; i < 3; i++)
		r->line[i][0] = 0;
	return 0;
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *ctx)
{
	static const char *const parts[] = {":method", ":path", ":authority"};
	struct run *r = ctx;

	(void)ng;
	(void)frame;
	(void)flags;
	assert(nghttp2_check_header_value_rfc9113(value, value_len));
	for (int i = 0; i < 3; i++) {
		if (name_len != strlen(parts[i]) || memcmp(name, parts[i], name_len) != 0)
			continue;
		assert(value_len < MAX_HEAD);
		memcpy(r->line[i], value, value_len);
		r->line[i][value_len] = 0;
		return 0;
	}
	if (name[0] == ':')
		return 0;
	put(r, name, name_len);
	put(r, ": ", 2);
	put(r, value, value_len);
	put(r, "\r\n", 2);
	return 0;
}

/* The request as the core reads it, put together here and not by the proxy. */
static void assert_allowed(struct run *r)
{
	static char text[4 * MAX_HEAD];
	size_t n = 0;
	uint32_t index;
	const struct pst_table *t = pst_ruler_table(ruler, 0, &index);
	struct pst_src src = {.bytes = (const uint8_t *)text};
	struct pst_http h;
	struct pst_walk w = {.http = &h, .table = t, .src = &src};

	n += (size_t)snprintf(text, sizeof(text) / 2, "%s %s HTTP/1.1\r\nHost: %s\r\n", r->line[0],
			      r->line[1], r->line[2]);
	memcpy(text + n, r->head, r->n_head);
	memcpy(text + n + r->n_head, "\r\n", 2);
	n += r->n_head + 2;
	src.len = w.end = (uint32_t)n;
	pst_http_request(&h, t, index);
	pst_walk_head(&w);
	assert(h.state == PST_HTTP_DONE && h.stop == n && h.allow);
	assert(!(h.flags & (PST_HTTP_CHUNKED | PST_HTTP_UPGRADE | PST_HTTP_CLOSE)));
}

static void answer(struct run *r, int32_t id)
{
	static const char *const statuses[] = {"200", "204", "304", "404"};
	const char *status = statuses[(id >> 1) & 3];
	const nghttp2_nv nv = {(uint8_t *)":status", (uint8_t *)(uintptr_t)status, 7, 3, 0};

	/* A stream may be gone already. */
	(void)nghttp2_submit_response(r->peer, id, &nv, 1, NULL);
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *ctx)
{
	struct run *r = ctx;
	bool block = frame->hd.type == NGHTTP2_HEADERS;

	(void)ng;
	assert(frame->hd.type != NGHTTP2_GOAWAY || r->peer_side == PST_CLIENT);
	if (r->peer_side == PST_CLIENT)
		return 0;
	if (block && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		assert_allowed(r);
		r->seen++;
	}
	if ((block || frame->hd.type == NGHTTP2_DATA) && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		answer(r, frame->hd.stream_id);
	return 0;
}

static int on_invalid_frame(nghttp2_session *ng, const nghttp2_frame *frame, int error, void *ctx)
{
	(void)ng;
	(void)frame;
	(void)error;
	(void)ctx;
	assert(!"a frame that breaks the rules");
	return 0;
}

static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
			     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
			     void *ctx)
{
	(void)ng;
	(void)frame;
	(void)name;
	(void)name_len;
	(void)value;
	(void)value_len;
	(void)flags;
	(void)ctx;
	assert(!"a field that is none");
	return 0;
}

/* What the peer itself finds wrong would be said in these. */
static int on_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *ctx)
{
	(void)ng;
	(void)ctx;
	assert(frame->hd.type != NGHTTP2_GOAWAY);
	return 0;
}

static void make_peer(struct run *r)
{
	nghttp2_session_callbacks *c;
	nghttp2_option *o;
	const nghttp2_settings_entry streams = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000};

	assert(!nghttp2_session_callbacks_new(&c) && !nghttp2_option_new(&o));
	/* That is what the client is held to, on the way in. */
	nghttp2_option_set_stream_reset_rate_limit(o, 1000000, 1000000);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
	nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_sent);
	assert(!(r->peer_side == PST_SERVER ? nghttp2_session_server_new2(&r->peer, c, r, o)
					    : nghttp2_session_client_new2(&r->peer, c, r, o)));
	assert(!nghttp2_submit_settings(r->peer, 0, &streams, 1));
	nghttp2_option_del(o);
	nghttp2_session_callbacks_del(c);
}

/* As much as there is room for; how much that was. */
static size_t give(struct run *r, enum pst_side side, const uint8_t *bytes, size_t len)
{
	char *at;
	size_t room = 0;

	if (pst_pair_state(r->pair) == PST_PAIR_OPEN)
		room = pst_pair_room(r->pair, side, &at);
	len = len < room ? len : room;
	if (len) {
		memcpy(at, bytes, len);
		pst_pair_received(r->pair, side, len);
	}
	return len;
}

/* Takes what is pending for SIDE. True: something was. */
static bool take(struct run *r, enum pst_side side)
{
	const char *at;
	size_t n = pst_pair_pending(r->pair, side, &at);

	if (!n || (side == r->peer_side && !r->reads))
		return false;
	if (side == r->peer_side)
		assert(nghttp2_session_mem_recv(r->peer, (const uint8_t *)at, n) == (ssize_t)n);
	pst_pair_sent(r->pair, side, n);
	return true;
}

static bool peer_talks(struct run *r)
{
	const uint8_t *bytes;
	ssize_t n = nghttp2_session_mem_send(r->peer, &bytes);

	for (size_t done = 0; n > 0 && done < (size_t)n;) {
		size_t k = give(r, r->peer_side, bytes + done, (size_t)n - done);

		/* What a session has said cannot be said later. */
		if (!k) {
			r->reads = false;
			return false;
		}
		done += k;
	}
	return n > 0;
}

static void talk(struct run *r)
{
	bool any = true;

	while (any) {
		any = take(r, PST_CLIENT);
		any |= take(r, PST_SERVER);
		/* A server is there when something was said to it. */
		if (r->reads && (r->peer_side == PST_CLIENT || r->seen))
			any |= peer_talks(r);
		assert(r->memory.used < MAX_HELD);
	}
}

static void ask(struct run *r)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "GET"};

	for (int i = 0; i < 4; i++) {
		const nghttp2_nv nv[] = {
			{(uint8_t *)":method", (uint8_t *)(uintptr_t)methods[i], 7,
			 strlen(methods[i]), 0},
			{(uint8_t *)":scheme", (uint8_t *)"http", 7, 4, 0},
			{(uint8_t *)":path", (uint8_t *)"/api/x", 5, 6, 0},
			{(uint8_t *)":authority", (uint8_t *)"b", 10, 1, 0},
		};

		assert(nghttp2_submit_request(r->peer, NULL, nv, 4, NULL, NULL) > 0);
	}
	talk(r);
}

static void play(struct run *r, const uint8_t *bytes, size_t len, uint32_t cut)
{
	enum pst_side side = r->peer_side == PST_CLIENT ? PST_SERVER : PST_CLIENT;

	for (size_t at = 0; at < len && pst_pair_state(r->pair) == PST_PAIR_OPEN;) {
		uint32_t n = fuzz_next_piece(&cut, (uint32_t)(len - at));
		size_t done = give(r, side, bytes + at, n);

		talk(r);
		if (!done)
			break;
		at += done;
	}
	if (pst_pair_state(r->pair) == PST_PAIR_OPEN)
		pst_pair_ended(r->pair, side);
	talk(r);
	assert(r->seen <= r->allowed || r->peer_side == PST_CLIENT);
}

static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run r;
	struct pst_pair_opts opts = {.ruler = ruler,
				     .purse = &r.purse,
				     .denied = {&denied[0], &denied[1]},
				     .on_event = on_event,
				     .ctx = &r};

	if (size < 2 || size > MAX_INPUT)
		return 0;
	r.allowed = r.seen = 0;
	r.memory = (struct pst_memory){.limit = 8 << 20};
	r.purse = (struct pst_purse){.all = &r.memory};
	r.reads = !(data[0] & 0x20);
	r.peer_side = data[0] & 0x80 ? PST_CLIENT : PST_SERVER;
	assert(!pst_pair_new(&opts, &r.pair));
	make_peer(&r);
	if (r.peer_side == PST_CLIENT) {
		bool reads = r.reads;

		r.reads = true;
		ask(&r);
		r.reads = reads;
	}
	/* Both begin with settings; a client says its preface before. */
	if (!(data[0] & 0x40) && r.peer_side == PST_SERVER)
		give(&r, PST_CLIENT, preface, sizeof(preface));
	else if (!(data[0] & 0x40))
		give(&r, PST_SERVER, preface + sizeof(preface) - 9, 9);
	talk(&r);
	play(&r, data + 1, size - 1, data[0] & 0x1f);
	pst_pair_free(&r.pair);
	nghttp2_session_del(r.peer);
	assert(!r.memory.used);
	pst_memory_fini(&r.memory);
	return 0;
}
