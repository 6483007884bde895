/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The end of a head, and the framing of what follows: chunk sizes, extensions, trailers.
 *
 * A driver that finds the recogniser stopped and not in ERROR
 *
 *	skips h->length bytes: the body, or the data of the current chunk;
 *	then, if pst_http_continues(), calls pst_http_resume() and feeds on: a size line or the
 *	trailers come;
 *	else the message is over, and the next head may begin.
 */

#include "bpf/http_data.h"
#include "bpf/http_field.h"

/* Whether framing of the same message follows behind h->length bytes of data. */
PST_INLINE int pst_http_continues(const struct pst_http *h)
{
	return h->state == PST_HTTP_CHUNK_DATA ||
	       (h->state == PST_HTTP_DONE && h->flags & PST_HTTP_CHUNKED &&
		!(h->flags & PST_HTTP_TRAILER));
}

/* Makes H ready for the framing behind the data. A size line has limits of its own. */
PST_INLINE void pst_http_resume(struct pst_http *h)
{
	h->state = h->state == PST_HTTP_DONE ? PST_HTTP_CHUNK_SIZE0 : PST_HTTP_CHUNK_END_CR;
	h->length = 0;
	h->digits = 0;
	h->stop = 0;
	h->pos = 0;
	h->limit = ~0U;
}

/*
 * What the fields of a request that asks for another protocol must not say. An offer of HTTP/2 (RFC
 * 7540 section 3.2) may be on any request of HTTP/1.1 without a body; it names its settings, which
 * nothing else does. With a body (BODY), that could be HTTP/2 to a server that switches too soon.
 */
PST_INLINE __u32 pst_http_upgrade_contradiction(const struct pst_http *h, __u32 body)
{
	__u32 flags = h->flags, options = PST_HTTP_OPTION_UPGRADE, never = PST_HTTP_VERSION_10;

	if (!(flags & PST_HTTP_UPGRADE))
		return flags & PST_HTTP_OPTION_SETTINGS ? PST_REASON_CONNECTION : PST_REASON_NONE;
	if (flags & PST_HTTP_H2C)
		options |= PST_HTTP_OPTION_SETTINGS;
	else
		never |= PST_HTTP_CLOSE | PST_HTTP_OPTION_SETTINGS;
	if ((flags & options) != options || flags & never ||
	    (!(flags & PST_HTTP_H2C) && h->method != PST_METHOD_GET))
		return PST_REASON_UPGRADE_BAD;
	return body ? PST_REASON_H2C : PST_REASON_NONE;
}

/* What the fields of a request, taken together, must not say; PST_REASON_NONE: all is well. */
PST_INLINE __u32 pst_http_contradiction(const struct pst_http *h)
{
	__u32 flags = h->flags, body = h->length || flags & PST_HTTP_CHUNKED;

	if (!(flags & (PST_HTTP_HAS_HOST | PST_HTTP_VERSION_10)))
		return PST_REASON_HOST_MISSING;
	if (flags & PST_HTTP_CHUNKED && flags & PST_HTTP_VERSION_10)
		return PST_REASON_TRANSFER_ENCODING;
	if (flags & PST_HTTP_CHUNKED && flags & PST_HTTP_HAS_LENGTH)
		return PST_REASON_LENGTH_CHUNKED;
	if (flags & PST_HTTP_EXPECT && flags & PST_HTTP_VERSION_10)
		return PST_REASON_EXPECT;
	if (body && (h->method == PST_METHOD_GET || h->method == PST_METHOD_HEAD))
		return PST_REASON_BODY_UNEXPECTED;
	return pst_http_upgrade_contradiction(h, body);
}

PST_INLINE void pst_http_request_end(struct pst_http *h, const struct pst_table *t)
{
	__u32 reason = pst_http_contradiction(h);

	if (reason) {
		pst_http_fail(h, reason);
		return;
	}
	if (!(h->flags & PST_HTTP_HAS_HOST))
		h->allow &= pst_http_ruleset(h, t)->absent[PST_FIELD_HOST];
	pst_http_slots_match(h, t);
}

/* A head ends with the byte at h->pos. */
PST_INLINE void pst_http_head_mark(struct pst_http *h)
{
	h->head = h->stop = h->pos + 1;
	if (h->flags & PST_HTTP_CLOSE ||
	    (h->flags & (PST_HTTP_VERSION_10 | PST_HTTP_KEEP_ALIVE)) == PST_HTTP_VERSION_10)
		h->flags |= PST_HTTP_LAST;
}

/* The empty line behind a head or behind trailers. */
PST_INLINE void pst_http_head_end(struct pst_http *h, const struct pst_table *t)
{
	if (h->flags & PST_HTTP_TRAILER) {
		h->stop = h->pos + 1;
		h->length = 0;
		return;
	}
	pst_http_head_mark(h);
	if (!(h->flags & PST_HTTP_RESPONSE))
		pst_http_request_end(h, t);
}

PST_INLINE void pst_http_chunk_digit(struct pst_http *h, __u32 byte)
{
	__u32 value = byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10;

	if (++h->digits > PST_HTTP_MAX_HEX_DIGITS)
		pst_http_fail(h, PST_REASON_CHUNK_SIZE);
	else
		h->length = h->length << 4 | value;
}

/* All extensions of a request together have a limit: they are bytes that nobody wants. */
PST_INLINE void pst_http_ext_byte(struct pst_http *h)
{
	if (++h->extensions > PST_MAX_CHUNK_EXT)
		pst_http_fail(h, PST_REASON_CHUNK_EXT_LONG);
}

/* Behind the size; servers have padded sizes with blanks, clients have no reason to. */
PST_INLINE void pst_http_ext_begin(struct pst_http *h, __u32 byte)
{
	if (h->flags & PST_HTTP_RESPONSE)
		h->state = PST_HTTP_CHUNK_EXT;
	else if (byte != ';')
		pst_http_fail(h, PST_REASON_CHUNK_SIZE);
	else
		pst_http_ext_byte(h);
}

/*
 * The size line is complete: data follows, or trailers behind the last chunk. What is left of the
 * head's limit is theirs.
 */
PST_INLINE void pst_http_chunk_begin(struct pst_http *h)
{
	h->digits = 0;
	if (h->length) {
		h->stop = h->pos + 1;
		return;
	}
	h->flags |= PST_HTTP_TRAILER;
	h->state = PST_HTTP_FIELD;
	if (!(h->flags & PST_HTTP_RESPONSE))
		h->limit = h->pos + 1 + (PST_MAX_HEAD - h->head);
}
