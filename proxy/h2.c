// SPDX-License-Identifier: Apache-2.0
#include "proxy/h2.h"

#include "base/mem.h"
#include "proxy/h2_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	OUT = 16 * 1024, /* bytes that wait to be sent; the last frame may exceed it */
	OUT_LIMIT = 256 * 1024,
};

int pst_h2_new(const struct pst_pair_opts *opts, struct pst_h2 **ret_h2)
{
	struct pst_h2 *h = pst_mem_calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->opts = *opts;
	pst_h2_memory_init(&h->memory, opts->purse);
	pst_h2_calm_init(&h->calm);
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		h->end[side].h2 = h;
		h->end[side].side = side;
	}
	r = pst_h2_session_new(h, PST_CLIENT);
	if (r) {
		pst_h2_free(&h);
		return r;
	}
	*ret_h2 = h;
	return 0;
}

static void free_session(struct pst_h2_end *end)
{
	nghttp2_session_del(end->ng);
	end->ng = NULL;
}

static void count_heads(struct pst_h2 *h)
{
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		struct pst_h2_end *end = &h->end[side];

		pst_h2_memory_let_go(&h->memory, end->head_counted);
		end->head_counted = pst_h2_head_size(&end->head);
		pst_h2_memory_hold(&h->memory, end->head_counted);
	}
}

void pst_h2_free(struct pst_h2 **h)
{
	if (!*h)
		return;
	pst_h2_memory_wake(&(*h)->memory);
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		struct pst_h2_end *end = &(*h)->end[side];

		free_session(end);
		pst_buffer_fini(&end->out, (*h)->opts.purse);
		pst_h2_head_free(&end->head);
	}
	while ((*h)->streams)
		pst_h2_stream_free((*h)->streams);
	count_heads(*h);
	pst_h2_memory_settle(&(*h)->memory);
	free(*h);
	*h = NULL;
}

static void report(const struct pst_h2 *h, enum pst_reason reason)
{
	const struct pst_pair_event event = {
		.reason = reason, .rule = UINT32_MAX, .number = h->number};

	if (h->opts.on_event)
		h->opts.on_event(h->opts.ctx, &event);
}

void pst_h2_fail(struct pst_h2 *h, enum pst_reason reason)
{
	if (!h->failure)
		h->failure = reason;
}

void pst_h2_close(struct pst_h2 *h, enum pst_reason reason, uint32_t code)
{
	if (h->closing)
		return;
	h->closing = true;
	report(h, reason);
	pst_h2_check(h, nghttp2_session_terminate_session(pst_h2_stir(&h->end[PST_CLIENT]), code));
}

void pst_h2_check(struct pst_h2 *h, int error)
{
	if (error == NGHTTP2_ERR_NOMEM)
		pst_h2_fail(h, PST_REASON_PROXY_LIMIT);
	else if (error < 0 && nghttp2_is_fatal(error))
		pst_h2_fail(h, PST_REASON_IMPOSSIBLE);
}

/* The server says nothing more. What it has not finished will not come. */
static void lose_server(struct pst_h2 *h)
{
	struct pst_h2_stream *next;

	if (h->server_gone)
		return;
	h->server_gone = h->want_drain = true;
	free_session(&h->end[PST_SERVER]);
	for (struct pst_h2_stream *s = h->streams; s; s = next) {
		next = s->next;
		s->broken = true;
		pst_h2_stream_closed(s, PST_SERVER, NGHTTP2_INTERNAL_ERROR);
	}
}

/* The client must not begin what would be lost. In the middle of a block it is too early. */
static void say_goodbye(struct pst_h2 *h)
{
	nghttp2_session *ng = h->end[PST_CLIENT].ng;

	if (!h->want_drain || h->draining || h->end[PST_CLIENT].in_head)
		return;
	h->draining = true;
	pst_h2_check(h, nghttp2_submit_goaway(pst_h2_stir(&h->end[PST_CLIENT]), NGHTTP2_FLAG_NONE,
					      nghttp2_session_get_last_proc_stream_id(ng),
					      NGHTTP2_NO_ERROR, NULL, 0));
}

/* After an error in what the server says, or when it takes no more and everything is answered. */
static bool is_server_over(const struct pst_h2 *h)
{
	nghttp2_session *ng = h->end[PST_SERVER].ng;

	return ng && !nghttp2_session_want_read(ng) && !nghttp2_session_want_write(ng);
}

void pst_h2_weigh(struct pst_h2 *h)
{
	count_heads(h);
	if (pst_h2_memory_is_over(&h->memory))
		pst_h2_fail(h, PST_REASON_PROXY_LIMIT);
	if (pst_purse_is_over(h->opts.purse))
		pst_h2_fail(h, pst_purse_reason(h->opts.purse));
}

static void settle(struct pst_h2 *h)
{
	if (h->state == PST_PAIR_DEAD)
		return;
	if (is_server_over(h))
		lose_server(h);
	pst_h2_weigh(h);
	if (h->failure) {
		report(h, h->failure);
		h->state = PST_PAIR_DEAD;
	} else if (h->state == PST_PAIR_OPEN) {
		say_goodbye(h);
		if (h->closing || !nghttp2_session_want_read(h->end[PST_CLIENT].ng))
			h->state = PST_PAIR_CLOSING;
	}
}

/* Too many frames wait for a peer that does not read. */
static bool is_congested(const struct pst_h2 *h)
{
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		nghttp2_session *ng = h->end[side].ng;

		if (ng && nghttp2_session_get_outbound_queue_size(ng) > PST_H2_QUEUE)
			return true;
	}
	return false;
}

size_t pst_h2_room(struct pst_h2 *h, enum pst_side side, char **ret_at)
{
	(void)side;
	if (h->state != PST_PAIR_OPEN || (!h->memory.is_resting && is_congested(h)))
		return 0;
	*ret_at = h->opts.purse->all->desk;
	return PST_MEMORY_DESK;
}

/* What nghttp2 could not read. */
static void cannot_read(struct pst_h2 *h, enum pst_side side, int error)
{
	if (h->failure || h->closing)
		return;
	if (error == NGHTTP2_ERR_NOMEM)
		pst_h2_fail(h, PST_REASON_PROXY_LIMIT);
	else if (side == PST_SERVER)
		lose_server(h);
	else if (error == NGHTTP2_ERR_FLOODED)
		pst_h2_close(h, PST_REASON_H2_FLOOD, NGHTTP2_ENHANCE_YOUR_CALM);
	else
		pst_h2_close(h, PST_REASON_H2_MALFORMED, NGHTTP2_PROTOCOL_ERROR);
}

/* What came is read as a whole, or the connection cannot go on. */
static void read_bytes(struct pst_h2 *h, enum pst_side side, const char *bytes, size_t n)
{
	struct pst_h2_end *end = &h->end[side];
	ssize_t r = 0;

	pst_h2_memory_wake(&h->memory);
	if (end->ng)
		r = nghttp2_session_mem_recv(pst_h2_stir(end), (const uint8_t *)bytes, n);
	if (r < 0)
		cannot_read(h, side, (int)r);
	/* A server's bytes before anything was asked. */
	if (side == PST_SERVER && !end->ng && !h->server_gone) {
		report(h, PST_REASON_ANSWER);
		lose_server(h);
	}
	settle(h);
}

void pst_h2_received(struct pst_h2 *h, enum pst_side side, size_t n)
{
	if (n)
		read_bytes(h, side, h->opts.purse->all->desk, n);
}

void pst_h2_take(struct pst_h2 *h, const char *bytes, size_t len)
{
	if (h->state == PST_PAIR_OPEN && len)
		read_bytes(h, PST_CLIENT, bytes, len);
}

void pst_h2_ended(struct pst_h2 *h, enum pst_side side)
{
	if (h->state != PST_PAIR_OPEN)
		return;
	pst_h2_memory_wake(&h->memory);
	if (side == PST_SERVER)
		lose_server(h);
	else
		h->state = PST_PAIR_CLOSING;
	settle(h);
}

/* Copies frames into the end's buffer, until there are enough to be worth a system call. */
static void fill(struct pst_h2 *h, struct pst_h2_end *end)
{
	struct pst_buffer *b = &end->out;

	while (pst_buffer_passed(b) < OUT && end->ng && !end->quiet && !h->failure) {
		const uint8_t *bytes;
		ssize_t left;

		end->quiet = true;
		left = nghttp2_session_mem_send(end->ng, &bytes);
		if (left < 0)
			pst_h2_check(h, (int)left);
		if (left <= 0)
			return;
		end->quiet = false;
		if (!pst_buffer_append(b, (const char *)bytes, (size_t)left, OUT_LIMIT,
				       h->opts.purse)) {
			pst_h2_fail(h, pst_purse_reason(h->opts.purse));
			return;
		}
	}
}

size_t pst_h2_pending(struct pst_h2 *h, enum pst_side side, const char **ret_at)
{
	struct pst_h2_end *end = &h->end[side];

	if (h->state == PST_PAIR_DEAD || (side == PST_SERVER && h->state != PST_PAIR_OPEN) ||
	    h->memory.is_resting)
		return 0;
	if (!pst_buffer_passed(&end->out) && !end->quiet) {
		fill(h, end);
		settle(h);
		if (h->state == PST_PAIR_DEAD)
			return 0;
	}
	*ret_at = end->out.v ? end->out.v + end->out.begin : NULL;
	return pst_buffer_passed(&end->out);
}

void pst_h2_sent(struct pst_h2 *h, enum pst_side side, size_t n)
{
	struct pst_buffer *b = &h->end[side].out;

	pst_buffer_sent(b, n);
	/* The next connection finds it where it is still in the caches. */
	if (!h->streams || b->cap == PST_BUFFER_FIRST)
		pst_buffer_trim(b, h->opts.purse);
}

enum pst_pair_state pst_h2_state(const struct pst_h2 *h)
{
	return h->state;
}

uint32_t pst_h2_number(const struct pst_h2 *h)
{
	return h->number;
}

bool pst_h2_is_in_head(const struct pst_h2 *h)
{
	const struct pst_h2_end *end = &h->end[PST_CLIENT];

	return h->state == PST_PAIR_OPEN && (end->in_head || !end->greeted);
}

bool pst_h2_is_idle(struct pst_h2 *h)
{
	const char *unused;

	return h->state == PST_PAIR_OPEN && !h->streams && !h->end[PST_CLIENT].in_head &&
	       !pst_h2_pending(h, PST_CLIENT, &unused);
}

void pst_h2_time_out(struct pst_h2 *h)
{
	pst_h2_memory_wake(&h->memory);
	if (h->state == PST_PAIR_OPEN && pst_h2_is_in_head(h))
		pst_h2_close(h, PST_REASON_TIMEOUT, NGHTTP2_ENHANCE_YOUR_CALM);
	else
		h->state = PST_PAIR_DEAD;
	settle(h);
}

void pst_h2_renew(struct pst_h2 *h, struct pst_ruler *ruler, uint32_t ruleset)
{
	const bool asked = h->opts.ruleset != PST_PAIR_UNJUDGED &&
			   pst_ruler_is_header_asked(h->opts.ruler, h->opts.ruleset);

	/* Streams whose head the policy that goes has judged, and whose trailers are to come. */
	for (struct pst_h2_stream *s = h->streams; asked && s; s = s->next)
		s->no_trailers |= s->judged;
	h->opts.ruler = ruler;
	h->opts.ruleset = ruleset;
}

void pst_h2_drain(struct pst_h2 *h)
{
	pst_h2_memory_wake(&h->memory);
	h->want_drain = true;
	settle(h);
}

void pst_h2_rest(struct pst_h2 *h)
{
	const char *unused;

	if (!pst_h2_is_idle(h) || h->end[PST_SERVER].in_head ||
	    pst_h2_pending(h, PST_SERVER, &unused))
		return;
	/* The last stream has ended behind the last look at them. */
	for (int side = PST_CLIENT; side <= PST_SERVER; side++) {
		pst_buffer_trim(&h->end[side].out, h->opts.purse);
		pst_h2_head_free(&h->end[side].head);
	}
	count_heads(h);
	pst_h2_memory_rest(&h->memory);
}
