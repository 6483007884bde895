/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Passes over what servers usually answer: without the grammar's table and without the automaton of
 * names, whose lines are in no cache when a response comes by.
 *
 * Of a response's head only framing matters. So a line is passed over up to its end as soon as its
 * first bytes say that it is none of Content-Length, Transfer-Encoding and Connection; these three
 * are read when they are written as everybody writes them, and the status line and the head's end.
 * At all else this stops, and the recogniser (bpf/http.h) goes on at the same byte and in the same
 * state: what is skimmed leaves the state that it would have left.
 */

#include "bpf/http_body.h"
#include "bpf/http_data.h"
#include "bpf/http_quiet.h"

enum {
	PST_SKIM_STEPS = 16,		    /* lines, of four bytes at least */
	PST_SKIM_LAST = PST_HTTP_CHUNK - 8, /* where a word can be read */
	PST_SKIM_NEXT_LINE = 2,		    /* behind CR LF */
};

/*
 * Where it is lies in the response's own state while it goes on: `stop`, and `state`, which is
 * VALUE, NAME or STATUS_TEXT. The verifier knows nothing about what is there, so that each step is
 * like any other to it.
 */
struct pst_skim {
	struct pst_http *http;
	const struct pst_http_bytes *bytes;
	__u32 n;
};

PST_INLINE int pst_skim_go(const struct pst_skim *s, __u32 at, __u32 state)
{
	s->http->stop = at;
	s->http->state = (__u8)state;
	return 1;
}

/* Eight bytes at AT, which is at most PST_SKIM_LAST; the first one lowest. */
PST_INLINE __u64 pst_skim_word(const struct pst_skim *s, __u32 at)
{
	const __u8 *bytes = (const __u8 *)s->bytes->words;

	pst_opaque(at);
	return __builtin_bswap64(pst_be64(pst_load64(bytes + (at > PST_SKIM_LAST ? 0 : at))));
}

/* A text of eight bytes, as a word with the first one lowest. */
#define PST_SKIM_TEXT(s)                                                                  \
	((__u64)(s)[0] | (__u64)(s)[1] << 8 | (__u64)(s)[2] << 16 | (__u64)(s)[3] << 24 | \
	 (__u64)(s)[4] << 32 | (__u64)(s)[5] << 40 | (__u64)(s)[6] << 48 | (__u64)(s)[7] << 56)

/* 0x20 where TEXT, in small letters, has one: these come in either case. */
PST_INLINE __u64 pst_skim_letters(__u64 text)
{
	return (text & 0x4040404040404040) >> 1;
}

/* Is WORD the TEXT? */
PST_INLINE int pst_skim_is(__u64 word, __u64 text)
{
	return (word | pst_skim_letters(text)) == text;
}

/* "HTTP/1.1 200 ": the numbers of version and status are read. */
PST_INLINE int pst_skim_status(const struct pst_skim *s)
{
	__u64 word = pst_skim_word(s, 0);
	__u32 status = 0;

	if (s->n <= 13 || (word != PST_SKIM_TEXT("HTTP/1.1") && word != PST_SKIM_TEXT("HTTP/1.0")))
		return 0;
	word = pst_skim_word(s, 8);
	if ((word & 0xff000000ff) != 0x2000000020)
		return 0;
	PST_UNROLL
	for (__u32 i = 1; i < 4; i++) {
		__u32 digit = (__u32)(word >> (8 * i) & 0xff) - '0';

		if (digit > 9)
			return 0;
		status = status * 10 + digit;
	}
	if (status < 100)
		return 0;
	s->http->status = (__u16)status;
	s->http->digits = 3;
	return pst_skim_go(s, 13, PST_HTTP_STATUS_TEXT);
}

/* "Content-Length: N": AT is behind its first eight bytes. How far to go; 0: not understood. */
PST_INLINE __u32 pst_skim_length(const struct pst_skim *s, __u32 at)
{
	struct pst_http *h = s->http;
	__u64 word, length = 0;
	__u32 digits;

	if (at + 16 > PST_HTTP_CHUNK || h->flags & PST_HTTP_HAS_LENGTH ||
	    !pst_skim_is(pst_skim_word(s, at), PST_SKIM_TEXT("length: ")))
		return 0;
	word = pst_skim_word(s, at + 8);
	PST_NO_UNROLL
	for (digits = 0; digits < 7; digits++) {
		__u32 digit = (__u32)(word & 0xff) - '0';

		if (digit > 9 || (digits && !length))
			break;
		length = length * 10 + digit;
		word >>= 8;
	}
	at += 8 + digits;
	if (!digits || (word & 0xff) != '\r' || at >= s->n)
		return 0;
	h->flags |= PST_HTTP_HAS_LENGTH;
	h->length = length;
	h->digits = (__u8)digits;
	return at;
}

/* "Connection: keep-alive", the same. */
PST_INLINE __u32 pst_skim_connection(const struct pst_skim *s, __u32 at)
{
	if (at + 16 > s->n || !pst_skim_is(pst_skim_word(s, at), PST_SKIM_TEXT("on: keep")) ||
	    !pst_skim_is(pst_skim_word(s, at + 8), PST_SKIM_TEXT("-alive\r\n")))
		return 0;
	s->http->flags |= PST_HTTP_KEEP_ALIVE;
	s->http->mark = s->http->pos + at + 4;
	return at + 14;
}

/* "Transfer-Encoding: chunked", the same. */
PST_INLINE __u32 pst_skim_coding(const struct pst_skim *s, __u32 at)
{
	if (at + 20 > s->n || at + 24 > PST_HTTP_CHUNK || s->http->flags & PST_HTTP_CHUNKED ||
	    !pst_skim_is(pst_skim_word(s, at), PST_SKIM_TEXT("-encodin")) ||
	    !pst_skim_is(pst_skim_word(s, at + 8), PST_SKIM_TEXT("g: chunk")) ||
	    !pst_skim_is(pst_skim_word(s, at + 16) << 32, PST_SKIM_TEXT("\0\0\0\0ed\r\n")))
		return 0;
	s->http->flags |= PST_HTTP_CHUNKED;
	s->http->mark = s->http->pos + at + 11;
	return at + 18;
}

/*
 * A line that begins with C or T at AT. It is read up to the CR behind it, where nobody asks any
 * more what it was; or it is another one, and its name goes on.
 */
PST_INLINE int pst_skim_line(const struct pst_skim *s, __u32 at)
{
	__u32 next = ~0U;
	__u64 word;

	if (at + 9 > s->n)
		return 0;
	word = pst_skim_word(s, at);
	if (pst_skim_is(word, PST_SKIM_TEXT("connecti")))
		next = pst_skim_connection(s, at + 8);
	else if (pst_skim_is(word, PST_SKIM_TEXT("transfer")))
		next = pst_skim_coding(s, at + 8);
	else if (pst_skim_is(word, PST_SKIM_TEXT("content-")) &&
		 (pst_skim_word(s, at + 1) >> 56 | 0x20) == 'l')
		next = pst_skim_length(s, at + 8);
	if (next == ~0U)
		pst_skim_go(s, at + 1, PST_HTTP_NAME);
	else if (next)
		pst_skim_go(s, next, PST_HTTP_VALUE);
	return next != 0;
}

/* At a CR, at AT. What is behind it: a line, or the end of the head? */
PST_INLINE int pst_skim_line_end(const struct pst_skim *s, __u32 at)
{
	__u64 word;
	__u32 first;

	if (at > PST_SKIM_LAST || at + 4 > s->n)
		return 0;
	word = pst_skim_word(s, at);
	if ((word & 0xffffffff) == 0x0a0d0a0d) {
		pst_skim_go(s, at + 4, PST_HTTP_DONE);
		return 0;
	}
	first = (word >> 16 & 0xff) | 0x20;
	if ((word & 0xffff) != 0x0a0d || first - 'a' > 'z' - 'a' ||
	    s->http->fields >= PST_MAX_FIELDS)
		return 0;
	at += PST_SKIM_NEXT_LINE;
	if (first != 'c' && first != 't')
		pst_skim_go(s, at + 1, PST_HTTP_VALUE);
	else if (!pst_skim_line(s, at))
		return 0;
	s->http->fields++;
	return 1;
}

/*
 * Where from AT on the first byte is at which something changes, or what was not looked at any
 * more. *RET_WORD begins with it.
 */
PST_INLINE __u32 pst_skim_find(const struct pst_skim *s, __u32 at, int in_name, __u64 *ret_word)
{
	__u64 word = 0, stops;

	PST_NO_UNROLL
	for (__u32 i = 0; i < PST_HTTP_CHUNK / 8 && at <= PST_SKIM_LAST; i++) {
		word = pst_skim_word(s, at);
		stops = in_name ? pst_http_word_stops(word) : pst_http_value_stops(word);
		if (stops) {
			*ret_word = word >> (8 * pst_http_first_stop(stops));
			return at + pst_http_first_stop(stops);
		}
		at += 8;
	}
	*ret_word = 0;
	return at;
}

/* Up to where something changes. False: no further. */
PST_INLINE int pst_skim_step(const struct pst_skim *s)
{
	int in_name = s->http->state == PST_HTTP_NAME;
	__u64 word;
	__u32 at = pst_skim_find(s, s->http->stop, in_name, &word);

	if (at >= s->n)
		at = s->n;
	else if (in_name && (word & 0xff) == ':')
		return pst_skim_go(s, at + 1, PST_HTTP_VALUE);
	s->http->stop = at;
	return at < s->n && !in_name && (word & 0xff) == '\r' && pst_skim_line_end(s, at);
}

PST_CALLBACK long pst_skim_turn(__u32 i, void *ctx)
{
	(void)i;
	return !pst_skim_step(ctx);
}

/* What the recogniser needs to go on behind the AT bytes that were skimmed. */
PST_INLINE void pst_skim_end(const struct pst_skim *s, __u32 at)
{
	struct pst_http *h = s->http;
	__u64 word = __builtin_bswap64(pst_skim_word(s, at < 8 ? 0 : at - 8));

	if (at < 8)
		word = h->window << (8 * at) | word >> (64 - 8 * at);
	h->window = word;
	h->pos += at;
	if (h->state != PST_HTTP_DONE)
		return;
	h->pos--;
	pst_http_head_mark(h);
	h->pos = h->stop;
}

/*
 * How many of the first N of BYTES, behind which there are zeroes, are passed over; 0: none, feed
 * them to the recogniser. H is a response's; it may be DONE behind them.
 */
PST_SUBPROG int pst_http_skim(struct pst_http *h, const struct pst_http_bytes *bytes, __u32 n)
{
	struct pst_skim s = {.http = h, .bytes = bytes, .n = n};
	__u32 at;

	if (!h || !bytes || n > PST_HTTP_CHUNK || h->row || h->flags & PST_HTTP_TRAILER)
		return 0;
	if (h->state == PST_HTTP_STATUS) {
		if (!pst_skim_status(&s))
			return 0;
	} else if (h->state != PST_HTTP_VALUE && h->state != PST_HTTP_NAME) {
		return 0;
	}
	pst_loop(PST_SKIM_STEPS, pst_skim_turn, &s);
	at = h->stop;
	h->stop = 0;
	if (at)
		pst_skim_end(&s, at);
	return (int)at;
}
