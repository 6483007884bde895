// SPDX-License-Identifier: Apache-2.0
#include "proxy/pair.h"

#include "base/mem.h"
#include "proxy/ahead.h"
#include "proxy/message.h"
#include "proxy/pair_state.h"
#include "proxy/rewrite.h"

#include <errno.h>
#include <stdlib.h>

int pst_pair_new(const struct pst_pair_opts *opts, struct pst_pair **ret_pair)
{
	struct pst_pair *p = pst_mem_calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->opts = *opts;
	p->tunnel = opts->opaque;
	*ret_pair = p;
	return 0;
}

void pst_pair_free(struct pst_pair **p)
{
	if (!*p)
		return;
	pst_h2_free(&(*p)->h2);
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		pst_buffer_fini(&(*p)->in[side], (*p)->opts.purse);
		pst_ahead_fini(&(*p)->front[side], (*p)->opts.purse);
	}
	free(*p);
	*p = NULL;
}

static const struct pst_table *table_of(const struct pst_pair *p, uint32_t *ret_index)
{
	return pst_ruler_table(p->opts.ruler, p->opts.ruleset, ret_index);
}

/* Tells EVENT, whose number and head are filled in here. */
static void tell(const struct pst_pair *p, struct pst_pair_event *event)
{
	const struct pst_buffer *b = &p->in[PST_CLIENT];

	event->number = p->number;
	event->head = event->head_len ? b->v + b->pass : NULL;
	if (p->opts.on_event)
		p->opts.on_event(p->opts.ctx, event);
}

static void report(const struct pst_pair *p, enum pst_reason reason, uint32_t rule, size_t head_len)
{
	struct pst_pair_event event = {.reason = reason, .rule = rule, .head_len = head_len};

	tell(p, &event);
}

/* The client's head was LEN long; what is read of it may be that of a changed one by now. */
static void report_allowed(struct pst_pair *p, const struct pst_ruler_answer *a, size_t len)
{
	struct pst_pair_event event = {
		.allowed = true,
		.reason = a->reason,
		.rule = a->rule,
		.head_len = len,
		.mismatches = a->mismatches,
		.n_mismatches = a->n_mismatches,
		.since_ns = &p->since_ns,
	};

	p->since_ns = 0;
	tell(p, &event);
}

/* What the client sent is not looked at any more. */
static void forget_input(struct pst_pair *p)
{
	struct pst_buffer *b = &p->in[PST_CLIENT];

	b->end = b->pass;
	p->up.state = PST_MESSAGE_NONE;
}

static void die(struct pst_pair *p)
{
	p->state = PST_PAIR_DEAD;
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		pst_buffer_fini(&p->in[side], p->opts.purse);
		pst_ahead_fini(&p->front[side], p->opts.purse);
	}
}

/* An answer of the proxy's own. No answer of the server's is on its way. */
static void answer(struct pst_pair *p, bool stays, bool is_head)
{
	const struct pst_reply *reply = p->opts.denied[!stays];

	if (!pst_ahead_put(&p->front[PST_CLIENT], reply->bytes,
			   is_head ? reply->head_len : reply->len))
		die(p);
	else if (!stays)
		p->state = PST_PAIR_CLOSING;
}

/* Denied before anything of it was passed on. */
static void deny(struct pst_pair *p, enum pst_reason reason, uint32_t rule)
{
	struct pst_buffer *b = &p->in[PST_CLIENT];
	struct pst_ahead *f = &p->front[PST_CLIENT];
	const struct pst_http *h = &p->up.http;
	bool whole = h->state == PST_HTTP_DONE;
	bool body = h->length || h->flags & PST_HTTP_CHUNKED;
	bool stays = whole && !body &&
		     !(h->flags & (PST_HTTP_LAST | PST_HTTP_UPGRADE | PST_HTTP_EXPECT)) &&
		     reason != PST_REASON_PARSERS && reason != PST_REASON_JUDGED_ALIAS;
	bool is_head = h->method == PST_METHOD_HEAD;

	if (reason == PST_REASON_REDIRECTED &&
	    pst_normal_answer(b->v + b->pass, h->head, !stays, &f->text))
		reason = PST_REASON_NO_STATE;
	else if (reason == PST_REASON_REDIRECTED && !pst_ahead_hold(f, p->opts.purse))
		reason = pst_purse_reason(p->opts.purse);
	report(p, reason, rule, whole ? h->head : 0);
	if (reason == PST_REASON_HEAD_CUT || reason == PST_REASON_NO_STATE ||
	    reason == PST_REASON_PROXY_LIMIT || reason == PST_REASON_WORKLOAD_LIMIT) {
		die(p);
		return;
	}
	p->number++;
	if (stays) {
		b->pass += h->head;
		pst_buffer_sent(b, h->head);
		p->up.state = PST_MESSAGE_NONE;
	} else {
		forget_input(p);
	}
	if (reason != PST_REASON_REDIRECTED)
		answer(p, stays, is_head);
	else if (!stays)
		p->state = PST_PAIR_CLOSING;
}

/* Bad framing behind a head that was passed on: an answer is due, but which one? */
static void deny_body(struct pst_pair *p, enum pst_reason reason)
{
	report(p, reason, UINT32_MAX, 0);
	forget_input(p);
	p->torn = true;
	if (p->answered)
		die(p);
	else
		answer(p, false, p->head_request);
}

/* Puts the changed head into the front of what goes to the server. False: denied. */
static bool change_head(struct pst_pair *p, const struct pst_ruler_answer *a)
{
	struct pst_buffer *b = &p->in[PST_CLIENT];
	struct pst_ahead *f = &p->front[PST_SERVER];
	size_t len = p->up.http.head;
	uint32_t index;
	const struct pst_table *t = table_of(p, &index);
	enum pst_reason reason = PST_REASON_NO_STATE;

	if (!pst_rewrite(b->v + b->pass, len, a->actions, a->n_actions, &f->text))
		reason = pst_ahead_hold(f, p->opts.purse)
				 ? pst_message_read_again(&p->up, t, index, f->text.v, f->text.n)
				 : pst_purse_reason(p->opts.purse);
	if (!reason)
		return true;
	pst_ahead_fini(f, p->opts.purse);
	deny(p, reason, a->rule);
	return false;
}

static void pass_head(struct pst_pair *p, const struct pst_ruler_answer *a)
{
	struct pst_buffer *b = &p->in[PST_CLIENT];
	size_t len = p->up.http.head;
	bool change = a->n_actions;

	if (change && !change_head(p, a))
		return;
	report_allowed(p, a, len);
	p->asked = true;
	p->up_done = p->down_done = p->answered = p->answer_last = false;
	p->handshake = p->up.http.flags & PST_HTTP_UPGRADE;
	p->last = p->up.http.flags & PST_HTTP_LAST;
	p->head_request = p->up.http.method == PST_METHOD_HEAD;
	b->pass += len;
	/* Nothing is passable before a head: the one before is gone. */
	if (change)
		pst_buffer_sent(b, len);
	pst_message_response(&p->down);
	if (pst_message_go_on(&p->up) == PST_MESSAGE_ENDED)
		p->up_done = true;
}

static void judge_head(struct pst_pair *p)
{
	const struct pst_buffer *b = &p->in[PST_CLIENT];
	struct pst_ruler_answer a;

	pst_ruler_ask(p->opts.ruler, p->opts.ruleset, &p->up.http, b->v + b->pass, &a);
	if (!a.allowed)
		deny(p, a.reason, a.rule);
	else if (!pst_frames_request(&p->up.frames, &p->up.http, b->v + b->pass, p->up.http.head))
		deny(p, PST_REASON_PARSERS, a.rule);
	else if (p->up.redirect)
		deny(p, PST_REASON_REDIRECTED, a.rule);
	else
		pass_head(p, &a);
}

static void pass_trailers(struct pst_pair *p)
{
	struct pst_buffer *b = &p->in[PST_CLIENT];
	size_t len = p->up.http.stop;

	if (pst_ruler_is_trailer_asked(p->opts.ruler, p->opts.ruleset, b->v + b->pass, len)) {
		deny_body(p, PST_REASON_TRAILER);
		return;
	}
	b->pass += len;
	pst_message_go_on(&p->up);
	p->up_done = true;
}

static bool may_begin(const struct pst_pair *p)
{
	return !p->asked && !pst_ahead_left(&p->front[PST_SERVER]) &&
	       !pst_ahead_left(&p->front[PST_CLIENT]) && !pst_buffer_passed(&p->in[PST_CLIENT]) &&
	       !pst_buffer_passed(&p->in[PST_SERVER]);
}

/* Bytes behind a request that ends the connection. */
static void refuse_rest(struct pst_pair *p)
{
	if (!p->asked || !p->last || !p->up_done || !pst_buffer_unknown(&p->in[PST_CLIENT]))
		return;
	if (!p->rest_refused) {
		p->number++;
		report(p, PST_REASON_AFTER_CLOSE, UINT32_MAX, 0);
		p->number--;
	}
	p->rest_refused = true;
	forget_input(p);
}

/* May it become a tunnel? The server's answers would overtake the proxy's own; and as long as
 * nothing comes, a further policy may judge again. */
static bool may_tunnel(const struct pst_pair *p)
{
	return p->h2 || (may_begin(p) && pst_buffer_unknown(&p->in[PST_CLIENT]));
}

/* A new policy is taken over where a request begins. */
static void renew(struct pst_pair *p)
{
	const bool unjudged = p->next_ruleset == PST_PAIR_UNJUDGED;

	if (!p->next_ruler || p->up.state != PST_MESSAGE_NONE || p->asked ||
	    (unjudged && !may_tunnel(p)))
		return;
	p->opts.ruler = p->next_ruler;
	p->opts.ruleset = p->next_ruleset;
	p->next_ruler = NULL;
	p->tunnel |= unjudged && !p->h2;
}

/* The first request is the preface of HTTP/2: its session reads it again. */
static void begin_h2(struct pst_pair *p)
{
	struct pst_buffer *b = &p->in[PST_CLIENT];

	p->up.state = PST_MESSAGE_NONE;
	renew(p); /* what came meanwhile judges the streams */
	if (p->tunnel) {
		b->pass = b->end;
		return;
	}
	if (pst_h2_new(&p->opts, &p->h2)) {
		deny(p, PST_REASON_NO_STATE, UINT32_MAX);
		return;
	}
	pst_h2_take(p->h2, b->v + b->pass, pst_buffer_unknown(b));
	pst_buffer_fini(b, p->opts.purse);
}

static void go_up(struct pst_pair *p)
{
	struct pst_buffer *b = &p->in[PST_CLIENT];
	uint32_t index;

	if (!p->tunnel)
		renew(p);
	if (p->tunnel) {
		b->pass = b->end;
		return;
	}
	if (p->up.state == PST_MESSAGE_NONE && pst_buffer_unknown(b) && may_begin(p))
		pst_message_request(&p->up, p->opts.ruler, p->opts.ruleset);
	switch (pst_message_read(&p->up, table_of(p, &index), b)) {
	case PST_MESSAGE_BEGUN:
		judge_head(p);
		break;
	case PST_MESSAGE_TRAILERS:
		pass_trailers(p);
		break;
	case PST_MESSAGE_ENDED:
		p->up_done = true;
		break;
	case PST_MESSAGE_BAD:
		if (p->up.http.reason == PST_REASON_HTTP2 && !p->number)
			begin_h2(p);
		else if (p->up.state == PST_MESSAGE_HEAD)
			deny(p, p->up.http.reason, UINT32_MAX);
		else
			deny_body(p, p->up.http.reason);
		break;
	case PST_MESSAGE_MORE:
		if (pst_message_is_in_head(p->up.state) && p->ended[PST_CLIENT])
			deny(p, PST_REASON_HEAD_CUT, UINT32_MAX);
		else if (p->up.state == PST_MESSAGE_CHUNK && p->ended[PST_CLIENT])
			b->end = b->pass; /* half a size line: the server hears of the end alone */
		break;
	}
	if (p->state == PST_PAIR_OPEN && !p->h2)
		refuse_rest(p);
}

static const char bad_gateway[] = "HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/plain\r\n"
				  "content-length: 25\r\nconnection: close\r\n\r\n"
				  "The answer is not valid\r\n";

/* The server's answer cannot be framed. */
static void refuse_answer(struct pst_pair *p)
{
	struct pst_buffer *b = &p->in[PST_SERVER];

	report(p, PST_REASON_ANSWER, UINT32_MAX, 0);
	b->end = b->pass;
	p->down.state = PST_MESSAGE_NONE;
	forget_input(p);
	p->state = PST_PAIR_CLOSING;
	if (!p->asked || p->answered || p->head_request)
		return;
	if (!pst_ahead_put(&p->front[PST_CLIENT], bad_gateway, sizeof(bad_gateway) - 1))
		die(p);
}

static void report_answer(const struct pst_pair *p)
{
	const struct pst_pair_answer a = {
		.number = p->number, .status = p->status, .since_ns = p->since_ns};

	if (p->opts.on_answer)
		p->opts.on_answer(p->opts.ctx, &a);
}

static void answer_end(struct pst_pair *p)
{
	p->down_done = true;
	report_answer(p);
	if (p->down.http.flags & PST_HTTP_LAST)
		p->answer_last = true;
}

/* How long a response is, RFC 9112 section 6.3. Its head is passable. */
static void begin_answer(struct pst_pair *p)
{
	const struct pst_http *h = &p->down.http;
	bool no_body = p->head_request || h->status == 204 || h->status == 304;

	if (h->status == 101) {
		p->tunnel = true;
	} else if (h->status < 200) {
		pst_message_response(&p->down);
		return;
	}
	p->answered = true;
	p->status = h->status;
	if (p->tunnel) {
		report_answer(p);
		return;
	}
	if (no_body) {
		p->down.state = PST_MESSAGE_NONE;
		answer_end(p);
	} else if (!(h->flags & (PST_HTTP_CHUNKED | PST_HTTP_HAS_LENGTH))) {
		p->down.state = PST_MESSAGE_TO_END;
	} else if (pst_message_go_on(&p->down) == PST_MESSAGE_ENDED) {
		answer_end(p);
	}
}

static void pass_answer_head(struct pst_pair *p)
{
	struct pst_buffer *b = &p->in[PST_SERVER];
	const struct pst_http *h = &p->down.http;

	if (!pst_frames_response(&p->down.frames, h, b->v + b->pass, h->head, p->head_request) ||
	    (h->status == 101 && !p->handshake)) {
		refuse_answer(p);
	} else if (h->status == 101 && p->next_ruler && p->next_ruleset != PST_PAIR_UNJUDGED) {
		/* Like a stream that stood already: nobody could judge it later. */
		report(p, PST_REASON_POLICY_CHANGED, UINT32_MAX, 0);
		die(p);
	} else {
		b->pass += h->head;
		begin_answer(p);
	}
}

static void go_down(struct pst_pair *p)
{
	struct pst_buffer *b = &p->in[PST_SERVER];
	uint32_t index;

	if (p->tunnel) {
		b->pass = b->end;
		return;
	}
	/* Bytes that nobody asked for would be taken for the answer to the next request. */
	if ((!p->asked || p->down_done) && pst_buffer_unknown(b)) {
		refuse_answer(p);
		return;
	}
	switch (pst_message_read(&p->down, table_of(p, &index), b)) {
	case PST_MESSAGE_BEGUN:
		pass_answer_head(p);
		break;
	case PST_MESSAGE_TRAILERS:
		b->pass += p->down.http.stop;
		pst_message_go_on(&p->down);
		answer_end(p);
		break;
	case PST_MESSAGE_ENDED:
		answer_end(p);
		break;
	case PST_MESSAGE_BAD:
		refuse_answer(p);
		break;
	case PST_MESSAGE_MORE:
		break;
	}
}

/* The streams' ends: what does it mean for the exchange? */
static void look_at_ends(struct pst_pair *p)
{
	bool idle_client = p->ended[PST_CLIENT] && !pst_buffer_unknown(&p->in[PST_CLIENT]);

	if (p->tunnel) {
		if (p->ended[PST_CLIENT] && p->ended[PST_SERVER])
			p->state = PST_PAIR_CLOSING;
		return;
	}
	if (p->asked && p->down_done && (p->answer_last || p->up_done)) {
		p->asked = false;
		p->number++;
		if (p->last || p->answer_last)
			p->state = PST_PAIR_CLOSING;
	}
	/* One without a length ends where its sender does. */
	if (p->asked && p->ended[PST_SERVER] && p->down.state == PST_MESSAGE_TO_END &&
	    !p->down_done)
		answer_end(p);
	/* Whatever is missing of an answer will not come. */
	if (p->ended[PST_SERVER] || (idle_client && !p->asked && p->state == PST_PAIR_OPEN))
		p->state = PST_PAIR_CLOSING;
	if (p->state == PST_PAIR_CLOSING)
		forget_input(p);
}

/* Does what can be done. An exchange that ends lets the next request begin. */
static void step(struct pst_pair *p)
{
	const struct pst_buffer *up = &p->in[PST_CLIENT], *down = &p->in[PST_SERVER];
	size_t left;
	bool asked;

	do {
		left = pst_buffer_unknown(up) + pst_buffer_unknown(down);
		asked = p->asked;
		if (p->state == PST_PAIR_OPEN)
			go_up(p);
		if (p->state == PST_PAIR_OPEN && !p->h2)
			go_down(p);
		if (p->state == PST_PAIR_OPEN && !p->h2)
			look_at_ends(p);
	} while (p->state == PST_PAIR_OPEN && !p->h2 &&
		 (asked != p->asked || left != pst_buffer_unknown(up) + pst_buffer_unknown(down)));
}

/* A head, a size line or trailers must lie in the buffer as a whole. */
static size_t limit_of(const struct pst_message *m)
{
	return pst_message_is_in_head(m->state) || m->state == PST_MESSAGE_CHUNK ? PST_BUFFER_HEAD
										 : PST_BUFFER_BODY;
}

size_t pst_pair_room(struct pst_pair *p, enum pst_side side, char **ret_at)
{
	struct pst_buffer *b = &p->in[side];
	bool failed;
	size_t n;

	if (p->h2)
		return pst_h2_room(p->h2, side, ret_at);
	if (p->state != PST_PAIR_OPEN || p->ended[side])
		return 0;
	n = pst_buffer_room(b, limit_of(side == PST_CLIENT ? &p->up : &p->down), p->opts.purse,
			    &failed);
	if (failed) {
		report(p, pst_purse_reason(p->opts.purse), UINT32_MAX, 0);
		die(p);
		return 0;
	}
	*ret_at = b->v + b->end;
	return n;
}

/* Between requests empty buffers are given back. */
static void trim(struct pst_pair *p)
{
	if (p->asked || p->tunnel)
		return;
	for (int from = PST_CLIENT; from <= PST_SERVER; from++)
		pst_buffer_trim(&p->in[from], p->opts.purse);
}

void pst_pair_received(struct pst_pair *p, enum pst_side side, size_t n)
{
	struct pst_buffer *b = &p->in[side];

	if (p->h2) {
		pst_h2_received(p->h2, side, n);
		return;
	}
	b->end += n;
	b->filled |= b->end == b->cap;
	if (n)
		step(p);
	trim(p);
}

void pst_pair_ended(struct pst_pair *p, enum pst_side side)
{
	if (p->h2) {
		pst_h2_ended(p->h2, side);
		return;
	}
	p->ended[side] = true;
	step(p);
}

size_t pst_pair_pending(const struct pst_pair *p, enum pst_side side, const char **ret_at)
{
	const struct pst_ahead *f = &p->front[side];
	const struct pst_buffer *b = &p->in[side == PST_CLIENT ? PST_SERVER : PST_CLIENT];

	if (p->h2)
		return pst_h2_pending(p->h2, side, ret_at);
	/* The rest of a request is worth nothing when the connection ends. */
	if (side == PST_SERVER && p->state != PST_PAIR_OPEN)
		return 0;
	/* What the proxy itself says comes behind what the server said, but before it for the
	 * server: a changed head before its body. */
	if (side == PST_CLIENT && pst_buffer_passed(b)) {
		*ret_at = b->v + b->begin;
		return pst_buffer_passed(b);
	}
	if (pst_ahead_left(f)) {
		*ret_at = f->text.v + f->sent;
		return pst_ahead_left(f);
	}
	*ret_at = b->v ? b->v + b->begin : NULL;
	return pst_buffer_passed(b);
}

void pst_pair_sent(struct pst_pair *p, enum pst_side side, size_t n)
{
	struct pst_ahead *f = &p->front[side];
	struct pst_buffer *b = &p->in[side == PST_CLIENT ? PST_SERVER : PST_CLIENT];

	if (p->h2) {
		pst_h2_sent(p->h2, side, n);
		return;
	}
	if (pst_ahead_left(f) && !(side == PST_CLIENT && pst_buffer_passed(b)))
		pst_ahead_sent(f, n, p->opts.purse);
	else
		pst_buffer_sent(b, n);
	if (p->state == PST_PAIR_OPEN)
		step(p);
	trim(p);
}

uint64_t pst_pair_movable(const struct pst_pair *p, enum pst_side side)
{
	if (p->h2 || p->state != PST_PAIR_OPEN || p->ended[side])
		return 0;
	return p->tunnel ? PST_MESSAGE_ENDLESS
			 : pst_message_movable(side == PST_CLIENT ? &p->up : &p->down);
}

void pst_pair_moved(struct pst_pair *p, enum pst_side side, size_t n)
{
	if (!p->tunnel && !pst_message_moved(side == PST_CLIENT ? &p->up : &p->down, n))
		die(p);
}

bool pst_pair_is_over(const struct pst_pair *p, enum pst_side side)
{
	const char *unused;

	if (pst_pair_pending(p, side, &unused))
		return false;
	if (side == PST_CLIENT)
		return pst_pair_state(p) != PST_PAIR_OPEN || (p->tunnel && p->ended[PST_SERVER]);
	return !p->h2 && p->ended[PST_CLIENT] && !pst_buffer_unknown(&p->in[PST_CLIENT]);
}

bool pst_pair_is_idle(const struct pst_pair *p)
{
	if (p->h2)
		return pst_h2_is_idle(p->h2);
	return p->state == PST_PAIR_OPEN && may_begin(p) && !p->tunnel &&
	       !pst_buffer_unknown(&p->in[PST_CLIENT]);
}

void pst_pair_time_out(struct pst_pair *p)
{
	if (p->h2) {
		pst_h2_time_out(p->h2);
		return;
	}
	if (p->state != PST_PAIR_OPEN)
		return;
	if (pst_message_is_in_head(p->up.state))
		deny(p, PST_REASON_TIMEOUT, UINT32_MAX);
	else
		die(p);
}

void pst_pair_renew(struct pst_pair *p, struct pst_ruler *ruler, uint32_t ruleset)
{
	p->next_ruler = ruler;
	p->next_ruleset = ruleset;
	renew(p);
	if (p->h2)
		pst_h2_renew(p->h2, ruler, ruleset);
}

void pst_pair_drain(struct pst_pair *p)
{
	if (p->h2)
		pst_h2_drain(p->h2);
}

void pst_pair_rest(struct pst_pair *p)
{
	if (!p->h2)
		return;
	pst_buffer_trim(&p->in[PST_CLIENT], p->opts.purse);
	pst_h2_rest(p->h2);
}
