// SPDX-License-Identifier: Apache-2.0
#include "proxy/h2_session.h"

#include "proxy/h2_stream.h"

#include <errno.h>

enum {
	FLOOD_BYTES = 4 * PST_MAX_HEAD, /* of one block: so much is no mistake */
	FLOOD_FIELDS = 4096,
	INVALID_COSTS = 10, /* each makes a stream in vain, on both sides */
	ONE_BLOCK = 2 * PST_MAX_HEAD,
};

static struct pst_h2_stream *stream_of(const struct pst_h2_end *end, int32_t id)
{
	return id ? nghttp2_session_get_stream_user_data(end->ng, id) : NULL;
}

/* Further bytes are not looked at, nor are callbacks called, when the connection cannot go on. */
static int verdict(const struct pst_h2_end *end)
{
	return end->h2->failure || end->h2->closing ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

/* The same where frames are sent: the last ones are to go out. */
static int failure(const struct pst_h2_end *end)
{
	return end->h2->failure ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static void take_calm(struct pst_h2_end *end, uint32_t n)
{
	if (end->side == PST_CLIENT && !pst_h2_calm_take(&end->h2->calm, n))
		pst_h2_close(end->h2, PST_REASON_H2_FLOOD, NGHTTP2_ENHANCE_YOUR_CALM);
}

static int on_begin_frame(nghttp2_session *ng, const nghttp2_frame_hd *hd, void *ctx)
{
	bool useful =
		hd->type == NGHTTP2_HEADERS ||
		(hd->type == NGHTTP2_DATA && (hd->length || hd->flags & NGHTTP2_FLAG_END_STREAM));

	(void)ng;
	if (!useful)
		take_calm(ctx, 1);
	return verdict(ctx);
}

static int on_begin_headers(nghttp2_session *ng, const nghttp2_frame *frame, void *ctx)
{
	struct pst_h2_end *end = ctx;
	struct pst_h2_stream *s;

	pst_h2_head_clear(&end->head);
	end->in_head = true;
	if (end->side == PST_CLIENT && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
		s = pst_h2_stream_new(end->h2, frame->hd.stream_id);
		if (s)
			nghttp2_session_set_stream_user_data(ng, frame->hd.stream_id, s);
		else
			pst_h2_fail(end->h2, PST_REASON_PROXY_LIMIT);
	} else if (end->side == PST_CLIENT) {
		end->head.trailers = true;
	}
	return verdict(end);
}

static struct pst_h2_field field_of(const uint8_t *name, size_t name_len, const uint8_t *value,
				    size_t value_len)
{
	return (struct pst_h2_field){.name = (const char *)name,
				     .name_len = name_len,
				     .value = (const char *)value,
				     .value_len = value_len};
}

static int on_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
		     void *ctx)
{
	struct pst_h2_end *end = ctx;
	struct pst_h2_field f = field_of(name, name_len, value, value_len);

	(void)ng;
	(void)frame;
	f.hidden = flags & NGHTTP2_NV_FLAG_NO_INDEX;
	if (pst_h2_head_add(&end->head, &f))
		pst_h2_fail(end->h2, PST_REASON_PROXY_LIMIT);
	if (end->head.offered <= FLOOD_BYTES && end->head.n_offered <= FLOOD_FIELDS)
		return verdict(end);
	if (end->side == PST_SERVER)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	pst_h2_close(end->h2, PST_REASON_HEAD_LONG, NGHTTP2_ENHANCE_YOUR_CALM);
	return verdict(end);
}

/* nghttp2 would leave the field out. */
static int on_invalid_header(nghttp2_session *ng, const nghttp2_frame *frame, const uint8_t *name,
			     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
			     void *ctx)
{
	struct pst_h2_end *end = ctx;
	struct pst_h2_field f = field_of(name, name_len, value, value_len);

	(void)ng;
	(void)frame;
	(void)flags;
	if (pst_h2_head_add(&end->head, &f))
		pst_h2_fail(end->h2, PST_REASON_PROXY_LIMIT);
	if (!end->head.reason)
		end->head.reason = PST_REASON_FIELD_VALUE;
	return verdict(end);
}

static void block_complete(struct pst_h2_end *end, struct pst_h2_stream *s,
			   const nghttp2_frame *frame)
{
	bool complete = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	end->in_head = false;
	if (!s)
		return;
	/* What follows asks whether the message is complete. */
	if (end->side == PST_CLIENT && !s->judged) {
		s->leg[PST_CLIENT].complete = complete;
		pst_h2_stream_request(s);
	} else if (end->side == PST_SERVER && end->head.came[PST_H2_STATUS]) {
		s->leg[PST_SERVER].complete = complete;
		pst_h2_stream_answer(s, complete);
	} else {
		pst_h2_stream_trailers(s, end->side);
		if (complete)
			pst_h2_stream_complete(s, end->side);
	}
	pst_h2_head_clear(&end->head);
	/* Few bytes may be a large block, and what is read at once many of them. */
	pst_h2_weigh(end->h2);
}

static int on_frame(nghttp2_session *ng, const nghttp2_frame *frame, void *ctx)
{
	struct pst_h2_end *end = ctx;
	struct pst_h2_stream *s = stream_of(end, frame->hd.stream_id);

	(void)ng;
	switch (frame->hd.type) {
	case NGHTTP2_HEADERS:
		block_complete(end, s, frame);
		break;
	case NGHTTP2_DATA:
		if (s && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
			pst_h2_stream_complete(s, end->side);
		break;
	case NGHTTP2_SETTINGS:
		end->greeted = true;
		break;
	case NGHTTP2_GOAWAY:
		end->h2->want_drain = true;
		break;
	default:
		break;
	}
	return verdict(end);
}

static int on_data(nghttp2_session *ng, uint8_t flags, int32_t id, const uint8_t *bytes, size_t len,
		   void *ctx)
{
	struct pst_h2_end *end = ctx;
	struct pst_h2_stream *s = stream_of(end, id);

	(void)ng;
	(void)flags;
	if (s)
		pst_h2_stream_data(s, end->side, (const char *)bytes, len);
	else
		nghttp2_session_consume(pst_h2_stir(end), id, len);
	return verdict(end);
}

/* Also of a request that the server takes no more. */
static int on_stream_close(nghttp2_session *ng, int32_t id, uint32_t code, void *ctx)
{
	struct pst_h2_end *end = ctx;
	struct pst_h2_stream *s = stream_of(end, id);

	(void)ng;
	if (s)
		pst_h2_stream_closed(s, end->side, code);
	return failure(end);
}

static int on_invalid_frame(nghttp2_session *ng, const nghttp2_frame *frame, int error, void *ctx)
{
	struct pst_h2_end *end = ctx;
	struct pst_h2_stream *s = stream_of(end, frame->hd.stream_id);

	(void)ng;
	(void)error;
	if (frame->hd.type == NGHTTP2_HEADERS)
		end->in_head = false;
	if (s && end->side == PST_SERVER)
		s->broken = true;
	take_calm(end, INVALID_COSTS);
	return verdict(end);
}

/* A request that was answered before its end has no reader any more, RFC 9113 section 8.1. */
static void look_for_early_end(struct pst_h2_end *end, const nghttp2_frame *frame)
{
	const struct pst_h2_stream *s = stream_of(end, frame->hd.stream_id);
	bool ends = (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA) &&
		    frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

	if (end->side == PST_CLIENT && s && ends && !s->leg[PST_CLIENT].complete)
		pst_h2_check(end->h2,
			     nghttp2_submit_rst_stream(pst_h2_stir(end), NGHTTP2_FLAG_NONE,
						       frame->hd.stream_id, NGHTTP2_NO_ERROR));
}

static int on_frame_sent(nghttp2_session *ng, const nghttp2_frame *frame, void *ctx)
{
	struct pst_h2_end *end = ctx;

	(void)ng;
	look_for_early_end(end, frame);
	/* nghttp2 itself has found what the client did wrong. */
	if (frame->hd.type == NGHTTP2_GOAWAY && end->side == PST_CLIENT &&
	    frame->goaway.error_code != NGHTTP2_NO_ERROR)
		pst_h2_close(end->h2, PST_REASON_H2_MALFORMED, frame->goaway.error_code);
	return failure(end);
}

static int make_callbacks(nghttp2_session_callbacks **ret_callbacks)
{
	nghttp2_session_callbacks *c;

	if (nghttp2_session_callbacks_new(&c))
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
	nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
	*ret_callbacks = c;
	return 0;
}

static int make_options(nghttp2_option **ret_options)
{
	nghttp2_option *o;

	if (nghttp2_option_new(&o))
		return -ENOMEM;
	nghttp2_option_set_no_auto_window_update(o, 1);
	nghttp2_option_set_no_closed_streams(o, 1);
	nghttp2_option_set_max_send_header_block_length(o, ONE_BLOCK);
	nghttp2_option_set_max_continuations(o, PST_H2_CONTINUATIONS);
	nghttp2_option_set_stream_reset_rate_limit(o, PST_H2_RESETS, PST_H2_RESETS_SECOND);
	*ret_options = o;
	return 0;
}

static int make_session(struct pst_h2_end *end, const nghttp2_session_callbacks *callbacks,
			const nghttp2_option *options)
{
	nghttp2_mem *mem = &end->h2->memory.mem;
	int r;

	pst_h2_memory_create(&end->h2->memory, true);
	r = end->side == PST_CLIENT
		    ? nghttp2_session_server_new3(&end->ng, callbacks, end, options, mem)
		    : nghttp2_session_client_new3(&end->ng, callbacks, end, options, mem);
	pst_h2_memory_create(&end->h2->memory, false);
	return r ? -ENOMEM : 0;
}

static int greet(struct pst_h2_end *end)
{
	/* The table is as large as it is unasked. A server that is told so and keeps no table
	 * itself (nginx) says that this one is not needed: then no line of an answer is put there
	 * and thrown out again. */
	const nghttp2_settings_entry all[] = {
		{NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, NGHTTP2_DEFAULT_HEADER_TABLE_SIZE},
		{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, PST_MAX_HEAD},
		{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, PST_H2_STREAM_WINDOW},
		{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
		{end->side == PST_CLIENT ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS
					 : NGHTTP2_SETTINGS_ENABLE_PUSH,
		 end->side == PST_CLIENT ? PST_H2_STREAMS : 0},
	};
	int r = nghttp2_submit_settings(end->ng, NGHTTP2_FLAG_NONE, all,
					sizeof(all) / sizeof(*all));

	if (!r)
		r = nghttp2_session_set_local_window_size(end->ng, NGHTTP2_FLAG_NONE, 0,
							  PST_H2_WINDOW);
	return r ? -ENOMEM : 0;
}

int pst_h2_session_new(struct pst_h2 *h, enum pst_side side)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_option *options = NULL;
	int r = make_callbacks(&callbacks);

	if (!r)
		r = make_options(&options);
	if (!r)
		r = make_session(&h->end[side], callbacks, options);
	if (!r)
		r = greet(&h->end[side]);
	nghttp2_option_del(options);
	nghttp2_session_callbacks_del(callbacks);
	return r;
}
