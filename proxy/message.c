// SPDX-License-Identifier: Apache-2.0
#include "proxy/message.h"

#include "compiler/offer.h"
#include "proxy/core.h"

void pst_message_request(struct pst_message *m, const struct pst_ruler *ruler, uint32_t ruleset)
{
	uint32_t index;
	const struct pst_table *t = pst_ruler_table(ruler, ruleset, &index);

	pst_http_request(&m->http, t, index);
	if (pst_ruler_is_any_form(ruler))
		m->http.flags |= PST_HTTP_ANY_FORM;
	m->normal = pst_ruler_normal(ruler);
	m->state = m->normal ? PST_MESSAGE_LINE : PST_MESSAGE_HEAD;
	m->redirect = false;
	m->left = 0;
}

void pst_message_response(struct pst_message *m)
{
	pst_http_response(&m->http);
	m->state = PST_MESSAGE_HEAD;
	m->left = 0;
}

static enum pst_message_event bad(struct pst_message *m, enum pst_reason reason)
{
	pst_http_fail(&m->http, reason);
	return PST_MESSAGE_BAD;
}

/* Walks what is left of the unknown bytes; the part that is being read begins where they do. */
static void walk(struct pst_message *m, const struct pst_table *t, const struct pst_buffer *b)
{
	struct pst_src src = {.bytes = b->v + b->pass};
	struct pst_walk w = {
		.http = &m->http,
		.table = t,
		.src = &src,
		.off = m->http.pos,
		.end = (uint32_t)pst_buffer_unknown(b),
	};

	if (w.off < w.end)
		pst_walk_head(&w);
}

/* The line begins where it becomes shorter: nothing before it waits to be sent. */
static void read_line(struct pst_message *m, struct pst_buffer *b)
{
	char *line = b->v + b->pass;
	size_t len = pst_buffer_unknown(b);
	struct pst_normal_result r;

	if (!pst_normal_is_ready(line, len))
		return;
	r = pst_normal_line(m->normal, line, len);
	b->pass += r.cut;
	pst_buffer_sent(b, r.cut);
	if (r.kept)
		m->http.flags |= PST_HTTP_ANY_FORM;
	m->redirect = r.redirect;
	m->state = PST_MESSAGE_HEAD;
}

/* The head becomes shorter as a request line does, and is read from its first byte on again. */
static void take_offer(struct pst_message *m, const struct pst_table *t, struct pst_buffer *b)
{
	const uint16_t form = m->http.flags & PST_HTTP_ANY_FORM;
	const size_t cut = pst_offer_take(b->v + b->pass, m->http.head);

	b->pass += cut;
	pst_buffer_sent(b, cut);
	pst_http_request(&m->http, t, m->http.ruleset);
	m->http.flags |= form;
}

static enum pst_message_event read_head(struct pst_message *m, const struct pst_table *t,
					struct pst_buffer *b)
{
	walk(m, t, b);
	if (pst_offer_is_held(&m->http)) {
		take_offer(m, t, b);
		walk(m, t, b);
	}
	if (m->http.state == PST_HTTP_ERROR)
		return PST_MESSAGE_BAD;
	if (m->http.state == PST_HTTP_DONE)
		return PST_MESSAGE_BEGUN;
	/* The core gives responses no limit of their own. */
	return m->http.pos > PST_MAX_HEAD ? bad(m, PST_REASON_HEAD_LONG) : PST_MESSAGE_MORE;
}

static enum pst_message_event read_chunk(struct pst_message *m, const struct pst_table *t,
					 struct pst_buffer *b)
{
	walk(m, t, b);
	if (m->http.state == PST_HTTP_ERROR)
		return PST_MESSAGE_BAD;
	if (!pst_http_stopped(&m->http))
		return m->http.pos > PST_MAX_HEAD + PST_MAX_CHUNK_EXT ? bad(m, PST_REASON_HEAD_LONG)
								      : PST_MESSAGE_MORE;
	if (!pst_frames_chunk(&m->frames, &m->http, b->v + b->pass, m->http.stop))
		return bad(m, PST_REASON_PARSERS);
	if (m->http.state == PST_HTTP_DONE)
		return PST_MESSAGE_TRAILERS;
	b->pass += m->http.stop;
	m->left = m->http.length;
	m->state = PST_MESSAGE_DATA;
	return PST_MESSAGE_MORE;
}

/* The data are over: the size line of the next chunk comes, or nothing. */
static enum pst_message_event data_end(struct pst_message *m)
{
	if (!pst_http_continues(&m->http)) {
		m->state = PST_MESSAGE_NONE;
		return PST_MESSAGE_ENDED;
	}
	pst_http_resume(&m->http);
	m->state = PST_MESSAGE_CHUNK;
	return PST_MESSAGE_MORE;
}

static enum pst_message_event read_data(struct pst_message *m, struct pst_buffer *b)
{
	size_t n = pst_buffer_unknown(b);
	bool last;

	n = m->left < n ? (size_t)m->left : n;
	last = n == m->left && !pst_http_continues(&m->http);
	if (!pst_frames_data(&m->frames, b->v + b->pass, n, last))
		return bad(m, PST_REASON_PARSERS);
	b->pass += n;
	m->left -= n;
	return m->left ? PST_MESSAGE_MORE : data_end(m);
}

static enum pst_message_event read_once(struct pst_message *m, const struct pst_table *t,
					struct pst_buffer *b)
{
	switch (m->state) {
	case PST_MESSAGE_LINE:
		read_line(m, b);
		return PST_MESSAGE_MORE;
	case PST_MESSAGE_HEAD:
		return read_head(m, t, b);
	case PST_MESSAGE_DATA:
		return read_data(m, b);
	case PST_MESSAGE_CHUNK:
		return read_chunk(m, t, b);
	case PST_MESSAGE_TO_END:
		b->pass = b->end;
		return PST_MESSAGE_MORE;
	default:
		return PST_MESSAGE_MORE;
	}
}

enum pst_message_event pst_message_read(struct pst_message *m, const struct pst_table *t,
					struct pst_buffer *b)
{
	enum pst_message_event event = PST_MESSAGE_MORE;
	size_t before;
	enum pst_message_state was;

	do {
		before = b->pass;
		was = m->state;
		if (!pst_buffer_unknown(b))
			break;
		event = read_once(m, t, b);
	} while (event == PST_MESSAGE_MORE && (b->pass != before || m->state != was));
	return event;
}

enum pst_message_event pst_message_go_on(struct pst_message *m)
{
	if (m->state == PST_MESSAGE_CHUNK) {
		m->state = PST_MESSAGE_NONE;
		return PST_MESSAGE_ENDED;
	}
	m->left = m->http.length;
	m->state = PST_MESSAGE_DATA;
	return m->left ? PST_MESSAGE_MORE : data_end(m);
}

uint64_t pst_message_movable(const struct pst_message *m)
{
	if (m->state == PST_MESSAGE_TO_END)
		return PST_MESSAGE_ENDLESS;
	return m->state == PST_MESSAGE_DATA && m->left ? m->left - 1 : 0;
}

bool pst_message_moved(struct pst_message *m, uint64_t n)
{
	if (m->state == PST_MESSAGE_TO_END)
		return true;
	if (n >= m->left || !pst_frames_skip(&m->frames, n))
		return false;
	m->left -= n;
	return true;
}

enum pst_reason pst_message_read_again(struct pst_message *m, const struct pst_table *t,
				       uint32_t index, const char *bytes, size_t len)
{
	const struct pst_http before = m->http;
	struct pst_src src = {.bytes = bytes};
	struct pst_http again;
	struct pst_walk w = {.http = &again, .table = t, .src = &src, .end = (uint32_t)len};

	if (len > PST_MAX_HEAD)
		return PST_REASON_REWRITE;
	pst_http_request(&again, t, index);
	again.flags |= before.flags & PST_HTTP_ANY_FORM;
	pst_walk_head(&w);
	if (again.state != PST_HTTP_DONE || again.stop != len || again.flags != before.flags ||
	    again.length != before.length || again.method != before.method)
		return PST_REASON_REWRITE;
	if (!pst_frames_request(&m->frames, &again, bytes, len))
		return PST_REASON_PARSERS;
	m->http = again;
	return PST_REASON_NONE;
}
