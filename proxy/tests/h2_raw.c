// SPDX-License-Identifier: Apache-2.0
#include "proxy/tests/h2_raw.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static uint32_t be32(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static int inflate(struct t_raw *r, const char *block, size_t len)
{
	const uint8_t *at = (const uint8_t *)block;
	int status = 0, flags = 0;

	do {
		nghttp2_nv nv;
		ssize_t n = nghttp2_hd_inflate_hd2(r->inflater, &nv, &flags, at, len, 1);

		cr_assert_geq(n, 0);
		at += n;
		len -= (size_t)n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT && nv.namelen == 7 &&
		    !memcmp(nv.name, ":status", 7))
			status = (int)strtol((const char *)nv.value, NULL, 10);
	} while (!(flags & NGHTTP2_HD_INFLATE_FINAL));
	nghttp2_hd_inflate_end_headers(r->inflater);
	return status;
}

static void keep(struct t_raw *r, const char *frame, size_t len)
{
	struct t_raw_frame f = {.type = (uint8_t)frame[3], .flags = (uint8_t)frame[4]};

	f.id = (int32_t)(be32(frame + 5) & 0x7fffffff);
	if (f.type == NGHTTP2_RST_STREAM)
		f.code = be32(frame + 9);
	if (f.type == NGHTTP2_GOAWAY)
		f.code = be32(frame + 13);
	if (f.type == NGHTTP2_HEADERS)
		f.status = inflate(r, frame + 9, len - 9);
	cr_assert_lt(r->n, T_RAW_FRAMES);
	r->frames[r->n++] = f;
}

static void sink(void *ctx, const char *bytes, size_t len)
{
	struct t_raw *r = ctx;
	size_t at = 0;

	cr_assert_leq(r->n_bytes + len, T_RAW_BYTES);
	memcpy(r->bytes + r->n_bytes, bytes, len);
	r->n_bytes += len;
	while (r->n_bytes - at >= 9) {
		size_t n = 9 + (be32(r->bytes + at) >> 8);

		if (r->n_bytes - at < n)
			break;
		keep(r, r->bytes + at, n);
		at += n;
	}
	r->n_bytes -= at;
	memmove(r->bytes, r->bytes + at, r->n_bytes);
}

struct t_raw *t_raw_new(struct t_world *w)
{
	struct t_raw *r = calloc(1, sizeof(*r));

	cr_assert(r);
	r->bytes = malloc(T_RAW_BYTES);
	cr_assert(r->bytes);
	cr_assert_eq(nghttp2_hd_inflate_new(&r->inflater), 0);
	r->t = t_h2_new(w);
	r->t->peer[PST_CLIENT].sink = sink;
	r->t->peer[PST_CLIENT].sink_ctx = r;
	t_raw_send(r, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
	t_raw_frame(r, (struct t_raw_hd){.type = NGHTTP2_SETTINGS}, NULL, 0);
	return r;
}

void t_raw_free(struct t_raw *r)
{
	t_h2_free(r->t);
	nghttp2_hd_inflate_del(r->inflater);
	free(r->bytes);
	free(r);
}

bool t_raw_send(struct t_raw *r, const void *bytes, size_t len)
{
	struct pst_pair *p = r->t->pair;

	for (size_t done = 0; done < len;) {
		char *at;
		size_t n = len - done, room;

		room = pst_pair_state(p) == PST_PAIR_OPEN ? pst_pair_room(p, PST_CLIENT, &at) : 0;
		n = n < room ? n : room;
		if (!n)
			return false;
		memcpy(at, (const char *)bytes + done, n);
		pst_pair_received(p, PST_CLIENT, n);
		done += n;
		t_h2_run(r->t);
	}
	return true;
}

bool t_raw_frame(struct t_raw *r, struct t_raw_hd hd, const void *payload, size_t len)
{
	static uint8_t frame[9 + (1 << 20)];
	const uint8_t head[9] = {(uint8_t)(len >> 16),
				 (uint8_t)(len >> 8),
				 (uint8_t)len,
				 hd.type,
				 hd.flags,
				 (uint8_t)(hd.id >> 24),
				 (uint8_t)(hd.id >> 16),
				 (uint8_t)(hd.id >> 8),
				 (uint8_t)hd.id};

	cr_assert_leq(len, sizeof(frame) - 9);
	memcpy(frame, head, 9);
	if (len)
		memcpy(frame + 9, payload, len);
	return t_raw_send(r, frame, 9 + len);
}

/* A string of HPACK, not compressed; shorter than 127 bytes. Escapes are undone. */
static size_t put(uint8_t *to, const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] != '\\' || i + 1 == len) {
			to[1 + n++] = (uint8_t)s[i];
			continue;
		}
		i++;
		to[1 + n++] = s[i] == 'r' ? '\r' : s[i] == 'n' ? '\n' : s[i] == '0' ? 0 : s[i];
	}
	cr_assert_lt(n, 127);
	to[0] = (uint8_t)n;
	return n + 1;
}

bool t_raw_headers(struct t_raw *r, int32_t id, uint8_t flags, const char *text)
{
	const struct t_raw_hd hd = {
		.type = NGHTTP2_HEADERS, .flags = flags | NGHTTP2_FLAG_END_HEADERS, .id = id};
	uint8_t block[16384];
	size_t n = 0;

	while (*text) {
		const char *end = strchr(text, '\n'), *colon = strstr(text + 1, ": ");

		cr_assert(end && colon && colon < end && n < sizeof(block) - 300);
		/* An empty name: the text begins with two colons. */
		block[n++] = 0;
		n += put(block + n, text, (size_t)(colon - text));
		n += put(block + n, colon + 2, (size_t)(end - colon - 2));
		text = end + 1;
	}
	return t_raw_frame(r, hd, block, n);
}

const struct t_raw_frame *t_raw_find(const struct t_raw *r, uint8_t type, int32_t id)
{
	for (size_t i = r->n; i > 0; i--) {
		if (r->frames[i - 1].type == type && r->frames[i - 1].id == id)
			return &r->frames[i - 1];
	}
	return NULL;
}

bool t_raw_is_over(const struct t_raw *r, uint32_t code)
{
	const struct t_raw_frame *f = t_raw_find(r, NGHTTP2_GOAWAY, 0);

	return f && f->code == code && pst_pair_state(r->t->pair) == PST_PAIR_CLOSING;
}
