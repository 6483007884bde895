/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the recogniser does about field lines: names, the fields that it must know itself, and the
 * fields that the rule set asks for.
 *
 * A field that a rule asks for has a slot, a row of its own automaton. The automaton runs from the
 * colon to the end of the line, blanks and CRLF included, and goes on there when the field comes
 * again: so it sees the lines joined (compiler/header.h).
 */

#include "bpf/http_data.h"

/* The line is over, or the fields are: ROW is where the value's automaton stands behind it. */
PST_INLINE void pst_http_slot_end(struct pst_http *h, __u32 row)
{
	if (!h->slot)
		return;
	h->slots[(h->slot - 1) & (PST_HEADER_SLOTS - 1)] = row;
	h->slot = 0;
	h->row = 0;
}

PST_INLINE void pst_http_slot_begin(struct pst_http *h, const struct pst_table *t, __u32 slot)
{
	const struct pst_ruleset *rs = pst_http_ruleset(h, t);
	__u32 k = (slot - 1) & (PST_HEADER_SLOTS - 1), row = rs->slot_start[k];

	if (h->seen >> k & 1)
		row = h->slots[k];
	h->seen |= (__u8)(1U << k);
	h->slot = (__u8)(k + 1);
	pst_http_run(h, row, rs->slot_classes[k]);
}

/* The fields are over: each slot leaves the combinations that its field, or its absence, matches.
 */
PST_INLINE void pst_http_slots_match(struct pst_http *h, const struct pst_table *t)
{
	const struct pst_ruleset *rs = pst_http_ruleset(h, t);

	for (__u32 k = 0; k < PST_HEADER_SLOTS; k++) {
		if (k >= rs->n_slots)
			break;
		if (h->seen >> k & 1)
			pst_http_match(h, t, h->slots[k]);
		else
			h->allow &= rs->slot_absent[k];
	}
}

PST_INLINE void pst_http_field_begin(struct pst_http *h, const struct pst_table *t, __u32 row,
				     __u32 byte)
{
	__u32 start = t->name_start, classes = t->name_classes;

	pst_http_slot_end(h, row);
	if (++h->fields > PST_MAX_FIELDS) {
		pst_http_fail(h, PST_REASON_FIELD_COUNT);
		return;
	}
	if (!(h->flags & PST_HTTP_RESPONSE)) {
		start = pst_http_ruleset(h, t)->name_start;
		classes = pst_http_ruleset(h, t)->name_classes;
	} else if ((byte | 0x20) != 'c' && (byte | 0x20) != 't') {
		/* Only its framing matters: content-length, transfer-encoding, connection. */
		h->state = PST_HTTP_VALUE;
		return;
	}
	pst_http_run(h, pst_dfa_step(t, start, classes, byte), classes);
}

/* The field comes at most once: FLAG remembers it, REASON says that it is repeated. */
PST_INLINE void pst_http_once(struct pst_http *h, __u32 flag, __u32 reason, __u32 state)
{
	h->state = (__u8)state;
	if (h->flags & flag)
		pst_http_fail(h, reason);
	h->flags |= (__u16)flag;
}

PST_INLINE void pst_http_length_name(struct pst_http *h)
{
	h->length = 0;
	h->digits = 0;
	pst_http_once(h, PST_HTTP_HAS_LENGTH, PST_REASON_LENGTH_REPEATED, PST_HTTP_LENGTH_WS);
}

PST_INLINE void pst_http_name_end_request(struct pst_http *h, __u32 header)
{
	if (header == PST_HEADER_HOST)
		pst_http_once(h, PST_HTTP_HAS_HOST, PST_REASON_HOST_REPEATED, PST_HTTP_HOST_WS);
	else if (header == PST_HEADER_CONTENT_LENGTH)
		pst_http_length_name(h);
	else if (header == PST_HEADER_TRANSFER_ENCODING)
		pst_http_once(h, PST_HTTP_CHUNKED, PST_REASON_TRANSFER_ENCODING,
			      PST_HTTP_CODING_WS);
	else if (header == PST_HEADER_CONNECTION)
		h->state = PST_HTTP_OPTION_WS;
	else if (header == PST_HEADER_UPGRADE)
		pst_http_once(h, PST_HTTP_UPGRADE, PST_REASON_UPGRADE_BAD, PST_HTTP_UPGRADE_WS);
	else if (header == PST_HEADER_EXPECT)
		pst_http_once(h, PST_HTTP_EXPECT, PST_REASON_EXPECT, PST_HTTP_EXPECT_WS);
	else if (header == PST_HEADER_ALIAS)
		pst_http_fail(h, PST_REASON_FIELD_ALIAS);
	else if (header == PST_HEADER_JUDGED_ALIAS)
		pst_http_fail(h, PST_REASON_JUDGED_ALIAS);
}

PST_INLINE void pst_http_name_end_response(struct pst_http *h, __u32 header)
{
	if (h->flags & PST_HTTP_TRAILER)
		return;
	if (header == PST_HEADER_CONTENT_LENGTH)
		pst_http_length_name(h);
	else if (header == PST_HEADER_TRANSFER_ENCODING)
		pst_http_once(h, PST_HTTP_CHUNKED, PST_REASON_TRANSFER_ENCODING,
			      PST_HTTP_CODING_WS);
	else if (header == PST_HEADER_CONNECTION)
		h->state = PST_HTTP_ANY_OPTION_WS;
}

PST_INLINE void pst_http_name_end(struct pst_http *h, const struct pst_table *t, __u32 row)
{
	__u32 tag = (__u32)pst_dfa_tags(t, row), slot = tag >> PST_HEADER_SLOT_SHIFT;

	pst_http_run(h, 0, 0);
	if (h->flags & PST_HTTP_RESPONSE) {
		pst_http_name_end_response(h, tag & PST_HEADER_MASK);
		return;
	}
	/* Some servers take trailers for fields of the head, when it has been judged already. */
	if (h->flags & PST_HTTP_TRAILER) {
		if (tag)
			pst_http_fail(h, PST_REASON_TRAILER);
		return;
	}
	pst_http_name_end_request(h, tag & PST_HEADER_MASK);
	if (slot && h->state != PST_HTTP_ERROR)
		pst_http_slot_begin(h, t, slot);
}

PST_INLINE void pst_http_host_begin(struct pst_http *h, const struct pst_table *t, __u32 byte)
{
	const struct pst_ruleset *rs = pst_http_ruleset(h, t);
	__u32 classes = rs->classes[PST_FIELD_HOST];

	pst_http_run(h, pst_dfa_step(t, rs->start[PST_FIELD_HOST], classes, byte), classes);
}

/* RFC 9110 8.6 wants digits only; a leading zero is octal to some (interfaces.md F.1). */
PST_INLINE void pst_http_length_digit(struct pst_http *h, __u32 byte)
{
	if ((h->digits && !h->length) || ++h->digits > PST_HTTP_MAX_DIGITS)
		pst_http_fail(h, PST_REASON_LENGTH_BAD);
	else
		h->length = h->length * 10 + (byte - '0');
}

/* llhttp takes a blank behind the last coding for a part of its name. */
PST_INLINE void pst_http_coding_end(struct pst_http *h, __u32 byte)
{
	if (!pst_http_token_is(h, 0x6368756e6b6564, 7) /* chunked */
	    || (byte != '\r' && !(h->flags & PST_HTTP_RESPONSE)))
		pst_http_fail(h, PST_REASON_TRANSFER_ENCODING);
}

/* As far as the window shows: without its first three letters. */
PST_INLINE int pst_http_is_keep_alive(const struct pst_http *h)
{
	return pst_http_token_is(h, 0x702d616c697665, 10);
}

/* "te" is what a client says that takes trailers; it names a field that only says so. */
PST_INLINE void pst_http_option_end(struct pst_http *h)
{
	if (pst_http_token_is(h, 0x636c6f7365, 5)) /* close */
		h->flags |= PST_HTTP_CLOSE;
	else if (pst_http_token_is(h, 0x75706772616465, 7)) /* upgrade */
		h->flags |= PST_HTTP_OPTION_UPGRADE;
	else if (h->flags & PST_HTTP_RESPONSE)
		h->flags |= pst_http_is_keep_alive(h) ? PST_HTTP_KEEP_ALIVE : 0;
	else if (!pst_http_token_is(h, 0x7465, 2)) /* te */
		pst_http_fail(h, PST_REASON_CONNECTION);
}

/* What begins with "kee", of a request. */
PST_INLINE void pst_http_keep_end(struct pst_http *h)
{
	if (pst_http_is_keep_alive(h))
		h->flags |= PST_HTTP_KEEP_ALIVE;
	else
		pst_http_fail(h, PST_REASON_CONNECTION);
}

/* What begins with "http2-s", of a request. */
PST_INLINE void pst_http_settings_end(struct pst_http *h)
{
	if (pst_http_token_is(h, 0x657474696e6773, 14)) /* ettings */
		h->flags |= PST_HTTP_OPTION_SETTINGS;
	else
		pst_http_fail(h, PST_REASON_CONNECTION);
}

PST_INLINE void pst_http_upgrade_end(struct pst_http *h)
{
	if (pst_http_token_is(h, 0x683263, 3)) /* h2c */
		h->flags |= PST_HTTP_H2C;
	else if (!pst_http_token_is(h, 0x62736f636b6574, 9)) /* websocket */
		pst_http_fail(h, PST_REASON_UPGRADE);
}

PST_INLINE void pst_http_expect_end(struct pst_http *h)
{
	if (!pst_http_token_is(h, 0x6f6e74696e7565, 12)) /* 100-continue */
		pst_http_fail(h, PST_REASON_EXPECT);
}
