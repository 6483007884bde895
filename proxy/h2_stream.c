// SPDX-License-Identifier: Apache-2.0
#include "proxy/h2_stream.h"

#include "base/mem.h"
#include "proxy/h2_answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct pst_h2_stream *pst_h2_stream_new(struct pst_h2 *h, int32_t id)
{
	struct pst_h2_stream *s = pst_scraps_take(&h->opts.purse->all->scraps, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct pst_h2_stream){.h2 = h};
	s->leg[PST_CLIENT].id = id;
	s->leg[PST_CLIENT].open = true;
	s->number = h->number++;
	s->next = h->streams;
	if (s->next)
		s->next->prev = s;
	h->streams = s;
	h->n_streams++;
	pst_tally_add(h->opts.tally, PST_TALLY_STREAMS, 1);
	return s;
}

/* Until the other side takes them. 0 or -ENOMEM. */
static int keep_trailers(struct pst_h2_stream *s, enum pst_side side,
			 const struct pst_text_vec *lines)
{
	struct pst_text_vec *trailers = &s->leg[side].trailers;
	const size_t had = trailers->cap;
	int r = pst_text_append(trailers, lines->v, lines->n);

	pst_h2_memory_hold(&s->h2->memory, trailers->cap - had);
	return r;
}

static void drop_trailers(struct pst_h2_stream *s, enum pst_side side)
{
	struct pst_text_vec *trailers = &s->leg[side].trailers;

	pst_h2_memory_let_go(&s->h2->memory, trailers->cap);
	pst_vec_free(trailers);
}

void pst_h2_stream_free(struct pst_h2_stream *s)
{
	struct pst_h2 *h = s->h2;

	if (s->prev)
		s->prev->next = s->next;
	else
		h->streams = s->next;
	if (s->next)
		s->next->prev = s->prev;
	h->n_streams--;
	pst_tally_add(h->opts.tally, PST_TALLY_STREAMS_OVER, 1);
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		pst_buffer_fini(&s->leg[side].body, h->opts.purse);
		drop_trailers(s, side);
	}
	pst_scraps_give(&h->opts.purse->all->scraps, s);
}

static enum pst_side other(enum pst_side side)
{
	return side == PST_CLIENT ? PST_SERVER : PST_CLIENT;
}

static void report(struct pst_h2_stream *s, const struct pst_h2_verdict *v,
		   const struct pst_text_vec *head)
{
	const struct pst_pair_opts *o = &s->h2->opts;
	const struct pst_pair_event event = {
		.allowed = v->allowed,
		.reason = v->reason,
		.rule = v->rule,
		.number = s->number,
		.head = head ? head->v : NULL,
		.head_len = head ? head->n : 0,
		.mismatches = v->mismatches,
		.n_mismatches = v->allowed ? v->n_mismatches : 0,
		.since_ns = v->allowed ? &s->since_ns : NULL,
	};

	if (o->on_event && !(s->unjudged && v->allowed))
		o->on_event(o->ctx, &event);
}

static void report_denied(struct pst_h2_stream *s, enum pst_reason reason)
{
	const struct pst_h2_verdict v = {.reason = reason, .rule = UINT32_MAX};

	report(s, &v, NULL);
}

static void report_answer(const struct pst_h2_stream *s)
{
	const struct pst_pair_opts *o = &s->h2->opts;
	const struct pst_pair_answer a = {
		.number = s->number, .status = s->status, .since_ns = s->since_ns};

	if (o->on_answer && !s->unjudged)
		o->on_answer(o->ctx, &a);
}

/* Once: a second one would be sent, also where the first has kept the request from being sent. */
static void reset(struct pst_h2_stream *s, enum pst_side side, uint32_t code)
{
	struct pst_h2_end *end = &s->h2->end[side];
	struct pst_h2_leg *leg = &s->leg[side];

	if (!leg->open || leg->reset || !end->ng)
		return;
	leg->reset = true;
	pst_h2_check(s->h2,
		     nghttp2_submit_rst_stream(pst_h2_stir(end), NGHTTP2_FLAG_NONE, leg->id, code));
}

/* The peer at SIDE may send N bytes more. */
static void consume(struct pst_h2_stream *s, enum pst_side side, size_t n)
{
	struct pst_h2_end *end = &s->h2->end[side];

	if (n && end->ng)
		pst_h2_check(s->h2, nghttp2_session_consume(pst_h2_stir(end), s->leg[side].id, n));
}

/* What came from SIDE goes nowhere. */
static void drop_body(struct pst_h2_stream *s, enum pst_side side)
{
	struct pst_buffer *b = &s->leg[side].body;

	consume(s, side, pst_buffer_passed(b));
	pst_buffer_fini(b, s->h2->opts.purse);
	drop_trailers(s, side);
}

static void resume(struct pst_h2_stream *s, enum pst_side to)
{
	struct pst_h2_leg *leg = &s->leg[to];

	if (!leg->waits || !leg->open || !s->h2->end[to].ng)
		return;
	leg->waits = false;
	nghttp2_session_resume_data(pst_h2_stir(&s->h2->end[to]), leg->id);
}

static size_t take_own(struct pst_h2_stream *s, uint8_t *to, size_t room, uint32_t *flags)
{
	size_t n = s->own_left < room ? s->own_left : room;

	if (n)
		memcpy(to, s->own_body, n);
	s->own_body += n;
	s->own_left -= n;
	if (!s->own_left)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return n;
}

static size_t take_body(struct pst_h2_stream *s, enum pst_side from, uint8_t *to, size_t room)
{
	struct pst_buffer *b = &s->leg[from].body;
	size_t n = pst_buffer_passed(b);

	n = n < room ? n : room;
	if (n) {
		memcpy(to, b->v + b->begin, n);
		pst_buffer_sent(b, n);
		pst_buffer_trim(b, s->h2->opts.purse);
		consume(s, from, n);
		pst_h2_calm_earn(&s->h2->calm);
	}
	return n;
}

/* Behind the last byte: END_STREAM, or trailers that carry it. */
static void end_body(struct pst_h2_stream *s, enum pst_side to, uint32_t *flags)
{
	struct pst_text_vec *trailers = &s->leg[other(to)].trailers;
	struct pst_h2_fields fields = {.v = NULL};

	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (!trailers->n)
		return;
	*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	if (pst_h2_fields_lines(&fields, trailers->v, trailers->n, NULL))
		pst_h2_fail(s->h2, PST_REASON_PROXY_LIMIT);
	else
		pst_h2_check(s->h2, nghttp2_submit_trailer(pst_h2_stir(&s->h2->end[to]),
							   s->leg[to].id, fields.v, fields.n));
	pst_vec_free(&fields);
	drop_trailers(s, other(to));
}

/* nghttp2 asks for bytes of a body. */
static ssize_t read_body(nghttp2_session *ng, int32_t id, uint8_t *buf, size_t room,
			 uint32_t *flags, nghttp2_data_source *source, void *ctx)
{
	const struct pst_h2_end *end = ctx;
	struct pst_h2_stream *s = source->ptr;
	enum pst_side to = end->side, from = other(to);
	size_t n;

	(void)ng;
	(void)id;
	if (to == PST_CLIENT && s->own)
		return (ssize_t)take_own(s, buf, room, flags);
	n = take_body(s, from, buf, room);
	if (!pst_buffer_passed(&s->leg[from].body) && s->leg[from].complete) {
		end_body(s, to, flags);
	} else if (!n) {
		s->leg[to].waits = true;
		return NGHTTP2_ERR_DEFERRED;
	}
	return (ssize_t)n;
}

/* The proxy answers by itself: what O says, to this request. */
static void answer(struct pst_h2_stream *s, struct pst_h2_answer_opts o)
{
	const nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
	struct pst_h2 *h = s->h2;
	struct pst_h2_answer a;

	drop_body(s, PST_CLIENT);
	drop_body(s, PST_SERVER);
	reset(s, PST_SERVER, NGHTTP2_CANCEL);
	if (s->answered) {
		reset(s, PST_CLIENT, NGHTTP2_INTERNAL_ERROR);
		return;
	}
	s->answered = s->own = true;
	o.grpc = s->grpc;
	o.head = s->head;
	if (pst_h2_answer_make(&o, &a)) {
		pst_h2_fail(h, PST_REASON_PROXY_LIMIT);
	} else {
		s->own_body = a.body;
		s->own_left = a.body_len;
		pst_h2_check(h, nghttp2_submit_response(pst_h2_stir(&h->end[PST_CLIENT]),
							s->leg[PST_CLIENT].id, a.fields.v,
							a.fields.n, a.body_len ? &body : NULL));
	}
	pst_h2_answer_fini(&a);
}

static void deny(struct pst_h2_stream *s)
{
	answer(s, (struct pst_h2_answer_opts){.reply = s->h2->opts.denied[0]});
}

/* The client is to ask for the path that TEXT has now. */
static void redirect(struct pst_h2_stream *s, const struct pst_text_vec *text)
{
	struct pst_h2_answer_opts o = {.reply = NULL};

	o.location = pst_normal_location(text->v, text->n, &o.location_len);
	answer(s, o);
}

/* A part behind the head must not be passed on. */
static void deny_rest(struct pst_h2_stream *s, enum pst_reason reason)
{
	report_denied(s, reason);
	deny(s);
}

/* What the server says is not passed on. */
static void refuse_answer(struct pst_h2_stream *s)
{
	report_denied(s, PST_REASON_ANSWER);
	answer(s, (struct pst_h2_answer_opts){.reply = NULL});
}

/* Gives the request to the server. */
static void forward(struct pst_h2_stream *s, const struct pst_h2_fields *fields)
{
	const nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
	struct pst_h2 *h = s->h2;
	struct pst_h2_leg *leg = &s->leg[PST_SERVER];
	int32_t id;

	if (h->server_gone || h->n_streams > 4 * PST_H2_STREAMS) {
		reset(s, PST_CLIENT, NGHTTP2_REFUSED_STREAM);
		return;
	}
	if (!h->end[PST_SERVER].ng && pst_h2_session_new(h, PST_SERVER)) {
		pst_h2_fail(h, PST_REASON_PROXY_LIMIT);
		return;
	}
	id = nghttp2_submit_request(pst_h2_stir(&h->end[PST_SERVER]), NULL, fields->v, fields->n,
				    s->leg[PST_CLIENT].complete ? NULL : &body, s);
	if (id < 0) {
		pst_h2_check(h, id);
		reset(s, PST_CLIENT, NGHTTP2_REFUSED_STREAM);
		return;
	}
	leg->id = id;
	leg->open = true;
}

/* What the server gets. A change that HTTP/2 has no place for is refused. */
static void make_fields(struct pst_h2_stream *s, struct pst_h2_verdict *v,
			struct pst_text_vec *text, struct pst_h2_fields *fields)
{
	struct pst_text_vec *sent = v->changed.n ? &v->changed : text;
	int r = pst_h2_fields_request(fields, sent, &s->h2->end[PST_CLIENT].head);

	if (r == -EINVAL) {
		v->allowed = false;
		v->reason = PST_REASON_REWRITE;
	} else if (r) {
		pst_h2_fail(s->h2, PST_REASON_PROXY_LIMIT);
	}
	/* What a rule writes may be a secret: no table remembers it. */
	for (size_t i = 0; v->changed.n && i < fields->n; i++)
		fields->v[i].flags |= NGHTTP2_NV_FLAG_NO_INDEX;
}

void pst_h2_stream_request(struct pst_h2_stream *s)
{
	const struct pst_h2_head *head = &s->h2->end[PST_CLIENT].head;
	const struct pst_h2_judge judge = pst_h2_judge_of(s->h2);
	struct pst_h2_verdict v = {.reason = head->reason, .rule = UINT32_MAX};
	struct pst_h2_fields fields = {.v = NULL};
	struct pst_text_vec text = {.v = NULL};

	s->judged = true;
	s->unjudged = judge.ruleset == PST_PAIR_UNJUDGED;
	if (pst_h2_head_request(head, &text))
		pst_h2_fail(s->h2, PST_REASON_PROXY_LIMIT);
	else if (!v.reason && s->unjudged)
		pst_h2_pass(&text, &v);
	else if (!v.reason)
		pst_h2_judge(&judge, &text, &v);
	s->grpc = text.n && pst_grpc_is_call(&text);
	s->head = v.head;
	s->no_body = v.no_body;
	if (v.allowed)
		make_fields(s, &v, &text, &fields);
	if (!s->h2->failure) {
		report(s, &v, v.is_read ? &text : NULL);
		if (v.allowed)
			forward(s, &fields);
		else if (v.redirect)
			redirect(s, &text);
		else
			deny(s);
	}
	pst_vec_free(&fields);
	pst_vec_free(&text);
	pst_vec_free(&v.changed);
}

static bool is_dead(const struct pst_h2_stream *s)
{
	return s->own || !s->leg[PST_CLIENT].open;
}

static int status_of(const struct pst_h2_head *head)
{
	const struct pst_text_vec *t = &head->part[PST_H2_STATUS];
	int status = 0;

	for (size_t i = 0; i < t->n && i < 3; i++)
		status = status * 10 + (t->v[i] - '0');
	return t->n == 3 ? status : 0;
}

/* Passes a head of the server's on. */
static int pass_answer(struct pst_h2_stream *s, struct pst_h2_head *head, bool complete)
{
	const nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_body};
	const struct pst_text_vec *status = &head->part[PST_H2_STATUS];
	const struct pst_h2_field f = {
		.name = ":status", .name_len = 7, .value = status->v, .value_len = status->n};
	nghttp2_session *ng = pst_h2_stir(&s->h2->end[PST_CLIENT]);
	int32_t id = s->leg[PST_CLIENT].id;
	struct pst_h2_fields fields = {.v = NULL};
	bool final = status_of(head) >= 200;
	int r = pst_vec_reserve(&fields, head->n_offered);

	if (!r)
		r = pst_h2_fields_add(&fields, &f);
	if (!r)
		r = pst_h2_fields_lines(&fields, head->lines.v, head->lines.n, &head->hidden);
	if (!r && !final)
		pst_h2_check(s->h2, nghttp2_submit_headers(ng, NGHTTP2_FLAG_NONE, id, NULL,
							   fields.v, fields.n, NULL));
	else if (!r)
		pst_h2_check(s->h2, nghttp2_submit_response(ng, id, fields.v, fields.n,
							    complete ? NULL : &body));
	if (!r && final) {
		s->answered = true;
		s->status = (uint32_t)status_of(head);
	}
	pst_vec_free(&fields);
	return r;
}

void pst_h2_stream_answer(struct pst_h2_stream *s, bool complete)
{
	struct pst_h2_head *head = &s->h2->end[PST_SERVER].head;
	int r = -EINVAL;

	if (is_dead(s))
		return;
	if (!head->reason && status_of(head) >= 100 && !s->answered)
		r = pass_answer(s, head, complete);
	if (!r && complete && s->answered)
		report_answer(s);
	if (r == -ENOMEM)
		pst_h2_fail(s->h2, PST_REASON_PROXY_LIMIT);
	else if (r)
		refuse_answer(s);
}

void pst_h2_stream_trailers(struct pst_h2_stream *s, enum pst_side side)
{
	const struct pst_h2_judge judge = pst_h2_judge_of(s->h2);
	const struct pst_h2_head *head = &s->h2->end[side].head;
	const bool asked = side == PST_CLIENT && judge.ruleset != PST_PAIR_UNJUDGED;
	enum pst_reason reason = head->reason;

	if (is_dead(s))
		return;
	if (!reason && asked && s->no_trailers && head->lines.n)
		reason = PST_REASON_TRAILER;
	if (!reason && asked)
		reason = pst_h2_judge_trailers(&judge, &head->lines);
	if (reason && side == PST_CLIENT)
		deny_rest(s, reason);
	else if (reason)
		refuse_answer(s);
	else if (keep_trailers(s, side, &head->lines))
		pst_h2_fail(s->h2, PST_REASON_PROXY_LIMIT);
}

void pst_h2_stream_data(struct pst_h2_stream *s, enum pst_side side, const char *bytes, size_t len)
{
	struct pst_purse *purse = s->h2->opts.purse;
	struct pst_buffer *b = &s->leg[side].body;
	enum pst_side to = other(side);

	if (side == PST_CLIENT && s->no_body && len && !is_dead(s))
		deny_rest(s, PST_REASON_BODY_UNEXPECTED);
	if (s->own || !s->leg[to].open) {
		consume(s, side, len);
		return;
	}
	if (!pst_buffer_begin(b, len, purse) ||
	    !pst_buffer_append(b, bytes, len, PST_BUFFER_BODY, purse))
		pst_h2_fail(s->h2, pst_purse_reason(purse));
	else
		resume(s, to);
}

void pst_h2_stream_complete(struct pst_h2_stream *s, enum pst_side side)
{
	s->leg[side].complete = true;
	resume(s, other(side));
	if (side == PST_SERVER && s->answered && !s->own)
		report_answer(s);
}

/* The client has gone, or has got everything: what does that mean for the server? */
static void client_closed(struct pst_h2_stream *s, uint32_t code)
{
	if (!s->judged) {
		s->judged = true;
		report_denied(s, PST_REASON_H2_MALFORMED);
	}
	drop_body(s, PST_SERVER);
	/* A request that came whole is passed on whole, also behind its answer. */
	if (code == NGHTTP2_NO_ERROR && s->leg[PST_CLIENT].complete)
		return;
	drop_body(s, PST_CLIENT);
	reset(s, PST_SERVER, code ? code : NGHTTP2_CANCEL);
}

static void server_closed(struct pst_h2_stream *s, uint32_t code)
{
	drop_body(s, PST_CLIENT);
	if (is_dead(s) || (s->leg[PST_SERVER].complete && s->answered))
		return;
	if (s->broken && !s->answered)
		refuse_answer(s);
	else
		reset(s, PST_CLIENT, code ? code : NGHTTP2_INTERNAL_ERROR);
}

void pst_h2_stream_closed(struct pst_h2_stream *s, enum pst_side side, uint32_t code)
{
	if (!s->leg[side].open)
		return;
	s->leg[side].open = false;
	if (side == PST_CLIENT)
		client_closed(s, code);
	else
		server_closed(s, code);
	if (!s->leg[PST_CLIENT].open && !s->leg[PST_SERVER].open)
		pst_h2_stream_free(s);
}
