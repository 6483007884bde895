// SPDX-License-Identifier: Apache-2.0
#include "proxy/tests/h2_peer.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct t_h2_stream *find(struct t_h2_peer *p, int32_t id)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->streams[i].id == id)
			return &p->streams[i];
	}
	return NULL;
}

static struct t_h2_stream *add(struct t_h2_peer *p, int32_t id)
{
	struct t_h2_stream *s = find(p, id);

	if (s)
		return s;
	p->n += p->n < T_H2_STREAMS;
	s = &p->streams[p->n - 1];
	*s = (struct t_h2_stream){.id = id};
	return s;
}

static void append(char *to, const char *text)
{
	size_t n = strlen(to);

	snprintf(to + n, T_H2_HEAD - n, "%s", text);
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *ctx)
{
	struct t_h2_stream *s = add(ctx, frame->hd.stream_id);
	bool early = name_len == 7 && !memcmp(name, ":status", 7) && value[0] == '1';
	bool final = name[0] == ':' && !early;
	char *to = s->head;

	(void)ng;
	s->hidden |= flags & NGHTTP2_NV_FLAG_NO_INDEX;
	if (early || (s->early[0] && !s->head[0] && !final))
		to = s->early;
	else if (strstr(s->head, "\n\n"))
		to = s->trailers;
	snprintf(to + strlen(to), T_H2_HEAD - strlen(to), "%.*s: %.*s\n", (int)name_len,
		 (const char *)name, (int)value_len, (const char *)value);
	return 0;
}

static void answer_if_due(struct t_h2_peer *p, struct t_h2_stream *s)
{
	if (p->side == PST_SERVER && p->answer && s->ended)
		t_h2_answer(p->t, s, p->answer, p->answer_body, NULL);
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *ctx)
{
	struct t_h2_peer *p = ctx;
	struct t_h2_stream *s = find(p, frame->hd.stream_id);

	(void)ng;
	if (frame->hd.type == NGHTTP2_GOAWAY) {
		p->goaway = true;
		p->goaway_code = frame->goaway.error_code;
	}
	if (!s || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	/* The empty line: what comes later are trailers. */
	if (frame->hd.type == NGHTTP2_HEADERS && s->head[0] && !strstr(s->head, "\n\n"))
		append(s->head, "\n");
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
		s->ended = true;
		answer_if_due(p, s);
	}
	return 0;
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
		   void *ctx)
{
	struct t_h2_peer *p = ctx;
	struct t_h2_stream *s = add(p, id);

	(void)ng;
	(void)flags;
	/* The proxy's own answers have other bytes. */
	for (size_t i = 0; i < len && !strstr(s->head, ": 403") && !strstr(s->head, ": 502"); i++)
		cr_assert_eq(bytes[i], 'b');
	s->body += len;
	p->total += len;
	return 0;
}

static int on_close(nghttp2_session *ng, int32_t id, uint32_t code, void *ctx)
{
	struct t_h2_stream *s = add(ctx, id);

	(void)ng;
	s->closed = true;
	s->code = code;
	return 0;
}

static nghttp2_session *make_session(struct t_h2_peer *p)
{
	nghttp2_session_callbacks *c;
	nghttp2_session *ng;
	const nghttp2_settings_entry streams = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
						T_H2_STREAMS};

	cr_assert_eq(nghttp2_session_callbacks_new(&c), 0);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_close);
	cr_assert_eq(p->side == PST_CLIENT ? nghttp2_session_client_new(&ng, c, p)
					   : nghttp2_session_server_new(&ng, c, p),
		     0);
	nghttp2_session_callbacks_del(c);
	cr_assert_eq(nghttp2_submit_settings(ng, NGHTTP2_FLAG_NONE, &streams, 1), 0);
	return ng;
}

static void on_event(void *ctx, const struct pst_pair_event *event)
{
	struct t_h2 *t = ctx;

	cr_assert_lt(t->n_events, T_H2_EVENTS);
	snprintf(t->last_head, T_H2_HEAD, "%.*s", (int)event->head_len,
		 event->head ? event->head : "");
	t->events[t->n_events] = *event;
	t->events[t->n_events++].head = NULL;
	if (event->since_ns)
		*event->since_ns = t->n_events;
}

static void on_answer(void *ctx, const struct pst_pair_answer *answer)
{
	struct t_h2 *t = ctx;

	cr_assert_lt(t->n_answers, T_H2_EVENTS);
	t->answers[t->n_answers++] = *answer;
}

struct t_h2 *t_h2_new(struct t_world *w)
{
	struct t_h2 *t = calloc(1, sizeof(*t));
	const struct pst_pair_opts opts = {
		.ruler = w->ruler,
		.ruleset = w->ruleset,
		.purse = t_world_purse(w),
		.denied = {&w->denied[0], &w->denied[1]},
		.on_event = on_event,
		.on_answer = on_answer,
		.ctx = t,
	};

	cr_assert(t);
	t->world = w;
	cr_assert_eq(pst_pair_new(&opts, &t->pair), 0);
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		t->peer[side].t = t;
		t->peer[side].side = side;
		t->peer[side].reads = true;
		t->peer[side].connected = side == PST_CLIENT;
		t->peer[side].ng = make_session(&t->peer[side]);
	}
	t->peer[PST_SERVER].answer = ":status: 200\n";
	return t;
}

void t_h2_free(struct t_h2 *t)
{
	pst_pair_free(&t->pair);
	cr_assert_eq(t->world->memory.used, 0);
	nghttp2_session_del(t->peer[PST_CLIENT].ng);
	nghttp2_session_del(t->peer[PST_SERVER].ng);
	free(t);
}

/* The pair takes what P says. True: something. */
static bool say(struct t_h2 *t, struct t_h2_peer *p)
{
	const uint8_t *bytes;
	ssize_t n;
	char *at;
	bool any = false;

	if (!p->connected || p->sink)
		return false;
	while (pst_pair_state(t->pair) == PST_PAIR_OPEN && pst_pair_room(t->pair, p->side, &at) &&
	       (n = nghttp2_session_mem_send(p->ng, &bytes)) > 0) {
		any = true;
		for (size_t done = 0; done < (size_t)n;) {
			size_t room = pst_pair_room(t->pair, p->side, &at), k = (size_t)n - done;

			k = t->step && k > t->step ? t->step : k;
			k = k < room ? k : room;
			if (!k)
				return any;
			memcpy(at, bytes + done, k);
			pst_pair_received(t->pair, p->side, k);
			done += k;
		}
	}
	return any;
}

/* P takes what the pair says to it. */
static bool hear(struct t_h2 *t, struct t_h2_peer *p)
{
	const char *bytes;
	size_t n;
	bool any = false;

	while (p->reads && (n = pst_pair_pending(t->pair, p->side, &bytes))) {
		n = t->step && n > t->step ? t->step : n;
		p->connected = true;
		if (p->sink)
			p->sink(p->sink_ctx, bytes, n);
		else
			cr_assert_eq(nghttp2_session_mem_recv(p->ng, (const uint8_t *)bytes, n),
				     (ssize_t)n);
		pst_pair_sent(t->pair, p->side, n);
		any = true;
	}
	return any;
}

void t_h2_run(struct t_h2 *t)
{
	bool any = true;

	while (any) {
		any = false;
		for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
			any |= say(t, &t->peer[side]);
			any |= hear(t, &t->peer[side]);
		}
	}
}

/* Cuts "name: value\n" lines into fields; a name may begin with a colon, or with '!': never
 * indexed. */
static size_t parse(const char *text, nghttp2_nv *nv, size_t max)
{
	size_t n = 0;

	while (text && *text) {
		const char *end = strchr(text, '\n'), *colon;

		cr_assert(end && n < max);
		nv[n].flags = *text == '!' ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
		text += *text == '!';
		colon = strstr(text + 1, ": ");
		cr_assert(colon && colon < end);
		nv[n].name = (uint8_t *)(uintptr_t)text;
		nv[n].namelen = (size_t)(colon - text);
		nv[n].value = (uint8_t *)(uintptr_t)(colon + 2);
		nv[n].valuelen = (size_t)(end - colon - 2);
		n++;
		text = end + 1;
	}
	return n;
}

static ssize_t read_body(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t room,
			 uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	struct t_h2_stream *s = find(ctx, id);
	size_t n = s->to_send < room ? s->to_send : room;
	nghttp2_nv nv[16];

	(void)source;
	memset(buf, 'b', n);
	s->to_send -= n;
	if (s->to_send)
		return (ssize_t)n;
	if (s->holds)
		return n ? (ssize_t)n : NGHTTP2_ERR_DEFERRED;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (s->trailers_to_send) {
		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		cr_assert_eq(nghttp2_submit_trailer(ng, id, nv, parse(s->trailers_to_send, nv, 16)),
			     0);
	}
	return (ssize_t)n;
}

static struct t_h2_stream *ask(struct t_h2 *t, const char *head, size_t body, const char *trailers,
			       bool has_body)
{
	const nghttp2_data_provider provider = {.read_callback = read_body};
	struct t_h2_peer *p = &t->peer[PST_CLIENT];
	nghttp2_nv nv[256];
	int32_t id = nghttp2_submit_request(p->ng, NULL, nv, parse(head, nv, 256),
					    has_body ? &provider : NULL, NULL);
	struct t_h2_stream *s;

	cr_assert_gt(id, 0);
	s = add(p, id);
	s->to_send = body;
	s->trailers_to_send = trailers;
	return s;
}

struct t_h2_stream *t_h2_ask(struct t_h2 *t, const char *head, size_t body)
{
	struct t_h2_stream *s = ask(t, head, body, NULL, body);

	t_h2_run(t);
	return s;
}

struct t_h2_stream *t_h2_get(struct t_h2 *t, const char *path)
{
	char head[512];

	snprintf(head, sizeof(head), ":method: GET\n:scheme: http\n:authority: b\n:path: %s\n",
		 path);
	return t_h2_ask(t, head, 0);
}

struct t_h2_stream *t_h2_upload(struct t_h2 *t, const char *head, size_t body, const char *trailers)
{
	struct t_h2_stream *s = ask(t, head, body, trailers, true);

	s->holds = !trailers;
	t_h2_run(t);
	return s;
}

void t_h2_answer(struct t_h2 *t, struct t_h2_stream *s, const char *head, size_t body,
		 const char *trailers)
{
	const nghttp2_data_provider provider = {.read_callback = read_body};
	nghttp2_nv nv[64];

	s->to_send = body;
	s->trailers_to_send = trailers;
	cr_assert_eq(nghttp2_submit_response(t->peer[PST_SERVER].ng, s->id, nv, parse(head, nv, 64),
					     body || trailers || s->holds ? &provider : NULL),
		     0);
}

void t_h2_resume(struct t_h2 *t, enum pst_side side, struct t_h2_stream *s)
{
	s->holds = false;
	nghttp2_session_resume_data(t->peer[side].ng, s->id);
	t_h2_run(t);
}

const struct pst_pair_event *t_h2_last(const struct t_h2 *t)
{
	cr_assert(t->n_events);
	return &t->events[t->n_events - 1];
}

size_t t_h2_denied(const struct t_h2 *t, enum pst_reason reason)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_events; i++)
		n += !t->events[i].allowed && t->events[i].reason == reason;
	return n;
}
